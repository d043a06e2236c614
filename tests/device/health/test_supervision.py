"""The keeper in a running post; what it judges by is tested in tests/device/health."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from device.errors import OutboxError
from device.faults.fault import Fault
from device.health import supervision as module
from device.health.crash_record import OBITUARY
from device.health.supervision import Lifecycle
from device.systemd import Notifier
from device.uplink import UplinkState

RUN = "01a20eee-0349-756c-a767-c205969791ee"


class Spy:
    """An auditor that remembers."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def say(self, action: str, **named: Any) -> None:  # noqa: ANN401 - the record's fields
        self.said.append((action, named))


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        yield listener


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Lifecycle]:
    def one(
        *,
        frames: Callable[[], int] = lambda: 0,
        alone: bool = False,
        owes: Callable[[], bool] = lambda: False,
        **uplink: Any,  # noqa: ANN401 - fields of the state
    ) -> Lifecycle:
        state = UplinkState(
            **{
                "connected": True,
                "broker": "b:1",
                "for_seconds": 0.0,
                "problem": None,
                "detail": "",
                "failures": 0,
                "retry_in_seconds": None,
                "in_flight": 0,
                "settling": 0,
                "acknowledged": 0,
                "last_acknowledged_seconds": None,
                "refusals": (),
                "refused_subscriptions": (),
                "too_large": 0,
                "pictures_left_out": 0,
                **uplink,
            }
        )
        return Lifecycle(
            tmp_path / "state",
            run=RUN,
            frames=frames,
            uplink=lambda: state,
            owes=owes,
            notifier=Notifier({} if alone else {"NOTIFY_SOCKET": str(tmp_path / "notify")}),
        )

    return one


def heard(systemd: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(systemd.recv(4096).decode())
        except BlockingIOError:
            return messages


def test_readiness_state_and_the_end_are_told(systemd: socket.socket, make: Callable[..., Lifecycle]) -> None:
    keeper = make()
    keeper.begin()
    keeper.tick({Fault.TAMPER_OPEN})
    keeper.waiting()
    keeper.end(restart=False)
    messages = heard(systemd)
    assert messages[0] == "READY=1\nSTATUS=starting"
    assert messages.count("WATCHDOG=1") == 2
    assert "STATUS=tamper_open; 0 frames; connected to b:1" in messages
    assert messages[-1].startswith("STOPPING=1")


def test_a_post_that_begins_anew_in_its_own_process_is_not_stopping(
    systemd: socket.socket, make: Callable[..., Lifecycle]
) -> None:
    make().end(restart=True)
    assert not any(message.startswith("STOPPING") for message in heard(systemd))


def test_without_frames_the_watchdog_starves_and_the_next_start_says_why(
    systemd: socket.socket, make: Callable[..., Lifecycle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr("device.health.watchdog.FRAMES_SECONDS", -1.0)
    keeper = make()
    keeper.watching = True
    keeper.begin()
    keeper.account(Spy())  # type: ignore[arg-type] # only said to
    keeper.tick({Fault.CAMERA_SILENT})
    assert "WATCHDOG=1" not in heard(systemd)
    (tmp_path / "state" / OBITUARY).write_text("watchdog killed ABRT")
    spy = Spy()
    after = make()
    after.begin()
    after.account(spy)  # type: ignore[arg-type] # only said to
    action, named = spy.said[0]
    assert action == "died"
    assert (named["reason"], named["object"]) == ("watchdog", RUN)
    assert named["details"] == {"faults": ["camera_silent"], "unfed": "no_frames", "rebooted": False, "bad_starts": 1}


@pytest.mark.parametrize("watching", [True, False])
def test_a_run_that_has_given_its_camera_up_does_not_forget_how_often_it_rebooted(
    systemd: socket.socket, make: Callable[..., Lifecycle], monkeypatch: pytest.MonkeyPatch, *, watching: bool
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr("device.health.boot_counter.WELL_SECONDS", 0.0)
    monkeypatch.setattr("device.health.boot_counter.REBOOT_UPTIMES", (0.0, 0.0))
    keeper = make()
    keeper.begin()
    assert keeper.reboot(Spy(), reason="camera")  # type: ignore[arg-type] # only said to
    rebooted = make()
    rebooted.begin()
    rebooted.watching = watching
    for _ in range(3):
        rebooted.tick({Fault.CAMERA_GIVEN_UP})
    assert make()._starts.reboots == (0 if watching else 1)


def test_what_the_outbox_cannot_tell_is_not_owed(make: Callable[..., Lifecycle], mocker: MockerFixture) -> None:
    for owes, owing in ((mocker.Mock(return_value=True), True), (mocker.Mock(side_effect=OutboxError("full")), False)):
        keeper = make(owes=owes)
        assert keeper._evidence(keeper._uplink()).owing is owing


def test_a_post_that_dies_again_and_again_holds_back_and_says_so_under_systemd(
    systemd: socket.socket, make: Callable[..., Lifecycle]
) -> None:
    for _ in range(4):
        keeper = make()
        keeper.begin()
    assert keeper.holds_back
    assert keeper.faults == {Fault.RESTARTING_OFTEN}
    alone = make(alone=True)
    assert not alone.holds_back
    assert not alone.faults


def test_the_machine_is_started_anew_and_that_is_audited(
    systemd: socket.socket, make: Callable[..., Lifecycle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.health.boot_counter.REBOOT_UPTIMES", (0.0,))
    for _ in range(6):
        keeper = make()
        keeper.begin()
    spy = Spy()
    keeper.account(spy)  # type: ignore[arg-type] # only said to
    assert [action for action, _ in spy.said] == ["reboot"]
    assert (tmp_path / "state" / "reboot").exists()
