"""What each kind of check finds wrong, on observations made up for it."""

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import TypeAdapter

from platepost.simulator.ground.dispatchers import HitDecision
from platepost.simulator.scenario.course import HeldByCustodian, MadeRecord
from platepost.simulator.scenario.description import Check
from platepost.simulator.scenario.observations import Condition, Observations, ReceivedRecord
from platepost.simulator.scenario.wire import AUDIT, HIT, READ, STATUS

CHECK: TypeAdapter[Any] = TypeAdapter(Check)


class MadeUp(Observations):
    """Observations of one post, without a run."""

    def __init__(
        self,
        *records: ReceivedRecord,
        conditions: tuple[Condition, ...] = (),
        unreleased: int | None = 0,
        kept: int = 0,
    ) -> None:
        self.records = records
        held = HeldByCustodian("vault", kept=kept, named=2)
        course = SimpleNamespace(board=(), opened=1, made=(None,) * 5, unreleased=unreleased, custody=(held,))
        self.posts: Mapping[str, Any] = {"post-1": course}
        self._conditions = conditions

    def made(self, post: str | None = None) -> Iterator[tuple[str, MadeRecord]]:
        return iter(())

    def conditions(self, post: str) -> tuple[Condition, ...]:
        return self._conditions


def seen(kind: str, at: float, *, latency: float | None = None, **data: object) -> ReceivedRecord:
    event = {"type": kind, "data": data, "sequence": round(at * 10) + 1}
    return ReceivedRecord("post-1", event, at, 1, at, latency)


def said(*spans: tuple[float, float, str]) -> MadeUp:
    """Return observations of what the post said of itself: from, to, and the reasons, separated by spaces."""
    return MadeUp(
        conditions=tuple(
            Condition(begin, end, "degraded" if reasons else "online", frozenset(reasons.split()))
            for begin, end, reasons in spans
        )
    )


def judge(observed: MadeUp, **check: object) -> str:
    found = CHECK.validate_python(check)
    assert found.says
    return " | ".join(found.judge(observed))


STATE = {"check": "state", "reason": "tamper_open", "within": 2}


@pytest.mark.parametrize(
    ("observed", "asked", "wrong"),
    [
        (said((0, 10, ""), (10.5, 20.5, "tamper_open"), (20.5, 30, "")), {"entered": 10, "left": 20}, ""),
        (said((0, 30, "")), {"entered": 10}, "was not reported within 2 s (reported: never)"),
        (
            said((0, 13, ""), (13, 30, "tamper_open")),
            {"entered": 10},
            "was not reported within 2 s (reported: 13 s to 30 s)",
        ),
        (said((0, 9, ""), (9, 30, "tamper_open")), {"entered": 10}, "was reported too early"),
        (said((0, 10, ""), (10, 30, "tamper_open")), {"entered": 10, "left": 20}, "was not cleared within 2 s"),
        (said((0, 30, "")), {"left": 20}, "was not cleared"),
        (
            said((10, 20, "tamper_open"), (20, 25, ""), (25, 30, "tamper_open")),
            {"entered": 10, "left": 20},
            "was reported again (reported: 10 s to 20 s, 25 s to 30 s)",
        ),
        (
            said((10, 21, "tamper_open"), (21, 30, "tamper_open clock_behind")),
            {"entered": 10, "left": 20},
            "was not cleared within 2 s (reported: 10 s to 30 s)",
        ),
        (
            said((10, 20, "tamper_open"), (20, 21, ""), (21, 30, "tamper_open")),
            {"entered": 10, "left": 20},
            "was not cleared within 2 s",
        ),
        (
            said((10, 11, "tamper_open"), (11, 30, "")),
            {"entered": 10, "left": 20},
            "was not reported all the time (reported: 10 s to 11 s)",
        ),
        (
            said((10, 14, "tamper_open"), (14, 15, ""), (15, 20, "tamper_open"), (20, 30, "")),
            {"entered": 10, "left": 20},
            "was not reported all the time",
        ),
        (said((0, 1, "tamper_open"), (1, 30, "")), {"entered": 0, "left": 2}, ""),
        (said((0, 10, "clock_behind"), (10, 30, "")), {"never": True}, ""),
        (said((5, 6, "tamper_open")), {"never": True}, "was reported: 5 s to 6 s"),
    ],
)
def test_a_state_is_said_in_time_and_taken_back_in_time(observed: MadeUp, asked: dict[str, Any], wrong: str) -> None:
    found = judge(observed, **STATE, **asked)
    assert wrong in found
    assert bool(wrong) == bool(found)


def test_another_reason_meanwhile_does_not_end_a_state() -> None:
    observed = said((10, 15, "tamper_open"), (15, 20, "clock_behind tamper_open"), (20, 30, ""))
    assert not judge(observed, **STATE, entered=10, left=19)


@pytest.mark.parametrize(
    ("limits", "counts"),
    [
        ({}, {1, 2, 3}),
        ({"count": 2}, {2}),
        ({"count": 0}, {0}),
        ({"at_least": 2}, {2, 3}),
        ({"at_most": 1}, {0, 1}),
        ({"at_least": 1, "at_most": 2}, {1, 2}),
    ],
)
def test_counts_are_held_against_their_limits(limits: dict[str, int], counts: set[int]) -> None:
    for count in range(4):
        reads = (seen(READ, number, plate_read="7ABC123", hotlist={"result": "no_match"}) for number in range(count))
        assert (not judge(MadeUp(*reads), check="reads", **limits)) == (count in counts)


