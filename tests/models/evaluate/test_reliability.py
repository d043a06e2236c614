from pathlib import Path

import numpy as np
import pytest

from platepost.models.evaluate.reliability import Bin, binned, brier_score, draw, expected_calibration_error


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
    pytest.importorskip("matplotlib", reason="matplotlib is missing: make .venv/.development")
    path = tmp_path / "reliability.png"
    draw(path, {"one": ([0.2, 0.9], [False, True]), "all right": ([0.5] * 38, [True] * 38)})
    assert path.read_bytes().startswith(b"\x89PNG")


def test_reads_of_one_confidence_share_a_bin_whatever_their_order() -> None:
    right, wrong = [True] * 900, [False] * 100
    assert expected_calibration_error([0.9] * 1000, right + wrong) == pytest.approx(0)
    confidences = [0.2] * 3 + [0.5] * 14 + [0.8] * 3
    for truth in ([True] * 10 + [False] * 10, [False, True] * 10):
        parts = binned(confidences, truth, bins=4)
        assert [part.count for part in parts] == [3, 14, 3]
    assert [part.count for part in binned([n / 23 for n in range(23)], [True] * 23, bins=4)] == [6, 6, 6, 5]
