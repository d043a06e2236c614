"""Parts of a simulated post: they report to the scenario, run on its clock, and number records from its seed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from threading import Event, local
from typing import Any

from platepost.device.clock.clock import Clock
from platepost.device.uplink.inbox import Delivery, Handler
from platepost.device.uplink.uplink import Uplink
from platepost.simulator.errors import ScenarioError
from platepost.simulator.ground.chance import Chance
from platepost.simulator.scenario.scheduler import Scheduler, current
from platepost.wire.records import ClockQuality, Envelope, Health, RecordData, Recorder, Response, Status

OnRecord = Callable[[Envelope | None], Envelope | None]
"""Is called with every record that was stored."""


class SeededRecorder(Recorder):
    """Reports each record to the scenario, and takes its identifier from the seed.

    Unchained records have a generator of their own: how many there are depends on how often the post connects.
    """

    def __init__(
        self,
        on_record: OnRecord,
        chances: tuple[Chance, Chance],
        wall: Callable[[], float],
        *args: Any,
        **more: Any,
    ) -> None:
        super().__init__(*args, **{**more, "identify": self._identify})
        self._on_record = on_record
        self._chained, self._unchained = chances
        self._wall = wall
        self._thread = local()

    def record(self, data: RecordData) -> Envelope:
        """Store one record and report it."""
        envelope = super().record(data)
        self._on_record(envelope)
        return envelope

    def unchained(self, data: Status | Health | Response) -> Envelope:
        """Sign one record outside the chain."""
        self._thread.unchained = True
        try:
            return super().unchained(data)
        finally:
            self._thread.unchained = False

    def account_for_drops(self, *, clock: ClockQuality) -> Envelope | None:
        """Record in the audit log what was dropped, and report it."""
        return self._on_record(super().account_for_drops(clock=clock))

    def account_for_losses(self, *, clock: ClockQuality) -> Envelope | None:
        """Record in the audit log what was lost, and report it."""
        return self._on_record(super().account_for_losses(clock=clock))

    def _identify(self) -> str:
        chance = self._unchained if getattr(self._thread, "unchained", False) else self._chained
        return chance.identifier(self._wall())


class SimulatedClock(Clock):
    """The simulated time, offset by a post's clock error; waiting in the post's thread takes simulated time."""

    def __init__(self, scheduler: Scheduler, wall: Callable[[], float]) -> None:
        self._scheduler = scheduler
        self._wall = wall

    def steady(self) -> float:
        """Return the simulated monotonic time in seconds."""
        return self._scheduler.monotonic()

    def wall(self) -> float:
        """Return the time of the post's clock."""
        return self._wall()

    def event(self) -> Event:
        """Return an event whose wait takes simulated time."""
        return _SimulatedEvent(self._scheduler)


class _SimulatedEvent(Event):
    """An event whose wait takes simulated time in the post's thread, and at most 20 ms in another."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for at most `timeout` seconds; return whether it is set."""
        thread = current()
        if thread is None or timeout is None:
            return super().wait(None if timeout is None else min(timeout, 0.02))
        deadline = self._scheduler.now + timeout
        while not self.is_set() and self._scheduler.now < deadline:
            thread.sleep(deadline - self._scheduler.now)
        return self.is_set()


Handling = Callable[[Delivery], AbstractContextManager[None]]
"""A context that is open while a delivery is handled."""


class WatchedUplink(Uplink):
    """Tracks when the post has published its status after connecting, and which deliveries it handles."""

    def __init__(self, handling: Handling, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.status_published = False
        self.subscribed = False
        """Whether it has subscribed since this was last reset: retained messages may be on their way."""
        self._handling = handling

    def start(self) -> None:
        """Start, and watch for the status at each connection."""
        will, on_connected = self.will, self.on_connected

        def new_will() -> Envelope:
            self.status_published = False
            if will is None:
                raise ScenarioError("a post has a will")
            return will()

        def connected() -> None:
            if on_connected is not None:
                on_connected()
            self.status_published = True

        self.will, self.on_connected = new_will, connected
        super().start()

    @property
    def settled(self) -> bool:
        """Whether it is connected and has published its status."""
        return self.status_published and self.state().connected

    def subscribe(self, topic: str, handler: Handler, *, optional: bool = False, small: bool = False) -> None:
        """Subscribe, with each delivery handled in the scenario's context."""
        super().subscribe(topic, partial(self._handle, handler), optional=optional, small=small)
        self.subscribed = True

    def _handle(self, handler: Handler, delivery: Delivery) -> None:
        with self._handling(delivery):
            handler(delivery)
