"""`platepost department ledger`: the ledger for those who verify it, and its ends for those who keep them.

Its export, which asks who reads it, stands in `audits.commands`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click
from cryptography import x509
from joserfc.jwk import ECKey
from psycopg import Connection

from platepost.common.errors import PlatepostError
from platepost.common.files import StateFile
from platepost.department.database.roles import KEEPER, OWNER
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.direct_feeds import note_readers
from platepost.department.ledger.errors import HeadError
from platepost.department.ledger.heads import SealedHead, noted_head, opened_head
from platepost.department.ledger.journal import LocalJournal, import_journal, known_lines
from platepost.department.ledger.verify import verify_ledger
from platepost.department.ledger.witness import witness_head, witnessed_head
from platepost.department.ledger.writing import append
from platepost.department.options import FOLDER, JSON
from platepost.department.session import connected, running_database, working_as
from platepost.provisioning.files.append_only import lines_of
from platepost.provisioning.fleet.register import PostKeyRegister
from platepost.provisioning.trust.keys import signing_jwk
from platepost.wire.jose import LARGEST
from platepost.wire.records.signing import read_key
from platepost.wire.verify.noted_heads import NotedHead


@click.group()
def ledger() -> None:
    """Export the ledger, sign its head, and verify it against heads kept elsewhere."""


@contextmanager
def _working(folder: DepartmentFolder, role: str) -> Iterator[Connection[Any]]:
    """Have the database run and Django work on it as a role, and give a connection beside Django's."""
    with working_as(folder, role), connected(folder, role) as connection:
        yield connection


@ledger.command(
    epilog="""\b
Examples:
  platepost department ledger readers /var/lib/platepost-department      # as `nightly` does
"""
)
@FOLDER
@JSON
def readers(*, folder: DepartmentFolder, as_json: bool) -> None:
    """Log who began or stopped receiving every read at the broker, by the fleet's register of FOLDER."""
    with _working(folder, KEEPER) as keeper:
        keeper.execute("SELECT ledger_close_left()")
        register = StateFile(folder.stored_register, PostKeyRegister, about="the register").read()
        changed = note_readers(keeper, register)
    click.echo(json.dumps({"entered": changed}) if as_json else f"{changed} changes were logged.")


@ledger.command(
    "clock-set-back",
    epilog="""\b
Examples:
  platepost department ledger clock-set-back /var/lib/platepost-department --reason "NTP had set 2028; time.gov checked"
""",
)
@FOLDER
@click.option("--reason", required=True, help="What had happened to the clock, and how it was set right.")
@JSON
def clock_set_back(*, folder: DepartmentFolder, reason: str, as_json: bool) -> None:
    """Log that the database's clock was set back, so that the access log of FOLDER can be written again.

    The log refuses entries while its last one is dated after the database's clock. Set the clock right first. The entry
    stays permanently, and every monitor reports that time ran back.
    """
    with _working(folder, OWNER):
        entry = append(LedgerEvent.CLOCK_SET_BACK, {"person": folder.caller, "reason": reason})
    click.echo(json.dumps({"entry": str(entry)}) if as_json else "It was logged.")


