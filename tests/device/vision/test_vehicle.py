import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from platepost.common.errors import ModelError
from platepost.device.vision import modelfiles
from platepost.device.vision.geometry import upright
from platepost.device.vision.modelfiles import shipped
from platepost.device.vision.recognizer import Recognizer
from platepost.device.vision.vehicle import (
    ANSWERS,
    EMPTY,
    NOTHING,
    Appearance,
    Sure,
    VehicleNet,
    around,
    claimed,
    tinted,
)
from platepost.wire.records.vehicles import COLORS, KINDS

SURE = Sure(kind=0.92, rare=0.98, color=0.9, two_colors=0.85, side=0.95)


def logits(kind: tuple[str, float], color: tuple[str | None, float], rear: float) -> np.ndarray:
    """Give a kind, a color (None for no color that can be named) and the rear so much, and the others what is left."""
    parts = [np.full(size, 1e-9) for size in ANSWERS]
    for part, (place, probability) in zip(
        parts,
        [(KINDS.index(kind[0]), kind[1]), ((*COLORS, None).index(color[0]), color[1]), (1, rear)],
        strict=True,
    ):
        part[:] = (1 - probability) / (len(part) - 1)
        part[place] = probability
    return np.log(np.concatenate(parts)).astype(np.float32)


def test_each_part_is_said_only_where_it_is_sure() -> None:
    more, less = 0.001, -0.001
    sure = claimed(logits(("car", SURE.kind + more), ("red", SURE.color + more), SURE.side + more), SURE)
    assert sure == Appearance("car", ("red",), "rear")
    assert claimed(logits(("car", SURE.kind + less), ("red", 0.7), SURE.side + less), SURE) == NOTHING
    assert claimed(logits(("bus", 0.99), ("red", 0.4), 0.5), SURE) == Appearance("bus")
    assert claimed(logits(("van", SURE.rare + more), ("red", 0.4), 0.5), SURE) == Appearance("van")
    assert claimed(logits(("van", SURE.rare + less), ("red", 0.4), 0.5), SURE) == NOTHING
    assert claimed(logits(("bus", 0.4), ("red", 0.99), 0.001), SURE) == Appearance(None, ("red",), "front")


def test_two_colors_are_said_where_together_they_are_sure() -> None:
    colors = np.full(ANSWERS[1], 1e-9)
    colors[[COLORS.index("gray"), COLORS.index("white")]] = SURE.two_colors - 0.3, 0.301
    doubtful = np.log(np.concatenate([np.ones(ANSWERS[0]), colors, np.ones(2)])).astype(np.float32)
    assert claimed(doubtful, SURE) == Appearance(None, ("gray", "white"))
    colors[[COLORS.index("white"), -1]] = 0.299, 0.151  # the rest says that it is too dark to tell
    doubtful = np.log(np.concatenate([np.ones(ANSWERS[0]), colors, np.ones(2)])).astype(np.float32)
    assert claimed(doubtful, SURE) == NOTHING


def test_two_colors_that_are_no_shades_of_one_another_are_not_said() -> None:
    colors = np.full(ANSWERS[1], 1e-9)
    colors[[COLORS.index("red"), COLORS.index("white")]] = SURE.two_colors - 0.3, 0.4
    doubtful = np.log(np.concatenate([np.ones(ANSWERS[0]), colors, np.ones(2)])).astype(np.float32)
    assert claimed(doubtful, SURE) == NOTHING
    colors[[COLORS.index("red"), COLORS.index("white")]] = 0.95, 0.05
    sure = np.log(np.concatenate([np.ones(ANSWERS[0]), colors, np.ones(2)])).astype(np.float32)
    assert claimed(sure, SURE) == Appearance(None, ("red",))


def test_no_color_is_said_where_there_is_none() -> None:
    assert claimed(logits(("car", 0.99), (None, 0.99), 0.5), SURE) == Appearance("car")
    assert claimed(logits(("car", 0.99), ("white", 0.99), 0.5), SURE, colored=False) == Appearance("car")
    rng = np.random.default_rng(1)
    infrared = np.repeat(rng.integers(0, 255, (64, 80, 1), np.uint8), 3, axis=2)
    assert not tinted(infrared)
    infrared[..., 2] += np.where(infrared[..., 2] < 250, 5, 0).astype(np.uint8)
    assert tinted(infrared)


def test_a_frame_by_infrared_light_gets_no_color_from_the_shipped_net() -> None:
    net = VehicleNet(shipped("vehicle.tflite"))
    net.logits = lambda _picture: logits(("car", 0.99), ("gray", 0.999), 0.999)  # type: ignore[method-assign]
    frame = np.repeat(np.random.default_rng(2).integers(0, 255, (360, 640, 1), np.uint8), 3, axis=2)
    plate = upright(np.array([[300, 250], [340, 270]], np.float32))
    assert net.observe(frame, plate) == Appearance("car", (), "rear")


@pytest.mark.parametrize(("width", "height"), [(60, 30), (91, 20), (34, 20)], ids=["US", "Europe", "motorcycle"])
def test_the_plate_lies_low_in_the_middle_whatever_its_shape(width: int, height: int) -> None:
    frame = np.zeros((720, 1280, 3), np.uint8)
    frame[440 : 440 + height, 600 : 600 + width, 1] = 255
    picture = around(frame, upright(np.array([[600, 440], [600 + width, 440 + height]], np.float32)))
    assert picture.shape == (64, 80, 3)
    rows, columns = np.nonzero(picture[..., 1] > 128)
    assert abs(rows.mean() + 0.5 - 48) <= 1
    assert abs(columns.mean() + 0.5 - 40) <= 1
    assert 8 <= np.ptp(columns) + 1 <= 17


@pytest.mark.parametrize("corner", [(0, 0), (1240, 700), (1240, 0), (0, 700)])
def test_what_lies_beyond_the_frame_is_empty(corner: tuple[int, int]) -> None:
    frame = np.full((720, 1280, 3), 7, np.uint8)
    x, y = corner
    picture = around(frame, upright(np.array([[x, y], [x + 40, y + 20]], np.float32)))
    assert set(np.unique(picture)) == {7, EMPTY}
    assert 0.1 < (picture == 7).mean() < 0.6
    assert (picture[48, 40] == 7).all()


def test_a_file_of_another_shape_is_named() -> None:
    with pytest.raises(ModelError, match=r"reader\.tflite maps"):
        VehicleNet(shipped("reader.tflite"))


def test_a_post_without_the_file_says_nothing_of_vehicles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("detector.tflite", "reader.tflite", "reader.json"):
        (tmp_path / name).write_bytes(modelfiles.shipped("reader.tflite").with_name(name).read_bytes())
    older = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: older if name == "platepost.models" else find(name))
    networks = Recognizer.load()
    assert networks.vehicle is None
    plate = upright(np.array([[300, 250], [340, 270]], np.float32))
    assert networks.appearance(np.zeros((360, 640, 3), np.uint8), plate) == Appearance()
