import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from platepost.common.errors import PictureError
from platepost.device.vision.modelfiles import shipped
from platepost.device.vision.reader import Reader
from platepost.models.evaluate.manifest import ManifestError
from platepost.models.plates import render_plate
from platepost.models.reader.real import RealPlate, is_held_out, load_crops, load_photos, parted, read_plates


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture = np.full((100, 300), 40, np.uint8)
    picture[30:70, 100:180] = 220
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    write(tmp_path, {"box": [100, 30, 180, 70], "text": "AB12"}, {"box": [0, 0, 5, 5]})
    return tmp_path


def write(folder: Path, *plates: dict[str, object]) -> None:
    (folder / "manifest.json").write_text(json.dumps({"images": [{"file": "a.png", "plates": plates}]}))


def test_load_photos_takes_plates_with_a_text(folder: Path) -> None:
    (plate,) = load_photos(folder)
    assert plate.text == "AB12"
    assert plate.width == 80


def test_rectified_leaves_four_per_cent_around_the_plate(folder: Path) -> None:
    (plate,) = load_photos(folder)
    picture = plate.rectified()
    assert picture.shape == (64, 160)
    columns = np.flatnonzero(picture[32] > 130)
    assert abs(columns[0] - 6.4) <= 2
    assert abs(columns[-1] - 153.6) <= 2


def test_framed_leaves_an_eighth(folder: Path) -> None:
    picture = load_photos(folder)[0].framed()
    assert picture.shape == (96, 240)
    assert abs(np.flatnonzero(picture[48] > 130)[0] - 24) <= 2


def test_load_crops_resizes_the_whole_picture(folder: Path) -> None:
    (folder / "manifest.json").write_text(json.dumps({"images": [{"file": "a.png", "text": "cd 34"}]}))
    ((picture, text),) = load_crops(folder)
    assert picture.shape == (64, 160)
    assert text == "CD34"


def test_held_out_is_about_one_in_seven() -> None:
    empty = np.zeros((1, 1), np.uint8)
    share = np.mean([is_held_out(RealPlate(empty, (0, 0, 1, 1), f"{n:06d}")) for n in range(2000)])
    assert 0.1 < share < 0.19


def test_of_plates_without_a_text_those_count_that_a_reader_is_sure_of(folder: Path) -> None:
    plate = cv2.cvtColor(render_plate(np.random.default_rng(4), text="7KLM382", height=100).image, cv2.COLOR_BGR2GRAY)
    picture = np.full((300, 700), 90, np.uint8)
    picture[100:200, 40:240] = cv2.resize(plate, (200, 100))
    cv2.imwrite(str(folder / "a.png"), picture)
    boxes: list[dict[str, object]] = [{"box": [40, 100, 240, 200]}, {"box": [450, 100, 650, 200]}]
    write(folder, {"box": [300, 100, 330, 115], "text": "AB12"}, *boxes)
    assert [one.text for one in read_plates(folder, Reader(shipped("reader.tflite")))] == ["AB12", "7KLM382"]


def test_missing_picture_is_named(folder: Path) -> None:
    (folder / "a.png").unlink()
    with pytest.raises(PictureError, match=r"a\.png"):
        load_photos(folder)


@pytest.mark.parametrize("written", ["ABC-123", "abc123", "ABC 123"])
def test_texts_are_taken_as_the_network_writes_them(folder: Path, written: str) -> None:
    write(folder, {"box": [100, 30, 180, 70], "text": written})
    assert load_photos(folder)[0].text == "ABC123"
    texts = folder / "texts.json"
    texts.write_text(json.dumps({"texts": [{"file": "a.png", "box": [0, 0, 9, 5], "text": written}]}))
    assert [plate.text for plate in load_photos(folder, texts)] == ["ABC123", "ABC123"]


def test_a_character_that_the_network_has_no_class_for_is_refused(folder: Path) -> None:
    write(folder, {"box": [100, 30, 180, 70], "text": "\u00c4B12"})
    with pytest.raises(ManifestError, match=r"a\.png: text"):
        load_photos(folder)


def test_crops_are_no_photos_and_photos_no_crops(folder: Path) -> None:
    with pytest.raises(ManifestError, match="is a photo"):
        load_crops(folder)
    (folder / "manifest.json").write_text(json.dumps({"images": [{"file": "a.png", "text": "CD34"}]}))
    with pytest.raises(ManifestError, match="is a plate cut out"):
        load_photos(folder)


def test_a_set_that_leaves_nothing_to_hold_out_is_refused(folder: Path) -> None:
    with pytest.raises(ManifestError, match="too few"):
        parted(folder)
    write(folder, *({"box": [100, 30, 180, 70], "text": f"AB{number}"} for number in range(40)))
    learnt, held = parted(folder)
    assert len(learnt) + len(held) == 40
    assert {is_held_out(plate) for plate in held} == {True}
