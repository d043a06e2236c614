import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from platepost.common.systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@platepost-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name[1:] if name.startswith("@") else name)
        listener.settimeout(5)
        yield listener, name


def test_every_message_arrives_as_one_datagram(systemd: tuple[socket.socket, str]) -> None:
    listener, name = systemd
    notifier = Notifier({"NOTIFY_SOCKET": name})
    assert notifier.listening
    notifier.ready("starting")
    notifier.alive()
    notifier.status("two\nlines" + "!" * 500)
    notifier.stopping()
    assert listener.recv(4096) == b"READY=1\nSTATUS=starting"
    assert listener.recv(4096) == b"WATCHDOG=1"
    status = listener.recv(4096)
    assert status.startswith(b"STATUS=two lines!!")
    assert len(status) < 300
    assert listener.recv(4096).startswith(b"STOPPING=1\n")


def test_whoever_is_busy_at_the_start_gets_more_time_for_it(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")}).busy()
        assert listener.recv(4096).splitlines() == [b"EXTEND_TIMEOUT_USEC=120000000", b"WATCHDOG=1"]


def test_without_systemd_nothing_happens(tmp_path: Path) -> None:
    Notifier({}).alive()
    assert not Notifier({}).listening
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).alive()
