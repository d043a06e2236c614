"""People of a throw-away department, with certificates and training, who look and decide by its services.

They are in a process of their own, because Django knows one database and one role of it a process: people are made by
the owner, as the command line makes them, and do everything else as the pages do it.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from platepost.common.signals import KILLED_SECONDS, check, current
from platepost.department.database.roles import COMMAND, OWNER
from platepost.department.folder import DepartmentFolder
from platepost.department.people.rights import DepartmentRole
from platepost.department.session import working_as
from platepost.simulator.errors import SimulatorError
from platepost.simulator.processes import run

Decision: TypeAlias = Literal[
    "take", "confirm", "second", "active", "cleared", "not_practical",
    "misread", "other_state", "other_vehicle", "illegible", "stale_entry",
    "recovered", "wrong_person", "stop", "arrest", "nothing", "units_sent",
]  # fmt: skip
"""A step of docs/alerts.md; a rejection, by its reason; what came of a hit, or had been done when it was withdrawn."""


_STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class HitDecision:
    """What came of one decision."""

    person: str
    plate: str
    decision: str
    post: str
    """Of the hit; empty if there is none."""
    state: str
    """What the alert was afterwards; empty if there is none."""
    refused: str
    """Why nothing came of it; empty otherwise."""


class Dispatchers:
    """People who can be asked to decide, until this is closed.

    Args:
        folder: the department's, whose database runs.
        people: the role of each, by log-in.

    Raises:
        SimulatorError: they cannot be made; the message says what the program said.

    """

    def __init__(self, folder: Path, people: Mapping[str, DepartmentRole]) -> None:
        words = [f"{login}={role}" for login, role in people.items()]
        result = run(_program("make", folder, *words))
        if result.returncode:
            raise SimulatorError(f"people cannot be added in {folder}:\n{result.stderr.strip()}")
        self._process = subprocess.Popen(
            _program("work", folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl-C is for the process that started them; they end with their input
        )
        self._answer()  # it has found its database: a scenario may stop that next

    def log_in(self, login: str) -> str:
        """Return the key of a new session, as if the person had shown their passkey."""
        return str(self._ask(do="log_in", login=login))

    def decide(self, login: str, plate: str, decisions: Sequence[Decision]) -> list[HitDecision]:
        """Have someone decide about the newest open hit of a plate, as it was read; return what came of each."""
        decisions_made = self._ask(do="decide", login=login, plate=plate, decisions=decisions)
        return [HitDecision(login, plate, **decision) for decision in decisions_made]

    def close(self) -> None:
        """End their program."""
        with suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=current().limit(_STOP_SECONDS))
        self._process.kill()
        self._process.wait(KILLED_SECONDS)

    def _ask(self, **what: object) -> Any:
        if self._process.stdin is not None and self._process.poll() is None:
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        with current().on_request(self._process.kill):
            words = self._process.stdout.readline() if self._process.stdout is not None else b""
        check()
        if not words:
            raise SimulatorError("the dispatchers' program has ended")
        return json.loads(words)


def _program(what: str, folder: Path, *people: str) -> list[str]:
    return [sys.executable, "-P", "-m", "platepost.simulator.ground.dispatchers", what, str(folder), *people]


def main() -> None:
    """Make people, or do what is asked, a line of JSON each, until the input ends."""
    what, place, *people = sys.argv[1:]
    folder = DepartmentFolder(Path(place))
    with working_as(folder, OWNER if what == "make" else COMMAND):
        from platepost.simulator.ground import dispatching  # noqa: PLC0415 - after Django was set up

        if what == "make":
            roles = (person.split("=") for person in people)
            dispatching.make(folder.settings.agency, {login: DepartmentRole(role) for login, role in roles})
            return
        _say(None)
        for line in sys.stdin:
            _say(dispatching.done(json.loads(line)))


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
