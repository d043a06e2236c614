"""Brokers to try, each with a fleet of its own, and what a test does with them."""

import json
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.packettypes import PacketTypes

from platepost.device.control.keys.custodians import Custodians
from platepost.device.custody.receipts import open_receipt, read_receipt
from platepost.device.outbox.custody import Requirements
from platepost.device.outbox.outbox import Outbox
from platepost.device.uplink.inbox import Delivery
from platepost.device.uplink.uplink import Uplink
from platepost.provisioning.brokers.rights import RECORDS
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.keys import new_key, private_pem
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.ground.site import READS
from platepost.simulator.keeper.keeper import RecordKeeper
from platepost.wire.contract.examples import example_audit, example_status
from platepost.wire.keys.statement import Key
from platepost.wire.mqtt import MqttClient, properties_of
from platepost.wire.records import CustodianTerms, Envelope, Purpose, Reason, Recorder, Signer, Source, new_identifier
from platepost.wire.records.command import Role
from tests.conformance.brought import load
from tests.rabbitmq import RabbitCluster, rabbitmq_path
from tests.rigs import make_uplink, uplink_arguments

AGENCY = "demo"
CUSTODIAN = "records"
CLIENTS = 60
"""More posts and keepers than there are tests."""
SECONDS = 30.0


@dataclass
class Keeper:
    """A record keeper: a session of its own, and all that came."""

    client: MqttClient
    messages: list[MQTTMessage] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    @property
    def ids(self) -> list[str]:
        """The records' ids in the order of arrival."""
        return [json.loads(message.payload)["id"] for message in list(self.messages)]

    @property
    def states(self) -> list[tuple[str, bool]]:
        """Every status with whether it was retained."""
        events = [(json.loads(message.payload), message.retain) for message in list(self.messages)]
        return [
            (event["data"]["state"], kept) for event, kept in events if event["type"].startswith("platepost.status")
        ]


@dataclass
class Post:
    """One post with an outbox, as far as its uplink."""

    name: str
    identity: Path
    outbox: Outbox
    signer: Signer
    recorder: Recorder
    stand: "Stand"

    def settings(self, **changes: object) -> dict[str, Any]:
        """Return what an uplink to the stand's broker is made with; `changes` are of its settings, or its tuning."""
        values: dict[str, Any] = {
            "brokers": self.stand.broker.addresses,
            "ca": self.identity / "ca.pem",
            "certificate": self.identity / "certificate.pem",
            "private_key": self.identity / "private_key.pem",
            "reconnect_seconds": 0.2,
            "max_backoff_seconds": 1.0,
        }
        return uplink_arguments(self.name, values | changes)

    def uplink(self, settings: dict[str, Any] | None = None, **more: Any) -> Uplink:
        """Make an uplink, not yet started."""
        return make_uplink(self.outbox, settings or self.settings(), **{"will": self.will} | more)

    def audit(self, number: int = 0, *, padding: int = 0) -> Envelope:
        """Record something."""
        return self.recorder.record(example_audit("door_closed", details={"number": number, "padding": "x" * padding}))

    def birth(self) -> None:
        """Record that the post is online."""
        self.recorder.record(example_status("online", new_identifier()))

    def wait_for_receipts(self, uplink: Uplink) -> None:
        """Have each record wait for the custodian's receipt from now on, and take what comes through an uplink."""
        key = Key.of(self.stand.fleet.keys(Purpose.CUSTODY, CUSTODIAN).verifying.read_bytes())
        keys = Custodians([(CustodianTerms(name=CUSTODIAN), key)]).get(CUSTODIAN)

        def receive(delivery: Delivery) -> None:
            signed, _ = open_receipt(delivery, keys, at=datetime.now(UTC))
            receipt = read_receipt(signed, source=self.recorder.source, custodian=CUSTODIAN)
            self.outbox.take_receipt(CUSTODIAN, receipt.chain, receipt.ranges)

        self.outbox.require(Requirements(in_force=True, open=frozenset({CUSTODIAN})))
        uplink.subscribe(self.recorder.source.receipt(CUSTODIAN), receive)

    @property
    def held(self) -> int:
        """Records that are on the disk."""
        backlog = self.outbox.backlog()
        return backlog.depth + backlog.sent

    def will(self) -> Envelope:
        """Return the signed status of a post that fell silent."""
        silent = Reason(name="connection_lost", message="The post fell silent.")
        return self.recorder.unchained(example_status("offline", new_identifier(), silent))


