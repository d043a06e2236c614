"""The record keeper at a real broker: what is stored is receipted, over any end of it, and of the broker."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from platepost.department.custody.receipt_log import LostRange
from platepost.provisioning.connection import Connection
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.errors import SubscriberError
from platepost.simulator.keeper.keeper import RecordKeeper
from platepost.wire.contract.examples import ExampleSigner
from platepost.wire.records import Keyring
from platepost.wire.verify.verify import Verifier
from tests.campaigns.keeper_process import KeeperProcess, forks
from tests.department.custody.sender import CHAIN, SECONDS, SOURCE, Sender
from tests.skew.newer import EXAMPLES, KIND, chained, unknown, with_more

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    made = Fleet.create(tmp_path_factory.mktemp("fleet") / "fleet", agency="riverside", custodian="records")
    made.add_post("post-1", PostSettings(brokers=("localhost:1",)))
    return made


@pytest.fixture
def broker(fleet: Fleet, tmp_path: Path) -> Iterator[Broker]:
    with Broker(fleet, tmp_path / "broker") as running:
        yield running


@pytest.fixture
def post(fleet: Fleet, broker: Broker) -> Iterator[Sender]:
    with Connection(fleet.post("post-1"), broker=broker.address, topics=[SOURCE.receipt("+")]) as connection:
        yield Sender(fleet, connection)


def test_what_is_stored_is_receipted_and_once_more_when_it_comes_again(
    fleet: Fleet, broker: Broker, post: Sender, tmp_path: Path
) -> None:
    keeper = RecordKeeper(fleet, "records", broker=broker.address, folder=tmp_path / "kept")
    committed: list[bytes] = []
    keeper.on_committed = lambda deliveries: committed.extend(delivery.body for delivery in deliveries)
    with keeper:
        made = post.send(30)
        said = post.until(30)
        assert committed == [envelope.body for envelope in made]
        assert [(kept.first, kept.last, kept.digest) for kept in said.ranges] == [(1, 30, made[-1].digest)]
        assert (said.post, said.custodian, said.chain) == ("post-1", "records", CHAIN)
        post.forget()
        post.resend(made[3])
        again = post.until(30)
        assert again.number > said.number
        parts = [(kept.first, kept.last, kept.digest) for kept in again.ranges]
        assert parts == [(1, 4, made[3].digest), (5, 30, made[-1].digest)], "it ends a range where the post may compare"


def test_a_kind_that_nobody_knows_is_kept_receipted_and_verified_as_unknown(
    fleet: Fleet, broker: Broker, post: Sender, tmp_path: Path
) -> None:
    source = {"source": SOURCE.uri, "time": "2026-11-02T08:00:00.000Z"}
    lines = chained(event | source for event in (EXAMPLES["audit"], unknown(), with_more(EXAMPLES["audit"])))
    with RecordKeeper(fleet, "records", broker=broker.address, folder=tmp_path / "kept"):
        for line in lines:
            post.connection.publish(SOURCE.topic("audit"), line, retain=False)
        (kept,) = post.until(3).ranges
        assert (kept.first, kept.last) == (1, 3)
    with closing(sqlite3.connect(tmp_path / "kept" / "records.db")) as database:
        bodies = [row[0] for row in database.execute("SELECT body FROM records ORDER BY number")]
    assert bodies == lines
    report = Verifier(Keyring.from_pem(ExampleSigner().public_pem), whole=True).feed_all(bodies)
    assert (report.intact, dict(report.unknown)) == (True, {KIND: 1})


def test_the_broker_keeps_what_comes_while_it_is_away(
    fleet: Fleet, broker: Broker, post: Sender, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    with RecordKeeper(fleet, "records", broker=broker.address, folder=folder):
        post.send()
        post.until(1)
    post.send(3)
    with RecordKeeper(fleet, "records", broker=broker.address, folder=folder) as keeper:
        assert [(kept.first, kept.last) for kept in post.until(4).ranges] == [(1, 4)]
        assert keeper.lost == ()


def test_it_outlives_the_broker(fleet: Fleet, broker: Broker, post: Sender, tmp_path: Path) -> None:
    with RecordKeeper(fleet, "records", broker=broker.address, folder=tmp_path / "kept"):
        post.send()
        post.until(1)
        broker.kill()
        broker.start()
        assert post.connection.is_back(within=SECONDS)
        deadline = time.monotonic() + SECONDS
        (made,) = post.send()
        while time.monotonic() < deadline:  # sent before the keeper is back, it reaches no one
            post.resend(made)
            if post.connection.wait(
                lambda topic, payload: topic == SOURCE.receipt("records") and post.opened(payload).ranges[-1].last == 2,
                1.0,
            ):
                return
        pytest.fail("no receipt after the broker came back")


def test_killed_at_any_instant_it_goes_on(fleet: Fleet, broker: Broker, post: Sender, tmp_path: Path) -> None:
    keeper = KeeperProcess(
        fleet, "records", broker=broker.address, folder=tmp_path / "kept", context=forks(), interval_seconds=0.0
    )
    try:
        keeper.start()
        keeper.wait_until_ready()
        for _ in range(6):
            post.send(7)
            keeper.kill()
            post.send(2)
            keeper.start()
        assert [(kept.first, kept.last) for kept in post.until(54).ranges] == [(1, 54)]
        assert keeper.stop() == 0
        assert not keeper.running
    finally:
        keeper.kill()


def test_a_store_restored_from_a_backup_begins_a_new_epoch(
    fleet: Fleet, broker: Broker, post: Sender, tmp_path: Path
) -> None:
    folder, backup = tmp_path / "kept", tmp_path / "backup.db"
    with RecordKeeper(fleet, "records", broker=broker.address, folder=folder):
        first = post.send(5)
        before = post.until(5)
    shutil.copy(folder / "records.db", backup)  # closed in order: all is in it
    with RecordKeeper(fleet, "records", broker=broker.address, folder=folder):
        second = post.send(5)
        post.until(10)
    for file in folder.glob("records.db*"):
        file.unlink()
    shutil.copy(backup, folder / "records.db")
    post.forget()
    with RecordKeeper(fleet, "records", broker=broker.address, folder=folder) as keeper:
        said = post.receipt(lambda receipt: receipt.epoch > before.epoch)
        assert keeper.lost == (LostRange("post-1", CHAIN, 6, 10),)
        assert [(kept.last, kept.digest) for kept in said.ranges] == [(5, first[-1].digest)]
        for envelope in second:
            post.resend(envelope)
        assert post.until(10).epoch == said.epoch


def test_of_a_cluster_the_first_node_that_answers_is_taken_also_after_it_was_lost(
    fleet: Fleet, broker: Broker, tmp_path: Path
) -> None:
    nodes = f"localhost:1,{broker.address}"
    with RecordKeeper(fleet, "records", broker=nodes, folder=tmp_path / "kept") as keeper:
        assert keeper.subscribed_at == {nodes}
        for stands in (False, True):
            (broker.start if stands else broker.stop)()
            deadline = time.monotonic() + 60
            while keeper.subscribed is not stands:
                assert time.monotonic() < deadline
                time.sleep(0.02)


def test_a_custodian_that_the_broker_refuses_says_so(fleet: Fleet, broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(SubscriberError, match="keeper records, broker localhost:1"):
        RecordKeeper(fleet, "records", broker="localhost:1", folder=tmp_path / "kept").start(timeout=1.0)
    with pytest.raises(ValueError, match="no custodian 'nobody'"):
        RecordKeeper(fleet, "nobody", broker=broker.address, folder=tmp_path / "kept")


def test_a_second_keeper_of_one_store_says_so_in_a_line(
    fleet: Fleet, broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RecordKeeper(fleet, "records", broker=broker.address, folder=tmp_path / "kept"):
        second = RecordKeeper(fleet, "records", broker=broker.address, folder=tmp_path / "kept")
        with pytest.raises(SubscriberError, match="another process issues receipts by it"):
            second.start()
    assert not [record for record in caplog.records if record.exc_info]
