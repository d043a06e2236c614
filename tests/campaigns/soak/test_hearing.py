from datetime import UTC, datetime, timedelta

import pytest

from platepost.simulator.ground.subscriber import Arrival
from platepost.wire.records import TYPES, Hit, Read, Status
from tests.campaigns.soak.hearing import Hearing, Inflicted, judge_hearing

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def record(kind: type, made: float, heard: float | None = None, **data: object) -> Arrival:
    event = {"type": TYPES[kind], "time": at(made).isoformat(), "data": data}
    return Arrival("alpr/v1/faults/whole/x", event, at(made + 0.5 if heard is None else heard))


def hit(made: float, heard: float | None = None) -> Arrival:
    return record(Hit, made, heard, synthetic=True, hit=f"hit-{made:.0f}")


def judged(*arrivals: Arrival, faults: tuple[Inflicted, ...] = (), end: float) -> Hearing:
    heard = sorted(arrivals, key=lambda one: one.received)
    return judge_hearing(heard, faults, started=START, ended=at(end), every=timedelta(seconds=60))


def reads(*seconds: float) -> tuple[Arrival, ...]:
    return tuple(record(Read, second) for second in seconds)


def test_hits_that_come_when_they_are_due_are_counted() -> None:
    found = judged(hit(61), hit(122), hit(183, 190), end=200)
    assert (found.due, found.heard, found.excused, found.problems) == (3, 3, 0, [])
    assert found.slowest_seconds == 7


def test_one_that_never_came_is_named() -> None:
    found = judged(hit(61), hit(183), end=200)
    assert (found.due, found.heard, len(found.problems)) == (2, 1, 1)
    assert "due at 12:02:01 was made at 12:03:03" in found.problems[0]


def test_silence_at_the_end_is_named() -> None:
    found = judged(hit(61), end=200)
    assert (found.due, found.heard) == (2, 1)
    assert found.problems == ["the hit due at 12:02:01 was not heard until the end"]


def test_one_that_is_heard_too_late_without_a_fault_is_named() -> None:
    assert judged(hit(61, 100), end=110).problems


def test_one_that_is_due_during_a_fault_is_excused_and_must_be_heard_afterwards() -> None:
    fault = Inflicted("no network", at(115), at(140))
    found = judged(hit(61), hit(121, 142), *reads(141), hit(181), faults=(fault,), end=200)
    assert (found.due, found.heard, found.excused, found.problems) == (3, 2, 1, [])
    without = judged(hit(61), *reads(141), faults=(fault,), end=300)
    assert without.problems == ["the hit due at 12:02:01 was not heard until the end"]


def test_a_fault_long_ago_excuses_nothing() -> None:
    fault = Inflicted("no network", at(70), at(75))
    assert judged(hit(61), *reads(76), hit(160), faults=(fault,), end=170).problems


def test_a_fault_is_at_work_until_something_new_is_heard() -> None:
    half_open = Inflicted("half-open connection", at(110), at(110))
    found = judged(hit(61), *reads(100), hit(121, 165), *reads(165), faults=(half_open,), end=180)
    assert (found.excused, found.problems) == (1, [])


def test_after_a_start_the_first_is_due_a_minute_later() -> None:
    kill = Inflicted("post killed", at(100), at(101), restarts=True)
    found = judged(hit(61), *reads(105), hit(163), faults=(kill,), end=170)
    assert (found.due, found.heard, found.excused, found.problems) == (2, 1, 1, [])
    late = judged(hit(61), *reads(105), hit(290), faults=(kill,), end=300)
    assert late.problems


@pytest.mark.parametrize("said", ["hit-61", "hit-70"])
def test_what_a_status_says_was_made_must_have_been_heard(said: str) -> None:
    status = record(Status, 80, last_synthetic={"hit": said})
    found = judged(hit(61), status, status, end=100)
    assert found.problems == ([] if said == "hit-61" else ["hit-70, which a status names, was not heard"])
