"""What a receipt does on a post, and what has no effect; whose receipts are required, over restarts."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from platepost.common.errors import OutboxError
from platepost.device.custody.receipts import LARGEST_RECEIPT
from platepost.device.custody.service import CHECK_SECONDS
from platepost.device.custody.settings import CustodySettings
from platepost.wire.faults import Fault
from platepost.wire.jose import sign
from platepost.wire.records import CustodianTerms
from tests.clocks import SteppedClock
from tests.device.control.keys.clerk import NOW
from tests.device.custody.bench import RECORDS, SOURCE, Bench, about


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_record_leaves_on_the_receipt_and_not_before(bench: Bench) -> None:
    first, second = bench.record(2)
    bench.deliver()
    assert bench.held == 2, "a broker's acknowledgment is not custody"
    bench.bring(bench.receipt((1, 1, first.digest)))
    assert bench.held == 1
    bench.bring(bench.receipt((1, 2, second.digest)))
    assert bench.held == 0
    assert (bench.custody.faults(), bench.audits("receipt_refused")) == (set(), [])


def test_a_receipt_before_the_broker_s_acknowledgment_counts_when_that_comes(bench: Bench) -> None:
    (record,) = bench.record()
    bench.bring(bench.receipt((1, 1, record.digest)))
    assert bench.held == 1
    bench.deliver()
    assert bench.held == 0


def test_without_a_custodian_the_acknowledgment_releases_and_nothing_is_listened_to(tmp_path: Path) -> None:
    bench = Bench(tmp_path, given=())
    bench.record()
    bench.deliver()
    assert (bench.held, bench.topics) == (0, {})
    assert not bench.outbox.requirements.in_force
    assert [finding.said for finding in bench.custody.findings()] == [
        "no custodian: a broker's acknowledgment releases records"
    ]


# --- what has no effect

Make = Callable[[Bench, tuple[int, int, str]], bytes]
REFUSED: dict[str, tuple[Make, str, bool]] = {
    "a stranger's signature": (lambda b, r: b.receipt(r, by="stranger"), "bad_signature", False),
    "the root's signature": (lambda b, r: b.receipt(r, by="root"), "bad_signature", False),
    "no signature": (lambda b, r: b.receipt(r).rpartition(b".")[0] + b".", "unsigned", False),
    "a statement's type": (
        lambda b, r: sign(b.payload(r), b.clerk.key("records"), typ="platepost-keys+jws"),
        "malformed",
        False,
    ),
    "no JWS": (lambda _b, _r: b"7ABC123", "malformed", False),
    "too many bytes": (lambda _b, _r: b"7ABC123" * (LARGEST_RECEIPT // 7 + 1), "too_large", False),
    "another agency": (lambda b, r: b.receipt(r, agency="lakeside"), "foreign_agency", True),
    "another post": (lambda b, r: b.receipt(r, post="post-2"), "other_post", True),
    "another custodian's name": (lambda b, r: b.receipt(r, custodian="archive"), "other_custodian", True),
    "overlapping ranges": (lambda b, r: b.receipt(r, r), "malformed", True),
    "a member that is not known": (lambda b, r: b.receipt(r, **{"7ABC123": 1}), "malformed", True),
    "a member that is null": (lambda b, r: b.receipt(r, time=None), "malformed", True),
    "text instead of a number": (lambda b, r: b.receipt(r, epoch="7ABC123"), "malformed", True),
    "two meanings": (
        lambda b, r: sign(b.payload(r)[:-1] + b', "epoch": 9}', b.clerk.key("records"), typ="platepost-receipt+jws"),
        "malformed",
        True,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_receipt_has_no_effect_and_is_named_without_what_it_says(bench: Bench, name: str) -> None:
    make, reason, signed = REFUSED[name]
    (record,) = bench.record()
    bench.deliver()
    bench.bring(make(bench, (1, 1, record.digest)))
    assert bench.held == 2, "the record, and the refusal"
    (audit,) = bench.audits("receipt_refused")
    assert (audit["outcome"], audit["reason"], audit["source"]) == ("refused", reason, "broker")
    assert audit["identity"] == ("records" if signed else SOURCE.post), "nobody is named for what nobody signed"
    assert "7ABC123" not in str(audit)
    bench.bring(bench.receipt((1, 1, record.digest)))
    assert bench.held == 1


def test_a_receipt_on_another_custodian_s_topic_has_no_effect(bench: Bench) -> None:
    (record,) = bench.record()
    bench.deliver()
    for topic in ("archive", "7ABC123"):
        bench.bring(bench.receipt((1, 1, record.digest)), custodian=topic)
    assert [audit["reason"] for audit in bench.audits("receipt_refused")] == ["unknown_custodian"] * 2
    assert "7ABC123" not in str(bench.audits("receipt_refused"))
    assert bench.held == 3


def test_a_retained_receipt_is_no_news(bench: Bench) -> None:
    (record,) = bench.record()
    bench.deliver()
    bench.bring(bench.receipt((1, 1, record.digest)), retained=True)
    assert [audit["reason"] for audit in bench.audits("receipt_refused")] == ["retained"]
    assert bench.held == 2


def test_a_flood_of_forgeries_is_counted_and_does_not_hide_what_a_custodian_signed(bench: Bench) -> None:
    for _ in range(500):
        bench.bring(bench.receipt(by="stranger"))
    bench.bring(bench.receipt(post="post-2"))
    said = bench.audits("receipt_refused")
    assert [audit["reason"] for audit in said] == ["bad_signature"] * 5 + ["other_post"]
    bench.logbook.rate_limited.flush()
    assert bench.audits("receipt_refused")[-1]["details"]["counted"] == {"bad_signature": 495}


# --- keys


def test_receipts_of_a_rotated_key_are_taken_until_it_is_retired(bench: Bench) -> None:
    records = bench.record(3)
    bench.deliver()
    bench.bring_statement(bench.clerk.say("records", "second", "records", **about()))
    bench.bring(bench.receipt((1, 1, records[0].digest)))
    bench.bring(bench.receipt((1, 2, records[1].digest), by="second"))
    assert bench.held == 1
    bench.bring_statement(bench.clerk.say("second", "second", number=2, **about()))
    bench.bring(bench.receipt((1, 3, records[2].digest)))
    assert [audit["reason"] for audit in bench.audits("receipt_refused")] == ["retired_key"]
    bench.restart()
    bench.bring(bench.receipt((1, 3, records[2].digest)))
    assert bench.held == 3, "the record, and two refusals"
    bench.bring(bench.receipt((1, 3, records[2].digest), by="second"))
    assert bench.held == 2


def test_receipts_of_a_revoked_key_are_named_so(bench: Bench) -> None:
    (record,) = bench.record()
    bench.deliver()
    bench.bring_statement(bench.clerk.say("root", "second", era=1, withdrawn="revoked", **about()))
    bench.bring(bench.receipt((1, 1, record.digest)))
    assert [audit["reason"] for audit in bench.audits("receipt_refused")] == ["revoked_key"]
    assert bench.held == 2


# --- who is required


def test_a_second_custodian_starts_where_it_starts_and_both_are_needed_then(bench: Bench) -> None:
    before = bench.record()[-1]
    bench.bring_statement(bench.clerk.say("root", "archive", era=1, **about("archive")), custodian="archive")
    after = bench.record()[-1]
    bench.deliver()
    bench.restart()
    bench.bring(bench.receipt((1, after.sequence or 0, after.digest)))
    assert bench.held == 1, "what came before needs the first one alone"
    assert before.sequence == 1
    archive: dict[str, Any] = {"by": "archive", "custodian": "archive"}
    bench.bring(bench.receipt((2, after.sequence or 0, after.digest), **archive), custodian="archive")
    assert bench.held == 0
    (finding,) = bench.custody.findings()
    assert "records, archive" in finding.said


def test_a_custodian_that_the_root_releases_is_waited_for_no_longer(bench: Bench) -> None:
    bench.record(2)
    bench.deliver()
    assert bench.held == 2
    bench.bring_statement(bench.clerk.say("root", "records", era=1, **about(required=False)))
    assert bench.held == 0
    bench.restart()
    assert not bench.outbox.requirements.in_force


def test_a_covert_chain_needs_the_custodians_of_its_group(tmp_path: Path) -> None:
    bench = Bench(tmp_path, given=(RECORDS, CustodianTerms(name="vice", groups=("narcotics",))))
    requirements = bench.outbox.requirements
    assert requirements.open == {"records", "vice"}
    assert requirements.of("narcotics") == {"vice"}
    assert requirements.of("homicide") == frozenset()


def test_a_full_disk_puts_off_what_is_required_and_the_next_look_makes_up_for_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    require = bench.outbox.require

    def full(_: object) -> None:
        raise OutboxError("the disk is full")

    monkeypatch.setattr(bench.outbox, "require", full)
    bench.bring_statement(bench.clerk.say("root", "archive", era=1, **about("archive")), custodian="archive")
    monkeypatch.setattr(bench.outbox, "require", require)
    assert bench.outbox.requirements.open == {"records"}
    bench.look()
    assert bench.outbox.requirements.open == {"records", "archive"}


# --- epochs


def test_a_higher_epoch_makes_lower_ones_ignored_over_restarts(bench: Bench) -> None:
    records = bench.record(3)
    bench.deliver()
    bench.bring(bench.receipt((1, 1, records[0].digest), epoch=5))
    assert bench.held == 2
    for _ in range(2):
        bench.bring(bench.receipt((1, 3, records[2].digest), epoch=4))
        assert [audit["reason"] for audit in bench.audits("receipt_refused")][-1] == "lower_epoch"
        bench.restart()
    assert bench.held == 4, "two records, two refusals"
    bench.bring(bench.receipt((1, 2, records[1].digest), epoch=5))
    bench.bring(bench.receipt((1, 3, records[2].digest), epoch=6))
    assert bench.held == 2


def test_a_new_epoch_takes_back_what_was_signed_for_and_is_here_yet(bench: Bench) -> None:
    (record,) = bench.record()
    bench.bring(bench.receipt((1, 1, record.digest), epoch=1))
    bench.bring(bench.receipt(epoch=2))
    bench.deliver()
    assert bench.held == 1, "the custodian was restored, and may have lost it"
    bench.bring(bench.receipt((1, 1, record.digest), epoch=2))
    assert bench.held == 0


def test_a_rotation_keeps_the_epoch_and_a_revocation_takes_back_what_a_thief_began(bench: Bench) -> None:
    records = bench.record(3)
    bench.deliver()
    bench.bring(bench.receipt((1, 1, records[0].digest), epoch=5))
    bench.bring_statement(bench.clerk.say("records", "second", **about()))
    bench.bring(bench.receipt((1, 2, records[1].digest), by="second", epoch=4))
    assert [audit["reason"] for audit in bench.audits("receipt_refused")] == ["lower_epoch"]
    bench.bring(bench.receipt((1, 2, records[1].digest), by="second", epoch=5))
    assert bench.held == 2, "a record, and the refusal"
    bench.bring(bench.receipt(by="second", epoch=2**53 - 1))
    bench.bring_statement(bench.clerk.say("root", "third", era=1, withdrawn="revoked", **about()))
    bench.restart()
    bench.bring(bench.receipt((1, 3, records[2].digest), by="third", epoch=6))
    assert bench.held == 1


def test_epochs_are_each_custodian_s_own(tmp_path: Path) -> None:
    bench = Bench(tmp_path, given=(RECORDS, CustodianTerms(name="archive")))
    (record,) = bench.record()
    bench.deliver()
    bench.bring(bench.receipt((1, 1, record.digest), epoch=9))
    bench.bring(bench.receipt((1, 1, record.digest), by="archive", custodian="archive", epoch=2), custodian="archive")
    assert bench.held == 0


def test_an_epoch_that_cannot_be_kept_does_not_count(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (record,) = bench.record()
    bench.deliver()

    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("platepost.common.files.write_durably", full)
        bench.bring(bench.receipt((1, 1, record.digest)))
        assert bench.held == 1
    bench.bring(bench.receipt((1, 1, record.digest)))
    assert bench.held == 0


# --- faults


def test_custody_is_behind_from_the_configured_age_and_until_the_receipt(bench: Bench) -> None:
    (record,) = bench.record()
    bench.look()
    bench.deliver()
    bench.clock.now += timedelta(hours=24).total_seconds()
    assert bench.custody.faults() == set(), "it is looked at every minute"
    bench.look()
    assert bench.custody.faults() == {Fault.CUSTODY_BEHIND}
    (finding,) = bench.custody.findings()
    assert (finding.good, finding.said) == (
        False,
        "receipts of records are required, the oldest record without is 24.0 h old",
    )
    tables: Any = type("Tables", (), {"table": lambda _self, _kind: CustodySettings(behind_hours=48)})()
    bench.custody.adjust(tables)
    assert bench.custody.faults() == set()
    bench.custody.adjust(type("Tables", (), {"table": lambda _self, _kind: CustodySettings()})())
    bench.bring(bench.receipt((1, 1, record.digest)))
    bench.look()
    assert bench.custody.faults() == set()


@pytest.mark.parametrize("days", [365, -365])
def test_a_clock_that_jumps_and_is_not_believed_makes_custody_neither_late_nor_punctual(
    tmp_path: Path, days: int
) -> None:
    clock = JumpingClock(NOW.timestamp())
    bench = Bench(tmp_path, clock=clock)
    bench.record()
    bench.deliver()
    for late in (set(), {Fault.CUSTODY_BEHIND}):
        clock.jumped = 0.0
        bench.look()
        assert bench.custody.faults() == late
        clock.now += CHECK_SECONDS
        clock.jumped = timedelta(days=days).total_seconds()
        bench.custody.poll(clock.steady())
        assert bench.custody.faults() == late
        clock.now += timedelta(hours=24).total_seconds()


class JumpingClock(SteppedClock):
    """One whose wall time someone sets."""

    jumped = 0.0

    def wall(self) -> float:
        return self.now + self.jumped


def test_covert_records_never_make_custody_late(bench: Bench) -> None:
    bench.record_covert("narcotics")
    bench.deliver()
    bench.clock.now += timedelta(hours=48).total_seconds()
    bench.look()
    assert bench.outbox.oldest_sent(), "it waits for a custodian of its group"
    assert bench.custody.faults() == set()
    assert "none waits" in bench.custody.findings()[0].said


def test_without_a_custodian_custody_is_never_behind(tmp_path: Path) -> None:
    bench = Bench(tmp_path, given=())
    bench.record()
    bench.clock.now += timedelta(hours=48).total_seconds()
    bench.look()
    assert bench.custody.faults() == set()


@pytest.mark.parametrize(("last", "digest"), [(2, "0" * 64), (9, None)], ids=["another record", "beyond the end"])
def test_a_receipt_for_other_records_is_a_fault_and_frees_nothing(bench: Bench, last: int, digest: str | None) -> None:
    records = bench.record(3)
    bench.deliver()
    wrong = bench.receipt((1, 1, records[0].digest), (2, last, digest or records[2].digest))
    bench.bring(wrong)
    bench.bring(wrong)
    assert bench.custody.faults() == {Fault.CUSTODY_FORKED}
    (audit,) = bench.audits("custody_forked")
    assert (audit["object"], audit["details"]["custodian"]) == (bench.outbox.head.chain, "records")
    assert bench.held == 4, "three records, and the audit"
    bench.restart()
    assert bench.custody.faults() == set(), "until the next receipt says it again"
    bench.bring(wrong)
    assert bench.custody.faults() == {Fault.CUSTODY_FORKED}
    assert len(bench.audits("custody_forked")) == 1, "once for a chain"


def test_a_chain_that_is_not_here_is_no_fork(bench: Bench) -> None:
    bench.bring(bench.receipt((1, 5, "0" * 64), chain="01890a5d-ac96-774b-bcce-b302099a8057"))
    assert bench.custody.faults() == set()


def test_a_fork_of_a_covert_chain_is_told_to_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path, given=(CustodianTerms(name="records", groups=("narcotics",)),))
    covert = bench.record_covert("narcotics")
    bench.bring(bench.receipt((1, 9, "0" * 64), chain=covert.event["chain"]))
    assert bench.custody.faults() == set()
    assert bench.audits("custody_forked") == []
    assert bench.outbox.depth() == 1


@pytest.mark.parametrize("former", [b"{", b'"statements":["ey'], ids=["no JSON", "no statement"])
def test_a_damaged_file_of_an_added_custodian_releases_nothing(tmp_path: Path, former: bytes) -> None:
    bench = Bench(tmp_path, given=())
    statement = bench.clerk.say("root", "archive", era=1, **about("archive", "narcotics"))
    bench.bring_statement(statement, custodian="archive")
    (record,) = bench.record()
    bench.deliver()
    assert bench.held == 1
    (kept,) = bench.clerk.directory.glob("*archive*")
    before = kept.read_bytes()
    assert former in before
    kept.write_bytes(before.replace(former, former[:-1] + b"X", 1))
    bench.restart()
    assert bench.held == 1
    bench.bring_statement(statement, custodian="archive")
    assert bench.outbox.requirements.of("narcotics") == {"archive"}
    bench.bring(bench.receipt((1, 1, record.digest), by="archive", custodian="archive"), custodian="archive")
    assert bench.held == 0
