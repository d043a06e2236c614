"""`platepost department affected`: the list of whom a breach affects, computed, and opened by its recipient."""

import json
from pathlib import Path

import click

from platepost.common.files import read_brought, write_durably
from platepost.department.archive.evidence_package import AFFECTED, LARGEST, open_sealed, recipient_of, unpack
from platepost.department.database.roles import COMMAND
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON, NUMBER
from platepost.department.people.commands import acting_person
from platepost.department.people.rights import Permission
from platepost.department.session import working_as
from platepost.department.sharing.incidents import sealed_list
from platepost.department.sharing.models import BreachIncident

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(path_type=Path)


@click.group()
def affected() -> None:
    """Compute and open the list of whom a breach affects."""


@affected.command(
    epilog="""\b
Example:
  platepost department affected compute vault 3 incident-3.jwe --to me-public.pem
"""
)
@FOLDER
@click.argument("incident", type=NUMBER)
@click.argument("file", type=_NEW)
@click.option("--to", required=True, type=_FILE, help="The records manager's X.509 certificate or public key.")
@JSON
def compute(*, folder: DepartmentFolder, incident: int, file: Path, to: Path, as_json: bool) -> None:
    """Compute whom INCIDENT affects, and write the list into the new FILE, encrypted; for the records manager.

    The page of the incident does the same. With millions of reads it takes longer than a browser waits.
    """
    _require_new(file)
    with working_as(folder, COMMAND):
        recipient, _ = recipient_of(to.read_bytes())
        person = acting_person(folder, Permission.RELEASE_RECORDS, factor=True)
        breach_incident = BreachIncident.objects.filter(pk=incident).first()
        if breach_incident is None:
            raise DepartmentError(f"there is no incident {incident}")
        write_durably(file, sealed_list(breach_incident, recipient, person=person))
        breach_incident.refresh_from_db()
    _print({"incident": incident, "plates": breach_incident.plates}, as_json=as_json)


@affected.command(
    "open",
    epilog="""\b
Examples:
  platepost department affected open incident-3.zip.age affected.jsonl --open-with me.txt
  jq -r '.plate // empty' affected.jsonl      # the plates alone
""",
)
@click.argument("file", type=_FILE)
@click.argument("into", type=_NEW)
@click.option("--open-with", required=True, type=_FILE, help="Your private key (age, SSH, PEM, or JWK).")
@JSON
def open_(*, file: Path, into: Path, open_with: Path, as_json: bool) -> None:
    """Open the list FILE, and write it to the new file INTO, which is not encrypted.

    It needs no department and no network.
    """
    _require_new(into)
    files = unpack(open_sealed(read_brought(file, 2 * LARGEST), open_with.read_bytes()))
    if AFFECTED not in files:
        raise DepartmentError(f"{file} is not a list of whom a breach affects; `verify-package` opens evidence")
    write_durably(into, files[AFFECTED])
    about = json.loads(files[AFFECTED].partition(b"\n")[0])
    _print({"incident": about["incident"], "plates": about["plates"]}, as_json=as_json)


def _require_new(file: Path) -> None:
    if file.exists():
        raise DepartmentError(f"{file} already exists")


def _print(counts: dict[str, int | None], *, as_json: bool) -> None:
    click.echo(json.dumps(counts) if as_json else "Incident {incident}: {plates} plates.".format(**counts))
