"""A post's own parts, with what a scenario must see of them or have the same every time."""

import hashlib
from collections.abc import Callable
from threading import local
from typing import TYPE_CHECKING, Any

from device.hotlist.download import HotListDownload
from device.records import ClockQuality, Envelope, Health, RecordData, Recorder, Response, Status
from device.uplink import Delivery, Uplink

if TYPE_CHECKING:
    from simulator.scenario.stand import Stand


class SeededRecorder(Recorder):
    """Tells of each record, and names it from the seed.

    What is not chained has names of its own, for how much of it there is depends on how often the post connects.
    """

    def __init__(self, stand: "Stand", *args: Any, **more: Any) -> None:  # noqa: ANN401 - those of the recorder
        super().__init__(*args, **{**more, "identify": self._name})
        self._stand = stand
        self._here = local()

    def record(self, data: RecordData) -> Envelope:
        """Store one record and take note of it."""
        envelope = super().record(data)
        self._stand.note(envelope)
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
        return self._stand.note(super().account_for_drops(clock=clock))

    def account_for_losses(self, *, clock: ClockQuality) -> Envelope | None:
        """Put into the audit trail what was lost, and take note of it."""
        return self._stand.note(super().account_for_losses(clock=clock))

    def _name(self) -> str:
        chance = self._stand.unchained if getattr(self._here, "apart", False) else self._stand.chained
        return chance.identifier(self._stand.world.wall())


class WatchedUplink(Uplink):
    """Tells when the post has said its state after connecting."""

    def __init__(self, stand: "Stand", *args: Any, **more: Any) -> None:  # noqa: ANN401 - those of the uplink
        self.born = False
        will: Callable[[], Envelope] = more["will"]
        on_connected: Callable[[], object] = more["on_connected"]

        def anew() -> Envelope:
            self.born = False
            return will()

        def born() -> None:
            on_connected()
            self.born = True

        super().__init__(*args, **{**more, "will": anew, "on_connected": born})
        stand.uplink = self

    @property
    def settled(self) -> bool:
        """Whether it is connected and has said so."""
        return self.born and self.state().connected


class WatchedIntake(HotListDownload):
    """Tells which packages the post has judged."""

    def __init__(self, stand: "Stand", *args: Any, **more: Any) -> None:  # noqa: ANN401 - those of the intake
        super().__init__(*args, **more)
        self._stand = stand

    def _receive(self, delivery: Delivery) -> None:
        with self._stand.lock:
            self._stand.receiving += 1
        try:
            super()._receive(delivery)
        finally:
            with self._stand.lock:
                self._stand.receiving -= 1
                self._stand.handled.add(hashlib.sha256(delivery.payload).hexdigest())
