"""Boards to try, each with its pins in a test's hand."""

import importlib
import importlib.util
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args
from unittest import mock

import pytest

from platepost.device import backends
from platepost.device.board.base import Board, Light
from platepost.device.board.rpi import RpiBoard
from platepost.simulator.board.virtual import VirtualBoard
from tests.conformance import lgpio_pins
from tests.conformance.brought import brought, load
from tests.pi.machine import LIBRARIES, Pi, RemoteBoard
from tests.standins import rpi_gpio, standing_in

EMULATED = {f"{library} on an emulated Pi": library for library in LIBRARIES}
BOARDS = brought("BOARD", ("virtual", "rpi on the stand-in", "rpi on rpi-lgpio", *EMULATED))
Output = Literal["illuminator", "camera_power", "status_light"]
Switch = Literal["tamper", "door"]

WIRING = {
    "illuminator_pin": 17,
    "camera_power_pin": 27,
    "status_light_pin": 22,
    "tamper_pin": 4,
    "door_pin": 5,
    "debounce_milliseconds": 40,
}


class BoardStand(ABC):
    """One kind of board."""

    strobes = True
    """Whether its illuminator can be strobed."""

    @abstractmethod
    def make(self, **more: Any) -> Board:
        """Take the pins; case and door are closed."""

    @abstractmethod
    def levels(self, output: Output) -> list[object]:
        """Return what an output went through, oldest first: True where it is on."""

    @abstractmethod
    def drive(self, switch: Switch, *, opened: bool) -> None:
        """Open or close."""

    def strobed(self, *, hertz: float, duty: float) -> str:
        """Prove that the illuminator is strobed so, and return what of it the table should say."""
        assert self.levels("illuminator")[-1] == ("pwm", hertz, duty)
        return "yes"

    def notices(self, board: Board, switch: Switch, *, opened: bool) -> bool:
        """Say whether the board knows by now, though no one has asked it; at once where nothing bounces."""
        return True


class VirtualStand(BoardStand):
    """The simulator's board."""

    strobes = False

    def __init__(self) -> None:
        self._board = VirtualBoard()

    def make(self, **more: Any) -> Board:
        """Make one."""
        made = backends.board("virtual", more)
        assert isinstance(made, VirtualBoard)
        self._board = made
        return made

    def levels(self, output: Output) -> list[object]:
        """Look into its history."""
        begun = {"illuminator": False, "camera_power": True, "status_light": Light.OFF}[output]
        states = [begun, *self._board.states(output)]
        return [state is not Light.OFF for state in states] if output == "status_light" else list(states)

    def drive(self, switch: Switch, *, opened: bool) -> None:
        """Be the one who opens or closes."""
        board = self._board
        {
            ("tamper", True): board.open_case,
            ("tamper", False): board.close_case,
            ("door", True): board.open_door,
            ("door", False): board.close_door,
        }[switch, opened]()


class RpiStand(BoardStand):
    """The unit's board on pins that exist in memory only."""

    def make(self, **more: Any) -> Board:
        """Take the pins; closed contacts connect them to ground."""
        rpi_gpio.pin(WIRING["tamper_pin"]).drive_low()
        rpi_gpio.pin(WIRING["door_pin"]).drive_low()
        return backends.board("rpi", WIRING | more)

    def levels(self, output: Output) -> list[object]:
        """Look at the pin."""
        states = [state for _, state in rpi_gpio.pin(WIRING[f"{output}_pin"]).states]
        return [state if isinstance(state, tuple) else state == rpi_gpio.HIGH for state in states]

    def drive(self, switch: Switch, *, opened: bool) -> None:
        """Open or close the contact."""
        pin = rpi_gpio.pin(WIRING[f"{switch}_pin"])
        if opened:
            pin.release()
        else:
            pin.drive_low()

    def notices(self, board: Board, switch: Switch, *, opened: bool) -> bool:
        """Look at what the contact's rest has made it believe."""
        assert isinstance(board, RpiBoard)
        return board._switches[switch]._open == opened


class EmulatedStand(BoardStand):
    """The unit's board in an emulated Raspberry Pi, its pins looked at and driven from outside."""

    PULSES = 40

    def __init__(self, pi: Pi) -> None:
        self._pi = pi

    def make(self, **more: Any) -> Board:
        """Take the pins there."""
        chip = self._pi.chip
        for switch in ("tamper", "door"):
            chip.drive(WIRING[f"{switch}_pin"], high=False)
        chip.forget()
        board = RemoteBoard(self._pi, WIRING | more)
        assert all(chip.is_output(WIRING[f"{output}_pin"]) for output in get_args(Output))
        return board

    def levels(self, output: Output) -> list[object]:
        """Ask the chip."""
        changes = self._pi.chip.changes(WIRING[f"{output}_pin"])
        begun = not changes[0] if changes else self._pi.chip.level(WIRING[f"{output}_pin"])
        return [begun, *changes]

    def drive(self, switch: Switch, *, opened: bool) -> None:
        """Be the pull resistor, or the contact that is stronger."""
        self._pi.chip.drive(WIRING[f"{switch}_pin"], high=opened)

    def strobed(self, *, hertz: float, duty: float) -> str:
        """See pulses; how long they are means nothing in a machine whose clock is emulated."""
        end = time.monotonic() + 60
        while len(self.levels("illuminator")) < self.PULSES:
            assert time.monotonic() < end, f"no {self.PULSES} changes: {self.levels('illuminator')}"
        return "pulses"

    def notices(self, board: Board, switch: Switch, *, opened: bool) -> bool:
        """Look at what the contact's rest has made it believe."""
        assert isinstance(board, RemoteBoard)
        return board.believes(switch) == opened


@contextmanager
def make_board(kind: str, pi: Callable[[], Pi]) -> Iterator[BoardStand]:
    """Prepare one kind of board; skips where it cannot run. `pi` gives the emulated Raspberry Pi, started if needed."""
    if ":" in kind:
        with load(kind)() as stand:
            yield stand
    elif kind == "virtual":
        yield VirtualStand()
    elif kind == "rpi on the stand-in":
        with standing_in():
            yield RpiStand()
    elif kind == "rpi on rpi-lgpio":
        with rpi_lgpio():
            yield RpiStand()
    else:
        machine = pi()
        with machine.process(EMULATED[kind]):
            yield EmulatedStand(machine)


@contextmanager
def rpi_lgpio() -> Iterator[None]:
    """Let `import RPi.GPIO` find rpi-lgpio itself, on pins that exist in memory only."""
    if importlib.util.find_spec("RPi") is None:
        pytest.skip("rpi-lgpio is missing: make test-camera")
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "RPi"}
    rpi_gpio.reset()
    # A revision code of a Pi 4 lets it import off a Pi.
    with (
        mock.patch.dict(sys.modules, {"lgpio": lgpio_pins.module()}),
        mock.patch.dict(os.environ, {"RPI_LGPIO_REVISION": "c03111"}),
    ):
        library = importlib.import_module("RPi.GPIO")
        try:
            yield
        finally:
            library.cleanup()
            for name in [name for name in sys.modules if name.partition(".")[0] == "RPi"]:
                del sys.modules[name]
            sys.modules.update(ours)
