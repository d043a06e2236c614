import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from platepost.models.evaluate.manifest import ManifestError
from platepost.models.vehicle.photos import OPEN, UNCOLORED, is_held_out, labeled, parse, read_labels
from platepost.wire.records.vehicles import COLORS, KINDS


def test_codes_say_kind_color_and_side() -> None:
    assert parse("pgr") == (KINDS.index("pickup"), COLORS.index("green"), 1)
    assert parse("mof") == (KINDS.index("motorcycle"), COLORS.index("brown"), 0)
    assert parse("c0-") == (KINDS.index("car"), UNCOLORED, OPEN)
    assert parse("--r") == (OPEN, OPEN, 1)


def test_every_label_can_be_parsed_and_a_fifth_is_held_out() -> None:
    codes = [(name, code) for (_, name), plates in read_labels().items() for _, code in plates]
    assert len(codes) > 1_500
    assert {parse(code)[0] for _, code in codes} >= set(range(len(KINDS)))
    assert {parse(code)[1] for _, code in codes} == {*range(len(COLORS)), UNCOLORED, OPEN}
    assert 0.15 < np.mean([is_held_out(name) for name, _ in codes]) < 0.25


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ten photographs of a red wall with a plate each, of which all but the last are labeled."""
    folder = tmp_path / "walls"
    folder.mkdir()
    wall = np.zeros((360, 640, 3), np.uint8)
    wall[..., 2] = 200
    images = []
    for number in range(10):
        cv2.imwrite(str(folder / f"{number}.png"), wall)
        images.append({"file": f"{number}.png", "plates": [{"box": [300, 250, 340, 270]}]})
    (folder / "manifest.json").write_text(json.dumps({"images": images}))
    rows = "".join(f"walls,{number},0,trf\n" for number in range(9))
    (tmp_path / "labels.csv").write_text("photos,name,plate,code\n" + rows)
    return folder


def test_labeled_vehicles_are_loaded_in_two_parts(photos: Path) -> None:
    parts = [labeled((photos,), held_out=side, labels=photos.parent / "labels.csv") for side in (False, True)]
    assert sum(len(part.answers) for part in parts) == 9
    for part in parts:
        assert part.pictures.shape[1:] == (64, 80, 3)
        assert part.rooms.shape[1:] == (112, 154, 3)
        assert (part.answers == parse("trf")).all()
        assert part.pictures[0, 48, 40].tolist() == part.rooms[0, 76, 77].tolist() == [0, 0, 200]


def test_photos_without_labels_are_refused(photos: Path) -> None:
    (photos.parent / "labels.csv").write_text("photos,name,plate,code\n")
    with pytest.raises(ManifestError, match="no labeled vehicle"):
        labeled((photos,), held_out=False, labels=photos.parent / "labels.csv")
