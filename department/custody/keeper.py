"""A custodian's keeper: it takes records from its brokers, has them stored, and signs receipts for what is durable.

It may be killed at any instant. A message is acknowledged after its commit, so the broker brings again what was not;
a receipt is in the log before it is published, and each opening of the store compares the two. Where the store does not
take records, nothing is acknowledged: posts and brokers keep what is theirs.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Generic, TypeAlias, TypeVar

import paho.mqtt.client as mqtt
from joserfc.jwk import ECKey
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import JsonValue

from platepost.department.custody.holding import ChainName
from platepost.department.custody.issuer import INTERVAL_SECONDS, ReceiptIssuer
from platepost.department.custody.messages import KeptRecords, OutgoingMessage, ReceivedMessage
from platepost.department.custody.receipt_log import LostRange, ReceiptLog
from platepost.provisioning.brokers.rights import COVERT, RECORDS
from platepost.provisioning.connection import secured_client, split_address
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.trust.authority import CERTIFICATE_FILE
from platepost.provisioning.trust.keys import signing_jwk
from platepost.wire.mqtt import MqttClient, wait_for_any
from platepost.wire.records.topics import ROOT

log = logging.getLogger(__name__)

BATCH = 500
"""Messages that one commit takes at most of a broker, and that a broker sends unacknowledged: what bounds memory."""
SESSION_SECONDS = 30 * 24 * 3600
"""For how long a broker keeps what comes while the keeper is away."""
_CONNECT_SECONDS = 5.0
_RECONNECT_SECONDS = 0.3
_LONGEST_WAIT_SECONDS = 5.0
"""Between two tries of a store that does not take records."""
_POLL_SECONDS = 0.25
_PUBLISHING_MOST = 16
"""Messages that wait for a broker's acknowledgment; of older ones no one asks any more."""
_PROGRESS_SECONDS = 60.0
_HITS = 1000
"""Hits over which the median is taken."""
_URGENT = frozenset({"hit", COVERT})
TROUBLES = frozenset({"broker_away", "receipted_not_held", "waiting"})
"""Events that someone should look at."""

Store = TypeVar("Store", bound=KeptRecords)
EventCallback: TypeAlias = Callable[[str, Mapping[str, JsonValue]], object]
"""Called with what happened, one word, and the details."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperSettings:
    """Who a keeper is, and whom it listens to."""

    name: str
    """The custodian's, the common name of its certificate."""
    agency: str
    identity: Path
    """Folder with the client's certificate, key and root."""
    signing_key: Path
    """PEM of the private key that signs its receipts."""
    brokers: tuple[str, ...]
    """`host:port` each. Posts may deliver to any of them. A cluster is one, its nodes with commas between: the first
    that answers is taken, for a second connection with the same name would end that to another node."""
    groups: tuple[str, ...] = ()
    """Distribution groups whose covert hits it keeps."""
    receipts: Path
    """Its log of receipts."""
    interval_seconds: float = INTERVAL_SECONDS
    """Between two receipts of a chain."""

    @property
    def topics(self) -> tuple[str, ...]:
        """The MQTT filters of all that it keeps."""
        return tuple(
            f"{ROOT}/{self.agency}/+/{topic}" for topic in (*RECORDS, *(f"{COVERT}/{one}" for one in self.groups))
        )


