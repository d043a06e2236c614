"""The technician's end of an acceptance: few questions, each in one line."""

import queue
import sys
import termios
import threading
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Literal, TextIO

from platepost.common.language import Phrase, agreed, spoken
from platepost.common.signals import check

_CHECK_SECONDS = 0.2
_ANEW = "\r\x1b[K"
"""What starts a terminal's line over."""


@dataclass(frozen=True, slots=True)
class Keystroke:
    """What a person typed during a count."""

    means: Literal["vehicle", "undo", "end"]
    at: float
    """`time.monotonic()`."""


def key_of(line: str, at: float) -> Keystroke:
    """Say what a line means during a count."""
    first = line.strip().lower()[:1]
    return Keystroke("end" if first == "q" else "undo" if first == "u" else "vehicle", at)


class Terminal:
    """A person at a terminal, or a pipe, in the language of its locale.

    During a count Enter is a vehicle, a line with u takes the last one back, and one with q ends the count.

    Args:
        lines: where what is typed comes from; standard input if None.
        watched: whether someone sees how far a wait is; by whether standard output is a terminal if None.

    """

    def __init__(self, lines: TextIO | None = None, *, watched: bool | None = None) -> None:
        self._input = lines or sys.stdin
        self._watched = sys.stdout.isatty() if watched is None else watched
        self._shown = False
        self._lines: queue.Queue[tuple[float, str]] = queue.Queue()
        self._reading = False

    def say(self, text: Phrase) -> None:
        """Print a line, in place of a wait that has ended."""
        self._write(f"{spoken(text)}\n")

    def progress(self, text: Phrase) -> None:
        """Write over the line of the wait, on a terminal only."""
        if self._watched:
            self._write(spoken(text), shown=True)

    def ask(self, question: Phrase) -> bool:
        """Print a question and wait for yes or no, in whichever language; what was typed before answers it not."""
        self.discard()
        while True:
            self._write(f"{spoken(question)} {spoken(Phrase('[y/n]'))} ")
            yes = agreed(self._line(None)[1])
            if yes is not None:
                return yes

    def discard(self) -> None:
        """Forget what was typed at a terminal; a pipe is written before anything is asked, and keeps its lines."""
        if not self._input.isatty():
            return
        with suppress(termios.error):  # a terminal that is gone has nothing waiting
            termios.tcflush(self._input.fileno(), termios.TCIFLUSH)
        with suppress(queue.Empty):
            while (typed := self._lines.get_nowait())[1]:
                pass
            self._lines.put(typed)  # the end stays

    def tap(self, seconds: float) -> Keystroke | None:
        """Return what is typed next during a count, None if nothing comes in time.

        Raises:
            EOFError: nothing more can come.

        """
        try:
            at, line = self._line(seconds)
        except queue.Empty:
            return None
        return key_of(line, at)

    def _write(self, text: str, *, shown: bool = False) -> None:
        sys.stdout.write(f"{_ANEW if shown or self._shown else ''}{text}")
        sys.stdout.flush()
        self._shown = shown

    def _line(self, seconds: float | None) -> tuple[float, str]:
        if not self._reading:
            self._reading = True
            threading.Thread(target=self._read, name="terminal", daemon=True).start()
        until = None if seconds is None else monotonic() + seconds
        while True:
            check()
            left = _CHECK_SECONDS if until is None else min(_CHECK_SECONDS, until - monotonic())
            try:
                at, line = self._lines.get(timeout=max(0.0, left))
                break
            except queue.Empty:
                if until is not None and monotonic() >= until:
                    raise
        if not line:
            self._lines.put((at, line))
            raise EOFError
        return at, line

    def _read(self) -> None:
        with suppress(OSError):  # the terminal was lost
            for line in self._input:
                self._lines.put((monotonic(), line))
        self._lines.put((monotonic(), ""))
