"""The crash record: what was wrong with a post before it died, kept on disk for its next start to tell.

A post that is killed, hangs or loses power says nothing any more. So it writes down its present faults whenever they
change, and strikes them out when it stops in order. What is found at a start that was not struck out is what the run
before died with. How it died systemd knows: the unit's `ExecStopPost` writes that down beside.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from platepost.common.files import StateFile
from platepost.common.systemd import boot_id

FILE = "last_words.json"
OBITUARY = "obituary"
"""Written by the unit: `$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS`, as systemd.exec(5) names them."""
RESULTS = frozenset({"watchdog", "signal", "core-dump", "exit-code", "oom-kill", "timeout", "resources", "protocol"})
"""Ends that systemd calls a failure, systemd.service(5)."""
LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Crash:
    """What a run that did not stop in order left behind."""

    run: str
    """The run's identifier, as its records named it in `boot`."""
    faults: tuple[str, ...]
    """What was wrong when it last said something new."""
    unfed: str | None
    """Why the watchdog was not fed any more, None if it was."""
    rebooted: bool
    """Whether the machine itself was started since."""
    how: str
    """`watchdog`, `signal`, `oom-kill`, ...: how systemd saw it end; `power` with the machine, `unknown` otherwise."""


class RunState(BaseModel):
    """What is written down of the present run."""

    run: str
    machine: str
    """The start of the machine."""
    faults: tuple[str, ...] = ()
    unfed: str | None = None
    stopped: bool
    """Whether the run stopped in order."""


class CrashRecord:
    """Keeps what the present run would die with. Never raises: without it only the next start knows less."""

    def __init__(self, folder: Path, *, run: str, machine: str | None = None) -> None:
        """Keep them in `folder`; `run` names this run, `machine` this start of the machine (the kernel's boot id)."""
        self._file = StateFile(folder / FILE, RunState, about="the crash record")
        self._obituary = folder / OBITUARY
        self._run = run
        self._machine = machine if machine is not None else boot_id()

    def former(self) -> Crash | None:
        """Return, once, what the run before died with; None if it stopped in order, or there was none."""
        left = self._file.recall()
        how = self._how()
        if left is None or left.stopped:
            return None
        rebooted = left.machine != self._machine
        return Crash(
            run=left.run,
            faults=left.faults,
            unfed=left.unfed,
            rebooted=rebooted,
            how=how or ("power" if rebooted else "unknown"),
        )

    def keep(self, faults: Iterable[str], *, unfed: str | None) -> None:
        """Write down what is wrong at present."""
        present = tuple(sorted(faults))
        self._file.keep(RunState(run=self._run, machine=self._machine, faults=present, unfed=unfed, stopped=False))

    def close(self) -> None:
        """Strike everything out: the post stops in order."""
        self._file.keep(RunState(run=self._run, machine=self._machine, stopped=True))

    def _how(self) -> str | None:
        try:
            words = self._obituary.read_text(encoding="ascii")[:LONGEST].split()
            self._obituary.unlink()
        except (OSError, ValueError):
            return None
        return words[0].replace("-", "_") if words and words[0] in RESULTS else None