class Keeper(Generic[Store]):
    """Keeps records from `run` until `stop`; everything but `stop` and the properties is for one thread.

    Args:
        settings: who it is.
        open_store: opens the store of records; called again after the store has failed.
        new_epoch: begin a new epoch in any case.
        store_errors: what the store raises, beside OSError, when it does not take records. The text is logged.

    Raises:
        ProvisioningError: a broker is not `host:port`.

    """

    def __init__(
        self,
        settings: KeeperSettings,
        open_store: Callable[[], Store],
        *,
        new_epoch: bool = False,
        store_errors: tuple[type[Exception], ...] = (),
    ) -> None:
        self.settings = settings
        self.lost: tuple[LostRange, ...] = ()
        """What was receipted and is not held, found when the store was opened."""
        self.on_committed: Callable[[Sequence[ReceivedMessage]], object] = lambda _: None
        """Called with what was committed, repeats included."""
        self.on_event: EventCallback = self._log
        """Called with what happens: see docs/custodian.md."""
        self.between_batches: Callable[[Store], Collection[ChainName]] = lambda _: ()
        """Called with the store between two batches; returns chains that are to be receipted again."""
        self.outgoing: Callable[[], Sequence[OutgoingMessage]] = list
        """Called between two batches while a broker is there; returns what to publish besides receipts, QoS 1."""
        self.on_published: Callable[[OutgoingMessage], object] = lambda _: None
        """Called with one of these once a broker has acknowledged it."""
        self.statements: Callable[[], Mapping[int, OutgoingMessage]] = dict
        """Called between two batches: what to publish at every broker, by numbers, until `on_delivered` gets them."""
        self.on_delivered: Callable[[Collection[int]], object] = lambda _: None
        """Called with the numbers of those that every broker has acknowledged."""
        self.alive: Callable[[], object] = lambda: None
        """Called several times a second as long as the keeper works, or waits for its store."""
        self.trouble: str | None = None
        """Why the store does not take records; None where it does."""
        self._open_store = open_store
        self._new_epoch = new_epoch
        self._errors: tuple[type[Exception], ...] = (OSError, *store_errors)
        self._links: tuple[_Link, ...] = ()
        self._telling: dict[tuple[str, int], mqtt.MQTTMessageInfo] = {}
        self._publishing: list[tuple[OutgoingMessage, list[mqtt.MQTTMessageInfo]]] = []
        self._stopping = False
        self._failures = 0
        self._progress = _Progress()
        for broker in settings.brokers:
            _nodes(broker)  # raises

    def __repr__(self) -> str:
        return f"<Keeper {self.settings.name} at {', '.join(self.settings.brokers)}>"

    @property
    def answers(self) -> dict[str, str | None]:
        """By broker: None where it has granted every topic and the connection stands, or else why not."""
        links = {link.broker: None if link.ready else link.answer or "no answer" for link in self._links}
        return dict.fromkeys(self.settings.brokers, self.trouble or "not connected") | links

    def stop(self) -> None:
        """Have `run` end after the present batch and receipts; brokers keep the session. For any thread."""
        self._stopping = True

    def run(self) -> None:
        """Keep records until `stop` is called.

        Raises:
            CustodyError: the log of receipts is damaged, or in use.
            ProvisioningError: the identity or the signing key cannot be read.

        """
        key = signing_jwk(self.settings.signing_key)
        with ReceiptLog(self.settings.receipts) as receipts:
            while not self._stopping:
                try:
                    with closing(self._open_store()) as store:
                        self._serve(store, self._issuer(store, receipts, key))
                except self._errors as error:
                    self._wait(error)
        self.on_event("stopped", self._progress.details())

    def _issuer(self, store: Store, receipts: ReceiptLog, key: ECKey) -> ReceiptIssuer:
        issuer = ReceiptIssuer(
            self.settings.name,
            agency=self.settings.agency,
            key=key,
            held=store,
            receipts=receipts,
            interval_seconds=self.settings.interval_seconds,
            new_epoch=self._new_epoch,
        )
        self._new_epoch = False
        self.lost += issuer.lost
        for gap in issuer.lost:
            self.on_event("receipted_not_held", {"range": str(gap)})
        self.on_event("opened", {"epoch": issuer.epoch})
        return issuer

    def _serve(self, store: Store, issuer: ReceiptIssuer) -> None:
        """Keep records in a store as long as it takes them."""
        self._links = tuple(_Link(self.settings, broker, self.on_event) for broker in self.settings.brokers)
        try:
            while not self._stopping:
                self.alive()
                self._round(store, issuer)
                if self._progress.is_due():
                    self.on_event("progress", self._progress.details())
        finally:
            links, self._links = self._links, ()
            for link in links:
                link.close()

    def _round(self, store: Store, issuer: ReceiptIssuer) -> None:
        """Take what has come, commit it, acknowledge it, and issue what receipts are due.

        All in one thread, and a new connection is made between rounds only: a message is never acknowledged on another
        connection than brought it, where its number may be another's.
        """
        for link in self._links:
            link.connect()
        due = issuer.next_due()
        wait = _POLL_SECONDS if due is None else min(max(due - time.monotonic(), 0.0), _POLL_SECONDS)
        self._wait_for_messages(wait)
        batches = self._taken()
        messages = [message for _, batch in batches for message in batch]
        if messages:
            received = [ReceivedMessage(message.topic, bytes(message.payload)) for message in messages]
            issuer.committed(store.keep(received), time.monotonic())
            self._progress.committed(messages)
            self._failures = 0
            if self.trouble is not None:
                self.trouble = None
                self.on_event("storing", {})
            self.on_committed(received)
            for link, batch in batches:
                link.acknowledge(batch)
        issuer.committed(self.between_batches(store), time.monotonic())
        ready = [link for link in self._links if link.ready]
        if ready:
            for receipt in issuer.issue(time.monotonic()):
                self._progress.receipts += 1
                for link in ready:
                    link.publish(receipt)
            self._publishing += [(message, [link.publish(message) for link in ready]) for message in self.outgoing()]
            self._publish_statements(ready)
        arrived = [batch for batch in self._publishing if any(sent.is_published() for sent in batch[1])]
        for message, _ in arrived:
            self.on_published(message)
        self._publishing = [batch for batch in self._publishing if batch not in arrived][-_PUBLISHING_MOST:]

    def _wait_for_messages(self, seconds: float) -> None:
        """Wait until there is something to do for one of the connections, or one is to be made again."""
        if not all(link.connected for link in self._links):
            seconds = min(seconds, _RECONNECT_SECONDS)
        wait_for_any([link.client for link in self._links], seconds)

    def _publish_statements(self, ready: Sequence["_Link"]) -> None:
        """Publish what waits at each broker once, and again where a connection ended before the acknowledgment."""
        waiting, stands = self.statements(), {link.broker for link in ready}
        self._telling = {
            (broker, number): sent
            for (broker, number), sent in self._telling.items()
            if number in waiting and (broker in stands or sent.is_published())
        }
        for link in ready:
            for number in waiting:
                if (link.broker, number) not in self._telling:
                    sent = link.publish(waiting[number])
                    if sent.rc == mqtt.MQTT_ERR_SUCCESS:
                        self._telling[link.broker, number] = sent
        acknowledged = {key for key, sent in self._telling.items() if sent.is_published()}
        delivered = [
            number for number in waiting if all((broker, number) in acknowledged for broker in self.settings.brokers)
        ]
        if delivered:
            self.on_delivered(delivered)

    def _taken(self) -> list[tuple["_Link", list[mqtt.MQTTMessage]]]:
        """Return what has come at each link; a hit ends it, to be committed at once."""
        batches = []
        for link in self._links:
            batch = link.take()
            batches.append((link, batch))
            if batch and is_urgent(batch[-1].topic):
                break
        return batches

    def _wait(self, error: Exception) -> None:
        """Wait a moment, the longer the more often the store has failed; what is not acknowledged comes again."""
        if self.trouble is None:
            self.on_event("waiting", {"reason": str(error)})
        self.trouble = str(error)
        end = time.monotonic() + min(_RECONNECT_SECONDS * 2**self._failures, _LONGEST_WAIT_SECONDS)
        self._failures = min(self._failures + 1, 10)
        while (left := end - time.monotonic()) > 0 and not self._stopping:
            self.alive()
            time.sleep(min(left, _POLL_SECONDS))

    def _log(self, what: str, details: Mapping[str, JsonValue]) -> None:
        log.log(
            logging.WARNING if what in TROUBLES else logging.INFO, "%s: %s %s", self.settings.name, what, dict(details)
        )


