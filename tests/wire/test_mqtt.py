"""The MQTT client, against a broker that follows a script over real TLS."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from paho.mqtt.packettypes import PacketTypes

from platepost.device.uplink.connection import Waker
from platepost.wire.mqtt import HALF_OPEN_MILLISECONDS, MqttClient, properties_of, wait_for_any
from tests.device.uplink.conftest import Authority
from tests.device.uplink.scripted import CONNECT, Script, ScriptedBroker, pack

LONG = 60.0
"""Nothing here may wait so long."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def context(authority: Authority) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(authority.ca))
    made.load_cert_chain(*authority.issue("post-1"))
    return made


@pytest.fixture
def broker(authority: Authority) -> Iterator[ScriptedBroker]:
    with ScriptedBroker(authority.issue("broker", server=True), authority.ca, Script()) as running:
        yield running


@pytest.fixture
def client(context: ssl.SSLContext) -> Iterator[MqttClient]:
    made = MqttClient("post-1", context)
    yield made
    made.end()


def turn_until(client: MqttClient, condition: Callable[[], object]) -> None:
    until = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < until
        client.turn(1.0)


def test_connect_asks_for_a_session_and_sets_limits(broker: ScriptedBroker, client: MqttClient) -> None:
    answers: list[object] = []
    client.on_connect = lambda *answer: answers.append(answer)
    client.connect_to("localhost", broker.port, session_seconds=3600, receive_most=8, packet_most_bytes=1 << 20)
    turn_until(client, lambda: answers)
    (asked,) = (packet for packet in broker.received if packet.kind == CONNECT)
    limits = {"SessionExpiryInterval": 3600, "ReceiveMaximum": 8, "MaximumPacketSize": 1 << 20}
    assert pack(PacketTypes.CONNECT, limits) in asked.body
    assert not asked.body[7] & 0b10, "a clean start would end the session"


def test_without_a_session_each_connection_starts_clean(broker: ScriptedBroker, client: MqttClient) -> None:
    client.connect_to("localhost", broker.port)
    turn_until(client, lambda: broker.received)
    assert broker.received[0].body[7] & 0b10
    assert pack(PacketTypes.CONNECT, {}) in broker.received[0].body


def test_the_socket_sends_at_once_and_notices_a_silent_peer(broker: ScriptedBroker, client: MqttClient) -> None:
    client.connect_to("localhost", broker.port)
    secured = client.secured
    assert secured is not None
    assert secured.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert secured.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == HALF_OPEN_MILLISECONDS


def test_a_broker_of_another_name_is_refused(broker: ScriptedBroker, client: MqttClient) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        client.connect_to("127.0.0.1", broker.port)
    assert client.secured is None
    assert not client.turn(0.0)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (Script(), "ready"),
        (Script(subscribe=0x87), "the broker refuses the topics alpr/v1/demo/post-1/read"),
        (Script(connect=0x87), "the broker refuses this client: Not authorized"),
    ],
    ids=["granted", "topic", "client"],
)
def test_listener_is_ready_or_refused(
    broker: ScriptedBroker, client: MqttClient, script: Script, expected: str
) -> None:
    broker.script = script
    outcome: list[str] = []
    client.listen(["alpr/v1/demo/post-1/read"], ready=lambda: outcome.append("ready"), refused=outcome.append)
    client.connect_to("localhost", broker.port)
    turn_until(client, lambda: outcome)
    assert outcome == [expected]


def test_turn_reports_the_end_of_the_connection(broker: ScriptedBroker, client: MqttClient) -> None:
    broker.script = Script(disconnect=lambda _packet: -1)
    client.connect_to("localhost", broker.port)
    client.publish("alpr/v1/demo/post-1/read", b"{}", qos=1)
    until = time.monotonic() + LONG
    while client.turn(1.0):
        assert time.monotonic() < until
    assert client.secured is None


def test_a_client_connects_again_after_a_failure_and_after_an_end(broker: ScriptedBroker, client: MqttClient) -> None:
    ready: list[None] = []
    client.listen(["alpr/v1/demo/post-1/read"], ready=lambda: ready.append(None), refused=pytest.fail)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        unused = nobody.getsockname()[1]
    with pytest.raises(OSError, match=r"."):
        client.connect_to("localhost", unused, seconds=5.0)
    for connection in (1, 2):
        broker.script = Script(hang_up_after_subscribe=True)
        client.connect_to("localhost", broker.port, seconds=5.0)
        turn_until(client, lambda: client.secured is None)
        assert len(ready) == connection


def test_a_wake_ends_the_waiting(broker: ScriptedBroker, client: MqttClient) -> None:
    client.connect_to("localhost", broker.port)
    turn_until(client, client.is_connected)
    waker = Waker()
    threading.Timer(0.1, waker.wake).start()
    began = time.monotonic()
    assert client.turn(LONG, wake=waker)
    assert time.monotonic() - began < LONG / 2
    waker.close()


def test_a_message_at_one_of_many_ends_the_waiting_for_all(
    broker: ScriptedBroker, client: MqttClient, context: ssl.SSLContext
) -> None:
    quiet, unconnected = MqttClient("post-2", context), MqttClient("post-3", context)
    answered: list[object] = []
    client.on_connect = lambda *_: answered.append(None)
    client.connect_to("localhost", broker.port)
    began = time.monotonic()
    while not answered:
        wait_for_any([unconnected, quiet, client], LONG)
        client.turn(0.0)
    assert time.monotonic() - began < LONG / 2
    wait_for_any([unconnected], 0.01)


def test_a_listener_that_hangs_does_not_hold_the_end(broker: ScriptedBroker, client: MqttClient) -> None:
    broker.script = Script(retained=b"{}")
    hangs, go_on = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        hangs.set()
        go_on.wait(LONG)

    client.on_message = hang
    client.listen(["alpr/v1/demo/post-1/read"], ready=lambda: None, refused=pytest.fail)
    client.connect_to("localhost", broker.port)
    client.loop_start()
    try:
        assert hangs.wait(LONG)
        began = time.monotonic()
        client.end(seconds=0.1)
        assert time.monotonic() - began < LONG / 2
    finally:
        go_on.set()


def test_properties_leave_out_what_is_not_given() -> None:
    properties = properties_of(PacketTypes.PUBLISH, MessageExpiryInterval=None, CorrelationData=b"1")
    assert not hasattr(properties, "MessageExpiryInterval")
    assert properties.CorrelationData == b"1"
