from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_mock import MockerFixture

from platepost.device.board.base import Light
from platepost.device.board.status_light import PATTERNS, described
from platepost.device.camera.base import Camera
from platepost.device.camera.view import View, Views
from platepost.device.frame import Frame
from platepost.simulator.board.virtual import VirtualBoard
from platepost.technician.accept.dialogue import Terminal
from platepost.technician.accept.unit import _lights, view


class Honest(Terminal):
    """Says yes to the very pattern that the light shows, and to nothing else."""

    def __init__(self, board: VirtualBoard) -> None:
        super().__init__()
        self._board = board
        self.asked = ""

    def ask(self, question: str) -> bool:
        self.asked = question
        shown = self._board.value("status_light")
        assert isinstance(shown, Light)
        return PATTERNS[shown] != () and described(shown) in question and self._board.value("illuminator") is True


def test_the_question_says_what_is_to_be_seen_at_this_moment() -> None:
    board = VirtualBoard()
    person = Honest(board)
    assert _lights(board, person).good
    assert "one short flash every 3 s" in person.asked
    assert (board.value("status_light"), board.value("illuminator")) == (Light.OFF, False)


STREET = np.kron(np.random.default_rng(0).integers(30, 200, (36, 64)), np.ones((20, 20))).astype(np.uint8)


@lru_cache(maxsize=1)
def exposed(times: float) -> NDArray[np.uint8]:
    return np.clip(STREET * times, 0, 255).astype(np.uint8)


class Metered(Camera):
    """Looks at one street, so many times too bright at first, until it is metered down."""

    def __init__(self, times: float, *, adapts: bool = True) -> None:
        self._times, self._adapts = times, adapts
        self.name = "metered"

    def open(self) -> None:
        pass

    def meter(self, frame: Frame, plates: Sequence[tuple[float, float, float, float]]) -> None:
        if self._adapts and frame.number % 5 == 0:
            self._times = max(1.0, self._times / 1.6)

    def frames(self) -> Iterator[Frame]:
        for number in range(200):
            gray = exposed(self._times)
            color = partial(np.dstack, [gray] * 3)
            yield SimpleNamespace(number=number, gray=gray, monotonic=number / 10, color=color)  # type: ignore[misc]

    def close(self) -> None:
        pass


def looked_at(camera: Camera, folder: Path, mocker: MockerFixture) -> tuple[bool, str]:
    Views(day=View.of(STREET, accepted=datetime.now(UTC), accepted_by="r-alvarez")).save(folder)
    mocker.patch("platepost.technician.accept.unit.backends.camera", return_value=camera)
    mocker.patch("platepost.technician.accept.unit.Recognizer.of").return_value.recognize.return_value.plates = ()
    configuration = mocker.Mock()
    configuration.outbox.path = folder / "outbox.db"
    (result,) = view(configuration)
    return result.good, result.said


def test_a_view_is_looked_at_when_the_exposure_has_settled(tmp_path: Path, mocker: MockerFixture) -> None:
    assert looked_at(Metered(1.0), tmp_path, mocker) == (True, "as accepted: daylight by r-alvarez")
    assert looked_at(Metered(12.0), tmp_path, mocker) == (True, "as accepted: daylight by r-alvarez")


@pytest.mark.parametrize("times", [0.0, 0.02, 0.2])
def test_a_picture_that_is_too_dark_is_not_said_to_be_as_accepted(
    tmp_path: Path, mocker: MockerFixture, times: float
) -> None:
    good, said = looked_at(Metered(times, adapts=False), tmp_path, mocker)
    assert good
    assert said == "not compared: it is too dark for what was accepted, daylight by r-alvarez"
