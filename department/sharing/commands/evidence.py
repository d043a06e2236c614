"""`platepost department export`, `verify-package` and `book`: evidence for court and discovery."""

import json
import sys
from functools import partial
from pathlib import Path

import click

from platepost.common.files import read_brought
from platepost.department.archive import evidence_check as check
from platepost.department.archive import evidence_package as package
from platepost.department.archive.evidence import EvidenceRequest, EvidenceSources
from platepost.department.archive.evidence_export import book_evidence, export_evidence
from platepost.department.archive.evidence_package import recipient_of
from platepost.department.custody.receipt_log import ReceiptState
from platepost.department.database.roles import COMMAND, KEEPER
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON, NUMBER
from platepost.department.people.commands import acting_person
from platepost.department.people.rights import Permission
from platepost.department.session import connected, working_as
from platepost.department.sharing.requests import note_release, require_granted
from platepost.provisioning.trust.keys import signing_jwk
from platepost.wire.records.signing import read_key

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PURPOSE = click.option("--purpose", required=True, help="A purpose from the department's policy.")
_CASE = click.option("--case", required=True, help="The case number.")


@click.command(
    epilog="""\b
Examples:
  platepost department export vault 26-00417.evidence --record 7015 --record 7019 --to prosecutor.pem --purpose "criminal investigation" --case 26-00417
  platepost department search vault --purpose "criminal investigation" --case 26-00417 --reads --json | jq .reads[].record_id     # where ids come from
"""  # noqa: E501 - commands that can be copied
)
@FOLDER
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--record", "records", type=NUMBER, multiple=True, required=True, help="A record's ID; repeat for more.")
@click.option(
    "--to",
    required=True,
    type=_FILE,
    help="A file with the recipient's public key (age, SSH, PEM, or JWK) or X.509 certificate.",
)
@click.option("--group", "groups", multiple=True, help="A covert group whose records you may see.")
@click.option("--request", type=NUMBER, help="Number of the granted request that this fulfills.")
@_PURPOSE
@_CASE
@JSON
def export(
    *,
    folder: DepartmentFolder,
    file: Path,
    records: tuple[int, ...],
    to: Path,
    groups: tuple[str, ...],
    request: int | None,
    purpose: str,
    case: str,
    as_json: bool,
) -> None:
    """Export records of FOLDER with their proofs into FILE, signed, and encrypted to one recipient.

    It contains pictures, chain links, receipts, the posts' keys, who saw the records, and a page to read them on. The
    ledger records the export before FILE appears. With --request it is a release, by the records manager.
    """
    if file.exists():
        raise DepartmentError(f"{file} already exists")
    settings, key = folder.settings, signing_jwk(folder.custody_key)
    with working_as(folder, COMMAND):
        recipient, named = recipient_of(to.read_bytes())
        needed = Permission.EXPORT if request is None else Permission.RELEASE_RECORDS
        person = acting_person(folder, needed, factor=True).login
        order = EvidenceRequest(records, person, settings.agency, settings.custodian, purpose, case, named, groups)
        release = None if request is None else partial(note_release, require_granted(request), person=person)
        with connected(folder, KEEPER) as keeper:
            register, trusted = folder.register_file.read_bytes(), [read_key(folder.register_key.read_bytes())]
            sources = EvidenceSources(keeper, register, trusted, ReceiptState(folder.receipts).receipted, key)
            evidence = export_evidence(order, sources, file, recipient, release=release)
            signed_by = sources.keys()
    thumbprints = [f"thumbprint of the {name} key {key.thumbprint()}" for name, key in signed_by.items()]
    if as_json:
        about = {"package": str(evidence.manifest.package), "sha256": evidence.digest, "bytes": evidence.size}
        click.echo(json.dumps({"file": str(file)} | about))
        return
    click.echo(f"{len(evidence.manifest.records)} records are in {file}, for {named.name} ({named.sha256}).")
    click.echo(f"For the recipient, by another way than the file: {', '.join(thumbprints)}.")
    click.echo(
        f"SHA-256 {evidence.digest}. When it was received: platepost department book {folder.path} {file} --receipt ..."
    )


