import json
from pathlib import Path

import pytest

from platepost.common.errors import ModelError
from platepost.device.vision.calibration import Calibration
from platepost.device.vision.interpreter import Network
from platepost.device.vision.modelfiles import shipped


def write(path: Path, **changes: object) -> Path:
    path.with_suffix(".json").write_text(json.dumps({"reader": "d", "slope": 0.5, "intercept": 0.2} | changes))
    return path


def test_the_plain_one_changes_nothing() -> None:
    assert [Calibration()(claim) for claim in (0.01, 0.5, 0.97)] == pytest.approx([0.01, 0.5, 0.97])


def test_order_is_kept_and_the_ends_stay_probabilities() -> None:
    told = [Calibration(slope=0.5, intercept=0.2)(claim) for claim in (0.0, 0.1, 0.5, 0.9, 1.0)]
    assert told == sorted(told)
    assert told[2] == pytest.approx(0.5498, abs=1e-4)
    assert 0 < told[0] < told[-1] < 1


def test_found_beside_its_reader(tmp_path: Path) -> None:
    path = write(tmp_path / "reader.tflite")
    assert Calibration.beside(path, digest="d") == Calibration(slope=0.5, intercept=0.2)


def test_without_file_or_for_another_reader_nothing_is_scaled(tmp_path: Path) -> None:
    assert Calibration.beside(tmp_path / "other.tflite", digest="d") == Calibration()
    assert Calibration.beside(write(tmp_path / "reader.tflite"), digest="other") == Calibration()


@pytest.mark.parametrize("changes", [{"slope": 0}, {"slope": -1}, {"intercept": float("nan")}, {"slope": "steep"}])
def test_numbers_that_make_no_probability_are_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    path = write(tmp_path / "reader.tflite", **changes)
    with pytest.raises(ModelError, match=r"reader\.json"):
        Calibration.beside(path, digest="d")


def test_damage_is_named(tmp_path: Path) -> None:
    (tmp_path / "reader.json").write_text("{")
    with pytest.raises(ModelError, match=r"reader\.json"):
        Calibration.beside(tmp_path / "reader.tflite", digest="d")


def test_the_shipped_calibration_is_of_the_shipped_reader() -> None:
    path = shipped("reader.tflite")
    told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert told["reader"] == Network(path).digest, "another reader.tflite: run platepost models calibrate"
