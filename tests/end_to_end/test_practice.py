"""Practicing at a desk: what the page says of the clip that ships leads to a green light, and the page is a unit's."""

import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.vision.recognizer import Recognizer
from platepost.simulator.demo.clip import STREET
from platepost.simulator.practice import PLAYED
from platepost.technician.aim.advice import Assessment, Road, judge
from platepost.technician.aim.lanes import Lanes
from platepost.technician.aim.measurement import measure
from platepost.technician.aim.tracks import Tracks
from tests.browser import Visitor, accessibility_faults
from tests.end_to_end.test_aim import PROGRAM, ended, link_of

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.usefixtures("seen_once"),  # scenarios show the same street
]


def judged(**lens: Any) -> tuple[Assessment, str | None]:
    """Judge the first sixteen seconds of the clip that ships as the page does, but for the pace; and name the lane."""
    recognizer, tracks, lanes = Recognizer.load(), Tracks(), Lanes()
    with FootageCamera(**{"path": STREET, **PLAYED, "pace": "fast", **lens}) as camera:
        for frame in islice(camera.frames(), 320):
            plates = recognizer.recognize(frame.gray).plates
            tracks.add((measure(frame.gray, each.corners, text=each.text) for each in plates), at=frame.monotonic)
            lanes.take(tracks.passed(at=frame.monotonic))
            name, lane = lanes.judged()
    road = Road(speed_mph=33, shutter_seconds=0.001)
    return judge(lane.tracks if lane else [], size=(1280, 720), road=road, infrared=False), name


def test_the_light_is_red_on_the_clip_that_ships_and_advises_what_to_do() -> None:
    assessment, lane = judged()
    assert assessment.light == "red"
    assert lane == "left lane"
    advice = " ".join(assessment.advice)
    assert re.search(r"zoom in 1\.[34] times", advice), advice
    assert "turn the camera left" in advice


@pytest.mark.parametrize("zoom", [1.3, 1.4])  # which of them is advised depends on the vehicles that come first
def test_the_light_is_green_once_the_advice_is_followed(zoom: float) -> None:
    assessment, _ = judged(zoom=zoom, side="left")
    assert assessment.light == "green", assessment
    assert len(assessment.points) == 9


def test_it_shows_the_page_and_throws_the_post_away(visitor: Visitor, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "simulate", "aim", "--zoom", "1.4", "--side", "left"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)},
    ) as process:
        try:
            page = visitor.open(link_of(process)[0])
            expect(page.locator("#picture")).to_have_js_property("naturalWidth", 960)
            assert list(tmp_path.iterdir())
            expect(page.locator("#foot")).to_contain_text("Nothing accepted yet")
            assert accessibility_faults(page) == []
            page.locator("#done").click()
            expect(page.locator("#word")).to_have_text("CLOSED")
            expect(page.locator("#shown")).to_be_hidden()
            status, output = ended(process)
        finally:
            process.kill()
    assert (status, "No view was accepted." in output) == (1, True), output
    assert str(tmp_path) not in output
    assert list(tmp_path.iterdir()) == []
