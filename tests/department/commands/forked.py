"""Commands of `platepost` in processes of their own, forked from one that has imported what they need.

To import Django and the department takes most of a second of a core, and the tests give hundreds of commands. The
program that this file is when it is run forks for each line that it reads; all else is as in one that was started, but
that Django's apps and models are loaded by then, and that the end does not take apart what was imported.
A command that goes on beside the test is forked once more, by a process that waits for it and then says how it ended.
"""

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn, Self, TextIO

ROOT = str(Path(__file__).parents[3])


class Started:
    """A command that goes on beside the test, used as a subprocess.Popen is."""

    def __init__(self, notified: TextIO, stdout: TextIO | None) -> None:
        self._reports = notified
        self.stdout = stdout
        self.pid = int(notified.readline())
        self.returncode: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.stdout is not None:
            self.stdout.close()
        self.wait()

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended, once it has. Raises TimeoutExpired: it has not in so many seconds."""
        if self.returncode is None:
            ended, _, _ = select.select([self._reports], [], [], timeout)
            if not ended:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = int(self._reports.readline())
            self._reports.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forking:
    """Gives commands, one after another."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._files, files = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(files.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            pass_fds=[files.fileno()],
        )
        files.close()
        atexit.register(self._process.communicate)

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], given: str = "", program: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Return what `platepost`, or another program in Python, did, as subprocess.run does."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        words = {"arguments": [*arguments], "environment": {**environment}, "folder": os.getcwd(), "given": given}  # noqa: PTH109
        words["program"] = program
        with self._lock:
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
            payload = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(arguments, **payload)

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> Started:
        """Have `platepost` go on beside the test, as subprocess.Popen does; `stdout` may be PIPE, for text."""
        assert self._process.stdin is not None
        reading, telling = os.pipe()
        fields, saying = os.pipe() if stdout == subprocess.PIPE else (None, 1 if stdout is None else stdout)
        words = {"arguments": [*arguments], "environment": {**environment}, "folder": os.getcwd(), "program": ""}  # noqa: PTH109
        with self._lock:
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
            socket.send_fds(self._files, [b"-"], [telling, saying, 2 if stderr is None else stderr])
        os.close(telling)
        if fields is not None:
            os.close(saying)
        return Started(os.fdopen(reading), None if fields is None else os.fdopen(fields))


@cache
def forking() -> Forking:
    """Return the one of this process, which ends with it."""
    return Forking()


def _answer() -> Mapping[str, Any] | None:
    """Answer each line that is read; return None at the end, and what is to be done in a process that was forked."""
    sys.path.pop(0)  # where this file lies
    _import_all()
    gc.freeze()  # to look for garbage here would copy every page for every command
    answers = os.fdopen(os.dup(1), "w")
    files = socket.socket(fileno=int(sys.argv[1]))
    with open(os.dup(0), encoding="utf-8") as asked:  # noqa: PTH123
        for line in iter(asked.readline, ""):
            words = json.loads(line)
            if "given" not in words:
                if _beside(*socket.recv_fds(files, 1, 3)[1]):
                    return words
                continue
            given, *fields = (os.memfd_create(name) for name in ("given", "stdout", "stderr"))
            os.pwrite(given, words["given"].encode(), 0)
            pid = os.fork()
            if pid == 0:
                for number, file in enumerate((given, *fields)):
                    os.dup2(file, number)
                return words
            _, status = os.waitpid(pid, 0)
            texts = {}
            for name, file in zip(("stdout", "stderr"), fields, strict=True):
                with open(file, encoding="utf-8") as written:  # noqa: PTH123
                    written.seek(0)
                    texts[name] = written.read()
            os.close(given)
            print(json.dumps({**texts, "returncode": os.waitstatus_to_exitcode(status)}), file=answers, flush=True)
    return None


def _beside(telling: int, stdout: int, stderr: int) -> bool:
    """Tell in a process of its own how another ends; return whether this is that other, which has these files."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    waits = os.fork()
    if waits:
        for file in (telling, stdout, stderr):
            os.close(file)
        return False
    pid = os.fork()
    if pid == 0:
        os.close(telling)
        for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), stdout, stderr)):
            os.dup2(file, number)
            os.close(file)
        return True
    with os.fdopen(telling, "w") as notified:
        print(pid, file=notified, flush=True)
        for number in range(3):
            os.close(number)
        os.closerange(0, telling)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), file=notified, flush=True)
    os._exit(0)


def _import_all() -> None:
    """Import all of the department, as its commands do, and what these load later."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)  # else each import would set up the tests' own
    import importlib  # noqa: PLC0415
    import pkgutil  # noqa: PLC0415

    from django.apps import apps  # noqa: PLC0415

    import platepost.department  # noqa: PLC0415
    from platepost.department.session import set_up_apps  # noqa: PLC0415

    set_up_apps()
    packages = [(platepost.department.__path__, "platepost.department")]
    for app in apps.get_app_configs():
        with suppress(ModuleNotFoundError):  # it has none
            migrations = importlib.import_module(f"{app.name}.migrations")
            packages.append((migrations.__path__, migrations.__name__))
    for path, package in packages:
        for module in pkgutil.walk_packages(path, f"{package}."):
            importlib.import_module(module.name)
    for name in ("requests", "platepost.device.cli"):
        importlib.import_module(name)


def _become(words: Mapping[str, Any]) -> NoReturn:
    """Give a command in this process, which was forked for it."""
    import random  # noqa: PLC0415
    import time  # noqa: PLC0415

    from platepost.device.cli import main  # noqa: PLC0415

    os.environ.clear()
    os.environ.update(words["environment"])
    time.tzset()
    os.chdir(words["folder"])
    random.seed()
    # As a terminal has it, though the tests were started with `nohup` or `&`.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    sys.argv = ["-c", *words["arguments"]]
    code: object = None
    try:
        if words["program"]:
            sys.path.insert(0, ROOT)
            exec(words["program"], {"__name__": "__main__"})  # noqa: S102 - a test's own
        else:
            main()
    except SystemExit as ended:
        code = ended.code
    _end(code)


def _end(code: object) -> NoReturn:
    """End this process as Python does, and as multiprocessing does after a fork: without taking modules apart."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if code is not None and not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    asked = _answer()
    if asked is not None:
        _become(asked)