def test_reads_are_told_apart_by_plate_answer_and_time() -> None:
    observed = MadeUp(
        seen(READ, 5, plate_read="7OBC1I3", hotlist={"result": "match"}),
        seen(READ, 9, plate_read="7XYZ999", hotlist={"result": "no_match"}),
    )
    assert not judge(observed, check="reads", plate="70BC113", count=1)
    assert not judge(observed, check="reads", result="no_match", count=1)
    assert not judge(observed, check="reads", before=9, count=1)
    assert not judge(observed, check="reads", after=9, count=1)
    assert judge(observed, check="reads", plate="7ABC123") == "0 reads of 7ABC123: none, at least 1 wanted"


HIT_DATA = {
    "plate_read": "7ABC123",
    "category": "stolen_vehicle",
    "match": "exact",
    "hotlist_stale": False,
    "pictures": [{"kind": "patch", "data": "x"}, {"kind": "overview", "data": "y"}],
}


@pytest.mark.parametrize(
    "other",
    [
        {"plate_read": "7ABC124"},
        {"category": "bolo"},
        {"match": "near"},
        {"hotlist_stale": True},
        {"pictures": [{"kind": "patch", "data": "x"}, {"kind": "overview"}]},
    ],
)
def test_hits_are_told_apart_by_all_that_is_asked(other: dict[str, Any]) -> None:
    asked = {
        "check": "hits",
        "plate": "7ABC123",
        "category": "stolen_vehicle",
        "match": "exact",
        "stale": False,
        "pictures": True,
        "count": 1,
    }
    assert not judge(MadeUp(seen(HIT, 5, **HIT_DATA)), **asked)
    assert judge(MadeUp(seen(HIT, 5, **(HIT_DATA | other))), **asked)


def test_an_audit_that_is_missing_is_told_with_what_there_is() -> None:
    observed = MadeUp(seen(AUDIT, 1, action="boot", outcome="success"))
    found = judge(observed, check="audit", action="stop")
    assert found == "0 audit records of stop (it has: boot), at least 1 wanted"


def test_the_list_in_force_is_the_one_last_said_before_the_moment() -> None:
    observed = MadeUp(
        seen(STATUS, 1, hotlist={"state": "none"}),
        seen(STATUS, 5, hotlist={"state": "current", "version": 3}),
        seen(STATUS, 9, hotlist={"state": "stale", "version": 3}),
    )
    assert not judge(observed, check="list", at=4)
    assert not judge(observed, check="list", version=3, state="current", at=8)
    assert judge(observed, check="list", version=3, state="current") == "post-1: the list is stale, expected current"
    assert judge(observed, check="list", version=4, at=8) == "post-1: list 3 is active, expected 4"


def test_a_post_that_says_nothing_meets_no_demand_of_what_it_says() -> None:
    late = MadeUp(seen(STATUS, 9, hotlist={"state": "none"}))
    assert judge(late, check="list", at=4) == "post-1: it has not reported its list by then"
    assert judge(MadeUp(), check="list") == "post-1: it has not reported its list by then"
    assert judge(MadeUp(), check="clock", after=5) == "post-1: no record has the time from 5 s on"


def test_half_of_the_hits_must_be_quick() -> None:
    observed = MadeUp(*(seen(HIT, number, latency=latency) for number, latency in enumerate((0.1, 0.2, 9.0))))
    assert not judge(observed, check="latency", within=0.2)
    assert judge(observed, check="latency", within=0.1) == "half of the hits took 0.20 s or more"
    assert judge(MadeUp(), check="latency", within=1) == "no hit arrived"


@pytest.mark.parametrize(
    ("observed", "lost", "wrong"),
    [
        (MadeUp(kept=3), 2, ""),
        (MadeUp(kept=3), 0, "vault names 2 records as receipted, not held | post-1: vault holds 3 of 5 records"),
        (MadeUp(kept=2), 2, "vault holds 2 of 5 records"),
        (MadeUp(kept=3, unreleased=4), 2, "4 records are still on the post"),
        (MadeUp(kept=3, unreleased=None), 2, "it cannot be reached at the end"),
    ],
)
def test_custodians_hold_all_but_what_they_name_and_posts_have_let_go(observed: MadeUp, lost: int, wrong: str) -> None:
    found = judge(observed, check="custody", lost=lost)
    assert found.startswith(f"post-1: {wrong}") if wrong else not found


def test_what_is_delivered_is_released_unless_nobody_can_tell() -> None:
    assert not judge(MadeUp(), check="delivered")
    assert not judge(MadeUp(unreleased=None), check="delivered")
    assert judge(MadeUp(unreleased=1), check="delivered") == "post-1: 1 records are still on the post"


def test_decisions_are_counted_apart_from_those_that_were_refused() -> None:
    made, observed = ["take", "confirm", "active"], MadeUp()
    said = [HitDecision("a", "7ABC123", each, "post-1", "waiting", "no" * (each == "active")) for each in made]
    observed.course = SimpleNamespace(decisions=tuple(enumerate(said)))  # type: ignore[assignment]
    assert judge(observed, check="decisions", plate="7ABC123", count=2) == ""
    assert judge(observed, check="decisions", decision="active", refused=True, count=1) == ""
    assert judge(observed, check="decisions", decision="active", state="actionable") == (
        "0 decisions (take: waiting; confirm: waiting; active: no), at least 1 wanted"
    )
    assert judge(observed, check="decisions", after=1, plate="7ABC124", count=0) == ""
