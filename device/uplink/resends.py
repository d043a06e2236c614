"""When records that a broker acknowledged are sent again, because no custodian's receipt has come.

A custodian answers every record that it has already with the chain's present receipt. So a receipt that was lost, a
broker that was wiped, and a custodian that was restored are healed by what is sent here, and by nothing else.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from platepost.device.uplink.in_flight import Waiting
from platepost.device.uplink.settings import UplinkTiming

LOOKS = 4
"""How often within the shorter of the times the outbox is looked at."""


class Sending(Waiting, Protocol):
    """What there is to send, and what was sent and lacks a receipt: the outbox."""

    def oldest_sent(self) -> Mapping[str, int]:
        """Return of each chain the place of the oldest record that a broker acknowledged, by the chain's name."""
        ...

    def send_again(self, places: Collection[int]) -> None:
        """Have records that a broker acknowledged sent again, by their places."""
        ...

    def send_left_out(self) -> int:
        """Have sent again what was acknowledged before the last call and receipts have left out since."""
        ...


@dataclass(slots=True)
class _Probe:
    place: int
    due: float
    wait: float


class Resends:
    """Has the oldest record of each chain sent as a probe, and what receipts leave out. One thread drives it."""

    def __init__(self, outbox: Sending, timing: UplinkTiming, *, now: Callable[[], float] = time.monotonic) -> None:
        self._outbox = outbox
        self._timing = timing
        self._now = now
        self._broker: str | None = None
        self._probes: dict[str, _Probe] = {}
        self._poll_every = min(timing.first_resend_seconds, timing.missing_receipt_resend_seconds) / LOOKS
        self._poll_at = now()
        self._round_ends = now() + timing.missing_receipt_resend_seconds

    def begin(self, broker: str) -> None:
        """Start a new connection, to the broker of this name: a new one may never have had what another took."""
        if self._broker not in {None, broker}:
            for probe in self._probes.values():
                probe.due, probe.wait = self._now(), self._timing.first_resend_seconds
            self._poll_at = self._now()
        self._broker = broker

    def due(self) -> float:
        """Return in how many seconds `poll` has something to do."""
        return max(0.0, self._poll_at - self._now())

    def poll(self) -> None:
        """Have sent again what is due."""
        now = self._now()
        if now < self._poll_at:
            return
        self._poll_at = now + self._poll_every
        if now >= self._round_ends:
            self._round_ends = now + self._timing.missing_receipt_resend_seconds
            self._outbox.send_left_out()
        oldest = self._outbox.oldest_sent()
        self._probes = {chain: self._probe(chain, place, now) for chain, place in oldest.items()}
        due = [probe for probe in self._probes.values() if probe.due <= now]
        for probe in due:
            probe.wait = min(2 * probe.wait, self._timing.max_resend_seconds)
            probe.due = now + probe.wait
        if due:
            self._outbox.send_again([probe.place for probe in due])

    def _probe(self, chain: str, place: int, now: float) -> _Probe:
        before = self._probes.get(chain)
        if before is not None and before.place == place:
            return before
        return _Probe(place, now + self._timing.first_resend_seconds, self._timing.first_resend_seconds)