@ledger.command(
    epilog="""\b
Examples:
  platepost department ledger check /var/lib/platepost-department --heads /mnt/other/heads
"""
)
@FOLDER
@click.option(
    "--heads",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="File of signed heads, from `seal`.",
)
@click.option(
    "--witnessed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="File of what other departments signed with `witness`.",
)
@click.option(
    "--by",
    "witnesses",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Public key of that department's custodian, PEM.",
)
@JSON
@click.pass_context
def check(
    context: click.Context,
    *,
    folder: DepartmentFolder,
    heads: tuple[Path, ...],
    witnessed: tuple[Path, ...],
    witnesses: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Verify the whole ledger of FOLDER, and compare it with heads kept elsewhere.

    Each head must be signed by the custodian and, if a witness is set, stamped by it. The exit code is 1 if anything is
    wrong.
    """
    noted, problems = _noted(folder, heads, witnessed, [_public_key(path) for path in witnesses])
    with running_database(folder), connected(folder, KEEPER) as keeper:
        verdict = verify_ledger(keeper, heads=noted)
    problems += [
        {"kind": problem.kind.value, "number": problem.number, "message": problem.message}
        for problem in verdict.problems
    ]
    if as_json:
        fields = {"intact": not problems, "entries": verdict.entries, "heads": len(noted), "problems": problems}
        click.echo(json.dumps({**fields, "unanswered": verdict.unanswered}))
    else:
        for problem in problems:
            click.secho(f"{problem['number'] or ''} {problem['kind']}: {problem['message']}".lstrip(), fg="red")
        for number in verdict.unanswered:
            click.echo(f"{number} unanswered: nothing shows what was seen")
        click.echo(f"{verdict.entries} entries, {len(noted)} ends: {len(problems) or 'no'} problems.")
    if problems:
        context.exit(1)


@ledger.command(
    epilog="""\b
Examples:
  platepost department ledger witness vault heads.jws --of oakdale.pem >> signed
  ... | platepost department ledger witness vault - --of oakdale.pem >> signed      # as a subscriber received them
"""
)
@FOLDER
@click.argument("heads", type=click.File("rb"))
@click.option(
    "--of",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="Public key of the other department's custodian, PEM; get it in person, not along with the head.",
)
@JSON
def witness(*, folder: DepartmentFolder, heads: BinaryIO, of: Path, as_json: bool) -> None:
    """Act as another department's witness: keep the checkpoints in HEADS, one a line, and sign for the last.

    Each must prove that it adds to the one before, back to the last that was witnessed; a fork is refused. Send the
    signature to the other department, which checks its ledger with `check --witnessed`.
    """
    names = folder.settings.agency, folder.settings.custodian
    with _working(folder, KEEPER):
        by = signing_jwk(folder.custody_key)
        statement, signed = witness_head(_heads_of(heads), folder.witnessed, of=_public_key(of), by=by, names=names)
        fields = {"agency_name": statement.agency, "custodian": statement.custodian}
        append(LedgerEvent.WITNESSED, {**fields, "number": statement.number, "digest": statement.digest})
    click.echo(json.dumps({"number": statement.number, "signed": signed.decode()}) if as_json else signed.decode())


@ledger.command(
    "import-journal",
    epilog="""\b
Examples:
  platepost department ledger import-journal /var/lib/platepost-department      # each hour, by a timer
""",
)
@FOLDER
@JSON
def import_noted(*, folder: DepartmentFolder, as_json: bool) -> None:
    """Enter what was shown while the ledger of FOLDER was unavailable, and empty the journal.

    If a line of the journal was changed, nothing is entered and the file stays: find out who changed it.
    """
    journal, entered = LocalJournal(folder.journal), 0
    if journal.waits:
        with _working(folder, KEEPER) as keeper:
            entered = import_journal(journal, known_lines(keeper))
    click.echo(json.dumps({"entered": entered}) if as_json else f"{entered} lines entered.")


def _noted(
    folder: DepartmentFolder, heads: Iterable[Path], witnessed: Iterable[Path], by: Sequence[ECKey]
) -> tuple[list[NotedHead], list[dict[str, object]]]:
    """Return the ends that were kept elsewhere, and what is wrong with invalid lines."""
    key, roots = signing_jwk(folder.custody_key), _roots(folder)

    def own(line: bytes) -> NotedHead:
        sealed = SealedHead.read(line)
        if roots:
            sealed.stamped(roots)
        return noted_head(opened_head(sealed.head, key))

    def others(line: bytes) -> NotedHead:
        return noted_head(opened_head(witnessed_head(line, by), key))

    noted: list[NotedHead] = []
    problems: list[dict[str, object]] = []
    for path, read in [*((path, own) for path in heads), *((path, others) for path in witnessed)]:
        for place, line in enumerate(lines_of(path), 1):
            try:
                noted.append(read(line))
            except HeadError as error:
                problems.append({"kind": "head", "number": None, "message": f"{path}, line {place}: {error}"})
    return noted, problems


def _heads_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield checkpoints: lines of compact JWS, or of `ledger_heads`."""
    while line := file.readline(LARGEST):
        if line.strip():
            yield SealedHead.read(line).head if line.lstrip().startswith(b"{") else line.strip()


def _public_key(path: Path) -> ECKey:
    try:
        return read_key(path.read_bytes())
    except PlatepostError as error:
        raise DepartmentError(f"{path}: {error}") from error


def _roots(folder: DepartmentFolder) -> list[x509.Certificate]:
    """Return the certificates that vouch for the witness; none where there is none."""
    root = folder.settings.witness_root
    try:
        return [] if root is None else x509.load_pem_x509_certificates((folder.path / root).read_bytes())
    except (OSError, ValueError) as error:
        raise DepartmentError(f"witness_root: {error}") from error
