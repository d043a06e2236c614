"""What was refused: named, left alone for a while, then tried again. Topics, subscriptions, whole brokers."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from platepost.device.uplink.reasons import NOBODY

EVERYTHING = "#"
"""Stands for all topics where the broker refused for its own sake, such as a quota."""
NOBODY_FIRST_SECONDS, NOBODY_MOST_SECONDS = 1.0, 60.0
"""How long until a topic without subscribers is tried again: asking costs little, and after a restart of the broker
someone is back soon."""


@dataclass(frozen=True, slots=True)
class RefusedTopic:
    """One topic that the broker does not deliver at present."""

    topic: str
    reason: str
    """The MQTT 5 reason code's name in lower case with underscores, such as `not_authorized`."""
    attempts: int
    retry_in_seconds: float


@dataclass(slots=True)
class _Hold:
    reason: str
    attempts: int
    until: float


class Refusals:
    """Remembers refusals by topic, each with a doubling wait.

    Half of it is drawn, since a fleet must not come back as one.
    """

    def __init__(
        self,
        *,
        first: float,
        most: float,
        now: Callable[[], float] = time.monotonic,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first = first
        self._most = most
        self._now = now
        self._draw = draw
        # Replaced, never changed in place: `all` is asked from other threads.
        self._holds: dict[str, _Hold] = {}

    def refuse(self, topic: str, reason: str) -> bool:
        """Hold `topic`, unless it is held already. Return whether the refusal is new or of a new kind."""
        hold = self._holds.get(topic)
        if hold is not None and hold.until > self._now():
            return False
        attempts = hold.attempts + 1 if hold else 1
        first, most = self._first, self._most
        if reason == NOBODY:
            first, most = min(first, NOBODY_FIRST_SECONDS), min(most, NOBODY_MOST_SECONDS)
        wait = min(most, first * 2.0 ** min(attempts - 1, 32))
        self._holds = self._holds | {topic: _Hold(reason, attempts, self._now() + self._draw(wait / 2, wait))}
        return hold is None or hold.reason != reason

    def accepted(self, topic: str) -> None:
        """Forget what was held against `topic`: the broker took a record of it."""
        if self._holds:
            self._holds = {name: hold for name, hold in self._holds.items() if name not in {topic, EVERYTHING}}

    def forget(self, topic: str) -> None:
        """Forget what was held against `topic` and nothing else: nothing of it waits any more, or all is new."""
        if topic in self._holds:
            self._holds = {name: hold for name, hold in self._holds.items() if name != topic}

    def slower(self, most: float) -> "Refusals":
        """Return others, of nothing yet, whose waits begin where these end and double up to `most` seconds."""
        return Refusals(first=self._most, most=max(self._most, most), now=self._now, draw=self._draw)

    def held(self) -> frozenset[str]:
        """Return the topics to leave alone now; `EVERYTHING` among them means all."""
        now = self._now()
        return frozenset(topic for topic, hold in self._holds.items() if hold.until > now)

    def on_trial(self, topic: str) -> bool:
        """Tell whether only one record of `topic` may be under way, since the last was refused."""
        return topic in self._holds or EVERYTHING in self._holds

    def next_retry(self) -> float | None:
        """Return the seconds until the next hold ends, or None without holds that lie ahead."""
        now = self._now()
        return min((hold.until - now for hold in self._holds.values() if hold.until > now), default=None)

    def all(self) -> tuple[RefusedTopic, ...]:
        """Return every refusal that was not followed by an acceptance."""
        now = self._now()
        return tuple(
            RefusedTopic(topic, hold.reason, hold.attempts, max(0.0, hold.until - now))
            for topic, hold in sorted(self._holds.items())
        )
