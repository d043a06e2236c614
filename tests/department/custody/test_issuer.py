"""Receipts say what is held, no more often than they must, and a restored store begins a new epoch."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from platepost.common.errors import PlatepostError
from platepost.department.custody.holding import ChainName, LinkedRun
from platepost.department.custody.issuer import ReceiptIssuer
from platepost.department.custody.messages import OutgoingMessage
from platepost.department.custody.receipt_log import LostRange, ReceiptLog
from platepost.wire.jose import open_signed, read_payload
from platepost.wire.records.receipt import RECEIPT_TYPE, Receipt
from tests.department.custody.chains import CHAIN, MemoryRecords, digest

NOW = datetime(2026, 1, 31, 17, 5, 9, tzinfo=UTC)
KEY = ECKey.import_key(ec.derive_private_key(7, ec.SECP256R1()))
OTHER = ChainName("post-2", CHAIN.chain)


@pytest.fixture
def records() -> MemoryRecords:
    return MemoryRecords()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[ReceiptLog]:
    with ReceiptLog(tmp_path / "receipts") as log:
        yield log


def issuer(records: MemoryRecords, log: ReceiptLog, **more: Any) -> ReceiptIssuer:
    return ReceiptIssuer("records", agency="demo", key=KEY, held=records, receipts=log, now=lambda: NOW, **more)


def opened(receipt: OutgoingMessage) -> Receipt:
    signed = open_signed(receipt.body, typ=RECEIPT_TYPE, key=lambda _header: KEY)
    assert signed.header["kid"] == KEY.thumbprint()
    fields = read_payload(signed.payload, Receipt, "receipt")
    assert receipt.topic == f"alpr/v1/demo/{fields.post}/receipt/records"
    return fields


def test_a_receipt_says_what_is_held_and_by_whom(records: MemoryRecords, log: ReceiptLog) -> None:
    custodian = issuer(records, log)
    assert custodian.next_due() is None
    records.take([1, 2, 4])
    custodian.committed([CHAIN], 100.0)
    (fields,) = map(opened, custodian.issue(100.0))
    assert (fields.agency, fields.post, fields.custodian, fields.chain) == ("demo", "post-1", "records", CHAIN.chain)
    assert (fields.epoch, fields.number, fields.time) == (int(NOW.timestamp()), 1, NOW)
    assert [(stored.first, stored.last, stored.digest) for stored in fields.ranges] == [
        (1, 2, digest(2)),
        (4, 4, digest(4)),
    ]
    assert log.receipted == {CHAIN: fields.ranges}
    assert custodian.issue(200.0) == []


def test_a_stream_gets_one_receipt_an_interval(records: MemoryRecords, log: ReceiptLog) -> None:
    custodian = issuer(records, log, interval_seconds=1.0)
    numbers = []
    for number in range(1, 401):
        at = 100.0 + number / 100
        records.take([number])
        custodian.committed([CHAIN], at)
        numbers += [opened(receipt) for receipt in custodian.issue(at)]
    assert len(numbers) == 4
    assert custodian.next_due() == pytest.approx(104.01)
    numbers += [opened(receipt) for receipt in custodian.issue(105.0)]
    assert [fields.number for fields in numbers] == [1, 2, 3, 4, 5]
    assert numbers[-1].ranges[-1].last == 400


def test_a_chain_in_many_ranges_gets_as_many_receipts_in_the_time(records: MemoryRecords, log: ReceiptLog) -> None:
    custodian = issuer(records, log, interval_seconds=1.0)
    records.take(range(1, 401, 2))
    custodian.committed([CHAIN], 100.0)
    assert len(custodian.issue(100.0)) == 4
    records.take([401])
    custodian.committed([CHAIN], 100.5)
    assert custodian.issue(103.9) == []
    assert custodian.next_due() == 104.0
    assert len(custodian.issue(104.0)) == 4


def test_the_same_again_is_answered_with_the_present_receipt(records: MemoryRecords, log: ReceiptLog) -> None:
    custodian = issuer(records, log)
    records.take([1, 2])
    custodian.committed([CHAIN], 0.0)
    (first,) = map(opened, custodian.issue(0.0))
    custodian.committed([CHAIN], 10.0)
    (second,) = map(opened, custodian.issue(10.0))
    assert second.ranges == first.ranges
    assert second.number == first.number + 1


def test_many_gaps_take_several_receipts(records: MemoryRecords, log: ReceiptLog) -> None:
    custodian = issuer(records, log)
    for number in range(1, 301, 2):
        records.take([number])
    custodian.committed([CHAIN], 0.0)
    fields = [opened(receipt) for receipt in custodian.issue(0.0)]
    assert [len(receipt.ranges) for receipt in fields] == [64, 64, 22]
    assert [receipt.number for receipt in fields] == [1, 2, 3]
    assert [stored.first for receipt in fields for stored in receipt.ranges] == list(range(1, 301, 2))


def test_it_goes_on_in_its_epoch_and_receipts_what_it_did_not_get_to(records: MemoryRecords, log: ReceiptLog) -> None:
    custodian = issuer(records, log)
    records.take([1, 2])
    records.take([1], chain=OTHER)
    custodian.committed([CHAIN, OTHER], 0.0)
    (first, _) = map(opened, custodian.issue(0.0))
    records.take([3])  # committed, and killed before the receipt
    again = issuer(records, log)
    assert again.lost == ()
    (fields,) = map(opened, again.issue(0.0))
    assert fields.epoch == first.epoch
    assert (fields.post, fields.number, fields.ranges[0].last) == ("post-1", 3, 3)


def test_a_store_restored_from_a_backup_begins_a_new_epoch_and_names_what_it_lacks(
    records: MemoryRecords, log: ReceiptLog
) -> None:
    custodian = issuer(records, log)
    records.take(range(1, 11))
    records.take([1], chain=OTHER)
    custodian.committed([CHAIN, OTHER], 0.0)
    (first, _) = map(opened, custodian.issue(0.0))
    backup = MemoryRecords()
    backup.take(range(1, 8))
    restored = issuer(backup, log)
    assert restored.lost == (LostRange(*CHAIN, 8, 10), LostRange(*OTHER, 1, 1))
    assert restored.epoch > first.epoch
    fields = {receipt.post: receipt for receipt in map(opened, restored.issue(0.0))}
    assert {receipt.epoch for receipt in fields.values()} == {restored.epoch}
    assert [stored.last for stored in fields["post-1"].ranges] == [7]
    assert fields["post-2"].ranges == ()
    # Named once: the next start finds nothing new.
    third = issuer(backup, log)
    assert third.lost == ()
    assert third.epoch == fields["post-1"].epoch
    assert log.incidents == restored.lost


def test_a_store_that_holds_another_record_under_a_receipted_number_is_no_custodian_of_it(
    records: MemoryRecords, log: ReceiptLog
) -> None:
    custodian = issuer(records, log)
    records.take(range(1, 4))
    custodian.committed([CHAIN], 0.0)
    custodian.issue(0.0)
    other = MemoryRecords()
    other.take([1, 2])
    other.take([3, 4], branch="b")
    assert issuer(other, log).lost == (LostRange(*CHAIN, 3, 3),)


def test_what_a_post_gave_up_and_what_was_purged_is_not_lacking(records: MemoryRecords, log: ReceiptLog) -> None:
    custodian = issuer(records, log)
    records.take([1, 2, 5])
    records.holding(CHAIN).give_up([(3, 4)])
    custodian.committed([CHAIN], 0.0)
    (fields,) = map(opened, custodian.issue(0.0))
    assert [(stored.first, stored.last) for stored in fields.ranges] == [(1, 5)]
    records.stored.clear()
    assert issuer(records, log).lost == ()


def test_a_new_epoch_is_begun_where_it_is_asked_for(records: MemoryRecords, log: ReceiptLog) -> None:
    before = issuer(records, log).epoch
    assert issuer(records, log).epoch == before
    assert issuer(records, log, new_epoch=True).epoch == before + 1


def test_an_epoch_is_higher_than_any_before_though_all_is_gone(tmp_path: Path, records: MemoryRecords) -> None:
    with ReceiptLog(tmp_path / "lost") as log:
        assert issuer(records, log).epoch == NOW.timestamp()


def test_a_receipt_is_in_the_log_before_anybody_has_it(
    records: MemoryRecords, log: ReceiptLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    custodian = issuer(records, log)
    records.take([1])
    custodian.committed([CHAIN], 0.0)

    def full(_receipts: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(log, "add", full)
        with pytest.raises(OSError, match="No space"):
            custodian.issue(0.0)
    (fields,) = map(opened, custodian.issue(0.0))
    assert fields.number == 1


def test_a_record_that_yielded_to_another_is_held_all_the_same(records: MemoryRecords, log: ReceiptLog) -> None:
    custodian = issuer(records, log)
    records.take([1, 2, 3], branch="stranger")
    custodian.committed([CHAIN], 0.0)
    custodian.issue(0.0)
    later = MemoryRecords()
    later.take([1, 2, 3])
    later.stored[CHAIN, 3].append(digest(3, "stranger"))
    again = issuer(later, log)
    assert (again.lost, again.epoch) == ((), custodian.epoch)


def test_a_fork_is_receipted_as_far_as_it_was_held_first(records: MemoryRecords, log: ReceiptLog) -> None:
    custodian = issuer(records, log)
    records.take(range(1, 11))
    records.take([8, 9], branch="b")
    custodian.committed([CHAIN], 0.0)
    (fields,) = map(opened, custodian.issue(0.0))
    assert [(stored.first, stored.last, stored.digest) for stored in fields.ranges] == [(1, 10, digest(10))]
    assert records.holding(CHAIN).runs == (LinkedRun(1, 10, "0" * 64, digest(10)),)


def test_a_receipt_of_the_most_ranges_is_within_what_a_post_takes(records: MemoryRecords, log: ReceiptLog) -> None:
    custodian = issuer(records, log)
    for number in range(2**31 - 130, 2**31 - 1, 2):
        records.take([number])
    custodian.committed([CHAIN], 0.0)
    try:
        assert len(opened(custodian.issue(0.0)[0]).ranges) == 64
    except PlatepostError as error:  # open_signed refuses what is too large
        pytest.fail(str(error))


def test_a_record_that_comes_again_ends_a_range(records: MemoryRecords, log: ReceiptLog) -> None:
    """The post sends it for want of proof: it may not know the digest of the chain's end, which damage took."""
    custodian = issuer(records, log)
    records.take(range(1, 8))
    records.take([3, 5])
    custodian.committed([CHAIN], 0.0)
    (fields,) = map(opened, custodian.issue(0.0))
    assert [(stored.first, stored.last, stored.digest) for stored in fields.ranges] == [
        (1, 5, digest(5)),
        (6, 7, digest(7)),
    ]
    records.take([4], branch="b")
    records.take([7])
    custodian.committed([CHAIN], 10.0)
    (fields,) = map(opened, custodian.issue(10.0))
    assert [(stored.first, stored.last) for stored in fields.ranges] == [(1, 7)], "the end needs no other"
    records.take([8])
    custodian.committed([CHAIN], 20.0)
    (fields,) = map(opened, custodian.issue(20.0))
    assert [(stored.first, stored.last) for stored in fields.ranges] == [(1, 8)]
