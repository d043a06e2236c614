"""The demonstration's hot list: the clip's own plates of interest, built, signed and sealed as a department would."""

from dataclasses import dataclass
from datetime import UTC, datetime

from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.mapping import SourceMapping
from platepost.provisioning.hotlist.patterns_file import read_patterns
from platepost.provisioning.hotlist.rows import TEST_ROW, RefusedRow
from platepost.provisioning.hotlist.source import read_rows
from platepost.simulator.demo.clip import DemoClip

ISSUER = "demonstration department"

MAPPING = SourceMapping()
"""Exports beside clips have the columns and categories that `hotlist build` takes without a mapping file."""


@dataclass(frozen=True, slots=True)
class BuiltList:
    """A package, how many plates and patterns beside the test plate are in it, and the rows that were not taken."""

    package: bytes
    entries: int
    refused: tuple[RefusedRow, ...]


def build_hot_list(clip: DemoClip, fleet: Fleet) -> BuiltList:
    """Build the package for every post of the fleet; a row that is refused is left out, as a department's would be.

    Raises:
        SourceError: a file beside the clip cannot be read.

    """
    now = datetime.now(UTC)
    rows = list(read_rows(clip.hot_list, MAPPING, at=now)) if clip.hot_list else []
    patterns = list(read_patterns(clip.patterns, MAPPING, at=now)) if clip.patterns else []
    taken = [row for row in rows if not isinstance(row, RefusedRow)]
    taken_patterns = [pattern for pattern in patterns if not isinstance(pattern, RefusedRow)]
    package = build_package(
        [*taken, TEST_ROW],
        agency=fleet.agency,
        issuer=ISSUER,
        version=1,
        signing_key=fleet.list_signing_key.read_bytes(),
        post_keys=[fleet.recipient_key(post).read_bytes() for post in fleet.posts()],
        patterns=taken_patterns,
        built=now,
    )
    return BuiltList(
        package=package,
        entries=len(taken) + len(taken_patterns),
        refused=tuple(row for row in (*rows, *patterns) if isinstance(row, RefusedRow)),
    )
