"""The test vectors of the hot-list package: what they are made of, and how they are written.

::

    python -m tests.provisioning.hotlist.vectors        writes docs/hotlist-vectors/ again

Keys, nonces and signatures are new each time; what does not depend on them must stay the same, and a test holds the
builder to it. The keys are worth nothing: they are published.
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from platepost.provisioning.hotlist.columns import RowSource
from platepost.provisioning.hotlist.delta import delta_body
from platepost.provisioning.hotlist.difference import Entries
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.provisioning.hotlist.sealing import seal_package
from platepost.provisioning.hotlist.table import build_table, gather
from platepost.wire.hotlist import HotList
from platepost.wire.hotlist.hashing import PlateHash
from platepost.wire.hotlist.keys import fold, normalize
from platepost.wire.hotlist.layout import PatternEntry, decode
from platepost.wire.hotlist.manifest import Base, Manifest
from platepost.wire.hotlist.package import open_package
from platepost.wire.hotlist.parts import split_parts
from tests.provisioning.hotlist import hostile

FOLDER = Path(__file__).parents[3] / "docs" / "hotlist-vectors"
HASH_KEY = bytes(range(32))
BUILT = datetime(2026, 1, 1, tzinfo=UTC)
EXPIRES = datetime(2099, 1, 1, tzinfo=UTC)
PART_BYTES = 1024
RATE = 1e-9

ROWS = (
    HotListRow("7ABC123", "stolen_vehicle", 2, "CA", None, "NCIC-1"),
    HotListRow("7ABC123", "local", 5, "CA", None, "CASE 7"),
    HotListRow("8ODE456", "stolen_plate", 3, "CA", datetime(2026, 7, 1, tzinfo=UTC), "Größe 1"),
    HotListRow("1291164", "local", 5),
    HotListRow("6COVERT", "local", 4, "NV", None, "OP 12", "narcotics"),
    HotListRow("OWN1234", "safe", 9, None, None, None, None, True),
)
PATTERNS = (
    PatternEntry(
        pattern="6XY*",
        characters=7,
        category="felony_vehicle",
        priority=1,
        case="C-1",
        author="Sample",
        expires=EXPIRES,
    ),
)
ADDED = (HotListRow("9NEW111", "stolen_vehicle", 2, "CA", None, "NCIC-2"), ROWS[1]._replace(priority=1))
REMOVED = (ROWS[3], ROWS[1])


def complete_body() -> bytes:
    """Return the complete list's body."""
    pieces = RowSource(ROWS).columns(HASH_KEY)
    return build_table(pieces, patterns=PATTERNS, hash_key=HASH_KEY, false_positive_rate=RATE)[0]


def changed_body() -> bytes:
    """Return the delta's body."""
    added, removed = (
        list(Entries.of_rows(gather(RowSource(rows).columns(HASH_KEY))).rows()) for rows in (ADDED, REMOVED)
    )
    return delta_body(added, removed, PATTERNS)


def write(folder: Path) -> None:
    """Write all vectors."""
    folder.mkdir(parents=True, exist_ok=True)
    issuer, post = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    facts: dict[str, Any] = {"issuer": "Test vectors", "agency": "vectors", "built": BUILT, "expires": EXPIRES}
    facts |= {"patterns": len(PATTERNS)}
    complete = seal_package(
        complete_body(),
        facts | {"version": 1, "entries": len(ROWS), "false_positive_rate": RATE},
        signing_key=issuer,
        post_keys=[post],
    )
    opened = open_package(complete, issuer_key=issuer, unseal_key=post)
    base = Base(version=1, digest=opened.manifest.digest)
    changes = {"kind": "delta", "base": base, "additions": len(ADDED), "removals": len(REMOVED)}
    delta = seal_package(
        changed_body(),
        facts | changes | {"version": 2, "entries": len(ROWS) + len(ADDED) - len(REMOVED)},
        signing_key=issuer,
        post_keys=[post],
    )
    changed = open_package(delta, issuer_key=issuer, unseal_key=post)
    HotList(changed, base=HotList(opened))
    index, parts = split_parts(complete, part_bytes=PART_BYTES)
    files = {"complete.package": complete, "delta.package": delta, "index.json": index}
    files |= {f"part-{number}.bin": part for number, part in enumerate(parts)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    described = {
        "keys": {"issuer": issuer.as_dict(private=True), "post": post.as_dict(private=True)},
        "hash_key": HASH_KEY.hex(),
        "plates": {plate: _plate(plate) for plate in sorted({row.plate for row in (*ROWS, *ADDED)})},
        "complete": {"rows": rows_in_json(ROWS)} | _described(opened.manifest, opened.body),
        "delta": {"additions": rows_in_json(ADDED), "removals": rows_in_json(REMOVED)}
        | _described(changed.manifest, changed.body),
        "parts": {"of": "complete.package", "part_bytes": PART_BYTES, "files": [*files][2:]},
    }
    text = json.dumps(described, indent=1, ensure_ascii=False)
    (folder / "vectors.json").write_text(text + "\n", encoding="utf-8")


def _plate(plate: str) -> dict[str, object]:
    plate_hash, text = PlateHash(HASH_KEY), normalize(plate)
    return {
        "key": fold(text),
        "digest": plate_hash.digest(fold(text)).hex(),
        "text_fingerprint": plate_hash.text_fingerprint(text),
    }


def rows_in_json(rows: tuple[HotListRow, ...]) -> list[dict[str, object]]:
    return [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in row._asdict().items()
            if value
        }
        for row in rows
    ]


def _described(manifest: Manifest, body: memoryview) -> dict[str, Any]:
    """Return a package's manifest, its body's header, and each section: small ones as numbers, all with a digest."""
    header, columns = decode(body)
    return {
        "manifest": manifest.model_dump(mode="json", exclude_none=True),
        "header": header.model_dump(mode="json", exclude_none=True),
        "sections": {
            name: {"sha256": hashlib.sha256(column).hexdigest()}
            | ({"numbers": column.tolist()} if len(column) <= 64 else {})
            for name, column in columns.items()
        },
    }


if __name__ == "__main__":
    write(FOLDER)
    hostile.write(FOLDER)
