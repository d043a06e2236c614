"""`platepost hotlist`: packages, and the keys of their epochs, from a stick to the post that runs on this unit."""

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from platepost.common.commands.options import Number
from platepost.common.errors import HotListError
from platepost.common.files import open_brought
from platepost.common.text import shown
from platepost.device.commands.options import CONFIG
from platepost.device.config import load
from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.hotlist import spool
from platepost.device.hotlist.service import Installation
from platepost.device.outbox.database import in_use
from platepost.wire.hotlist.epochs import LONGEST_MESSAGE, KeyMessage, is_key_message
from platepost.wire.hotlist.errors import ForeignAgency
from platepost.wire.hotlist.issuers import Issuers
from platepost.wire.hotlist.manifest import Manifest
from platepost.wire.hotlist.package import PackageFile, check_whole, configured_key, pieces, split

_CHECK_SECONDS = 0.1
_NOT_TAKEN = "the post runs (or aim or accept does), and has not taken it yet: its log shows why"


@click.command(
    epilog="""\b
Examples:
  platepost hotlist /media/stick --config post.toml
  platepost hotlist list.package list.delta --config post.toml --wait 60 --json

\b
`platepost provision hotlist export` writes these files. A running post takes them within seconds; a stopped one takes
them when it starts. The exit code is 1 if the newest was refused, or if a running post did not take it in time.
"""
)
@click.argument(
    "paths", metavar="FILE_OR_FOLDER...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@CONFIG
@click.option("--wait", "wait_seconds", type=Number(0, 86_400), default=30.0, show_default=True, help="Seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per package.")
def hotlist(*, paths: tuple[Path, ...], path: Path, wait_seconds: float, as_json: bool) -> None:
    """Load hot-list packages into this unit's post from a USB drive or folder."""
    configuration = load(path)
    section = configuration.hotlist
    own = configured_key(section.unseal_key, "hotlist.unseal_key", private=True).thumbprint()
    issuers = TrustedKeys.of(configuration.post.agency, section.issuer_key, configuration.control).issuers()
    packages: dict[str, tuple[Manifest | KeyMessage, PackageFile]] = {}
    with ExitStack() as opened:
        for file in _files(paths):
            try:
                package = PackageFile(opened.enter_context(open_brought(file)).fileno())
                brought = _checked(package, issuers)
            except OSError as error:
                raise HotListError(f"{file} cannot be read: {error.strerror or error}") from error
            except HotListError as error:
                raise type(error)(f"{file}: {error}") from error
            if brought.agency != configuration.post.agency:
                raise ForeignAgency(f"{file.name} is for agency {brought.agency!r}, this post serves another")
            if isinstance(brought, Manifest) or brought.recipient == own:  # a stick may have keys for many posts
                packages[brought.file_name] = (brought, package)
        if not packages:
            raise HotListError("there are keys for other posts here, and no package")
        try:
            # Keys first: the post may look at any time.
            for name, (_, package) in sorted(
                packages.items(), key=lambda one: (isinstance(one[1][0], Manifest), one[0])
            ):
                spool.lay(section.directory, name, pieces(package))
        except OSError as error:
            raise HotListError(f"the packages cannot be written to {section.directory}: {error.strerror}") from error
    outcomes = _wait(section.directory, sorted(packages), wait_seconds)
    running = in_use(configuration.outbox.path)
    _show({name: (packages[name][0], outcome) for name, outcome in outcomes.items()}, running=running, as_json=as_json)
    # What an older package came to does not matter where the newest of them is in force.
    newest = outcomes[max(outcomes, key=lambda name: (isinstance(packages[name][0], Manifest), name))]
    refused = newest is not None and newest.reason not in {None, "repeated"}
    if refused or (newest is None and running and wait_seconds > 0):
        raise click.exceptions.Exit(1)


def _checked(package: PackageFile, issuers: Issuers) -> Manifest | KeyMessage:
    """Return what a package, or a message with keys, states. Raises HotListRefused or OSError."""
    begin = bytes(package[:LONGEST_MESSAGE])
    if is_key_message(begin):
        return issuers.check_keys(begin)
    line, sealed = split(package)
    manifest = issuers.check(line)
    check_whole(manifest, sealed)
    return manifest


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        inside = (
            sorted(file for ending in ("package", "delta", "keys") for file in path.glob(f"*.{ending}"))
            if path.is_dir()
            else [path]
        )
        if not inside:
            raise HotListError(f"{path}: no package found")
        files += inside
    return files


def _wait(directory: Path, names: Sequence[str], seconds: float) -> dict[str, Installation | None]:
    """Return what became of each package; None for what was not taken up in time."""
    outcomes: dict[str, Installation | None] = dict.fromkeys(names)
    end = time.monotonic() + seconds
    while True:
        for name, outcome in outcomes.items():
            if outcome is None:
                outcomes[name] = spool.fetch_outcome(directory, name)
        if all(outcomes.values()) or time.monotonic() >= end:
            return outcomes
        time.sleep(_CHECK_SECONDS)


def _show(
    outcomes: dict[str, tuple[Manifest | KeyMessage, Installation | None]], *, running: bool, as_json: bool
) -> None:
    waits = Installation(None, "not_taken" if running else None, _NOT_TAKEN if running else "waits until the post runs")
    table = Table("package", "version", "outcome")
    for name, (brought, outcome) in outcomes.items():
        version = brought.version if isinstance(brought, Manifest) else brought.number
        reason, text = (outcome or waits).reason, (outcome or waits).said
        if as_json:
            facts = {"package": name, "version": version, "taken": outcome is not None and reason is None}
            click.echo(json.dumps(facts | {"waits": outcome is None, "reason": reason, "said": text}))
        table.add_row(name, str(version), shown(text))
    if not as_json:
        Console().print(table)
