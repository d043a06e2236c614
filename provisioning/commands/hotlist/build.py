"""`platepost provision hotlist build`: exports become a complete list."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from platepost.common.commands.options import Number
from platepost.provisioning.commands.hotlist.options import (
    WRITTEN,
    Department,
    building_options,
    bytes_taken,
    department,
    exports,
    partial_plates,
    safe_exports,
)
from platepost.provisioning.commands.options import FILE
from platepost.provisioning.hotlist.build import FALSE_POSITIVE_RATE, build_package
from platepost.provisioning.hotlist.export import Export, ExportSource
from platepost.provisioning.hotlist.files import Files
from platepost.provisioning.hotlist.held import Held
from platepost.provisioning.hotlist.latest_delta import LatestDelta, own_vehicles
from platepost.provisioning.hotlist.mapping import DEFAULT_CATEGORIES
from platepost.provisioning.hotlist.report import (
    Tally,
    refusals_written,
    show_news,
    show_outcome,
    summarize,
    what_is_allowed,
)
from platepost.provisioning.hotlist.rows import SourceError
from platepost.wire.hotlist.errors import HotListRefused, WrongKey
from platepost.wire.hotlist.layout import decode
from platepost.wire.hotlist.manifest import Manifest
from platepost.wire.hotlist.package import load_key, open_package, verify_package


@click.command(
    epilog="""\b
Examples:
  platepost provision hotlist build plates.csv --fleet fleet/ --output list.package
  platepost provision hotlist build state.txt local.csv --mapping state.toml --mapping local.toml \\
      --fleet fleet/ --refusals refused.csv --output list.package
  platepost provision hotlist build plates.csv --fleet fleet/ --output list.package \\
      --as lists --purpose "by cron, every three hours"      in the name of a list builder
  platepost provision hotlist build export.csv --mapping vendor.toml --patterns partial.csv \\
      --agency riverside --signing-key signing_key.pem --post-key posts/ \\
      --previous yesterday.package --output list.package

\b
Without --mapping an export is CSV with a header: plate and category, and optionally state, priority, entered, expires
and reference.
A mapping names columns and allowed values:
  [columns]
  plate = "LIC"
  expires = "PURGE"
  [defaults]
  state = "CA"
  [dates]
  zone = "America/Los_Angeles"
  formats = ["%m/%d/%Y"]
  [categories]
  "STOLEN VEH" = { category = "stolen_vehicle", priority = 2 }

\b
Columns by number, for exports without a header:
  [source]
  header = false
  delimiter = ";"
  [columns]
  category = 1
  plate = 3

\b
Fixed-width fields, counting characters from 1:
  [source]
  form = "fixed"
  [columns]
  plate = { start = 12, length = 10 }
  category = { start = 1, length = 4 }

