"""A process that drives many light posts: one thread and one epoll for all connections, a few threads that connect.

Connecting blocks (name, TCP, TLS, CONNECT), so it is done aside; a connection that stands is handed to the loop.
"""

import heapq
import logging
import os
import random
import selectors
import signal
import socket
import struct
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Literal

from platepost.device.uplink.connection import BrokerConnection, Waker
from platepost.device.uplink.settings import UplinkTiming
from platepost.simulator.ground.passages import SeenVehicle, plate
from tests.campaigns.fleet.post import FleetPost

log = logging.getLogger(__name__)

LATE_SECONDS = 1.0
"""How late what is due may be for the sake of what arrives."""
VEHICLES = 24
RESTART_SECONDS = (0.5, 5.0)
"""For which a post that changes its software is away."""
CONNECTING = 8
"""Connections that one process makes at a time."""
_BYTES_ACKED = 120
"""Where `struct tcp_info` of <linux/tcp.h> has `tcpi_bytes_acked`; `tcpi_bytes_received` follows."""
Job = Literal["turn", "record", "connect"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerSettings:
    """What a worker is told."""

    posts: tuple[Path, ...]
    agency: str
    brokers: tuple[str, ...]
    """Posts take turns in which of them they prefer."""
    vehicles_seed: int
    """All workers draw the same vehicles: to hand their pictures over, a worker's start would be waited for."""
    seed: int
    uplink: dict[str, float]
    timing: UplinkTiming
    parts: Path
    """A folder for packages in parts as they come."""
    strangers: float = 0.0
    misreading: tuple[str, ...] = ()
    """Both as for `FleetPost`."""


@dataclass(slots=True)
class Count:
    """How the posts of a worker are, at one moment."""

    connected: int = 0
    connections: int = 0
    """Made so far."""
    failures: int = 0
    """Attempts that failed so far."""
    recorded: int = 0
    acknowledged: int = 0
    waiting: int = 0
    """Records recorded and not acknowledged."""
    unreleased: int = 0
    """Records recorded and not receipted, acknowledged or not."""
    version: int = 0
    """Posts that hold the newest list that any post of the worker holds."""
    newest: int = 0
    """That list's version."""
    bytes_up: int = 0
    """Acknowledged by the peer on connections that stand, TLS included."""
    bytes_down: int = 0


@dataclass(frozen=True, slots=True)
class RecordedChain:
    """What one post recorded, to be held against what arrived."""

    post: str
    chain: str
    last: int
    """Sequence number of its last record."""


@dataclass(frozen=True, slots=True)
class SoftwareHistory:
    """Which software one post ran."""

    post: str
    ran: tuple[str, ...]
    """The versions, the present one last."""
    misread: int
    """Passages that it misread."""


class Worker:
    """Drives its posts until told to stop."""

    def __init__(self, settings: WorkerSettings, orders: Connection) -> None:
        """Make the posts; nothing is connected yet."""
        self._orders = orders
        draw = random.Random(settings.vehicles_seed)
        vehicles = [SeenVehicle(plate(draw), draw) for _ in range(VEHICLES)]
        self._posts = [
            FleetPost(
                folder,
                agency=settings.agency,
                brokers=_turned(settings.brokers, number),
                vehicles=vehicles,
                parts=settings.parts,
                seed=settings.seed,
                uplink=settings.uplink,
                timing=settings.timing,
                strangers=settings.strangers,
                misreading=settings.misreading,
            )
            for number, folder in enumerate(settings.posts)
        ]
        self._draw = random.Random(settings.seed)
        self._selector = selectors.DefaultSelector()
        self._waker = Waker()
        self._made: deque[tuple[FleetPost, Future[BrokerConnection]]] = deque()
        self._pool = ThreadPoolExecutor(CONNECTING, thread_name_prefix="connect")
        self._due: list[tuple[float, int, Job, FleetPost]] = []
        self._turns: dict[FleetPost, int] = {}
        self._number = 0
        self._rate = 0.0
        self._ended = False
        self._connections = self._failures = 0

    def run(self) -> None:
        """Do as ordered until the order to stop."""
        self._selector.register(self._waker, selectors.EVENT_READ)
        self._selector.register(self._orders, selectors.EVENT_READ)
        while not self._ended:
            pause = self._due[0][0] - monotonic() if self._due else 1.0
            for key, _ in self._selector.select(max(0.0, min(pause, 1.0))):
                if key.fileobj is self._waker:
                    self._waker.drain()
                elif key.fileobj is self._orders:
                    self._obey(self._orders.recv())
                else:
                    self._turn(key.data)
                if self._due and self._due[0][0] < monotonic() - LATE_SECONDS:  # none must miss its keep-alive
                    self._do_due()
            while self._made:
                self._take(*self._made.popleft())
            self._do_due()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _obey(self, order: tuple[str, float]) -> None:
        name, value = order
        if name == "connect":
            for post in self._posts:
                self._at(self._draw.uniform(0.0, value), "connect", post)
        elif name == "rate":
            self._set_rate(value)
        elif name == "burst":
            for post in self._posts:
                for _ in range(int(value)):
                    post.record_passage()
                self._turn(post)
        elif name == "count":
            self._orders.send(self._count())
        elif name == "chain":
            self._orders.send(
                [RecordedChain(post.name, post.outbox.head.chain, post.outbox.head.sequence) for post in self._posts]
            )
        elif name == "software":
            self._orders.send([SoftwareHistory(post.name, tuple(post.ran), post.misread) for post in self._posts])
        else:
            self._stop()
            self._orders.send(None)

    def _set_rate(self, rate: float) -> None:
        before, self._rate = self._rate, rate
        if rate and not before:
            for post in self._posts:
                self._at(self._draw.uniform(0.0, 1.0 / rate), "record", post)

    def _count(self) -> Count:
        count = Count(connections=self._connections, failures=self._failures)
        versions = [held.version if (held := post.lists.current) else 0 for post in self._posts]
        count.newest = max(versions, default=0)
        count.version = versions.count(count.newest)
        for post in self._posts:
            count.connected += post.connection is not None
            count.recorded += post.recorded
            count.acknowledged += post.in_flight.acknowledged
            count.waiting += len(post.outbox)
            count.unreleased += post.outbox.unreleased
            if post.connection is not None:
                up, down = traffic(post.fileno)
                count.bytes_up += up
                count.bytes_down += down
        return count

    def _stop(self) -> None:
        self._ended = True
        for post in self._posts:
            post.close()

    # --- what is due

    def _at(self, seconds: float, job: Job, post: FleetPost) -> None:
        self._number += 1
        heapq.heappush(self._due, (monotonic() + seconds, self._number, job, post))
        if job == "turn":
            self._turns[post] = self._number

    def _do_due(self) -> None:
        until = monotonic()
        while self._due and self._due[0][0] <= until and not self._ended:
            _, number, job, post = heapq.heappop(self._due)
            if job == "connect":
                self._connect(post)
            elif job == "record":
                self._record(post)
            elif self._turns.get(post) == number:  # else it has had a turn since
                self._turn(post)

    def _record(self, post: FleetPost) -> None:
        if self._rate:
            post.record_passage()
            self._at(self._draw.expovariate(self._rate), "record", post)
            self._turn(post)

    def _connect(self, post: FleetPost) -> None:
        future = self._pool.submit(post.open)

        def done(future: Future[BrokerConnection]) -> None:
            self._made.append((post, future))
            self._waker.wake()

        future.add_done_callback(done)

    def _take(self, post: FleetPost, future: Future[BrokerConnection]) -> None:
        if self._ended or future.cancelled():
            return
        error = future.exception()
        if isinstance(error, Exception):
            log.warning("%s: %s", post.name, error)
            self._failures += 1
            self._at(post.failed(error), "connect", post)
            return
        self._connections += 1
        connection = future.result()
        self._selector.register(connection.fileno(), selectors.EVENT_READ, post)
        post.connected(connection, fileno=connection.fileno())
        self._turn(post)

    def _turn(self, post: FleetPost) -> None:
        connection = post.connection
        if connection is None:
            return
        pause = post.turn()
        if connection.end is not None:
            self._selector.unregister(post.fileno)
            self._turns.pop(post, None)
            log.warning("%s: %s", post.name, connection.end)
            self._at(post.lost(), "connect", post)
            return
        if post.ordered is not None:
            self._selector.unregister(post.fileno)
            self._turns.pop(post, None)
            post.restart()
            self._at(self._draw.uniform(*RESTART_SECONDS), "connect", post)
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.wants_write else 0)
        if events != self._selector.get_key(post.fileno).events:
            self._selector.modify(post.fileno, events, post)
        self._at(pause, "turn", post)


def work(settings: WorkerSettings, orders: Connection, log: Path) -> None:
    """Be a worker in this process."""
    logging.basicConfig(filename=log, level=logging.WARNING, format="%(asctime)s %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started this
    Worker(settings, orders).run()


def traffic(fileno: int) -> tuple[int, int]:
    """Return how many bytes a TCP connection's peer has acknowledged, and has sent."""
    with socket.socket(fileno=os.dup(fileno)) as connection:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    up, down = struct.unpack_from("<QQ", info, _BYTES_ACKED) if len(info) >= _BYTES_ACKED + 16 else (0, 0)
    return up, down


def _turned(brokers: tuple[str, ...], number: int) -> tuple[str, ...]:
    first = number % len(brokers)
    return brokers[first:] + brokers[:first]
