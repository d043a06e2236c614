"""Identifiers of records: UUIDs of version 7, each sorting after the one before."""

import secrets
import uuid
from datetime import datetime
from threading import Lock

COUNTER_BITS = 12
_RANDOM_BITS = 62
STEP_MILLISECONDS = 1000
"""From which on time has stepped back; less was borrowed, or two threads overtook one another."""


class Identifiers:
    """Makes identifiers by the record's own time, not by the system's clock; while that goes on, they sort likewise.

    Within a millisecond, or where time stands still, a counter in `rand_a` orders them (RFC 9562, section 6.2, method
    1); where it is full, the next millisecond is borrowed. Where time steps back, so do they: their 62 random bits keep
    them unique, and `sequence` alone is the order of records. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._millisecond = 0
        self._counter = 0

    def at(self, moment: datetime) -> str:
        """Return an identifier of `moment`, or of the last one's millisecond if that is later by less than a step."""
        millisecond = int(moment.timestamp() * 1000)
        with self._lock:
            if millisecond > self._millisecond or millisecond <= self._millisecond - STEP_MILLISECONDS:
                # Half of the counter's range stays free for what follows within the millisecond.
                self._millisecond, self._counter = millisecond, secrets.randbits(COUNTER_BITS - 1)
            else:
                self._counter += 1
                if self._counter >> COUNTER_BITS:
                    self._millisecond, self._counter = self._millisecond + 1, 0
            high = self._millisecond << 16 | 0x7000 | self._counter
        low = 0b10 << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        return str(uuid.UUID(int=high << 64 | low))
