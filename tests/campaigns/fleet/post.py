"""A light post of a fleet: a post's own connection, window and choice of brokers besides, without a thread of its own.

Not simulated: camera, vision, the outbox on disk, control, health. Its connection is one of many that a worker waits
for; what an `Uplink` does in its thread, `turn` does whenever there is something to do.
"""

import logging
import random
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from joserfc.jwk import ECKey

from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.custody.receipts import open_receipt, read_receipt
from platepost.device.hotlist.download import HotListDownload
from platepost.device.uplink.connection import BrokerConnection, BrokerConnectionError
from platepost.device.uplink.inbox import Delivery, Handler
from platepost.device.uplink.session import MqttSession
from platepost.device.uplink.settings import UplinkSettings, UplinkTiming
from platepost.provisioning.fleet.post_file import custodian_key_file
from platepost.simulator.ground.light_post import LightPost
from platepost.simulator.ground.memory_outbox import MemoryOutbox
from platepost.simulator.ground.passages import CATEGORIES, SeenVehicle, plate
from platepost.wire.control.desired import read
from platepost.wire.errors import RefusedError
from platepost.wire.kernel_clock import clock_quality
from platepost.wire.records import (
    DEPARTMENT_PURPOSES,
    ConfigurationState,
    CustodianTerms,
    Place,
    RecordData,
    Recorder,
    Signer,
    Source,
    keys_topic,
)
from platepost.wire.tls import connection_problem, tls_context
from tests.campaigns.fleet.lists import MemoryLists

log = logging.getLogger(__name__)

CUSTODIAN = "records"
HITS = 0.02
"""The share of passages that are hits."""
HOUSEKEEPING = 0.52
"""How often a connection is looked after when nothing happens on it, as a share of the keep-alive: every second look
then finds that one is due, and the broker waits for one and a half."""
TURNS = 64
"""How often in a row a connection that goes on delivering may have its turn, so that others have theirs."""


