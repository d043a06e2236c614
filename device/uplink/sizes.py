"""The largest packet that a broker takes: as it says when connected to, and as its refusals show."""

from dataclasses import dataclass

from platepost.device.uplink.reasons import TOO_LARGE
from platepost.device.uplink.refusals import Refusals

DAY_SECONDS = 86_400.0
"""The longest that a size which was refused is believed. It is longer than other refusals are, for to ask costs the
upload, and where the broker hangs up at it the connection too."""


@dataclass(frozen=True, slots=True)
class _Learned:
    most: int
    limit: int | None
    """What the broker had announced when it refused."""


class Sizes:
    """What is known of the brokers, each by its name; sizes are of whole packets, in bytes. One thread drives it.

    What a refusal taught holds for the broker that refused. It is forgotten when that broker takes more, or says
    another size than it did then; and it is doubted from time to time: then a single larger packet may be tried.
    """

    def __init__(self, waits: Refusals) -> None:
        self._waits = waits
        self._learned: dict[str, _Learned] = {}
        self._broker = ""
        self._limit: int | None = None

    def begin(self, broker: str) -> None:
        """Start a new connection, to `broker`."""
        self._broker = broker
        self._limit = None

    def set_limit(self, limit: int | None) -> None:
        """Take the limit that the broker announces for this connection; None is no limit."""
        self._limit = limit
        learned = self._learned.get(self._broker)
        if learned is not None and learned.limit != limit:
            self._forget()

    def fits(self, size: int) -> bool:
        """Tell whether the broker takes a packet, as far as is known."""
        return self._may_try(size) and not self.exceeds(size)

    def exceeds(self, size: int) -> bool:
        """Tell whether a packet is larger than refusals teach."""
        learned = self._learned.get(self._broker)
        return learned is not None and size > learned.most

    def on_trial(self, size: int) -> bool:
        """Tell whether a packet that is larger than refusals teach may be tried nonetheless, one at a time."""
        return self.exceeds(size) and self._may_try(size) and self._broker not in self._waits.held()

    def refused(self, size: int) -> None:
        """Note that the broker would not take a packet of this size."""
        learned = self._learned.get(self._broker)
        most = size - 1 if learned is None else min(size - 1, learned.most)
        self._learned[self._broker] = _Learned(most, self._limit)
        self._waits.refuse(self._broker, TOO_LARGE)

    def taken(self, size: int) -> bool:
        """Note that the broker took a packet of this size; return whether it has come to take more than before."""
        more = self.exceeds(size)
        if more:
            self._forget()
        return more

    def _may_try(self, size: int) -> bool:
        return self._limit is None or size <= self._limit

    def _forget(self) -> None:
        del self._learned[self._broker]
        self._waits.forget(self._broker)
