"""Lanes drawn on the page, and the lines that a post's configuration takes of them."""

import tomllib

import pytest

from platepost.device.vision.settings import LaneSettings, PassageSettings
from platepost.technician.aim.outlines import Outlines

LEFT = LaneSettings(name="left", outline=(0, 0, 0.5, 0, 0.5, 1))


def drawn(outlines: Outlines, name: str, corners: int = 3) -> None:
    outlines.begin()
    for number in range(corners):
        outlines.add(number / 20, 1.0)
    outlines.keep(name)


def test_what_is_drawn_is_what_a_configuration_takes() -> None:
    outlines = Outlines([LEFT])
    assert not outlines.changed
    drawn(outlines, 'the "fast" \\ lane', corners=20)
    for number in range(6):
        drawn(outlines, f"lane {number}")
    assert outlines.changed
    assert PassageSettings.model_validate(tomllib.loads(outlines.toml())["passages"]).lanes == outlines.lanes
    with pytest.raises(ValueError, match="at most 8 lanes"):
        outlines.begin()


def test_a_lane_drawn_again_replaces_the_one_of_its_name() -> None:
    outlines = Outlines([LEFT])
    drawn(outlines, " left ")
    assert [lane.name for lane in outlines.lanes] == ["left"]
    assert outlines.lanes != (LEFT,)


def test_corners_and_lanes_are_taken_back_one_by_one() -> None:
    outlines = Outlines([LEFT])
    outlines.begin()
    outlines.add(0.12345, 0.5)
    outlines.add(0.2, 0.5)
    outlines.undo()
    assert outlines.corners == ((0.123, 0.5),)
    outlines.undo()
    assert (outlines.corners, outlines.lanes) == (None, (LEFT,))
    outlines.undo()
    assert outlines.lanes == ()
    assert outlines.changed


def test_what_is_no_lane_is_refused() -> None:
    outlines = Outlines()
    with pytest.raises(ValueError, match="no lane is being drawn"):
        outlines.add(0.1, 0.1)
    outlines.begin()
    for outside in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="outside"):
            outlines.add(outside, 0.1)
    outlines.add(0.1, 0.1)
    with pytest.raises(ValueError, match="three corners"):
        outlines.keep("left")
    for number in range(19):
        outlines.add(number / 20, 0.5)
    with pytest.raises(ValueError, match="at most 20 corners"):
        outlines.add(0.5, 0.5)
    for name in ("", " ", "l" * 65, "a\nb"):
        with pytest.raises(ValueError, match="name"):
            outlines.keep(name)
    assert outlines.lanes == ()
