"""What the commands have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from department.folder import DepartmentFolder

FOLDER = click.argument("folder", type=lambda path: DepartmentFolder(Path(path)))
"""The department's folder."""
JSON = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show how far long work is, on a terminal; what is yielded takes what is done and what there is to do."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
