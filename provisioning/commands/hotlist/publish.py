"""`platepost provision hotlist publish`: a package onto the broker, and into force on the posts."""

import json
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from platepost.common.commands.options import Number
from platepost.common.text import shown
from platepost.provisioning.commands.authorship import author_of, logged, optional_author
from platepost.provisioning.commands.hotlist.options import bytes_taken
from platepost.provisioning.commands.options import BROKER, FILE, FOLDER, JSON, read_package
from platepost.provisioning.connection import Connection
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.hotlist.archive import Archive
from platepost.provisioning.hotlist.distribution import DistributionMonitor, PostState, all_heard, settled
from platepost.provisioning.hotlist.publish import Sent, publish
from platepost.provisioning.hotlist.report import facts_of
from platepost.wire.hotlist.manifest import Manifest
from platepost.wire.hotlist.package import looks_like_package, verify_package
from platepost.wire.records import Keyring, Purpose

LOOK_AROUND_SECONDS = 1.0
"""For the posts' retained status to come; those that say nothing in that time are not waited for."""


@click.command(
    "publish",
    epilog="""\b
Examples:
  platepost provision hotlist publish list.package --fleet fleet/ --wait 60
  platepost provision hotlist publish list.delta --fleet fleet/ --broker mqtt.riverside.example:8883 --json

\b
A complete list goes to alpr/v1/AGENCY/hotlist/package, a delta to .../hotlist/delta, retained until it expires. It goes
in parts above 8 MiB, or if the broker takes no packet of its size.

\b
With --wait, it waits until every post that is online has taken or refused the list. The exit code is 1 if some have not
taken it in that time. Posts that are offline take it when they return.
""",
)
@click.argument("package_path", metavar="PACKAGE", type=FILE)
@click.option("--fleet", "fleet_directory", required=True, type=FOLDER, help="The fleet's folder.")
@BROKER
@click.option("--identity", type=FOLDER, help="Folder of the client's certificate.  [default: the fleet's publisher]")
@click.option("--part-bytes", type=click.IntRange(min=1024), help="Size of parts.  [default: what the broker asks for]")
@click.option("--wait", "wait_seconds", type=Number(0, 86_400), help="Seconds to wait for the posts.")
@click.option("--older", is_flag=True, help="Publish even if a post holds a newer list.")
@optional_author
@JSON
def publish_command(
    *,
    package_path: Path,
    fleet_directory: Path,
    broker: str | None,
    identity: Path | None,
    part_bytes: int | None,
    wait_seconds: float | None,
    older: bool,
    who: str | None,
    purpose: str | None,
    as_json: bool,
) -> None:
    """Publish PACKAGE to all posts of the fleet."""
    fleet = Fleet.load(fleet_directory)
    author = author_of(fleet, who, purpose)
    package = read_package(package_path)
    manifest = _publishable(package, fleet)
    watch = monitor_of(fleet)
    console = Console(stderr=True)
    address = broker or fleet.broker_address
    connection = Connection(
        identity or fleet.publisher,
        broker=address,
        topics=watch.topics,
        listener=watch.hear,
    )
    with connection:
        watch.wait_until(all_heard, seconds=LOOK_AROUND_SECONDS)
        if not older:
            _refuse_older(manifest, watch.posts)
        if warning := _without_base(manifest, watch.posts):
            console.print(warning, highlight=False, markup=False, soft_wrap=True)
        began = time.monotonic()
        watch.expect(manifest.version)
        details = facts_of(manifest) | {"broker": address, "older": older}
        with (
            logged(
                author, "hotlist_publish", "hotlist_published", object=str(manifest.version), details=details
            ) as end,
            bytes_taken(console, "Publishing", len(package), hidden=as_json) as taken,
        ):
            keys = Archive(fleet.list_archive).keys
            sent = publish(connection, package, manifest, keys=keys, part_bytes=part_bytes, progress=taken)
            end |= {"topic": sent.topic, "parts": sent.parts}
        published = time.monotonic() - began
        if wait_seconds is not None:
            with nullcontext() if as_json else console.status("Waiting for the posts"):
                watch.wait_until(settled, seconds=wait_seconds)
    posts = watch.posts
    summary = _summary(manifest, sent, len(package), published, posts)
    if as_json:
        click.echo(json.dumps(summary))
    else:
        _show(manifest, sent, posts, waited=wait_seconds is not None)
    if wait_seconds is not None and any(post.outcome in {"waiting", "refused"} for post in posts.values()):
        raise click.exceptions.Exit(1)


