"""Commands of `platepost` in processes of their own, forked from one that has imported what they need.

To import Django and the department takes most of a second of a core, and the tests give hundreds of commands. The
program that this file is when it is run forks for each line that it reads; all else is as in one that was started.
"""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = str(Path(__file__).parents[3])


class Forking:
    """Gives commands, one after another."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
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
            said = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(arguments, **said)


@cache
def forking() -> Forking:
    """Return the one of this process, which ends with it."""
    return Forking()


def _answer() -> Mapping[str, Any] | None:
    """Answer each line that is read; return None at the end, and what is to be done in a process that was forked."""
    sys.path.pop(0)  # where this file lies
    _import_all()
    answers = os.fdopen(os.dup(1), "w")
    with open(os.dup(0), encoding="utf-8") as asked:  # noqa: PTH123
        for line in iter(asked.readline, ""):
            words = json.loads(line)
            given, *said = (os.memfd_create(name) for name in ("given", "stdout", "stderr"))
            os.pwrite(given, words["given"].encode(), 0)
            pid = os.fork()
            if pid == 0:
                for number, file in enumerate((given, *said)):
                    os.dup2(file, number)
                return words
            _, status = os.waitpid(pid, 0)
            texts = {}
            for name, file in zip(("stdout", "stderr"), said, strict=True):
                with open(file, encoding="utf-8") as written:  # noqa: PTH123
                    written.seek(0)
                    texts[name] = written.read()
            os.close(given)
            print(json.dumps({**texts, "returncode": os.waitstatus_to_exitcode(status)}), file=answers, flush=True)
    return None


def _import_all() -> None:
    """Import what can be before Django knows its settings, and what Django imports when it does."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)  # else each import would set up the tests' own
    import importlib  # noqa: PLC0415
    import pkgutil  # noqa: PLC0415

    import django.core.exceptions  # noqa: PLC0415

    import department  # noqa: PLC0415

    more = ("django.db.backends.postgresql.base", "django.contrib.sessions.backends.db", "requests", "device.cli")
    for name in (*(module.name for module in pkgutil.walk_packages(department.__path__, "department.")), *more):
        with suppress(django.core.exceptions.ImproperlyConfigured):  # a model's, or above one
            importlib.import_module(name)


def _become(words: Mapping[str, Any]) -> None:
    """Give a command in this process, which was forked for it."""
    import random  # noqa: PLC0415
    import time  # noqa: PLC0415

    from device.cli import main  # noqa: PLC0415

    os.environ.clear()
    os.environ.update(words["environment"])
    time.tzset()
    os.chdir(words["folder"])
    random.seed()
    sys.argv = ["-c", *words["arguments"]]
    if words["program"]:
        sys.path.insert(0, ROOT)
        exec(words["program"], {"__name__": "__main__"})  # noqa: S102 - a test's own
    else:
        main()


if __name__ == "__main__":
    asked = _answer()
    if asked is not None:
        _become(asked)
