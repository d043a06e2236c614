"""The loop over brokers and store: what it acknowledges, when, and what it says of itself."""

import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import JsonValue

from platepost.department.custody.errors import CustodyError, StoreError
from platepost.department.custody.holding import ChainName
from platepost.department.custody.keeper import Keeper, KeeperSettings
from platepost.department.custody.messages import OutgoingMessage, ReceivedMessage
from platepost.provisioning.connection import Connection
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.rotation import renew_client
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.keeper.store import RecordStore
from platepost.wire.records import Keyring, Purpose
from tests.department.custody.sender import CHAIN, SECONDS, SOURCE, Sender
from tests.waiting import until

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]
GROUP = "narcotics"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    created = Fleet.create(tmp_path_factory.mktemp("fleet") / "fleet", agency="riverside", custodian="records")
    created.add_post("post-1", PostSettings(brokers=("localhost:1",)))
    created.add_custodian("vault", groups=(GROUP,))
    return created


@pytest.fixture
def broker(fleet: Fleet, tmp_path: Path) -> Iterator[Broker]:
    with Broker(fleet, tmp_path / "broker") as running:
        yield running


@pytest.fixture
def post(fleet: Fleet, broker: Broker) -> Iterator[Sender]:
    with Connection(fleet.post("post-1"), broker=broker.address, topics=[SOURCE.receipt("+")]) as connection:
        yield Sender(fleet, connection)


class Disk(RecordStore):
    """A store that can be full."""

    full: StoreError | None = None
    tried = 0
    """How often something was to be stored while it was."""

    def keep(self, deliveries: Sequence[ReceivedMessage]) -> set[ChainName]:
        if Disk.full is not None:
            Disk.tried += 1
            raise Disk.full
        return super().keep(deliveries)


class Running:
    """A keeper that runs, and what it said."""

    def __init__(self, keeper: Keeper[Disk]) -> None:
        self.keeper = keeper
        self.events: list[tuple[str, dict[str, JsonValue]]] = []
        self.batches: list[list[str]] = []
        keeper.on_event = self._told
        keeper.on_committed = lambda received: self.batches.append([message.topic for message in received])
        self.thread = threading.Thread(target=keeper.run)

    def _told(self, what: str, details: Mapping[str, JsonValue]) -> None:
        self.events.append((what, dict(details)))

    def events_of(self, what: str) -> list[dict[str, JsonValue]]:
        return [details for fields, details in self.events if fields == what]

    def until(self, holds: Callable[[], object]) -> None:
        until(holds, report=lambda: self.events)


@pytest.fixture
def settings(fleet: Fleet, broker: Broker, tmp_path: Path) -> KeeperSettings:
    return KeeperSettings(
        name="records",
        agency=fleet.agency,
        identity=fleet.custodian("records"),
        signing_key=fleet.keys(Purpose.CUSTODY, "records").signing,
        brokers=(broker.address,),
        receipts=tmp_path / "kept" / "receipts",
        interval_seconds=0.1,
    )


@contextmanager
def running(settings: KeeperSettings, **hooks: Callable[..., object]) -> Iterator[Running]:
    path = settings.receipts.with_name("records.db")
    created = Running(Keeper(settings, lambda: Disk(path, keys=lambda _: Keyring(()))))
    for name, hook in hooks.items():
        assert hasattr(created.keeper, name)
        setattr(created.keeper, name, hook)
    created.thread.start()
    try:
        created.until(lambda: created.events_of("subscribed"))
        yield created
    finally:
        created.keeper.stop()
        created.thread.join()
        Disk.full, Disk.tried = None, 0


def test_a_hit_closes_its_batch(settings: KeeperSettings, post: Sender) -> None:
    with running(settings):
        pass  # the broker keeps for it what comes
    hit = f"{SOURCE.topic('hit')}/stolen"
    post.send(60)
    for _ in range(2):
        post.connection.publish(hit, b"{}", retain=False)
    post.send(60)
    with running(settings) as keeper:
        post.until(120)
        batches = [batch for batch in keeper.batches if hit in batch]
        assert [batch.index(hit) for batch in batches] == [len(batch) - 1 for batch in batches]
        assert len(batches) == 2
        assert max(map(len, keeper.batches)) > 20, "those without one are large"
    (stopped,) = keeper.events_of("stopped")
    assert stopped["messages"] == 122
    assert isinstance(stopped["hit_median_ms"], float)


def test_nothing_is_acknowledged_while_the_store_does_not_take_it(settings: KeeperSettings, post: Sender) -> None:
    with running(settings) as keeper:
        Disk.full = StoreError("no space left on device")
        post.send(5)
        keeper.until(lambda: keeper.keeper.trouble)
        assert keeper.keeper.answers == {settings.brokers[0]: "no space left on device"}
        keeper.until(lambda: Disk.tried > 2)
        assert keeper.batches == []
        Disk.full = None
        assert [(stored.first, stored.last) for stored in post.until(5).ranges] == [(1, 5)]
        assert [fields["reason"] for fields in keeper.events_of("waiting")] == ["no space left on device"], "once"
        assert keeper.events_of("storing") == [{}]
        assert keeper.keeper.trouble is None


