"""Options that several commands share, and what they come to."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from joserfc.jwk import ECKey
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from platepost.common.commands.options import Number
from platepost.common.files import write_durably
from platepost.provisioning.commands.authorship import author_of, logged, optional_author
from platepost.provisioning.commands.options import FILE, FOLDER, JSON, Command
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.hotlist.archive import Archive
from platepost.provisioning.hotlist.build import LIFETIME
from platepost.provisioning.hotlist.epochs import EpochKeys
from platepost.provisioning.hotlist.export import Export
from platepost.provisioning.hotlist.files import Files
from platepost.provisioning.hotlist.held import Held, open_held
from platepost.provisioning.hotlist.mapping import SAFE, SourceMapping, load_mapping
from platepost.provisioning.hotlist.patterns_file import read_patterns
from platepost.provisioning.hotlist.report import Tally, facts_of, what_is_allowed
from platepost.provisioning.hotlist.rows import SourceError
from platepost.provisioning.hotlist.sealing import Epoch
from platepost.provisioning.people.acts import Author
from platepost.provisioning.trust.keys import opened_pem
from platepost.wire.hotlist.keys import TEST_PLATE
from platepost.wire.hotlist.layout import PatternEntry
from platepost.wire.hotlist.manifest import FORMAT_1, LONGEST_REASON, Manifest, read_unverified
from platepost.wire.hotlist.package import load_key, split
from platepost.wire.hotlist.settings import SIZE_JUMP
from platepost.wire.records import Purpose
from platepost.wire.records.hit import TEST_CATEGORY


class _Written(click.Path):
    """A file that is to be written: its folder must be there before the work begins."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.absolute().parent.is_dir():
            self.fail(f"there is no folder {path.parent}", param, ctx)
        return path


WRITTEN = _Written(dir_okay=False, path_type=Path)


