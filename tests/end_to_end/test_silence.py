"""A post that dies together with its broker, so that no one publishes its will, does not stay online for good."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.cli import provision
from platepost.provisioning.control import status as module
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.ground.site import READS
from platepost.simulator.ground.subscriber import Arrival, Subscriber
from platepost.wire.records.settings import RecordSettings
from tests.end_to_end.test_restored_disk import Unit

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]
VALID_SECONDS = RecordSettings(signing_key=Path("key.pem")).status_valid_seconds


class Later(datetime):
    """A clock that shows when the last status is no longer good."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Later":
        return super().now(tz) + timedelta(seconds=VALID_SECONDS + 1)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    made = Fleet.create(tmp_path / "fleet", agency="riverside")
    made.add_subscriber("dispatch", reads=READS)
    return made


@pytest.fixture
def broker(fleet: Fleet, tmp_path: Path) -> Iterator[Broker]:
    with Broker(fleet, tmp_path / "broker") as running:
        yield running


@pytest.fixture
def unit(fleet: Fleet, broker: Broker, tmp_path: Path, sparse_clip: Path) -> Iterator[Unit]:
    made = Unit(fleet, broker, tmp_path, sparse_clip)
    with Subscriber(
        fleet.subscriber("dispatch"), agency="riverside", broker=broker.address, archive=tmp_path / "records.jsonl"
    ) as made.subscriber:
        yield made
        if made.process is not None:
            made.process.kill()
            made.process.wait()


def statuses(unit: Unit) -> list[Arrival]:
    arrived = [one for one in unit.subscriber.arrivals if one.kind == "platepost.status.v1"]
    return [one for one in arrived if one.data["state"] != "offline"]


def repeated(unit: Unit) -> bool:
    return any("chain" not in one.event for one in statuses(unit))


def saved(unit: Unit, broker: Broker) -> list[Arrival]:
    """Return the status that the broker has on its disk: each one takes the place of the one before it."""
    kept = broker.saved()
    return [one for one in statuses(unit) if str(one.event["id"]).encode() in kept][-1:]


def test_post_and_broker_that_die_together_are_missed(
    unit: Unit, fleet: Fleet, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit.start()
    unit.wait_for(lambda: repeated(unit), "the status to be repeated")
    unit.wait_for(lambda: bool(saved(unit, broker)), "the broker to save it")
    assert unit.process is not None
    broker.kill()
    (retained,) = saved(unit, broker)
    unit.process.kill()
    unit.process.wait()

    broker.start()
    arguments = ["fleet", "status", str(fleet.directory), "--broker", broker.address, "--json"]
    (row,) = json.loads(CliRunner().invoke(provision, arguments).stdout)["posts"]
    assert row["state"] == retained.data["state"], "nobody has published the will"
    monkeypatch.setattr(module, "datetime", Later)
    (row,) = json.loads(CliRunner().invoke(provision, arguments).stdout)["posts"]
    # A machine whose clock is not disciplined is believed less, and only warned of.
    known = row["status"]["clock"]["synchronised"]
    assert row["state"] == ("silent" if known else row["status"]["state"])
    assert row["remarks"][0].startswith("silent since ")
