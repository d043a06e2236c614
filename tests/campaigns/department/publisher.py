"""The publisher: a process that drives posts which follow a plan, each on a connection of its own.

It knows the posts' keys, the custodian's public key and the broker; no keeper and no database. At its end it writes
down what it made: the plan, by which a checker judges.
"""

import logging
import signal
import time
from dataclasses import dataclass
from enum import IntEnum
from multiprocessing.sharedctypes import SynchronizedArray
from pathlib import Path
from random import Random

import paho.mqtt.client as mqtt
from joserfc.jwk import ECKey
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import ValidationError

from platepost.device.uplink.settings import UplinkSettings
from platepost.provisioning.connection import split_address
from platepost.wire.errors import RefusedError
from platepost.wire.jose import open_signed_by
from platepost.wire.mqtt import MqttClient, wait_for_any
from platepost.wire.records import RECEIPT_TYPE, Receipt, Signer, Source
from platepost.wire.records.signing import read_key
from platepost.wire.tls import tls_context
from tests.campaigns.department.oddities import drawn
from tests.campaigns.department.plan import ChainPlan, Plan
from tests.campaigns.department.planned_post import Outgoing, PlannedPost
from tests.campaigns.department.templates import TemplateSet

log = logging.getLogger(__name__)

IN_FLIGHT = 20
"""Messages of a post that wait for the broker's acknowledgment: as many as mosquitto takes at a time."""
AT_ONCE = 32
"""Records that are made between two looks at the connections."""
VEHICLES = 24
MORE_SECONDS = 3.0
"""How often a post that lacks receipts makes one more record, once all others are made."""
_DUE_SECONDS = 0.25
_RECONNECT_SECONDS = 0.3
_WAIT_SECONDS = 0.05


class PublisherCount(IntEnum):
    """Places of what the publisher tells while it works."""

    MADE = 0
    HELD = 1
    STAGE = 2


class PublisherStage(IntEnum):
    """What it is doing."""

    RECORDING = 0
    SETTLING = 1
    """All records are made; what lacks a receipt is awaited."""
    CLOSING = 2
    """What is odd is sent once more; the last receipts are awaited."""
    DONE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class PublisherSettings:
    """What it is told."""

    agency: str
    posts: tuple[Path, ...]
    """Folders that `Fleet.add_post` wrote."""
    broker: str
    """`host:port`."""
    custodian_key: Path
    """PEM of the custodian's public key."""
    group: str
    records: int
    odd: int
    """Records of each oddity."""
    window: int
    """Records that may lack their receipt at a time, all posts together; then no new ones are made."""
    seed: int
    plan: Path
    """The file to which the plan is written."""


class PostConnection:
    """One post's connection; made again whenever it has ended."""

    def __init__(self, folder: Path, post: PlannedPost, *, agency: str, broker: str, key: ECKey) -> None:
        self.post = post
        self._source = Source(agency, post.name)
        self._address = split_address(broker)
        files = {name: folder / f"{name}.pem" for name in ("ca", "certificate", "private_key")}
        self._context = tls_context(UplinkSettings.model_validate({"brokers": (broker,), **files}))
        self._key = key
        self.client: MqttClient | None = None
        self._flying: dict[int, Outgoing] = {}
        self._ready = False
        self._retry_at = 0.0

    @property
    def idle(self) -> bool:
        """Whether everything was sent, and acknowledged by the broker."""
        return not self.post.queue and not self._flying

    @property
    def can_send(self) -> bool:
        """Whether there is something to send, and room for it."""
        return self._ready and bool(self.post.queue) and len(self._flying) < IN_FLIGHT

    def turn(self, now: float) -> None:
        """Connect if there is no connection, read what came, and send what there is room for."""
        client = self.client
        if client is None or client.secured is None:
            self._lost()
            if now >= self._retry_at:
                self._connect(now)
            return
        client.turn(0.0)
        while client.pending:
            client.turn(0.0)
        while self.can_send:
            message = self.post.queue.popleft()
            self._flying[client.publish(message.topic, message.body, qos=1).mid] = message
        client.turn(0.0)

    def close(self) -> None:
        """Disconnect."""
        if self.client is not None:
            self.client.disconnect()

    def _connect(self, now: float) -> None:
        self._retry_at = now + _RECONNECT_SECONDS
        self.client = client = MqttClient(self.post.name, self._context)
        client.max_inflight_messages_set(IN_FLIGHT)
        client.listen([self._source.receipt("+")], ready=self._granted, refused=self._refused)
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        try:
            client.connect_to(*self._address, seconds=5.0)
        except OSError as error:
            log.warning("%s: %s", self.post.name, error)
            self.client = None

    def _lost(self) -> None:
        self.client = None
        self._ready = False
        self.post.queue.extendleft(reversed(self._flying.values()))
        self._flying.clear()

    def _granted(self) -> None:
        self._ready = True

    def _refused(self, why: str) -> None:
        log.warning("%s: %s", self.post.name, why)

    def _on_publish(self, _client: mqtt.Client, _data: object, mid: int, reason: ReasonCode, _more: object) -> None:
        message = self._flying.pop(mid, None)
        if message is None:
            return
        if reason.is_failure:
            log.warning("%s: the broker refuses a message: %s", self.post.name, reason)
            self.post.queue.append(message)
        else:
            self.post.acknowledge(message, time.monotonic())

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            signed, _ = open_signed_by(bytes(message.payload), typ=RECEIPT_TYPE, keys=[self._key])
            receipt = Receipt.model_validate_json(signed.payload, strict=True)
        except (RefusedError, ValidationError) as error:
            log.warning("%s: a receipt is refused: %s", self.post.name, error)
            return
        if receipt.post == self.post.name:
            self.post.take(receipt)


