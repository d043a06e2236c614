"""The simulator's record keeper: a custodian that stores what its posts send, and says so by receipts.

It may be killed at any instant. A message is acknowledged after its commit, so the broker brings again what was not;
a receipt is in the log before it is published, and a start compares the two.
"""

import logging
import select
import sqlite3
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from department.custody.issuer import ReceiptIssuer
from department.custody.messages import ReceivedMessage
from department.custody.receipt_log import LostRange, ReceiptLog
from device.records import Keyring, Purpose
from device.records.topics import ROOT
from provisioning.brokers.rights import COVERT, RECORDS
from provisioning.connection import secured_client, split_address
from provisioning.errors import ProvisioningError
from provisioning.fleet.fleet import Fleet
from provisioning.trust.keys import signing_jwk
from simulator.errors import SubscriberError
from simulator.keeper.store import RecordStore

log = logging.getLogger(__name__)

STORE = "records.db"
RECEIPTS = "receipts"
INTERVAL_SECONDS = 0.2
"""Between two receipts of a chain: shorter than a department's, as a simulated day is."""
SESSION_SECONDS = 7 * 24 * 3600
BATCH = 500
"""Messages that one commit takes at most."""
_RECONNECT_SECONDS = 0.3
_LOOK_SECONDS = 0.25
_START_LOOK_SECONDS = 0.01