def test_it_ends_while_it_waits_for_its_store(
    settings: KeeperSettings, post: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[None] = []
    with running(settings, alive=lambda: fed.append(None)) as keeper:
        for name in ("_RECONNECT_SECONDS", "_LONGEST_WAIT_SECONDS"):
            monkeypatch.setattr(f"platepost.department.custody.keeper.{name}", 3600.0)
        Disk.full = StoreError("away")
        post.send()
        keeper.until(lambda: keeper.keeper.trouble)
        fed.clear()
        keeper.until(lambda: len(fed) > 3)  # a watchdog is fed all the while
        keeper.keeper.stop()
        keeper.thread.join(SECONDS)
        assert not keeper.thread.is_alive()


def test_a_chain_whose_keys_came_is_receipted_again(settings: KeeperSettings, post: Sender) -> None:
    news: list[ChainName] = []

    def between(_store: Disk) -> Collection[ChainName]:
        matches = tuple(news)
        news.clear()
        return matches

    with running(settings, between_batches=between):
        post.send(3)
        fields = post.until(3)
        post.forget()
        news.append(ChainName("post-1", CHAIN))
        assert post.until(3).number > fields.number


def test_a_renewed_certificate_is_used_at_the_next_connection(
    fleet: Fleet, broker: Broker, settings: KeeperSettings, post: Sender
) -> None:
    serials = []
    with running(settings) as keeper:
        for _ in range(2):
            (link,) = keeper.keeper._links
            assert link.client.secured is not None
            serials.append(link._made_of)
            renew_client(fleet, "records")
            broker.kill()
            broker.start()
            keeper.until(lambda: len(keeper.events_of("subscribed")) > len(serials))
        assert len(set(serials)) == 2
        assert "reason" in keeper.events_of("broker_away")[0]
    assert post.connection.is_back(within=SECONDS)


def test_covert_hits_of_its_groups_are_kept(fleet: Fleet, settings: KeeperSettings, post: Sender) -> None:
    topic = f"{SOURCE.topic('covert')}/{GROUP}"
    other = KeeperSettings(
        name="vault",
        agency=fleet.agency,
        identity=fleet.custodian("vault"),
        signing_key=fleet.keys(Purpose.CUSTODY, "vault").signing,
        brokers=settings.brokers,
        groups=(GROUP,),
        receipts=settings.receipts.with_name("vault") / "receipts",
    )
    with running(settings) as open_keeper, running(other) as vault:
        post.connection.publish(topic, b"{}", retain=False)
        post.send()
        vault.until(lambda: sum(map(len, vault.batches)) == 2)
        open_keeper.until(lambda: open_keeper.batches)
    assert topic in {one for batch in vault.batches for one in batch}
    assert topic not in {one for batch in open_keeper.batches for one in batch}


def test_a_keeper_without_identity_or_log_ends(settings: KeeperSettings, tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    shutil.copytree(settings.identity, folder)
    (folder / "certificate.pem").unlink()
    store = lambda: Disk(tmp_path / "records.db", keys=lambda _: Keyring(()))  # noqa: E731
    broken = KeeperSettings(**{name: getattr(settings, name) for name in settings.__slots__} | {"identity": folder})
    with pytest.raises(ProvisioningError, match="not the folder of a client"):
        Keeper(broken, store).run()
    with running(settings), pytest.raises(CustodyError, match="another process"):
        Keeper(settings, store).run()


def test_statements_are_published_until_every_broker_has_acknowledged_them(
    fleet: Fleet, settings: KeeperSettings, broker: Broker
) -> None:
    topics = [f"alpr/v1/riverside/decision/records{rest}" for rest in ("", f"/{GROUP}")]
    waiting = {number: OutgoingMessage(topic, topic.encode()) for number, topic in enumerate(topics)}
    notified: list[int] = []

    def exactly(topic: str) -> Callable[[str, bytes], bool]:
        return lambda where, body: (where, body) == (topic, topic.encode())

    def done(numbers: Collection[int]) -> None:
        notified.extend(numbers)
        for number in numbers:
            del waiting[number]

    received = [topic.replace("records", "+") for topic in topics]
    with Connection(fleet.custodian("vault"), broker=broker.address, topics=received) as member:
        with running(settings, statements=lambda: waiting, on_delivered=done) as keeper:
            keeper.until(lambda: sorted(notified) == [0, 1])
        assert waiting == {}
        assert all(member.wait(exactly(topic), SECONDS) for topic in topics)
