"""The post as a process of its own: `platepost run`, as on a unit in the field."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from subprocess import Popen
from typing import Any, Self

from platepost.common.signals import KILLED_SECONDS
from platepost.simulator.errors import DemoError
from platepost.simulator.processes import communicated, end, log_tail, platepost

_STOP_SECONDS = 15.0


class PostProcess:
    """One running post. It ends by itself when its footage ends and its outbox is empty.

    Args:
        configuration: its `post.toml`.
        log: what it logs goes there.
        command: what runs it; `platepost run` if None.

    """

    def __init__(self, configuration: Path, *, log: Path, command: Sequence[str] | None = None) -> None:
        self._command = command or platepost("-v", "run", "--config", str(configuration), "--json")
        self._log = log
        self._process: Popen[bytes] | None = None

    def start(self) -> None:
        """Start the post."""
        with self._log.open("wb") as log:
            self._process = Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)

    @property
    def running(self) -> bool:
        """Whether the post has not ended yet."""
        return self._process is not None and self._process.poll() is None

    def account(self) -> dict[str, Any]:
        """Wait for the post's end and return what it says its run came to.

        Raises:
            DemoError: it ended with an error; the message carries the end of its log.

        """
        if self._process is None:
            raise DemoError("the post was not started")
        output, _ = communicated(self._process)
        if self._process.returncode != 0:
            raise DemoError(f"the post ended with exit code {self._process.returncode}:\n{self.log_tail()}")
        account: dict[str, Any] = json.loads(output.splitlines()[-1])
        return account

    def log_tail(self) -> str:
        """Return the last lines of the post's log."""
        return log_tail(self._log)

    def kill(self) -> None:
        """End the post as a power cut would; does nothing if it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(KILLED_SECONDS)
        self.stop()

    def stop(self) -> None:
        """Ask the post to end, and see that it does; does nothing if it has ended."""
        if self._process is None:
            return
        end(self._process, seconds=_STOP_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:  # Ctrl-C too: no one else knows of the process yet
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
