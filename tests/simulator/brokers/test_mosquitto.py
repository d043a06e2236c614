import os
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from queue import Queue

import paho.mqtt.client as mqtt
import pytest

from platepost.provisioning.brokers import mosquitto
from platepost.provisioning.connection import Connection
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers import mosquitto as broker_module
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.errors import BrokerError
from platepost.simulator.ground.site import READS
from platepost.wire.hotlist.parts import PART_BYTES, PART_OVERHEAD
from platepost.wire.mqtt import MqttClient
from platepost.wire.records.settings import LARGEST_RECORD
from platepost.wire.records.topics import hotlist_package, hotlist_part
from tests.waiting import until

pytestmark = pytest.mark.end_to_end
needs_mosquitto = pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools")
PREFIX = "alpr/v1/riverside"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    made = Fleet.create(tmp_path_factory.mktemp("fleet") / "fleet", agency="riverside")
    for name in ("post-1", "post-2"):
        made.add_post(name, PostSettings(brokers=("localhost:1",)))
    made.add_subscriber("dispatch", reads=READS)
    return made


@pytest.fixture
def broker(fleet: Fleet, tmp_path: Path) -> Iterator[Broker]:
    with Broker(fleet, tmp_path / "broker") as running:
        yield running


def secured(folder: Path, *, highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> MqttClient:
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "certificate.pem", folder / "private_key.pem")
    context.maximum_version = highest
    return MqttClient(folder.name, context)