def _short(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not 0 < len(value) <= LONGEST_REASON:
        raise click.BadParameter(f"give 1 to {LONGEST_REASON} characters")
    return value


MOST_LIFETIME = timedelta(days=3650)
"""Longer than anyone means; a date so far away is a slip."""

fleet_option = click.option(
    "--fleet",
    "fleet_directory",
    type=FOLDER,
    help="Fleet's folder, with the agency, the keys, and earlier lists.",
)


def building_options(command: Command) -> Command:
    """Add what every command needs that builds a package."""
    for option in reversed(
        (
            click.option(
                "--mapping",
                "mapping_paths",
                multiple=True,
                type=FILE,
                help=(
                    "TOML file with format, columns, dates and allowed categories; one for all sources, or one for "
                    "each."
                ),
            ),
            fleet_option,
            click.option("--agency", help="Agency whose posts take the list."),
            click.option("--issuer", help="Who is responsible for the list.  [default: the agency]"),
            click.option("--signing-key", type=FILE, help="PEM of the issuer's private P-256 key."),
            click.option(
                "--unseal-key",
                "unseal_key",
                type=FILE,
                help="PEM of the department's private P-256 key, which decrypts its own lists to build deltas.",
            ),
            click.option(
                "--post-key",
                "post_key_paths",
                multiple=True,
                type=click.Path(exists=True, path_type=Path),
                help="PEM of a post's public P-256 key, or a folder of them; repeat for more.",
            ),
            click.option(
                "--refusals",
                "refusals_path",
                type=WRITTEN,
                help="CSV of refused rows: source, line, reason.",
            ),
            click.option(
                "--patterns", "patterns_path", type=FILE, help="Partial plates: CSV, or TOML with [[pattern]] tables."
            ),
            click.option("--safe-list", "safe_path", type=FILE, help="CSV of the department's own vehicles."),
            click.option(
                "--test-plate/--no-test-plate",
                default=True,
                show_default=True,
                help=f"Add the test plate, {TEST_PLATE} ({TEST_CATEGORY}), to what the sources have: posts look it up "
                "every hour to show that hits arrive.",
            ),
            click.option(
                "--version",
                "version",
                type=click.IntRange(min=1, max=2**53 - 1),
                help="Version number.  [default: the previous one plus 1, else the time]",
            ),
            click.option(
                "--lifetime-hours",
                type=Number(0, MOST_LIFETIME / timedelta(hours=1), min_open=True),
                default=LIFETIME / timedelta(hours=1),
                show_default=True,
                help="How long posts may install the package.",
            ),
            click.option(
                "--size-jump",
                type=Number(0, 1000),
                default=SIZE_JUMP,
                show_default=True,
                help="How much the size may change, as a share; posts have their own limit.",
            ),
            click.option(
                "--override-reason",
                callback=_short,
                help="Why the size may change more than that; goes into the manifest.",
            ),
            click.option(
                "--jobs",
                type=click.IntRange(min=1),
                default=lambda: len(os.sched_getaffinity(0)),
                show_default="the processors",
                help="Parallel processes.",
            ),
            optional_author,
            JSON,
        )
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Department:
    """Who builds, with which keys, for whom; `archive` keeps what was built, where there is a fleet."""

    agency: str
    issuer: str
    signing_key: bytes
    unseal_key: bytes | None
    post_keys: tuple[bytes, ...]
    archive: Archive | None
    author: Author | None
    """Who answers for what is built."""
    former: tuple[ECKey, ...] = ()
    """Public keys with which lists were signed before, and which are good for them still."""
    revoked: tuple[ECKey, ...] = ()
    """Revoked ones: of a list that they signed, only the version counts."""
    list_format: int = 1
    """Of complete lists; a delta has that of its complete list."""

    @property
    def issuer_keys(self) -> list[ECKey]:
        """The keys that make a package the department's own."""
        return [load_key(self.signing_key, private=True), *self.former]

    @property
    def own_key(self) -> bytes:
        """The key that opens lists again. Raises UsageError where none was given."""
        if self.unseal_key is None:
            raise click.UsageError("give --fleet, or --unseal-key")
        return self.unseal_key

    def held(self, complete: Path, delta: Path | None) -> Held:
        """Open what posts hold: a complete list and a delta on it; raises as `open_held` does."""
        own = load_key(self.own_key, private=True)
        newest = None if delta is None else delta.read_bytes()
        return open_held(complete.read_bytes(), newest, issuer_key=self.issuer_keys, unseal_key=own)

    def epoch(self, base: Manifest | None = None) -> Epoch | None:
        """Return the epoch of the next complete list, or of a delta to `base`; None where it is of format 1.

        Raises SourceError: the key of the base's epoch is gone.
        """
        if self.archive is None or (self.list_format == 1 if base is None else base.epoch is None):
            return None
        return self._epoch_keys(self.archive).next(self._posts(), base=base.epoch if base else None)

    def keep(
        self, package: bytes, manifest: Manifest, epoch: Epoch | None, *, in_place_of_all_after: int | None = None
    ) -> Path | None:
        """Keep a package in the fleet's archive, and the keys of its epoch before; return where it is, if anywhere.

        Raises ProvisioningError: it cannot be kept.
        """
        if self.archive is None:
            return None
        if epoch is not None:
            needed = [epoch.identifier]
            if manifest.kind == "delta" and self.archive.complete is not None:
                complete = read_unverified(split(self.archive.complete.read_bytes())[0])
                needed = list(dict.fromkeys([complete.epoch or "", epoch.identifier]))
            self._epoch_keys(self.archive).give_out(needed, epoch, self._posts(), kept=self.archive.epochs())
        return self.archive.keep(package, manifest, in_place_of_all_after=in_place_of_all_after)

    def _epoch_keys(self, archive: Archive) -> EpochKeys:
        signing, own = (load_key(key, private=True) for key in (self.signing_key, self.own_key))
        return EpochKeys(archive.keys, agency=self.agency, signing_key=signing, own_key=own)

    def _posts(self) -> dict[str, ECKey]:
        keys = (load_key(key, private=False) for key in self.post_keys)
        return {key.thumbprint(): key for key in keys}

    def hand_out(
        self, package: bytes, output: Path | None, *, files: Files, refused: int, epoch: Epoch | None = None
    ) -> None:
        """Keep a package in the fleet's archive for the deltas to come, and write it where it is wanted, if anywhere.

        In this order: a package that is out and not in the archive would share its version with the next one. That it
        is handed out is logged before, with what is in it and of which files it was made.

        Raises:
            SourceError: one of the files was changed while it was read.
            ProvisioningError: it cannot be logged, or kept.
            OSError: it cannot be written.

        """
        manifest = read_unverified(split(package)[0])
        details = facts_of(manifest) | {"refused": refused, "files": files.said()}
        if output is not None:
            details["output"] = output.name
        with logged(self.author, "hotlist_build", "hotlist_built", object=str(manifest.version), details=details):
            self.keep(package, manifest, epoch)
            if output is not None:
                write_durably(output, package, mode=0o644)  # sealed, and for all to read


def department(
    *,
    fleet_directory: Path | None,
    agency: str | None,
    issuer: str | None,
    signing_key: Path | None,
    unseal_key: Path | None,
    post_key_paths: Sequence[Path],
    who: str | None,
    purpose: str | None,
    list_format: int | None = None,
) -> Department:
    """Put together who builds; lists have the format of the last one where none is given.

    Raises:
        UsageError: something is missing.
        ProvisioningError: who is named may not build.

    """
    fleet = archive = None
    former: tuple[ECKey, ...] = ()
    revoked: tuple[ECKey, ...] = ()
    if fleet_directory is not None:
        fleet = Fleet.load(fleet_directory)
        agency = agency or fleet.agency
        signing_key = signing_key or fleet.list_signing_key
        unseal_key = unseal_key or fleet.list_decryption_key()
        post_key_paths = post_key_paths or tuple(fleet.recipient_key(name) for name in fleet.posts())
        archive = Archive(fleet.list_archive)
        keys = fleet.keys(Purpose.LISTS)
        former, revoked = tuple(keys.readable()), tuple(keys.revoked())
    if agency is None or signing_key is None:
        raise click.UsageError("give --fleet, or --agency, --signing-key and --post-key")
    # Before a passphrase is asked for.
    author = author_of(fleet, who, purpose)
    return Department(
        agency=agency,
        issuer=issuer or agency,
        signing_key=opened_pem(signing_key),
        unseal_key=opened_pem(unseal_key) if unseal_key else None,
        post_keys=tuple(path.read_bytes() for path in _key_files(post_key_paths)),
        archive=archive,
        author=author,
        former=former,
        revoked=revoked,
        list_format=list_format or _last_format(archive),
    )


def _last_format(archive: Archive | None) -> int:
    if archive is None or archive.complete is None:
        return 1
    return 1 if read_unverified(split(archive.complete.read_bytes())[0]).format == FORMAT_1 else 2


def given_mappings(paths: Sequence[Path]) -> list[SourceMapping]:
    """Load the mappings; where none is given, the default is the only one."""
    return [load_mapping(path) for path in paths] or [SourceMapping()]


def exports(sources: Sequence[Path], mapping_paths: Sequence[Path]) -> list[Export]:
    """Pair each source with its mapping. Raises UsageError where they do not pair."""
    mappings = given_mappings(mapping_paths)
    if len(mappings) == 1:
        mappings *= len(sources)
    if len(mappings) != len(sources):
        raise click.UsageError(f"{len(mapping_paths)} mappings for {len(sources)} sources: give one, or one for each")
    return [Export(path, mapping) for path, mapping in zip(sources, mappings, strict=True)]


def safe_exports(path: Path | None) -> list[Export]:
    """Return the department's own vehicles as one more source."""
    return [Export(path, SAFE, safe=True)] if path else []


def partial_plates(
    path: Path, mapping_paths: Sequence[Path], tally: Tally, *, at: datetime
) -> tuple[PatternEntry, ...]:
    """Return the entries of a patterns file that are fit for a list; of several mappings the first is theirs.

    Raises SourceError where every entry is refused: what comes of it takes the place of all patterns that posts hold.
    """
    mapping = given_mappings(mapping_paths)[0]
    before = len(tally.refusals)
    patterns = tuple(tally.sift(read_patterns(path, mapping, at=at), path.name))
    refused = Counter(row.reason for _, row in tally.refusals[before:])
    if refused and not patterns:
        reasons = "; ".join(f"{reason} ({count})" for reason, count in refused.most_common())
        hint = what_is_allowed(tally, [mapping])
        raise SourceError(f"{path}: no pattern can be listed: {reasons}{hint and '. '}{hint}")
    return patterns


@contextmanager
def bytes_taken(console: Console, what: str, size: int, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    """Show a progress bar; yield the function to call with the number of bytes done."""
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=hidden, transient=True) as progress:
        task = progress.add_task(what, total=size)
        yield lambda done: progress.update(task, completed=done)


def _key_files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.glob("*.pem")) if path.is_dir() else [path]