class _Progress:
    """What a keeper came to since it was started."""

    def __init__(self) -> None:
        self.records = self.receipts = 0
        self._hits: deque[float] = deque(maxlen=_HITS)
        self._logged_at = time.monotonic()
        self._logged = 0

    def committed(self, messages: Sequence[mqtt.MQTTMessage]) -> None:
        """Count messages whose commit has just ended; `timestamp` is when each came, by the steady clock."""
        now = time.monotonic()
        self.records += len(messages)
        self._hits += (now - message.timestamp for message in messages if is_urgent(message.topic))

    def is_due(self) -> bool:
        """Tell whether something is to be told that was not a minute ago."""
        return self.records > self._logged and time.monotonic() > self._logged_at + _PROGRESS_SECONDS

    def details(self) -> dict[str, JsonValue]:
        """Return it; the median in milliseconds is of the last thousand hits, from their arrival to the commit."""
        self._logged_at, self._logged = time.monotonic(), self.records
        hit = {"hit_median_ms": round(median(self._hits) * 1000, 1)} if self._hits else {}
        return {"messages": self.records, "receipts": self.receipts, **hit}


def is_urgent(topic: str) -> bool:
    """Tell whether a message is a hit, which waits for no other."""
    levels = topic.split("/")
    return len(levels) > 4 and levels[4] in _URGENT


