"""The record keeper of a fleet: a process that receives every record, times it, and says at the end what is missing."""

import json
import logging
import signal
import statistics
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from time import sleep, time
from typing import Any

import paho.mqtt.client as mqtt

from platepost.provisioning.connection import secured_client, split_address
from platepost.wire.records import TYPES, Audit, Hit
from platepost.wire.records.topics import ROOT
from tests.campaigns.fleet.worker import RecordedChain

log = logging.getLogger(__name__)

TOPICS = ("read", "hit/+", "status", "audit")
RECEIVE_MOST = 1000
SESSION_SECONDS = 3600
RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Window:
    """What arrived within a stretch of time."""

    records: int
    hits: int
    bytes: int
    most_seconds: float
    """From the stretch's beginning until 99 of 100 of the records had arrived."""
    hit_seconds: tuple[float, ...] = ()
    """From a hit's making to its arrival: median, 95 and 99 of 100, the longest; empty without hits."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not as it should be at the end."""

    lost: int
    """Records that posts recorded and that did not arrive."""
    repeats: int
    """Arrivals of a record that had arrived already."""


@dataclass(slots=True)
class _Arrived:
    moments: list[tuple[float, float, bool, int]] = field(default_factory=list)
    """Arrival, delay (seconds), whether a hit, bytes."""
    numbers: dict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    """Sequence numbers by post and chain."""
    installed: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    """When each post said that a version is in force, by version."""
    repeats: int = 0


class Collector:
    """Receives in a thread of its own; answers orders in the thread that runs it."""

    def __init__(self, identity: Path, *, agency: str, brokers: Sequence[str], archive: Path) -> None:
        """Prepare; nothing is connected yet.

        Args:
            identity: the folder of a subscriber's certificate and key.
            agency: whose records.
            brokers: `host:port` of each node.
            archive: JSON lines: every record, once.

        """
        self._brokers = [split_address(address) for address in brokers]
        topics = [f"{ROOT}/{agency}/+/{topic}" for topic in TOPICS]
        self._archive = archive.open("wb")
        self._arrived = _Arrived()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._subscribed = threading.Event()
        self._client = secured_client(identity)
        self._client.listen(topics, ready=self._subscribed.set, refused=log.error)
        self._client.on_message = self._take

    def run(self, orders: Connection) -> None:
        """Receive, and answer orders until the one to stop."""
        receiving = threading.Thread(target=self._receive, daemon=True)
        receiving.start()
        if not self._subscribed.wait(60):
            log.error("no subscription within a minute")
        orders.send(self._subscribed.is_set())
        while (order := orders.recv())[0] != "stop":
            with self._lock:
                orders.send(self._answer(*order))
        self._ended.set()
        receiving.join(5)
        self._archive.close()
        orders.send(None)

    def _answer(self, name: str, *asked: Any) -> object:
        match name:
            case "count":
                return sum(map(len, self._arrived.numbers.values()))
            case "window":
                return self._window(*asked)
            case "installed":
                return dict(self._arrived.installed[asked[0]])
            case _:
                return self._missing(asked[0])

    def _window(self, begin: float, end: float) -> Window:
        within = [item for item in self._arrived.moments if begin <= item[0] < end]
        moments = sorted(item[0] for item in within)
        delays = sorted(delay for _, delay, hit, _ in within if hit)
        return Window(
            records=len(within),
            hits=len(delays),
            bytes=sum(item[3] for item in within),
            most_seconds=round(moments[int(0.99 * (len(moments) - 1))] - begin, 3) if moments else 0.0,
            hit_seconds=tuple(round(value, 4) for value in spread(delays)),
        )

    def _missing(self, chains: Sequence[RecordedChain]) -> Missing:
        self._archive.flush()  # it is proved next, by others
        lost = sum(chain.last - len(self._arrived.numbers[chain.post, chain.chain]) for chain in chains)
        return Missing(lost=lost, repeats=self._arrived.repeats)

    # --- the thread that receives

    def _receive(self) -> None:
        turn = 0
        while not self._ended.is_set():
            host, port = self._brokers[turn % len(self._brokers)]
            turn += 1
            try:
                self._client.connect_to(host, port, session_seconds=SESSION_SECONDS, receive_most=RECEIVE_MOST)
                while self._client.turn(0.5) and not self._ended.is_set():
                    pass
            except OSError as error:
                log.warning("%s:%d: %s", host, port, error)
            sleep(RETRY_SECONDS)
        self._client.disconnect()

    def _take(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        arrived = time()
        event = json.loads(message.payload)
        post = str(event["source"]).rpartition("/")[2]
        with self._lock:
            if "sequence" not in event:  # the will
                return
            numbers = self._arrived.numbers[post, event["chain"]]
            if event["sequence"] in numbers:
                self._arrived.repeats += 1
                return
            numbers.add(event["sequence"])
            delay = arrived - datetime.fromisoformat(event["time"]).timestamp()
            hit = event["type"] == TYPES[Hit]
            self._arrived.moments.append((arrived, delay, hit, len(message.payload)))
            data = event["data"]
            if event["type"] == TYPES[Audit] and data["action"] == "hotlist_installed":
                self._arrived.installed[data["object"]].setdefault(post, arrived)
            self._archive.write(message.payload + b"\n")


def spread(values: Sequence[float]) -> tuple[float, ...]:
    """Return the median, 95 and 99 of 100, and the greatest of ordered values; nothing of none."""
    if not values:
        return ()
    at = [values[min(len(values) - 1, int(share * len(values)))] for share in (0.95, 0.99)]
    return (statistics.median(values), *at, values[-1])


def collect(identity: Path, agency: str, brokers: Sequence[str], archive: Path, orders: Connection) -> None:
    """Be a collector in this process."""
    logging.basicConfig(filename=archive.with_suffix(".log"), level=logging.WARNING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started this
    Collector(identity, agency=agency, brokers=brokers, archive=archive).run(orders)
