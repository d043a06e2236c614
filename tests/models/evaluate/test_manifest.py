import json
from pathlib import Path

import pytest

from platepost.models.evaluate.manifest import ManifestError, TruePlate, read_manifest, read_transcriptions


def write(folder: Path, content: object) -> Path:
    path = folder / "manifest.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_photos_and_crops_are_read(tmp_path: Path) -> None:
    images = [
        {"file": "a/photo.jpg", "plates": [{"box": [1, 2, 30, 14], "text": "7ABC123"}, {"box": [40, 2, 60, 14]}]},
        {"file": "crop.jpg", "text": "XYZ 12"},
        {"file": "road.jpg", "plates": []},
    ]
    manifest = read_manifest(write(tmp_path, {"name": "two streets", "images": images}))
    photo, crop, road = manifest.pictures
    assert manifest.name == "two streets"
    assert photo.path == tmp_path / "a" / "photo.jpg"
    assert photo.plates == (TruePlate("7ABC123", (1, 2, 30, 14)), TruePlate(None, (40, 2, 60, 14)))
    assert crop.plates == (TruePlate("XYZ 12", None),)
    assert road.plates == ()


def test_who_issued_a_plate_is_read_where_it_is_said(tmp_path: Path) -> None:
    box = [1, 2, 30, 14]
    images = [
        {"file": "photo.jpg", "plates": [{"box": box, "text": "7ABC123", "region": "US-CA"}, {"box": box}]},
        {"file": "crop.jpg", "text": "XYZ12", "state": "NV"},
        {"file": "other.jpg", "text": "XYZ13"},
    ]
    manifest = read_manifest(write(tmp_path, {"images": images}))
    regions = [plate.region for picture in manifest.pictures for plate in picture.plates]
    assert regions == ["US-CA", None, "US-NV", None]


def test_a_folder_stands_for_its_manifest(tmp_path: Path) -> None:
    write(tmp_path, {"images": [{"file": "crop.jpg", "text": "A1"}]})
    assert read_manifest(tmp_path).path == tmp_path / "manifest.json"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON"),
        ([], '"images"'),
        ({"images": []}, '"images"'),
        ({"images": [{"file": "a", "text": "A"}, {"text": "A"}]}, r"images\[1\].*\"file\""),
        ({"images": [{"file": "a"}]}, r"images\[0\].*\"plates\""),
        ({"images": [{"file": "a", "plates": {}}]}, r"images\[0\].*no list"),
        ({"images": [{"file": "a", "plates": [{"box": [1, 2, 3]}]}]}, r"images\[0\].*\[1, 2, 3\]"),
        ({"images": [{"file": "a", "plates": [{"box": [9, 2, 3, 4]}]}]}, r"images\[0\].*\[9, 2, 3, 4\]"),
        ('{"images": [{"file": "a", "plates": [{"box": [1, 2, 1e400, 4]}]}]}', r"images\[0\].*\[1, 2, inf, 4\]"),
        ({"images": [{"file": "a", "plates": [{"box": [1, 2, 10**400, 4]}]}]}, r"images\[0\].*box"),
        ({"images": [{"file": "a", "plates": [{"box": [1, 2, 3, 4], "text": 7}]}]}, r"images\[0\].*7"),
        ({"images": [{"file": "a", "plates": [{"box": [1, 2, 3, 4], "region": 7}]}]}, r"images\[0\].*region.*7"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(ManifestError, match=message) as caught:
        read_manifest(write(tmp_path, content))
    assert str(tmp_path) in str(caught.value)


def test_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="absent"):
        read_manifest(tmp_path / "absent" / "manifest.json")


def test_transcriptions_are_read_by_their_photos_file(tmp_path: Path) -> None:
    path = tmp_path / "texts.json"
    texts = [{"file": "a.jpg", "box": [1, 2, 30, 14], "text": "7ABC123", "region": "US-CA"}]
    path.write_text(json.dumps({"texts": texts}))
    assert read_transcriptions(path) == {"a.jpg": [TruePlate("7ABC123", (1, 2, 30, 14), "US-CA")]}
    del texts[0]["file"]
    path.write_text(json.dumps({"texts": texts}))
    with pytest.raises(ManifestError, match=r"texts\[0\]"):
        read_transcriptions(path)
