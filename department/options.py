"""What the commands have in common."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from platepost.common.signals import INTERRUPTED
from platepost.common.years import FIRST_YEAR, LAST_YEAR
from platepost.department.folder import DepartmentFolder
from platepost.department.local_time import local_moment

FOLDER = click.argument("folder", type=lambda path: DepartmentFolder(Path(path)))
"""The department's folder."""
NUMBER = click.IntRange(1, 2**63 - 1)
"""Of a record, a hold, a request: what the database counts."""
JSON = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")


class Moment(click.DateTime):
    """A day, or a time, of the years that the pages take, too."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        moment: datetime = super().convert(value, param, ctx)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            self.fail(f"give a day of the years {FIRST_YEAR} to {LAST_YEAR}.", param, ctx)
        return moment


def local_option(given: datetime, zone: ZoneInfo, name: str, *, ends: bool) -> datetime:
    """Return the moment of an option that is a local time; a line on standard error where it comes twice, or never."""
    moment = local_moment(given, zone, ends=ends)
    if moment.twice:
        click.echo(f"--{name} {given:%Y-%m-%d %H:%M} comes twice in {zone.key}: both are included.", err=True)
    elif moment.missing:
        text = (
            f"--{name} {given:%Y-%m-%d %H:%M} does not exist in {zone.key}, where clocks go forward over it: the hour"
        )
        click.echo(f"{text} before and after is included.", err=True)
    return moment.at


class Spelled(click.ParamType[str]):
    """A name that matches an expression as a whole."""

    name = "text"

    def __init__(self, expression: str, says: str) -> None:
        self._expression, self._says = re.compile(expression), says

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it."""
        if not self._expression.fullmatch(str(value)):
            self.fail(f"{value!r}: use {self._says}.", param, ctx)
        return str(value)


def web_option(default_port: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option that says where a command serves."""
    default = f"from department.toml, else 127.0.0.1:{default_port}"
    return click.option("--web", metavar="HOST:PORT", help=f"Address to listen on.  [default: {default}]")


@contextmanager
def broken_off(left: str) -> Iterator[None]:
    """Have Ctrl-C end a command with a line that says what it leaves, and the exit code that shells expect of it."""
    try:
        yield
    except KeyboardInterrupt:
        click.secho(left, fg="yellow", err=True)
        raise SystemExit(INTERRUPTED) from None


def run_platepost(*line: str) -> str | None:
    """Run a command of Platepost in a process of its own; return why it failed, as it said last, or None."""
    command = [sys.executable, "-c", "from platepost.device.cli import main; main()", *line]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    errors = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
    return errors[-1] if result.returncode else None


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a progress bar on a terminal; the yielded function takes how much is done, and how much there is."""
    from rich import progress  # noqa: PLC0415 - slow to load, and few commands show one
    from rich.console import Console  # noqa: PLC0415 - likewise

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with progress.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
