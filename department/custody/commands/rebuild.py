"""`platepost department rebuild`: rebuilds the tables that pages read from the signed records."""

import dataclasses
import json
import sys

import click

from platepost.department.custody.rebuild import RebuildOutcome
from platepost.department.custody.rebuild import rebuild as rebuild_schema
from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON, progress_bar
from platepost.department.session import connected, running_database


@click.command(
    epilog="""\b
Examples:
  platepost department rebuild /var/lib/platepost-department
  platepost department rebuild /var/lib/platepost-department --check --json
Exit code: 0 if the tables match the records, or do now; 1 if they differ (--check) or a record is damaged.
"""
)
@FOLDER
@click.option("--check", is_flag=True, help="Only compare; change nothing.")
@JSON
def rebuild(*, folder: DepartmentFolder, check: bool, as_json: bool) -> None:
    """Rebuild the pages' tables of FOLDER from its genuine records.

    The archive service may keep running. Nothing is locked.
    """
    with running_database(folder), connected(folder, OWNER) as connection, progress_bar("records") as progress:
        outcome = rebuild_schema(connection, mend=not check, progress=progress)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(outcome) | {"identical": outcome.identical}))
    else:
        _show(outcome, check=check)
    sys.exit(1 if outcome.damaged or (check and not outcome.identical) else 0)


def _show(done: RebuildOutcome, *, check: bool) -> None:
    click.echo(f"{done.records} genuine records make {done.rows} rows.")
    for table, count in sorted(done.missing.items()):
        click.secho(f"{table}: {count} rows {'are missing' if check else 'were missing, and are there'}", fg="red")
    for table, count in sorted(done.extra.items()):
        click.secho(f"{table}: {count} rows that no record makes{'' if check else ', taken away'}", fg="red")
    for record in done.damaged:
        click.secho(f"record {record} can no longer be read", fg="red")
    if done.identical:
        click.secho("Everything matches the records.", fg="green")
