"""`platepost department pictures`: what lies in the bucket and belongs to no record."""

import json
from datetime import UTC, datetime, timedelta

import click
import psycopg

from platepost.department.custody.bucket import open_bucket
from platepost.department.custody.pictures import StrayObjects, find_stray
from platepost.department.custody.tables import LOCK
from platepost.department.database.roles import OWNER
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON
from platepost.department.session import connected, running_database


@click.command(
    epilog="""\b
Examples:
  platepost department pictures /var/lib/platepost-department
  platepost department pictures /var/lib/platepost-department --delete      # while its keeper runs
"""
)
@FOLDER
@click.option("--delete", is_flag=True, help="Delete them. Only while the archive service runs.")
@click.option(
    "--days",
    type=click.IntRange(1, 36525),
    default=7,
    show_default=True,
    help="Only objects put at least so many days ago.",
)
@JSON
def pictures(*, folder: DepartmentFolder, delete: bool, days: int, as_json: bool) -> None:
    """Find objects in the picture bucket of FOLDER that belong to no record, and delete them with --delete.

    A database that was restored from a backup, or an import that was interrupted, leaves some. What another department
    put under the same prefix looks the same, and so does what is newer than a restored copy: never run --delete there.
    """
    bucket = open_bucket(folder)
    if bucket is None:
        raise DepartmentError("pictures lie in the database: department.toml names no `picture_bucket`")
    before = datetime.now(UTC) - timedelta(days=days)
    with running_database(folder), connected(folder, OWNER) as owner:
        if delete and not _is_kept(owner):
            raise DepartmentError("no archive service runs: nothing is deleted by what may be a copy of the department")
        strays = find_stray(owner, bucket, before=before, deleted_by=folder.caller if delete else None)
    if as_json:
        fields = strays._asdict() | {"before": before, "deleted": delete}
        click.echo(json.dumps(fields, default=datetime.isoformat))
    else:
        click.echo(_summary(strays, before, delete=delete))


def _summary(strays: StrayObjects, before: datetime, *, delete: bool) -> str:
    about = f"{strays.listed} objects in the bucket. Of those put before {before:%Y-%m-%d %H:%M} UTC,"
    if strays.first is None or strays.last is None:
        return f"{about} none is left over."
    span = f"put from {strays.first:%Y-%m-%d %H:%M} to {strays.last:%Y-%m-%d %H:%M}"
    left = f"{about} {strays.stray} ({strays.size / 1e6:.1f} MB, {span}) belong to no record"
    return f"{left}, and are deleted." if delete else f"{left}."


def _is_kept(connection: psycopg.Connection) -> bool:
    """Tell whether an archive service works on the database."""
    ((known,),) = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
        " AND (classid::bigint << 32) + objid::bigint = %s"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
        [LOCK],
    )
    return bool(known)
