"""The lifecycle of a running post; what it judges by is tested beside this file."""

import socket
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import OutboxError
from platepost.common.systemd import Notifier
from platepost.device.clock.clock import Clock
from platepost.device.health.boot_counter import REBOOT_UPTIMES, WELL_SECONDS, BootCounter
from platepost.device.health.crash_record import OBITUARY
from platepost.device.health.supervision import Lifecycle
from platepost.wire.faults import Fault

RUN = "01a20eee-0349-756c-a767-c205969791ee"


class Spy:
    """An audit log that remembers."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def record(self, action: str, **named: Any) -> None:
        self.said.append((action, named))


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        yield listener


RESTED = REBOOT_UPTIMES[-1]
"""Seconds since the machine started, after which it may be started again, however often it was."""


class LeapingClock(Clock):
    """A steady clock of which each look is as long after the one before as a run must last to have gone well."""

    def __init__(self) -> None:
        self._looks = count()

    def steady(self) -> float:
        return WELL_SECONDS * next(self._looks)


class Run:
    """One run of a post, as its lifecycle sees it."""

    def __init__(
        self,
        folder: Path,
        mocker: MockerFixture,
        *,
        alone: bool = False,
        watching: bool = False,
        **counted: Any,
    ) -> None:
        self.spy = Spy()
        self.faults: Any = mocker.Mock(present=frozenset())
        self.uplink: Any = mocker.Mock()
        self.uplink.state.return_value = SimpleNamespace(
            connected=True, broker="b:1", problem=None, attempts=0, acknowledged=0
        )
        self.uplink.owes.return_value = False
        notifier = Notifier({} if alone else {"NOTIFY_SOCKET": str(folder / "notify")})
        self.boots = BootCounter(folder / "state", notifier, **counted)
        logbook: Any = mocker.Mock(run=RUN, audit=self.spy)
        supervisor: Any = mocker.Mock(watching=watching, frames=0)
        self.lifecycle = Lifecycle(
            folder / "state", logbook, self.boots, faults=self.faults, uplink=self.uplink, supervisor=supervisor
        )

    def poll(self, *faults: Fault, now: float = 0.0) -> None:
        self.faults.present = frozenset(faults)
        self.lifecycle.poll(now)


@pytest.fixture
def make(tmp_path: Path, mocker: MockerFixture) -> Callable[..., Run]:
    return partial(Run, tmp_path, mocker)


def heard(systemd: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(systemd.recv(4096).decode())
        except BlockingIOError:
            return messages


def test_readiness_state_and_the_end_are_told(systemd: socket.socket, make: Callable[..., Run]) -> None:
    run = make()
    run.lifecycle.start()
    run.poll(Fault.TAMPER_OPEN)
    run.lifecycle.while_waiting()
    run.lifecycle.stop()
    messages = heard(systemd)
    assert messages[0] == "READY=1\nSTATUS=starting"
    assert messages.count("WATCHDOG=1") == 2
    assert "STATUS=tamper_open; 0 frames; connected to b:1" in messages
    assert messages[-1].startswith("STOPPING=1")


def test_a_post_that_begins_anew_in_its_own_process_is_not_stopping(
    systemd: socket.socket, make: Callable[..., Run]
) -> None:
    lifecycle = make().lifecycle
    lifecycle.restart = True
    lifecycle.stop()
    assert not any(message.startswith("STOPPING") for message in heard(systemd))


def test_without_frames_the_watchdog_starves_and_the_next_start_says_why(
    systemd: socket.socket, make: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platepost.device.health.watchdog.FRAMES_SECONDS", -1.0)
    run = make(watching=True)
    run.lifecycle.start()
    run.poll(Fault.CAMERA_SILENT)
    assert "WATCHDOG=1" not in heard(systemd)
    assert run.spy.said == []
    (tmp_path / "state" / OBITUARY).write_text("watchdog killed ABRT")
    after = make()
    after.lifecycle.start()
    after.poll()
    action, named = after.spy.said[0]
    assert action == "died"
    assert (named["reason"], named["object"]) == ("watchdog", RUN)
    assert named["details"] == {"faults": ["camera_silent"], "unfed": "no_frames", "rebooted": False, "bad_starts": 1}
    after.poll(now=100.0)
    assert len(after.spy.said) == 1, "once"


@pytest.mark.parametrize(("serves", "bad"), [(True, 1), (False, 0)])
@pytest.mark.usefixtures("systemd")
def test_a_power_cut_counts_once_the_post_is_in_service(make: Callable[..., Run], *, serves: bool, bad: int) -> None:
    run = make(machine="the boot before")
    run.lifecycle.start()
    if serves:
        run.lifecycle.serves()
    assert make(machine="this boot").boots.bad == bad


@pytest.mark.parametrize("watching", [True, False])
def test_a_run_that_has_given_its_camera_up_does_not_forget_how_often_it_rebooted(
    systemd: socket.socket, make: Callable[..., Run], *, watching: bool
) -> None:
    run = make(uptime=lambda: RESTED)
    run.lifecycle.start()
    audit: Any = run.spy
    assert run.boots.reboot(audit, reason="camera")
    rebooted = make(watching=watching, clock=LeapingClock())
    rebooted.lifecycle.start()
    for number in range(3):
        rebooted.poll(Fault.CAMERA_GIVEN_UP, now=10.0 * number)
    assert make().boots.reboots == (0 if watching else 1)


def test_what_the_outbox_cannot_tell_is_not_owed(make: Callable[..., Run]) -> None:
    run = make()
    for answer, owing in (([True], True), (OutboxError("full"), False)):
        run.uplink.owes.side_effect = answer
        assert run.lifecycle._evidence(run.uplink.state()).owing is owing


def test_a_post_that_dies_again_and_again_holds_back_and_says_so_under_systemd(
    systemd: socket.socket, make: Callable[..., Run]
) -> None:
    for _ in range(4):
        run = make()
        run.lifecycle.start()
    assert run.lifecycle.holds_back
    assert run.lifecycle.faults() == (Fault.RESTARTING_OFTEN,)
    alone = make(alone=True).lifecycle
    assert not alone.holds_back
    assert not alone.faults()


def test_the_machine_is_started_anew_and_that_is_audited(
    systemd: socket.socket, make: Callable[..., Run], tmp_path: Path
) -> None:
    for _ in range(6):
        run = make(uptime=lambda: RESTED)
        run.lifecycle.start()
    run.poll()
    assert [action for action, _ in run.spy.said] == ["reboot"]
    assert (tmp_path / "state" / "reboot").exists()
