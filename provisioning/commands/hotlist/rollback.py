"""`platepost provision hotlist rollback`: the last good list again, under a higher version."""

from pathlib import Path

import click
from joserfc.jwk import ECKey

from platepost.common.commands.options import Number
from platepost.provisioning.commands.authorship import logged, optional_author
from platepost.provisioning.commands.hotlist.options import Department, department
from platepost.provisioning.commands.hotlist.publish import publish_command
from platepost.provisioning.commands.options import BROKER, FOLDER, JSON
from platepost.provisioning.hotlist.archive import Archive
from platepost.provisioning.hotlist.report import facts_of
from platepost.provisioning.hotlist.rollback import rolled_back
from platepost.provisioning.hotlist.rows import SourceError
from platepost.wire.hotlist.manifest import read_unverified
from platepost.wire.hotlist.package import split


@click.command(
    epilog="""\b
Examples:
  platepost provision hotlist rollback fleet/ --reason "the 14:00 export lists every plate" --wait 60
  platepost provision hotlist rollback fleet/ --to 118 --reason "wrong mapping" --purpose "incident 4711"

\b
The fleet keeps its last two complete lists and the newest delta. If the newest package is a delta, the list it is based
on is published again; if it is a complete list, the one before it. Later packages are forgotten, so that the next delta
and list start from the good one.
"""
)
@click.argument("fleet_directory", metavar="DIRECTORY", type=FOLDER)
@click.option("--to", "version", type=click.IntRange(min=1), help="The good version.  [default: the last]")
@click.option(
    "--reason", required=True, help="Your reason, which goes into the list's manifest; posts see it. Never a plate."
)
@BROKER
@click.option("--wait", "wait_seconds", type=Number(0, 86_400), help="Seconds to wait for the posts.")
@optional_author
@JSON
@click.pass_context
def rollback(
    context: click.Context,
    *,
    fleet_directory: Path,
    version: int | None,
    reason: str,
    broker: str | None,
    wait_seconds: float | None,
    who: str | None,
    purpose: str | None,
    as_json: bool,
) -> None:
    """Publish the last good list of the fleet of DIRECTORY again, under a new version.

    Its age counts from when it was built: posts report it as stale, if it is, until a new list arrives.
    """
    builder = department(
        fleet_directory=fleet_directory,
        agency=None,
        issuer=None,
        signing_key=None,
        unseal_key=None,
        post_key_paths=(),
        who=who,
        purpose=purpose,
    )
    package = _back(builder, version, reason)
    context.invoke(
        publish_command,
        package_path=package,
        fleet_directory=fleet_directory,
        broker=broker,
        wait_seconds=wait_seconds,
        who=who,
        purpose=purpose,
        as_json=as_json,
    )


def _back(builder: Department, wanted: int | None, reason: str) -> Path:
    """Build the package, keep it in place of what was built after the good list, and return where it is."""
    archive = builder.archive
    if archive is None:
        raise click.UsageError("enter a fleet's folder")
    known: list[ECKey] = [*builder.issuer_keys, *builder.revoked]
    newest = archive.newest(known)
    good = archive.before(wanted)
    if newest is None or good is None:
        missing = "no list before the newest" if wanted is None else f"no complete list of version {wanted}"
        raise SourceError(f"the fleet keeps {missing}; it has: {_kept(archive)}")
    epoch = builder.epoch()
    package = rolled_back(
        good.read_bytes(),
        newest,
        reason=reason,
        issuer_keys=builder.issuer_keys,
        signing_key=builder.signing_key,
        post_keys=builder.post_keys,
        unseal_key=builder.own_key,
        epoch=epoch,
    )
    manifest, former = read_unverified(split(package)[0]), read_unverified(split(good.read_bytes())[0])
    details = facts_of(manifest) | {"again": former.version, "in_place_of": newest.version}
    text = f"Version {former.version} is sent again as {manifest.version}, in place of {newest.version}"
    click.echo(text, err=True)
    version = str(manifest.version)
    with logged(builder.author, "hotlist_roll_back", "hotlist_rolled_back", object=version, details=details):
        return builder.keep(package, manifest, epoch, in_place_of_all_after=former.version) or good


def _kept(archive: Archive) -> str:
    return ", ".join(str(version) for version in archive.completes) or "none"
