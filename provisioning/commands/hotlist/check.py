"""`platepost provision hotlist check`: what a post would make of a package, for anyone who writes packages."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from platepost.provisioning.commands.options import FILE, JSON, read_package
from platepost.provisioning.hotlist.report import show_facts
from platepost.wire.hotlist import HotList
from platepost.wire.hotlist.epochs import verify_keys
from platepost.wire.hotlist.errors import HotListRefused, WrongBase
from platepost.wire.hotlist.keys import fold, normalize
from platepost.wire.hotlist.manifest import Manifest
from platepost.wire.hotlist.match import Match
from platepost.wire.hotlist.package import Opened, load_key, unseal, verify_package


@click.command(
    epilog="""\b
Examples:
  platepost provision hotlist check list.package --post-key post.pem --issuer-key issuer.pem --plate 7ABC123
  platepost provision hotlist check list.delta --base list.package --post-key post.pem --issuer-key issuer.pem \\
      --plate 7ABC123 --at 2026-06-01T00:00:00Z --json

\b
For a trial, make a key with: openssl ecparam -name prime256v1 -genkey -noout -out post.pem and encrypt the package to
it as to a post's. Never take a real post's key from its unit.
"""
)
@click.argument("package_path", metavar="FILE", type=FILE)
@click.option("--post-key", required=True, type=FILE, help="PEM of the private key of a post it is encrypted to.")
@click.option("--issuer-key", required=True, type=FILE, help="PEM of the issuer's public key.")
@click.option("--keys", "keys_path", type=FILE, help="Message with the epochs' keys for that post, for format 2.")
@click.option("--base", "base_path", type=FILE, help="The complete list that a delta applies to.")
@click.option("--plate", "plates", multiple=True, help="A plate as it would be read; repeat for more.")
@click.option("--at", "moment", help="Time to check for, ISO 8601 with time zone.  [default: now]")
@JSON
def check(
    *,
    package_path: Path,
    post_key: Path,
    issuer_key: Path,
    keys_path: Path | None,
    base_path: Path | None,
    plates: tuple[str, ...],
    moment: str | None,
    as_json: bool,
) -> None:
    """Check FILE as a post would, and look up plates in it.

    The exit code is 1 if a post would refuse it, with the reason, or if a plate matches nothing.
    """
    at = _moment(moment)
    issuer, post = load_key(issuer_key.read_bytes(), private=False), load_key(post_key.read_bytes(), private=True)

    def opened(path: Path) -> Opened:
        manifest, sealed = verify_package(read_package(path), issuer)
        return unseal(manifest, sealed, post, epochs)

    try:
        epochs = {} if keys_path is None else verify_keys(read_package(keys_path), issuer).open(post)
        package = opened(package_path)
        base = None if base_path is None else HotList(opened(base_path))
        if package.manifest.kind == "delta" and base is None:
            raise WrongBase("a delta is checked against the list that it applies to: pass --base")
        hotlist = HotList(package, base=base if package.manifest.kind == "delta" else None)
    except HotListRefused as refusal:
        _show(
            {"file": package_path.name, "taken": False, "reason": refusal.reason.value, "said": str(refusal)}, as_json
        )
        raise click.exceptions.Exit(1) from None
    looked_up = {plate: hotlist.match(plate, at=at) for plate in plates}
    facts: dict[str, Any] = {
        "file": package_path.name,
        "taken": not package.manifest.expired(at),
        **({"reason": "expired"} if package.manifest.expired(at) else {}),
        **_facts(package.manifest),
        "plates": {plate: _said(hotlist, plate, matches) for plate, matches in looked_up.items()},
    }
    _show(facts, as_json)
    if not (facts["taken"] and all(looked_up.values())):
        raise click.exceptions.Exit(1)


def _facts(manifest: Manifest) -> dict[str, Any]:
    return manifest.model_dump(mode="json", include={"agency", "version", "kind", "built", "entries", "patterns"})


def _said(hotlist: HotList, plate: str, matches: tuple[Match, ...]) -> dict[str, Any] | str:
    """Return each step of a plate's look-up, so that a writer of packages sees where theirs differs."""
    key = fold(normalize(plate))
    digest = hotlist.listing.hash.digest(key)
    return {
        "key": key,
        "digest": digest.hex(),
        "filter": hotlist.listing.filter.contains(digest),
        "table": len(hotlist.listing.entries(digest)),
        "matches": [
            {"match": one.kind.value, "category": one.category, "priority": one.priority, "reference": one.reference}
            for one in matches
        ],
    }


def _show(facts: dict[str, Any], as_json: bool) -> None:  # noqa: FBT001 - one of two ways to say it
    if as_json:
        click.echo(json.dumps(facts))
        return
    plates = facts.pop("plates", {})
    show_facts(Console(), facts.pop("file"), facts)
    for plate, outcome in plates.items():
        matches = [" ".join(str(part) for part in one.values() if part is not None) for one in outcome["matches"]]
        click.echo(f"{plate}: {'; '.join(matches) or 'no match'}")
        in_filter = "yes" if outcome["filter"] else "no"
        click.echo(f"  key {outcome['key']}, in the filter: {in_filter}, entries in the table: {outcome['table']}")
        click.echo(f"  digest {outcome['digest']}")


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"not a time: {text}", param_hint="--at") from None
    if moment.tzinfo is None:
        raise click.BadParameter("a time needs its zone, such as Z", param_hint="--at")
    return moment
