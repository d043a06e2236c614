"""`platepost provision register`: which keys sign the posts' records, for anyone who keeps these."""

import json
from pathlib import Path

import click

from platepost.common.commands.lazy import LazyGroup
from platepost.common.files import write_durably
from platepost.provisioning.commands.options import FLEET, JSON, NEW_FILE
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.register import write_register


@click.group(cls=LazyGroup, lazy={}, extra="provisioning")
def register() -> None:
    """Export the signed register of the posts' keys, for archive services."""


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
    """Update the register of the fleet of DIRECTORY if needed, and write a copy.

    Every command that adds, enrolls, replaces or revokes a post also updates it. It contains no secrets. Recipients
    verify it with the fleet's public configuration key, which is shown.
    """
    fleet = Fleet.load(directory)
    path, register = write_register(fleet)
    if copy is not None:
        try:
            write_durably(copy, path.read_bytes(), mode=0o644)
        except OSError as error:
            raise ProvisioningError(f"{copy}: cannot be written: {error.strerror}") from error
    keys = sum(len(post.keys) for post in register.posts)
    if as_json:
        fields = {"register": str(copy or path), "number": register.number, "posts": len(register.posts), "keys": keys}
        click.echo(json.dumps(fields | {"verify_with": str(fleet.configuration_verifying_key)}))
        return
    click.echo(f"{copy or path}: number {register.number}, {len(register.posts)} posts, {keys} keys.")
    click.echo(f"It is checked with {fleet.configuration_verifying_key}.")
