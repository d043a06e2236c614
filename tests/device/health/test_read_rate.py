from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from platepost.device.health.read_rate import FILE, ReadComparison, ReadRateBaseline, ReadRateMonitor
from platepost.wire.faults import Fault

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday


class Road:
    """So many reads in each hour of the day, evenly."""

    def __init__(self, baseline: ReadRateBaseline, *, begin: datetime = BEGIN) -> None:
        self.baseline = baseline
        self.now = begin
        self.reads = 0.0

    def run(self, hours: float, *, an_hour: float, watching: bool = True, step: float = 60.0) -> float | None:
        """Let time pass; returns after how many seconds reads were first missed."""
        missed = None
        for number in range(round(hours * 3600 / step)):
            self.now += timedelta(seconds=step)
            self.reads += an_hour * step / 3600
            self.baseline.poll(self.now, reads=int(self.reads), watching=watching)
            if missed is None and self.baseline.missed:
                missed = (number + 1) * step
        return missed


def test_reads_that_stay_away_on_a_busy_road_are_missed_in_time_and_the_next_heals(tmp_path: Path) -> None:
    road = Road(ReadRateBaseline(tmp_path / FILE))
    assert road.run(7 * 24, an_hour=120) is None
    assert road.run(1, an_hour=0) == pytest.approx(900, abs=120)
    road.run(0.1, an_hour=600)
    assert not road.baseline.missed


def test_on_a_quiet_road_it_takes_longer(tmp_path: Path) -> None:
    road = Road(ReadRateBaseline(tmp_path / FILE))
    assert road.run(7 * 24, an_hour=10) is None
    assert road.run(3, an_hour=0) == pytest.approx(7200, abs=400)


def test_what_is_unknown_is_not_missed() -> None:
    assert Road(ReadRateBaseline()).run(24, an_hour=0) is None


def test_a_closed_camera_misses_nothing() -> None:
    road = Road(ReadRateBaseline())
    road.run(7 * 24, an_hour=120)
    assert road.run(5, an_hour=0, watching=False) is None


def test_hours_in_which_reads_were_missed_are_not_learned() -> None:
    road = Road(ReadRateBaseline())
    road.run(7 * 24, an_hour=120)
    road.run(5 * 7 * 24, an_hour=0)
    assert road.baseline.missed


def test_a_road_that_has_become_quiet_for_good_is_usual_after_some_weeks() -> None:
    road = Road(ReadRateBaseline())
    road.run(7 * 24, an_hour=100)
    assert road.run(7 * 24, an_hour=3) is not None
    road.run(9 * 7 * 24, an_hour=3)
    assert road.run(7 * 24, an_hour=3) is None
    assert road.run(24, an_hour=0) is not None, "blindness is told still"


def week(road: Road, *, shift: int = 0, blind: bool = False) -> float | None:
    """Let a week pass on a road whose people drive from 6 to 20; returns in which hour reads were first missed."""
    missed = None
    for hour in range(7 * 24):
        an_hour = 0 if blind else 240 if 6 <= (hour + shift) % 24 < 20 else 1
        found = road.run(1, an_hour=an_hour)
        missed = hour if missed is None and found is not None else missed
    return missed


@pytest.mark.parametrize("shift", [1, -1])
def test_traffic_that_comes_an_hour_earlier_or_later_is_not_missed(shift: int) -> None:
    road = Road(ReadRateBaseline())
    assert [week(road) for _ in range(3)] == [None] * 3
    assert [week(road, shift=shift) for _ in range(8)] == [None] * 8, "as when daylight saving time begins or ends"
    assert [week(road) for _ in range(8)] == [None] * 8


def test_a_post_that_is_blind_says_so_within_the_first_hour_in_which_traffic_is_due_whatever_the_clock() -> None:
    road = Road(ReadRateBaseline())
    assert [week(road) for _ in range(3)] == [None] * 3
    assert week(road, blind=True) == 7


def test_a_road_with_one_busy_hour_is_missed_an_hour_later() -> None:
    road = Road(ReadRateBaseline())
    for hour in range(7 * 24):
        road.run(1, an_hour=200 if hour % 24 == 6 else 1)
    assert road.run(6, an_hour=0) is None
    assert road.run(3, an_hour=0) == pytest.approx(3600 + 200, abs=120)


