"""`platepost provision hotlist`: build packages from exports, and look into packages."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from device.hotlist.errors import HotListRefused
from device.hotlist.manifest import read_unverified, split
from device.hotlist.package import check_whole, load_key, recipients, verify_package
from provisioning.fleet import Fleet
from provisioning.hotlist.build import FALSE_POSITIVE_RATE, LIFETIME, build_package
from provisioning.hotlist.csv_source import read_csv
from provisioning.hotlist.mapping import DEFAULT_CATEGORIES, NOT_ALLOWED, Mapping, load_mapping
from provisioning.hotlist.patterns_file import read_patterns
from provisioning.hotlist.report import Tally, show_facts, show_refusals, summarise, write_refusals
from provisioning.hotlist.rows import SourceError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def hotlist() -> None:
    """Build hot-list packages from exports, and look into them."""


@hotlist.command(
    epilog="""\b
Examples:
  platepost provision hotlist build plates.csv --fleet fleet/ --output list.package
  platepost provision hotlist build export.csv --mapping vendor.toml --patterns partial.csv \\
      --agency riverside --signing-key signing_key.pem --post-key posts/ \\
      --previous yesterday.package --refusals refused.csv --output list.package

\b
The export has a header; without --mapping its columns are plate, state, category,
priority, entered, expires and reference, of which plate and category must be there.
A mapping names others, and what is allowed:
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
[categories] names all that are allowed, in place of the defaults:
"""
    + "\n".join(f"  {name}" for name in sorted(DEFAULT_CATEGORIES))
)
@click.argument("source", metavar="CSV", type=_FILE)
@click.option("--output", "-o", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The package.")
@click.option("--mapping", "mapping_path", type=_FILE, help="TOML: columns, dates, allowed categories of the export.")
@click.option("--patterns", "patterns_path", type=_FILE, help="Partial plates: CSV, or TOML with [[pattern]] tables.")
@click.option(
    "--fleet",
    "fleet_directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A fleet's folder: brings the agency, the signing key and every post's key.",
)
@click.option("--agency", help="Whose posts take the list.")
@click.option("--issuer", help="Who answers for the list; by default the agency.")
@click.option("--signing-key", type=_FILE, help="PEM of the issuer's private P-256 key.")
@click.option(
    "--post-key",
    "post_key_paths",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="PEM of a post's public P-256 key, or a folder of them; give it once for each.",
)
@click.option(
    "--version", "version", type=click.IntRange(min=1), help="By default one more than --previous, else the time."
)
@click.option(
    "--lifetime-hours",
    type=click.FloatRange(min=0, min_open=True),
    default=LIFETIME / timedelta(hours=1),
    show_default=True,
    help="How long posts may install the list.",
)
@click.option(
    "--false-positive-rate",
    type=click.FloatRange(min=0, max=1, min_open=True, max_open=True),
    default=FALSE_POSITIVE_RATE,
    show_default=True,
    help="Chance that one probe of an unlisted plate passes the filter.",
)
@click.option("--previous", "previous_path", type=_FILE, help="The package before: its version and size are compared.")
@click.option("--override-reason", help="Why the size may differ from --previous by more than 30 %.")
@click.option(
    "--refusals", "refusals_path", type=click.Path(dir_okay=False, path_type=Path), help="CSV of refused rows."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one line of JSON.")
def build(
    *,
    source: Path,
    output: Path,
    mapping_path: Path | None,
    patterns_path: Path | None,
    fleet_directory: Path | None,
    agency: str | None,
    issuer: str | None,
    signing_key: Path | None,
    post_key_paths: tuple[Path, ...],
    version: int | None,
    lifetime_hours: float,
    false_positive_rate: float,
    previous_path: Path | None,
    override_reason: str | None,
    refusals_path: Path | None,
    as_json: bool,
) -> None:
    """Build a signed package, sealed to every post, from the export CSV.

    Rows that are not fit for a list are refused one by one, with line number and reason.
    """
    if fleet_directory is not None:
        fleet = Fleet.load(fleet_directory)
        agency = agency or fleet.agency
        signing_key = signing_key or fleet.list_signing_key
        post_key_paths = post_key_paths or tuple(fleet.recipient_key(name) for name in fleet.posts())
    if agency is None or signing_key is None:
        raise click.UsageError("give --fleet, or --agency, --signing-key and --post-key")
    now = datetime.now(UTC)
    key = signing_key.read_bytes()
    previous = verify_package(previous_path.read_bytes(), load_key(key, private=True))[0] if previous_path else None
    mapping = load_mapping(mapping_path) if mapping_path else Mapping()
    console = Console(stderr=True)
    tally = Tally()
    patterns = tuple(tally.sift(read_patterns(patterns_path, mapping, at=now), "pattern")) if patterns_path else ()
    with _rows_taken(console, source, hidden=as_json) as taken:
        package = build_package(
            tally.sift(read_csv(source, mapping, at=now), "row"),
            agency=agency,
            issuer=issuer or agency,
            version=version or (previous.version + 1 if previous else int(now.timestamp())),
            signing_key=key,
            post_keys=[path.read_bytes() for path in _key_files(post_key_paths)],
            patterns=patterns,
            built=now,
            expires=now + timedelta(hours=lifetime_hours),
            false_positive_rate=false_positive_rate,
            previous=previous,
            size_override=override_reason,
            progress=lambda rows: taken(rows + tally.refused["row"]),
        )
    if refusals_path:
        write_refusals(refusals_path, tally.refusals)
    if not tally.accepted["row"] and not patterns:
        reasons = "; ".join(f"{reason} ({count})" for reason, count in tally.reasons().items())
        hint = _what_is_allowed(tally, mapping)
        raise SourceError(f"{source}: no row is fit for a list: {reasons or 'the file has none'}{hint and '. '}{hint}")
    _write(output, package)
    summary = summarise(output, package, tally)
    if as_json:
        click.echo(json.dumps(summary))
        return
    if tally.refusals and not refusals_path:
        show_refusals(console, tally)
    if hint := _what_is_allowed(tally, mapping):
        console.print(hint, highlight=False, markup=False, soft_wrap=True)
    show_facts(Console(), "Hot list", summary)


@hotlist.command(
    epilog="""\b
