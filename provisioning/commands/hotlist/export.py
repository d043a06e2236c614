"""`platepost provision hotlist export`: packages onto a stick, for a post without network."""

import json
from pathlib import Path

import click
from rich.console import Console

from platepost.common.files import write_durably
from platepost.provisioning.commands.authorship import author_of, logged, optional_author
from platepost.provisioning.commands.options import FILE, FOLDER, JSON, NEW_FOLDER, read_package
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.hotlist.archive import Archive
from platepost.provisioning.hotlist.epochs import key_messages
from platepost.provisioning.hotlist.report import facts_of, show_facts
from platepost.wire.hotlist.package import load_key, recipients, verify_package
from platepost.wire.records import Purpose


@click.command(
    epilog="""\b
Examples:
  platepost provision hotlist export --fleet fleet/ --to /media/stick
  platepost provision hotlist export list.package list.delta --fleet fleet/ --to /media/stick

\b
Without PACKAGE, the latest complete list and delta are written. The files are encrypted to the posts: a lost stick
reveals nothing.
"""
)
@click.argument("package_paths", metavar="[PACKAGE]...", nargs=-1, type=FILE)
@click.option("--fleet", "fleet_directory", required=True, type=FOLDER, help="The fleet's folder.")
@click.option("--to", "directory", required=True, type=NEW_FOLDER, help="The folder to write to.")
@optional_author
@JSON
def export(
    *,
    package_paths: tuple[Path, ...],
    fleet_directory: Path,
    directory: Path,
    who: str | None,
    purpose: str | None,
    as_json: bool,
) -> None:
    """Write the packages a post needs to a folder, and verify them."""
    fleet = Fleet.load(fleet_directory)
    author = author_of(fleet, who, purpose)
    issuer_keys = fleet.keys(Purpose.LISTS).accepted()
    archive = Archive(fleet.list_archive)
    paths = package_paths or tuple(path for path in (archive.complete, archive.delta) if path is not None)
    if not paths:
        raise ProvisioningError("no list has been built for this fleet yet; build one, or name the packages")
    written: dict[str, str] = {}
    sealed_to: set[str] = set()
    for path in paths:
        package = read_package(path)
        manifest, sealed = verify_package(package, issuer_keys)
        target = directory / manifest.file_name
        details = facts_of(manifest) | {"to": str(directory)}
        with logged(author, "hotlist_export", "hotlist_exported", object=str(manifest.version), details=details):
            _write(target, package)
        written[target.name] = f"version {manifest.version}, {manifest.kind}, {manifest.entries:,} entries"
        sealed_to |= set(recipients(sealed))
    messages = key_messages(archive.keys) if sealed_to & archive.epochs() else {}
    for thumbprint, path in messages.items():
        _write(directory / f"{thumbprint}.keys", path.read_bytes())
        written[f"{thumbprint}.keys"] = "keys of one post"
    sealed_to |= messages.keys()
    posts = [name for name in fleet.posts() if _thumbprint(fleet, name) in sealed_to]
    facts = {
        "directory": str(directory),
        "files": [f"{name}: {what}" for name, what in written.items()],
        "posts": posts,
    }
    if as_json:
        click.echo(json.dumps(facts | {"files": sorted(written)}))
    else:
        show_facts(Console(), "On the stick", facts)


def _thumbprint(fleet: Fleet, post: str) -> str:
    return load_key(fleet.recipient_key(post).read_bytes(), private=False).thumbprint()


def _write(path: Path, package: bytes) -> None:
    """Write a file through to the stick, and compare what it returns. Raises ProvisioningError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, package, mode=0o644)  # sealed; who takes it up is another machine's user
        whole = path.read_bytes() == package
    except OSError as error:
        raise ProvisioningError(f"{path}: {error.strerror or error}") from error
    if not whole:
        raise ProvisioningError(f"{path}: the USB drive did not store what was written; use another one")
