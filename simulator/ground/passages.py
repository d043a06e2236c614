"""Made-up vehicles, and what a post says of them: the one maker of reads, hits and withdrawals of every simulation."""

import copy
import random
from datetime import datetime, timedelta
from typing import Any, Self

from platepost.simulator.ground.pictures import pictures
from platepost.wire.hotlist import plate_key
from platepost.wire.records.parts import Alternative, Box, Character, Location, Point

PLATE = ("#", "@", "@", "@", "#", "#", "#")
"""California's passenger form: digits and letters."""
CATEGORIES = ("stolen_vehicle", "stolen_plate", "felony_vehicle", "missing_person")
FRAME_SECONDS = 0.05


def plate(draw: random.Random) -> str:
    """Draw the text of a plate."""
    letters, digits = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"
    return "".join(draw.choice(letters if form == "@" else digits) for form in PLATE)


class SeenVehicle:
    """One vehicle as a camera sees it and a post reads it; it may pass more than once."""

    def __init__(self, text: str, draw: random.Random) -> None:
        """Make one up.

        Args:
            text: its plate, as it is read.
            draw: everything random comes from here.

        """
        self.text = text
        seen = draw.randrange(4, 40)
        self._duration = timedelta(seconds=FRAME_SECONDS * seen)
        left, top = draw.randrange(100, 1050), draw.randrange(300, 600)
        corners = ((left, top), (left + 110, top + 2), (left + 110, top + 57), (left, top + 55))
        characters = tuple(Character(value=value, confidence=round(draw.uniform(0.9, 0.9999), 4)) for value in text)
        self.confidence = round(min(character.confidence for character in characters) - 0.005, 4)
        self.patch, self.overview = pictures(text, draw)
        self._seen: dict[str, Any] = {
            "plate_read": text,
            "plate_key": plate_key(text),
            "confidence": self.confidence,
            "characters": characters,
            "alternatives": (Alternative(text=_other(text, draw), confidence=round(1 - self.confidence, 4)),),
            "location": Location(
                frame_width=1280,
                frame_height=720,
                box=Box(x=left, y=top, width=110, height=57),
                corners=tuple(Point(x=x, y=y) for x, y in corners),
            ),
            "frames_seen": seen,
            "frames_agreeing": max(2, seen - draw.randrange(3)),
            "direction": draw.choice(("approaching", "receding")),
            "camera": "simulated",
        }

    def read_as(self, text: str) -> Self:
        """Return the same vehicle, read as another text of as many characters."""
        other = copy.copy(self)
        other.text = text
        pairs = zip(text, self._seen["characters"], strict=True)
        characters = tuple(known.model_copy(update={"value": value}) for value, known in pairs)
        changed = {"plate_read": text, "plate_key": plate_key(text), "characters": characters}
        other._seen = self._seen | changed  # noqa: SLF001 - a copy of its own
        return other

    def sight(self, last_seen: datetime) -> dict[str, Any]:
        """Return the fields of a record that are the vehicle's, of a passage that ended at a moment."""
        times = {
            "captured": last_seen - self._duration / 2,
            "first_seen": last_seen - self._duration,
            "last_seen": last_seen,
        }
        return self._seen | times


def _other(text: str, draw: random.Random) -> str:
    place = draw.randrange(len(text))
    return text[:place] + draw.choice("0123456789") + text[place + 1 :]
