"""The log of receipts says after any end what was receipted, and stays short."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platepost.department.custody.errors import CustodyError
from platepost.department.custody.holding import ChainName
from platepost.department.custody.receipt_log import LostRange, ReceiptLog, ReceiptState
from platepost.wire.records.receipt import KeptRange, Receipt
from tests.department.custody.chains import CHAIN, digest

OTHER = ChainName("post-2", CHAIN.chain)


def span(first: int, last: int) -> KeptRange:
    return KeptRange(first=first, last=last, digest=digest(last))


def receipt(number: int, *ranges: KeptRange, chain: ChainName = CHAIN, epoch: int = 1) -> Receipt:
    return Receipt(
        agency="demo",
        post=chain.post,
        custodian="records",
        epoch=epoch,
        number=number,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        chain=chain.chain,
        ranges=ranges,
    )


def test_what_was_receipted_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "log" / "receipts"
    with ReceiptLog(path) as log:
        assert log.epoch is None
        log.begin(7)
        log.add([receipt(1, span(1, 3), epoch=7), receipt(2, span(1, 1), chain=OTHER, epoch=7)])
        log.add([receipt(3, span(1, 5), span(8, 9), epoch=7)])
    with ReceiptLog(path) as log:
        assert (log.epoch, log.number) == (7, 3)
        assert log.receipted == {CHAIN: (span(1, 5), span(8, 9)), OTHER: (span(1, 1),)}


def test_a_range_that_no_later_one_covers_stays(tmp_path: Path) -> None:
    with ReceiptLog(tmp_path / "receipts") as log:
        log.begin(1)
        log.add([receipt(1, span(1, 2), span(5, 6)), receipt(2, span(8, 9))])
        assert log.receipted[CHAIN] == (span(1, 2), span(5, 6), span(8, 9))


def test_only_ranges_that_later_ones_cover_go(tmp_path: Path) -> None:
    draw = random.Random(5)

    def drawn() -> list[KeptRange]:
        ends = sorted(draw.sample(range(1, 60), 16))
        return [span(first, last) for first, last in zip(ends[::2], ends[1::2], strict=True)]

    with ReceiptLog(tmp_path / "receipts") as log:
        log.begin(1)
        ranges: list[KeptRange] = []
        for number in range(1, 40):
            new = drawn()
            covered = [had for had in ranges if any(one.first <= had.first and had.last <= one.last for one in new)]
            ranges = sorted([had for had in ranges if had not in covered] + new, key=lambda one: (one.first, one.last))
            log.add([receipt(number, *new)])
            assert log.receipted[CHAIN] == tuple(ranges)


def test_a_new_epoch_forgets_the_receipts_and_keeps_what_was_lost(tmp_path: Path) -> None:
    gap = LostRange(*CHAIN, 2, 3)
    with ReceiptLog(tmp_path / "receipts") as log:
        log.begin(1)
        log.add([receipt(1, span(1, 3))])
        log.begin(2, [gap])
        assert (log.epoch, log.number, log.receipted) == (2, 0, {})
    with ReceiptLog(tmp_path / "receipts") as log:
        assert (log.epoch, log.number, log.receipted) == (2, 0, {})
        assert log.incidents == (gap,)
        assert ReceiptState(log._path).incidents == (gap,), "while the keeper has it open"
    assert str(gap) == f"post-1, chain {CHAIN.chain}: numbers 2 to 3"


def test_half_a_line_was_never_entered(tmp_path: Path) -> None:
    path = tmp_path / "receipts"
    with ReceiptLog(path) as log:
        log.begin(1)
        log.add([receipt(1, span(1, 3))])
    with path.open("ab") as file:
        file.write(b'{"post":"post-1","ch')
    with ReceiptLog(path) as log:
        assert log.number == 1
        log.add([receipt(2, span(1, 4))])
    with ReceiptLog(path) as log:
        assert log.receipted == {CHAIN: (span(1, 4),)}


def test_it_is_shortened_and_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "receipts"
    with ReceiptLog(path, shorten_from=20) as log:
        log.begin(1)
        log.add([receipt(1, span(1, 1), chain=OTHER)])
        for number in range(2, 200):
            log.add([receipt(number, span(1, number))])
            assert len(path.read_bytes().splitlines()) <= 22
        with pytest.raises(CustodyError, match="another process"):
            ReceiptLog(path)
    with ReceiptLog(path) as log:
        assert (log.epoch, log.number) == (1, 199)
        assert log.receipted == {CHAIN: (span(1, 199),), OTHER: (span(1, 1),)}


@pytest.mark.parametrize(
    "line", [b"nothing", b"[1]", b'{"epoch":1}', b'{"epoch":1,"post":"p","chain":"c","number":1,"ranges":[[2,1,"x"]]}']
)
def test_damage_is_named(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "receipts"
    path.write_bytes(b'{"epoch":1,"lost":[]}\n' + line + b"\n")
    with pytest.raises(CustodyError, match="line 2"):
        ReceiptLog(path)
    path.write_bytes(b"")
    ReceiptLog(path).close()


def test_one_process_issues_receipts(tmp_path: Path) -> None:
    path = tmp_path / "receipts"
    with ReceiptLog(path), pytest.raises(CustodyError, match="another process"):
        ReceiptLog(path)
    ReceiptLog(path).close()
