"""`platepost department nightly`: what is to be done each night, and word of what was not."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import psycopg

from platepost.common.files import write_durably
from platepost.department.archive.offsite import RESTORE_REPORT, OffsiteCopies
from platepost.department.config.checks import certificates, ending_certificates
from platepost.department.custody.bucket import open_bucket
from platepost.department.custody.errors import PictureStoreError
from platepost.department.custody.packing import pack_ended_weeks
from platepost.department.custody.pictures import delete_unnamed
from platepost.department.database.roles import OWNER
from platepost.department.database.users import settle
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON, run_platepost
from platepost.department.session import connected, running_database
from platepost.department.status.nightly import NightlyReport, RestoreTest
from platepost.provisioning.errors import ProvisioningError

RESTORED_WITHIN = timedelta(days=35)
"""A backup is to be tried each month."""
_UNRULED = """
SELECT (SELECT at FROM ledger_entry ORDER BY number LIMIT 1) < now() - interval '2 days' AND NOT EXISTS (
    SELECT FROM ledger_entry AS line JOIN ledger_body AS asked ON asked.entry = line.entry AND asked.field = 'query'
    WHERE line.event = 'log_intent' AND line.at > now() - interval '2 days' AND asked.value::jsonb ? 'rules'
    AND EXISTS (SELECT FROM ledger_entry AS later WHERE later.refers_to = line.entry AND later.event = 'shown')
)
"""


@click.command(
    epilog="""\b
Examples:
  platepost department nightly /var/lib/platepost-department      # by platepost-department-nightly.timer
"""
)
@FOLDER
@JSON
@click.pass_context
def nightly(context: click.Context, *, folder: DepartmentFolder, as_json: bool) -> None:
    """Run the nightly tasks of FOLDER; the status page shows what failed.

    It verifies records and access log, what is new and a part of the rest, copies the holds, publishes last month's
    counts, runs approved purges, deletes what crashes left in the bucket of pictures, rebuilds the indexes of weeks
    that ended, makes a backup and deletes old ones, and checks when certificates end, whether the rules against misuse
    ran, and when a restore was last tested. A step that fails does not stop the others.
    """
    with running_database(folder):
        steps = dict(_steps(folder))
    report = NightlyReport(
        at=datetime.now(UTC), steps=steps, certificates=_certificates(folder), restore=last_restore_test(folder)
    )
    write_durably(folder.nightly, report.model_dump_json().encode())
    settle(folder)
    failed = {step: why for step, why in steps.items() if why is not None}
    if as_json:
        click.echo(report.model_dump_json())
    else:
        for step, why in failed.items():
            click.secho(f"{step}: {why}", fg="red")
        click.echo(f"{len(steps) - len(failed)} of {len(steps)} steps done.")
    if failed:
        context.exit(1)


def _steps(folder: DepartmentFolder) -> Iterator[tuple[str, str | None]]:
    """Do each step, in a process of its own as each is another role of the database; yield why it failed."""
    settings, place = folder.settings, str(folder.path)
    yield "journal", run_platepost("department", "ledger", "import-journal", place)
    yield "readers", run_platepost("department", "ledger", "readers", place)
    yield "verify", run_platepost("department", "verify", place, "--rolling")
    yield "holds", run_platepost("department", "hold", "copy", place)
    if folder.federation.exists():
        yield "exchanges", run_platepost("department", "federate", "settle", place)
    yield "public", run_platepost("department", "public", "publish", place)  # before a purge
    yield "purges", run_platepost("department", "purge", "run", place)  # before the backup, which would keep what goes
    if settings.picture_bucket is not None:
        yield "pictures", _as_owner(folder, lambda owner: delete_unnamed(owner, open_bucket(folder)))
    yield "indexes", _as_owner(folder, lambda owner: pack_ended_weeks(owner, today=datetime.now(UTC).date()))
    yield "accuracy", run_platepost("department", "quality", place, "--draw")
    yield "misuse", _as_owner(folder, _require_ruled)
    yield "certificates", _ending(folder)
    if not folder.is_private:
        return  # its own server is backed up there
    if settings.backups is None or not settings.backup_keys:
        yield "backup", "department.toml names no `backups` and `backup_keys`"
        return
    keys = [part for key in settings.backup_keys for part in ("--to", key)]
    yield "backup", run_platepost("department", "backup", place, str(folder.path / settings.backups), *keys)
    for remote in settings.backup_copies:
        yield f"backup copies at {remote.partition(':')[0]}", _copied(folder, remote)
    yield "restore-test", _untried(folder)


def _as_owner(folder: DepartmentFolder, work: Callable[[psycopg.Connection[Any]], object]) -> str | None:
    """Do a step on the owner's connection; return why it failed, None if it did not."""
    try:
        with connected(folder, OWNER) as connection:
            work(connection)
    except (DepartmentError, PictureStoreError, psycopg.Error) as error:
        return str(error).strip().partition("\n")[0]
    return None


def _require_ruled(owner: psycopg.Connection[Any]) -> None:
    """Raise DepartmentError where the rules against misuse, which have a timer of their own, did not go through."""
    ((unruled,),) = owner.execute(_UNRULED).fetchall()
    if unruled:
        raise DepartmentError("the rules against misuse did not run for two days: see platepost-department-misuse")


def _ending(folder: DepartmentFolder) -> str | None:
    """Tell which certificates end soon: from then on the keeper hears no broker, and every hit waits on its post."""
    try:
        return "; ".join(fault.message for fault in ending_certificates(folder)) or None
    except ProvisioningError as error:
        return str(error)


def _copied(folder: DepartmentFolder, remote: str) -> str | None:
    """Bring the copies of backups at another place up to date; return why that failed."""
    settings = folder.settings
    copies = OffsiteCopies(remote, folder.path / settings.rclone_config, agency=settings.agency)

    def update(owner: psycopg.Connection[Any]) -> None:
        removed = owner.execute("SELECT name FROM archive_backup WHERE removed_at IS NOT NULL").fetchall()
        copies.update(folder.path / str(settings.backups), [name for (name,) in removed])

    return _as_owner(folder, update)


def _certificates(folder: DepartmentFolder) -> dict[str, datetime]:
    """Return when each certificate ends; none where one cannot be read, which the step names."""
    try:
        return {what: certificate.not_valid_after_utc for what, certificate in certificates(folder).items()}
    except ProvisioningError:
        return {}


def last_restore_test(folder: DepartmentFolder) -> RestoreTest | None:
    """Return the last trial of a restore, by what `restore-test --json` wrote beside the backups; None before one."""
    if folder.settings.backups is None:
        return None
    path = folder.path / folder.settings.backups / RESTORE_REPORT
    try:
        payload = json.loads(path.read_bytes())
        ended = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return RestoreTest(at=ended, made=payload["made"], intact=payload["intact"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _untried(folder: DepartmentFolder) -> str | None:
    """Return what is wrong with the last trial of a restore; the first is due a while after the first backup."""
    last = last_restore_test(folder)
    if last is None:
        with connected(folder, OWNER) as owner:
            ((first,),) = owner.execute("SELECT min(made_at) FROM archive_backup").fetchall()
        if first is not None and datetime.now(UTC) - first < RESTORED_WITHIN:
            return None
        path = folder.path / str(folder.settings.backups) / RESTORE_REPORT
        return f"no backup was restored as a test: {path} is missing or unreadable; restore-test --json writes it"
    if not last.intact:
        return f"something was wrong with the backup of {last.made:%Y-%m-%d %H:%M} UTC"
    age = datetime.now(UTC) - last.at
    return f"the last trial is {age.days} days old" if age > RESTORED_WITHIN else None
