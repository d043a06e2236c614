"""Every reason that MQTT 5 has for a refusal, given by a broker that follows a script: named, and never a hot loop."""

import socket
from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from platepost.device.uplink.reasons import PATIENCE, TOPIC, WHOLE_BROKER, reason_name
from tests.device.uplink.scripted import Packet, Script, ScriptedBroker

Bench: TypeAlias = Any  # conftest's

AUDIT = "alpr/v1/demo/post-1/audit"
PATIENT = 60.0
"""Seconds of the first patience: within a test, a refused one is not tried again."""


def codes(packet: int) -> list[int]:
    """Return the failures that paho knows for a kind of packet, which are those of the specification."""
    names = ReasonCode(packet, identifier=0).names
    return sorted(
        code for code, by_name in names.items() if code >= 0x80 and any(packet in p for p in by_name.values())
    )


def name(packet: int, code: int) -> str:
    return reason_name(ReasonCode(packet, identifier=code))


@pytest.fixture
def scripted(bench: Bench) -> Iterator[ScriptedBroker]:
    with ScriptedBroker(bench.authority.issue("broker", server=True), bench.authority.ca, Script()) as broker:
        yield broker


def settings(bench: Bench, *brokers: ScriptedBroker, **changes: object) -> dict[str, Any]:
    values = {"first_refusal_wait_seconds": PATIENT, "reconnect_seconds": 0.05, "max_backoff_seconds": 0.1} | changes
    made: dict[str, Any] = bench.settings(*brokers, **values)
    return made


@pytest.mark.parametrize("code", codes(PacketTypes.CONNACK), ids=lambda code: name(PacketTypes.CONNACK, code))
def test_refused_connection(bench: Bench, scripted: ScriptedBroker, code: int) -> None:
    scripted.script.connect = code
    bench.audit()
    reason = name(PacketTypes.CONNACK, code)
    with bench.uplink(settings(bench, scripted)) as uplink:
        bench.wait_for(lambda: uplink.state().problem == reason, what=reason)
        if reason in PATIENCE:
            bench.wait_for(lambda: (uplink.state().retry_in_seconds or 0) > PATIENT / 3, what="patience")
            assert len(scripted.connections) == 1
        else:
            bench.wait_for(lambda: len(scripted.connections) >= 2, what="another attempt")
        uplink.drain(0)
    assert bench.outbox.depth() == 1


@pytest.mark.parametrize("code", codes(PacketTypes.PUBACK), ids=lambda code: name(PacketTypes.PUBACK, code))
def test_refused_record(bench: Bench, scripted: ScriptedBroker, code: int) -> None:
    scripted.script.publish = lambda packet: code if packet.topic == AUDIT else 0x00
    for number in range(5):
        bench.audit(number)
    bench.birth()
    reason = name(PacketTypes.PUBACK, code)
    with bench.uplink(settings(bench, scripted)) as uplink:
        bench.wait_for(lambda: len(uplink.state().refusals) == 1, what="the refusal")
        (refusal,) = uplink.state().refusals
        assert refusal.reason == reason
        assert refusal.topic == ("#" if reason in WHOLE_BROKER else AUDIT)
        if reason not in WHOLE_BROKER:
            bench.wait_for(lambda: bench.outbox.depth() == 5, what="the status, which is not refused")
        assert len([packet for packet in scripted.published if packet.topic == AUDIT]) == 1
        assert uplink.state().connected
        uplink.drain(0)


@pytest.mark.parametrize("code", codes(PacketTypes.DISCONNECT), ids=lambda code: name(PacketTypes.DISCONNECT, code))
def test_hung_up_with_a_reason_at_a_record(bench: Bench, scripted: ScriptedBroker, code: int) -> None:
    scripted.script.disconnect = lambda packet: code if packet.topic == AUDIT else None
    bench.audit()
    reason = name(PacketTypes.DISCONNECT, code)
    seen: set[str | None] = set()
    with bench.uplink(settings(bench, scripted)) as uplink:

        def known() -> bool:
            state = uplink.state()
            seen.add(state.problem)
            refused = {refusal.reason for refusal in state.refusals}
            if reason in TOPIC | WHOLE_BROKER:
                return refused == {reason}
            return reason in seen or f"{reason}_on_publish" in refused

        bench.wait_for(known, what=reason)
        if reason in PATIENCE:
            bench.wait_for(lambda: (uplink.state().retry_in_seconds or 0) > PATIENT / 3, what="patience")
            assert len(scripted.connections) == 1
        uplink.drain(0)
    assert bench.outbox.depth() == 1


