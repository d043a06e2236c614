"""What a build did, for people and for programs."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Column, Table

from device.hotlist.layout import PatternEntry
from device.hotlist.manifest import read_unverified, split
from device.hotlist.package import recipients
from provisioning.hotlist.rows import HotListRow, RefusedRow

_SHOWN = 20
_Item = TypeVar("_Item", HotListRow, PatternEntry)


class Tally:
    """Sorts what sources yield into what goes into the list and what does not."""

    def __init__(self) -> None:
        self.refusals: list[tuple[str, RefusedRow]] = []
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.categories: Counter[str] = Counter()

    def sift(self, items: Iterable[_Item | RefusedRow], what: str) -> Iterator[_Item]:
        """Yield what is fit for the list; keep count of it, and the refusals."""
        for item in items:
            if isinstance(item, RefusedRow):
                self.refusals.append((what, item))
                self.refused[what] += 1
                continue
            self.accepted[what] += 1
            self.categories[item.category] += 1
            yield item

    def reasons(self) -> dict[str, int]:
        """Return how often each reason refused something, the commonest first."""
        return dict(Counter(row.reason for _, row in self.refusals).most_common())


def summarise(output: Path, package: bytes, tally: Tally) -> dict[str, Any]:
    """Return what a build made of its source."""
    line, sealed = split(package)
    manifest = read_unverified(line)
    facts = manifest.model_dump(
        mode="json", exclude_none=True, include={"agency", "issuer", "version", "built", "expires", "entries"}
    )
    return {
        "package": str(output),
        **facts,
        "patterns": manifest.patterns,
        "duplicates": tally.accepted["row"] - manifest.entries,
        "refused": len(tally.refusals),
        "reasons": tally.reasons(),
        "categories": dict(sorted(tally.categories.items())),
        "posts": len(recipients(sealed)),
        "bytes": len(package),
        "digest": manifest.digest,
    }


def show_facts(console: Console, title: str, facts: dict[str, Any]) -> None:
    """Print facts as a table of two columns."""
    table = Table("fact", Column("value", overflow="fold"), title=title, title_justify="left", show_header=False)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), str(value) if name == "version" else _words(value))
    console.print(table)


def _words(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{count:,} {name}" for name, count in value.items()) or "-"
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def show_refusals(console: Console, tally: Tally) -> None:
    """Print the first refusals, a line each."""
    for what, row in tally.refusals[:_SHOWN]:
        console.print(f"{what} refused, line {row.line}: {row.reason}", highlight=False, markup=False)
    if len(tally.refusals) > _SHOWN:
        console.print(f"and {len(tally.refusals) - _SHOWN} more; --refusals FILE lists them all", highlight=False)


def write_refusals(path: Path, refusals: Iterable[tuple[str, RefusedRow]]) -> None:
    """Write every refusal to a CSV file: source, line, reason."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("source", "line", "reason"))
        writer.writerows((what, row.line, row.reason) for what, row in refusals)
