import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from platepost.models.evaluate.manifest import ManifestError
from platepost.models.scenes.photos import DOUBTFUL, PhotoStore, split


def make_folder(folder: Path, size: tuple[int, int]) -> Path:
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), np.full((size[1], size[0], 3), (10, 20, 30), np.uint8))
    manifest = {"images": [{"file": "a.png", "plates": [{"box": [100, 50, 180, 90]}]}]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_photos_are_kept_with_their_boxes(tmp_path: Path) -> None:
    store = PhotoStore([make_folder(tmp_path / "set", (400, 300))], cache=tmp_path / "photos.bin")
    assert len(store) == 1
    assert store[0].name == "set/a"
    assert store[0].pixels.shape == (300, 400, 3)
    assert store[0].pixels[7, 9].tolist() == [10, 20, 30]
    assert store[0].boxes.tolist() == [[100, 50, 180, 90]]


def test_large_photos_are_scaled_with_their_boxes(tmp_path: Path) -> None:
    store = PhotoStore([make_folder(tmp_path / "set", (2560, 1440))], cache=tmp_path / "photos.bin")
    assert store[0].pixels.shape == (720, 1280, 3)
    assert store[0].boxes.tolist() == [[50, 25, 90, 45]]


def test_a_second_start_needs_the_cache_only(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "set", (400, 300))
    PhotoStore([folder], cache=tmp_path / "photos.bin")
    (folder / "a.png").unlink()
    assert len(PhotoStore([folder], cache=tmp_path / "photos.bin")) == 1


def test_other_folders_or_boxes_make_the_cache_anew(tmp_path: Path) -> None:
    first, second = make_folder(tmp_path / "set", (400, 300)), make_folder(tmp_path / "more", (400, 300))
    before = PhotoStore([first], cache=tmp_path / "photos.bin")
    store = PhotoStore([first, second], cache=tmp_path / "photos.bin")
    assert [photo.name for photo in store] == ["set/a", "more/a"]
    manifest = first / "manifest.json"
    manifest.write_text(manifest.read_text().replace("180", "190"))
    assert PhotoStore([first], cache=tmp_path / "photos.bin")[0].boxes.tolist() == [[100, 50, 190, 90]]
    assert before[0].pixels[7, 9].tolist() == [10, 20, 30]  # who has the old one mapped keeps it


def test_a_cache_that_does_not_say_what_it_was_made_of_is_made_anew(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "set", (400, 300))
    PhotoStore([folder], cache=tmp_path / "photos.bin")
    (tmp_path / "photos.json").write_text("[]")
    assert len(PhotoStore([folder], cache=tmp_path / "photos.bin")) == 1


def test_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"manifest\.json: cannot be read"):
        PhotoStore([tmp_path], cache=tmp_path / "photos.bin")


def test_plates_cut_out_are_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "set", (400, 300))
    (folder / "manifest.json").write_text(json.dumps({"images": [{"file": "a.png", "text": "7ABC123"}]}))
    with pytest.raises(ManifestError, match="plate cut out"):
        PhotoStore([folder], cache=tmp_path / "photos.bin")


def test_doubtful_places_are_told_and_are_no_plates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful = tmp_path / "doubtful.json"
    doubtful.write_text(json.dumps({"set/a": [[100, 50, 180, 91], [300, 20, 340, 40]]}))
    monkeypatch.setattr("platepost.models.scenes.photos.DOUBTFUL", doubtful)
    store = PhotoStore([make_folder(tmp_path / "set", (400, 300))], cache=tmp_path / "photos.bin")
    assert store[0].boxes.shape == (0, 4)
    assert store[0].doubtful.tolist() == [[100, 50, 180, 91], [300, 20, 340, 40]]


def test_shipped_list_of_doubtful_places_is_sound() -> None:
    places = json.loads(DOUBTFUL.read_text(encoding="utf-8"))
    assert len(places) > 100
    for boxes in places.values():
        for left, top, right, bottom in boxes:
            assert left < right
            assert top < bottom


@pytest.mark.parametrize(("folder", "photos", "held"), [("open_images", 12, range(3, 4)), ("gate", 300, range(16, 50))])
def test_held_out_photos_are_apart_and_always_the_same(folder: str, photos: int, held: range) -> None:
    names = [f"{folder}/{number}" for number in range(photos)]
    learned, kept = split(names)
    assert sorted(learned + kept) == list(range(photos))
    assert len(kept) in held
    assert split(names) == (learned, kept)


def test_open_images_photos_are_held_out_as_ever() -> None:
    names = ["gate/0", *(f"open_images/{number}" for number in range(12))]
    assert split(names)[1] == sorted(np.random.default_rng(7).choice(range(1, 13), size=3, replace=False).tolist())
