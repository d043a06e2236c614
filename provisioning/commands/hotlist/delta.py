"""`platepost provision hotlist delta`: what changed since the complete list."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from platepost.provisioning.commands.hotlist.options import (
    WRITTEN,
    Department,
    building_options,
    bytes_taken,
    department,
    exports,
    given_mappings,
    partial_plates,
    safe_exports,
)
from platepost.provisioning.commands.options import FILE
from platepost.provisioning.hotlist.changes import Removal, from_exports, from_news, read_removals
from platepost.provisioning.hotlist.delta import build_delta
from platepost.provisioning.hotlist.export import ExportSource
from platepost.provisioning.hotlist.files import Files
from platepost.provisioning.hotlist.held import Held
from platepost.provisioning.hotlist.latest_delta import LatestDelta
from platepost.provisioning.hotlist.report import Tally, refusals_written, show_news, show_outcome, summarize
from platepost.provisioning.hotlist.rows import RefusedRow
from platepost.wire.hotlist.layout import PatternEntry
from platepost.wire.hotlist.manifest import read_unverified
from platepost.wire.hotlist.package import split


@click.command(
    epilog="""\b
Examples:
  platepost provision hotlist delta --add stolen.csv --remove recovered.csv --fleet fleet/ -o list.delta
  platepost provision hotlist delta state.txt local.csv --mapping state.toml --mapping local.toml \\
      --fleet fleet/ -o list.delta

\b
Give either the full exports again, which are compared with the complete list, or only the changes: --add in an export's
format, --remove with at least a column "plate"; category, state and reference narrow down which entries to remove.

\b
A delta holds all changes since the complete list, and replaces the previous delta. It is made from the packages in the
fleet's folder; without a fleet give --base, --after and --unseal-key.
"""
)
@click.argument("sources", metavar="[SOURCE]...", nargs=-1, type=FILE)
@click.option("--output", "-o", required=True, type=WRITTEN, help="The package.")
@click.option("--add", "add_path", type=FILE, help="Rows to add, in an export's format.")
@click.option("--remove", "remove_path", type=FILE, help="Plates to remove.")
@click.option("--base", "base_path", type=FILE, help="The complete list.  [default: the last one built for --fleet]")
@click.option("--after", "after_path", type=FILE, help="The newest delta on --base, if any.  [default: the fleet's]")
@building_options
def delta(
    *,
    sources: tuple[Path, ...],
    output: Path,
    add_path: Path | None,
    remove_path: Path | None,
    base_path: Path | None,
    after_path: Path | None,
    mapping_paths: tuple[Path, ...],
    patterns_path: Path | None,
    safe_path: Path | None,
    test_plate: bool,
    version: int | None,
    lifetime_hours: float,
    size_jump: float,
    override_reason: str | None,
    refusals_path: Path | None,
    jobs: int,
    as_json: bool,
    **who: Any,
) -> None:
    """Build a signed package of changes since the complete list.

    A recovered car stops making hits, and a stolen one starts, without sending the whole list again. With full
    exports the test plate is added as in a complete list; with --add and --remove it stays as it is. The log of acts
    records who built it and from which files; file names must not be plates.
    """
    if bool(sources) == bool(add_path or remove_path):
        raise click.UsageError("give either all exports again, or --add or --remove or both")
    builder = department(**who)
    files = Files(
        builder.own_key, export=sources, additions=[add_path], removals=[remove_path],
        own_vehicles=[safe_path], patterns=[patterns_path], mapping=mapping_paths,
    )  # fmt: skip
    held = _held(builder, base_path, after_path)
    now = datetime.now(UTC)
    tally, console = Tally(), Console(stderr=True)
    read = exports([*sources, *([add_path] if add_path else [])], mapping_paths)
    read += safe_exports(safe_path)
    with refusals_written(refusals_path, tally):
        removals = list(_removals(remove_path, mapping_paths, tally))
        with bytes_taken(
            console, "Comparing", sum(export.path.stat().st_size for export in read), hidden=as_json
        ) as taken:
            news = LatestDelta.of(held) if sources else None
            # News alone leave it as the complete list has it.
            test_plate = test_plate and bool(sources)
            source = ExportSource(
                read, at=now, tally=tally, news=news, jobs=jobs, test_plate=test_plate, progress=taken
            )
            if sources:
                changes = from_exports(held, source, at=int(now.timestamp()), keep_safe=safe_path is None)
            else:
                changes, unlisted = from_news(held, source, removals)
                tally.add(remove_path.name if remove_path else "", 0, Counter(), unlisted)
        epoch = builder.epoch(held.complete.manifest)
        package = build_delta(
            held,
            changes.overlay,
            patterns=_patterns(held, patterns_path, mapping_paths, now, tally),
            issuer=builder.issuer,
            version=version or held.newest.version + 1,
            signing_key=builder.signing_key,
            post_keys=builder.post_keys,
            unseal_key=builder.own_key,
            built=now,
            expires=now + timedelta(hours=lifetime_hours),
            size_jump=size_jump,
            size_override=override_reason,
            epoch=epoch,
        )
    builder.hand_out(package, output, files=files, refused=len(tally.refusals), epoch=epoch)
    summary = summarize(output, package, tally, previous=held.newest.manifest, posts=len(builder.post_keys))
    summary |= {"came": changes.came, "went": changes.went, "listed_already": changes.known}
    if sources:
        summary["listed_again"] = len(tally.again)
        show_news(console, tally, forgotten=0)  # what a fresh export lacks was removed, and is counted there
    if as_json:
        click.echo(json.dumps(summary))
        return
    show_outcome(console, summary, tally, given_mappings(mapping_paths), listed=bool(refusals_path))


def _held(builder: Department, base_path: Path | None, after_path: Path | None) -> Held:
    if builder.archive is not None:
        base_path = base_path or builder.archive.complete
        if after_path is None and builder.archive.delta is not None and _is_on(builder.archive.delta, base_path):
            after_path = builder.archive.delta
    if base_path is None:
        raise click.UsageError("there is no complete list yet: build one first, or give --base")
    return builder.held(base_path, after_path)


def _is_on(delta: Path, base: Path | None) -> bool:
    """Say whether a delta was built on a complete list, as their manifests have it; opening them verifies that."""
    if base is None:
        return False
    manifests = [read_unverified(split(path.read_bytes())[0]) for path in (base, delta)]
    return manifests[0].is_base_of(manifests[1])


def _removals(path: Path | None, mapping_paths: tuple[Path, ...], tally: Tally) -> Iterator[Removal]:
    """Yield removals; of several mappings the last is theirs."""
    if path is None:
        return
    for removal in read_removals(path, given_mappings(mapping_paths)[-1]):
        if isinstance(removal, RefusedRow):
            tally.add(path.name, 0, Counter(), [removal])
        else:
            yield removal


def _patterns(
    held: Held, path: Path | None, mapping_paths: tuple[Path, ...], now: datetime, tally: Tally
) -> tuple[PatternEntry, ...]:
    """Return the partial plates from now on: those of the file, or those of before that have not ended."""
    if path is None:
        return tuple(pattern for pattern in held.newest.listing.patterns if pattern.expires > now)
    return partial_plates(path, mapping_paths, tally, at=now)
