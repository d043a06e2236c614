import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from platepost.common.errors import BackendError, BoardError, ConfigurationError
from platepost.device import backends
from platepost.device.board import rpi as module
from platepost.device.board.base import Light
from platepost.device.board.rpi import RpiBoard
from platepost.device.board.status_light import PATTERNS, lit
from tests.standins import rpi_gpio as GPIO  # noqa: N812 - as RPi.GPIO is called
from tests.standins import standing_in
from tests.waiting import until

WIRING: dict[str, Any] = {
    "illuminator_pin": 17,
    "tamper_pin": 4,
    "door_pin": 5,
    "status_light_pin": 22,
    "camera_power_pin": 27,
    "heater_pin": 6,
    "debounce_milliseconds": 40,
}


@pytest.fixture
def gpio() -> Iterator[None]:
    with standing_in():
        yield


@pytest.fixture
def make(gpio: None) -> Iterator[Callable[..., RpiBoard]]:
    made: list[RpiBoard] = []

    def make_one(**more: Any) -> RpiBoard:
        made.append(RpiBoard(**{**WIRING, **more}))
        GPIO.pin(4).drive_low()  # a closed case
        GPIO.pin(5).drive_low()
        return made[-1]

    yield make_one
    for board in made:
        board.close()


def levels(pin: int) -> list[Any]:
    return [state for _, state in GPIO.pin(pin).states]


def test_outputs_are_safe_from_the_first_moment_on(make: Callable[..., RpiBoard]) -> None:
    make()
    assert levels(17) == [GPIO.LOW]
    assert levels(27) == [GPIO.HIGH]
    assert levels(22)[0] == GPIO.LOW


def test_outputs_are_safe_after_closing(make: Callable[..., RpiBoard]) -> None:
    board = make()
    board.illuminator(on=True)
    board.camera_power(on=False)
    assert levels(17)[-1] == GPIO.HIGH
    assert levels(27)[-1] == GPIO.LOW
    board.close()
    board.close()
    assert GPIO.pin(17).state == GPIO.LOW
    assert levels(27)[2] == GPIO.HIGH
    assert GPIO.pin(17).function is None
    assert repr(board) == "<RpiBoard closed>"
    with pytest.raises(BackendError, match="closed"):
        board.illuminator(on=True)


def test_outputs_that_are_active_low_are_safe_high(make: Callable[..., RpiBoard]) -> None:
    board = make(illuminator_active_low=True, camera_power_active_low=True)
    assert levels(17) == [GPIO.HIGH]
    assert levels(27) == [GPIO.LOW]
    board.illuminator(on=True)
    assert levels(17)[-1] == GPIO.LOW


def test_the_illuminator_is_strobed_with_its_duty(make: Callable[..., RpiBoard]) -> None:
    board = make(illuminator_hertz=400, illuminator_duty=20, illuminator_most_duty=25)
    board.illuminator(on=True)
    board.illuminator(on=True)
    assert levels(17)[-1] == ("pwm", 400, 20)
    board.illuminator(on=False)
    assert levels(17)[-1] == GPIO.LOW
    board.illuminator(on=True)
    board.close()
    assert GPIO.pin(17).state == GPIO.LOW


def test_an_opened_case_is_heard_of_once_the_contact_rests(make: Callable[..., RpiBoard]) -> None:
    board = make()
    assert not board.tamper_open()
    GPIO.pin(4).drive_high()
    until(board.tamper_open)
    assert board.tamper_open()
    assert not board.door_open()
    GPIO.pin(4).drive_low()
    until(lambda: not board.tamper_open())


@pytest.mark.parametrize("is_open", [True, False])
def test_how_the_switches_stand_is_known_once_they_have_settled(gpio: None, *, is_open: bool) -> None:
    if not is_open:
        GPIO.pin(4).drive_low()
        GPIO.pin(5).drive_low()
    with RpiBoard(**WIRING) as board:
        assert board.settle()
        assert (board.tamper_open(), board.door_open()) == (is_open, is_open)


def test_a_switch_that_does_not_rest_does_not_settle(gpio: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.1)
    contact = itertools.cycle((GPIO.HIGH, GPIO.LOW))
    monkeypatch.setattr(GPIO, "input", lambda channel: next(contact) if channel == 4 else GPIO.LOW)
    with RpiBoard(**WIRING, tamper_open_low=True) as board:
        assert not board.settle()


def test_a_cut_wire_is_an_open_case(make: Callable[..., RpiBoard]) -> None:
    board = make()
    GPIO.pin(4).release()
    until(board.tamper_open)


def test_a_switch_that_is_low_when_open_is_pulled_down(make: Callable[..., RpiBoard]) -> None:
    board = make(door_open_low=True)
    GPIO.pin(5).drive_high()
    assert GPIO.pin(5).pull == GPIO.PUD_DOWN
    board.door_open()
    until(lambda: not board.door_open())
    GPIO.pin(5).drive_low()
    until(board.door_open)


