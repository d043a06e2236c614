"""The simulator's record keeper: a custodian that stores what its posts send, and says so by receipts.

It may be killed at any instant. A message is acknowledged after its commit, so the broker brings again what was not;
a receipt is in the log before it is published, and a start compares the two.
"""

import logging
import sqlite3
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
from department.custody.receipt_log import LostRange, ReceiptLog
from device.records import Keyring, Purpose
from device.records.topics import ROOT
from provisioning.brokers.rights import COVERT, RECORDS
from provisioning.connection import secured_client, split_address
from provisioning.errors import ProvisioningError
from provisioning.fleet.fleet import Fleet
from provisioning.trust.keys import signing_jwk
from simulator.errors import SubscriberError
from simulator.keeper.store import Delivery, RecordStore

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


class RecordKeeper:
    """One custodian of a fleet. A context manager: it works in a thread of its own while it is open."""

    def __init__(
        self,
        fleet: Fleet,
        name: str,
        *,
        broker: str,
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
        self.on_committed: Callable[[Sequence[Delivery]], object] = lambda _: None
        """Called with what was committed, repeats included, in the keeper's thread."""
        self._fleet = fleet
        self._broker = broker
        self._address = split_address(broker)
        self._folder = folder
        self._receipts = receipts or folder / RECEIPTS
        self._interval = interval_seconds
        self._new_epoch = new_epoch
        terms = fleet.keys(Purpose.CUSTODY, name).terms()
        topics = [*RECORDS, *(f"{COVERT}/{group}" for group in (terms.groups if terms else ()))]
        self._topics = [(f"{ROOT}/{fleet.agency}/+/{topic}", 1) for topic in topics]
        self._batch: list[mqtt.MQTTMessage] = []
        self._answer: str | None = None
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def __repr__(self) -> str:
        return f"<RecordKeeper {self.name} at {self._broker}>"

    @property
    def subscribed(self) -> bool:
        """Whether the broker has granted its topics, and the connection stands."""
        return self._ready.is_set()

    def start(self, *, timeout: float = 10.0) -> None:
        """Begin to work, and return once the broker has granted every topic.

        Raises:
            SubscriberError: it does not within `timeout` seconds, or something else hinders.

        """
        self._stop.clear()
        self._failure = None
        self._thread = threading.Thread(target=self._work, name=f"keeper {self.name}", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + timeout
        while not self._ready.wait(0.05):
            if self._failure is not None or time.monotonic() > deadline:
                why = self._failure or self._answer or f"no answer within {timeout:.0f} s"
                self.stop()
                raise SubscriberError(f"keeper {self.name}, broker {self._broker}: {why}")

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
            client = self._client()
            try:
                while not self._stop.is_set():
                    if client.socket() is None:
                        self._connect(client)
                    else:
                        self._round(client, store, issuer)
            finally:
                self._ready.clear()
                client.disconnect()

    def _work(self) -> None:
        try:
            self.run()
        except Exception as error:
            log.exception("keeper %s", self.name)
            self._failure = error

    def _client(self) -> mqtt.Client:
        client = secured_client(self._fleet.custodian(self.name), manual_ack=True)
        client.connect_timeout = 5.0
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _connect(self, client: mqtt.Client) -> None:
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = SESSION_SECONDS
        self._batch.clear()
        try:
            client.connect(*self._address, keepalive=15, clean_start=False, properties=session)
        except OSError as error:
            self._answer = str(error)
            self._stop.wait(_RECONNECT_SECONDS)

    def _round(self, client: mqtt.Client, store: RecordStore, issuer: ReceiptIssuer) -> None:
        """Take what has come, commit it, acknowledge it, and issue what receipts are due.

        All in one thread, and a new connection is made between rounds only: a message is never acknowledged on another
        connection than brought it, where its number may be another's.
        """
        due = issuer.next_due()
        wait = _LOOK_SECONDS if due is None else min(max(due - time.monotonic(), 0.0), _LOOK_SECONDS)
        client.loop(wait)
        taken = 0
        while taken < len(self._batch) < BATCH and client.socket() is not None:
            taken = len(self._batch)
            client.loop(0.0)
        batch, self._batch = self._batch, []
        try:
            if batch:
                deliveries = [Delivery(message.topic, bytes(message.payload)) for message in batch]
                issuer.committed(store.keep(deliveries), time.monotonic())
                self.on_committed(deliveries)
                for message in batch:
                    client.ack(message.mid, message.qos)
            if self._ready.is_set():
                for receipt in issuer.issue(time.monotonic()):
                    client.publish(receipt.topic, receipt.body, qos=1)
        except (sqlite3.Error, OSError) as error:
            # What is not acknowledged comes again with the next connection.
            log.warning("keeper %s: %s", self.name, error)
            client.disconnect()
            self._stop.wait(_RECONNECT_SECONDS)

    def _keys(self, post: str) -> Keyring:
        path = self._fleet.record_key(post)
        return Keyring.from_files(path) if path.exists() else Keyring(())

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self._answer = f"the broker refuses this client: {reason}"
        else:
            client.subscribe(self._topics)

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        refused = [topic for (topic, _), reason in zip(self._topics, reasons, strict=True) if reason.is_failure]
        if refused:
            self._answer = f"the broker refuses the topics {', '.join(refused)}"
            log.warning("keeper %s: %s", self.name, self._answer)
        else:
            self._ready.set()

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, _reason: ReasonCode, _properties: object
    ) -> None:
        self._ready.clear()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._batch.append(message)
