"""What the live page is told of a record."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from device.faults.fault import Fault, reasons
from device.records.contract.examples import ExampleSigner, example_records
from device.records.hit import HELD_WORDING, SYNTHETIC_WORDING
from simulator.demo.telling import Teller
from simulator.ground.subscriber import Arrival

HEARD = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECORDS = example_records(ExampleSigner())


def arrival(name: str, *, delay: float = 1.0, post: str = "post-1", **changes: Any) -> Arrival:  # noqa: ANN401
    """Return an example as if it was heard `delay` seconds after it was made; `changes` are of its data."""
    example = RECORDS[name]
    event = example.event | {"data": example.event["data"] | changes}
    topic = example.topic.replace("/post-1/", f"/{post}/")
    return Arrival(topic, event, example.time + timedelta(seconds=delay))


def told(*arrivals: Arrival) -> dict[str, Any]:
    """Return what is told of the last one."""
    teller = Teller()
    events = [teller.tell(each) for each in arrivals]
    last = events[-1]
    assert last is not None
    return last


def clock(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return RECORDS["hit"].event["data"]["clock"] | changes  # type: ignore[no-any-return]


def test_a_status_is_told_with_until_when_it_is_good_counted_from_when_it_was_heard() -> None:
    statuses = {
        name: told(replace(arrival(name), received=HEARD)) for name in RECORDS if name.partition(".")[0] == "status"
    }
    good = {name: status.get("good_until") for name, status in statuses.items()}
    later = HEARD.timestamp() + 660
    assert good == {"status": later, "status.degraded": later, "status.repeat": later, "status.will": None}


def test_a_hit_is_told_in_its_own_words_with_the_age_of_its_list_and_the_agreement_of_states() -> None:
    event = told(arrival("hit", wording=HELD_WORDING, held=True, state_agreement="agrees"))
    assert (event["wording"], event["held"], event["state_agreement"]) == (HELD_WORDING, True, "agrees")
    assert event["list"] == "list version 118, 2.0 h old"
    assert event["doubts"] == []


def test_a_hit_bears_the_time_at_which_it_was_made() -> None:
    assert told(arrival("hit", delay=3600))["time"] == RECORDS["hit"].time.strftime("%H:%M:%S")


@pytest.mark.parametrize(
    ("changes", "delay", "doubts"),
    [
        ({"hotlist_stale": True}, 1, ["old hot list"]),
        ({"state_agreement": "contradicts"}, 1, ["another state by its look"]),
        ({"clock": clock(synchronised=False)}, 1, ["clock not synchronized: age of hit and list uncertain"]),
        ({"clock": clock(held_seconds=86_400.0)}, 1, ["the post's clock is wrong"]),
        ({}, -301, ["the post's clock is wrong"]),
        ({}, 301, ["late: 5 min old"]),
    ],
)
def test_what_makes_a_hit_doubtful_is_told(changes: dict[str, Any], delay: float, doubts: list[str]) -> None:
    assert told(arrival("hit", delay=delay, **changes))["doubts"] == doubts


def test_a_list_of_unknown_age_is_told_as_such() -> None:
    hotlist = {name: value for name, value in RECORDS["hit"].event["data"]["hotlist"].items() if name != "age_seconds"}
    assert told(arrival("hit", hotlist=hotlist))["list"] == "list version 118, of unknown age"


def test_a_synthetic_hit_is_told_as_no_hit_and_with_how_long_it_took() -> None:
    event = told(arrival("hit", delay=2.5, synthetic=True, wording=SYNTHETIC_WORDING))
    assert (event["kind"], event["seconds"], event["wording"]) == ("synthetic", 2.5, SYNTHETIC_WORDING)


def test_a_hit_whose_withdrawal_came_first_is_told_as_withdrawn() -> None:
    hit = RECORDS["hit"].event["data"]["hit"]
    assert told(arrival("hit"))["withdrawn"] is None
    assert told(arrival("hit.withdrawn", hit=hit), arrival("hit"))["withdrawn"] == "text changed"


def test_no_post_withdraws_the_hit_of_another() -> None:
    hit = RECORDS["hit"].event["data"]["hit"]
    assert told(arrival("hit.withdrawn", hit=hit, post="post-2"), arrival("hit"))["withdrawn"] is None


def test_a_status_is_told_with_how_bad_its_worst_fault_is_and_the_worst_first() -> None:
    present = reasons({Fault.CLOCK_UNSYNCHRONISED, Fault.TAMPER_OPEN})
    status = told(arrival("status.degraded", reasons=[each.wire() for each in present]))
    assert status["severity"] == "critical"
    assert [(each["name"], each["severity"]) for each in status["reasons"]] == [
        ("tamper open", "critical"),
        ("clock unsynchronised", "minor"),
    ]
