#!/usr/bin/env python3
"""Train the dictionary by which the custodian compresses records: scripts/train-dictionary.py FILE.

The records are drawn from seeds, so the same versions of the drawing and of zstd give the same bytes. What differs from
department to department is drawn for each record: a dictionary of few posts would know these, and no other. One that
has been released is never trained again: records were written with it. Give a new one the next number, and set PRESENT
in department/custody/codec.py.
"""

import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import ascii_lowercase, hexdigits
from typing import Any

import zstandard

from platepost.department.custody.codec import LEVEL, constants_form, constants_of, set_apart, stored_form
from platepost.simulator.messages.day import Day, draw
from platepost.wire.records.canonical import parse
from platepost.wire.records.envelope import TYPES
from platepost.wire.records.read import Read
from platepost.wire.records.vehicles import COLORS, KINDS

SIZE = 16 * 1024
SEEDS = range(3)
_chance = random.Random(2)


def _time() -> str:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=_chance.randrange(10**11))
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def _hex(length: int) -> str:
    return "".join(_chance.choices(hexdigits[:16], k=length))


def _name() -> str:
    return "".join(_chance.choices(ascii_lowercase + " ", k=_chance.randint(5, 18))).title()


def _point(x: float, y: float) -> dict[str, float]:
    return {"x": round(_chance.uniform(0, x), 1), "y": round(_chance.uniform(0, y), 1)}


OWN: dict[str, Callable[[], Any]] = {
    **dict.fromkeys(("time", "captured", "first_seen", "last_seen", "built"), _time),
    "source": lambda: f"//alpr/v1/{_chance.choice(('police', 'sheriff', 'pd'))}/post-{_chance.randint(1, 400)}",
    "clock": lambda: {
        "source": _chance.choice(("chrony", "kernel")),
        "synchronised": True,
        "estimated_error_seconds": round(_chance.uniform(0, 0.01), 6),
        **({"maximum_error_seconds": round(_chance.uniform(0, 0.2), 3)} if _chance.random() < 0.5 else {}),
    },
    "place": lambda: {
        "site": _name(),
        "latitude": round(_chance.uniform(33, 42), 4),
        "longitude": round(_chance.uniform(-124, -114), 4),
        **({"heading_degrees": float(_chance.randrange(360))} if _chance.random() < 0.5 else {}),
    },
    "camera": lambda: _chance.choice(("main", "north", "south", "east", "west")),
    "configuration": lambda: _hex(12),
    "digest": lambda: _hex(64),
    "issuer": _name,
    "version": lambda: _chance.randrange(3000),
    "entries": lambda: _chance.randrange(300_000),
    "age_seconds": lambda: round(_chance.uniform(0, 90_000), 1),
    "corners": lambda: [_point(1920, 1080) for _ in range(4)],
}
"""Members of which each record has its own."""


def _vehicle() -> dict[str, Any]:
    return {"kind": _chance.choice(KINDS), "colors": _chance.sample(COLORS, _chance.randint(1, 2))}


def varied(said: Any) -> Any:
    """Return a record with its own values of what differs from department to department, and confidences."""
    if isinstance(said, list):
        return [varied(each) for each in said]
    if not isinstance(said, dict):
        return said
    if "plate_read" in said and _chance.random() < 0.5:
        said = said | {"vehicle": _vehicle()}
    return {
        name: OWN[name]()
        if name in OWN
        else round(_chance.uniform(0.8, 1), 4)
        if name == "confidence"
        else varied(value)
        for name, value in said.items()
    }


def rest_of(event: dict[str, Any]) -> bytes:
    """Return what is compressed of a record: as of a genuine one."""
    constants = constants_form(constants_of(event)) if event["type"] == TYPES[Read] else b""
    return set_apart(stored_form(event), previous=event.get("previous"), constants=constants)[0]


def samples() -> list[bytes]:
    """Return records of three drawn days, hits a tenth of them, as they are compressed."""
    found = []
    for seed in SEEDS:
        day = Day(
            posts=20, vehicles=1500, hits=0.1, pictures=False, seed=seed, began=datetime(2026, 3, 17 + seed, tzinfo=UTC)
        )
        _, messages = draw(day)
        found += [rest_of(varied(parse(message.payload))) for message in messages]
    return found


if __name__ == "__main__":
    drawn = samples()
    trained = zstandard.train_dictionary(SIZE, drawn, level=LEVEL, dict_id=0x50504403, threads=0)
    Path(sys.argv[1]).write_bytes(trained.as_bytes())
    print(f"{len(drawn)} records, {len(trained.as_bytes())} bytes")
