"""What one post of a scenario hangs in: its lens, board, clock and network, and what was seen of it from outside."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any

from platepost.device.board.base import Board
from platepost.device.clock.clock import Clock
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.settings import OutboxSettings
from platepost.device.rig import Rig
from platepost.device.uplink.inbox import Delivery
from platepost.device.uplink.uplink import Uplink
from platepost.device.vision.recognizer import Recognizer
from platepost.simulator.board.virtual import BoardState, VirtualBoard
from platepost.simulator.ground.chance import Chance
from platepost.simulator.ground.proxy import Proxy
from platepost.simulator.scenario.camera import LockstepCapture, ScenarioCamera
from platepost.simulator.scenario.course import MadeRecord
from platepost.simulator.scenario.disk import ScenarioDisk
from platepost.simulator.scenario.scheduler import Scheduler
from platepost.simulator.scenario.simulated_parts import SeededRecorder, SimulatedClock, WatchedUplink
from platepost.wire.contract.deterministic_signer import DeterministicSigner
from platepost.wire.records import ClockQuality, Envelope, Recorder, Source
from platepost.wire.records.recorder import Store
from platepost.wire.records.settings import RecordSettings

if TYPE_CHECKING:
    from platepost.device.post import Post


_RECOGNIZER = cache(Recognizer.of)
"""The networks, loaded once for all posts and lives."""


class SimulatedChrony:
    """What vouches for the post's clock, or does not."""

    def __init__(self) -> None:
        self.synchronised = True

    def start(self) -> None:
        """Begin; there is nothing to ask."""

    def stop(self) -> None:
        """End."""

    def quality(self) -> ClockQuality:
        """Say how good the clock is."""
        if not self.synchronised:
            return ClockQuality(source="chrony", synchronised=False)
        return ClockQuality(
            source="chrony",
            synchronised=True,
            reference="192.0.2.123",  # RFC 5737: of documentation
            stratum=2,
            estimated_error_seconds=0.000_2,
            maximum_error_seconds=0.004,
        )


@dataclass(slots=True)
class Harness:
    """One post, seen from outside; it outlives its software."""

    name: str
    scheduler: Scheduler
    camera: ScenarioCamera
    proxies: tuple[Proxy, ...]
    """Its way to each broker."""
    chance: Chance
    """Of identifiers of its messages."""
    chained: Chance
    """Of records in its chain."""
    unchained: Chance
    """Of records outside its chain, such as health."""
    clock_offset: float = 0.0
    offsets: list[tuple[float, float]] = field(default_factory=list)
    chrony: SimulatedChrony = field(default_factory=SimulatedChrony)
    network: bool = True
    post: "Post | None" = None
    uplink: WatchedUplink | None = None
    boot_due: bool = False
    """Whether its software has begun, and not been given the network yet."""
    restart_after: float | None = None
    handled: set[str] = field(default_factory=set)
    """SHA-256 of each package that it has judged."""
    receiving: int = 0
    boards: list[VirtualBoard] = field(default_factory=list)
    lines: list[tuple[float, BoardState]] = field(default_factory=list)
    case_open: bool = False
    disk: ScenarioDisk = field(default_factory=ScenarioDisk)
    made: list[MadeRecord] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)

    def wall(self) -> float:
        """Return what its system's clock shows, seconds since 1970."""
        return self.scheduler.wall() + self.clock_offset

    def set_clock(self, offset: float, *, synchronised: bool) -> None:
        """Set its system's clock."""
        self.clock_offset = self.camera.offset = offset
        self.chrony.synchronised = synchronised
        self.offsets.append((self.scheduler.now, offset))

    def note(self, envelope: Envelope | None) -> Envelope | None:
        """Take note of a record that it has stored."""
        if envelope is not None:
            with self.lock:
                self.made.append(MadeRecord(envelope, self.scheduler.now, monotonic(), self.camera.shown_at))
        return envelope

    def rig(self) -> Rig:
        """Return what a new life of the software looks through and hangs on."""
        clock = SimulatedClock(self.scheduler, self.wall)
        return Rig(
            camera=lambda _settings: self.camera,
            board=lambda _settings: self.open_board(),
            capture=LockstepCapture,
            recognizer=_RECOGNIZER,
            clock=clock,
            time_source=lambda: self.chrony,
            machine=lambda _folder: self.disk.readings(),
            outbox=partial(self._open_outbox, clock),
            recorder=self._make_recorder,
            identify=self._identify,
            uplink=self._make_uplink,
        )

    def _make_uplink(self, *args: Any, **more: Any) -> Uplink:
        self.uplink = WatchedUplink(self._handling, *args, **more)
        return self.uplink

    def _make_recorder(
        self, settings: RecordSettings, store: Store, source: Source, *, now: Callable[[], datetime]
    ) -> Recorder:
        signer, *former = (DeterministicSigner.from_file(path) for path in settings.key_files)
        chances = (self.chained, self.unchained)
        return SeededRecorder(
            self.note,
            chances,
            self.scheduler.wall,
            store,
            signer,
            source,
            former=former[0] if former else None,
            now=now,
        )

    @contextmanager
    def _handling(self, delivery: Delivery) -> Iterator[None]:
        with self.lock:
            self.receiving += 1
        try:
            yield
        finally:
            with self.lock:
                self.receiving -= 1
                self.handled.add(hashlib.sha256(delivery.payload).hexdigest())

    def _open_outbox(self, clock: Clock, settings: OutboxSettings) -> Outbox:
        self.disk.outbox = None
        self.disk.outbox = Outbox.of(settings, clock=clock, identify=self._identify, reserve=self.disk)
        return self.disk.outbox

    def _identify(self) -> str:
        return self.chance.identifier(self.scheduler.wall())

    def open_board(self) -> Board:
        """Return the board for a new life of the software; the case stays as it is."""
        board = VirtualBoard()
        if self.case_open:
            board.open_case()
        self.boards.append(board)
        return board

    def empty(self) -> bool:
        """Say whether no record waits on it."""
        return self.disk.outbox is None or self.disk.outbox.depth() == 0

    def released(self) -> bool:
        """Say whether no record is on it at all: the custodians have signed for what was delivered."""
        return self.disk.outbox is None or self.disk.outbox.unreleased() == 0

    def look_at_board(self) -> None:
        """Record what the board's lines did since the last call, in simulated time."""
        seen = len(self.lines)
        history = [state for board in self.boards for state in board.history]
        self.lines += [(self.scheduler.now, state) for state in history[seen:]]
        if any(state.line == "camera_power" and state.value is False for state in history[seen:]):
            self.camera.power_off()

    def open_case(self, *, opened: bool) -> None:
        """Open or close the case."""
        self.case_open = opened
        if self.boards and not self.boards[-1].closed:
            (self.boards[-1].open_case if opened else self.boards[-1].close_case)()