def test_hung_up_without_a_word_at_a_topic(bench: Bench, scripted: ScriptedBroker) -> None:
    scripted.script.disconnect = lambda packet: -1 if packet.topic == AUDIT else None
    for number in range(5):
        bench.audit(number)
    with bench.uplink(settings(bench, scripted), on_connected=bench.birth) as uplink:
        bench.wait_for(lambda: bool(uplink.state().refusals), what="the refusal")
        (refusal,) = uplink.state().refusals
        assert (refusal.topic, refusal.reason) == (AUDIT, "connection_lost_on_publish")
        bench.wait_for(lambda: bench.outbox.depth() == 5, what="the births, which are not refused")
        assert len(scripted.connections) == 4
        uplink.drain(0)


def test_hung_up_after_a_refused_subscription_keeps_no_record_from_going(
    bench: Bench, scripted: ScriptedBroker
) -> None:
    scripted.script.subscribe = 0x87
    scripted.script.hang_up_after_subscribe = True
    bench.audit()
    with bench.uplink(settings(bench, scripted), subscriptions={"alpr/v1/demo/x": lambda _: None}) as uplink:
        bench.wait_for(lambda: bench.outbox.depth() == 0, what="delivery")
        assert uplink.state().refused_subscriptions == ("alpr/v1/demo/x not_authorized",)
        assert len(scripted.connections) == 2


def test_no_more_is_under_way_than_the_broker_receives(bench: Bench, scripted: ScriptedBroker) -> None:
    scripted.script.connect_properties = {"ReceiveMaximum": 3}
    answered = iter(range(7))
    scripted.script.publish = lambda _packet: 0x00 if next(answered, None) is not None else None
    for number in range(30):
        bench.audit(number)
    with bench.uplink(settings(bench, scripted)) as uplink:
        bench.wait_for(lambda: len(scripted.published) == 10, what="seven answered and three more")
        bench.wait_for(lambda: uplink.state().in_flight == 3, what="a full window")
        uplink.drain(0.2)
    assert len(scripted.published) == 10


@pytest.mark.parametrize(
    ("properties", "reason"),
    [({"MaximumQoS": 0}, "qos_not_supported"), ({"RetainAvailable": 0}, "retain_not_supported")],
)
def test_broker_that_cannot_do_what_records_need(
    bench: Bench, scripted: ScriptedBroker, properties: dict[str, int], reason: str
) -> None:
    scripted.script.connect_properties = properties
    with bench.uplink(settings(bench, scripted)) as uplink:
        bench.wait_for(lambda: uplink.state().problem == reason, what=reason)
        uplink.drain(0)
    assert scripted.published == []


@pytest.mark.parametrize("code", [0x9C, 0x9D], ids=["use_another_server", "server_moved"])
def test_a_reference_is_followed_only_within_the_list(bench: Bench, scripted: ScriptedBroker, code: int) -> None:
    identity = bench.authority.issue("broker", server=True)
    with (
        ScriptedBroker(identity, bench.authority.ca, Script()) as foreign,
        ScriptedBroker(identity, bench.authority.ca, Script(connect=0x88)) as second,
        ScriptedBroker(identity, bench.authority.ca, Script()) as third,
    ):
        scripted.script.connect = code
        references = f"localhost:{foreign.port} localhost:{third.port}"
        scripted.script.connect_properties = {"ServerReference": references}
        bench.audit()
        with bench.uplink(settings(bench, scripted, second, third)):
            bench.wait_for(lambda: bench.outbox.depth() == 0, what="delivery")
        assert (len(foreign.connections), len(second.connections)) == (0, 0)
        assert len(third.published) == 1


