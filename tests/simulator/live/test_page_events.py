"""What the live page is told of a record."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from platepost.simulator.ground.subscriber import Arrival
from platepost.simulator.live.page_events import told
from platepost.wire.contract.examples import ExampleSigner, example_records
from platepost.wire.faults import Fault, reasons

HEARD = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECORDS = example_records(ExampleSigner())


def arrival(name: str, *, delay: float = 1.0, **changes: Any) -> Arrival:
    """Return an example as if it was heard `delay` seconds after it was made; `changes` are of its data."""
    example = RECORDS[name]
    event = example.event | {"data": example.event["data"] | changes}
    return Arrival(example.topic, event, example.time + timedelta(seconds=delay))


def test_a_status_is_told_with_until_when_it_is_good_counted_from_when_it_was_heard() -> None:
    statuses = {
        name: told(replace(arrival(name), received=HEARD)) or {}
        for name in RECORDS
        if name.partition(".")[0] == "status"
    }
    good = {name: status.get("good_until") for name, status in statuses.items()}
    later = HEARD.timestamp() + 660
    assert good == {"status": later, "status.degraded": later, "status.repeat": later, "status.will": None}


def test_a_status_is_told_with_how_bad_its_worst_fault_is_and_the_worst_first() -> None:
    present = reasons({Fault.CLOCK_UNSYNCHRONISED, Fault.TAMPER_OPEN})
    status = told(arrival("status.degraded", reasons=[each.wire() for each in present]))
    assert status is not None
    assert status["severity"] == "critical"
    assert [(each["name"], each["severity"]) for each in status["reasons"]] == [
        ("tamper open", "critical"),
        ("clock unsynchronised", "minor"),
    ]


def test_hits_and_reads_are_for_the_console() -> None:
    assert [told(arrival(name)) for name in ("hit", "hit.withdrawn", "read")] == [None] * 3