class _Link:
    """The keeper's connection to one broker. One thread drives it; `ready` and `answer` may be read from any."""

    def __init__(self, settings: KeeperSettings, broker: str, on_event: EventCallback) -> None:
        self.broker = broker
        self.ready = False
        """Whether the broker has granted the topics, and the connection stands."""
        self.answer: str | None = None
        """Why the broker is not of use, as far as is known."""
        self._identity = settings.identity
        self._topics = settings.topics
        self._on_event = on_event
        self._batch: list[mqtt.MQTTMessage] = []
        self._retry_at = 0.0
        self._nodes = _nodes(broker)
        self._tried = 0
        """Nodes since one granted every topic."""
        self.client = self._made()
        self._made_of = self._stamp()

    @property
    def connected(self) -> bool:
        """Whether there is a connection, granted topics or not."""
        return self.client.secured is not None

    def connect(self) -> None:
        """Connect, unless the connection stands or it failed a moment ago; by what the identity's files hold now.

        Each time it is the turn of the next node.
        """
        if self.connected or time.monotonic() < self._retry_at:
            return
        self._batch.clear()
        self._retry_at = time.monotonic() + _RECONNECT_SECONDS
        try:
            if self._made_of != self._stamp():  # renewed
                self.client, self._made_of = self._made(), self._stamp()
            where = self._nodes[self._tried % len(self._nodes)]
            self._tried += 1
            self.client.connect_to(
                *where, session_seconds=SESSION_SECONDS, receive_most=BATCH, seconds=_CONNECT_SECONDS
            )
        except (OSError, ProvisioningError) as error:
            self._refused(str(error))

    def take(self) -> list[mqtt.MQTTMessage]:
        """Return what has come, at most `BATCH` messages, and none after a hit."""
        taken = -1
        while taken < len(self._batch) < BATCH and self.connected:
            if self._batch and is_urgent(self._batch[-1].topic):
                break
            taken = len(self._batch)
            self.client.turn(0.0)
        batch, self._batch = self._batch, []
        return batch

    def acknowledge(self, batch: Sequence[mqtt.MQTTMessage]) -> None:
        """Acknowledge messages that this connection brought."""
        for message in batch:
            self.client.ack(message.mid, message.qos)

    def publish(self, message: OutgoingMessage) -> mqtt.MQTTMessageInfo:
        """Publish a message."""
        return self.client.publish(message.topic, message.body, qos=1, retain=message.retained)

    def close(self) -> None:
        """Disconnect; the broker keeps the session."""
        self.ready = False
        self.client.disconnect()

    def _made(self) -> MqttClient:
        client = secured_client(self._identity, manual_ack=True)
        client.listen(self._topics, ready=self._granted, refused=self._refused)
        client.on_disconnect = self._on_disconnect
        client.on_message = lambda _client, _data, message: self._batch.append(message)
        return client

    def _stamp(self) -> int:
        return (self._identity / CERTIFICATE_FILE).stat().st_mtime_ns

    def _refused(self, why: str) -> None:
        if why != self.answer:
            self._on_event("broker_away", {"broker": self.broker, "reason": why})
        self.answer = why

    def _granted(self) -> None:
        self.ready = True
        self.answer = None
        self._tried = 0
        self._on_event("subscribed", {"broker": self.broker})

    def _on_disconnect(self, _client: object, _data: object, _flags: object, reason: ReasonCode, _: object) -> None:
        if self.ready:
            self._refused(f"the connection ended: {reason}")
        self.ready = False


def _nodes(broker: str) -> tuple[tuple[str, int], ...]:
    return tuple(split_address(node) for node in broker.split(","))
