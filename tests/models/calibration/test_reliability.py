from pathlib import Path

import numpy as np
import pytest

from models.calibration.reliability import Bin, binned, brier_score, draw, expected_calibration_error


def test_bins_hold_equally_many_in_order_of_confidence() -> None:
    parts = binned([0.9, 0.1, 0.8, 0.2], [True, False, True, True], bins=2)
    assert [(part.count, part.confidence, part.right) for part in parts] == [
        (2, pytest.approx(0.15), 0.5),
        (2, pytest.approx(0.85), 1.0),
    ]


def test_few_reads_make_few_bins() -> None:
    assert len(binned([0.5, 0.6], [True, False])) == 2


def test_honest_confidence_has_no_error_and_boasting_has_what_it_boasts() -> None:
    rng = np.random.default_rng(3)
    confidences = rng.random(50_000)
    right = rng.random(50_000) < confidences
    assert expected_calibration_error(list(confidences), list(right)) < 0.01
    assert expected_calibration_error([0.9] * 100, [True] * 60 + [False] * 40, bins=1) == pytest.approx(0.3)


def test_brier_score() -> None:
    assert brier_score([1.0, 0.0], [True, False]) == 0
    assert brier_score([0.5, 0.5], [True, False]) == pytest.approx(0.25)
    assert brier_score([0.8], [False]) == pytest.approx(0.64)


def test_interval_is_wilsons() -> None:
    low, high = Bin(10, 0.8, 0.8).interval
    assert (low, high) == (pytest.approx(0.490, abs=0.001), pytest.approx(0.943, abs=0.001))


def test_the_diagram_is_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the evaluation extra is not installed")
    path = tmp_path / "reliability.png"
    draw(path, {"one": ([0.2, 0.9], [False, True]), "all right": ([0.5] * 38, [True] * 38)})
    assert path.read_bytes().startswith(b"\x89PNG")
