import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

from device.vision.modelfiles import shipped
from models.calibration.cli import calibrate


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    return Path(shutil.copy(shipped("reader.tflite"), tmp_path / "reader.tflite"))


def test_the_numbers_lie_beside_the_reader(reader: Path, mocker: MockerFixture) -> None:
    mocker.patch("models.plates.fonts.fetch")
    result = CliRunner().invoke(calibrate, ["--plates", "200", str(reader)])
    assert result.exit_code == 0, result.output
    told = json.loads(reader.with_suffix(".json").read_text())
    assert told["slope"] > 0
    assert told["fitted_to"] == ["100 drawn plates, seed 31"]
    assert "after, 100 other drawn plates" in result.output
