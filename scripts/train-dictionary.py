#!/usr/bin/env python3
"""Train the dictionary by which the custodian compresses records: scripts/train-dictionary.py FILE.

The records are drawn from seeds, so the same versions of the drawing and of zstd give the same bytes. A dictionary that
has been released is never trained anew: records were written with it. Give a new one the next number, and set PRESENT
in department/custody/codec.py.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

import zstandard

from department.custody.codec import LEVEL, stored_form
from device.records.canonical import parse
from simulator.messages.day import Day, draw

SIZE = 48 * 1024
SEEDS = range(3)


def samples() -> list[bytes]:
    """Return records of three drawn days, hits a tenth of them, as they are stored."""
    found = []
    for seed in SEEDS:
        day = Day(
            posts=4, vehicles=700, hits=0.1, pictures=False, seed=seed, began=datetime(2026, 3, 17 + seed, tzinfo=UTC)
        )
        _, messages = draw(day)
        found += [stored_form(parse(message.payload)) for message in messages]
    return found


if __name__ == "__main__":
    drawn = samples()
    trained = zstandard.train_dictionary(SIZE, drawn, level=LEVEL, dict_id=0x50504401, threads=0)
    Path(sys.argv[1]).write_bytes(trained.as_bytes())
    print(f"{len(drawn)} records, {len(trained.as_bytes())} bytes")
