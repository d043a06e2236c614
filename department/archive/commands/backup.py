"""`platepost department backup` and `restore-test`."""

import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from platepost.department.archive.backup import RestoreReport, back_up, destroy_old
from platepost.department.archive.backup import restore_test as test_restored
from platepost.department.custody.bucket import open_bucket
from platepost.department.custody.check_report import Wrong
from platepost.department.custody.errors import PictureStoreError
from platepost.department.database.cluster import PrivateCluster
from platepost.department.errors import DepartmentError
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from platepost.department.options import FOLDER, JSON, progress_bar
from platepost.department.session import running_database

_SUFFIX = ".age"


@click.command(
    epilog="""\b
Examples:
  age-keygen -o backup-key.txt                    once, on another machine; keep the file there, and a copy in a safe
  platepost department backup /var/lib/platepost-department /mnt/backups --to age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
"""  # noqa: E501 - commands that can be copied
)
@FOLDER
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "recipients",
    multiple=True,
    required=True,
    metavar="age1...",
    help="age public key of someone who can open it; repeat for more.",
)
@JSON
def backup(*, folder: DepartmentFolder, target: Path, recipients: tuple[str, ...], as_json: bool) -> None:
    """Back up all of FOLDER into TARGET, encrypted to age keys. The archive service may keep running.

    TARGET is a folder, or a file whose name ends with .age; in a folder, the file is named by agency and time. Older
    backups there are deleted after their retention period (`retention set FOLDER backup DAYS`). The receipt log is not
    included: keep it on another disk. Nor are pictures in a bucket: protect the bucket itself. If you run your own
    database server, back it up with its own tools, such as pgBackRest.
    """
    if not folder.is_private:
        raise DepartmentError("the database is on a server of your own: back it up there, for example by pgBackRest")
    if not target.is_dir() and target.suffix != _SUFFIX:
        # A folder that is missing, as of a disk that is not mounted, is not to become a file.
        raise DepartmentError(f"{target}: there is no such folder; to name a file, have its name end with {_SUFFIX}")
    if target.is_dir():
        target /= f"{folder.settings.agency}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup.age"
    with (
        running_database(folder),
        PrivateCluster(folder.cluster).administered(DATABASE_NAME) as superuser,
        progress_bar("backup") as on_progress,
    ):
        # Before, too: a disk that they have filled would take no backup ever again.
        destroyed, _ = destroy_old(folder, superuser, target.parent)
        result = back_up(folder, superuser, target, recipients, on_progress=on_progress)
        later, elsewhere = destroy_old(folder, superuser, target.parent)
        destroyed += later
    for name in elsewhere:
        click.echo(f"{name} is kept longer than its term: destroy it, and run `retention destroyed`.", err=True)
    if as_json:
        fields = {
            "file": str(result.path),
            "bytes": result.size,
            "sha256": result.sha256,
            "seconds": round(result.seconds, 1),
        }
        fields |= {"destroyed": destroyed, "overdue": elsewhere}
        click.echo(json.dumps(fields | result.note.model_dump(mode="json")))
        return
    click.echo(f"Written in {result.seconds:.0f} s: {result.path}, {_size(result.size)}, SHA-256 {result.sha256}.")
    click.echo("".join(f"Destroyed, as its term is over: {name}.\n" for name in destroyed), nl=False)
    if (bucket := open_bucket(folder)) is not None:
        click.echo(f"Pictures in {bucket.name} are not in it.")
    click.echo("Try it: platepost department restore-test, on another machine.")


@click.command(
    "restore-test",
    epilog="""\b
Examples:
  platepost department restore-test /mnt/backups/riverside-20270131T030000Z.backup.age /srv/try --key backup-key.txt
  platepost department restore-test riverside-20270131T030000Z.backup.age /var/lib/platepost-department --key backup-key.txt --keep
Exit code: 0 if all of it is there and verified, 1 if not.
""",  # noqa: E501 - commands that can be copied
)
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.argument("into", type=click.Path(exists=False, path_type=Path))
@click.option(
    "--key", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File with the age key."
)
@click.option("--keep", is_flag=True, help="Keep the restored folder for use.")
@JSON
def restore_test(*, file: Path, into: Path, key: Path, keep: bool, as_json: bool) -> None:
    """Restore the backup FILE into the new folder INTO, verify all of it, and show its age.

    If FILE is a folder, its newest backup is used. Every record's signature, chain and pictures are checked, those in a
    bucket too, and the ledger. Then the folder is deleted. With --keep it stays: put the receipt log, which no backup
    contains, in place, and start the archive service.
    """
    if file.is_dir():
        file = max(file.glob("*.backup.age"), key=lambda path: path.stat().st_mtime, default=file / "none")
    if into.exists():
        raise DepartmentError(f"{into} already exists; a backup is restored into a new folder")
    try:
        with progress_bar("records") as on_progress:
            report = test_restored(file, key, into, on_progress=on_progress)
    except PictureStoreError as error:
        if keep:
            raise DepartmentError(
                f"{error}. {into} is restored: prove it by `verify {into} --whole` once it answers"
            ) from error
        shutil.rmtree(into, ignore_errors=True)
        raise
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise
    if not keep:
        shutil.rmtree(into)
    age = datetime.now(UTC) - report.note.made
    if as_json:
        click.echo(json.dumps(_wire(report, age)))
    else:
        for problem in (*report.custody.problems, *report.lacking):
            click.secho(str(problem), fg="red")
        if any(problem.kind == Wrong.PICTURE for problem in report.custody.problems):
            click.echo("What a purge deleted from the bucket after the backup is missing, too: see `purge replay`.")
        click.echo(
            f"The backup of {report.note.agency} is {_age(age)} old: {report.custody.records} records, "
            f"{report.custody.entries} entries of the ledger. {_size(report.size)}, restored in "
            f"{report.restore_seconds:.0f} s to a database of {_size(report.database_size)}, proved in "
            f"{report.verify_seconds:.0f} s: {'nothing is wrong' if report.intact else 'something is wrong'}."
        )
    sys.exit(0 if report.intact else 1)


def _wire(report: RestoreReport, age: timedelta) -> dict[str, object]:
    return {
        **report.note.model_dump(mode="json"),
        "intact": report.intact,
        "age_seconds": round(age.total_seconds()),
        "bytes": report.size,
        "database_bytes": report.database_size,
        "restore_seconds": round(report.restore_seconds, 1),
        "verify_seconds": round(report.verify_seconds, 1),
        "records": report.custody.records,
        "entries": report.custody.entries,
        "problems": [str(problem) for problem in (*report.custody.problems, *report.lacking)],
    }


def _age(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return (
        f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours" if hours >= 1 else f"{hours * 60:.0f} minutes"
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