class RecordKeeper:
    """One custodian of a fleet. A context manager: it works in a thread of its own while it is open."""

    def __init__(
        self,
        fleet: Fleet,
        name: str,
        *,
        broker: str,
        further: Sequence[str] = (),
        folder: Path,
        receipts: Path | None = None,
        interval_seconds: float = INTERVAL_SECONDS,
        new_epoch: bool = False,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            fleet: whose custodian, with the public keys of its posts.
            name: the custodian's.
            broker: `host:port`.
            further: the department's other brokers, if it has any: posts may deliver to each of them.
            folder: where its store lies; made if missing.
            receipts: its log of receipts; beside the store if None.
            interval_seconds: between two receipts of a chain.
            new_epoch: begin a new epoch in any case.

        Raises:
            ProvisioningError: there is no such custodian, or the broker is not `host:port`.

        """
        if name not in fleet.custodians():
            raise ProvisioningError(f"the fleet has no custodian {name!r}")
        self.name = name
        self.lost: tuple[LostRange, ...] = ()
        """What was receipted and is not held, found at the start."""
        self.on_committed: Callable[[Sequence[ReceivedMessage]], object] = lambda _: None
        """Called with what was committed, repeats included, in the keeper's thread."""
        self._fleet = fleet
        self._brokers = (broker, *further)
        for address in self._brokers:
            split_address(address)
        self._folder = folder
        self._receipts = receipts or folder / RECEIPTS
        self._interval = interval_seconds
        self._new_epoch = new_epoch
        terms = fleet.keys(Purpose.CUSTODY, name).terms()
        topics = [*RECORDS, *(f"{COVERT}/{group}" for group in (terms.groups if terms else ()))]
        self._topics = [(f"{ROOT}/{fleet.agency}/+/{topic}", 1) for topic in topics]
        self._links: tuple[_Link, ...] = ()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def __repr__(self) -> str:
        return f"<RecordKeeper {self.name} at {', '.join(self._brokers)}>"

    @property
    def subscribed(self) -> bool:
        """Whether every broker has granted its topics, and the connections stand."""
        return self.subscribed_at == frozenset(self._brokers)

    @property
    def subscribed_at(self) -> frozenset[str]:
        """The brokers of which that is so."""
        return frozenset(link.broker for link in self._links if link.ready)

    def start(self, *, timeout: float = 10.0) -> None:
        """Begin to work, and return once every broker has granted every topic.

        Raises:
            SubscriberError: it does not within `timeout` seconds, or something else hinders.

        """
        self._stop.clear()
        self._failure = None
        self._thread = threading.Thread(target=self._work, name=f"keeper {self.name}", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + timeout
        while not self.subscribed:
            if self._failure is not None or time.monotonic() > deadline:
                waiting = next((link for link in self._links if not link.ready), None)
                answer = waiting.answer if waiting is not None else None
                why = self._failure or answer or f"no answer within {timeout:.0f} s"
                self.stop()
                broker = waiting.broker if waiting is not None else self._brokers[0]
                raise SubscriberError(f"keeper {self.name}, broker {broker}: {why}")
            time.sleep(_START_LOOK_SECONDS)

    def stop(self) -> None:
        """End after the commit and the receipts at hand; the broker keeps the session."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wait(self) -> None:
        """Wait until it is stopped, or can go on no more.

        Raises:
            SubscriberError: the latter.

        """
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None:
            raise SubscriberError(f"keeper {self.name}: {self._failure}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def run(self) -> None:
        """Work in the present thread until `stop` is called from another.

        Raises:
            CustodyError: the log of receipts is damaged, or in use.
            ProvisioningError: the identity cannot be read.
            sqlite3.Error: the store cannot be opened.

        """
        key = signing_jwk(self._fleet.keys(Purpose.CUSTODY, self.name).signing)
        with (
            RecordStore(self._folder / STORE, keys=self._keys) as store,
            ReceiptLog(self._receipts) as receipts,
        ):
            issuer = ReceiptIssuer(
                self.name,
                agency=self._fleet.agency,
                key=key,
                held=store,
                receipts=receipts,
                interval_seconds=self._interval,
                new_epoch=self._new_epoch,
            )
            self._new_epoch = False
            self.lost = issuer.lost
            identity = self._fleet.custodian(self.name)
            self._links = tuple(_Link(self.name, broker, identity, self._topics) for broker in self._brokers)
            try:
                while not self._stop.is_set():
                    self._round(store, issuer)
            finally:
                for link in self._links:
                    link.close()

    def _work(self) -> None:
        try:
            self.run()
        except Exception as error:
            log.exception("keeper %s", self.name)
            self._failure = error

    def _round(self, store: RecordStore, issuer: ReceiptIssuer) -> None:
        """Take what has come, commit it, acknowledge it, and issue what receipts are due.

        All in one thread, and a new connection is made between rounds only: a message is never acknowledged on another
        connection than brought it, where its number may be another's.
        """
        for link in self._links:
            link.connect()
        due = issuer.next_due()
        wait = _LOOK_SECONDS if due is None else min(max(due - time.monotonic(), 0.0), _LOOK_SECONDS)
        _wait_for_any(self._links, wait)
        batches = [(link, link.take()) for link in self._links]
        try:
            messages = [message for _, batch in batches for message in batch]
            if messages:
                deliveries = [ReceivedMessage(message.topic, bytes(message.payload)) for message in messages]
                issuer.committed(store.keep(deliveries), time.monotonic())
                self.on_committed(deliveries)
                for link, batch in batches:
                    link.acknowledge(batch)
            ready = [link for link in self._links if link.ready]
            if ready:
                for receipt in issuer.issue(time.monotonic()):
                    for link in ready:
                        link.publish(receipt.topic, receipt.body)
        except (sqlite3.Error, OSError) as error:
            # What is not acknowledged comes again with the next connection.
            log.warning("keeper %s: %s", self.name, error)
            for link in self._links:
                link.close()
            self._stop.wait(_RECONNECT_SECONDS)

    def _keys(self, post: str) -> Keyring:
        path = self._fleet.record_key(post)
        return Keyring.from_files(path) if path.exists() else Keyring(())


class _Link:
    """The keeper's connection to one broker. One thread drives it; `ready` and `answer` may be read from any."""

    def __init__(self, name: str, broker: str, identity: Path, topics: Sequence[tuple[str, int]]) -> None:
        self.broker = broker
        self.ready = False
        """Whether the broker has granted the topics, and the connection stands."""
        self.answer: str | None = None
        """Why the broker is not of use, as far as is known."""
        self._name = name
        self._topics = list(topics)
        self._batch: list[mqtt.MQTTMessage] = []
        self._retry_at = 0.0
        self._client = client = secured_client(identity, manual_ack=True)
        client.connect_timeout = 5.0
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message

    @property
    def socket(self) -> ssl.SSLSocket | None:
        """The connection's; None without one."""
        found = self._client.socket()
        return found if isinstance(found, ssl.SSLSocket) else None

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._client.want_write())

    def connect(self) -> None:
        """Connect, unless the connection stands or it failed a moment ago."""
        if self.socket is not None or time.monotonic() < self._retry_at:
            return
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = SESSION_SECONDS
        self._batch.clear()
        self._retry_at = time.monotonic() + _RECONNECT_SECONDS
        try:
            self._client.connect(*split_address(self.broker), keepalive=15, clean_start=False, properties=session)
        except OSError as error:
            self.answer = str(error)

    def take(self) -> list[mqtt.MQTTMessage]:
        """Return what has come, at most `BATCH` messages."""
        taken = -1
        while taken < len(self._batch) < BATCH and self.socket is not None:
            taken = len(self._batch)
            self._client.loop(0.0)
        batch, self._batch = self._batch, []
        return batch

    def acknowledge(self, batch: Sequence[mqtt.MQTTMessage]) -> None:
        """Acknowledge messages that this connection brought."""
        for message in batch:
            self._client.ack(message.mid, message.qos)

    def publish(self, topic: str, body: bytes) -> None:
        """Publish a receipt."""
        self._client.publish(topic, body, qos=1)

    def close(self) -> None:
        """Disconnect; the broker keeps the session."""
        self.ready = False
        self._client.disconnect()

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self.answer = f"the broker refuses this client: {reason}"
        else:
            client.subscribe(self._topics)

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        refused = [topic for (topic, _), reason in zip(self._topics, reasons, strict=True) if reason.is_failure]
        if refused:
            self.answer = f"the broker refuses the topics {', '.join(refused)}"
            log.warning("keeper %s: %s", self._name, self.answer)
        else:
            self.ready = True

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, _reason: ReasonCode, _properties: object
    ) -> None:
        self.ready = False

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._batch.append(message)


def _wait_for_any(links: Sequence[_Link], seconds: float) -> None:
    """Wait until there is something to do for one of the connections, or nobody has one, for at most so long."""
    connected = [(link, link.socket) for link in links]
    sockets = [found for _, found in connected if found is not None]
    if any(found.pending() for found in sockets):  # TLS has read ahead
        return
    writable = [found for link, found in connected if found is not None and link.wants_write]
    if len(sockets) < len(links):
        seconds = min(seconds, _RECONNECT_SECONDS)
    if sockets:
        select.select(sockets, writable, [], seconds)
    else:
        time.sleep(seconds)