def test_the_baseline_survives_a_restart(tmp_path: Path) -> None:
    road = Road(ReadRateBaseline(tmp_path / FILE))
    road.run(7 * 24 + 1, an_hour=120)
    after = Road(ReadRateBaseline(tmp_path / FILE), begin=road.now)
    assert after.run(1, an_hour=0) is not None


def test_a_clock_that_is_set_neither_learns_nor_misses() -> None:
    road = Road(ReadRateBaseline())
    road.run(7 * 24, an_hour=120)
    for days in (3, -5, 700):
        road.now += timedelta(days=days)
        road.baseline.poll(road.now, reads=int(road.reads), watching=True)
        assert not road.baseline.missed


@pytest.mark.parametrize("content", [b"", b"[1, 2]", b"{}", b'["x"]', b"\xff", b"null", b"7"])
def test_a_damaged_baseline_is_learned_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert Road(ReadRateBaseline(tmp_path / FILE)).run(2, an_hour=0) is None


def drive(comparison: ReadComparison, minutes: float, *, an_hour: float, reads: int) -> int:
    """Let a road with so many reads an hour pass; returns how many reads there were in all."""
    for step in range(round(minutes * 12)):
        comparison.poll(5.0, reads=reads + int((step + 1) * 5 * an_hour / 3600))
    return reads + int(round(minutes * 12) * 5 * an_hour / 3600)


def test_a_change_that_costs_the_reads_is_found_once_twenty_were_to_come() -> None:
    comparison = ReadComparison()
    reads = drive(comparison, 60, an_hour=120, reads=0)
    comparison.begin()
    reads = drive(comparison, 9, an_hour=12, reads=reads)
    assert (comparison.undecided, comparison.fewer) == (True, False)
    reads = drive(comparison, 2, an_hour=12, reads=reads)
    assert (comparison.undecided, comparison.fewer) == (False, True)


def test_a_change_that_costs_few_reads_is_well() -> None:
    comparison = ReadComparison()
    reads = drive(comparison, 60, an_hour=120, reads=0)
    comparison.begin()
    drive(comparison, 11, an_hour=40, reads=reads)
    assert (comparison.undecided, comparison.fewer) == (False, False)


@pytest.mark.parametrize(("before", "an_hour"), [(5, 1200), (60, 20), (60, 0)])
def test_where_too_little_was_read_before_nothing_waits_and_nothing_is_blamed(before: float, an_hour: float) -> None:
    comparison = ReadComparison()
    reads = drive(comparison, before, an_hour=an_hour, reads=0)
    comparison.begin()
    assert not comparison.undecided
    drive(comparison, 90, an_hour=0, reads=reads)
    assert not comparison.fewer


def test_the_configuration_before_is_compared_with_what_was_before_both_changes() -> None:
    comparison = ReadComparison()
    reads = drive(comparison, 60, an_hour=120, reads=0)
    comparison.begin()
    reads = drive(comparison, 11, an_hour=0, reads=reads)
    assert comparison.fewer
    comparison.begin()
    assert (comparison.undecided, comparison.fewer) == (True, False)
    drive(comparison, 11, an_hour=120, reads=reads)
    assert (comparison.undecided, comparison.fewer) == (False, False)


def test_an_hour_after_a_change_the_traffic_is_another() -> None:
    comparison = ReadComparison()
    reads = drive(comparison, 60, an_hour=120, reads=0)
    comparison.begin()
    drive(comparison, 61, an_hour=0, reads=reads)
    assert not comparison.fewer


def test_a_post_compares_what_it_reads_with_what_it_read_before_its_configuration_changed(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    counters, tables = mocker.Mock(reads=0), mocker.Mock()
    monitor = ReadRateMonitor(tmp_path, counters, mocker.Mock(now=lambda: BEGIN), mocker.Mock())
    for second in range(0, 1800, 5):
        counters.reads = second // 20
        monitor.poll(float(second))
    monitor.adjust(tables)
    monitor.poll(1800.0)
    assert (monitor.faults(), monitor.undecided()) == ((), (Fault.READS_FEWER,))
    for second in range(1800, 2300, 5):
        monitor.poll(float(second))
    assert (monitor.faults(), monitor.undecided()) == ((Fault.READS_FEWER,), ())
