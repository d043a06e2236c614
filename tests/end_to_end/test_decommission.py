"""A post leaves service: what waits and its last record reach the custodian, and no key stays on the unit."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.device.commands.decommission import decommission
from platepost.device.commands.run import run
from platepost.device.config import load
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.keeper.keeper import RecordKeeper
from platepost.wire.records import Keyring
from platepost.wire.records.canonical import parse
from platepost.wire.verify.verify import Verifier
from tests.end_to_end.test_custody import Running, broker, fleet
from tests.waiting import until

__all__ = ["broker", "fleet"]
pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]


def test_what_waits_and_the_last_record_arrive_and_no_key_is_left(fleet: Fleet, broker: Broker, tmp_path: Path) -> None:
    running = Running(fleet, broker)
    try:
        until(lambda: running.made >= 3, "records")
    finally:
        running.stop()
    unit, name = running.file.parent, ("--person", "R. Alvarez")
    words = ["--config", str(running.file), *name, "--purpose", "pole removed", "--yes"]
    refused = CliRunner().invoke(decommission, [*words, "--wait", "1"])
    assert "--lose-records" in str(refused.exception), "the broker has them, and no custodian"
    outbox_key = load(running.file).outbox.key_file.read_bytes()

    with RecordKeeper(fleet, "records", broker=broker.address, folder=tmp_path / "records"):
        result = CliRunner().invoke(decommission, [*words, "--wait", "30"])
    assert result.exit_code == 0, result.output + repr(result.exception)
    assert "The custodians have the last record" in result.output

    with closing(sqlite3.connect(tmp_path / "records" / "records.db")) as database:
        bodies = [row[0] for row in database.execute("SELECT body FROM records ORDER BY number")]
    assert Verifier(Keyring.from_files(fleet.record_key("post-1")), whole=True).feed_all(bodies).intact
    last = parse(bodies[-1])
    assert (last["data"]["action"], last["data"]["identity"]) == ("decommissioned", "R. Alvarez")
    assert last["sequence"] == len(bodies)
    files = [path for path in unit.rglob("*") if path.is_file()]
    assert unit / "decommissioned.json" in files
    for content in (path.read_bytes() for path in files):
        assert b"PRIVATE KEY" not in content
        assert outbox_key not in content
    started = CliRunner().invoke(run, ["--config", str(running.file)])
    assert "taken out of service" in str(started.exception)
