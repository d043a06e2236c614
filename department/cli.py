"""`platepost department`: the custodian of a department's records."""

import errno
from typing import Any

import click

from platepost.common.commands.lazy import LazyCommand, LazyGroup
from platepost.department.errors import DepartmentError

_COMMANDS = {
    "check": ("commands.check:check", "Check an installation for what is insecure or incomplete."),
    "init": ("commands.init:init", "Make a department's folder, keys and database."),
    "keep": ("commands.keep:keep", "Receive, verify and store the posts' records, and sign receipts."),
    "serve": ("commands.serve:serve", "Serve the pages."),
    "nightly": ("commands.nightly:nightly", "Run the nightly tasks and report what failed."),
    "upgrade": ("commands.upgrade:upgrade", "Upgrade the database to this version."),
    "database": ("commands.database:database", "Run the private database in the foreground, as a service."),
    "quality": ("alerts.commands.quality:quality", "Show how often hits are rejected, and why."),
    "webhook": ("alerts.commands.webhook:webhook", "Notify agencies of decisions about hits."),
    "backup": ("archive.commands.backup:backup", "Write everything into one encrypted file."),
    "restore-test": (
        "archive.commands.backup:restore_test",
        "Test a backup: restore it next to the original and verify all of it.",
    ),
    "export-all": ("archive.commands.portability:export_all", "Write everything in documented open formats."),
    "import": ("archive.commands.portability:import_", "Load a full export into an empty department."),
    "retention": ("archive.commands.archive:retention", "Set how long each class of records is kept."),
    "hold": ("archive.commands.archive:hold", "Hold evidence back from purges."),
    "purge": ("archive.commands.archive:purge", "Delete records past their retention period, with proof."),
    "audit": ("audits.commands:audit", "Check the ledger for misuse; report searches by month."),
    "checkpoint": ("custody.commands.checkpoint:checkpoint", "Sign and send how far log and records have come."),
    "verify": ("custody.commands.verify:verify", "Verify all stored records and report problems."),
    "pictures": ("custody.commands.pictures:pictures", "Find what in the picture bucket belongs to no record."),
    "rebuild": ("custody.commands.rebuild:rebuild", "Rebuild the pages' tables from the original records."),
    "read-figures": (
        "custody.commands.read_figures:read_figures",
        "Show what posts read, in figures by which a rollout of software is judged.",
    ),
    "federate": ("federation.commands:federate", "Answer partner departments, under agreements."),
    "ledger": ("audits.commands:ledger", "Export, sign and verify the ledger."),
    "lists": ("lists.commands:lists", "Import hot lists, and publish entries made on the pages."),
    "person": ("people.commands:person", "Add people, and change their roles, certificates and training."),
    "search": ("search.commands:search", "Find plates by pattern, place or time."),
    "evidence": ("archive.commands.evidence:evidence", "Make the evidence packages that people order on the pages."),
    "export": ("sharing.commands.evidence:export", "Export records with their proofs, encrypted to one recipient."),
    "verify-package": ("sharing.commands.evidence:verify_package", "Verify an evidence package."),
    "public": ("sharing.commands.public:public", "Publish a month's counts, serve or write the public page."),
    "affected": ("sharing.commands.affected:affected", "Compute and open the list of whom a breach affects."),
    "contain": ("sharing.commands.contain:contain", "Contain a breach: end access at once."),
    "book": ("sharing.commands.evidence:book", "Record that an evidence package was received."),
    "metrics": ("status.commands:metrics", "Serve figures and health to Prometheus, on this machine."),
    "status": ("status.commands:status", "Show what is kept, what is missing, and what looks wrong."),
}
"""By name: where a command stands below `platepost.department`, and its line of help. Apps have their own commands;
`commands` has those of the department as a whole."""

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}
"""What is wrong with a disk, or with whose it is, and not with the program."""


class _DepartmentGroup(LazyGroup):
    """The commands; what database or disk refuse to do in any of them is one line, as every other error is."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command.

        Raises:
            DepartmentError: the database does not answer, or its disk is full; or a disk that is written to.

        """
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno not in _DISK:
                raise
            where = f"{error.filename}: " if error.filename else ""
            raise DepartmentError(f"{where}{error.strerror}") from error
        except Exception as error:
            text = _database_message(error)
            if text is None:
                raise
            raise DepartmentError(f"the database does not answer, or not as it must: {text}") from error


def _database_message(error: Exception) -> str | None:
    """Return what a database that is away, full or stopped said; None of every other error."""
    try:
        from psycopg import OperationalError  # noqa: PLC0415 - only where it fails: the help needs no database
    except ImportError:
        return None
    cause = next((one for one in (error, error.__cause__) if isinstance(one, OperationalError)), None)
    return None if cause is None else (str(cause).strip().splitlines() or [type(cause).__name__])[0]


@click.group(
    cls=_DepartmentGroup,
    lazy={name: LazyCommand(f"platepost.department.{place}", text) for name, (place, text) in _COMMANDS.items()},
    extra="department",
    prepare="platepost.department.session:set_up_apps",
    epilog="""\b
Examples:
  platepost department init vault fleet/custody/records    a department for the fleet's custodian
  platepost department keep vault                          receive, store and sign for records
  platepost department serve vault                         the pages
  platepost department status vault                        what is kept, and what looks wrong
""",
)
def department() -> None:
    """Run a department: keep and verify the posts' records, sign receipts, and serve the pages."""
