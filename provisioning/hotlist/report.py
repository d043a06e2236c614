"""What a build did, for people and for programs."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import JsonValue
from rich.console import Console
from rich.table import Column, Table

from platepost.common.text import printable, shown
from platepost.provisioning.hotlist.mapping import NOT_ALLOWED, SourceMapping
from platepost.provisioning.hotlist.rows import RefusedRow
from platepost.wire.hotlist.layout import PatternEntry
from platepost.wire.hotlist.manifest import Manifest, read_unverified
from platepost.wire.hotlist.overlay import Row
from platepost.wire.hotlist.package import split

_SHOWN = 20
_REASONS = 30
"""A reason names the category that is not allowed, and a wrong mapping may bring a million of them."""
_SAID = {"agency", "issuer", "version", "built", "expires", "entries", "base", "additions", "removals"}
_LOGGED = {"kind", "issuer", "built", "digest", "entries", "patterns", "base", "additions", "removals", "size_override"}
_NAMED = frozenset({"version", "entries", "digest"})
"""Members of a fact that are named before their value, unlike counts of things."""


class Tally:
    """What became of the rows of each source: accepted, refused with a reason, or no rows at all.

    `several` counts those that ran over several lines, whatever became of them.
    """

    def __init__(self) -> None:
        self.refusals: list[tuple[str, RefusedRow]] = []
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.several: Counter[str] = Counter()
        self.categories: Counter[str] = Counter()
        self.without: dict[str, str] = {}
        """Fields that a source has not."""
        self.again: list[tuple[str, int]] = []
        """Sources and lines of rows that the delta before had removed."""
        self.kept: set[Row] = set()
        """Entries of the delta before that are listed still."""

        self.test_plate = False
        """Whether the test plate was added to what the sources have."""

    def add(self, source: str, accepted: int, categories: Counter[str], refused: Iterable[RefusedRow]) -> None:
        """Take what became of some rows of a source."""
        self.accepted[source] += accepted
        self.categories += categories
        before = len(self.refusals)
        self.refusals += [(source, row) for row in refused]
        self.refused[source] += len(self.refusals) - before

    def sift(self, items: Iterable[PatternEntry | RefusedRow], source: str) -> Iterator[PatternEntry]:
        """Yield the patterns that are fit for the list; keep count of them, and the refusals."""
        for item in items:
            if isinstance(item, RefusedRow):
                self.add(source, 0, Counter(), [item])
            else:
                self.add(source, 1, Counter([item.category]), [])
                yield item

    def reasons(self) -> dict[str, int]:
        """Return how often each reason refused something, the commonest first; beyond some, the rest as one."""
        counted = Counter(row.reason for _, row in self.refusals).most_common()
        rest = sum(count for _, count in counted[_REASONS:])
        return dict(counted[:_REASONS]) | ({"other reasons": rest} if rest else {})


def summarize(
    output: Path,
    package: bytes,
    tally: Tally,
    *,
    previous: Manifest | None,
    posts: int,
) -> dict[str, Any]:
    """Return what a build made of its sources; `posts` is how many can open it."""
    manifest = read_unverified(split(package)[0])
    facts = manifest.model_dump(mode="json", exclude_none=True, include=_SAID)
    summary = {
        "package": str(output),
        "kind": manifest.kind,
        **facts,
        "patterns": manifest.patterns,
        "refused": len(tally.refusals),
        "ignored_lines": sum(tally.ignored.values()),
        "rows_of_several_lines": sum(tally.several.values()),
        "without": dict(tally.without),
        "reasons": tally.reasons(),
        "categories": dict(sorted(tally.categories.items())),
        "test_plate_added": tally.test_plate,
        "posts": posts,
        "bytes": len(package),
        "digest": manifest.digest,
    }
    if manifest.kind == "complete":
        summary["duplicates"] = sum(tally.accepted.values()) + tally.test_plate - manifest.entries - manifest.patterns
    if previous is not None:
        summary["previous"] = {"version": previous.version, "entries": previous.entries}
    if manifest.size_override is not None:
        summary["size_override"] = manifest.size_override
    return summary


def facts_of(manifest: Manifest) -> dict[str, JsonValue]:
    """Return what the log of acts says of a package beside its version."""
    facts: dict[str, JsonValue] = manifest.model_dump(mode="json", exclude_none=True, include=_LOGGED)
    return facts


def show_outcome(
    console: Console, summary: dict[str, Any], tally: Tally, mappings: Iterable[SourceMapping], *, listed: bool
) -> None:
    """Print what a build did: hints and, unless they are `listed`, refusals to `console`, facts to standard output."""
    if tally.refusals and not listed:
        _show_refusals(console, tally)
    if hint := what_is_allowed(tally, mappings):
        console.print(printable(hint), highlight=False, markup=False, soft_wrap=True)
    show_facts(Console(), "Hot list", summary)


def show_news(console: Console, tally: Tally, *, forgotten: int) -> None:
    """Print what fresh exports do to what the delta before them had brought."""
    for what, line in tally.again[:_SHOWN]:
        console.print(
            f"{what}, line {line}: listed again, though the delta before had removed this very entry",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if len(tally.again) > _SHOWN:
        console.print(f"and {len(tally.again) - _SHOWN} more", highlight=False)
    if forgotten:
        console.print(
            f"Entries that the delta before had added, and that no source has: {forgotten}",
            highlight=False,
            soft_wrap=True,
        )


def what_is_allowed(tally: Tally, mappings: Iterable[SourceMapping]) -> str:
    """Return what to say, once, after rows were refused for their category; empty where none were."""
    if not any(reason.endswith(NOT_ALLOWED) for reason in tally.reasons()):
        return ""
    allowed = ", ".join(sorted({name for mapping in mappings for name in mapping.categories})) or "none"
    return f"Allowed categories: {allowed}. The table [categories] of a --mapping file names all that are allowed."


def show_facts(console: Console, title: str, facts: dict[str, Any]) -> None:
    """Print facts as a table of two columns."""
    table = Table("fact", Column("value", overflow="fold"), title=title, title_justify="left", show_header=False)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), "\n".join(map(shown, _words(name, value).splitlines())))
    console.print(table)


def _words(name: str, value: object) -> str:
    if isinstance(value, dict):
        named = (
            f"{key} {_words(key, item)}"
            if key in _NAMED
            else f"{key}: {item}"
            if isinstance(item, str)
            else f"{item:,} {key}"
            for key, item in value.items()
        )
        return "\n".join(named) or "-"
    if isinstance(value, list) and name == "sizes":
        reasons = {True: ", for a reason", False: ""}
        return "\n".join(
            f"version {one['version']}: {one['entries']:,} entries{reasons[one['explained']]}" for one in value
        )
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return str(value) if name == "version" or not isinstance(value, int) or isinstance(value, bool) else f"{value:,}"


def _show_refusals(console: Console, tally: Tally) -> None:
    """Print the first refusals, a line each."""
    for what, row in tally.refusals[:_SHOWN]:
        console.print(printable(f"{what}, line {row.line}: {row.reason}"), highlight=False, markup=False)
    if len(tally.refusals) > _SHOWN:
        console.print(f"and {len(tally.refusals) - _SHOWN} more; --refusals FILE lists them all", highlight=False)


@contextmanager
def refusals_written(path: Path | None, tally: Tally) -> Iterator[None]:
    """Write every refusal to a CSV file (source, line, reason) at the end, also where no package comes of it."""
    try:
        yield
    finally:
        if path is not None:
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("source", "line", "reason"))
                writer.writerows((what, row.line, row.reason) for what, row in tally.refusals)
