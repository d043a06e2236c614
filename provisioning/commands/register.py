"""`platepost provision register`: which keys sign the posts' records, for whoever keeps these."""

import json
from pathlib import Path

import click

from device.commands.lazy import LazyGroup
from device.files import write_durably
from provisioning.commands.options import FLEET, JSON, NEW_FILE
from provisioning.errors import ProvisioningError
from provisioning.fleet.fleet import Fleet
from provisioning.fleet.register import write_register


@click.group(cls=LazyGroup, lazy={}, extra="provisioning")
def register() -> None:
    """Give out the signed register of the posts' keys, which a keeper of records goes by."""


@register.command(
    "export",
    epilog="""\b
Examples:
  platepost provision register export fleet
  platepost provision register export fleet --to /var/lib/platepost-department/register.jws
""",
)
@FLEET
@click.option("--to", "copy", type=NEW_FILE, help="File for a copy.")
@JSON
def export(*, directory: Path, copy: Path | None, as_json: bool) -> None:
    """Write the register of the fleet of DIRECTORY, if it does not say all yet, and a copy of it.

    Every command that adds, enrolls, replaces or revokes a post writes it too. Nothing in it is secret. Whoever takes
    it checks it with the fleet's public key for configurations, which is shown.
    """
    fleet = Fleet.load(directory)
    path, said = write_register(fleet)
    if copy is not None:
        try:
            write_durably(copy, path.read_bytes(), mode=0o644)
        except OSError as error:
            raise ProvisioningError(f"{copy}: cannot be written: {error.strerror}") from error
    keys = sum(len(post.keys) for post in said.posts)
    if as_json:
        told = {"register": str(copy or path), "number": said.number, "posts": len(said.posts), "keys": keys}
        click.echo(json.dumps(told | {"verify_with": str(fleet.configuration_verifying_key)}))
        return
    click.echo(f"{copy or path}: number {said.number}, {len(said.posts)} posts, {keys} keys.")
    click.echo(f"It is checked with {fleet.configuration_verifying_key}.")
