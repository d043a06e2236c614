"""`platepost department affected`: opens the list of whom a breach affects, as its recipient."""

import json
from pathlib import Path

import click

from department.commands.options import JSON
from department.errors import DepartmentError
from device.files import read_brought, write_durably

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  platepost department affected incident-3.jwe affected.jsonl --open-with me.pem
  jq -r '.plate // empty' affected.jsonl      # the plates alone
"""
)
@click.argument("file", type=_FILE)
@click.argument("into", type=click.Path(path_type=Path))
@click.option("--open-with", required=True, type=_FILE, help="Your private key (PEM or JWK).")
@JSON
def affected(*, file: Path, into: Path, open_with: Path, as_json: bool) -> None:
    """Open FILE, the list of whom a breach affects, and write it to the new file INTO, which is not encrypted.

    It needs no department and no network.
    """
    from department.archive.evidence_package import (  # noqa: PLC0415 - slow to load
        AFFECTED,
        LARGEST,
        open_sealed,
        unpack,
    )

    if into.exists():
        raise DepartmentError(f"{into} already exists")
    files = unpack(open_sealed(read_brought(file, 2 * LARGEST), open_with.read_bytes()))
    if [*files] != [AFFECTED]:
        raise DepartmentError(f"{file} is no list of whom a breach affects; `verify-package` opens evidence")
    write_durably(into, files[AFFECTED])
    about = json.loads(files[AFFECTED].partition(b"\n")[0])
    said = {"incident": about["incident"], "plates": about["plates"]}
    click.echo(json.dumps(said) if as_json else "Incident {incident}: {plates} plates.".format(**said))