class Publisher:
    """Makes the records of a plan and sees them into custody."""

    def __init__(self, settings: PublisherSettings, counts: "SynchronizedArray[int]") -> None:
        """Read the keys; nothing is connected yet."""
        self._settings = settings
        self._counts = counts
        self._draw = Random(settings.seed)
        self._odd = drawn(self._draw, records=settings.records, each=settings.odd)
        templates = TemplateSet(seed=settings.seed, vehicles=VEHICLES, group=settings.group)
        stranger = Signer(ECKey.generate_key("P-256"))
        key = read_key(settings.custodian_key.read_bytes())
        self._connections = []
        for folder in settings.posts:
            signer = Signer.from_file(folder / "signing_key.pem")
            source = Source(settings.agency, folder.name)
            post = PlannedPost(source, signer, templates=templates, draw=self._draw, stranger=stranger)
            self._connections.append(
                PostConnection(folder, post, agency=settings.agency, broker=settings.broker, key=key)
            )
        self._posts = [connection.post for connection in self._connections]
        self._made = 0
        self._stage = PublisherStage.RECORDING
        self._ended = False

    def run(self) -> None:
        """Work until all is made and receipted, or until told to stop; then write the plan."""
        due = more = 0.0
        while self._stage is not PublisherStage.DONE and not self._ended:
            now = time.monotonic()
            if now >= due:
                due = now + _DUE_SECONDS
                for post in self._posts:
                    post.due(now)
            if self._stage is not PublisherStage.RECORDING and now >= more:
                more = now + MORE_SECONDS
                for post in self._posts:
                    post.record_more()
            self._record(now)
            for connection in self._connections:
                connection.turn(now)
            self._advance()
            self._wait()
        for connection in self._connections:
            connection.close()
        self._write_plan()

    def end(self) -> None:
        """Stop, whatever is still to be done."""
        self._ended = True

    def _record(self, now: float) -> None:
        held = sum(post.held for post in self._posts)
        if self._stage is PublisherStage.RECORDING:
            room = min(AT_ONCE, self._settings.window - held, self._settings.records - self._made)
            for _ in range(room):
                post = self._draw.choice(self._posts)
                oddity = self._odd.get(self._made)
                if oddity is None:
                    post.record()
                else:
                    post.record_odd(
                        oddity, self._draw.choice([other for other in self._posts if other is not post]), now
                    )
                self._made += 1
        self._publish(held)

    def _publish(self, held: int) -> None:
        told = {PublisherCount.MADE: self._made, PublisherCount.HELD: held, PublisherCount.STAGE: self._stage}
        for place, value in told.items():
            self._counts[place] = value

    def _advance(self) -> None:
        if self._stage is PublisherStage.RECORDING:
            if self._made == self._settings.records:
                self._stage = PublisherStage.SETTLING
        elif not any(post.held for post in self._posts) and all(each.idle for each in self._connections):
            if self._stage is PublisherStage.SETTLING:
                for post in self._posts:
                    post.close()
            self._stage = PublisherStage(self._stage + 1)
            self._publish(0)

    def _wait(self) -> None:
        clients = [each.client for each in self._connections if each.client is not None]
        busy = any(each.can_send for each in self._connections)
        wait_for_any(clients, 0.0 if busy else _WAIT_SECONDS)

    def _write_plan(self) -> None:
        chains = {
            (post.name, chain.name): ChainPlan(
                chain.group, chain.last, frozenset(chain.missing), frozenset(chain.held), bytes(chain.digests)
            )
            for post in self._posts
            for chain in post.chains
        }
        Plan(
            whole=self._stage is PublisherStage.DONE,
            chains=chains,
            unknown={post.name: post.unknown for post in self._posts},
            extras=tuple(extra for post in self._posts for extra in post.extras),
        ).save(self._settings.plan)


def publish(*, settings: PublisherSettings, counts: "SynchronizedArray[int]", log_file: Path) -> None:
    """Be the publisher in this process, until it is done or SIGTERM."""
    logging.basicConfig(filename=log_file, level=logging.WARNING, format="%(asctime)s %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the campaign
    publisher = Publisher(settings, counts)
    signal.signal(signal.SIGTERM, lambda *_: publisher.end())
    publisher.run()
