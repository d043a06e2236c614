"""`platepost department rebuild`: rebuilds the tables that pages read from the signed records."""

import dataclasses
import json
import sys

import click

from platepost.department.custody.rebuild import RebuildOutcome
from platepost.department.custody.rebuild import rebuild as rebuild_tables
from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON, progress_bar
from platepost.department.session import connected, running_database


@click.command(
    epilog="""\b
Examples:
  platepost department rebuild /var/lib/platepost-department
  platepost department rebuild /var/lib/platepost-department --check --json
Exit code: 0 if the tables match the records or were repaired; 1 if they differ (--check) or a record is damaged.
"""
)
@FOLDER
@click.option("--check", is_flag=True, help="Only compare; change nothing.")
@JSON
def rebuild(*, folder: DepartmentFolder, check: bool, as_json: bool) -> None:
    """Rebuild the tables that FOLDER's pages read, from its verified records.

    The archive service can keep running; nothing is locked.
    """
    with running_database(folder), connected(folder, OWNER) as connection, progress_bar("records") as progress:
        outcome = rebuild_tables(connection, repair=not check, progress=progress)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(outcome) | {"identical": outcome.identical}))
    else:
        _show(outcome, check=check)
    sys.exit(1 if outcome.damaged or (check and not outcome.identical) else 0)


def _show(outcome: RebuildOutcome, *, check: bool) -> None:
    click.echo(f"{outcome.records} verified records produce {outcome.rows} rows.")
    for table, count in sorted(outcome.missing.items()):
        click.secho(f"{table}: {count} rows {'are missing' if check else 'were missing and have been added'}", fg="red")
    for table, count in sorted(outcome.extra.items()):
        click.secho(f"{table}: {count} rows that no record produces{'' if check else ', removed'}", fg="red")
    for record in outcome.damaged:
        click.secho(f"record {record} can no longer be read", fg="red")
    if outcome.identical:
        click.secho("Everything matches the records.", fg="green")
