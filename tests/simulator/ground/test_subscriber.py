import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from pytest_mock import MockerFixture

from platepost.provisioning.connection import Connection, secured_client
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.errors import SubscriberError
from platepost.simulator.ground.site import READS
from platepost.simulator.ground.subscriber import Arrival, Subscriber

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    made = Fleet.create(tmp_path_factory.mktemp("fleet") / "fleet", agency="riverside")
    made.add_post("post-1", PostSettings(brokers=("localhost:1",)))
    made.add_subscriber("dispatch", reads=READS)
    return made


@pytest.fixture
def broker(fleet: Fleet, tmp_path: Path) -> Iterator[Broker]:
    with Broker(fleet, tmp_path / "broker") as running:
        yield running


@pytest.fixture
def post(broker: Broker, fleet: Fleet) -> Iterator["FakePost"]:
    made = FakePost(broker, fleet)
    yield made
    made.close()


class FakePost:
    """Publishes events as a post would, without signing them."""

    def __init__(self, broker: Broker, fleet: Fleet) -> None:
        self.client = secured_client(fleet.post("post-1"))
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()

    def send(self, identifier: str, *, topic: str = "read", **data: Any) -> None:
        event = {"id": identifier, "type": "platepost.read.v1", "data": data}
        self.raw(json.dumps(event), topic=topic)

    def raw(self, payload: str, *, topic: str = "read") -> None:
        deadline = time.monotonic() + 60
        while not self.client.is_connected():  # after the broker was away
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.client.publish(f"alpr/v1/riverside/post-1/{topic}", payload, qos=1).wait_for_publish(timeout=60)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def subscriber(broker: Broker, fleet: Fleet, archive: Path) -> Subscriber:
    return Subscriber(fleet.subscriber("dispatch"), agency="riverside", broker=broker.address, archive=archive)


def ids(archive: Path) -> list[str]:
    return [json.loads(line)["id"] for line in archive.read_text().splitlines()]


def count(number: int) -> Any:
    return lambda arrivals: len(arrivals) >= number


def test_records_are_archived_in_order_and_told_to_listeners(
    broker: Broker, fleet: Fleet, post: FakePost, tmp_path: Path
) -> None:
    told: list[Arrival] = []
    with subscriber(broker, fleet, tmp_path / "records.jsonl") as dispatch:
        dispatch.listeners.append(told.append)
        for topic in ("read", "hit/stolen_vehicle", "status", "audit", "health"):
            post.send(f"id-{topic}", topic=topic, plate_read="7ABC123")
        assert dispatch.wait_for(count(5), timeout=60)
        arrivals = dispatch.arrivals

    assert [arrival.topic.split("/", 4)[4] for arrival in arrivals] == [
        "read", "hit/stolen_vehicle", "status", "audit", "health",
    ]  # fmt: skip
    assert tuple(told) == arrivals
    assert ids(tmp_path / "records.jsonl") == [arrival.event["id"] for arrival in arrivals]
    assert arrivals[0].data == {"plate_read": "7ABC123"}
    assert arrivals[0].kind == "platepost.read.v1"


def test_same_record_again_is_kept_once(broker: Broker, fleet: Fleet, post: FakePost, tmp_path: Path) -> None:
    with subscriber(broker, fleet, tmp_path / "records.jsonl") as dispatch:
        for identifier in ("a", "a", "b"):
            post.send(identifier)
        assert dispatch.wait_for(count(2), timeout=60)
    with subscriber(broker, fleet, tmp_path / "records.jsonl") as dispatch:
        post.send("b")
        post.send("c")
        assert dispatch.wait_for(count(1), timeout=60)

    assert ids(tmp_path / "records.jsonl") == ["a", "b", "c"]


def test_what_was_sent_while_away_or_while_the_broker_was_down_arrives(
    broker: Broker, fleet: Fleet, post: FakePost, tmp_path: Path
) -> None:
    archive = tmp_path / "records.jsonl"
    with subscriber(broker, fleet, archive):
        post.send("before")
    post.send("away")
    broker.stop()
    broker.start()
    with subscriber(broker, fleet, archive) as dispatch:
        assert dispatch.wait_for(lambda arrivals: any(a.event["id"] == "away" for a in arrivals), timeout=60)
        broker.kill()
        broker.start()
        post.send("after")
        assert dispatch.wait_for(lambda arrivals: any(a.event["id"] == "after" for a in arrivals), timeout=60)

    assert ids(archive) == ["before", "away", "after"]


def test_what_is_no_event_does_not_stop_the_rest(broker: Broker, fleet: Fleet, post: FakePost, tmp_path: Path) -> None:
    with subscriber(broker, fleet, tmp_path / "records.jsonl") as dispatch:
        for payload in ("{", "[]", '{"type": "x"}'):
            post.raw(payload)
        post.send("good")
        assert dispatch.wait_for(count(1), timeout=60)
        assert [arrival.event["id"] for arrival in dispatch.arrivals] == ["good"]


def test_client_that_the_broker_refuses_is_told_so(
    broker: Broker, fleet: Fleet, tmp_path: Path, mocker: MockerFixture
) -> None:
    refused = ReasonCode(PacketTypes.CONNACK, "Not authorized")

    def connect(client: mqtt.Client, *_: object, **__: object) -> None:
        client.on_connect(client, None, None, refused, None)  # type: ignore[misc]

    mocker.patch.object(mqtt.Client, "connect", connect)
    with pytest.raises(SubscriberError, match="Not authorized"):
        subscriber(broker, fleet, tmp_path / "records.jsonl").start()


def test_broker_that_is_not_there_is_named(broker: Broker, fleet: Fleet, tmp_path: Path) -> None:
    broker.stop()
    with pytest.raises(SubscriberError, match=broker.address):
        subscriber(broker, fleet, tmp_path / "records.jsonl").start()


def test_hot_list_is_published_retained_and_only_by_the_department(broker: Broker, fleet: Fleet) -> None:
    with Connection(fleet.publisher, broker=broker.address) as publisher:
        publisher.publish("alpr/v1/riverside/hotlist/package", b"package", retain=True)
    received: list[Any] = []
    reader = secured_client(fleet.post("post-1"))
    reader.on_message = lambda _client, _data, message: received.append((message.payload, message.retain))
    reader.on_connect = lambda client, *_: client.subscribe("alpr/v1/riverside/hotlist/#", qos=1)
    reader.connect(broker.host, broker.port)
    for _ in range(200):
        reader.loop(0.02)
        if received:
            break
    reader.disconnect()
    assert received == [(b"package", True)]

    with (
        Connection(fleet.post("post-1"), broker=broker.address) as post,
        pytest.raises(ProvisioningError, match="Not authorized"),
    ):
        post.publish("alpr/v1/riverside/hotlist/package", b"forged", retain=True)