class FleetPost:
    """One post. One thread at a time drives it; `open` may be another than the rest."""

    def __init__(
        self,
        folder: Path,
        *,
        agency: str,
        brokers: Sequence[str],
        vehicles: Sequence[SeenVehicle],
        parts: Path,
        seed: int,
        uplink: Mapping[str, float],
        timing: UplinkTiming,
        strangers: float = 0.0,
        misreading: Collection[str] = (),
    ) -> None:
        """Read the post's keys; nothing is connected yet.

        Args:
            folder: what `Fleet.add_post` wrote.
            agency: the fleet's.
            brokers: `host:port`, the preferred one first.
            vehicles: of which any passes next.
            seed: of what is drawn.
            parts: a folder for packages in parts as they come.
            uplink: keys of `uplink` that are to differ from a post's own.
            timing: timing that is not configured.
            strangers: the share of passages of vehicles that never passed before.
            misreading: versions of the software that misread each plate, and do not know it.

        """
        self.name = folder.name
        self.outbox = MemoryOutbox(custodian=True)
        self.recorded = 0
        self.lists = MemoryLists(
            issuer_key=folder / "issuer_key.pem", unseal_key=folder / "unseal_key.pem", say=self._say
        )
        self._handlers: dict[str, Handler] = {}
        self._vehicles = vehicles
        self._draw = random.Random(f"{seed}/{self.name}")
        source, quality = Source(agency, self.name), clock_quality()
        self._post = LightPost(
            Recorder(self.outbox, Signer.from_file(folder / "signing_key.pem"), source),
            place=Place(site=f"Site of {self.name}", latitude=38.0, longitude=-121.0),
            hot_list=self.lists.state,
            clock=lambda: quality,
        )
        files = {name: folder / f"{name}.pem" for name in ("ca", "certificate", "private_key")}
        self._settings = UplinkSettings.model_validate({"brokers": tuple(brokers), **files, **uplink})
        self._timing = timing
        keys = (keys_topic(source.agency, purpose) for purpose in DEPARTMENT_PURPOSES)
        topics = (*keys, source.configuration, source.command("+"))
        self._session = MqttSession(self._settings, self.outbox, topics, timing=timing, draw=self._draw.uniform)
        self.in_flight = self._session.in_flight
        HotListDownload(self.lists, self, agency=agency, directory=parts)
        self._source = source
        terms, key = CustodianTerms(name=CUSTODIAN), folder / custodian_key_file(CUSTODIAN)
        trust = TrustedKeys.of(agency, folder / "issuer_key.pem", None, ((terms, key),))
        self._custody_keys = trust.custodians.named(CUSTODIAN)
        self.subscribe(source.receipt(CUSTODIAN), self._take_receipt)
        self.subscribe(source.configuration, self._take_configuration)
        self._configuration_key = ECKey.import_key((folder / "configuration_key.pem").read_bytes())
        self._strangers, self._misreading = strangers, misreading
        self.ordered: str | None = None
        """Software that it was told to run, and does not yet."""
        self.ran = [self._post.software]
        """The versions that it has run, the present one last."""
        self.misread = 0
        """How many passages it misread."""
        self._connections = 0
        # What comes with the answer to CONNECT comes in the thread that connects.
        self._inbox: deque[Delivery] = deque()
        self.connection: BrokerConnection | None = None
        self.fileno = -1
        """The connection's file descriptor, known here when the connection has closed it already."""

    def __repr__(self) -> str:
        return f"<FleetPost {self.name} {'connected' if self.connection else 'away'}, {len(self.outbox)} records wait>"

    # --- records

    def record_passage(self) -> None:
        """Record one passage: a hit, or else a read."""
        vehicle = self._draw.choice(self._vehicles)
        if self._draw.random() < self._strangers:
            vehicle = vehicle.read_as(plate(self._draw))
        if self._post.software in self._misreading:
            vehicle = vehicle.read_as(_misread(vehicle.text, self._draw))
            self.misread += 1
        if self._draw.random() < HITS:
            self._record(self._post.hit(vehicle, category=self._draw.choice(CATEGORIES)))
        else:
            self._record(self._post.read(vehicle))

    def _take_receipt(self, delivery: Delivery) -> None:
        try:
            signed, _ = open_receipt(delivery, self._custody_keys, at=datetime.now(UTC))
            receipt = read_receipt(signed, source=self._source, custodian=CUSTODIAN)
        except RefusedError as refusal:
            log.warning("%s: a receipt is refused: %s", self.name, refusal.reason)
        else:
            self.outbox.take_receipt(receipt.chain, receipt.ranges)

    def _take_configuration(self, delivery: Delivery) -> None:
        desired = read(delivery.payload, self._configuration_key)
        known = self._post.configuration
        if known is not None and known.digest == desired.digest:
            return  # again, with a new connection
        self._post.configuration = ConfigurationState(
            state="applied", version=desired.payload.version, digest=desired.digest
        )
        self._record(self._post.status())
        version = desired.payload.settings.get("software", {}).get("version")
        self.ordered = None if version is None or version == self._post.software else str(version)

    def restart(self) -> None:
        """Run the ordered software: as when the power went, nothing is said before."""
        assert self.ordered is not None
        self._post.software, self.ordered = self.ordered, None
        self.ran.append(self._post.software)
        self.lost()

    def _say(self, action: str, **more: str) -> None:
        self._record(self._post.event(action, **more))

    def _record(self, data: RecordData) -> None:
        self._post.recorder.record(data)
        self.recorded += 1

    # --- the connection

    def open(self) -> BrokerConnection:
        """Connect and wait for the broker's answer; in any thread.

        Raises:
            OSError: the broker cannot be reached, TLS failed, or the broker refused.

        """
        self._connections += 1
        connection = BrokerConnection(
            self._settings,
            self._session.brokers.current,
            tls_context(self._settings),
            client_id=self.name,
            keepalive_seconds=self._timing.keepalive_seconds,
            number=self._connections,
            will=self._post.will(),
            received=self._inbox.append,
        )
        try:
            connection.open(timeout=self._timing.connect_timeout_seconds)
        except OSError:
            connection.abort()
            raise
        return connection

    def connected(self, connection: BrokerConnection, *, fileno: int) -> None:
        """Go on with a connection that `open` made, on the file descriptor `fileno`."""
        self.connection = connection
        self.fileno = fileno
        self._session.begin()
        if self._connections == 1:
            self._say("boot")
        self._record(self._post.status("online"))

    def turn(self) -> float:
        """Do what is due on the connection; return in how many seconds to do so again at the latest."""
        connection = self.connection
        housekeeping = HOUSEKEEPING * self._timing.keepalive_seconds
        if connection is None:
            return housekeeping
        for _ in range(TURNS):
            self._session.fill(connection)
            connection.turn(timeout=0)
            self._session.settle(connection)
            heeded = self._heed(connection)
            if not (heeded or connection.pending or connection.answers):
                break
        due = self._session.due()
        return housekeeping if due is None else max(0.01, min(housekeeping, due))

    def failed(self, error: Exception) -> float:
        """Take note that connecting failed; return after how many seconds to try again."""
        reason = error.reason if isinstance(error, BrokerConnectionError) else connection_problem(error)
        return self._session.brokers.failed(reason)

    def lost(self) -> float:
        """Take note that the connection ended; return after how many seconds to connect again."""
        connection, self.connection = self.connection, None
        reason = "closed" if connection is None or connection.end is None else connection.end
        self._session.end(reason)
        self._inbox.clear()
        if connection is not None:
            connection.abort()
        return self._session.brokers.failed(reason)

    def close(self) -> None:
        """Say farewell and disconnect."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def subscribe(self, topic: str, handler: Handler) -> None:
        """Have what a topic retains sent, and all that comes there handled."""
        self._handlers[topic] = handler
        self._session.subscriptions.want(topic)

    def unsubscribe(self, topic: str) -> None:
        """End that."""
        self._handlers.pop(topic, None)
        self._session.subscriptions.leave(topic)

    def _heed(self, connection: BrokerConnection) -> bool:
        """Handle what came; return whether anything did, of which there may be something to say."""
        heeded = bool(self._inbox)
        while self._inbox:
            delivery = self._inbox.popleft()
            handler = self._handlers.get(delivery.topic)
            if handler is not None and delivery.payload:
                handler(delivery)
            connection.acknowledge(delivery)
        return heeded


def _misread(text: str, draw: random.Random) -> str:
    """Return a text with two wrong characters."""
    characters = list(text)
    for place in draw.sample(range(len(text)), 2):
        characters[place] = draw.choice([each for each in "0123456789ABCDEFGHJKLMNPRSTUVWXYZ" if each != text[place]])
    return "".join(characters)
