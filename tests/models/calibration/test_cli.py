import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

from platepost.device.vision.modelfiles import shipped
from platepost.models.calibration.cli import calibrate
from platepost.models.reader.real import RealPlate

BOX = (0.0, 0.0, 160.0, 64.0)


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    return Path(shutil.copy(shipped("reader.tflite"), tmp_path / "reader.tflite"))


def test_the_numbers_lie_beside_the_reader(reader: Path, mocker: MockerFixture) -> None:
    mocker.patch("platepost.models.plates.fonts.fetch")
    result = CliRunner().invoke(calibrate, ["--plates", "100", str(reader)])
    assert result.exit_code == 0, result.output
    told = json.loads(reader.with_suffix(".json").read_text())
    assert told["slope"] > 0
    assert told["fitted_to"] == ["50 drawn plates, seed 31"]
    assert "after, 50 other drawn plates" in result.output


@pytest.mark.parametrize("weight", ["-1", "nan"])
def test_a_weight_that_makes_no_calibration_writes_none(reader: Path, mocker: MockerFixture, weight: str) -> None:
    mocker.patch("platepost.models.plates.fonts.fetch")
    real = RealPlate(np.zeros((64, 160), np.uint8), BOX, "A1")
    mocker.patch("platepost.models.calibration.cli.parted", return_value=([], [real]))
    arguments = ["--plates", "100", "--weight", weight, "--photos", str(reader.parent), str(reader)]
    result = CliRunner().invoke(calibrate, arguments)
    assert result.exit_code != 0
    assert "weight" in result.output
    assert not reader.with_suffix(".json").exists()
