"""A post's own parts, with what a scenario must see of them or have the same every time."""

import hashlib
from threading import local
from typing import Any

from device.hotlist.download import HotListDownload
from device.records import ClockQuality, Envelope, Health, RecordData, Recorder, Response, Status
from device.uplink import Delivery
from simulator.scenario.harness import Harness


class SeededRecorder(Recorder):
    """Tells of each record, and names it from the seed.

    What is not chained has names of its own, for how much of it there is depends on how often the post connects.
    """

    def __init__(self, harness: Harness, *args: Any, **more: Any) -> None:  # noqa: ANN401 - those of the recorder
        super().__init__(*args, **{**more, "identify": self._name})
        self._harness = harness
        self._here = local()

    def record(self, data: RecordData) -> Envelope:
        """Store one record and take note of it."""
        envelope = super().record(data)
        self._harness.note(envelope)
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
        return self._harness.note(super().account_for_drops(clock=clock))

    def account_for_losses(self, *, clock: ClockQuality) -> Envelope | None:
        """Put into the audit trail what was lost, and take note of it."""
        return self._harness.note(super().account_for_losses(clock=clock))

    def _name(self) -> str:
        chance = self._harness.unchained if getattr(self._here, "apart", False) else self._harness.chained
        return chance.identifier(self._harness.world.wall())


class WatchedDownload(HotListDownload):
    """Tells which packages the post has judged."""

    def __init__(self, harness: Harness, *args: Any, **more: Any) -> None:  # noqa: ANN401 - those of the download
        super().__init__(*args, **more)
        self._harness = harness

    def _receive(self, delivery: Delivery) -> None:
        with self._harness.lock:
            self._harness.receiving += 1
        try:
            super()._receive(delivery)
        finally:
            with self._harness.lock:
                self._harness.receiving -= 1
                self._harness.handled.add(hashlib.sha256(delivery.payload).hexdigest())
