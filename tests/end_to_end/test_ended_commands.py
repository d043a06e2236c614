"""Commands that are ended from outside, as CI systems do: nothing that they started is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from platepost.simulator.brokers.mosquitto import mosquitto_path

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]
PROGRAM = "import sys; from platepost.device.cli import main; sys.exit(main())"
PATIENCE_SECONDS = 120.0
SCENARIOS = ("week_without_network", "stale_list", "rush_hour", "disk_full")


@pytest.fixture
def command(request: pytest.FixtureRequest, tmp_path: Path, heeded: None) -> Iterator[subprocess.Popen[bytes]]:
    """Give a running `platepost simulate ...` that leads a session of its own."""
    words = [sys.executable, "-c", PROGRAM, "simulate", *request.param]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(words, start_new_session=True, cwd=tmp_path, env=environment)
    yield process
    for pid in session(process):
        os.kill(pid, signal.SIGKILL)
    process.wait()


def session(leader: subprocess.Popen[bytes]) -> dict[int, str]:
    """Return the processes of a session that run, with their names."""
    found = {}
    for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):  # noqa: PTH208 - ten times a second
        with suppress(OSError):  # it has ended
            if os.getsid(pid) == leader.pid:
                name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
                if rest.split()[0] not in "ZX":
                    found[pid] = name
    return found


def wait_for(leader: subprocess.Popen[bytes], brokers: int | None) -> None:
    """Wait until so many brokers run in the session, or until there is nothing in it where None."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        there = session(leader)
        if not there if brokers is None else list(there.values()).count("mosquitto") == brokers:
            return
        assert time.monotonic() < end, there
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("command", "brokers", "sent"),
    [
        pytest.param(("demo", "--no-live"), 1, signal.SIGTERM, id="demo"),
        pytest.param(("run", "week_without_network"), 1, signal.SIGTERM, id="one-scenario"),
        pytest.param(("run", "week_without_network", "--wall-clock"), 1, signal.SIGKILL, id="one-scenario-killed"),
        pytest.param(("run", "--jobs", "2", *SCENARIOS), 2, signal.SIGTERM, id="scenarios"),
        pytest.param(("run", "--jobs", "2", *SCENARIOS), 2, signal.SIGINT, id="scenarios-interrupted"),
        pytest.param(("run", "--jobs", "2", *SCENARIOS), 2, signal.SIGKILL, id="scenarios-killed"),
    ],
    indirect=["command"],
)
def test_nothing_is_left_of_a_command_that_is_ended(
    command: subprocess.Popen[bytes], brokers: int, sent: signal.Signals, tmp_path: Path
) -> None:
    wait_for(command, brokers)
    if sent == signal.SIGINT:  # as a terminal sends it
        os.killpg(command.pid, sent)
    else:
        command.send_signal(sent)
    command.wait(PATIENCE_SECONDS)
    wait_for(command, None)
    assert not list(tmp_path.glob("platepost-scenario-*"))
