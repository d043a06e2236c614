"""A throw-away department: a folder, a private database, and the keeper as a process that may be killed at any time."""

import json
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from platepost.common.files import write_durably
from platepost.common.signals import sleep
from platepost.department.custody.receipt_log import ReceiptLog
from platepost.department.database.cluster import PrivateCluster, installed_versions
from platepost.department.folder import SETTINGS, DepartmentFolder
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.register import write_register
from platepost.simulator.errors import SimulatorError
from platepost.simulator.processes import end, log_tail, platepost, run
from platepost.wire.verify.chains import merged

MISSING = (
    "PostgreSQL is not installed, and a department keeps its records there; on Debian: sudo apt-get install postgresql"
)
DUPLICATE = "duplicate"
"""What a status counts among the odd, and no record is: those that came again."""
READY_SECONDS = 60.0
STOP_SECONDS = 60.0
_CHECK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class DepartmentAccount:
    """What a department says that it has of one post, covert records left out."""

    proved: int
    """Records that it proved to be the post's own."""
    odd: int
    """Records that it keeps besides: forged, foreign, unknown, unreadable."""
    held: int
    """Numbers of the post's chains that it holds."""
    receipted: int
    """Numbers that receipts of the present epoch cover."""
    lost: int
    """Numbers that it found to be receipted and not held."""


class ThrowawayDepartment:
    """The department of a fleet's custodian, in a folder of its own; as a context manager, its keeper runs.

    On leaving it, or when starting it fails, no process of it is left.

    Args:
        folder: where it is made.
        fleet: whose records.
        custodian: the custodian's name.
        brokers: `host:port` each.
        log: what its keeper says goes there, a JSON object a line, and its warnings.
        receipts: its log of receipts; in the folder if None.

    """

    def __init__(
        self,
        folder: Path,
        fleet: Fleet,
        custodian: str,
        *,
        brokers: Sequence[str],
        log: Path,
        receipts: Path | None = None,
    ) -> None:
        self.folder = folder
        self.database = PrivateCluster(folder / "database")
        self.log = log
        self._fleet = fleet
        self._custodian = custodian
        self._brokers = brokers
        self._receipts = receipts
        self._process: subprocess.Popen[bytes] | None = None
        self._ready_from = 0

    def __repr__(self) -> str:
        return f"<ThrowawayDepartment {self.folder} {'running' if self.running else 'stopped'}>"

    @property
    def exists(self) -> bool:
        """Whether it was made."""
        return (self.folder / SETTINGS).exists()

    @property
    def running(self) -> bool:
        """Whether its keeper lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The keeper's process; None while there is none."""
        return self._process.pid if self._process is not None and self.running else None

    def initialize(self) -> None:
        """Make it, with the keys of all posts that the fleet has.

        Raises:
            SimulatorError: PostgreSQL is missing, or it cannot be made; the message says what the command said.

        """
        if not installed_versions():
            raise SimulatorError(MISSING)
        register = self.log.with_name("register.jws")
        self.export_register(register)
        more = [f"--broker={broker}" for broker in self._brokers]
        if self._receipts is not None:
            more.append(f"--receipts={self._receipts}")
        key = self._fleet.configuration_verifying_key
        identity = self._fleet.custodian(self._custodian)
        try:
            self.command("init", str(identity), f"--register={register}", f"--register-key={key}", *more)
        except BaseException:  # a stop too: where it had to be killed, its database goes on
            self.database.kill()
            raise

    def export_register(self, path: Path | None = None) -> None:
        """Give out the register of the posts' keys as it is now: to the department, which uses it, where None."""
        path = path or DepartmentFolder(self.folder).register_file
        written, _ = write_register(self._fleet)
        write_durably(path, written.read_bytes(), mode=0o644)

    def command(self, name: str, *arguments: str) -> str:
        """Run a command of `platepost department` on its folder, and return its output.

        Raises:
            SimulatorError: it failed; the message says what it said.

        """
        return _run(platepost("department", name, str(self.folder), *arguments))

    def run_json(self, name: str, *arguments: str, allowed: Sequence[int] = (0,)) -> dict[str, Any]:
        """Run a command of `platepost department` with --json, and return what it says."""
        output = _run(platepost("department", name, str(self.folder), "--json", *arguments), allowed=allowed)
        parsed: dict[str, Any] = json.loads(output.splitlines()[-1])
        return parsed

    def account(self, post: str) -> DepartmentAccount:
        """Return what it says of a post; its keeper must have ended.

        Raises:
            SimulatorError: the database does not run.
            CustodyError: the log of receipts is damaged.

        """
        row: dict[str, Any] = next((row_ for row_ in self.run_json("status")["posts"] if row_["post"] == post), {})
        with ReceiptLog(DepartmentFolder(self.folder).receipts) as receipts:
            signed = [part for chain, ranges in receipts.receipted.items() if chain.post == post for part in ranges]
            lost = sum(gap.last - gap.first + 1 for gap in receipts.incidents if gap.post == post)
        odd = {verdict: count for verdict, count in row.get("odd", {}).items() if verdict != DUPLICATE}
        return DepartmentAccount(
            proved=row.get("kept", 0),
            odd=sum(odd.values()),
            held=sum(chain["kept"] for chain in row.get("chains", ())),
            receipted=sum(last - first + 1 for first, last in merged((part.first, part.last) for part in signed)),
            lost=lost,
        )

    def start(self) -> None:
        """Start the keeper; does nothing if it runs."""
        if self.running:
            return
        command = platepost("department", "keep", str(self.folder), "--json")
        with self.log.open("ab") as log:
            self._ready_from = log.tell()
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0)

    def wait_until_ready(self) -> None:
        """Wait until a broker has granted the keeper's topics.

        Raises:
            SimulatorError: it has not in time, or the keeper has ended.

        """
        deadline = time.monotonic() + READY_SECONDS
        while b'"subscribed"' not in self._recent():
            if not self.running or time.monotonic() > deadline:
                raise SimulatorError(f"the archive service is not ready:\n{self.log_tail()}")
            sleep(_CHECK_SECONDS)

    def kill(self) -> None:
        """End the keeper as a power cut would; the database goes on."""
        self._end(signal.SIGKILL)

    def stop(self) -> int | None:
        """Ask the keeper to end, and wait; return its exit code, None if there was none."""
        return self._end(signal.SIGTERM)

    def log_tail(self) -> str:
        """Return the last lines of its log."""
        return log_tail(self.log)

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_until_ready()
        except BaseException:  # Ctrl-C too: no one else knows of the processes yet
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the keeper and the database, no matter who started that."""
        self.stop()
        self.database.stop()

    def _recent(self) -> bytes:
        with self.log.open("rb") as log:
            log.seek(self._ready_from)
            return log.read()

    def _end(self, sent: signal.Signals) -> int | None:
        process, self._process = self._process, None
        return None if process is None else end(process, sent=sent, seconds=STOP_SECONDS)


@contextmanager
def department_folder() -> Iterator[Path]:
    """Give a folder for a department that goes when this is closed.

    Not below the run's own: root's database runs as another user, who must be able to pass all folders above, and the
    path of its socket must be short.
    """
    folder = Path(tempfile.mkdtemp(prefix="platepost-"))
    try:
        folder.chmod(0o711)
        yield folder / "department"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: Sequence[str], *, allowed: Sequence[int] = (0,)) -> str:
    result = run(command)
    if result.returncode not in allowed:
        words = " ".join(command[4:7])
        raise SimulatorError(
            f"`platepost {words}` failed ({result.returncode}):\n{(result.stderr or result.stdout).strip()}"
        )
    return result.stdout
