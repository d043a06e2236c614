"""Who may not publish, read, or take a post's place: against real brokers, with the rights that provisioning made."""

import ssl
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from paho.mqtt.client import Client

from platepost.device.uplink.takeover import TAKEN_OVER
from platepost.provisioning.connection import Connection
from platepost.provisioning.fleet import revocation
from platepost.provisioning.trust.authority import Authority
from tests.conformance.stands import AGENCY, Stand
from tests.waiting import until

pytestmark = pytest.mark.end_to_end

VICTIM = "post-50"
SECRET = f"alpr/v1/{AGENCY}/{VICTIM}/command/restart"


def is_let_in(stand: Stand, identity: Path | None, client_id: str) -> bool:
    """Tell whether a client with this identity is accepted, by a broker that is known to accept others."""
    client = stand.client(identity or stand.fleet.post(VICTIM), client_id)
    if identity is None:
        client = stand.client(stand.fleet.post(VICTIM), client_id)
        client._ssl_context = ssl.create_default_context(cafile=str(stand.fleet.broker.authority))
    answered = threading.Event()
    accepted: list[bool] = []

    def on_connect(_client: Client, _data: object, _flags: object, reason: object, _properties: object) -> None:
        accepted.append(not reason.is_failure)  # type: ignore[attr-defined]
        answered.set()

    client.on_connect = on_connect
    client.on_disconnect = lambda *_: answered.set()
    try:
        stand.connect(client)
    except OSError:
        return False
    assert answered.wait(60)
    client.disconnect()
    client.loop_stop()
    return accepted == [True]


@pytest.mark.parametrize("who", ["no certificate", "foreign authority", "expired certificate"])
def test_without_a_valid_certificate_nobody_is_let_in(stand: Stand, who: str, tmp_path: Path) -> None:
    own = Authority.load(stand.fleet.directory / "authority")
    make: dict[str, Callable[[], Path | None]] = {
        "no certificate": lambda: None,
        "foreign authority": lambda: stand.forged(VICTIM, Authority.create(AGENCY)),
        "expired certificate": lambda: stand.forged(VICTIM, own, valid=timedelta(hours=1)),
    }
    assert is_let_in(stand, stand.forged(VICTIM, own), VICTIM), "the right authority's is"
    assert not is_let_in(stand, make[who](), VICTIM)


def test_less_than_tls_1_3_is_refused(stand: Stand) -> None:
    context = stand.context(stand.fleet.post(VICTIM))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = stand.client(stand.fleet.post(VICTIM), VICTIM)
    client._ssl_context = context
    with pytest.raises(OSError, match=r"(?i)protocol|alert|reset|eof|handshake"):
        stand.connect(client)


def test_another_post_s_certificate_takes_no_post_s_place(stand: Stand) -> None:
    victim = stand.client(stand.fleet.post(VICTIM), VICTIM)
    lost = threading.Event()
    connected = threading.Event()
    victim.on_connect = lambda *_: connected.set()
    victim.on_disconnect = lambda *_: lost.set()
    stand.connect(victim)
    assert connected.wait(60)
    let_in = is_let_in(stand, stand.fleet.post("post-51"), VICTIM)
    # Mosquitto gives the client the name of its own certificate; RabbitMQ refuses it; another may do either.
    assert let_in == {"mosquitto": True, "rabbitmq": False}.get(stand.kind, let_in)
    answered = threading.Event()
    victim.on_subscribe = lambda *_: answered.set()
    victim.subscribe(SECRET, qos=1)
    assert answered.wait(60)
    assert not lost.is_set()


@pytest.mark.parametrize("topic", [SECRET, f"alpr/v1/{AGENCY}/{VICTIM}/#", "#", f"alpr/v1/{AGENCY}/+/command/restart"])
def test_another_post_reads_nothing_of_a_post(stand: Stand, topic: str) -> None:
    operator = stand.client(stand.fleet.operator("r-alvarez"), "r-alvarez")
    stand.connect(operator)
    seen: list[str] = []
    answered = threading.Event()
    spy = stand.client(stand.fleet.post("post-51"), "post-51")
    spy.on_message = lambda _client, _data, message: seen.append(message.topic)
    spy.on_connect = lambda *_: spy.subscribe(topic, qos=1)
    spy.on_subscribe = lambda *_: answered.set()
    spy.on_disconnect = lambda *_: answered.set()
    stand.connect(spy)
    assert answered.wait(60)
    got: list[str] = []
    ready = threading.Event()
    addressee = stand.client(stand.fleet.post(VICTIM), VICTIM)
    addressee.on_message = lambda _client, _data, message: got.append(message.topic)
    addressee.on_connect = lambda *_: addressee.subscribe(SECRET, qos=1)
    addressee.on_subscribe = lambda *_: ready.set()
    stand.connect(addressee)
    assert ready.wait(60)
    operator.publish(SECRET, b"{}", qos=1).wait_for_publish(60)
    until(lambda: got == [SECRET], what="the addressee to get it")
    assert seen == []