def test_a_broker_that_refuses_is_left_alone_while_another_takes_records(
    bench: Bench, scripted: ScriptedBroker
) -> None:
    scripted.script.connect = 0x9F
    other = ScriptedBroker(bench.authority.issue("broker", server=True), bench.authority.ca, Script())

    def closes(packet: Packet) -> int | None:
        return -1 if len(other.published) % 2 else None

    with other:
        other.script.disconnect = closes
        for number in range(4):
            bench.audit(number)
        with bench.uplink(settings(bench, scripted, other)) as uplink:
            bench.wait_for(lambda: len(other.connections) >= 4, what="several connections")
            uplink.drain(0)
    assert len(scripted.connections) == 1


def test_a_broker_that_acknowledges_nothing_is_left_for_another(bench: Bench, scripted: ScriptedBroker) -> None:
    scripted.script.publish = lambda _packet: None
    bench.audit()
    other = ScriptedBroker(bench.authority.issue("broker", server=True), bench.authority.ca, Script())
    with other, bench.uplink(settings(bench, scripted, other, acknowledge_seconds=0.5)):
        bench.wait_for(lambda: bench.outbox.depth() == 0, what="delivery")
    assert (len(scripted.published), len(other.published)) == (1, 1)


def test_a_broker_that_acknowledges_nothing_is_tried_anew_where_there_is_no_other(
    bench: Bench, scripted: ScriptedBroker
) -> None:
    """Then it is the broker that does nothing: the watchdog sees a post that tries."""
    scripted.script.publish = lambda _packet: None
    bench.audit()
    with bench.uplink(settings(bench, scripted, acknowledge_seconds=0.3, first_refusal_wait_seconds=0.1)) as uplink:
        bench.wait_for(lambda: uplink.state().problem == "no_acknowledgment", what="its name")
        assert not uplink.state().refusals
        bench.wait_for(lambda: uplink.state().attempts >= 3, what="further attempts")
        scripted.script.publish = lambda _packet: 0x00
        bench.wait_for(lambda: bench.outbox.depth() == 0, what="delivery")


def test_broker_that_takes_connections_and_says_nothing_is_tried_ever_more_rarely(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that took long is no connection that lasted: it must not begin the back-off again."""
    monkeypatch.setattr("platepost.device.uplink.session.LASTED_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with bench.uplink(settings(bench, brokers=(address,), connect_timeout_seconds=0.5)) as uplink:
            bench.wait_for(lambda: uplink.state().failures >= 3, what="failures that are counted")
            uplink.drain(0)


def test_a_refused_subscription_that_can_be_done_without_is_no_fault_and_not_asked_for_again(
    bench: Bench, scripted: ScriptedBroker
) -> None:
    scripted.script.subscribe = 0x87
    scripted.script.hang_up_after_subscribe = True
    bench.audit()
    topic = "alpr/v1/demo/post-1/status"
    at_once = settings(bench, scripted, first_refusal_wait_seconds=0.05)
    uplink = bench.uplink(at_once)
    uplink.subscribe(topic, lambda _: None, optional=True)
    with uplink:
        bench.wait_for(lambda: bench.outbox.depth() == 0, what="delivery")
        assert uplink.state().refused_subscriptions == ()
        assert len(scripted.connections) == 2


@pytest.mark.parametrize("small", [True, False])
def test_what_is_retained_and_got_lost_on_the_way_comes_with_the_next_connection_if_it_is_small(
    bench: Bench, scripted: ScriptedBroker, *, small: bool
) -> None:
    topic = "alpr/v1/demo/keys/lists"
    scripted.script.hang_up_after_subscribe = True
    scripted.script.retained = b"a statement"
    came: list[bytes] = []
    uplink = bench.uplink(settings(bench, scripted))
    uplink.subscribe(topic, lambda delivery: came.append(delivery.payload), small=small)
    with uplink:
        bench.wait_for(lambda: len(scripted.connections) >= 2, what="another attempt")
        scripted.script.hang_up_after_subscribe = False
        bench.audit()
        bench.wait_for(lambda: bench.outbox.depth() == 0, what="delivery")
        if small:
            bench.wait_for(lambda: came == [b"a statement"], what="what got lost")
    assert came == [b"a statement"] * small
    assert uplink.drain(0)
