import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.provisioning.hotlist.sealing import seal_package
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem
from platepost.wire.hotlist import HotList, HotListStore
from platepost.wire.hotlist.hashing import PlateHash, fingerprint
from platepost.wire.hotlist.keys import FOLDING, fold, normalize
from platepost.wire.hotlist.layout import Detail, PatternEntry, decode, encode, epoch
from platepost.wire.hotlist.manifest import Base, Manifest
from platepost.wire.hotlist.package import load_key, open_package, verify_package


class Department:
    """An issuer with one post, and packages from it; every plate is invented."""

    built = datetime(2026, 11, 1, 12, tzinfo=UTC)
    rows = (
        HotListRow("7ABC123", "stolen_vehicle", 2, "CA", None, "NCIC-1"),
        HotListRow("8ODE456", "stolen_plate", 3, "CA", built + timedelta(hours=6), None),
        HotListRow("1291164", "local", 5, None, None, "EX-9"),
    )

    def __init__(self) -> None:
        issuer, post = new_key(), new_key()
        self.signing_key, self.issuer_key = private_pem(issuer), public_pem(issuer)
        self.unseal_key, self.post_key = private_pem(post), public_pem(post)

    def pattern(self, pattern: str, **members: Any) -> PatternEntry:
        defaults = {"category": "felony_vehicle", "priority": 1, "case": "C-1", "author": "Sample"}
        return PatternEntry(pattern=pattern, **(defaults | {"expires": self.built + timedelta(days=2)} | members))

    def package(self, rows: Sequence[HotListRow] | None = None, *, version: int = 1, **facts: Any) -> bytes:
        settings = {"agency": "demo", "issuer": "Demo", "built": self.built, "post_keys": [self.post_key]} | facts
        return build_package(
            self.rows if rows is None else rows, version=version, signing_key=self.signing_key, **settings
        )

    def hotlist(self, rows: Sequence[HotListRow] | None = None, **facts: Any) -> HotList:
        issuer_key, unseal_key = load_key(self.issuer_key, private=False), load_key(self.unseal_key, private=True)
        return HotList(open_package(self.package(rows, **facts), issuer_key=issuer_key, unseal_key=unseal_key))

    def delta(
        self,
        complete: bytes,
        *,
        add: Sequence[HotListRow] = (),
        remove: Sequence[HotListRow] = (),
        version: int = 2,
        base: bytes | None = None,
        patterns: Sequence[PatternEntry] = (),
        **facts: Any,
    ) -> bytes:
        """Return a delta to `base`, by default the complete list itself; written from the format's page alone."""
        opened = open_package(
            complete,
            issuer_key=load_key(self.issuer_key, private=False),
            unseal_key=load_key(self.unseal_key, private=True),
        )
        plates = PlateHash(bytes.fromhex(decode(opened.body)[0].hash_key or ""))
        on, _ = verify_package(base or complete, load_key(self.issuer_key, private=False))
        settings: dict[str, Any] = {
            "kind": "delta",
            "issuer": "Demo",
            "agency": "demo",
            "version": version,
            "built": self.built,
            "expires": self.built + timedelta(days=7),
            "entries": on.entries + len(add) - len(remove),
            "patterns": len(patterns),
            "base": Base(version=on.version, digest=on.digest),
            "additions": len(add),
            "removals": len(remove),
        }
        signing, post = load_key(self.signing_key, private=True), load_key(self.post_key, private=False)
        body = delta_body(plates, add, remove, patterns)
        return seal_package(body, settings | facts, signing_key=signing, post_keys=[post])

    def manifest(self, package: bytes) -> Manifest:
        return verify_package(package, load_key(self.issuer_key, private=False))[0]

    def store(self, directory: Path, **settings: Any) -> HotListStore:
        keys = {"agency": "demo", "issuer_key": self.issuer_key, "unseal_key": self.unseal_key}
        return HotListStore(directory, **(keys | settings))


def delta_body(
    plates: PlateHash,
    add: Sequence[HotListRow],
    remove: Sequence[HotListRow],
    patterns: Sequence[PatternEntry] = (),
    **header: object,
) -> bytes:
    details: list[Detail] = []
    heap = bytearray()

    def columns(rows: Sequence[HotListRow], prefix: str) -> dict[str, tuple[str, bytes]]:
        entries = []
        for row in rows:
            text = normalize(row.plate)
            detail = Detail(
                category=row.category,
                priority=row.priority,
                state=row.state,
                distribution=row.distribution,
                safe=True if row.safe else None,
            )
            details.append(detail)
            reference = 0
            if row.reference:
                reference = len(heap) + 1
                heap.extend((len(row.reference), *row.reference.encode()))
            entries.append(
                (
                    fingerprint(plates.digest(fold(text))),
                    plates.text_fingerprint(text),
                    len(details) - 1,
                    epoch(row.expires) if row.expires else 0,
                    reference,
                )
            )
        ordered = list(zip(*sorted(entries), strict=True)) if entries else [()] * 5
        names = ("fingerprints", "texts", "details", "expires", "references")
        kinds = (("u64", "Q"), *[("u32", "I")] * 4)
        return {
            f"{prefix}{name}": (kind, struct.pack(f"<{len(values)}{letter}", *values))
            for name, (kind, letter), values in zip(names, kinds, ordered, strict=True)
        }

    laid = columns(add, "") | columns(remove, "removed_")
    members = {"folding": FOLDING, "details": [detail.model_dump(exclude_none=True) for detail in details]}
    members["patterns"] = [pattern.model_dump(exclude_none=True) for pattern in patterns]
    return encode(members | header, laid | {"reference_heap": ("u8", bytes(heap))})