Examples:
  platepost provision hotlist inspect list.package
  platepost provision hotlist inspect list.package --issuer-key fleet/hotlist/verifying_key.pem --json
"""
)
@click.argument("package_path", metavar="FILE", type=_FILE)
@click.option("--issuer-key", type=_FILE, help="PEM of the issuer's public key, to check the signature with.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def inspect(*, package_path: Path, issuer_key: Path | None, as_json: bool) -> None:
    """Show what a package says of itself. Exit 1 if it is damaged, or not signed with --issuer-key."""
    package = package_path.read_bytes()
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
        "posts": recipients(sealed),
        "bytes": len(package),
        "state": state,
    }
    if as_json:
        click.echo(json.dumps(facts))
    else:
        show_facts(Console(), package_path.name, facts)
    if refused:
        raise click.exceptions.Exit(1)


def _what_is_allowed(tally: Tally, mapping: Mapping) -> str:
    """Return what to say, once, after rows were refused for their category; empty where none were."""
    if not any(reason.endswith(NOT_ALLOWED) for reason in tally.reasons()):
        return ""
    allowed = ", ".join(sorted(mapping.categories)) or "none"
    return f"Allowed categories: {allowed}. The table [categories] of a --mapping file names all that are allowed."


def _key_files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.glob("*.pem")) if path.is_dir() else [path]


@contextmanager
def _rows_taken(console: Console, source: Path, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    """Show a bar over a file's lines; give what to call with the number of rows taken."""
    columns = (TextColumn("Building"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=hidden, transient=True) as progress:
        task = progress.add_task("rows", total=None if hidden else _lines(source))
        yield lambda rows: progress.update(task, completed=rows)


def _lines(path: Path) -> int:
    """Count a file's rows below the header, roughly: quoted fields may hold line ends."""
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def _write(path: Path, package: bytes) -> None:
    """Write a package beside its place and rename it there, so that nobody publishes half of one."""
    aside = path.with_name(f"{path.name}.part")
    aside.write_bytes(package)
    aside.replace(path)
