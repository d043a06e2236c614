"""A post whose disk was taken back to an earlier state learns it from the broker, and says so."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from platepost.device.config import load
from platepost.device.outbox.outbox import Outbox
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.ground.site import READS
from platepost.simulator.ground.subscriber import Subscriber
from platepost.simulator.keeper.keeper import STORE, RecordKeeper
from platepost.wire.records import Keyring
from platepost.wire.records.canonical import canonical_bytes, digest_of
from platepost.wire.verify.verify import Verifier
from tests.device.outbox.inside import execute
from tests.end_to_end.test_control import BROKERS
from tests.waiting import until

pytestmark = pytest.mark.end_to_end
SECONDS = 60.0
PROGRAM = "import sys; from platepost.device.cli import main; sys.exit(main())"


class Unit:
    """`platepost run`, its disk, and what the department has heard of it."""

    def __init__(self, fleet: Fleet, broker: Any, folder: Path, clip: Path) -> None:
        more: dict[str, Any] = {
            "hotlist": {"in_service_without_list": True},
            "uplink": {"drain_seconds": 10},
        }
        camera = {"path": str(clip), "loop": True}
        settings = PostSettings(
            brokers=(broker.addresses[0] if hasattr(broker, "addresses") else broker.address,),
            camera="footage",
            camera_settings=camera,
            board="virtual",
            more=more,
        )
        self.folder = fleet.add_post("post-1", settings)
        self.record_key = fleet.record_key("post-1")
        self.disk = load(self.folder / "post.toml").outbox.path.parent
        self.backup = folder / "backup"
        self.log = folder / "post.log"
        self.subscriber: Subscriber
        self.process: subprocess.Popen[bytes] | None = None

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        until(condition, what, report=lambda: self.log.read_text(errors="replace")[-3000:])

    def start(self) -> None:
        runs = self.runs
        arguments = [sys.executable, "-c", PROGRAM, "-v", "run", "--config", "post.toml"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(arguments, cwd=self.folder, stdout=log, stderr=log)
        self.wait_for(lambda: self.runs > runs, "the birth")

    def end(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(SECONDS)
        self.wait_for(lambda: self.statuses[-1]["state"] == "offline", "the end")

    def save(self) -> None:
        shutil.rmtree(self.backup, ignore_errors=True)
        shutil.copytree(self.disk, self.backup)

    def restore(self) -> None:
        shutil.rmtree(self.disk)
        shutil.copytree(self.backup, self.disk)

    def heard(self, kind: str) -> list[dict[str, Any]]:
        return [arrival.data for arrival in self.subscriber.arrivals if arrival.kind == f"platepost.{kind}.v1"]

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return self.heard("status")

    @property
    def runs(self) -> int:
        # Not by the will, which comes without one record of a run that is cut off early.
        return len({status["boot"] for status in self.statuses if status["state"] != "offline"})

    @property
    def forks(self) -> list[dict[str, Any]]:
        return [audit for audit in self.heard("audit") if audit["action"] == "chain_forked"]

    def has_fault(self, name: str = "chain_forked") -> bool:
        return any(reason["name"] == name for reason in self.statuses[-1]["reasons"])

    def delivered(self) -> list[tuple[str, int, str]]:
        """Return chain, number and digest of every record in the order of arrival."""
        events = [arrival.event for arrival in self.subscriber.arrivals if "sequence" in arrival.event]
        return [(event["chain"], event["sequence"], digest_of(canonical_bytes(event))) for event in events]

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture(params=BROKERS)
def unit(request: pytest.FixtureRequest, tmp_path: Path, sparse_clip: Path) -> Iterator[Unit]:
    installed, make = BROKERS[request.param]
    if installed() is None:
        pytest.skip(f"{request.param} is missing: make test-brokers")
    fleet = Fleet.create(tmp_path / "fleet", agency="demo")
    keeper = fleet.add_subscriber("keeper", reads=READS)
    with make(fleet, tmp_path / "broker") as broker:
        made = Unit(fleet, broker, tmp_path, sparse_clip)
        if not isinstance(broker, Broker):  # mosquitto's rights are by pattern
            broker.reload()
        with Subscriber(
            keeper, agency="demo", broker=broker.address, archive=tmp_path / "records.jsonl"
        ) as made.subscriber:
            yield made
            made.kill()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_restored_backup_is_noticed_named_and_audited(unit: Unit, how: signal.Signals, tmp_path: Path) -> None:
    unit.start()
    unit.end(signal.SIGTERM)
    unit.save()
    unit.start()
    unit.end(how)
    unit.start()
    unit.end(how)
    assert not unit.forks, "a disk that was left alone"

    unit.restore()
    unit.start()
    unit.wait_for(lambda: bool(unit.forks), "the audit record")
    unit.wait_for(unit.has_fault, "the fault")
    unit.end(signal.SIGTERM)
    assert [audit["reason"] for audit in unit.forks] == ["disk_behind"]
    keys = Keyring.from_files(unit.record_key)
    report = Verifier(keys, redelivery=True).feed_all((tmp_path / "records.jsonl").read_bytes().splitlines())
    assert "forked" in {problem.kind for problem in report.problems}


@pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools")
def test_a_custodian_keeps_both_branches_and_receipts_of_the_one_release_nothing_of_the_other(
    tmp_path: Path, sparse_clip: Path
) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo")
    subscriber = fleet.add_subscriber("keeper", reads=READS)
    fleet.add_custodian("records", required=True)
    folder = tmp_path / "records"

    def kept() -> set[tuple[str, int, str]]:
        with sqlite3.connect(folder / STORE) as store:
            return set(store.execute("SELECT chain, number, digest FROM records"))

    with (
        Broker(fleet, tmp_path / "broker") as broker,
        RecordKeeper(fleet, "records", broker=broker.address, folder=folder),
        Subscriber(subscriber, agency="demo", broker=broker.address, archive=tmp_path / "records.jsonl") as listening,
    ):
        unit = Unit(fleet, broker, tmp_path, sparse_clip)
        unit.subscriber = listening
        try:
            unit.start()
            unit.end(signal.SIGTERM)
            unit.save()
            trunk = len(unit.delivered())
            unit.start()
            unit.end(signal.SIGKILL)
            first = unit.delivered()[trunk:]
            unit.wait_for(lambda: set(unit.delivered()) <= kept(), "the custodian")

            unit.restore()
            unit.start()
            unit.wait_for(lambda: "custody_forked" in {audit["action"] for audit in unit.heard("audit")}, "the audit")
            unit.wait_for(lambda: unit.has_fault("custody_forked"), "the fault")
            unit.end(signal.SIGTERM)
            second = unit.delivered()[trunk + len(first) :]
            unit.wait_for(lambda: set(unit.delivered()) <= kept(), "the custodian")
        finally:
            unit.kill()
    assert {number for _, number, _ in first} & {number for _, number, _ in second}, "numbers are used again"
    with Outbox.of(load(unit.folder / "post.toml").outbox) as outbox:
        chain = outbox.head.chain
        left = {(chain, *row) for row in execute(outbox, "SELECT sequence, digest FROM record WHERE sent = 1")}
    assert set(second) <= left, "nothing of the second branch went"
    assert not left & set(first)
