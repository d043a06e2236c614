"""A post's custody over its own outbox, and custodians that sign what a test has them say."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.control.keys.custodians import Custodians
from platepost.device.custody.service import CHECK_SECONDS, CustodyService
from platepost.device.custody.settings import CustodySettings
from platepost.device.logbook import Logbook
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.retrying import RetryingRecorder
from platepost.device.uplink.inbox import Delivery
from platepost.wire.contract.examples import ExampleSigner, example_audit, example_records
from platepost.wire.jose import sign
from platepost.wire.keys.statement import Key
from platepost.wire.records import (
    RECEIPT_TYPE,
    ClockQuality,
    CustodianTerms,
    Envelope,
    Hit,
    Recorder,
    Source,
    new_identifier,
)
from platepost.wire.records.settings import RecordSettings
from tests.clocks import SteppedClock
from tests.device.control.keys.clerk import NOW, Clerk, pem

SOURCE = Source("riverside", "post-1")
RECORDS = CustodianTerms(name="records")


@dataclass
class Bench:
    """One post, from start to start; `clerk` has the custodians' keys by name, and the root's."""

    folder: Path
    given: tuple[CustodianTerms, ...] = (RECORDS,)
    chain: str = field(default_factory=new_identifier)
    clock: SteppedClock = field(default_factory=lambda: SteppedClock(NOW.timestamp()))

    def __post_init__(self) -> None:
        self.clerk = Clerk(self.folder / "control")
        self.topics: dict[str, Any] = {}
        self.number = 0
        self._names = iter((self.chain,))
        self.start()

    def start(self) -> None:
        """Start the post's software, as far as custody goes."""
        self.topics.clear()
        self.outbox = Outbox(
            self.folder / "outbox.db",
            key=bytes(32),
            clock=self.clock,
            identify=lambda: next(self._names, new_identifier()),
        )
        quality = ClockQuality(source="kernel", synchronised=True)
        timekeeper = Timekeeper(quality=lambda: quality, wall=self.clock.wall, steady=self.clock.steady)
        recorder = Recorder(self.outbox, ExampleSigner(), SOURCE, now=timekeeper.now)
        records = RetryingRecorder(recorder, stop=Event(), clock=self.clock)
        settings = RecordSettings(signing_key=Path("key.pem"))
        self.logbook = Logbook(self.outbox, records, timekeeper, run=new_identifier(), settings=settings)
        self.custodians = Custodians(
            [(terms, Key.of(pem(self.clerk.key(terms.name)))) for terms in self.given],
            agency=SOURCE.agency,
            roots=(Key.of(pem(self.clerk.root)),),
            directory=self.folder / "control",
        )
        uplink: Any = SimpleNamespace(subscribe=self.topics.__setitem__)
        self.custody = CustodyService(CustodySettings(), self.custodians, self.logbook, uplink, folder=self.folder)

    def _identify(self) -> str:
        return next(self._names, None) or new_identifier()

    def restart(self) -> None:
        """End the software and start it again, on the same disk."""
        self.outbox.close()
        self.start()

    # --- what the post does

    def record(self, count: int = 1) -> list[Envelope]:
        """Make records; those of the audit that the post makes itself come between."""
        return [self.logbook.records.record(example_audit("door_closed")) for _ in range(count)]

    def record_covert(self, group: str) -> Envelope:
        """Make a hit of a covert entry, in the chain of its group."""
        data = example_records(ExampleSigner())["hit"].event["data"] | {"distribution": group}
        return self.logbook.records.record(Hit.model_validate_json(json.dumps(data)))

    def deliver(self) -> list[Envelope]:
        """Have a broker acknowledge all that waits."""
        sent = list(self.outbox.next(1000))
        self.outbox.acknowledge([envelope.place for envelope in sent])
        return sent

    def look(self) -> None:
        self.clock.now += CHECK_SECONDS
        self.custody.poll(self.clock.steady())

    @property
    def held(self) -> int:
        """Records that are on the disk."""
        backlog = self.outbox.backlog()
        return backlog.depth + backlog.sent

    def audits(self, action: str) -> list[dict[str, Any]]:
        said = [envelope.event["data"] for envelope in self.outbox.next(1000)]
        return [data for data in said if data.get("action") == action]

    # --- what others do

    def receipt(self, *ranges: tuple[int, int, str], by: str = "records", **changes: Any) -> bytes:
        """Sign a receipt: `ranges` are first, last and digest, `by` names the key."""
        return sign(self.payload(*ranges, **changes), self.clerk.key(by), typ=RECEIPT_TYPE)

    def payload(self, *ranges: tuple[int, int, str], **changes: Any) -> bytes:
        self.number += 1
        said = {
            "agency": SOURCE.agency,
            "post": SOURCE.post,
            "custodian": "records",
            "epoch": 1,
            "number": self.number,
            "time": "2026-03-01T12:00:00.000Z",
            "chain": self.outbox.head.chain,
            "ranges": [{"first": first, "last": last, "digest": digest} for first, last, digest in ranges],
        }
        return json.dumps(said | changes).encode()

    def bring(self, message: bytes, *, custodian: str = "records", retained: bool = False) -> None:
        """Have the broker bring a message on a custodian's topic."""
        delivery = Delivery(1, 1, 1, SOURCE.receipt(custodian), message, retained=retained)
        self.topics[SOURCE.receipt("+")](delivery)

    def bring_statement(self, *lines: bytes, custodian: str = "records") -> None:
        """Have the broker bring a statement about a custodian's keys, as the post's control takes it."""
        keys = self.custodians.named(custodian)
        assert keys.receive(b"\n".join(lines), at=self.now), keys.take_events()
        self.custodians.take(keys)
        keys.announce()

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.wall(), UTC)


def about(name: str = "records", *groups: str, required: bool = True) -> dict[str, Any]:
    """Return what a statement about a custodian's keys says beside the keys."""
    return {"purpose": "custody", "custodian": {"name": name, "groups": groups, "required": required}}
