"""`platepost department read-figures`: by what a rollout of software is judged."""

import json
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table

from platepost.department.custody.read_figures import read_figures as figures_of
from platepost.department.database.roles import KEEPER
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON
from platepost.department.session import connected, running_database


class _Time(click.ParamType[datetime]):
    name = "ISO 8601 time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it; UTC where it has no offset."""
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail("expected a time, as 2026-12-01T06:00:00Z.", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command(
    epilog="""\b
Examples:
  platepost department read-figures vault --since 2026-12-01T06:00:00Z --until 2026-12-02T06:00:00Z
  platepost provision software rollout fleet --figures "platepost department read-figures vault" ...
"""
)
@FOLDER
@click.option("--since", type=_Time(), required=True, help="First moment, UTC or with an offset.")
@click.option("--until", type=_Time(), required=True, help="Moment after the last.")
@JSON
def read_figures(*, folder: DepartmentFolder, since: datetime, until: datetime, as_json: bool) -> None:
    """Show how many plates each post read, how many of them were known, and how many hits there were.

    A plate is known if any post read it in the two weeks before. Software that misreads makes that share fall. No plate
    is shown, and nothing of covert groups is counted.
    """
    with running_database(folder), connected(folder, KEEPER) as keeper:
        figures = figures_of(keeper, since, until)
    if as_json:
        click.echo(json.dumps({post: figure.model_dump() for post, figure in figures.items()}))
        return
    table = Table("post", "reads", "known", "arrived late", "hits", "mean confidence")
    for post, counts in sorted(figures.items()):
        known = f"{counts.known / counts.reads:.0%}"
        table.add_row(post, str(counts.reads), known, str(counts.late), str(counts.hits), f"{counts.confidence:.2f}")
    Console().print(table)