def _publishable(package: bytes, fleet: Fleet) -> Manifest:
    """Return the manifest of a package that this fleet's posts could take.

    Raises:
        HotListRefused: it is damaged, or not signed with the fleet's key.
        ProvisioningError: it is another agency's, or has expired.

    """
    if not looks_like_package(package):
        raise ProvisioningError(
            "this is not a package: first build a list from an export, with 'platepost provision hotlist build'"
        )
    manifest, _ = verify_package(package, fleet.keys(Purpose.LISTS).accepted())
    if manifest.agency != fleet.agency:
        raise ProvisioningError(f"the list is for agency {manifest.agency!r}, the fleet is {fleet.agency!r}")
    if manifest.expired(datetime.now(UTC)):
        raise ProvisioningError(f"the list expired at {manifest.expires.isoformat()}: posts would reject it")
    return manifest


def _refuse_older(manifest: Manifest, posts: dict[str, PostState]) -> None:
    newer = {name: post.version for name, post in posts.items() if (post.version or 0) > manifest.version}
    if newer:
        name, version = max(newer.items(), key=lambda item: item[1] or 0)
        raise ProvisioningError(
            f"version {manifest.version} is older than {version}, which {name} holds, and would be refused; "
            "it would also block posts that restart. --older publishes it anyway"
        )


def _without_base(manifest: Manifest, posts: dict[str, PostState]) -> str:
    """Return what to say where a delta's base is on no post; empty where there is nothing to say."""
    held = [post.version or 0 for post in posts.values() if post.state is not None]
    if manifest.base is None or not held or max(held) >= manifest.base.version:
        return ""
    return f"No post holds version {manifest.base.version}, to which this delta applies: publish that list too."


def monitor_of(fleet: Fleet) -> DistributionMonitor:
    """Return what follows the posts of a fleet, and believes them by their keys."""
    paths = {name: fleet.record_key(name) for name in fleet.posts()}
    keys = {name: Keyring.from_files(path) for name, path in paths.items() if path.is_file()}
    return DistributionMonitor(fleet.agency, posts=fleet.posts(), keys=keys)


def _summary(
    manifest: Manifest, sent: Sent, size: int, published: float, posts: dict[str, PostState]
) -> dict[str, Any]:
    return {
        "topic": sent.topic,
        "kind": manifest.kind,
        "version": manifest.version,
        "bytes": size,
        "parts": sent.parts,
        "published_seconds": round(published, 3),
        "posts": {
            name: {
                "outcome": post.outcome,
                "state": post.state,
                "version": post.version,
                "in_force_seconds": None if post.seconds is None else round(post.seconds, 3),
                "refused": post.refused,
            }
            for name, post in posts.items()
        },
    }


def _show(manifest: Manifest, sent: Sent, posts: dict[str, PostState], *, waited: bool) -> None:
    parts = f" in {sent.parts} parts" if sent.parts else ""
    title = f"Version {manifest.version} ({manifest.kind}) is on {sent.topic}{parts}"
    if not waited or not posts:
        click.echo(title)
        return
    table = Table("post", "state", "holds", "version " + str(manifest.version), title=title, title_justify="left")
    for name, post in posts.items():
        table.add_row(name, post.state or "-", "-" if post.version is None else str(post.version), shown(_words(post)))
    Console().print(table)


def _words(post: PostState) -> str:
    if post.outcome == "active":
        return f"active after {post.seconds:.1f} s"
    words = {
        "refused": f"refused: {post.refused}",
        "offline": "offline, takes it when it is back",
        "waiting": "not active yet",
        "never seen": "has never been online",
    }
    return words[post.outcome]
