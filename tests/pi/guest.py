#!/usr/bin/python3.11
"""The first process of the emulated Raspberry Pi: makes boards there, as the test tells it over the serial line.

A line of JSON comes, a line of JSON goes. `start` forks a process that has boards in its hands, with one of the two
libraries; `kill` ends it as `kill -9` does, `end` lets it end; `run` runs a command of the project, `write` makes a
file. All else is for that process: `make` a board, `get` an attribute, `call` a method.
"""

import ctypes
import json
import os
import signal
import sys
import tty
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

sys.path[:0] = ["/app", "/opt/packages"]
os.environ["OPENBLAS_CORETYPE"] = "ARMV8"  # the emulated processor is none that it knows

for kind, place in ((b"proc", b"/proc"), (b"sysfs", b"/sys"), (b"devtmpfs", b"/dev"), (b"tmpfs", b"/run")):
    os.makedirs(place, exist_ok=True)  # noqa: PTH103 - as mount() wants its name
    ctypes.CDLL(None).mount(kind, place, kind, 0, None)
# The kernel's own line shows what goes wrong here.
console = os.open("/dev/console", os.O_WRONLY)
os.dup2(console, 1)
os.dup2(console, 2)
os.chdir("/run")  # lgpio makes files where it is started

from platepost.common.errors import PlatepostError  # noqa: E402
from platepost.device import backends  # noqa: E402 - found by the line above
from platepost.device.board.base import Board, Light  # noqa: E402
from platepost.device.cli import main as platepost  # noqa: E402


def act(boards: list[Board], asked: dict[str, Any]) -> object:
    """Do what is asked of a board, and return what it says."""
    if "make" in asked:
        boards.append(backends.board("rpi", asked["make"]))
        return len(boards) - 1
    board: Any = boards[asked["board"]]
    if "get" in asked:
        return repr(board) if asked["get"] == "repr" else getattr(board, asked["get"])
    if "believes" in asked:
        return board._switches[asked["believes"]]._open
    if asked["call"] == "status_light":
        return board.status_light(Light(asked["with"]["light"]))
    return getattr(board, asked["call"])(**asked["with"])


def serve(library: str, requests: Iterable[str], answers: TextIO) -> None:
    """Have boards in hand until nothing more is asked."""
    sys.path.insert(0, f"/opt/{library}")
    boards: list[Board] = []
    for line in requests:
        try:
            answer = {"value": act(boards, json.loads(line))}
        except PlatepostError as error:
            answer = {"error": type(error).__name__, "text": str(error)}
        except Exception as error:  # noqa: BLE001 - the test shall see it
            answer = {"error": "AssertionError", "text": repr(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Child:
    """The process that has the boards."""

    def __init__(self, library: str) -> None:
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()
        self._number = os.fork()
        if self._number == 0:
            os.close(to_write)
            os.close(from_read)
            serve(library, os.fdopen(to_read), os.fdopen(from_write, "w"))
            sys.exit()
        os.close(to_read)
        os.close(from_write)
        self._requests, self._answers = os.fdopen(to_write, "w"), os.fdopen(from_read)

    def ask(self, line: str) -> str:
        """Pass a request on, and return the answer."""
        self._requests.write(line)
        self._requests.flush()
        return self._answers.readline().strip() or '{"error": "AssertionError", "text": "the process has ended"}'

    def end(self, *, killed: bool = False) -> None:
        """End it, if it has not been before."""
        if self._requests.closed:
            return
        if killed:
            os.kill(self._number, signal.SIGKILL)
        self._requests.close()
        self._answers.close()
        os.waitpid(self._number, 0)


def run(library: str, arguments: list[str]) -> tuple[int, str]:
    """Run `platepost` with arguments in a process of its own; return its exit code and what it says."""
    said = Path("/run/said")
    number = os.fork()
    if number == 0:
        sys.path.insert(0, f"/opt/{library}")
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.argv = ["platepost", *arguments]
        platepost()
        sys.exit()
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    return code, said.read_text(encoding="utf-8")[-2000:]


def main() -> None:
    """Do what is asked, until the machine is switched off."""
    (path,) = Path("/dev").glob("ttyAMA*")
    line = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(line)
    os.write(line, b'{"value": "ready"}\n')
    child: Child | None = None
    with os.fdopen(line) as requests:
        for request in requests:
            asked = json.loads(request)
            answer = '{"value": null}'
            if "start" in asked:
                child = Child(asked["start"])
            elif "run" in asked:
                answer = json.dumps({"value": run(asked["library"], asked["run"])})
            elif "write" in asked:
                Path(asked["write"]).write_text(asked["text"], encoding="utf-8")
            elif child is None:
                answer = '{"error": "AssertionError", "text": "no process was started"}'
            elif "kill" in asked or "end" in asked:
                child.end(killed="kill" in asked)
            else:
                answer = child.ask(request)
            os.write(line, answer.encode() + b"\n")


main()
