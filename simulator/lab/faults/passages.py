"""Made-up passages: the reads and hits of a light post, with pictures of the size that real ones have."""

import random
import string
from datetime import datetime, timedelta
from typing import Literal

from device.records import ClockQuality, Hit, HotListState, Picture, Place, Read, Versions, new_identifier
from device.records.parts import Alternative, Box, Character, Location
from device.records.read import Consultation

PATCH_BYTES = (1500, 3000)
OVERVIEW_BYTES = (6000, 20000)
CATEGORIES = ("stolen_vehicle", "felony_vehicle", "missing_person")
LIST = HotListState(state="none")


def read_of(draw: random.Random, moment: datetime, *, clock: ClockQuality, place: Place, versions: Versions) -> Read:
    """Make up a read."""
    return Read.model_validate(
        _sight(draw, moment, clock, place, versions)
        | {
            "hotlist": Consultation(state="none", result="not_consulted"),
            "hits": (),
            "pictures": (_picture(draw, "patch", PATCH_BYTES),),
        }
    )


def hit_of(draw: random.Random, moment: datetime, *, clock: ClockQuality, place: Place, versions: Versions) -> Hit:
    """Make up a hit."""
    sight = _sight(draw, moment, clock, place, versions)
    return Hit.model_validate(
        sight
        | {
            "hit": new_identifier(),
            "plate_matched": sight["plate_key"],
            "match": "exact",
            "category": draw.choice(CATEGORIES),
            "priority": 1,
            "hotlist": LIST,
            "hotlist_stale": False,
            "pictures": (_picture(draw, "patch", PATCH_BYTES), _picture(draw, "overview", OVERVIEW_BYTES)),
        }
    )


def _sight(
    draw: random.Random, moment: datetime, clock: ClockQuality, place: Place, versions: Versions
) -> dict[str, object]:
    text = "".join(draw.choices(string.ascii_uppercase + string.digits, k=7))
    return {
        "clock": clock,
        "passage": new_identifier(),
        "plate_read": text,
        "plate_key": text.replace("O", "0").replace("I", "1"),
        "confidence": round(draw.uniform(0.5, 1), 4),
        "characters": tuple(Character(value=value, confidence=round(draw.uniform(0.5, 1), 4)) for value in text),
        "alternatives": (Alternative(text=text[::-1], confidence=0.01),),
        "location": Location(
            frame_width=1280, frame_height=720, box=Box(x=draw.randrange(1100), y=411, width=118, height=63)
        ),
        "captured": moment - timedelta(seconds=0.5),
        "first_seen": moment - timedelta(seconds=0.9),
        "last_seen": moment,
        "frames_seen": draw.randrange(2, 40),
        "frames_agreeing": 2,
        "direction": "approaching",
        "camera": "none",
        "place": place,
        "versions": versions,
    }


def _picture(draw: random.Random, kind: Literal["patch", "overview"], size: tuple[int, int]) -> Picture:
    return Picture.of(kind, draw.randbytes(draw.randint(*size)), width=96, height=48)
