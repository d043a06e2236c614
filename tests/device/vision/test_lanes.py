import tomllib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from platepost.device.vision.geometry import lane_at
from platepost.device.vision.passages import Passages
from platepost.device.vision.settings import LaneSettings, PassageSettings
from platepost.device.vision.sighting import Sighting

LEFT = LaneSettings(name="left", outline=(0.3, 0.0, 0.5, 0.0, 0.5, 1.0, 0.0, 1.0))
RIGHT = LaneSettings(name="right", outline=(0.5, 0.0, 0.7, 0.0, 1.0, 1.0, 0.5, 1.0))
BOWED = LaneSettings(name="bowed", outline=(0, 0, 1, 0, 1, 1, 0.9, 1, 0.9, 0.1, 0, 0.1))


@pytest.mark.parametrize(
    ("x", "y", "lane"),
    [
        (0.4, 0.1, "left"),
        (0.6, 0.1, "right"),
        (0.1, 0.1, None),  # beside the lane far away,
        (0.1, 0.9, "left"),  # and in it from nearby
        (0.95, 0.9, "right"),
        (0.95, 0.1, None),
    ],
)
def test_a_place_is_in_the_lane_around_it(x: float, y: float, lane: str | None) -> None:
    assert lane_at((LEFT, RIGHT), x, y) == lane


def test_a_lane_may_turn_and_the_first_one_counts_where_two_overlap() -> None:
    assert lane_at((BOWED,), 0.95, 0.5) == "bowed"
    assert lane_at((BOWED,), 0.5, 0.5) is None
    assert lane_at((BOWED, RIGHT), 0.95, 0.95) == "bowed"
    assert lane_at((RIGHT, BOWED), 0.95, 0.95) == "right"


@pytest.mark.parametrize(
    "outline", [(0, 0, 1, 1), (0, 0, 1, 0, 1, 1, 0), (0, 0, 1280, 0, 1280, 720), (0, 0, 1, 0, 1, -0.1)]
)
def test_what_outlines_no_lane_is_refused(outline: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="outline"):
        LaneSettings(name="left", outline=outline)


def test_a_passage_is_in_the_lane_where_its_plate_was_seen_best(sighting: Callable[..., Sighting]) -> None:
    def seen(second: float, x: float, width: float) -> Sighting:
        small = sighting(second, x=x, width=width)
        return replace(small, frame=replace(small.frame, gray=np.zeros((720, 1280), np.uint8)))

    far, near = seen(0.0, 540, 50), seen(0.1, 600, 100)  # their middles at 565 and 650 of 1280
    before = LaneSettings(name="before", outline=(0, 0, 0.5, 0, 0.5, 1, 0, 1))
    after = LaneSettings(name="after", outline=(0.5, 0, 1, 0, 1, 1, 0.5, 1))
    passages = Passages(PassageSettings(lanes=(before, after)))
    (passage,) = passages.update([far])
    assert passage.lane == "before"
    passages.update([near])
    assert passages.open == [passage]
    assert passage.lane == "after"
    (undrawn,) = Passages().update([far])
    assert undrawn.lane is None


def test_lanes_are_drawn_in_the_configuration() -> None:
    table = tomllib.loads("""
        [[lanes]]
        name = "left"
        outline = [0, 0, 0.5, 0, 0.5, 1, 0, 1]
        [[lanes]]
        name = "right"
        outline = [0.5, 0, 1, 0, 1, 1, 0.5, 1]
    """)
    settings = PassageSettings.model_validate(table)
    assert [lane_at(settings.lanes, x, 0.5) for x in (0.2, 0.7)] == ["left", "right"]
