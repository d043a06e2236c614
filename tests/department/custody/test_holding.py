"""Ranges join where the records' own hashes join them, whatever order records come in, and nowhere else."""

import random

import pytest

from platepost.department.custody.holding import Fate, Fork, Holding
from tests.department.custody.chains import CHAIN, MemoryRecords, digest


def receipted(records: MemoryRecords) -> list[tuple[int, int, str]]:
    return [(stored.first, stored.last, stored.digest) for stored in records.holding(CHAIN).ranges()]


@pytest.mark.parametrize("seed", range(20))
def test_records_in_any_order_become_one_range(seed: int) -> None:
    draw = random.Random(seed)
    records = MemoryRecords()
    numbers = list(range(1, 60))
    draw.shuffle(numbers)
    for number in numbers:
        assert records.take([number]) == [Fate.NEW]
        assert records.take([draw.choice(numbers[: numbers.index(number) + 1])]) == [Fate.HELD]
    assert receipted(records) == [(1, 59, digest(59))]


def test_a_gap_parts_two_ranges_until_it_is_filled() -> None:
    records = MemoryRecords()
    records.take([1, 2])
    records.take([4, 5])
    assert receipted(records) == [(1, 2, digest(2)), (4, 5, digest(5))]
    records.take([3])
    assert receipted(records) == [(1, 5, digest(5))]


def test_a_second_record_of_a_number_is_a_fork_and_joins_nothing() -> None:
    records = MemoryRecords()
    records.take(range(1, 11))
    assert records.take(range(6, 9), branch="b") == [Fate.FORKED] * 3
    assert receipted(records) == [(1, 10, digest(10))]
    assert records.holding(CHAIN).forks == {Fork(number, digest(number, "b")) for number in (6, 7, 8)}


def test_a_branch_that_goes_on_past_the_end_is_not_joined_to_it() -> None:
    records = MemoryRecords()
    records.take(range(1, 11))
    assert records.take([11, 12], branch="b") == [Fate.NEW] * 2
    assert receipted(records) == [(1, 10, digest(10)), (11, 12, digest(12, "b"))]
    assert records.holding(CHAIN).forks == {Fork(10, digest(10, "b"))}


def test_a_record_that_comes_before_one_of_another_branch_is_not_joined_to_it() -> None:
    records = MemoryRecords()
    records.take([11], branch="b")
    records.take([10])
    assert receipted(records) == [(10, 10, digest(10)), (11, 11, digest(11, "b"))]
    assert records.holding(CHAIN).forks == {Fork(10, digest(10, "b"))}


def test_numbers_that_the_post_gave_up_join_what_is_held() -> None:
    records = MemoryRecords()
    records.take([1, 2])
    records.take([6])
    records.take([9])
    holding = records.holding(CHAIN)
    holding.give_up([(4, 5), (3, 3)])
    holding.give_up([(8, 8)])
    # 7 is missing: 8 is said to be gone, and belongs to the range that follows.
    assert receipted(records) == [(1, 6, digest(6)), (8, 9, digest(9))]


def test_numbers_given_up_at_the_beginning_belong_to_the_first_range() -> None:
    records = MemoryRecords()
    records.take([4])
    records.holding(CHAIN).give_up([(1, 3)])
    assert receipted(records) == [(1, 4, digest(4))]


def test_numbers_given_up_do_not_bridge_the_branches_of_a_fork() -> None:
    records = MemoryRecords()
    records.take(range(1, 11))
    records.holding(CHAIN).give_up([(11, 12)])
    records.take([13])
    assert receipted(records) == [(1, 13, digest(13))]
    records.take([6], branch="b")
    assert receipted(records) == [(1, 10, digest(10)), (13, 13, digest(13))]


def test_after_a_purge_a_record_that_comes_back_counts_as_held() -> None:
    records = MemoryRecords()
    records.take(range(1, 11))
    records.stored.clear()
    assert records.take([5]) == [Fate.HELD]
    holding = records.holding(CHAIN)
    # The digest of a range's last record is known even then.
    assert holding.add(10, digest(10, "b"), digest(9), stored=None) is Fate.FORKED
    assert holding.add(10, digest(10), digest(9), stored=None) is Fate.HELD
    assert holding.add(9, digest(9), digest(8), stored=None) is Fate.HELD, "what was purged is no fork"


def test_what_is_kept_of_a_holding_makes_it_again() -> None:
    records = MemoryRecords()
    records.take([1, 2, 5])
    records.take([7], branch="b")
    records.take([8])
    holding = records.holding(CHAIN)
    holding.give_up([(3, 4)])
    again = Holding(holding.runs, dropped=holding.dropped, forks=holding.forks)
    assert again.ranges() == holding.ranges()
    assert again.forks == holding.forks


def test_what_a_range_lacks_is_named() -> None:
    records = MemoryRecords()
    records.take([1, 2, 5])
    holding = records.holding(CHAIN)
    holding.give_up([(3, 3)])
    (stored,) = Holding([*MemoryRecords().holding(CHAIN).runs, *whole(7)]).ranges()
    assert holding.lacks(stored) == [(4, 4), (6, 7)]


def whole(last: int) -> tuple:
    records = MemoryRecords()
    records.take(range(1, last + 1))
    return records.holding(CHAIN).runs
