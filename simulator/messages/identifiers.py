"""Identifiers of a drawn day: UUIDs of version 7 as a post makes them, but from a seed."""

import random
import uuid
from datetime import datetime


class SeededIdentifiers:
    """Makes identifiers that sort by time; the same from the same seed."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._last = 0

    def at(self, moment: datetime) -> str:
        """Return an identifier of a moment, or of just after the last one."""
        self._last = max(self._last + 1, int(moment.timestamp() * 1000) << 12)
        high = (self._last >> 12) << 16 | 0x7000 | self._last & 0xFFF
        return str(uuid.UUID(int=high << 64 | 0b10 << 62 | self._draw.getrandbits(62)))
