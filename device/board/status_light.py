"""What the status light shows of the present faults."""

from collections.abc import Collection
from itertools import accumulate

from platepost.common.language import Phrase
from platepost.device.board.base import Board, Light
from platepost.device.diagnosis import FaultMonitor
from platepost.device.part import Part
from platepost.wire.faults import DESCRIPTIONS, Fault
from platepost.wire.records import PerceivedSeverity

PATTERNS: dict[Light, tuple[float, ...]] = {
    Light.OFF: (),
    Light.STARTING: (1.0, 1.0),
    Light.IN_SERVICE: (0.15, 2.85),
    Light.DEGRADED: (0.15, 0.35, 0.15, 2.35),
    Light.FAULT: (0.2, 0.2),
}
"""Seconds lit, dark, lit, dark, ... and again from the beginning; docs/hardware.md shows the same to technicians.

No pattern is steady: a light that is steadily lit or dark means that no software runs.
"""
_SHORT = 0.5
"""Seconds up to which a light is a flash, and changes are too quick to be timed by eye."""
_NUMBERS = (Phrase("two"), Phrase("three"), Phrase("four"), Phrase("five"))


OPENED = frozenset({Fault.DOOR_OPEN, Fault.TAMPER_OPEN})
"""The person who looks at the light has often opened the case: that must not hide how the post is."""


def lit(light: Light, seconds: float) -> bool:
    """Say whether the light is lit so many seconds after it began to show a state."""
    pattern = PATTERNS[light]
    if not pattern:
        return False
    moment = seconds % sum(pattern)
    ends = accumulate(pattern)
    return next(step for step, end in enumerate(ends) if moment < end or step == len(pattern) - 1) % 2 == 0


def described(light: Light) -> Phrase:
    """Say what a person sees of a state, such as "one short flash every 3 s"."""
    pattern = PATTERNS[light]
    if not pattern:
        return Phrase("steadily dark")
    period, flashes = sum(pattern), len(pattern) // 2
    if len(set(pattern)) == 1:
        if pattern[0] < _SHORT:
            return Phrase("quick and even: {count} changes a second", count=f"{1 / pattern[0]:g}")
        return Phrase("slow and even: {seconds} s lit, {seconds} s dark", seconds=f"{pattern[0]:g}")
    seconds, short = f"{period:g}", max(pattern[::2]) < _SHORT
    if flashes == 1:
        one = Phrase("one short flash every {seconds} s", seconds=seconds)
        return one if short else Phrase("one long flash every {seconds} s", seconds=seconds)
    number = _NUMBERS[flashes - 2]
    some = Phrase("{number} short flashes every {seconds} s", number=number, seconds=seconds)
    return some if short else Phrase("{number} long flashes every {seconds} s", number=number, seconds=seconds)


def light(faults: Collection[Fault]) -> Light:
    """Return what the light shows."""
    if not faults:
        return Light.IN_SERVICE
    worst = {DESCRIPTIONS[fault].severity for fault in faults if fault not in OPENED}
    return Light.FAULT if PerceivedSeverity.CRITICAL in worst else Light.DEGRADED


class StatusLight(Part):
    """Shows on the board's light how the post is."""

    reports_faults = True

    def __init__(self, board: Board, faults: FaultMonitor) -> None:
        self._board = board
        self._faults = faults

    def start(self) -> None:
        """Show that the post starts."""
        self._board.status_light(Light.STARTING)

    def poll(self, now: float) -> None:  # noqa: ARG002 - it shows what is present
        """Show the present faults."""
        self._board.status_light(light(self._faults.present))

    def stop(self) -> None:
        """Show nothing."""
        self._board.status_light(Light.OFF)
