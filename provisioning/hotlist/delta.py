"""Building a delta: what changed since a complete list, as a package of additions and removals.

Deltas are made to the complete list, never to the delta before: a post that was away needs two packages, however many
deltas there were, and the broker keeps one of them.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import datetime

from platepost.provisioning.hotlist.build import LIFETIME, check_against, check_patterns, sizes_after
from platepost.provisioning.hotlist.changes import rows_of
from platepost.provisioning.hotlist.held import Held
from platepost.provisioning.hotlist.sealing import Epoch, seal_package
from platepost.wire.hotlist import HotList
from platepost.wire.hotlist.keys import FOLDING
from platepost.wire.hotlist.layout import Detail, PatternEntry, encode, type_of_width
from platepost.wire.hotlist.manifest import Base
from platepost.wire.hotlist.overlay import Overlay, Row
from platepost.wire.hotlist.package import load_key, open_package


def build_delta(
    held: Held,
    overlay: Overlay,
    *,
    patterns: Sequence[PatternEntry],
    issuer: str,
    version: int,
    signing_key: bytes,
    post_keys: Sequence[bytes],
    unseal_key: bytes,
    built: datetime,
    expires: datetime | None = None,
    size_jump: float,
    size_override: str | None = None,
    epoch: Epoch | None = None,
) -> bytes:
    """Build a delta to the complete list of `held`, apply it as a post would, and return the package.

    Args:
        held: the list that posts hold.
        overlay: all that changed since the complete list.
        patterns: all partial plates from now on.
        issuer: who answers for it.
        version: greater than that of every package before.
        signing_key: PEM of the issuer's private P-256 key.
        post_keys: PEM of each post's public P-256 key.
        unseal_key: PEM of the department's own private P-256 key, to which the delta is sealed too.
        built: when (aware); the age of the list that it makes counts from here.
        expires: from when no post installs it; seven days after `built`, if not given.
        size_jump: share by which the list's size may differ from before; posts have a limit of their own.
        size_override: why it may differ by more; the posts see it too.
        epoch: under whose key it is sealed; `post_keys` is not needed then. Without one, it is sealed to each post.

    Raises:
        SizeJumpError: the size differs too much, and `size_override` gives no reason.
        SourceError: the version does not go up, there is no one to seal to, or there are too many partial plates.
        HotListRefused: a post would not take it.

    """
    check_patterns(patterns)
    own = load_key(unseal_key, private=True)
    signing = load_key(signing_key, private=True)
    complete = held.complete.manifest
    entries = complete.entries + overlay.growth
    check_against(held.newest.manifest, version=version, entries=entries, limit=size_jump, override=size_override)
    added, removed = list(rows_of(overlay.added)), list(rows_of(overlay.removed))
    facts = {
        "kind": "delta",
        "issuer": issuer,
        "agency": complete.agency,
        "version": version,
        "built": built,
        "expires": expires or built + LIFETIME,
        "entries": entries,
        "patterns": len(patterns),
        "base": Base(version=complete.version, digest=complete.digest),
        "additions": len(added),
        "removals": len(removed),
        "size_override": size_override,
        "sizes": sizes_after(held.newest.manifest),
    }
    keys = [load_key(key, private=False) for key in post_keys] if epoch is None else []
    body = delta_body(added, removed, patterns)
    package = seal_package(body, facts, signing_key=signing, post_keys=[*keys, own], epoch=epoch)
    HotList(open_package(package, issuer_key=signing, unseal_key=own), base=held.complete)
    return package


def _order(row: Row) -> tuple[object, ...]:
    mark, entry = row
    return mark, entry.text_fingerprint, entry.detail.model_dump_json(), entry.expires, entry.reference or ""


def delta_body(added: Sequence[Row], removed: Sequence[Row], patterns: Iterable[PatternEntry]) -> bytes:
    """Lay out a delta's body from the entries that come and those that go; their order does not show."""
    added, removed = sorted(added, key=_order), sorted(removed, key=_order)
    details: dict[Detail, int] = {}
    heap = bytearray()
    for _, entry in (*added, *removed):
        details.setdefault(entry.detail, len(details))
    columns = {**_columns(added, "", details, heap), **_columns(removed, "removed_", details, heap)}
    columns["reference_heap"] = ("u8", bytes(heap))
    header = {
        "folding": FOLDING,
        "details": [detail.model_dump() for detail in details],
        "patterns": [pattern.model_dump() for pattern in patterns],
    }
    return encode(header, columns)


def _columns(
    rows: Sequence[Row], prefix: str, details: dict[Detail, int], heap: bytearray
) -> dict[str, tuple[str, bytes | memoryview]]:
    references: list[int] = []
    for _, entry in rows:
        data = (entry.reference or "").encode()
        references.append(len(heap) + 1 if data else 0)
        if data:
            heap += bytes([len(data)]) + data
    entries = [entry for _, entry in rows]
    numbers = {
        "fingerprints": (8, [mark for mark, _ in rows]),
        "texts": (4, [entry.text_fingerprint for entry in entries]),
        "details": (4, [details[entry.detail] for entry in entries]),
        "expires": (4, [entry.expires for entry in entries]),
        "references": (4, references),
    }
    letters = {4: "I", 8: "Q"}
    return {
        f"{prefix}{name}": (type_of_width[width], struct.pack(f"<{len(values)}{letters[width]}", *values))
        for name, (width, values) in numbers.items()
    }
