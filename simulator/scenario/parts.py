"""A post's own parts, with what a scenario must see of them or have the same every time."""

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
from platepost.simulator.scenario.world import World, current
from platepost.wire.records import ClockQuality, Envelope, Health, RecordData, Recorder, Response, Status

Note = Callable[[Envelope | None], Envelope | None]
"""Takes note of a record that was stored."""


class SeededRecorder(Recorder):
    """Tells of each record, and names it from the seed.

    What is not chained has names of its own, for how much of it there is depends on how often the post connects.
    """

    def __init__(
        self,
        note: Note,
        chances: tuple[Chance, Chance],
        wall: Callable[[], float],
        *args: Any,
        **more: Any,
    ) -> None:
        super().__init__(*args, **{**more, "identify": self._name})
        self._note = note
        self._chained, self._unchained = chances
        self._wall = wall
        self._here = local()

    def record(self, data: RecordData) -> Envelope:
        """Store one record and take note of it."""
        envelope = super().record(data)
        self._note(envelope)
        return envelope

    def unchained(self, data: Status | Health | Response) -> Envelope:
        """Sign one record that is no part of the chain."""
        self._here.apart = True
        try:
            return super().unchained(data)
        finally:
            self._here.apart = False

    def account_for_drops(self, *, clock: ClockQuality) -> Envelope | None:
        """Put into the audit trail what was dropped, and take note of it."""
        return self._note(super().account_for_drops(clock=clock))

    def account_for_losses(self, *, clock: ClockQuality) -> Envelope | None:
        """Put into the audit trail what was lost, and take note of it."""
        return self._note(super().account_for_losses(clock=clock))

    def _name(self) -> str:
        chance = self._unchained if getattr(self._here, "apart", False) else self._chained
        return chance.identifier(self._wall())


class SimulatedClock(Clock):
    """The world's time, as a post's machine shows it, and waiting that takes simulated time in a post's own thread."""

    def __init__(self, world: World, wall: Callable[[], float]) -> None:
        self._world = world
        self._wall = wall

    def steady(self) -> float:
        """Return the world's seconds."""
        return self._world.steady()

    def wall(self) -> float:
        """Return what the machine's clock shows."""
        return self._wall()

    def event(self) -> Event:
        """Return an event whose wait takes the world's time."""
        return _Waiting(self._world)


class _Waiting(Event):
    """An event whose waiting takes simulated time in a post's own thread, and hardly any in another."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for at most `timeout` seconds; return whether it is set."""
        thread = current()
        if thread is None or timeout is None:
            return super().wait(None if timeout is None else min(timeout, 0.02))
        until = self._world.now + timeout
        while not self.is_set() and self._world.now < until:
            thread.sleep(until - self._world.now)
        return self.is_set()


Handling = Callable[[Delivery], AbstractContextManager[None]]
"""Is open while a delivery is handled."""


class WatchedUplink(Uplink):
    """Tells when the post has said its state after connecting, and which packages of hot lists it has judged."""

    def __init__(self, handling: Handling, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.born = False
        self.sent_for = False
        """Whether it has subscribed since someone last looked: what the broker retains may be on its way."""
        self._handling = handling

    def start(self) -> None:
        """Begin, and watch what the post says at each connection."""
        will, on_connected = self.will, self.on_connected

        def again() -> Envelope:
            self.born = False
            if will is None:
                raise ScenarioError("a post has a will")
            return will()

        def born() -> None:
            if on_connected is not None:
                on_connected()
            self.born = True

        self.will, self.on_connected = again, born
        super().start()

    @property
    def settled(self) -> bool:
        """Whether it is connected and has said so."""
        return self.born and self.state().connected

    def subscribe(self, topic: str, handler: Handler, *, optional: bool = False, small: bool = False) -> None:
        """Subscribe, and take note of what is handled."""
        super().subscribe(topic, partial(self._handle, handler), optional=optional, small=small)
        self.sent_for = True

    def _handle(self, handler: Handler, delivery: Delivery) -> None:
        with self._handling(delivery):
            handler(delivery)
