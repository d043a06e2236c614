"""The demonstration's hot list: the clip's own plates of interest, built, signed and sealed as a department would."""

from datetime import UTC, datetime

from device.hotlist.layout import PatternEntry
from provisioning.fleet import Fleet
from provisioning.hotlist.build import build_package
from provisioning.hotlist.csv_source import read_csv
from provisioning.hotlist.mapping import DEFAULT_CATEGORIES, AllowedCategory, Mapping
from provisioning.hotlist.patterns_file import read_patterns
from provisioning.hotlist.rows import HotListRow, RefusedRow
from simulator.demo.clip import DemoClip
from simulator.errors import DemoError

ISSUER = "demonstration department"

MAPPING = Mapping(categories={**DEFAULT_CATEGORIES, "bolo": AllowedCategory(category="bolo", priority=3)})
"""The demonstration's department also acts on its own "be on the look-out"."""


def build_hot_list(clip: DemoClip, fleet: Fleet) -> bytes:
    """Build the package for every post of the fleet.

    Raises:
        DemoError: a row of the clip's hot list is refused, which would make a due hit impossible.

    """
    now = datetime.now(UTC)
    rows: list[HotListRow] = []
    patterns: list[PatternEntry] = []
    refused: list[RefusedRow] = []
    for row in read_csv(clip.hot_list, MAPPING, at=now) if clip.hot_list else ():
        (refused if isinstance(row, RefusedRow) else rows).append(row)  # type: ignore[arg-type]
    for pattern in read_patterns(clip.patterns, MAPPING, at=now) if clip.patterns else ():
        (refused if isinstance(pattern, RefusedRow) else patterns).append(pattern)  # type: ignore[arg-type]
    if refused:
        reasons = "; ".join(f"line {row.line}: {row.reason}" for row in refused)
        raise DemoError(f"the hot list beside {clip.footage.name} has rows that are refused: {reasons}")
    return build_package(
        rows,
        agency=fleet.agency,
        issuer=ISSUER,
        version=1,
        signing_key=fleet.list_signing_key.read_bytes(),
        post_keys=[fleet.recipient_key(post).read_bytes() for post in fleet.posts()],
        patterns=patterns,
        built=now,
    )