@dataclass
class Stand:
    """One kind of broker, running."""

    kind: str
    fleet: Fleet
    broker: Broker | RabbitCluster
    directory: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    clients: list[Client] = field(default_factory=list)

    @contextmanager
    def post(self, *, name: str | None = None) -> Iterator[Post]:
        """Give a post that no other test has; with `name` its records claim to be another's."""
        number = next(self.numbers)
        own = f"post-{number}"
        with Outbox(self.directory / f"outbox-{number}" / "outbox.db", key=bytes(32)) as outbox:
            signer = Signer(ECKey.generate_key("P-256"))
            recorder = Recorder(outbox, signer, Source(AGENCY, name or own))
            yield Post(own, self.fleet.post(own), outbox, signer, recorder, self)

    def context(self, identity: Path) -> ssl.SSLContext:
        """Make the TLS context of a client."""
        context = ssl.create_default_context(cafile=str(self.fleet.broker.authority))
        context.load_cert_chain(identity / "certificate.pem", identity / "private_key.pem")
        return context

    def client(self, identity: Path, client_id: str) -> MqttClient:
        """Make a plain client, not yet connected."""
        client = MqttClient(client_id, self.context(identity))
        client.reconnect_delay_set(1, 1)
        self.clients.append(client)
        return client

    def connect(self, client: MqttClient, *, address: str | None = None) -> None:
        """Connect a plain client and run it in a thread."""
        host, _, port = (address or self.broker.addresses[-1]).partition(":")
        client.connect_to(host, int(port), session_seconds=3600)
        client.loop_start()

    def keeper(self, post: Post | str, *, address: str | None = None) -> Keeper:
        """Subscribe to a post's records, on the last node of the broker where no other is said."""
        of = post if isinstance(post, str) else post.name
        name = f"keeper-{next(self.numbers)}"
        client = self.client(self.fleet.subscriber(name), name)
        keeper = Keeper(client)
        client.on_message = lambda _client, _data, message: keeper.messages.append(message)
        topics = [f"alpr/v1/{AGENCY}/{of}/{topic}" for topic in RECORDS]
        client.listen(topics, ready=keeper.ready.set, refused=pytest.fail)
        self.connect(client, address=address)
        assert keeper.ready.wait(SECONDS)
        return keeper

    @contextmanager
    def custodian(self) -> Iterator[Path]:
        """Run the fleet's custodian; give the folder of what it keeps."""
        folder = self.directory / f"custodian-{next(self.numbers)}"
        with RecordKeeper(self.fleet, CUSTODIAN, broker=self.broker.addresses[-1], folder=folder):
            yield folder

    def kill_where_connected(self, uplink: Uplink) -> Callable[[], None]:
        """Kill the broker, or the node that a post is connected to; return what brings it back."""
        if isinstance(self.broker, RabbitCluster):
            address = uplink.state().broker
            node = next(node for node in self.broker.nodes if node.address == address)
            node.kill()
            return node.start
        self.broker.kill()
        return self.broker.start

    def kill_where_subscribed(self) -> Callable[[], None]:
        """Kill the broker, or the node that keepers are connected to; return what brings it back."""
        server = self.broker.nodes[-1] if isinstance(self.broker, RabbitCluster) else self.broker
        server.kill()
        return server.start

    def forged(self, name: str, authority: Authority, *, valid: timedelta = timedelta(days=2)) -> Path:
        """Write an identity of `name` that another authority vouches for, or that has expired."""
        folder = self.directory / f"forged-{next(self.numbers)}"
        folder.mkdir()
        key = new_key()
        certificate = authority.issue_operator(name, key, agency=AGENCY, role="technician", valid=valid)
        (folder / "certificate.pem").write_bytes(certificate)
        (folder / "private_key.pem").write_bytes(private_pem(key))
        return folder

    def end_clients(self) -> None:
        """End every plain client with its session, whose subscriptions would match the records of later tests."""
        while self.clients:
            self.clients.pop().end(properties=properties_of(PacketTypes.DISCONNECT, SessionExpiryInterval=0))


def make(kind: str, directory: Path) -> Stand:
    """Make a stand; its broker does not run yet."""
    programs = {"mosquitto": mosquitto_path(), "rabbitmq": rabbitmq_path()}
    if ":" not in kind and programs[kind] is None:
        pytest.skip(f"{kind} is missing: make test-brokers")
    if os.environ.get("PLATEPOST_BROKERS") and kind not in os.environ["PLATEPOST_BROKERS"].split(","):
        pytest.skip(f"{kind} is missing in PLATEPOST_BROKERS: make test-brokers")
    fleet = Fleet.create(directory / "fleet", agency=AGENCY)
    for number in range(1, CLIENTS):
        fleet.add_post(f"post-{number}", PostSettings(brokers=("localhost:8883",), camera="virtual"))
        fleet.add_subscriber(f"keeper-{number}", reads=READS)
    fleet.add_subscriber("task-force", groups=("narcotics",))
    fleet.add_custodian(CUSTODIAN)
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    if ":" in kind:
        return Stand(kind, fleet, load(kind)(fleet, directory / "broker"), directory)
    folder = directory / kind
    if kind == "mosquitto":
        return Stand(kind, fleet, Broker(fleet, folder), directory)
    return Stand(kind, fleet, RabbitCluster(fleet, folder, size=3), directory)
