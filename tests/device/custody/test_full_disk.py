"""Receipts on a disk that is full, really: they are what makes room on it, so nothing may hold them up."""

from contextlib import suppress
from pathlib import Path
from queue import Queue

from platepost.device.audit.log import AuditEvent
from platepost.device.hotlist.service import NOT_STORED
from platepost.device.outbox.errors import OutboxFullError
from platepost.device.outbox.retrying import PAUSE_SECONDS
from platepost.device.uplink.inbox import Delivery, Inbox
from platepost.wire.contract.examples import example_audit
from platepost.wire.records import Envelope
from tests.device.custody.bench import SOURCE, Bench


def fill_up(bench: Bench) -> Envelope:
    """Store what may never be dropped until the disk takes no record, and have a broker take it; return the last."""
    (last,) = bench.record()
    for padding in (60_000, 4_000, 10, 10):
        with suppress(OutboxFullError):
            while True:
                last = bench.logbook.recorder.record(example_audit("door_closed", details={"padding": "x" * padding}))
        bench.deliver()
    return last


def test_an_audit_of_what_came_before_it_does_not_keep_a_receipt_from_making_room(small_disk: Path) -> None:
    bench = Bench(small_disk)
    (first,) = bench.record()
    bench.bring(bench.receipt((1, 1, first.digest)))
    last = fill_up(bench)
    handled: Queue[Delivery] = Queue()

    def refuse(_: Delivery) -> None:
        bench.logbook.rate_limited.take(AuditEvent("hotlist_refused", "broker", "failure", reason=NOT_STORED))

    inbox = Inbox({"hotlist": refuse, **bench.topics}, handled=handled.put)
    inbox.start()
    receipt = bench.receipt((1, last.sequence or 0, last.digest))
    for topic, payload in (("hotlist", b"a package"), (SOURCE.receipt("records"), receipt)):
        inbox.put(Delivery(1, 1, 1, topic, payload))
    assert [handled.get(timeout=60).topic for _ in range(2)] == ["hotlist", SOURCE.receipt("records")]
    inbox.stop(timeout=60)
    assert bench.held == 0, "the records, and what was put off"
    bench.clock.now += PAUSE_SECONDS
    bench.logbook.poll(bench.clock.steady())
    assert [data["reason"] for data in bench.audits("hotlist_refused")] == [NOT_STORED]
    bench.outbox.close()


def test_a_custodian_that_was_restored_meanwhile_makes_room(small_disk: Path) -> None:
    bench = Bench(small_disk)
    (first,) = bench.record()
    bench.bring(bench.receipt((1, 1, first.digest)))
    last = fill_up(bench)
    bench.bring(bench.receipt((1, 1, first.digest), epoch=2))
    bench.bring(bench.receipt((1, last.sequence or 0, last.digest), epoch=2))
    assert bench.held == 0
    bench.restart()
    bench.record()
    bench.bring(bench.receipt((1, 1, first.digest), epoch=1))
    assert [data["reason"] for data in bench.audits("receipt_refused")] == ["lower_epoch"]
    bench.outbox.close()
