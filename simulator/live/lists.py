"""Hot lists that someone brings to the page: exports are built into packages, packages go out as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from platepost.provisioning.connection import Connection
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.patterns_file import read_patterns
from platepost.provisioning.hotlist.publish import publish
from platepost.provisioning.hotlist.rows import TEST_ROW, HotListRow, RefusedRow
from platepost.provisioning.hotlist.source import read_rows
from platepost.simulator.demo.clip import DemoClip
from platepost.simulator.demo.hot_list import ISSUER, MAPPING
from platepost.wire.hotlist.layout import PatternEntry
from platepost.wire.hotlist.manifest import Manifest
from platepost.wire.hotlist.package import load_key, looks_like_package, verify_package

LARGEST = 16 << 20
"""Bytes of a file that the page takes: an export of some hundred thousand plates."""
REFUSALS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Published:
    """A list that is on the broker now."""

    version: int
    entries: int
    """Plates and patterns, the test plate among them."""
    refused: tuple[RefusedRow, ...]
    kind: str
    """`complete` or `delta`."""

    def as_json(self) -> dict[str, object]:
        """Return what the page shows of it."""
        return {
            "version": self.version,
            "entries": self.entries,
            "kind": self.kind,
            "refused": len(self.refused),
            "rows": [{"line": row.line, "reason": row.reason} for row in self.refused[:REFUSALS_SHOWN]],
        }


class HotLists:
    """The department's hand on the hot list. Safe to use from several threads."""

    def __init__(self, fleet: Fleet, broker: str) -> None:
        self._fleet = fleet
        self._broker = broker
        self._lock = Lock()
        self._last: Manifest | None = None

    def begin(self, clips: Sequence[DemoClip]) -> Published:
        """Publish the first list: all that lies beside the clips.

        Raises:
            SourceError: a file beside a clip cannot be read.
            ProvisioningError: the broker does not take it.

        """
        now = datetime.now(UTC)
        rows = [row for clip in clips if clip.hot_list for row in read_rows(clip.hot_list, MAPPING, at=now)]
        patterns = [row for clip in clips if clip.patterns for row in read_patterns(clip.patterns, MAPPING, at=now)]
        with self._lock:
            return self._build(rows, patterns=patterns, reason=None)

    def take(self, content: bytes, *, reason: str | None = None) -> Published:
        """Publish what someone brought: a package, or an export with the columns that `hotlist build` expects.

        Args:
            content: the file.
            reason: why the list is of another size than the one before.

        Raises:
            HotListError: the export cannot be read, differs too much in size, or the package is none of this fleet's.
            ProvisioningError: the broker does not take it.

        """
        with self._lock:
            if looks_like_package(content):
                return self._publish(content, refused=())
            with TemporaryDirectory() as folder:
                path = Path(folder) / "export.csv"
                path.write_bytes(content)
                rows = list(read_rows(path, MAPPING, at=datetime.now(UTC)))
            return self._build(rows, patterns=(), reason=reason)

    def _build(
        self,
        rows: Sequence[HotListRow | RefusedRow],
        *,
        patterns: Sequence[PatternEntry | RefusedRow],
        reason: str | None,
    ) -> Published:
        fleet = self._fleet
        package = build_package(
            [*(row for row in rows if not isinstance(row, RefusedRow)), TEST_ROW],
            agency=fleet.agency,
            issuer=ISSUER,
            version=1 if self._last is None else self._last.version + 1,
            signing_key=fleet.list_signing_key.read_bytes(),
            post_keys=[fleet.recipient_key(post).read_bytes() for post in fleet.posts()],
            patterns=[pattern for pattern in patterns if not isinstance(pattern, RefusedRow)],
            previous=self._last,
            size_override=reason or None,
        )
        return self._publish(package, refused=tuple(row for row in (*rows, *patterns) if isinstance(row, RefusedRow)))

    def _publish(self, package: bytes, *, refused: tuple[RefusedRow, ...]) -> Published:
        fleet = self._fleet
        manifest, _ = verify_package(package, load_key(fleet.list_verifying_key.read_bytes(), private=False))
        if manifest.agency != fleet.agency:
            raise ProvisioningError(f"the list is for agency {manifest.agency!r}, the fleet is {fleet.agency!r}")
        with Connection(fleet.publisher, broker=self._broker) as connection:
            publish(connection, package, manifest)
        self._last = manifest
        return Published(manifest.version, manifest.entries + manifest.patterns, refused, manifest.kind)
