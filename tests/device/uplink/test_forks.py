"""What a post makes of what it said last, as the broker retained it."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey

from platepost.device.audit.log import AuditEvent
from platepost.device.uplink.forks import ChainForkDetector
from platepost.device.uplink.inbox import Delivery
from platepost.wire.contract.examples import MemoryStore, example_audit, example_status
from platepost.wire.faults import Fault
from platepost.wire.records import ChainHead, Envelope, Keyring, Recorder, Signer, Source, new_identifier

SOURCE = Source("demo", "post-1")


class Trail:
    def __init__(self) -> None:
        self.said: list[tuple[str, str | None, Any]] = []

    def record_soon(self, event: AuditEvent) -> None:
        self.said.append((event.action, event.object, event.details))


class Subscriptions:
    """An uplink on which only the post's own status is listened to, and may not be."""

    def subscribe(self, topic: str, _handler: object, *, optional: bool) -> None:
        assert (topic, optional) == (SOURCE.topic("status"), True)


class Disk:
    """A post's disk, which can be taken back to an earlier state."""

    def __init__(self) -> None:
        self.signer = Signer(ECKey.generate_key("P-256"))
        self.store = MemoryStore(new_identifier())
        self.recorder = Recorder(self.store, self.signer, SOURCE)

    def record(self, count: int = 1) -> None:
        for _ in range(count):
            self.recorder.record(example_audit("door_closed"))

    def status(self, run: str) -> Envelope:
        return self.recorder.record(example_status("online", run))

    def will(self, run: str) -> Envelope:
        return self.recorder.unchained(example_status("offline", run))

    def forks(self, head: ChainHead, *, run: str = "", trail: Trail | None = None) -> ChainForkDetector:
        audit: Any = trail or Trail()
        uplink: Any = Subscriptions()
        keys = Keyring.from_pem(self.signer.public_pem)
        return ChainForkDetector(SOURCE, run=run or new_identifier(), head=head, keys=keys, audit=audit, uplink=uplink)


def retained(said: Envelope | bytes) -> Delivery:
    body = said if isinstance(said, bytes) else said.body
    return Delivery(1, 1, 1, SOURCE.topic("status"), body, retained=True)


@pytest.fixture
def disk() -> Disk:
    made = Disk()
    made.record(3)
    return made


def test_a_status_beyond_the_disk_is_audited_once(disk: Disk) -> None:
    backup, trail = disk.store.head, Trail()
    disk.record()
    last = disk.status(new_identifier())
    forks = disk.forks(backup, trail=trail)
    forks.handle(retained(last))
    forks.handle(retained(disk.status(new_identifier())))
    assert forks.faults() == (Fault.CHAIN_FORKED,)
    assert trail.said == [
        ("chain_forked", f"{backup.chain} 5", {"own_sequence": 3, "digest": last.digest}),
    ]


def test_a_will_beyond_the_disk_is_seen(disk: Disk) -> None:
    backup = disk.store.head
    disk.record()
    forks = disk.forks(backup)
    forks.handle(retained(disk.will(new_identifier())))
    assert forks.forked


def test_another_record_in_the_last_place_is_seen(disk: Disk) -> None:
    backup = disk.store.head
    last = disk.status(new_identifier())
    disk.store.head = backup
    disk.record()
    forks = disk.forks(disk.store.head)
    forks.handle(retained(last))
    assert forks.forked


@pytest.mark.parametrize("how", ["status", "will", "older"])
def test_a_disk_that_was_left_alone_is_no_fork(disk: Disk, how: str) -> None:
    former = new_identifier()
    said = disk.will(former) if how == "will" else disk.status(former)
    if how == "older":
        disk.record(2)
    forks = disk.forks(disk.store.head)
    forks.handle(retained(said))
    assert not forks.forked


def test_a_will_made_before_the_first_record_says_nothing() -> None:
    disk = Disk()
    will = disk.will(new_identifier())
    assert "chain_end" not in json.loads(will.body)["data"]
    forks = disk.forks(disk.store.head)
    forks.handle(retained(will))
    assert not forks.forked


def test_what_this_run_says_itself_is_no_news(disk: Disk) -> None:
    run, head = new_identifier(), disk.store.head
    forks = disk.forks(head, run=run)
    forks.handle(retained(disk.status(run)))
    assert not forks.forked


def test_a_chain_begun_anew_says_nothing_of_the_former(disk: Disk) -> None:
    disk.record()
    last = disk.status(new_identifier())
    forks = disk.forks(ChainHead(new_identifier()))
    forks.handle(retained(last))
    assert not forks.forked


def test_what_is_not_the_posts_own_word_counts_for_nothing(disk: Disk) -> None:
    backup = disk.store.head
    disk.record()
    last = disk.status(new_identifier())
    stranger = Recorder(disk.store, Signer(ECKey.generate_key("P-256")), SOURCE)
    disk.store.head = ChainHead(backup.chain, 9, backup.digest)
    neighbor = Recorder(disk.store, disk.signer, Source("demo", "post-2"))
    forks = disk.forks(backup)
    for body in (
        b"",
        b"{}",
        b"[1]",
        b'{"type":1}',
        last.body.replace(b'"sequence":5', b'"sequence":6'),
        stranger.record(example_status("online", new_identifier())).body,
        neighbor.record(example_status("online", new_identifier())).body,
        disk.recorder.record(example_audit("door_closed")).body,
    ):
        forks.handle(retained(body))
    assert not forks.forked
    forks.handle(retained(last))
    assert forks.forked
