"""A custodian of a scenario that is a real department: its keeper a process, its database a cluster of its own."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from platepost.common.signals import sleep
from platepost.department.people.rights import DepartmentRole
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.ground.department import ThrowawayDepartment, department_folder
from platepost.simulator.ground.dispatchers import Dispatchers
from platepost.simulator.scenario.course import HeldByCustodian

FULL_BYTES = 4096
"""How large a file of the database may become while its disk is full."""
_CHECK_SECONDS = 0.02


class DepartmentCustodian:
    """One department through its troubles, at all brokers.

    Args:
        fleet: whose custodian.
        name: its name.
        brokers: the department's.
        log: what its keeper says goes there.
        dispatchers: log-ins of people who decide about hits.

    """

    dispatchers: Dispatchers
    """Once it was started, if there are any."""

    def __init__(
        self, fleet: Fleet, name: str, brokers: Sequence[Broker], log: Path, *, dispatchers: Sequence[str]
    ) -> None:
        self.name = name
        self._stack = ExitStack()
        folder = self._stack.enter_context(department_folder())
        addresses = [broker.address for broker in brokers]
        self._department = ThrowawayDepartment(folder, fleet, name, brokers=addresses, log=log)
        self._data, self._aside = (self._department.database.folder / name for name in ("data", "aside"))
        self._away = False
        self._people = dispatchers

    def __repr__(self) -> str:
        return f"<DepartmentCustodian {self.name} {'running' if self.running else 'away'}>"

    @property
    def running(self) -> bool:
        """Whether it can keep records."""
        return self._department.running and not self._away

    def reaches_all(self) -> bool:
        """Say whether it is connected to every broker that runs, or away."""
        return True

    def start(self) -> None:
        """Go to work; does nothing if it is. Raises SimulatorError: it does not."""
        new = not self._department.exists
        if new:
            self._department.initialize()
        self._department.start()
        self._department.wait_until_ready()
        if new and self._people:
            self.dispatchers = Dispatchers(
                self._department.folder, dict.fromkeys(self._people, DepartmentRole.DISPATCHER)
            )
            self._stack.callback(self.dispatchers.close)

    def stop(self) -> None:
        """End in order."""
        self._department.stop()

    def kill(self) -> None:
        """End the keeper as a power cut would, and start it again."""
        self._department.kill()
        self.start()

    def stop_database(self) -> None:
        """Have the database end, no matter who is connected, and its disk be gone: the keeper would start it again."""
        self._away = True
        server = self._department.database.pid
        self._data.rename(self._aside)
        _end(_family(server))

    def start_database(self) -> None:
        """Bring the disk back, and start the database."""
        self._aside.rename(self._data)
        self._department.database.start()
        self._away = False

    def fill_disk(self) -> None:
        """Let no file of the database grow any more, as on a full disk."""
        self._away = True
        for pid in _family(self._department.database.pid):
            with suppress(FileNotFoundError):  # it has ended
                _limit_files(pid, FULL_BYTES)

    def free_disk(self) -> None:
        """Give the space back; the database starts again, as it may have given up."""
        self._department.database.kill()
        self._department.database.start()
        self._away = False

    def account(self, post: str) -> HeldByCustodian:
        """Return what it has of a post; its keeper must have stopped."""
        account = self._department.account(post)
        return HeldByCustodian(self.name, account.held, account.lost)

    def close(self) -> None:
        """End everything, and remove it."""
        self._department.close()
        self._stack.close()


def _limit_files(pid: int, size: int) -> None:
    """Let a process write no file beyond a size: prlimit(1), as its own user, for root may lack the right to."""
    owner = Path(f"/proc/{pid}").stat()
    other: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    subprocess.run(["prlimit", f"--pid={pid}", f"--fsize={size}:"], check=False, stderr=subprocess.DEVNULL, **other)


def _family(server: int | None) -> list[int]:
    """Return a server's process, and those that it started."""
    processes = [] if server is None else [server]
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            if int(path.read_text("ascii", errors="replace").rpartition(")")[2].split()[1]) == server:
                processes.append(int(path.parent.name))
    return processes


def _end(pids: Sequence[int]) -> None:
    """End processes at once, and wait until they are gone."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while any(_lives(pid) for pid in pids):
        sleep(_CHECK_SECONDS)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