@click.command(
    "verify-package",
    epilog="""\b
Examples:
  platepost department verify-package 26-00417.evidence --open-with my-key.pem --into 26-00417 --key custodian.pem --key register.pem
  platepost verify evidence.zip --key custodian.pem --key register.pem     # the same of an opened one
Exit code: 0 if all of it is verified, 1 if not.
""",  # noqa: E501 - commands that can be copied
)
@click.argument("file", type=_FILE)
@click.option(
    "--key",
    "keys",
    type=_FILE,
    multiple=True,
    required=True,
    help="PEM of a trusted public key: the custodian's, and the register's; give it twice.",
)
@click.option(
    "--open-with", type=_FILE, help="The recipient's private key (age, SSH, PEM, or JWK), for an encrypted package."
)
@click.option("--into", type=click.Path(path_type=Path), help="Write the opened package into this new folder.")
@JSON
def verify_package(
    *, file: Path, keys: tuple[Path, ...], open_with: Path | None, into: Path | None, as_json: bool
) -> None:
    """Verify an evidence package: every signature, picture, chain link, receipt, ledger entry, and file.

    It needs no department and no network.
    """
    content = read_brought(file, 2 * package.LARGEST)
    if open_with is not None:
        content = package.open_sealed(content, open_with.read_bytes())
    elif content.startswith((b"eyJ", package.AGE_BEGINS)):
        raise DepartmentError(f"{file} is encrypted: give --open-with and the recipient's private key")
    report = check.verify_package(content, [read_key(path.read_bytes()) for path in keys])
    if into is not None:
        package.write_opened(content, into)
    manifest = report.manifest
    if as_json:
        about = manifest.model_dump(mode="json", exclude={"files"})
        counts = {"linked": report.linked, "receipted": report.receipted, "entries": report.entries}
        outcome = {"intact": report.intact, "problems": report.problems, "notes": report.notes}
        click.echo(json.dumps({**outcome, **counts, **about}))
    else:
        click.echo(f"Package {manifest.package}, case {manifest.case}, of {manifest.agency}, made {manifest.made}.")
        click.echo(
            f"{len(manifest.records)} records, {report.linked} links, {report.receipted} receipted, "
            f"{report.entries} entries of the ledger."
        )
        for note in report.notes:
            click.echo(f"not in the package: {note}")
        for problem in report.problems:
            click.secho(problem, fg="red")
        if report.intact:
            click.secho("Every record is the post's own, and nothing was changed.", fg="green")
    sys.exit(0 if report.intact else 1)


@click.command(
    epilog="""\b
Example:
  platepost department book vault /media/stick/26-00417.evidence --receipt DA-2027-118 --medium "USB drive 17" --by "M. Stone, DA"
"""  # noqa: E501 - commands that can be copied
)
@FOLDER
@click.argument("file", type=_FILE)
@click.option("--receipt", required=True, help="Number of the receipt or property record.")
@click.option("--medium", required=True, help="What it was handed over on.")
@click.option("--by", required=True, help="Who received it.")
@JSON
def book(*, folder: DepartmentFolder, file: Path, receipt: str, medium: str, by: str, as_json: bool) -> None:
    """Record in the ledger of FOLDER that the package FILE was received.

    FILE is read again from its medium: only an unchanged package that was exported here is accepted.
    """
    with working_as(folder, COMMAND):
        person = acting_person(folder, Permission.EXPORT).login
        with connected(folder, KEEPER) as keeper:
            booked = book_evidence(file, keeper, person=person, receipt=receipt, medium=medium, received_by=by)
    if as_json:
        click.echo(json.dumps(booked))
    else:
        click.echo(f"Booked: package {booked['what']} of case {booked['case']}, SHA-256 {booked['digest']}.")
