"""How far a campaign is, in a terminal: a bar, or where there is no terminal a line now and then."""

from time import monotonic
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

LINE_SECONDS = 30.0
"""How often a line is written where there is no terminal for a bar, besides at the beginning of each part."""


class ProgressDisplay:
    """Shows what is being done and how far it is; a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = self._line = monotonic()
        self._last = ""
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[more]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=None, more="")

    def show(self, what: str, done: int = 0, of: int = 0, more: str = "") -> None:
        """Show this; `of` is 0 where it cannot be told how much there is to do."""
        self._bar.update(self._task, description=what, completed=done, total=of or None, more=more)
        now = monotonic()
        if not self._console.is_terminal and (what != self._last or now - self._line >= LINE_SECONDS):
            self._line = now
            self._console.print(f"{now - self._began:6.1f} s  {what}{more and f': {more}'}", highlight=False)
        self._last = what

    def stop(self) -> None:
        """Take the bar away: what follows is the outcome."""
        self._bar.stop()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
