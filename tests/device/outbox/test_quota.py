from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pytest_mock import MockerFixture

from platepost.device.outbox.custody import Requirements
from platepost.device.outbox.outbox import Outbox
from platepost.wire.contract.examples import CLOCK, ExampleSigner
from platepost.wire.records import Keyring, Recorder
from platepost.wire.verify.verify import Report, Verifier

Filler: TypeAlias = Any  # conftest's

KEY = bytes(range(32))
KEYS = Keyring.from_pem(ExampleSigner().public_pem)


@pytest.fixture
def small(path: Path) -> Iterator[Outbox]:
    with Outbox(path, key=KEY, quota_bytes=40_000) as outbox:
        yield outbox


def verdict(outbox: Outbox) -> Report:
    return Verifier(KEYS, whole=True).feed_all(envelope.body for envelope in outbox.next(10_000))


def test_pictures_of_the_oldest_reads_go_first(small: Outbox, filler: Callable[[Outbox], Filler]) -> None:
    fill = filler(small)
    for _ in range(8):
        fill.read(picture_bytes=3000)
    backlog = small.backlog()
    assert backlog.size_bytes <= 40_000
    assert backlog.reads_dropped == 0
    assert 0 < backlog.pictures_dropped < 8
    assert small.depth() == 8
    with_picture = [b'"data":"' in envelope.body for envelope in small.next(10)]
    assert with_picture == sorted(with_picture), "the newest keep theirs"
    assert verdict(small).intact, "a stripped record still verifies"


def test_then_the_oldest_reads_go_and_are_accounted_for(small: Outbox, filler: Callable[[Outbox], Filler]) -> None:
    fill = filler(small)
    kept = [fill.hit().sequence, fill.audit().sequence, fill.status().sequence]
    for _ in range(30):
        fill.read(picture_bytes=3000)
    backlog = small.backlog()
    assert backlog.reads_dropped > 0
    assert set(kept) <= {envelope.sequence for envelope in small.next(100)}
    assert not verdict(small).intact, "without the account, what was dropped is missing"
    account = fill.recorder.account_for_drops(clock=CLOCK)
    dropped = account.event["data"]["dropped"]
    assert dropped["reads"] >= backlog.reads_dropped
    assert dropped["pictures"] == 30
    report = verdict(small)
    assert report.intact
    assert report.chains[0].dropped == dropped["reads"]
    assert fill.recorder.account_for_drops(clock=CLOCK) is None or small.backlog().reads_dropped > dropped["reads"]


def test_what_a_broker_has_acknowledged_goes_before_what_waits(
    small: Outbox, filler: Callable[[Outbox], Filler]
) -> None:
    fill = filler(small)
    small.require(Requirements(in_force=True, open=frozenset({"records"})))
    waiting = fill.read(picture_bytes=3000)
    small.acknowledge([fill.read(picture_bytes=3000).sequence for _ in range(4)])
    while not small.backlog().pictures_dropped:
        fill.read(picture_bytes=3000)
    assert b'"data":"' in next(each.body for each in small.next(100) if each.sequence == waiting.sequence)


def test_hits_audit_and_status_never_go(small: Outbox, filler: Callable[[Outbox], Filler]) -> None:
    fill = filler(small)
    fill.read()
    for _ in range(20):
        fill.hit()
        fill.audit()
        fill.status()
    backlog = small.backlog()
    assert backlog.size_bytes > 40_000
    assert backlog.reads_dropped == 1
    assert small.depth() == 60


def test_the_count_survives_a_restart(path: Path, small: Outbox, filler: Callable[[Outbox], Filler]) -> None:
    fill = filler(small)
    for _ in range(40):
        fill.read()
    before = small.backlog()
    assert before.reads_dropped > 0
    small.close()
    with Outbox(path, key=KEY, quota_bytes=40_000) as again:
        after = again.backlog()
        assert (after.reads_dropped, after.size_bytes) == (before.reads_dropped, before.size_bytes)
        recorder = filler(again).recorder
        account = recorder.account_for_drops(clock=CLOCK)
        assert account.event["data"]["dropped"]["reads"] >= before.reads_dropped
        while recorder.account_for_drops(clock=CLOCK):
            """The account before took the room of reads."""
        assert verdict(again).intact


def test_gaps_between_other_records_are_separate_ranges(
    path: Path, filler: Callable[[Outbox], Filler], mocker: MockerFixture
) -> None:
    mocker.patch("platepost.device.outbox.quota.RANGES_AN_ACCOUNT", 2)
    with Outbox(path, key=KEY, quota_bytes=1) as outbox:
        fill = filler(outbox)
        for _ in range(3):
            fill.read()
            fill.read()
            fill.audit()
        first = fill.recorder.account_for_drops(clock=CLOCK).event["data"]["dropped"]
        second = fill.recorder.account_for_drops(clock=CLOCK).event["data"]["dropped"]
        assert first["sequences"] == [{"first": 1, "last": 2}, {"first": 4, "last": 5}]
        assert second["sequences"] == [{"first": 7, "last": 8}]
        assert (first["reads"], second["reads"]) == (4, 2)
        assert fill.recorder.account_for_drops(clock=CLOCK) is None
        assert verdict(outbox).intact


class Keyless(ExampleSigner):
    def sign(self, data: bytes) -> str:
        raise RuntimeError("no key")


def test_an_account_that_fails_is_given_later(path: Path, filler: Callable[[Outbox], Filler]) -> None:
    with Outbox(path, key=KEY, quota_bytes=1) as outbox:
        fill = filler(outbox)
        fill.read()
        with pytest.raises(RuntimeError):
            Recorder(outbox, Keyless(), fill.recorder.source).account_for_drops(clock=CLOCK)
        assert fill.recorder.account_for_drops(clock=CLOCK).event["data"]["dropped"]["reads"] == 1


def test_an_outbox_above_its_quota_says_so_once(
    small: Outbox, filler: Callable[[Outbox], Filler], caplog: pytest.LogCaptureFixture
) -> None:
    fill = filler(small)
    while small.backlog().size_bytes <= 40_000:
        fill.hit()
    fill.hit()

    assert [record.message for record in caplog.records].count(
        "outbox above its quota with nothing left that may be dropped"
    ) == 1
