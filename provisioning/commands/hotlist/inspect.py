"""`platepost provision hotlist inspect`: what a package says of itself."""

import json
from pathlib import Path

import click
from rich.console import Console

from platepost.provisioning.commands.options import FILE, JSON, read_package
from platepost.provisioning.hotlist.report import show_facts
from platepost.wire.hotlist.errors import HotListRefused
from platepost.wire.hotlist.manifest import read_unverified
from platepost.wire.hotlist.package import check_whole, load_key, recipients, split, verify_package


@click.command(
    epilog="""\b
Examples:
  platepost provision hotlist inspect list.package
  platepost provision hotlist inspect list.package --issuer-key fleet/hotlist/verifying_key.pem --json
"""
)
@click.argument("package_path", metavar="FILE", type=FILE)
@click.option("--issuer-key", type=FILE, help="PEM of the issuer's public key, to verify the signature.")
@JSON
def inspect(*, package_path: Path, issuer_key: Path | None, as_json: bool) -> None:
    """Show a package's manifest. Exit 1 if it is damaged, or not signed with --issuer-key."""
    package = read_package(package_path)
    line, sealed = split(package)
    manifest = read_unverified(line)
    state = "whole, signature not checked"
    try:
        if issuer_key is None:
            check_whole(manifest, sealed)
        else:
            verify_package(package, load_key(issuer_key.read_bytes(), private=False))
            state = "whole, signature good"
        refused = False
    except HotListRefused as refusal:
        state, refused = f"{refusal.reason}: {refusal}", True
    facts = manifest.model_dump(mode="json", exclude_none=True) | {
        "posts": [kid for kid in recipients(sealed) if kid != manifest.epoch],
        "bytes": len(package),
        "state": state,
    }
    if as_json:
        click.echo(json.dumps(facts))
    else:
        show_facts(Console(), package_path.name, facts)
    if refused:
        raise click.exceptions.Exit(1)