@pytest.mark.parametrize("who", ["post-51", "keeper-51"])
@pytest.mark.parametrize("topic", ["command/restart", "configuration", "read", "status"])
def test_another_client_writes_nothing_of_a_post(stand: Stand, topic: str, who: str) -> None:
    whole = f"alpr/v1/{AGENCY}/{VICTIM}/{topic}"
    reader = stand.fleet.publisher if topic in {"configuration", "status"} else stand.fleet.post(VICTIM)
    name = {stand.fleet.publisher: "department"}.get(reader, VICTIM)
    if topic == "read":
        reader, name = stand.fleet.subscriber("keeper-50"), "keeper-50"
    seen: list[bytes] = []
    ready = threading.Event()
    listener = stand.client(reader, name)
    listener.on_message = lambda _client, _data, message: seen.append(message.payload)
    listener.on_connect = lambda *_: listener.subscribe(whole, qos=1)
    listener.on_subscribe = lambda *_: ready.set()
    stand.connect(listener)
    assert ready.wait(60)
    answered = threading.Event()
    identity = stand.fleet.post(who) if who.startswith("post") else stand.fleet.subscriber(who)
    forger = stand.client(identity, who)
    forger.on_connect = lambda *_: forger.publish(whole, b"forged", qos=1)
    forger.on_publish = lambda *_: answered.set()
    forger.on_disconnect = lambda *_: answered.set()
    stand.connect(forger)
    assert answered.wait(60)
    allowed = {"command/restart": "r-alvarez", "configuration": "department"}.get(topic, VICTIM)
    folder = {"r-alvarez": stand.fleet.operator("r-alvarez"), "department": stand.fleet.publisher}.get(
        allowed, stand.fleet.post(VICTIM)
    )
    if allowed == name:
        listener.publish(whole, b"true", qos=1)
    else:
        owner = stand.client(folder, allowed)
        owner.on_connect = lambda *_: owner.publish(whole, b"true", qos=1)
        stand.connect(owner)
    until(lambda: bool(seen), what="the rightful one's to come")
    assert set(seen) == {b"true"}


class Listener:
    """A client that listens to a filter, and what it heard."""

    def __init__(self, stand: Stand, identity: Path, name: str, topic: str) -> None:
        self.heard: list[tuple[str, bytes]] = []
        ready = threading.Event()
        client = stand.client(identity, name)
        client.on_message = lambda _client, _data, message: self.heard.append((message.topic, message.payload))
        client.on_connect = lambda *_: client.subscribe(topic, qos=1)
        client.on_subscribe = lambda *_: ready.set()
        client.on_disconnect = lambda *_: ready.set()
        stand.connect(client)
        assert ready.wait(60)


def publish(stand: Stand, identity: Path, name: str, topic: str, payload: bytes) -> None:
    """Publish one message as a client, and wait for the broker's answer, or that it hangs up."""
    answered = threading.Event()
    client = stand.client(identity, name)
    client.on_connect = lambda *_: client.publish(topic, payload, qos=1)
    client.on_publish = lambda *_: answered.set()
    client.on_disconnect = lambda *_: answered.set()
    stand.connect(client)
    assert answered.wait(60)


@pytest.mark.parametrize("who", ["keeper-51", "r-alvarez", "department"])
def test_who_is_no_post_is_not_heard_as_one_of_its_own_name(stand: Stand, who: str) -> None:
    fleet = stand.fleet
    folders = {"keeper-51": fleet.subscriber("keeper-51"), "r-alvarez": fleet.operator("r-alvarez")}
    listener = Listener(stand, fleet.subscriber("keeper-50"), "keeper-50", f"alpr/v1/{AGENCY}/+/hit/+")
    publish(stand, folders.get(who, fleet.publisher), who, f"alpr/v1/{AGENCY}/{who}/hit/stolen_vehicle", b"forged")
    true = f"alpr/v1/{AGENCY}/{VICTIM}/hit/stolen_vehicle"
    publish(stand, fleet.post(VICTIM), VICTIM, true, b"true")
    until(lambda: bool(listener.heard), what="the rightful one's to come")
    assert set(listener.heard) == {(true, b"true")}


def test_covert_hits_come_to_their_group_and_to_nobody_else(stand: Stand) -> None:
    fleet, covert = stand.fleet, f"alpr/v1/{AGENCY}/{VICTIM}/covert/narcotics"
    member = Listener(stand, fleet.subscriber("task-force"), "task-force", f"alpr/v1/{AGENCY}/+/covert/narcotics")
    other = Listener(stand, fleet.subscriber("keeper-50"), "keeper-50", f"alpr/v1/{AGENCY}/+/covert/narcotics")
    publish(stand, fleet.post(VICTIM), VICTIM, covert, b"true")
    until(lambda: bool(member.heard), what="the covert hit to come")
    assert set(member.heard) == {(covert, b"true")}
    assert other.heard == []


def test_second_client_with_a_post_s_identity_is_noticed_by_the_post(stand: Stand) -> None:
    with stand.post() as post:
        uplink = post.uplink()
        uplink.start()
        try:
            until(lambda: uplink.state().connected, what="the post to connect")
            seen: list[str | None] = []
            copy = stand.client(stand.fleet.post(post.name), post.name)
            stand.connect(copy)
            until(lambda: seen.append(uplink.state().problem) or TAKEN_OVER in seen, what="the post to notice")
        finally:
            uplink.stop()


def test_session_of_a_revoked_post_ends_before_the_broker_is_told(stand: Stand) -> None:
    if stand.kind != "rabbitmq":
        pytest.skip("mosquitto reads the list of revoked certificates when it is told of it, and another may")
    fleet, broker, name = stand.fleet, stand.broker.address, f"post-{next(stand.numbers)}"
    ended: list[bool] = []
    with Connection(fleet.post(name), broker=broker) as thief:
        tell = lambda: ended.append(thief.was_ended(within=20))  # noqa: E731
        revocation.lock_out(fleet, name, "stolen", broker=broker, reload=tell, authority=fleet.open_authority())
        assert ended == [True]
        assert not revocation.is_let_in(fleet.post(name), broker)
        assert not thief.is_back(within=0)
