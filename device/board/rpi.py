"""The board of a unit: RPi.GPIO's interface, which rpi-lgpio brings on a Pi 5 under the same name.

Outputs are in their safe state from the moment they become outputs, and again after `close`, which also runs at the
interpreter's exit. What a process that is killed leaves behind stays until the next start: there the pull resistors of
docs/hardware.md decide, and the unit starts the software again.
"""

import atexit
import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic, sleep
from types import ModuleType
from typing import TYPE_CHECKING, Any

from platepost.common.errors import BackendError, BoardError
from platepost.common.settings import checked
from platepost.device.board.base import Board, Light
from platepost.device.board.settings import RpiSettings
from platepost.device.board.status_light import lit


class Debounced:
    """Believes a switch once it has rested; remembers that it was open until someone has asked. One thread writes."""

    def __init__(self, *, rest_seconds: float) -> None:
        self._rest = rest_seconds
        self._open = False
        self._unasked = False
        self._contact: bool | None = None
        self._since = 0.0
        self.known = False
        """Whether the contact has ever been stable: until then it counts as closed."""

    def sample(self, *, is_open: bool, now: float) -> None:
        """Look at the contact at `now` seconds."""
        if is_open != self._contact:
            self._contact, self._since = is_open, now
        if now - self._since < self._rest:
            return
        if is_open and not self._open:
            self._unasked = True
        self._open = is_open
        self.known = True

    def ask(self) -> bool:
        """Say whether it is open, or was since the last time, however shortly: an opening must not go unheard."""
        was_open, self._unasked = self._open or self._unasked, False
        return was_open


if TYPE_CHECKING:
    from RPi import GPIO

log = logging.getLogger(__name__)

STEP_SECONDS = 0.02
"""Between two looks at the switches: contacts bounce for milliseconds, a hand takes tenths of a second."""
SETTLE_SECONDS = 2.0
"""How long a switch may take, beyond its rest, until it is known how it stands; then its contact does not rest."""
HEATER_SECONDS = 30.0
HEATER_HYSTERESIS = 3.0
"""Kelvin above `heater_below_celsius` at which it goes off again."""
THERMAL_ZONE = Path("/sys/class/thermal/thermal_zone0/temp")


