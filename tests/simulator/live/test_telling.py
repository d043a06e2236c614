"""What the live page is told of a record."""

from datetime import UTC, datetime

from device.records.contract.examples import ExampleSigner, example_records
from simulator.ground.subscriber import Arrival
from simulator.live.telling import told

HEARD = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_status_is_told_with_until_when_it_is_good_counted_from_when_it_was_heard() -> None:
    records = example_records(ExampleSigner())
    statuses = {
        name: told(Arrival(each.topic, each.event, HEARD)) for name, each in records.items() if "status" in name
    }
    assert all(status is not None for status in statuses.values())
    good = {name: status.get("good_until") for name, status in statuses.items() if status is not None}
    later = HEARD.timestamp() + 660
    assert good == {"status": later, "status.degraded": later, "status.repeat": later, "status.will": None}
