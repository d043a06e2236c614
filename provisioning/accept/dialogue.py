"""The technician's end of an acceptance: few questions, each in one line."""

import queue
import sys
import threading
from abc import ABC, abstractmethod
from time import monotonic

import click


class Dialogue(ABC):
    """Whom the checklist speaks to. A backend *must* implement every method."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Tell something."""

    @abstractmethod
    def ask(self, question: str) -> bool:
        """Ask what only a person sees; True for yes."""

    @abstractmethod
    def tap(self, seconds: float) -> float | None:
        """Return the `time.monotonic()` of the next keystroke, None if none comes in time.

        Raises:
            EOFError: the person has ended the count.

        """


class Terminal(Dialogue):
    """A person at a terminal: Enter is a keystroke, a line with q ends a count."""

    def __init__(self) -> None:
        self._lines: queue.Queue[tuple[float, str]] = queue.Queue()
        self._reading = False

    def say(self, text: str) -> None:
        """Print a line."""
        click.echo(text)

    def ask(self, question: str) -> bool:
        """Print a question and wait for y or n."""
        while True:
            click.echo(f"{question} [y/n] ", nl=False)
            answer = self._line(None)[1].strip().lower()
            if answer in {"y", "yes", "n", "no"}:
                return answer.startswith("y")

    def tap(self, seconds: float) -> float | None:
        """Take an Enter."""
        try:
            at, line = self._line(seconds)
        except queue.Empty:
            return None
        if line.strip().lower().startswith("q"):
            raise EOFError
        return at

    def _line(self, seconds: float | None) -> tuple[float, str]:
        if not self._reading:
            self._reading = True
            threading.Thread(target=self._read, name="terminal", daemon=True).start()
        at, line = self._lines.get(timeout=seconds)
        if not line:
            self._lines.put((at, line))
            raise click.Abort
        return at, line

    def _read(self) -> None:
        for line in sys.stdin:
            self._lines.put((monotonic(), line))
        self._lines.put((monotonic(), ""))
