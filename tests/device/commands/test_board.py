import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from platepost.common.errors import ConfigurationError
from platepost.device.commands.board import board
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from tests.standins import rpi_gpio as GPIO  # noqa: N812 - as RPi.GPIO is called
from tests.standins import standing_in

WIRING: dict[str, Any] = {"illuminator_pin": 17, "tamper_pin": 4, "status_light_pin": 22, "camera_power_pin": 27}


@pytest.fixture
def configuration(tmp_path: Path) -> Iterator[Path]:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))
    settings = PostSettings(brokers=("localhost:1",), board="rpi", more={"board.rpi": WIRING})
    with standing_in():
        yield fleet.add_post("post-1", settings) / "post.toml"


def run(configuration: Path, *arguments: str) -> Result:
    return CliRunner().invoke(board, ["--config", str(configuration), *arguments], catch_exceptions=False)


def levels(pin: int) -> list[Any]:
    return [state for _, state in GPIO.pin(pin).states]


def test_switches_are_told_as_they_change(configuration: Path) -> None:
    result = run(configuration, "--seconds", "0.5", "--json")  # an open contact is an open case
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert said[-1] == {"switch": "case", "open": True}
    assert {"switch": "door", "open": False} in said


def test_outputs_are_tried_and_safe_at_the_end(configuration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platepost.device.commands.board.DARK_SECONDS", 0.0)
    result = run(configuration, "--illuminator", "--camera-power-cycle", "--light", "fault", "--seconds", "0.3")
    assert result.exit_code == 0
    assert "case:" in result.stdout
    assert levels(17)[:3] == [0, 1, 0]
    assert levels(27)[:3] == [1, 0, 1]
    assert 1 in levels(22)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
@pytest.mark.parametrize("words", [("--illuminator", "--seconds", "60"), ("--illuminator", "--camera-power-cycle")])
def test_a_terminal_that_is_lost_leaves_the_outputs_safe(
    configuration: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr("platepost.device.commands.board.DARK_SECONDS", 60.0)
    deaf: list[int] = []
    before = signal.signal(number, lambda given, _: deaf.append(given))  # by default it would end the tests
    pin, switched = (27, [1, 0]) if "--camera-power-cycle" in words else (17, [0, 1])
    began = time.monotonic()

    def lose() -> None:
        while levels(pin) != switched and time.monotonic() < began + 30:
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    loser = threading.Thread(target=lose)
    loser.start()
    try:
        run(configuration, *words)
    finally:
        loser.join()
        signal.signal(number, before)
    assert not deaf
    assert time.monotonic() - began < 60
    assert levels(17)[:3] == [0, 1, 0]
    assert levels(27) == ([1, 0, 1, 0] if "--camera-power-cycle" in words else [1, 0]), "released at the end"


def test_all_is_made_safe(configuration: Path) -> None:
    assert run(configuration, "--safe").stdout == ""
    assert levels(17) == [0]
    assert levels(27)[0] == 1


def test_wrong_wiring_is_named(configuration: Path) -> None:
    text = configuration.read_text(encoding="utf-8").replace("tamper_pin = 4", "tamper_pin = 17")
    configuration.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="illuminator_pin and tamper_pin are both 17"):
        run(configuration, "--safe")
