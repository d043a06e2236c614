"""A board without pins: it can be driven by a test or a scenario, and keeps a timed history of what it was told."""

import time
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from platepost.common.errors import BackendError
from platepost.device.board.base import Board, Light

Line = Literal["illuminator", "status_light", "camera_power", "tamper", "door"]


@dataclass(frozen=True, slots=True)
class BoardState:
    """One entry of the history: seconds since the entry before it, the line that changed, and its new value."""

    delta: float
    line: Line
    value: bool | Light


class VirtualBoard(Board):
    """Stands in for illuminator, tamper switch, status light and camera power.

    Every change, whether by the post or by `open_case` and `close_case`, is an entry of `history`; setting a line to
    what it already is leaves none. It does not simulate: bouncing contacts, warm-up of the illuminator, the current
    that it draws.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._history: list[BoardState] = []
        self._last = time.monotonic()
        self._closed = False
        self._values: dict[Line, bool | Light] = {
            "illuminator": False,
            "status_light": Light.OFF,
            "camera_power": True,
            "tamper": False,
            "door": False,
        }
        self._unasked: set[Line] = set()

    def __repr__(self) -> str:
        if self._closed:
            return "<VirtualBoard closed>"
        return "<VirtualBoard " + ", ".join(f"{line}={value}" for line, value in self._values.items()) + ">"

    @property
    def closed(self) -> bool:
        """Whether the board was closed."""
        return self._closed

    @property
    def history(self) -> tuple[BoardState, ...]:
        """What happened on the lines so far, oldest first."""
        with self._lock:
            return tuple(self._history)

    def states(self, line: Line) -> tuple[bool | Light, ...]:
        """Return the values that one line went through, oldest first, without the one it began with."""
        return tuple(state.value for state in self.history if state.line == line)

    def value(self, line: Line) -> bool | Light:
        """Return what a line is now."""
        with self._lock:
            return self._values[line]

    def illuminator(self, *, on: bool) -> None:
        """Switch the infrared illuminator."""
        self._set("illuminator", on)

    def status_light(self, light: Light) -> None:
        """Show a state on the status light."""
        self._set("status_light", light)

    def camera_power(self, *, on: bool) -> None:
        """Switch the camera's supply."""
        self._set("camera_power", on)

    @property
    def switches_camera(self) -> bool:
        """Return True: the history tells."""
        return True

    def tamper_open(self) -> bool:
        """Say whether the tamper switch reports an open case, or has since the last time."""
        return self._ask("tamper")

    def door_open(self) -> bool:
        """Say whether the door of the cabinet is open, or was since the last time."""
        return self._ask("door")

    def open_case(self) -> None:
        """Drive the tamper switch as someone who opens the case does."""
        self._set("tamper", True)

    def close_case(self) -> None:
        """Drive the tamper switch as someone who closes the case does."""
        self._set("tamper", False)

    def open_door(self) -> None:
        """Drive the door's switch as someone who opens the cabinet does."""
        self._set("door", True)

    def close_door(self) -> None:
        """Drive the door's switch as someone who closes the cabinet does."""
        self._set("door", False)

    def close(self) -> None:
        """Put every output in its safe state; a second call does nothing."""
        if self._closed:
            return
        self._set("illuminator", False)
        self._set("status_light", Light.OFF)
        self._set("camera_power", True)
        self._closed = True

    def _set(self, line: Line, value: bool | Light) -> None:  # noqa: FBT001 - what a line is set to
        if self._closed:
            raise BackendError("the virtual board is closed")
        with self._lock:
            if self._values[line] == value:
                return
            now = time.monotonic()
            self._history.append(BoardState(now - self._last, line, value))
            self._values[line] = value
            self._last = now
            if value is True and line in {"tamper", "door"}:
                self._unasked.add(line)

    def _ask(self, line: Line) -> bool:
        with self._lock:
            opened = line in self._unasked
            self._unasked.discard(line)
            return opened or bool(self._values[line])
