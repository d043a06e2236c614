"""The posts of the live page, each a process: started, driven, watched, and killed as a power cut would."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import IO

from platepost.common.signals import KILLED_SECONDS, current
from platepost.simulator.live.wire import Writer, messages

STOP_SECONDS = 20.0
_LOG_LINES = 6


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """The newest view of a post."""

    number: int
    """Counts up from 1."""
    jpeg: bytes


def place_of(footage: Path) -> str:
    """Return what the place is called that footage shows, by its file's name: `north_gate.mp4` is the North gate."""
    return footage.stem.replace("_", " ").replace("-", " ").capitalize()


class LivePost:
    """One post and the pipes to it. `changed` is called in another thread when its board or its power changed."""

    def __init__(self, name: str, configuration: Path, footage: Path | None, *, place: str, log: Path) -> None:
        """Keep what is given; nothing runs yet. Without `footage` it sees what its configuration's camera does."""
        self.name = name
        self.place = place
        self._footage = footage
        self.changed: Callable[[], None] = lambda: None
        self.seen: Callable[[JpegFrame], None] = lambda _picture: None
        """Called in another thread with each new view."""
        self.board: dict[str, bool | str] = {}
        self.failure = ""
        """The end of the log of a post that ended without being asked to."""
        self.tamper = False
        self._configuration = configuration
        self._log = log
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._out: Writer | None = None
        self._ending = False
        self._watchers = 0
        self._pace = (1.0, False)
        self._pictures = 0

    @property
    def powered(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Give it power; does nothing if it has."""
        with self._lock:
            if self.powered:
                return
            # -P: the folder that we are in may have a `device.py` of its own.
            worker = [sys.executable, "-P", "-m", "platepost.simulator.live.worker"]
            command = [*worker, str(self._configuration), *([] if self._footage is None else [str(self._footage)])]
            with self._log.open("ab") as log:
                process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
            self._process = process
            self._ending = False
            self.failure = ""
            if process.stdin is not None and process.stdout is not None:
                self._out = Writer(process.stdin)
                listening = Thread(
                    target=self._listen, args=(process, process.stdout), name=f"views of {self.name}", daemon=True
                )
                listening.start()
        self._tell_all()
        self.changed()

    def cut_power(self) -> None:
        """End it as a power cut does; does nothing if it has none."""
        self._ending = True
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait(KILLED_SECONDS)
        self.board = {}
        self.changed()

    def stop(self) -> None:
        """Ask it to end, deliver what waits, and say farewell."""
        self._ending = True
        process = self._process
        if process is None or process.poll() is not None:
            return
        self._send(do="stop")
        if self._out is not None:
            self._out.close()

    def join(self) -> None:
        """Wait until it has ended; it is killed where that takes too long."""
        if self._process is None:
            return
        try:
            self._process.wait(current().limit(STOP_SECONDS))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(KILLED_SECONDS)

    def press_tamper(self, *, opened: bool) -> None:
        """Open or close its case."""
        self.tamper = opened
        self._send(do="tamper", open=opened)

    def set_pace(self, *, factor: float, paused: bool) -> None:
        """Have its street go faster, slower, or stand still."""
        self._pace = (factor, paused)
        self._send(do="pace", factor=factor, paused=paused)

    def watch(self, watchers: int) -> None:
        """Say how many more, or fewer, people watch it: unwatched it paints nothing."""
        with self._lock:
            self._watchers += watchers
        self._send(do="watch", on=self._watchers > 0)

    def _tell_all(self) -> None:
        factor, paused = self._pace
        self._send(do="pace", factor=factor, paused=paused)
        self._send(do="watch", on=self._watchers > 0)

    def _send(self, **message: object) -> None:
        if self._out is not None:
            self._out.send(**message)

    def _listen(self, process: subprocess.Popen[bytes], pipe: IO[bytes]) -> None:
        with pipe:
            for message, content in messages(pipe):
                if message["kind"] == "view":
                    self._pictures += 1
                    self.seen(JpegFrame(self._pictures, content))
                else:
                    self.board = message["lines"]
                    self._keep_case()
                    self.changed()
        process.wait()
        if process is self._process:
            self.board = {}
            if not self._ending:
                text = self._log.read_text(encoding="utf-8", errors="replace")
                self.failure = "\n".join(text.splitlines()[-_LOG_LINES:])
            self.changed()

    def _keep_case(self) -> None:
        """Have a case that was open before a power cut be open after it."""
        if self.tamper != self.board["tamper"]:
            self._send(do="tamper", open=self.tamper)
