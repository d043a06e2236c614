import contextlib
import itertools
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from platepost.device.commands.selftest import SelfTestResult, examine, selftest
from platepost.device.config import load
from platepost.device.health.machine import Readings
from platepost.device.outbox.database import read_key_file
from platepost.device.outbox.outbox import Outbox
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.trust.certificates import BACKDATED, Issuance
from platepost.wire.faults import explained
from tests.device.nobody import NOBODY, needs_root, place_of_nobody
from tests.standins import rpi_gpio as GPIO  # noqa: N812 - as RPi.GPIO is called
from tests.standins import standing_in
from tests.standins.picamera2 import sensor

CLIP = Path(__file__).parents[3] / "simulator" / "footage" / "pass.mp4"
TWICE = """
import functools, os, sys
from platepost.device.commands import selftest
every = ("recognizer", "keys", "camera", "board", "supply", "hardening", "hot list", "clock", "certificate")
selftest.examine = functools.partial(selftest.examine, leave_out=(*every, "broker 127.0.0.1:1"))
for configuration in sys.argv[1:]:
    try:
        selftest.selftest(["--json", "--config", configuration])
    except SystemExit as end:
        assert not end.code
print(os.getuid())
"""
"""The self-test of an outbox, at first as root: the modules that it loads may be in a folder that is root's only."""
OTHERS = ("recognizer", "keys", "camera", "board", "outbox", "hot list", "clock", "certificate", "broker 127.0.0.1:1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))
    settings = PostSettings(
        brokers=("127.0.0.1:1",), camera="footage", camera_settings={"path": str(CLIP)}, board="virtual"
    )
    return fleet.add_post("post-1", settings)


def findings(folder: Path) -> dict[str, dict[str, object]]:
    result = CliRunner().invoke(selftest, ["--json", "--config", str(folder / "post.toml")])
    assert result.exit_code == 1  # there is no broker, and no list yet
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return {line["point"]: line for line in lines}


def test_each_point_is_judged_by_itself(folder: Path) -> None:
    found = findings(folder)
    good = {point for point, finding in found.items() if finding["good"]}
    assert {"recognizer", "keys", "camera", "board", "outbox", "certificate"} <= good
    assert not found["hot list"]["good"]
    said = "the machine answers, but no broker listens there (connection_refused)"
    assert found["broker 127.0.0.1:1"]["said"] == said


@contextlib.contextmanager
def broker_that_answers_nothing(fleet: Fleet) -> Iterator[int]:
    """Serve TLS with the fleet's broker certificate; a post that connects is neither answered nor refused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(fleet.broker.certificate, fleet.broker.private_key)
    done = threading.Event()

    def serve() -> None:
        with listener.accept()[0] as plain, context.wrap_socket(plain, server_side=True):
            done.wait(60)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        done.set()
        thread.join()


@pytest.mark.parametrize(("days", "good"), [(13, False), (15, True)])
def test_a_broker_whose_certificate_ends_within_two_weeks_is_a_fault(tmp_path: Path, *, days: int, good: bool) -> None:
    issuance = Issuance(valid=BACKDATED + timedelta(days=days, hours=1))
    fleet = Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",), issuance=issuance)
    with broker_that_answers_nothing(fleet) as port:
        folder = fleet.add_post("post-1", PostSettings(brokers=(f"localhost:{port}",)))
        others = [*OTHERS[:-1], "supply", "hardening"]
        (found,) = examine(load(folder / "post.toml"), leave_out=others)
    assert (found.good, f" {days} days" in found.said) == (good, True)


def test_a_certificate_that_is_not_valid_yet_is_a_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Behind(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime(2020, 1, 1, 12, tzinfo=tz)

    monkeypatch.setattr("platepost.device.commands.selftest.datetime", Behind)
    found = findings(folder)["certificate"]
    assert not found["good"]
    assert str(found["said"]).endswith("and the clock shows 2020-01-01")


@pytest.mark.parametrize(
    ("throttled", "low", "good", "said"),
    [
        (0x0, None, True, "it holds, and the processor is not slowed down"),
        (0x4, None, False, explained(["throttled"])),
        (0x50005, None, False, explained(["throttled", "under_voltage"])),
        (None, True, False, explained(["under_voltage"])),
        (
            None,
            False,
            True,
            "it holds; this unit cannot tell whether the processor is slowed down: it never reports throttled",
        ),
        (None, None, True, "this unit cannot measure it: it never reports under_voltage or throttled"),
    ],
)
def test_what_a_unit_cannot_tell_of_its_supply_is_said_and_no_fault(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, throttled: int | None, low: bool | None, good: bool, said: str
) -> None:
    readings = Readings(None, throttled, None, None, None, low_voltage=low)
    monkeypatch.setattr("platepost.device.commands.selftest.read_machine", lambda _folder: readings)
    found = examine(load(folder / "post.toml"), leave_out=OTHERS)
    assert [(finding.good, finding.said) for finding in found if finding.point == "supply"] == [(good, said)]


@pytest.mark.parametrize(
    ("unprotected", "good", "said"),
    [
        ((), True, "firewall and ssh are as the card set them up, and no swap is on the disk"),
        (("firewall", "ssh"), False, "not active: firewall, ssh"),
    ],
)
def test_hardening_that_is_not_in_force_is_a_fault(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, unprotected: tuple[str, ...], good: bool, said: str
) -> None:
    assert findings(folder)["hardening"]["good"], "a unit without a card"
    monkeypatch.setattr("platepost.device.commands.selftest.RULES", folder)
    readings = Readings(None, None, None, None, None, unprotected=unprotected)
    monkeypatch.setattr("platepost.device.commands.selftest.read_machine", lambda _folder: readings)
    found = examine(load(folder / "post.toml"), leave_out=OTHERS)
    assert [(finding.good, finding.said) for finding in found if finding.point == "hardening"] == [(good, said)]


def test_an_outbox_that_cannot_be_used_is_told_and_left_where_it_is(folder: Path) -> None:
    path = folder / "state" / "outbox.db"
    with Outbox(path, key=read_key_file(folder / "outbox.key")):
        pass
    (folder / "outbox.key").write_bytes(b"7" * 32)
    before = sorted(path.parent.iterdir())
    assert not findings(folder)["outbox"]["good"]
    assert sorted(path.parent.iterdir()) == before


def test_a_unit_without_a_board_says_so(folder: Path) -> None:
    text = (folder / "post.toml").read_text()
    (folder / "post.toml").write_text(text.replace('backend = "virtual"', 'backend = "none"'))
    assert findings(folder)["board"]["said"] == "this unit has no board"


def board_findings(tmp_path: Path, wiring: dict[str, Any]) -> dict[str, object]:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))
    settings = PostSettings(brokers=("127.0.0.1:1",), board="rpi", more={"board.rpi": wiring})
    configuration = load(fleet.add_post("post-1", settings) / "post.toml")
    (finding,) = examine(configuration, leave_out=({*OTHERS} - {"board"}) | {"supply", "hardening"})
    assert finding.point == "board"
    return {"good": finding.good, "said": finding.said}


@pytest.mark.parametrize(
    ("closed", "said"),
    [
        ({4, 5}, "rpi: case and door are closed"),
        ({5}, "the case is open"),
        ({4}, "the door is open"),
        (set(), "the case is open, the door is open"),
    ],
)
def test_what_stands_open_from_the_start_is_a_fault(tmp_path: Path, closed: set[int], said: str) -> None:
    with standing_in():
        for pin in closed:
            GPIO.pin(pin).drive_low()
        assert board_findings(tmp_path, {"tamper_pin": 4, "door_pin": 5}) == {"good": len(closed) == 2, "said": said}


def test_pins_that_do_not_obey_are_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_channel: int) -> int:
        raise RuntimeError("'GPIO not allocated'")

    monkeypatch.setattr("platepost.device.board.rpi.SETTLE_SECONDS", 0.1)
    with standing_in():
        monkeypatch.setattr(GPIO, "input", refuse)
        assert board_findings(tmp_path, {"tamper_pin": 4}) == {"good": False, "said": "the GPIO pins do not respond"}


def test_a_switch_that_does_not_rest_is_not_called_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contact = itertools.cycle((GPIO.HIGH, GPIO.LOW))
    monkeypatch.setattr("platepost.device.board.rpi.SETTLE_SECONDS", 0.1)
    with standing_in():
        monkeypatch.setattr(GPIO, "input", lambda _channel: next(contact))
        found = board_findings(tmp_path, {"tamper_pin": 4})
    assert not found["good"]
    assert "is bouncing" in str(found["said"])


def test_the_table_shows_what_was_found_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said = [SelfTestResult("keys", good=False, said="cannot read /media/[/stick]/a[bold].pem")]
    monkeypatch.setattr("platepost.device.commands.selftest.examine", lambda _configuration: said)
    result = CliRunner().invoke(selftest, ["--config", str(folder / "post.toml")])
    assert "cannot read /media/[/stick]/a[bold].pem" in result.output


def test_a_running_post_is_no_fault_and_is_to_be_stopped_first(folder: Path) -> None:
    with Outbox.of(load(folder / "post.toml").outbox):
        result = CliRunner().invoke(selftest, ["--json", "--config", str(folder / "post.toml")])
    assert "sudo systemctl stop platepost" in str(result.exception)
    assert result.stdout == ""


@needs_root
def test_root_tests_a_unit_as_the_user_of_its_service(folder: Path) -> None:
    with place_of_nobody() as state:
        unit = shutil.copytree(folder, state.parent / "unit")
        for path in (unit, *unit.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        text = (unit / "post.toml").read_text(encoding="utf-8")
        (unit / "post.toml").write_text(text.replace("state/outbox.db", str(state / "outbox.db")), encoding="utf-8")
        command = [sys.executable, "-c", TWICE, str(folder / "post.toml"), str(unit / "post.toml")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout.splitlines()[-1] == str(NOBODY), done.stderr
        found = {path.name: path.stat().st_uid for path in state.iterdir()}
        assert found["outbox.db"] == NOBODY
        assert set(found.values()) == {NOBODY}


def test_a_camera_that_hangs_is_a_fault_and_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platepost.device.commands.selftest.FRAME_SECONDS", 0.2)
    fleet = Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))
    settings = PostSettings(brokers=("127.0.0.1:1",), camera="picamera2", board="none")
    with standing_in():
        sensor.hang()
        found = findings(fleet.add_post("post-1", settings))
    assert found["camera"] == {"point": "camera", "good": False, "said": "no frame arrived within 0.2 s"}
