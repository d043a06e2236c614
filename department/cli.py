"""`platepost department`: the custodian of a department's records."""

import errno
from typing import Any

import click

from platepost.common.commands.lazy import LazyCommand, LazyGroup
from platepost.department.errors import DepartmentError

_ROOM = "platepost.department.commands"
_COMMANDS = {
    "check": LazyCommand(f"{_ROOM}.check:check", "Check an installation for what is insecure or incomplete."),
    "init": LazyCommand(f"{_ROOM}.init:init", "Make a department's folder, keys and database."),
    "keep": LazyCommand(f"{_ROOM}.keep:keep", "Receive, verify and store the posts' records, and sign receipts."),
    "ledger": LazyCommand(f"{_ROOM}.ledger:ledger", "Export, sign and verify the ledger."),
    "serve": LazyCommand(f"{_ROOM}.serve:serve", "Serve the pages."),
    "status": LazyCommand(f"{_ROOM}.status:status", "Show what is kept, what is missing, and what looks wrong."),
    "verify": LazyCommand(f"{_ROOM}.verify:verify", "Verify all stored records and report problems."),
    "backup": LazyCommand(f"{_ROOM}.backup:backup", "Write everything into one encrypted file."),
    "restore-test": LazyCommand(
        f"{_ROOM}.backup:restore_test", "Test a backup: restore it beside the original and verify all of it."
    ),
    "pictures": LazyCommand(f"{_ROOM}.pictures:pictures", "Find what in the picture bucket belongs to no record."),
    "person": LazyCommand(f"{_ROOM}.person:person", "Add people, and change their roles, certificates and training."),
    "export": LazyCommand(f"{_ROOM}.evidence:export", "Export records with their proofs, encrypted to one recipient."),
    "verify-package": LazyCommand(f"{_ROOM}.evidence:verify_package", "Verify an evidence package."),
    "public": LazyCommand(f"{_ROOM}.public:public", "Publish a month's counts, serve or write the public page."),
    "affected": LazyCommand(f"{_ROOM}.affected:affected", "Compute and open the list of whom a breach affects."),
    "contain": LazyCommand(f"{_ROOM}.contain:contain", "Contain a breach: end access at once."),
    "federate": LazyCommand(f"{_ROOM}.federate:federate", "Answer partner departments, under agreements."),
    "book": LazyCommand(f"{_ROOM}.evidence:book", "Record that an evidence package was received."),
    "export-all": LazyCommand(f"{_ROOM}.portability:export_all", "Write everything in documented open formats."),
    "import": LazyCommand(f"{_ROOM}.portability:import_", "Load a full export into an empty department."),
    "nightly": LazyCommand(f"{_ROOM}.nightly:nightly", "Run the nightly tasks and report what failed."),
    "upgrade": LazyCommand(f"{_ROOM}.upgrade:upgrade", "Upgrade the database to this version."),
    "rebuild": LazyCommand(f"{_ROOM}.rebuild:rebuild", "Rebuild the pages' tables from the original records."),
    "audit": LazyCommand(f"{_ROOM}.audit:audit", "Check the ledger for misuse; report searches by month."),
    "search": LazyCommand(f"{_ROOM}.search:search", "Find plates by pattern, place or time."),
    "quality": LazyCommand(f"{_ROOM}.quality:quality", "Show how often hits are rejected, and why."),
    "webhook": LazyCommand(f"{_ROOM}.webhook:webhook", "Notify agencies of decisions about hits."),
    "retention": LazyCommand(f"{_ROOM}.archive:retention", "Set how long each class of records is kept."),
    "hold": LazyCommand(f"{_ROOM}.archive:hold", "Hold evidence back from purges."),
    "purge": LazyCommand(f"{_ROOM}.archive:purge", "Delete records past their retention period, with proof."),
    "lists": LazyCommand(f"{_ROOM}.lists:lists", "Import hot lists, and publish entries made on the pages."),
    "database": LazyCommand(f"{_ROOM}.database:database", "Run the private database in the foreground, as a service."),
}


_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}
"""What is wrong with a disk, or with whose it is, and not with the program."""


class _DepartmentGroup(LazyGroup):
    """The commands; what database or disk refuse to do in any of them is one line, as every other error is."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's
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
            said = _said_by_database(error)
            if said is None:
                raise
            raise DepartmentError(f"the database does not answer, or not as it must: {said}") from error


def _said_by_database(error: Exception) -> str | None:
    """Return what a database that is away, full or stopped said; None of every other error."""
    try:
        from psycopg import OperationalError  # noqa: PLC0415 - only where it fails: the help needs no database
    except ImportError:
        return None
    found = next((one for one in (error, error.__cause__) if isinstance(one, OperationalError)), None)
    return None if found is None else (str(found).strip().splitlines() or [type(found).__name__])[0]


@click.group(
    cls=_DepartmentGroup,
    lazy=_COMMANDS,
    extra="department",
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