\b
[categories] replaces the default allowed categories:
"""
    + "\n".join(f"  {name}" for name in sorted(DEFAULT_CATEGORIES))
)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=FILE)
@click.option("--output", "-o", required=True, type=WRITTEN, help="The package.")
@click.option(
    "--false-positive-rate",
    type=Number(1e-12, 0.1),
    default=FALSE_POSITIVE_RATE,
    show_default=True,
    help="Chance that an unlisted plate passes the filter.",
)
@click.option(
    "--previous",
    "previous_path",
    type=FILE,
    help="Previous package, to compare version and size.  [default: the last one built for --fleet]",
)
@click.option(
    "--format",
    "list_format",
    type=click.Choice(["1", "2"]),
    help="Format; 2 once all posts' software reads it.  [default: the last list's, or 1]",
)
@building_options
def build(
    *,
    sources: tuple[Path, ...],
    output: Path,
    mapping_paths: tuple[Path, ...],
    patterns_path: Path | None,
    safe_path: Path | None,
    test_plate: bool,
    version: int | None,
    lifetime_hours: float,
    false_positive_rate: float,
    previous_path: Path | None,
    size_jump: float,
    override_reason: str | None,
    list_format: str | None,
    refusals_path: Path | None,
    jobs: int,
    as_json: bool,
    **who: Any,
) -> None:
    """Build a signed package, encrypted to every post, from exports: CSV, columns by number, or fixed width.

    By default a test plate is added, which posts look up every hour to show that hits arrive. Unusable rows are
    refused, with line number and reason. The log of acts records who built the list and from which files; file names
    must not be plates.
    """
    if list_format == "2" and who["fleet_directory"] is None:
        raise click.UsageError("format 2 needs --fleet, whose folder keeps the keys of its epochs")
    builder = department(**who, list_format=None if list_format is None else int(list_format))
    epoch = builder.epoch()
    read = exports(sources, mapping_paths) + safe_exports(safe_path)
    files = Files(
        builder.unseal_key, export=sources, own_vehicles=[safe_path], patterns=[patterns_path], mapping=mapping_paths
    )
    previous = _previous(builder, previous_path)
    now = datetime.now(UTC)
    if previous is not None and previous.patterns and patterns_path is None:
        _refuse_to_forget(_patterns_in_force(builder, previous, previous_path, at=now))
    news = _news(builder, safe_path, at=int(now.timestamp())) if previous_path is None else None
    tally, console = Tally(), Console(stderr=True)
    with refusals_written(refusals_path, tally):
        patterns = partial_plates(patterns_path, mapping_paths, tally, at=now) if patterns_path else ()
        with bytes_taken(
            console, "Building", sum(export.path.stat().st_size for export in read), hidden=as_json
        ) as taken:
            package = build_package(
                ExportSource(read, at=now, tally=tally, news=news, jobs=jobs, test_plate=test_plate, progress=taken),
                agency=builder.agency,
                issuer=builder.issuer,
                version=version or (previous.version + 1 if previous else int(now.timestamp())),
                signing_key=builder.signing_key,
                post_keys=builder.post_keys,
                unseal_key=builder.unseal_key,
                patterns=patterns,
                built=now,
                expires=now + timedelta(hours=lifetime_hours),
                false_positive_rate=false_positive_rate,
                previous=previous,
                size_jump=size_jump,
                size_override=override_reason,
                epoch=epoch,
            )
        _refuse_emptiness(tally, read)
    builder.hand_out(package, output, files=files, refused=len(tally.refusals), epoch=epoch)
    summary = summarize(output, package, tally, previous=previous, posts=len(builder.post_keys))
    if news is not None:
        forgotten = len(news.added_in_force(int(now.timestamp())) - tally.kept)
        summary |= {"listed_again": len(tally.again), "listed_no_more": forgotten}
        show_news(console, tally, forgotten=forgotten)
    if as_json:
        click.echo(json.dumps(summary))
        return
    show_outcome(console, summary, tally, [export.mapping for export in read], listed=bool(refusals_path))


def _previous(builder: Department, path: Path | None) -> Manifest | None:
    known = [*builder.issuer_keys, *builder.revoked]
    if path is not None:
        return verify_package(path.read_bytes(), known)[0]
    return builder.archive.newest(known) if builder.archive is not None else None


def _held(builder: Department) -> Held | None:
    """Return the list that the fleet built last, None where there is none that the department may and can open."""
    if builder.archive is None or builder.unseal_key is None or builder.archive.complete is None:
        return None
    try:
        return builder.held(builder.archive.complete, builder.archive.delta)
    except (HotListRefused, SourceError):
        return None


def _news(builder: Department, safe_path: Path | None, *, at: int) -> LatestDelta | None:
    """Return what the delta before brought, None where there is none; raise SourceError for own vehicles forgotten."""
    held = _held(builder)
    if held is None:
        return None
    if safe_path is None and (vehicles := own_vehicles(held, at=at)):
        raise SourceError(
            f"own vehicles of the list before: {vehicles}; this one would have none. Give them again with --safe-list,"
            f" or give a file with only a header to remove them all"
        )
    return None if held.newest is held.complete else LatestDelta.of(held)


def _patterns_in_force(builder: Department, previous: Manifest, path: Path | None, *, at: datetime) -> int:
    """Count the partial plates of the list before that have not ended; all, where the department cannot open it."""
    if path is None and builder.archive is not None:
        path = builder.archive.delta or builder.archive.complete
    if path is None or builder.unseal_key is None:
        return previous.patterns
    known, own = [*builder.issuer_keys, *builder.revoked], load_key(builder.unseal_key, private=True)
    try:
        header, _ = decode(open_package(path.read_bytes(), issuer_key=known, unseal_key=own).body)
    except WrongKey:
        return previous.patterns
    return sum(pattern.expires > at for pattern in header.patterns)


def _refuse_to_forget(patterns: int) -> None:
    if patterns:
        raise SourceError(
            f"the previous list has {patterns} active partial plates, and this one would have none. Pass --patterns "
            f"again, or a file with only a header to remove them all"
        )


def _refuse_emptiness(tally: Tally, read: list[Export]) -> None:
    if sum(tally.accepted.values()):
        return
    reasons = "; ".join(f"{reason} ({count})" for reason, count in tally.reasons().items())
    hint = what_is_allowed(tally, [export.mapping for export in read])
    names = ", ".join(str(export.path) for export in read)
    raise SourceError(f"{names}: no row can be listed: {reasons or 'there is none'}{hint and '. '}{hint}")
