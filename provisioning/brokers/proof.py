"""Proves rights at a broker: all clients connect, listen to every topic, and write to every topic."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from platepost.provisioning.brokers.proof_cases import Case, Principal
from platepost.provisioning.brokers.rights import COVERT
from platepost.provisioning.connection import secured_client, split_address
from platepost.provisioning.errors import ProvisioningError
from platepost.wire.mqtt import MqttClient, properties_of
from platepost.wire.records.topics import ROOT

SECONDS = 10.0
SESSION_SECONDS = 120
"""How long what a client may hear waits for it while the broker has hung up on it."""
QUIET_SECONDS = 1.0
"""How long nothing more has to come before what did not come counts as refused."""


SUCCESS, NOBODY = 0x00, 0x10
"""Reasons of MQTT 5: taken; taken, and no one subscribes."""
SHARED = 8
"""Records that are published to a group of two."""


@dataclass(frozen=True, slots=True)
class Intrusion:
    """What a client that may not read something did to those who may, by a subscription."""

    topic: str
    """The filter that it subscribed to."""
    granted: bool
    harm: str | None
    """What came of it; None if nothing did."""


@dataclass
class Client:
    """One client of the proof at the broker."""

    actor: Principal
    client: MqttClient
    received: set[bytes] = field(default_factory=set)
    connected: threading.Event = field(default_factory=threading.Event)
    answers: dict[int, list[ReasonCode]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)
    ended: int = 0


class RightsProof:
    """Clients that are connected while the context is open.

    Args:
        identities: each client with the folder of its identity.
        broker: `host:port`.

    """

    def __init__(self, identities: dict[Principal, Path], *, broker: str) -> None:
        self._broker = broker
        self._clients = {actor: self._make(actor, folder) for actor, folder in identities.items()}

    def __enter__(self) -> Self:
        """Connect everyone.

        Raises:
            ProvisioningError: someone is not let in.

        """
        host, port = split_address(self._broker)
        for client in self._clients.values():
            try:
                client.client.connect_to(host, port, session_seconds=SESSION_SECONDS)
            except OSError as error:
                self.__exit__(None, None, None)
                raise ProvisioningError(f"broker {self._broker}: {error}") from error
            client.client.loop_start()
            if not client.connected.wait(SECONDS):
                self.__exit__(None, None, None)
                raise ProvisioningError(
                    f"{self._broker} rejects {client.actor.name}: does it have the rights written now (--reload)?"
                )
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.client.end(properties=properties_of(PacketTypes.DISCONNECT, SessionExpiryInterval=0))

    def happened(self, cases: list[Case]) -> dict[Case, bool]:
        """Try everything once, and return for each case whether it was possible."""
        for topic in dict.fromkeys(case.topic for case in cases):
            for client in self._clients.values():
                self._listen(client, topic)
        for case in cases:
            if case.access == "write":
                self._write(case)
        self._await_quiet()
        received = {actor: set(client.received) for actor, client in self._clients.items()}
        everything = set().union(*received.values())
        # Not what a broker answers: some acknowledge what they throw away. Every topic has a reader here.
        happened = {}
        for case in cases:
            if case.access == "write":
                happened[case] = _mark(case) in everything
            else:
                happened[case] = any(mark.startswith(case.topic.encode() + b"|") for mark in received[case.actor])
        return happened

    def intrude(self, intruder: Principal, entitled: Principal, writer: Principal, *, agency: str) -> list[Intrusion]:
        """Subscribe as someone without the right to every topic, and in a group that shares one, and see who suffers.

        Args:
            intruder: who may hear hits, and neither covert ones nor the audit trail.
            entitled: who may hear the audit trail.
            writer: a post that nothing else of the proof listens to.
            agency: whose topics.

        """
        own = f"{ROOT}/{agency}/{writer.name}"
        everything, nobody_reads = f"{ROOT}/{agency}/#", f"{own}/{COVERT}/nobody"
        known = self._write(Case(writer, "write", nobody_reads, allowed=True)) == NOBODY
        wide = self._listen(self._clients[intruder], everything)
        counted = wide and known and self._write(Case(writer, "write", nobody_reads, allowed=True)) == SUCCESS
        self._clients[intruder].client.unsubscribe(everything)
        trail = f"{own}/audit"
        shared = f"$share/proof/{trail}"
        self._listen(self._clients[entitled], shared)
        joined = self._listen(self._clients[intruder], shared)
        cases = [Case(entitled, "write", f"{trail}|{number}", allowed=True) for number in range(SHARED)]
        for case in cases:
            self._publish(self._clients[writer], trail, _mark(case))
        self._await_quiet()
        lost = sum(_mark(case) not in self._clients[entitled].received for case in cases)
        return [
            Intrusion(everything, wide, "what no one else receives is acknowledged as received" if counted else None),
            Intrusion(shared, joined, f"{lost} of {SHARED} records are lost to the group" if lost else None),
        ]

    def _listen(self, client: Client, topic: str) -> bool:
        """Subscribe, and return whether the broker grants it."""
        if not client.connected.wait(SECONDS):
            raise ProvisioningError(f"{self._broker} does not let {client.actor.name} in again")
        before = client.ended
        result, number = client.client.subscribe(topic, qos=1)
        if result != mqtt.MQTT_ERR_SUCCESS or number is None:
            return False
        reasons = self._answered(client, number, before)
        return bool(reasons) and not reasons[0].is_failure

    def _write(self, case: Case) -> int | None:
        return self._publish(self._clients[case.actor], case.topic, _mark(case))

    def _publish(self, client: Client, topic: str, content: bytes) -> int | None:
        """Publish, and return the reason that the broker answers with; None where it hangs up or is silent."""
        if not client.connected.wait(SECONDS):
            raise ProvisioningError(f"{self._broker} does not let {client.actor.name} in again")
        before = client.ended
        number = client.client.publish(topic, content, qos=1).mid
        reasons = self._answered(client, number, before)
        return reasons[0].value if reasons else None

    def _answered(self, client: Client, number: int, before: int) -> list[ReasonCode]:
        """Await the broker's answer; that it hangs up is one, and what was sent is not sent again."""
        end = time.monotonic() + SECONDS
        with client.changed:
            while number not in client.answers and client.ended == before:
                if not client.changed.wait(end - time.monotonic()):
                    break
            return client.answers.get(number, [])

    def _await_quiet(self) -> None:
        def total() -> int:
            return sum(len(client.received) for client in self._clients.values())

        since, known = time.monotonic(), total()
        while time.monotonic() - since < QUIET_SECONDS:
            time.sleep(0.05)
            if total() != known:
                since, known = time.monotonic(), total()

    def _make(self, actor: Principal, folder: Path) -> Client:
        client = secured_client(folder)
        # A broker may hang up on whatever it refuses: at once on again, in the same session.
        client.reconnect_delay_set(0, 1)
        connection = Client(actor, client)

        def connected(_client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _more: object) -> None:
            if not reason.is_failure:
                connection.connected.set()

        def ended(*_: object) -> None:
            connection.connected.clear()
            with connection.changed:
                connection.ended += 1
                # paho would send again what the broker hung up for, and be hung up on again, forever.
                client._out_messages.clear()  # noqa: SLF001
                connection.changed.notify_all()

        def answered(
            _client: mqtt.Client, _data: object, number: int, codes: ReasonCode | list[ReasonCode], _more: object
        ) -> None:
            with connection.changed:
                connection.answers[number] = codes if isinstance(codes, list) else [codes]
                connection.changed.notify_all()

        client.on_connect = connected
        client.on_disconnect = ended
        client.on_publish = answered
        client.on_subscribe = answered
        client.on_message = lambda _client, _data, message: connection.received.add(bytes(message.payload))
        return connection


def _mark(case: Case) -> bytes:
    return f"{case.topic}|{case.actor.name}".encode()