class Client:
    """A client of the tests with its answers in queues."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.connected: Queue[object] = Queue()
        self.answers: Queue[tuple[int, object]] = Queue()
        self.messages: Queue[mqtt.MQTTMessage] = Queue()
        self.granted: Queue[list[object]] = Queue()
        self.client = secured(folder)
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self.connected.put(reason)
        self.client.on_publish = lambda _c, _u, mid, reason, _p: self.answers.put((mid, reason))
        self.client.on_message = lambda _c, _u, message: self.messages.put(message)
        self.client.on_subscribe = lambda _c, _u, _mid, reasons, _p: self.granted.put(reasons)
        self.client.connect_to(broker.host, broker.port, session_seconds=3600)
        self.client.loop_start()

    def publish(self, topic: str, payload: str = "x", *, retain: bool = False) -> str:
        self.client.publish(topic, payload, qos=1, retain=retain)
        return str(self.answers.get(timeout=60)[1])

    def subscribe(self, topic: str) -> None:
        self.client.subscribe(topic, qos=1)
        self.granted.get(timeout=60)


@contextmanager
def client(broker: Broker, folder: Path) -> Iterator[Client]:
    made = Client(broker, folder)
    try:
        assert not made.connected.get(timeout=60).is_failure  # type: ignore[attr-defined]
        yield made
    finally:
        made.client.disconnect()
        made.client.loop_stop()


def greet(stranger: MqttClient, broker: Broker) -> None:
    """Connect and return once the broker welcomed the client; raise once it hung up instead."""
    welcomed = threading.Event()
    stranger.on_connect = lambda *_: welcomed.set()
    stranger.connect(broker.host, broker.port)
    while not welcomed.is_set():
        if stranger.loop(0.1) != mqtt.MQTT_ERR_SUCCESS:
            raise ConnectionError


@needs_mosquitto
def test_post_writes_below_its_own_name_and_nowhere_else(broker: Broker, fleet: Fleet) -> None:
    with client(broker, fleet.subscriber("dispatch")) as dispatch, client(broker, fleet.post("post-1")) as post:
        dispatch.subscribe(f"{PREFIX}/#")
        assert post.publish(f"{PREFIX}/post-1/read", "mine") == "Success"
        assert dispatch.messages.get(timeout=60).payload == b"mine"
        for topic in (f"{PREFIX}/post-2/read", f"{PREFIX}/hotlist/package", "alpr/v1/other/post-1/read", "elsewhere"):
            assert post.publish(topic) == "Not authorized"
        assert dispatch.publish(f"{PREFIX}/post-1/read") == "Not authorized"
        assert dispatch.messages.empty()


@needs_mosquitto
def test_denied_publication_costs_no_connection(broker: Broker, fleet: Fleet) -> None:
    with client(broker, fleet.post("post-1")) as post:
        ended: Queue[object] = Queue()
        post.client.on_disconnect = lambda *_: ended.put(True)
        assert post.publish("elsewhere") == "Not authorized"
        assert post.publish(f"{PREFIX}/post-1/read") in {"Success", "No matching subscribers"}
        assert ended.empty()


@needs_mosquitto
def test_post_hears_its_own_commands_and_the_list_but_no_other_post(broker: Broker, fleet: Fleet) -> None:
    with client(broker, fleet.publisher) as department, client(broker, fleet.post("post-1")) as post:
        with client(broker, fleet.post("post-2")) as other:
            post.subscribe("alpr/#")
            other.publish(f"{PREFIX}/post-2/read", "private")
            department.publish(f"{PREFIX}/hotlist/package", "list")
            message = post.messages.get(timeout=60)
        assert (message.topic, message.payload) == (f"{PREFIX}/hotlist/package", b"list")
        assert post.messages.empty()


@needs_mosquitto
def test_client_without_a_certificate_is_turned_away(broker: Broker, fleet: Fleet) -> None:
    plain = MqttClient("plain", ssl.create_default_context(cafile=str(fleet.broker.authority)))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        greet(plain, broker)


@needs_mosquitto
def test_certificate_of_another_authority_is_turned_away(broker: Broker, fleet: Fleet, tmp_path: Path) -> None:
    other = Fleet.create(tmp_path / "other", agency="riverside")
    context = ssl.create_default_context(cafile=str(fleet.broker.authority))
    context.load_cert_chain(other.publisher / "certificate.pem", other.publisher / "private_key.pem")
    stranger = MqttClient("department", context)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        greet(stranger, broker)


@needs_mosquitto
def test_older_tls_is_turned_away(broker: Broker, fleet: Fleet) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        greet(secured(fleet.post("post-1"), highest=ssl.TLSVersion.TLSv1_2), broker)


@needs_mosquitto
def test_the_same_greeting_is_welcome_with_the_right_certificate(broker: Broker, fleet: Fleet) -> None:
    greet(secured(fleet.post("post-1")), broker)


@needs_mosquitto
def test_the_largest_record_and_part_of_a_list_pass_and_what_is_larger_does_not(broker: Broker, fleet: Fleet) -> None:
    with client(broker, fleet.subscriber("dispatch")) as dispatch, client(broker, fleet.post("post-1")) as post:
        dispatch.subscribe(f"{PREFIX}/post-1/hit/+")
        record = "x" * LARGEST_RECORD
        assert post.publish(f"{PREFIX}/post-1/hit/{'c' * 64}", record) == "Success"
        assert len(dispatch.messages.get(timeout=60).payload) == LARGEST_RECORD
        ended = threading.Event()
        post.client.on_disconnect = lambda *_: ended.set()
        post.client.publish(f"{PREFIX}/post-1/hit/{'d' * 64}", "x" * mosquitto.LARGEST_PACKET, qos=1)
        # Which reason the client gives depends on whether it reads the broker's before it fails to write the rest.
        assert ended.wait(timeout=60)
        until(lambda: b"oversize packet" in broker.log.read_bytes())
        assert dispatch.messages.empty()
    with Connection(fleet.publisher, broker=broker.address) as department:
        part = bytes(PART_BYTES + PART_OVERHEAD)
        department.publish(hotlist_part(hotlist_package("riverside"), 65_535), part, retain=True, expiry_seconds=60)


LIMIT = 8 << 20


@pytest.fixture
def small(fleet: Fleet, tmp_path: Path) -> Iterator[Broker]:
    """A broker with limits that are soon reached."""
    made = Broker(fleet, tmp_path / "small")
    path = made.directory / "mosquitto.conf"
    text = path.read_text()
    assert f"\nmemory_limit {mosquitto.MEMORY_BYTES}\n" in text
    text = text.replace(f"memory_limit {mosquitto.MEMORY_BYTES}", f"memory_limit {4 * LIMIT}")
    path.write_text(text.replace(f"max_queued_bytes {mosquitto.MOST_QUEUED_BYTES}", f"max_queued_bytes {LIMIT}"))
    with made as running:
        yield running


def flood(broker: Broker, post: Client, topics: Iterable[str], *, retain: bool) -> int:
    """Publish on all topics, or until the broker hangs up; return how many bytes of memory it has then."""
    lost = threading.Event()
    post.client.on_disconnect = lambda *_: lost.set()
    for number, topic in enumerate(topics, start=1):
        sent = post.client.publish(topic, os.urandom(64_000), qos=1, retain=retain)
        if lost.is_set():
            break
        if number % 20 == 0:
            sent.wait_for_publish(1)
    (line,) = (line for line in Path(f"/proc/{broker.pid}/status").read_text().splitlines() if "VmRSS" in line)
    return int(line.split()[1]) * 1024


@needs_mosquitto
def test_a_post_that_floods_an_absent_keeper_fills_nothing_and_holds_up_nobody(small: Broker, fleet: Fleet) -> None:
    with client(small, fleet.subscriber("dispatch")) as dispatch:
        dispatch.subscribe(f"{PREFIX}/#")
    with client(small, fleet.post("post-1")) as post, client(small, fleet.publisher) as console:
        assert flood(small, post, repeat(f"{PREFIX}/post-1/read", 400), retain=False) < 4 * LIMIT
        console.subscribe(f"{PREFIX}/+/audit")
        with client(small, fleet.post("post-2")) as other:
            assert other.publish(f"{PREFIX}/post-2/audit", "mine") == "Success"
        assert console.messages.get(timeout=60).payload == b"mine"
    small.stop()
    assert LIMIT <= len(small.saved()) < 2 * LIMIT


@needs_mosquitto
def test_a_post_that_floods_what_is_retained_stops_at_the_limit_of_memory(small: Broker, fleet: Fleet) -> None:
    with client(small, fleet.post("post-1")) as post:
        topics = (f"{PREFIX}/post-1/hit/c{number}" for number in range(1000))
        assert flood(small, post, topics, retain=True) < 6 * LIMIT, "with the program itself"
    assert small.running
    small.stop()
    assert len(small.saved()) < 4 * LIMIT


@needs_mosquitto
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_waits_for_a_session_survives_the_broker(broker: Broker, fleet: Fleet, end: str) -> None:
    with client(broker, fleet.subscriber("dispatch")) as dispatch:
        dispatch.subscribe(f"{PREFIX}/#")
    with client(broker, fleet.post("post-1")) as post:
        assert post.publish(f"{PREFIX}/post-1/read", "while you were away") == "Success"
        assert post.publish(f"{PREFIX}/post-1/status", "kept", retain=True) == "Success"

    if end == "kill":
        until(lambda: b"kept" in broker.saved())
    port = broker.port
    getattr(broker, end)()
    assert not broker.running
    broker.start()

    assert broker.port == port
    with client(broker, fleet.subscriber("dispatch")) as dispatch:
        received = [dispatch.messages.get(timeout=60).payload for _ in range(2)]
    assert received == [b"while you were away", b"kept"]


@needs_mosquitto
def test_changed_rights_cost_a_subscriber_that_is_away_nothing(broker: Broker, fleet: Fleet) -> None:
    with client(broker, fleet.subscriber("dispatch")) as dispatch:
        dispatch.subscribe(f"{PREFIX}/post-1/#")
    broker.reload()
    with client(broker, fleet.post("post-1")) as post:
        assert post.publish(f"{PREFIX}/post-1/read", "meanwhile") == "Success"
    with client(broker, fleet.subscriber("dispatch")) as dispatch:
        assert dispatch.messages.get(timeout=60).payload == b"meanwhile"


@needs_mosquitto
def test_port_in_use_is_an_error(broker: Broker, fleet: Fleet, tmp_path: Path) -> None:
    second = Broker(fleet, tmp_path / "second", port=broker.port)
    with pytest.raises(BrokerError, match="in use"):
        second.start()
    assert not second.running


@needs_mosquitto
def test_stopping_twice_and_starting_twice_do_nothing(broker: Broker) -> None:
    broker.start()
    broker.stop()
    broker.stop()
    assert "stopped" in repr(broker)


def test_missing_mosquitto_says_how_to_install_it(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "mosquitto_path", lambda: None)
    with pytest.raises(BrokerError, match="apt-get install mosquitto"):
        Broker(fleet, tmp_path / "broker").start()


def test_mosquitto_is_found_where_debian_puts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists("/usr/sbin/mosquitto"):  # noqa: PTH110
        pytest.skip("mosquitto in /usr/sbin is missing: make tools")
    monkeypatch.setenv("PATH", "/usr/bin")
    assert mosquitto_path() == "/usr/sbin/mosquitto"


@needs_mosquitto
def test_broker_that_cannot_start_shows_the_end_of_its_log(fleet: Fleet, tmp_path: Path) -> None:
    broker = Broker(fleet, tmp_path / "broker")
    configuration = tmp_path / "broker" / "mosquitto.conf"
    configuration.write_text(configuration.read_text() + "no_such_setting true\n")
    with pytest.raises(BrokerError, match="no_such_setting"):
        broker.start()
