"""What light posts say: passages of a clip, read once by the real recogniser, told again with new times and names."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from device.records import (
    ClockQuality,
    Consultation,
    Hit,
    HotListState,
    Model,
    Place,
    Read,
    Versions,
    new_identifier,
)
from device.records.settings import RecordSettings
from device.reporting.sight import pictures_of, sight_of
from device.vision.recogniser import Recogniser
from simulator.scoring.replay import Replay

FOOTAGE = Path(__file__).parents[2] / "footage"
"""Drawn, like all footage here: its plates are nobody's."""
CATEGORIES = ("stolen_vehicle", "felony_vehicle", "missing_person")
_NO_PLACE = Place(site="template")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What all records of one light post carry alike."""

    place: Place
    versions: Versions
    clock: ClockQuality


@dataclass(frozen=True, slots=True)
class Told:
    """One passage: its read, and the hit that it would have been."""

    read: Read
    hit: Hit

    def read_at(self, moment: datetime, circumstances: Circumstances, hotlist: HotListState) -> Read:
        """Return the read of a vehicle that passed at a moment."""
        consultation = Consultation.model_construct(**dict(hotlist), result="no_match")
        return self.read.model_copy(update=_now(moment, circumstances) | {"hotlist": consultation})

    def hit_at(self, moment: datetime, circumstances: Circumstances, hotlist: HotListState, draw: random.Random) -> Hit:
        """Return the hit of a vehicle that passed at a moment."""
        more = {"hit": new_identifier(), "hotlist": hotlist, "category": draw.choice(CATEGORIES)}
        return self.hit.model_copy(update=_now(moment, circumstances) | more)


def passages_of(clip: Path, *, versions: Versions, clock: ClockQuality) -> tuple[Told, ...]:
    """Read a clip and return its passages as records, pictures included.

    Raises:
        CameraError: the clip cannot be played.

    """
    section = RecordSettings(signing_key=Path("none"))
    common = {"camera": "simulated", "place": _NO_PLACE, "versions": versions, "clock": clock}
    none = HotListState(state="none")
    told = []
    for found in Replay(clip, Recogniser.load()).reads():
        passage = found.passage
        sight = sight_of(passage) | common | {"passage": new_identifier()}
        both = pictures_of(passage.best, section, with_patch=True, with_overview=True)
        patch = tuple(picture for picture in both if picture.kind == "patch")
        consultation = Consultation(state="none", result="not_consulted")
        read = Read.model_validate(sight | {"hotlist": consultation, "pictures": patch})
        hit = {
            "hit": new_identifier(),
            "plate_matched": passage.consensus.text,
            "match": "exact",
            "category": CATEGORIES[0],
            "priority": 1,
            "hotlist": none,
            "hotlist_stale": False,
            "pictures": both,
        }
        told.append(Told(read, Hit.model_validate(sight | hit)))
    return tuple(told)


def kept_passages(path: Path, clip: Path, *, versions: Versions, clock: ClockQuality) -> tuple[Told, ...]:
    """Return a clip's passages, read before if a former run with the same software left them in `path`.

    Raises:
        CameraError: the clip cannot be played.

    """
    key = f"{clip.name} {clip.stat().st_size} {versions.software}"
    try:
        document = json.loads(path.read_bytes())
        if document["of"] == key:
            return tuple(Told(Read.model_validate(read), Hit.model_validate(hit)) for read, hit in document["passages"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none yet, or of another form
    told = passages_of(clip, versions=versions, clock=clock)
    document = {"of": key, "passages": [(each.read.wire(), each.hit.wire()) for each in told]}
    path.write_text(json.dumps(document), encoding="utf-8")
    return told


def software(version: str) -> Versions:
    """Return what a light post says that it runs."""
    return Versions(software=version, configuration="simulated", models=(Model(name="reader", digest="0" * 64),))


def choose(told: Sequence[Told], draw: random.Random) -> Told:
    """Draw one passage."""
    return told[draw.randrange(len(told))]


def _now(moment: datetime, circumstances: Circumstances) -> dict[str, object]:
    return {
        "passage": new_identifier(),
        "captured": moment,
        "first_seen": moment - timedelta(seconds=0.4),
        "last_seen": moment,
        "place": circumstances.place,
        "versions": circumstances.versions,
        "clock": circumstances.clock,
    }