@pytest.mark.parametrize("light", [light for light in Light if light is not Light.OFF])
def test_the_light_blinks_its_pattern(make: Callable[..., RpiBoard], light: Light) -> None:
    board = make()
    before = len(levels(22))
    board.status_light(light)
    until(lambda: levels(22)[before:][:2] == [GPIO.HIGH, GPIO.LOW])


def test_no_two_states_of_the_light_look_alike_and_none_is_steady() -> None:
    shown = {light: tuple(lit(light, step / 20) for step in range(120)) for light in Light}
    assert len(set(shown.values())) == len(Light)
    assert all(len(set(shown[light])) == 2 for light in Light if light is not Light.OFF)
    assert not any(shown[Light.OFF])
    for light, pattern in PATTERNS.items():
        period = sum(pattern)
        assert all(lit(light, moment) == lit(light, moment + period) for moment in (0.05, 0.4, 0.9))


@pytest.mark.parametrize(("celsius", "level"), [("5000", GPIO.HIGH), ("40000", GPIO.LOW), ("nonsense", GPIO.LOW)])
def test_the_heater_follows_the_temperature(
    make: Callable[..., RpiBoard], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, celsius: str, level: int
) -> None:
    zone = tmp_path / "temp"
    zone.write_text(celsius)
    monkeypatch.setattr(module, "THERMAL_ZONE", zone)
    board = make()
    until(lambda: board._heater_due > 0)
    with board._lock:
        assert levels(6)[-1] == level


def test_pins_that_cannot_be_had_are_named_and_the_others_released(gpio: None, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = GPIO.setup

    def busy(channel: int, *given: Any, **named: Any) -> None:
        if channel == 22:
            raise RuntimeError("'GPIO busy'")
        setup(channel, *given, **named)

    monkeypatch.setattr(GPIO, "setup", busy)
    with pytest.raises(BoardError, match="not available: 'GPIO busy'"):
        RpiBoard(**WIRING)
    assert GPIO.pin(17).function is None


def test_pins_that_do_not_obey_make_the_board_fail_until_they_do(
    make: Callable[..., RpiBoard], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object) -> None:
        raise RuntimeError("'GPIO not allocated'")

    board = make()
    board.illuminator(on=True)
    assert not board.failing
    with monkeypatch.context() as patch:
        patch.setattr(GPIO, "input", refuse)
        patch.setattr(GPIO, "output", refuse)
        board.illuminator(on=False)
        board.camera_power(on=False)
        until(lambda: board.failing)
        assert levels(17)[-1] == GPIO.HIGH
    until(lambda: not board.failing)
    assert levels(17)[-1] == GPIO.LOW, "what was refused is done"
    assert levels(27)[-1] == GPIO.LOW


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"illuminator_pin": 28}, "board.rpi.illuminator_pin = 28"),
        ({"illuminator_pin": 1}, "board.rpi.illuminator_pin = 1"),
        ({"illuminator_pin": 17, "tamper_pin": 17}, "illuminator_pin and tamper_pin are both 17"),
        ({"lamp_pin": 17}, "board.rpi.lamp_pin: unknown key"),
        ({"illuminator_hertz": 100, "illuminator_duty": 50, "illuminator_most_duty": 20}, "bears 20 %"),
        ({"illuminator_most_duty": 20}, "would be on 100 % of the time"),
        ({"illuminator_hertz": 100, "illuminator_active_low": True}, "must not be strobed"),
    ],
)
def test_wiring_that_cannot_be_is_refused(gpio: None, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        backends.board("rpi", settings)
    assert said in str(caught.value)


def test_nothing_wired_is_a_board_too(gpio: None) -> None:
    with RpiBoard() as board:
        board.illuminator(on=True)
        board.status_light(Light.FAULT)
        board.camera_power(on=False)
        assert not board.tamper_open()
        assert not board.switches_camera
        assert repr(board) == "<RpiBoard nothing wired>"


def test_without_the_library_the_backend_says_what_is_missing() -> None:
    with pytest.raises(BackendError, match="board 'rpi' needs RPi"):
        backends.board("rpi", {})


def test_off_a_raspberry_pi_the_backend_says_so(gpio: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_name: str) -> None:
        raise RuntimeError("This module can only be run on a Raspberry Pi!")

    monkeypatch.setattr(module.importlib, "import_module", refuse)
    with pytest.raises(BackendError, match="can only be run on a Raspberry Pi"):
        RpiBoard()


CRASH = """
import sys
from tests.standins import standing_in
from tests.standins import rpi_gpio as GPIO
import atexit
atexit.register(lambda: print(GPIO.pin(17).states[-1][1], GPIO.pin(27).states[2][1]))
with standing_in():
    from platepost.device.board.rpi import RpiBoard
    board = RpiBoard(illuminator_pin=17, camera_power_pin=27)
    board.illuminator(on=True)
    board.camera_power(on=False)
    {end}
"""


@pytest.mark.parametrize("end", ["raise SystemError('crashed')", "pass"])
def test_outputs_are_safe_when_the_software_ends_without_closing_them(end: str) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", CRASH.format(end=end)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["0", "1"], done.stderr
