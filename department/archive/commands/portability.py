"""`platepost department export-all` and `import`: everything of a department, in open formats."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import click

from platepost.common.files import write_durably
from platepost.department.archive.portability import (
    MANIFEST_TYPE,
    ExportManifest,
    PortabilityDatabase,
    export_department,
    import_department,
    open_manifest,
)
from platepost.department.custody.bucket import open_bucket
from platepost.department.custody.tables import CustodyTables
from platepost.department.database.roles import COMMAND, KEEPER, OWNER
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.ledger.writing import append
from platepost.department.options import FOLDER, JSON, broken_off, progress_bar
from platepost.department.people.commands import acting_person
from platepost.department.people.rights import Permission
from platepost.department.policy.policy import AccessPurpose
from platepost.department.session import connected, working_as
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.provisioning.trust.keys import signing_jwk
from platepost.wire.jose import sign
from platepost.wire.records.keys import Purpose
from platepost.wire.records.signing import read_key


@click.command(
    epilog="""\b
Examples:
  platepost department export-all /var/lib/platepost-department /mnt/everything --purpose "civil or administrative matter" --case T-1
  zstdcat /mnt/everything/records/*.zst | jq -c .event | platepost verify - --key post-1.pub.pem     # of one post's records
"""  # noqa: E501 - commands that can be copied
)
@FOLDER
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--purpose", required=True, help="A purpose from the department's policy.")
@click.option("--case", required=True, help="Number of the case or order.")
@JSON
def export_all(*, folder: DepartmentFolder, target: Path, purpose: str, case: str, as_json: bool) -> None:
    """Export everything in FOLDER to the new folder TARGET: records, pictures, ledger, and all other tables.

    docs/evidence-format.md describes the formats. Stop the archive service first. The ledger records the export. TARGET
    is not encrypted: it holds every plate and the ledger's secrets.
    """
    settings = folder.settings
    key = signing_jwk(folder.custody_key)
    with broken_off("Interrupted: nothing was exported."), working_as(folder, COMMAND):
        person = acting_person(folder, Permission.EXPORT, factor=True).login
        why = AccessPurpose(purpose, case)

        def opened(which: str, groups: Sequence[str]) -> OpenEntry:
            query = {"export": which}
            return open_entry(person=person, agency=settings.agency, purpose=why, query=query, groups=groups)

        with _database(folder) as database, progress_bar("records") as on_progress:
            contents = export_department(
                database,
                target,
                _files(folder),
                opened=opened,
                on_progress=on_progress,
            )
    about = {"agency": settings.agency, "custodian": settings.custodian, "version": version("platepost")}
    manifest = ExportManifest(**about, made=datetime.now(UTC), **contents)
    payload = manifest.model_dump_json().encode()
    write_durably(target / "manifest.jws", sign(payload, key, typ=MANIFEST_TYPE, kid=key.thumbprint()))
    if as_json:
        click.echo(json.dumps({"folder": str(target), "records": manifest.records, "entries": manifest.entries}))
    else:
        click.echo(f"{manifest.records} records and {manifest.entries} entries of the ledger are in {target}.")


@click.command(
    "import",
    epilog="""\b
Examples:
  platepost department init new fleet/custody/records
  platepost department import new /mnt/everything
  platepost department verify new --whole
  platepost department import new /mnt/everything --key verifying_key.pem     # made by another custodian
""",
)
@FOLDER
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The other custodian's key.")
@JSON
def import_(*, folder: DepartmentFolder, source: Path, key: Path | None, as_json: bool) -> None:
    """Load an export made by `export-all` into FOLDER, which must be new.

    The pages' tables are rebuilt from the records, and the receipt log is restored: the old department's keeper must
    never run again. If the import is interrupted, start over with a new folder.
    """
    settings = folder.settings
    keys = KeyFiles(Purpose.CUSTODY, folder.identity, settings.custodian).accepted()
    left = f"Interrupted: {folder.path} may hold a part of {source}. Import it into a new folder."
    with broken_off(left), working_as(folder, COMMAND):
        manifest = open_manifest(source, [read_key(key.read_bytes())] if key else keys)
        if manifest.agency != settings.agency:
            raise DepartmentError(f"{source} is of the agency {manifest.agency}")
        with _database(folder) as database, progress_bar("records") as on_progress:
            import_department(database, source, manifest, now=datetime.now(UTC), on_progress=on_progress)
        digest = sha256((source / "manifest.jws").read_bytes()).hexdigest()
        append(LedgerEvent.RESTORED, {"what": "import", "digest": digest, "person": folder.caller})
    for name, path in _files(folder).items():
        if (source / name).exists():
            write_durably(path, (source / name).read_bytes())
    if as_json:
        click.echo(json.dumps({"records": manifest.records, "entries": manifest.entries}))
    else:
        click.echo(f"{manifest.records} records and {manifest.entries} entries of the ledger are in {folder.path}.")
        click.echo(f"Verify them: platepost department verify {folder.path} --whole")


def _files(folder: DepartmentFolder) -> dict[str, Path]:
    """Return the files of the folder that go along."""
    return {"receipts": folder.receipts, "register.json": folder.stored_register, "policy.toml": folder.policy}


@contextmanager
def _database(folder: DepartmentFolder) -> Iterator["PortabilityDatabase"]:
    """Connect as the owner, and as the one keeper; Django is set up."""
    tables = CustodyTables(folder.conninfo(KEEPER), open_bucket(folder))
    with closing(tables) as keeper, connected(folder, OWNER) as owner:
        yield PortabilityDatabase(owner, keeper)
