"""The page's buttons: what is accepted, and what is said when it is no longer good."""

from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import ConfigurationError
from platepost.device.camera.view import FILE, load_views
from platepost.technician.aim.advice import Assessment, Criterion
from platepost.technician.aim.aiming import Aiming, AimRefusedError
from platepost.technician.aim.outlines import Outlines
from platepost.technician.aim.session import Session

GREEN = Assessment("green", points=(Criterion("Contrast", "90", "≥ 60", good=True),), vehicles=("8KTR402, 148 px",))
RED = Assessment("red", points=(Criterion("Place from left", "9-21%", "10-90%", good=False),))


class Desk:
    def __init__(self, mocker: MockerFixture, folder: Path) -> None:
        self.watcher = mocker.Mock(fault=None, moves=0, doubtful=False)
        self.watcher.lanes.chosen = None
        self.watcher.outlines = Outlines()
        self.watcher.background.median = (np.zeros((36, 64), np.uint8), 40.0)
        self.session = Session(seconds=60)
        self.mocker = mocker
        self.aiming = Aiming(
            watcher=self.watcher,
            board=mocker.Mock(),
            session=self.session,
            folder=folder,
            who="r-alvarez",
            audit=mocker.Mock(),
        )
        self.see(GREEN)

    def see(self, assessment: Assessment, light: str = "day") -> dict[str, Any]:
        sight = self.mocker.Mock(
            number=1,
            light=light,
            assessment=assessment,
            lane=None,
            lanes={},
            at=monotonic(),
            size=(1280, 720),
            moved=False,
        )
        self.watcher.latest = sight
        return self.aiming.state(sight)


@pytest.fixture
def desk(mocker: MockerFixture, tmp_path: Path) -> Desk:
    return Desk(mocker, tmp_path)


def test_done_closes_where_all_is_good_or_nothing_was_kept(desk: Desk, mocker: MockerFixture, tmp_path: Path) -> None:
    desk.aiming.accept()
    desk.aiming.done()
    assert desk.session.why_closed == "the technician was done"
    other = Desk(mocker, tmp_path)
    other.see(RED)
    other.aiming.done()
    assert not other.session.open


@pytest.mark.parametrize("damaged", ["", '{"version": 2}'])
def test_a_view_takes_the_place_of_one_that_cannot_be_read(desk: Desk, tmp_path: Path, damaged: str) -> None:
    (tmp_path / FILE).write_text(damaged)
    with pytest.raises(ConfigurationError, match="aim again"):
        load_views(tmp_path)
    assert desk.aiming.accept() == "day"
    assert load_views(tmp_path).day is not None


def test_a_choice_can_be_taken_back_while_the_chosen_lane_is_empty(desk: Desk) -> None:
    desk.see(GREEN)
    desk.watcher.latest.lanes = {"lane": GREEN}
    assert desk.aiming.state(desk.watcher.latest)["lanes"] == []
    desk.watcher.latest.lane = "right lane"
    assert [each["name"] for each in desk.aiming.state(desk.watcher.latest)["lanes"]] == ["lane"]


def test_lanes_are_drawn_corner_by_corner_and_the_page_says_how_far(desk: Desk) -> None:
    assert desk.see(GREEN)["drawn"] == {"lanes": [], "corners": None}
    desk.aiming.draw("draw", {})
    for x, y in ((0.1, 0.9), (0.5, 0.9), (0.3, 0.2), (0.2, 0.2)):
        desk.aiming.draw("corner", {"x": str(x), "y": str(y)})
    desk.aiming.draw("undo", {})
    assert desk.see(GREEN)["drawn"] == {"lanes": [], "corners": 3}
    for asked in ({}, {"x": "here", "y": "0.5"}, {"x": "0.5", "y": "2"}):
        with pytest.raises(AimRefusedError):
            desk.aiming.draw("corner", asked)
    desk.aiming.draw("keep", {"name": "left"})
    assert desk.see(GREEN)["drawn"] == {"lanes": ["left"], "corners": None}


def test_done_is_refused_while_a_view_that_is_kept_is_not_good(desk: Desk) -> None:
    desk.aiming.accept()
    desk.see(RED)
    with pytest.raises(AimRefusedError, match=r"in daylight is not good now: Place from left 9-21%, wanted 10-90"):
        desk.aiming.done()
    assert desk.session.open
    desk.see(Assessment("waiting"))
    with pytest.raises(AimRefusedError, match="no plate was judged yet"):
        desk.aiming.done()
    desk.see(Assessment("waiting"), light="infrared")
    desk.aiming.done()
    assert not desk.session.open


def test_it_may_be_closed_anyway_and_the_terminal_says_so(desk: Desk) -> None:
    desk.aiming.accept()
    desk.see(RED)
    desk.aiming.done(anyway=True)
    assert str(desk.session.why_closed).startswith("the technician was done, although the accepted view in daylight")


def test_a_view_that_was_moved_after_it_was_accepted_is_to_be_accepted_anew(desk: Desk) -> None:
    desk.aiming.accept()
    desk.watcher.moves = 1
    assert desk.see(GREEN)["outdated"] == ["day"]
    with pytest.raises(AimRefusedError, match="the view has moved since it was accepted in daylight"):
        desk.aiming.done()
    desk.watcher.doubtful = True
    with pytest.raises(AimRefusedError, match="do not touch the camera"):
        desk.aiming.accept()
    desk.watcher.doubtful = False
    desk.aiming.accept()
    assert desk.see(GREEN)["outdated"] == []
    desk.aiming.done()
    assert desk.session.why_closed == "the technician was done"
