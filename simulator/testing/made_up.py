"""Made-up passages: what a post says of a plate that a test, or a drawn day, names."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from device.hotlist import plate_key
from device.records import (
    ClockQuality,
    Consultation,
    Hit,
    HitWithdrawn,
    HotListState,
    Place,
    Read,
    Versions,
)
from device.records.hit import NEAR_WORDING, WORDING
from device.records.parts import Alternative, Box, Character, Location, Point
from simulator.testing.pictures import pictures


@dataclass(frozen=True, kw_only=True, slots=True)
class Circumstances:
    """What all records of one post carry alike."""

    place: Place
    versions: Versions
    clock: ClockQuality
    hotlist: HotListState


class MadeUp:
    """One vehicle's passage."""

    def __init__(
        self, text: str, moment: datetime, *, passage: str, circumstances: Circumstances, draw: random.Random
    ) -> None:
        """Make one up.

        Args:
            text: the plate as it is read.
            moment: when the best frame was captured.
            passage: the passage's identifier.
            circumstances: what all records of the post carry.
            draw: everything random comes from here.

        """
        self.text = text
        self._at = circumstances
        self._moment = moment
        seen = draw.randrange(4, 40)
        left, top = draw.randrange(100, 1050), draw.randrange(300, 600)
        corners = ((left, top), (left + 110, top + 2), (left + 110, top + 57), (left, top + 55))
        characters = tuple(Character(value=value, confidence=round(draw.uniform(0.9, 0.9999), 4)) for value in text)
        likely = round(min(character.confidence for character in characters) - 0.005, 4)
        self._patch, self._overview = pictures(text, draw)
        self._sight: Mapping[str, Any] = {
            "clock": circumstances.clock,
            "passage": passage,
            "plate_read": text,
            "plate_key": plate_key(text),
            "confidence": likely,
            "characters": characters,
            "alternatives": (Alternative(text=_other(text, draw), confidence=round(1 - likely, 4)),),
            "location": Location(
                frame_width=1280,
                frame_height=720,
                box=Box(x=left, y=top, width=110, height=57),
                corners=tuple(Point(x=x, y=y) for x, y in corners),
            ),
            "captured": moment,
            "first_seen": moment - timedelta(seconds=0.05 * seen / 2),
            "last_seen": moment + timedelta(seconds=0.05 * seen / 2),
            "frames_seen": seen,
            "frames_agreeing": max(2, seen - draw.randrange(3)),
            "direction": draw.choice(("approaching", "receding")),
            "camera": "simulated",
            "place": circumstances.place,
            "versions": circumstances.versions,
        }

    def read(self, *, hits: tuple[str, ...] = (), overview: bool = False) -> Read:
        """Return the read, which names its hits."""
        consultation = Consultation.model_validate(dict(self._at.hotlist) | {"result": "match" if hits else "no_match"})
        shown = (self._patch, self._overview) if overview else (self._patch,)
        return Read.model_validate({**self._sight, "hotlist": consultation, "hits": hits, "pictures": shown})

    def hit(
        self, identifier: str, *, category: str, matched: str | None = None, match: str = "exact", priority: int = 1
    ) -> Hit:
        """Return the hit that the passage is, called `identifier`."""
        matched = matched or self.text
        differs = tuple(
            place for place, (ours, theirs) in enumerate(zip(self.text, matched, strict=False)) if ours != theirs
        )
        return Hit.model_validate(
            {
                **self._sight,
                "hit": identifier,
                "plate_matched": matched,
                "match": match,
                "differs": () if match == "partial" else differs,
                "category": category,
                "priority": priority,
                "match_confidence": self._sight["confidence"],
                "hotlist": self._at.hotlist,
                "hotlist_stale": self._at.hotlist.state == "stale",
                "wording": NEAR_WORDING if match == "near" else WORDING,
                "pictures": (self._patch, self._overview),
            }
        )

    def withdrawal(self, hit: Hit, final: str) -> HitWithdrawn:
        """Return the withdrawal of a hit, since the passage's final text is another."""
        return HitWithdrawn(
            clock=self._at.clock,
            hit=hit.hit,
            passage=hit.passage,
            category=hit.category,
            plate_read=final,
            plate_key=plate_key(final),
            reason="text_changed",
        )


def _other(text: str, draw: random.Random) -> str:
    place = draw.randrange(len(text))
    return text[:place] + draw.choice("0123456789") + text[place + 1 :]