class RpiBoard(Board):
    """Illuminator, switches, lights, camera power and heater on the GPIO of a Raspberry Pi."""

    settings_model = RpiSettings

    def __init__(self, **settings: Any) -> None:
        """Check the settings, those of `RpiSettings`, and take the pins.

        Raises:
            ConfigurationError: a setting is not known, or has a value that cannot be.
            BackendError: this is no Raspberry Pi.
            BoardError: a pin cannot be had.
            ImportError: no RPi.GPIO is installed.

        """
        self._settings = checked(RpiSettings, settings, table="board.rpi")
        self._gpio: Any = _library()
        self._pins = self._settings.pins
        self._lock = Lock()
        self._closed = Event()
        self._checked = Event()
        self._strobe: GPIO.PWM | None = None
        self._light, self._light_since = Light.OFF, monotonic()
        self._lit = False
        rest = self._settings.debounce_milliseconds / 1000
        self._switches = {name: Debounced(rest_seconds=rest) for name in ("tamper", "door") if name in self._pins}
        self._heater_due = 0.0
        self._heating = False
        self._failing = False
        self._wanted = {"illuminator": False, "camera_power": True}
        try:
            self._take_pins()
        except Exception as error:
            self._release()
            raise BoardError(f"the board's pins are not available: {error}") from error
        atexit.register(self.close)
        self._thread = Thread(target=self._run, name="board", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        pins = " ".join(f"{name}={pin}" for name, pin in self._pins.items())
        return f"<RpiBoard {'closed' if self._closed.is_set() else pins or 'nothing wired'}>"

    def illuminator(self, *, on: bool) -> None:
        """Switch the infrared illuminator; strobed with its duty if a frequency is configured."""
        with self._lock, self._obeying():
            self._wanted["illuminator"] = on
            self._switch("illuminator", on=on)

    def status_light(self, light: Light) -> None:
        """Show a state on the status light, by the pattern that docs/hardware.md gives it."""
        if light is not self._light:
            self._light, self._light_since = light, monotonic()

    def camera_power(self, *, on: bool) -> None:
        """Switch the camera's supply."""
        with self._lock, self._obeying():
            self._wanted["camera_power"] = on
            self._switch("camera_power", on=on)

    @property
    def failing(self) -> bool:
        """Whether the library refused something, until it does what it is told again."""
        return self._failing

    @property
    def switches_camera(self) -> bool:
        """Whether the camera's supply is wired to a pin."""
        return "camera_power" in self._pins

    def settle(self) -> bool:
        """Wait for the first look at the pins, and until every switch has rested; False where one does not."""
        until = monotonic() + self._settings.debounce_milliseconds / 1000 + SETTLE_SECONDS
        while not (self._checked.is_set() and all(switch.known for switch in self._switches.values())):
            if monotonic() > until:
                return False
            sleep(STEP_SECONDS)
        return True

    def tamper_open(self) -> bool:
        """Say whether the case is open, or was since the last time."""
        return "tamper" in self._switches and self._switches["tamper"].ask()

    def door_open(self) -> bool:
        """Say whether the door is open, or was since the last time."""
        return "door" in self._switches and self._switches["door"].ask()

    def close(self) -> None:
        """Put every output in its safe state and release the pins; a second call does nothing."""
        if self._closed.is_set():
            return
        self._closed.set()
        atexit.unregister(self.close)
        self._thread.join(timeout=1)
        self._release()

    # --- pins

    def _take_pins(self) -> None:
        gpio = self._gpio
        gpio.setwarnings(False)
        gpio.setmode(gpio.BCM)
        for name, pin in self._pins.items():
            if name in {"tamper", "door"}:
                open_low = getattr(self._settings, f"{name}_open_low")
                gpio.setup(pin, gpio.IN, pull_up_down=gpio.PUD_DOWN if open_low else gpio.PUD_UP)
            else:
                gpio.setup(pin, gpio.OUT, initial=self._level(name, on=name == "camera_power"))

    def _release(self) -> None:
        """Leave every output safe, whatever has happened to the others."""
        with self._lock:
            for name in self._pins:
                with suppress(Exception):
                    if name not in {"tamper", "door"}:
                        self._switch(name, on=name == "camera_power")
            with suppress(Exception):
                self._gpio.cleanup(list(self._pins.values()))

    def _switch(self, name: str, *, on: bool) -> None:
        settings = self._settings
        if name not in self._pins:
            return
        if name != "illuminator" or not settings.illuminator_hertz:
            self._gpio.output(self._pins[name], self._level(name, on=on))
        elif on and self._strobe is None:
            self._strobe = self._gpio.PWM(self._pins["illuminator"], settings.illuminator_hertz)
            self._strobe.start(settings.illuminator_duty)
        elif not on:
            strobe, self._strobe = self._strobe, None
            if strobe is not None:
                strobe.stop()
            self._gpio.output(self._pins[name], self._level(name, on=False))

    def _level(self, name: str, *, on: bool) -> int:
        active_low: bool = getattr(self._settings, f"{name}_active_low")
        level: int = self._gpio.HIGH if on != active_low else self._gpio.LOW
        return level

    @contextmanager
    def _obeying(self) -> Iterator[None]:
        """Take note of whether the library obeys; plates are read with or without it."""
        if self._closed.is_set():
            raise BackendError("the board is closed")
        try:
            yield
        except Exception:
            if not self._failing:
                log.exception("the board does not obey")
            self._failing = True
        else:
            self._failing = False

    # --- what goes on by itself

    def _run(self) -> None:
        while not self._closed.wait(STEP_SECONDS):
            with suppress(BackendError), self._lock, self._obeying():
                self._step(monotonic())
            self._checked.set()

    def _step(self, now: float) -> None:
        if self._failing:
            # What was refused is still wanted: an illuminator must not stay on by day.
            for name, on in self._wanted.items():
                self._switch(name, on=on)
        for name, switch in self._switches.items():
            level = self._gpio.input(self._pins[name])
            switch.sample(is_open=bool(level) != getattr(self._settings, f"{name}_open_low"), now=now)
        target = lit(self._light, now - self._light_since)
        if target != self._lit:
            self._switch("status_light", on=target)
            self._lit = target
        if "heater" in self._pins and now >= self._heater_due:
            self._heat()
            self._heater_due = now + HEATER_SECONDS

    def _heat(self) -> None:
        try:
            celsius = int(THERMAL_ZONE.read_text(encoding="ascii")) / 1000
        except (OSError, ValueError):
            celsius = float("inf")  # a heater that no one watches stays off
        limit = self._settings.heater_below_celsius
        self._heating = celsius < (limit + HEATER_HYSTERESIS if self._heating else limit)
        self._switch("heater", on=self._heating)


def _library() -> ModuleType:
    try:
        return importlib.import_module("RPi.GPIO")
    except RuntimeError as error:
        raise BackendError(f"board 'rpi' needs a Raspberry Pi: {error}") from error
