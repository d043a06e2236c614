"""What the pytest plugin asks for: brokers and posts, made and driven by lines of JSON.

`pytest_platepost.interpreter` starts this in an interpreter of its own, and is the other end.
"""

import json
import os
import signal
import sys
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Any

from device.records.base import WireModel
from simulator.scenario.load import find
from simulator.scenario.runner import RunOptions, run_one
from simulator.testing.post import PassedBy, SimulatedPost
from simulator.testing.site import SimulatedSite


class FixtureService:
    """The brokers and posts of a session's tests, each under a number."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._made: dict[int, object] = {0: self}

    def open_site(self, directory: str) -> SimulatedSite:
        """Start a broker."""
        return SimulatedSite(Path(directory)).__enter__()

    def close_site(self, number: int) -> None:
        """End a broker and its posts."""
        site = self._made.pop(number)
        if isinstance(site, SimulatedSite):
            site.__exit__(None, None, None)

    def play(self, name: str, directory: str, *, seed: int) -> dict[str, Any]:
        """Play a scenario, and say what came of it and where its records and keys lie."""
        path = find(name)
        outcome = run_one(path, RunOptions(seed=seed, keep=Path(directory)))
        folder = str(Path(directory, path.stem, "0"))
        return {"name": outcome.name, "passed": outcome.passed, "failures": list(outcome.failures), "folder": folder}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked, and return the answer, an error's words among it."""
        try:
            action = getattr(self._made[request["target"]], request["action"])
            result = self._told(action(*request["given"], **request["named"]))
        except Exception as error:  # noqa: BLE001 - the test that asked is told
            return {"number": request["number"], "error": f"{type(error).__name__}: {error}"}
        return {"number": request["number"], "result": result}

    def close(self) -> None:
        """End every broker that is left."""
        for number, made in list(self._made.items()):
            if isinstance(made, SimulatedSite):
                self.close_site(number)

    def _told(self, result: object) -> object:
        match result:
            case SimulatedSite():
                told = {name: getattr(result, name) for name in ("agency", "host", "port", "address", "topics")}
                keys = str(result.fleet.directory / "records")
                return told | {"number": self._number(result), "keys": keys}
            case SimulatedPost():
                number, key = self._number(result), str(result.public_key)
                return {"number": number, "name": result.name, "agency": result.agency, "public_key": key}
            case PassedBy():
                return {"read": self._told(result.read), "hit": self._told(result.hit)}
            case WireModel():
                return result.wire()
            case Path():
                return str(result)
        return result

    def _number(self, made: object) -> int:
        number = next(self._numbers)
        self._made[number] = made
        return number


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer requests, a line each and several at a time, until there are none left; then end what still runs."""
    service, lock = FixtureService(), Lock()

    def answer(request: dict[str, Any]) -> None:
        line = json.dumps(service.answer(request)) + "\n"
        with lock:
            answers.write(line)
            answers.flush()

    for line in requests:
        Thread(target=answer, args=(json.loads(line),), daemon=True).start()
    service.close()


def main() -> None:
    """Serve on standard input and output; what is printed goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the tests, and these end us
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        serve(sys.stdin, answers)
