"""Events that come again and again: each while they are few, a bounded rate with their number when they are many."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from platepost.device.audit.log import AuditEvent
from platepost.device.audit.rate_limit import HOUR_SECONDS, MOST, WINDOW_SECONDS, RateLimitedAudit
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.health.clock_steps import LARGE_SECONDS, ClockStepMonitor
from platepost.device.uplink.takeover import SessionTakeover
from platepost.wire.faults import Fault
from platepost.wire.records import ClockQuality
from tests.clocks import SteppedClock

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOURLY = MOST + HOUR_SECONDS / WINDOW_SECONDS


class Desk:
    """A rate limit at a clock of its own, and what came into the audit log."""

    def __init__(self) -> None:
        self.clock = SteppedClock()
        self.said: list[dict[str, Any]] = []
        trail: Any = self
        self.limited = RateLimitedAudit(trail, clock=self.clock)

    def record_soon(self, event: AuditEvent) -> None:
        said = {name: value for name, value in asdict(event).items() if value is not None and name != "verified"}
        self.said.append({"reason": None} | said)

    def fail(self, reason: str = "reopen", **details: int) -> None:
        self.limited.record("camera_failed", source="camera", outcome="failure", reason=reason, details={**details})

    def number(self) -> int:
        """Return how many events were told, one by one or counted."""
        return sum(
            sum(record["details"]["counted"].values()) if record["reason"] == "repeated" else 1 for record in self.said
        )


def test_the_first_are_told_at_once_then_their_number_and_the_last_of_them() -> None:
    desk = Desk()
    for number in range(8):
        desk.fail(failures=number)
        assert len(desk.said) == min(number + 1, MOST), "at once, or counted"
        desk.clock.now += 10
    desk.clock.now = WINDOW_SECONDS
    desk.limited.poll(desk.clock.now)
    assert desk.said[MOST:] == [
        {
            "action": "camera_failed",
            "source": "camera",
            "outcome": "failure",
            "reason": "repeated",
            "details": {"counted": {"reopen": 3}, "seconds": 600, "last": {"failures": 7}},
        }
    ]
    desk.limited.flush()
    assert len(desk.said) == MOST + 1, "each is counted once"


def test_a_month_of_failures_costs_some_records_an_hour_and_none_is_uncounted() -> None:
    desk, failures = Desk(), 0
    for hour in range(30 * 24):
        before = len(desk.said)
        while desk.clock.now < (hour + 1) * HOUR_SECONDS:
            desk.fail()
            failures += 1
            desk.clock.now += 10
        assert len(desk.said) - before <= HOURLY
    desk.limited.flush()
    assert desk.number() == failures


def test_another_reason_or_kind_is_told_though_many_of_one_were_counted() -> None:
    desk = Desk()
    for _ in range(2 * MOST):
        desk.fail()
        desk.limited.record("clock_stepped", source="clock", kind="small")
    desk.fail("restart")
    assert desk.said[-1]["reason"] == "restart"
    desk.limited.record("clock_stepped", source="clock", details={"seconds": 1e9}, kind="large")
    assert desk.said[-1]["details"] == {"seconds": 1e9}
    assert len(desk.said) == 2 * MOST + 2
    desk.limited.flush()
    assert [record["details"]["counted"] for record in desk.said[-2:]] == [{"reopen": MOST}, {"small": MOST}]


def test_what_comes_again_after_a_quiet_hour_is_told_at_once() -> None:
    desk = Desk()
    for _ in range(2 * MOST):
        desk.fail()
    desk.clock.now += HOUR_SECONDS
    desk.fail("reopen", failures=1)
    assert desk.said[-1]["details"] == {"failures": 1}


def test_a_flood_of_refusals_hides_no_event_and_no_event_a_refusal() -> None:
    desk = Desk()
    for _ in range(2 * MOST):
        desk.limited.refused("hotlist_refused", source="broker", reason="unsigned")
    desk.limited.record("hotlist_refused", source="broker", outcome="failure", reason="not_stored")
    assert desk.said[-1]["reason"] == "not_stored"
    desk.limited.flush()
    assert [record["details"]["counted"] for record in desk.said[MOST + 1 :]] == [{"unsigned": MOST}]


def test_a_flood_of_one_refusal_does_not_hide_the_first_of_another() -> None:
    desk = Desk()
    for _ in range(100 * MOST):
        desk.limited.refused("hotlist_refused", source="broker", reason="unsigned")
    desk.limited.refused("hotlist_refused", source="broker", reason="malformed", details={"message": "version"})
    assert (desk.said[-1]["reason"], desk.said[-1]["details"]) == ("malformed", {"message": "version"})


def test_a_flood_of_forgeries_does_not_hide_what_the_fleet_s_own_people_signed() -> None:
    desk = Desk()
    for verified in (False, True):
        for _ in range(2 * MOST):
            desk.limited.refused("command_refused", source="broker", reason="too_old", verified=verified)
    assert len(desk.said) == 2 * MOST


def test_two_that_throw_each_other_out_for_hours_fill_no_outbox() -> None:
    desk = Desk()
    uplink: Any = SimpleNamespace(state=lambda: SimpleNamespace(problem=problem))
    takeover = SessionTakeover(uplink, desk.limited)
    while desk.clock.now < 2 * HOUR_SECONDS:
        for problem in ("session_taken_over", None):  # noqa: B007 - what the uplink says
            takeover.poll(desk.clock.now)
            assert takeover.faults() == (Fault.IDENTITY_ELSEWHERE,)
        desk.clock.now += 10
    assert len(desk.said) <= 2 * HOURLY
    assert {record["action"] for record in desk.said} == {"identity_elsewhere"}


@pytest.mark.parametrize("large", [False, True])
def test_a_clock_that_is_set_to_and_fro_for_hours_fills_no_outbox_and_hides_no_larger_step(
    mocker: MockerFixture, *, large: bool
) -> None:
    desk = Desk()
    moment = NOON

    def wall() -> float:
        return moment.timestamp()

    timekeeper = Timekeeper(
        None,
        quality=lambda: ClockQuality(source="chrony", synchronised=False),
        wall=wall,
        steady=lambda: 0.0,
    )
    watch = ClockStepMonitor(
        timekeeper,
        desk.limited,
        mocker.Mock(),
        hotlist=mocker.Mock(current=None),
        download=mocker.Mock(),
        uplink=mocker.Mock(),
    )
    watch.poll(desk.clock.now)
    step = timedelta(seconds=LARGE_SECONDS if large else LARGE_SECONDS / 2)
    while desk.clock.now < 1.5 * HOUR_SECONDS:
        moment = NOON + step if moment == NOON else NOON
        watch.poll(desk.clock.now)
        desk.clock.now += 10
    assert MOST < len(desk.said) <= 2 * HOURLY
    if not large:
        moment = NOON + timedelta(days=4000)
        watch.poll(desk.clock.now)
        assert desk.said[-1]["details"]["seconds"] > 4000 * 86400 - LARGE_SECONDS


def test_events_are_told_as_they_are_and_refusals_within_bounds() -> None:
    desk = Desk()
    for number in range(MOST + 2):
        desk.limited.take(AuditEvent("configuration_applied", "broker", object=str(number)))
        desk.limited.take(
            AuditEvent("configuration_refused", "broker", "refused", "a-lopez", "older", details={"message": "older"})
        )
    applied = [record for record in desk.said if record["action"] == "configuration_applied"]
    refused = [record for record in desk.said if record["action"] == "configuration_refused"]
    assert [record["object"] for record in applied] == [str(number) for number in range(MOST + 2)]
    assert len(refused) == MOST
    assert {record["identity"] for record in refused} == {"a-lopez"}
    assert refused[0]["details"] == {"message": "older"}
    desk.limited.take(AuditEvent("configuration_refused", "broker", "refused", reason="unsigned", verified=False))
    assert desk.said[-1]["reason"] == "unsigned", "what nobody signed has a budget of its own"
