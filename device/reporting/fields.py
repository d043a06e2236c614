"""From a passage to the fields of its records: text, location in the frame, pictures."""

from functools import partial
from typing import Any

from platepost.common.errors import PictureError
from platepost.device.vision.passages import BEST_FRAMES, Passage
from platepost.device.vision.pictures import Jpeg, crop, encode, overview, patch
from platepost.device.vision.sighting import Sighting
from platepost.device.vision.vehicle import Appearance
from platepost.wire.hotlist import plate_key
from platepost.wire.records import Alternative, Box, Character, Location, Picture, Point
from platepost.wire.records.parts import VehicleDescription
from platepost.wire.records.settings import RecordSettings


def sight_fields(passage: Passage) -> dict[str, Any]:
    """Return the fields of `platepost.wire.records.read.Sight`: those of a read or hit that describe the plate."""
    finding = passage.finding
    first_seen, last_seen = passage.seen
    return {
        "plate_read": finding.text,
        "plate_key": plate_key(finding.text),
        "confidence": round(finding.confidence, 4),
        "characters": tuple(
            Character(value=character.character, confidence=round(character.confidence, 4))
            for character in finding.characters
        ),
        "alternatives": tuple(
            Alternative(text=other.text, confidence=round(other.probability, 4))
            for other in finding.alternatives
            if other.text
        ),
        "region": passage.issuer.region if passage.issuer else None,
        "region_confidence": round(passage.issuer.confidence, 4) if passage.issuer else None,
        "vehicle": _description_of(passage.appearance),
        "location": location_of(passage.best),
        "captured": passage.best.frame.captured,
        "captured_by": passage.best.frame.captured_by,
        "first_seen": first_seen,
        "last_seen": last_seen,
        "frames_seen": finding.frames,
        "frames_agreeing": finding.agreeing_frames,
        "direction": passage.direction,
        "lane": passage.lane,
    }


def _description_of(vehicle: Appearance) -> VehicleDescription | None:
    if not vehicle.kind and not vehicle.colors:
        return None
    return VehicleDescription(kind=vehicle.kind, colors=vehicle.colors or None)


def location_of(sighting: Sighting) -> Location:
    """Return where in its frame a plate was."""
    height, width = sighting.frame.gray.shape
    left, top, right, bottom = sighting.plate.box
    return Location(
        frame_width=width,
        frame_height=height,
        box=Box(x=round(left), y=round(top), width=max(0, round(right - left)), height=max(0, round(bottom - top))),
        corners=tuple(Point(x=round(float(x), 1), y=round(float(y), 1)) for x, y in sighting.plate.corners),
    )


def pictures_of(
    sighting: Sighting, section: RecordSettings, *, with_patch: bool, with_overview: bool
) -> tuple[Picture, ...]:
    """Make the pictures that a record carries; one that cannot be made small enough is left out."""
    pictures: list[Picture] = []
    if with_patch or with_overview:
        color = sighting.frame.color()
        corners = sighting.plate.corners
        if with_patch:
            pictures += _picture("patch", lambda: patch(color, corners, largest=section.patch_bytes))
        if with_overview:
            pictures += _picture("overview", lambda: overview(color, corners, largest=section.overview_bytes))
    return tuple(pictures)


def hit_pictures(passage: Passage, section: RecordSettings) -> tuple[Picture, ...]:
    """Make the pictures of a hit, by which a person decides: more than those of a read, each within its limit.

    The best frame's come first; then the plate as that frame has it, and the plate in the next best frames, in gray.
    """
    best, largest = passage.best, section.patch_bytes
    pictures = [*pictures_of(best, section, with_patch=True, with_overview=True)]
    seen = _picture("patch", lambda: crop(best.frame.color(), best.plate.corners, largest=largest))
    pictures += [picture.model_copy(update={"rectified": False}) for picture in seen]
    others = [plate for plate in passage.best_plates if plate is not best.rectified]
    for plate in others[: BEST_FRAMES - 1]:
        pictures += _picture("patch", partial(encode, plate, largest=largest))
    return tuple(pictures)


def _picture(kind: Any, make: Any) -> list[Picture]:
    try:
        jpeg: Jpeg = make()
    except PictureError:
        return []
    return [Picture.of(kind, jpeg.content, width=jpeg.width, height=jpeg.height)]
