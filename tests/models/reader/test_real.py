import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.reader.real import RealPlate, is_held_out, load_crops, load_photos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture = np.full((100, 300), 40, np.uint8)
    picture[30:70, 100:180] = 220
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    plates = [{"box": [100, 30, 180, 70], "text": "AB12"}, {"box": [0, 0, 5, 5]}]
    images = [{"file": "a.png", "text": "CD34", "plates": plates}]
    (tmp_path / "manifest.json").write_text(json.dumps({"images": images}))
    return tmp_path


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
    ((picture, text),) = load_crops(folder)
    assert picture.shape == (64, 160)
    assert text == "CD34"


def test_held_out_is_about_one_in_seven() -> None:
    empty = np.zeros((1, 1), np.uint8)
    share = np.mean([is_held_out(RealPlate(empty, (0, 0, 1, 1), f"{n:06d}")) for n in range(2000)])
    assert 0.1 < share < 0.19


def test_missing_picture_is_named(folder: Path) -> None:
    (folder / "a.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"a\.png"):
        load_photos(folder)
