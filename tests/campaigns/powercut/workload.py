"""What runs until the power fails: a post's records go into an outbox, are acknowledged and signed for, all by lot.

Run under `disklog.c`. What the outbox has promised is written to the file `promises` beside it, one JSON a line:
`{"stored": RECORD}` after `append` returned, `{"taken": [RECORD, ...]}` before a receipt: the custodian has them.
"""

import json
import os
import random
import sys
from itertools import islice
from pathlib import Path

from platepost.device.outbox.custody import Requirements
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.rebuild import ranges_of
from platepost.wire.contract.examples import (
    CLOCK,
    LIST,
    ExampleSigner,
    example_audit,
    example_sight,
    example_status,
)
from platepost.wire.records import Envelope, Hit, Picture, Read, Recorder, Source, new_identifier
from platepost.wire.records.receipt import MOST_RANGES, KeptRange

KEY = bytes(range(32))
QUOTA_BYTES = 400_000
SOURCE = Source("demo", "post-1")
PROMISES = "promises"
CUSTODIAN = "records"
REQUIREMENTS = Requirements(in_force=True, open=frozenset({CUSTODIAN}))
LOST_BY_BROKER = 0.1
"""Of what a broker acknowledged, so much never comes to the custodian."""


class Workload:
    """Records, acknowledges and signs by lot."""

    def __init__(self, outbox: Outbox, promises: int, chance: random.Random) -> None:
        self._outbox = outbox
        self._held: dict[int, Envelope] = {}
        """What the custodian has, by number."""
        self._told = 0
        """How many of them are promised."""
        outbox.require(REQUIREMENTS)
        self._recorder = Recorder(outbox, ExampleSigner(), SOURCE)
        self._promises = promises
        self._chance = chance

    def step(self) -> None:
        """Do one thing."""
        lot = self._chance.random()
        if lot < 0.1:
            self._acknowledge()
        elif lot < 0.14:
            self._sign()
        elif lot < 0.15:
            self._outbox.send_left_out()
        elif lot < 0.2:
            account = self._recorder.account_for_drops(clock=CLOCK)
            if account is not None:
                self._stored(account)
        else:
            self._stored(self._record(lot))

    def _record(self, lot: float) -> Envelope:
        if lot < 0.3:
            return self._recorder.record(example_audit("boot"))
        if lot < 0.4:
            return self._recorder.record(example_status("online", new_identifier()))
        pictures = (Picture.of("patch", self._chance.randbytes(3000), width=1, height=1),)
        sight = example_sight(new_identifier()) | {"pictures": pictures}
        if lot < 0.5:
            hit = {"hit": new_identifier(), "plate_matched": "7ABC123", "match": "exact", "category": "stolen"}
            more = {"priority": 1, "hotlist": LIST, "hotlist_stale": False}
            return self._recorder.record(Hit.model_validate(sight | hit | more))
        return self._recorder.record(Read.model_validate(sight | {"hotlist": dict(LIST) | {"result": "no_match"}}))

    def _acknowledge(self) -> None:
        batch = self._outbox.next(self._chance.randint(1, 30), repeating=True)
        came = [envelope for envelope in batch if self._chance.random() > LOST_BY_BROKER]
        self._held |= {envelope.sequence: envelope for envelope in came if envelope.sequence}
        self._outbox.acknowledge([envelope.place for envelope in batch if envelope.place])

    def _sign(self) -> None:
        spans = [(gap.first, gap.last) for gap in ranges_of(sorted(self._held))][-MOST_RANGES:]
        self._promise({"taken": [envelope.event for envelope in islice(self._held.values(), self._told, None)]})
        self._told = len(self._held)
        ranges = [KeptRange(first=first, last=last, digest=self._held[last].digest) for first, last in spans]
        self._outbox.take_receipt(CUSTODIAN, self._outbox.head.chain, ranges)

    def _stored(self, envelope: Envelope) -> None:
        self._promise({"stored": envelope.event})

    def _promise(self, what: object) -> None:
        os.write(self._promises, json.dumps(what).encode() + b"\n")


def main() -> None:
    """Run for a number of steps: `python -m tests.campaigns.powercut.workload FOLDER SEED STEPS`."""
    folder, seed, steps = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    promises = os.open(folder / PROMISES, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with Outbox(folder / "outbox.db", key=KEY, quota_bytes=QUOTA_BYTES) as outbox:
        workload = Workload(outbox, promises, random.Random(seed))
        for _ in range(steps):
            workload.step()


if __name__ == "__main__":
    main()
