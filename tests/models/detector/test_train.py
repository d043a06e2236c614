import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

torch = pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")

from platepost.models.cli import models
from platepost.models.detector.convert import load_weights
from platepost.models.detector.train import Training, TrainingProgress, schedule, train
from platepost.models.detector.windows import Augmentation
from platepost.models.evaluate.manifest import ManifestError
from platepost.models.plates import render_plate
from platepost.models.scenes.photos import PhotoStore


@pytest.fixture
def store(tmp_path: Path) -> PhotoStore:
    folder = tmp_path / "open_images"
    folder.mkdir()
    images = []
    for number in range(12):
        pixels = np.full((240, 320, 3), 60 + number, np.uint8)
        pixels[100:130, 120:180] = 230
        cv2.imwrite(str(folder / f"{number}.png"), pixels)
        images.append({"file": f"{number}.png", "plates": [{"box": [120, 100, 180, 130]}]})
    (folder / "manifest.json").write_text(json.dumps({"images": images}))
    return PhotoStore([folder], cache=tmp_path / "photos.bin")


def photos_of_a_gate(tmp_path: Path, count: int) -> PhotoStore:
    folder = tmp_path / "gate"
    folder.mkdir()
    cv2.imwrite(str(folder / "one.png"), np.zeros((20, 40, 3), np.uint8))
    for number in range(count):
        (folder / f"{number}.png").symlink_to("one.png")
    images = [{"file": f"{number}.png", "plates": []} for number in range(count)]
    (folder / "manifest.json").write_text(json.dumps({"images": images}))
    return PhotoStore([folder], cache=tmp_path / "gate.bin")


def test_training_without_validation_is_refused(tmp_path: Path) -> None:
    one = [np.zeros((8, 8, 3), np.uint8)]
    with pytest.raises(ManifestError, match="of 1 photos 0 are held out"):
        train(Training(tmp_path), store=photos_of_a_gate(tmp_path, 1), plates=one, distractors=one, report=print)


def test_training_goes_on_from_its_checkpoint(store: PhotoStore, tmp_path: Path) -> None:
    white, black = np.full((32, 64, 3), 255, np.uint8), np.zeros((32, 64, 3), np.uint8)
    augmentation = Augmentation(height=80, width=96)
    folder = tmp_path / "run"

    def go(steps: int) -> list[TrainingProgress]:
        reports: list[TrainingProgress] = []
        training = Training(folder, steps=steps, batch=2, augmentation=augmentation, checkpoint_minutes=60)
        train(training, store=store, plates=[white], distractors=[black], report=reports.append)
        return reports

    first = go(2)
    assert [report.step for report in first] == [2]
    assert first[0].validation is not None
    assert "recall" in first[0].validation
    before = torch.load(folder / "last.pt", weights_only=True)
    assert before["step"] == 2
    assert [report.step for report in go(3)] == [3]
    after = torch.load(folder / "last.pt", weights_only=True)
    assert after["step"] == 3
    assert not torch.equal(before["net"]["head.convolution.weight"], after["net"]["head.convolution.weight"])
    assert load_weights(folder / "best.pt").training is False


def test_rate_rises_then_falls() -> None:
    training = Training(Path(), steps=1000, warmup=100)
    rates = [schedule(step, training) for step in (0, 50, 100, 550, 1000)]
    assert rates[0] < rates[1] < rates[2]
    assert rates[2] > rates[3] > rates[4] > 0
    assert rates[2] == pytest.approx(1)


def test_fonts_are_fetched_before_plates_are_drawn(store: PhotoStore, tmp_path: Path, mocker: MockerFixture) -> None:
    """The first plates would else be drawn in the few fonts of a bare machine."""
    done: list[str] = []
    mocker.patch("platepost.models.plates.fonts.fetch", side_effect=lambda: done.append("fetched"))
    plate = render_plate(np.random.default_rng(1))
    mocker.patch("platepost.models.plates.render_plate", side_effect=lambda *_, **__: done.append("drawn") or plate)
    mocker.patch("platepost.models.detector.train.train", return_value=tmp_path / "best.pt")
    arguments = ["train", "detector", str(tmp_path / "run"), "--photos", str(tmp_path / "open_images"), "--plates", "1"]
    result = CliRunner().invoke(models, arguments)
    assert result.exit_code == 0, result.output
    assert done == ["fetched", "drawn"]
