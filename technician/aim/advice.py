"""From figures to one light and to words: whether a view will do, and what to turn if not."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from statistics import median
from typing import Literal

from platepost.common.language import Phrase
from platepost.technician.aim.measurement import Measurement, blur_pixels
from platepost.technician.aim.tracks import VehicleTrack
from platepost.technician.aim.zoom_or_tilt import COMFORT, ZoomOrTilt


def at_least(value: float, limit: float, *, digits: int = 0) -> str:
    """Return a figure that should be no less than a limit; a little less is rounded down."""
    shown = round(value, digits)
    return f"{_down(value, digits) if value < limit <= shown else shown:.{digits}f}"


def at_most(value: float, limit: float, *, digits: int = 0) -> str:
    """Return a figure that should be no more than a limit, which `limit_below` prints; a little more is rounded up."""
    shown, printed = round(value, digits), _down(limit, digits)
    if value > limit and shown <= printed:
        shown = ceil(value * 10.0**digits) / 10.0**digits
    elif value <= limit:
        shown = min(shown, printed)
    return f"{shown:.{digits}f}"


def limit_below(limit: float, *, digits: int) -> str:
    """Return a limit that should not be passed, rounded down."""
    return f"{_down(limit, digits):.{digits}f}"


def _down(value: float, digits: int) -> float:
    return floor(round(value * 10.0**digits, 6)) / 10.0**digits


_NUMBERS = (
    *(Phrase("two"), Phrase("three"), Phrase("four"), Phrase("five"), Phrase("six")),
    *(Phrase("seven"), Phrase("eight"), Phrase("nine"), Phrase("ten")),
)
_PARTS = (
    (0.5, Phrase("half")),
    (1 / 3, Phrase("a third")),
    (0.25, Phrase("a quarter")),
    (0.2, Phrase("a fifth")),
    (0.1, Phrase("a tenth")),
)


def degrees_in_words(degrees: float) -> Phrase:
    """Return an angle in words, half a degree at least: 1.9 is "two degrees"."""
    if degrees < 0.75:
        return Phrase("half a degree")
    whole = round(degrees)
    if whole == 1:
        return Phrase("one degree")
    return Phrase("{number} degrees", number=_NUMBERS[whole - 2] if whole < len(_NUMBERS) + 2 else str(whole))


def fraction_in_words(share: float) -> Phrase:
    """Return a share of 0 to 1 in words, a tenth at least: 0.24 is "a quarter"."""
    return min(_PARTS, key=lambda part: abs(part[0] - share))[1]


PIXELS_ACROSS = 130.0
"""Least width of a plate: Milestone's guidance for plates of the United States, and ABUS's for plate cameras."""
MOST_DEGREES = 30.0
"""Most by which a plate may be seen from the side or from above: the same sources."""
MOST_ROLL = 10.0
"""Most by which it may be turned in the picture; beyond, the corners that are found grow inexact."""
LEAST_CONTRAST = 60.0
"""Gray levels; measured on this project's clips, where reading falls off below."""
LEAST_SHARPNESS = 0.68
"""Measured likewise: sharp plates have 0.75 to 0.82, whatever their size, at 0.65 reading falls off."""
MOST_WASHED_OUT = 0.25
"""Share of a plate that may be pure white: letters on it are eaten away by more."""
STROKE_SHARE = 2.7 / 130
"""Width of a character's stroke as a share of the plate's (Milestone): a plate may smear by one stroke.

That is their own table of shutters: 1/1000 s for 55 mph at 15 degrees to the road."""
INSIDE = (0.1, 0.9)
"""Between which shares of the picture's width a whole plate must be: past them lenses are softer, and trucks leave."""
SHUTTERS = (250, 500, 1000, 2000, 4000, 8000)
"""Common shutters, one over seconds."""
JUDGED = 3
"""How many vehicles the light goes by."""
SHUTTER_UNKNOWN = Phrase(
    "Blur is not judged because the shutter time is unknown: run platepost aim again with it, such as "
    "--shutter 1/1000, or set shutter under [service] in post.toml."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """What the camera cannot see."""

    speed_mph: float = 45.0
    shutter_seconds: float | None = None
    """None where the camera does not tell."""
    field_of_view: float | None = None
    """Degrees across the picture; None where no one knows: then advice is in parts of the picture."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One figure that decides."""

    name: str
    value: str
    limit: str
    good: bool | None
    """None where it is not known: the light does not go by it, and the page says so."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the light shows."""

    light: Literal["waiting", "red", "green"]
    points: tuple[Criterion, ...] = ()
    advice: tuple[str, ...] = ()
    vehicles: tuple[str, ...] = ()
    """Whom it speaks of, such as `8KTR402, 148 px`, the latest last."""
    notes: tuple[str, ...] = ()
    """What is not judged, why, and what to do about it."""


def judge(
    tracks: Sequence[VehicleTrack],
    *,
    size: tuple[int, int],
    road: Road,
    infrared: bool,
    zoom_or_tilt: ZoomOrTilt | None = None,
) -> Assessment:
    """Judge a view by the last vehicles.

    Args:
        tracks: of one lane since the camera was touched, the latest last.
        size: the frame's width and height in pixels.
        road: what the camera cannot see.
        infrared: whether it sees by infrared.
        zoom_or_tilt: what was said of the lane since the camera was touched; what is said now is remembered there.

    """
    if not tracks:
        return Assessment(
            "waiting", advice=(Phrase("No plate seen yet: wait for a vehicle, or hold a plate in view."),)
        )
    best = [seen_at_best(track, size) for track in list(tracks)[-JUDGED:]]
    points = _points(best, size, road)
    advice = _advice(best, tracks, points, size, road, zoom_or_tilt=zoom_or_tilt or ZoomOrTilt(), infrared=infrared)
    light: Literal["red", "green"] = "red" if any(p.good is False for p in points) else "green"
    vehicles = tuple(
        Phrase("{plate}, {pixels} px", plate=f.text or Phrase("a plate"), pixels=f"{f.width:.0f}") for f in best
    )
    notes = () if road.shutter_seconds is not None else (SHUTTER_UNKNOWN,)
    return Assessment(light, tuple(points), tuple(advice), vehicles, notes)


def shutter_for(speed_mph: float, tilt_degrees: float) -> int:
    """Return the slowest common shutter, one over seconds, with which a plate smears by no more than one stroke."""
    for shutter in SHUTTERS:
        if blur_pixels(1.0, speed_mph=speed_mph, shutter_seconds=1 / shutter, tilt_degrees=tilt_degrees) <= _stroke(1):
            return shutter
    return SHUTTERS[-1]


def seen_at_best(track: VehicleTrack, size: tuple[int, int]) -> Measurement:
    """Return the sighting that a vehicle is judged by: where its plate was widest.

    Where it was wide enough with the whole plate inside the picture's margins, that is the widest there: it may leave
    at the side afterwards.
    """
    inside = [f for f in track.sightings if f.width >= PIXELS_ACROSS and _within(_edges([f], size))]
    return max(inside, key=lambda f: f.width, default=track.best)


def _edges(seen: Sequence[Measurement], size: tuple[int, int]) -> tuple[float, float]:
    """Return between which shares of the picture's width plates are, from the left edge of one to the right of one."""
    return (
        min(float(f.corners[:, 0].min()) for f in seen) / size[0],
        max(float(f.corners[:, 0].max()) for f in seen) / size[0],
    )


def _within(edges: tuple[float, float]) -> bool:
    return INSIDE[0] <= edges[0] and edges[1] <= INSIDE[1]


def _stroke(width: float) -> float:
    return width * STROKE_SHARE * 1.02  # their table is rounded to full miles an hour


def _points(best: Sequence[Measurement], size: tuple[int, int], road: Road) -> list[Criterion]:
    width = min(f.width for f in best)
    contrast, sharp = median(f.contrast for f in best), median(f.sharpness for f in best)
    washed, roll = median(f.washed_out for f in best), median(f.roll for f in best)
    sideways, above = median(f.sideways for f in best), median(f.above for f in best)
    left, right = _edges(best, size)
    roll = abs(roll)
    points = [
        _no_less(Phrase("Plate width"), width, PIXELS_ACROSS, unit=" px"),
        _no_less(Phrase("Contrast"), contrast, LEAST_CONTRAST),
        _no_more(Phrase("Washed out"), 100 * washed, 100 * MOST_WASHED_OUT, unit="%"),
        _no_less(Phrase("Sharpness"), sharp, LEAST_SHARPNESS, digits=2),
        _no_more(Phrase("From the side"), sideways, MOST_DEGREES, unit="°"),
        _no_more(Phrase("From above"), above, MOST_DEGREES, unit="°"),
        _no_more(Phrase("Rotated"), roll, MOST_ROLL, unit="°"),
        _place(left, right),
    ]
    name, limit = Phrase("Blur at {speed} mph", speed=f"{road.speed_mph:.0f}"), _stroke(width)
    if road.shutter_seconds is None:
        return [*points, Criterion(name, Phrase("not judged"), f"≤ {limit_below(limit, digits=1)} px", None)]
    tilt = min(max(sideways, above), MOST_DEGREES)
    blur = blur_pixels(width, speed_mph=road.speed_mph, shutter_seconds=road.shutter_seconds, tilt_degrees=tilt)
    return [*points, _no_more(name, blur, limit, digits=1, unit=" px")]


def _no_less(name: str, value: float, limit: float, *, digits: int = 0, unit: str = "") -> Criterion:
    shown = at_least(value, limit, digits=digits)
    return Criterion(name, f"{shown}{unit}", f"≥ {limit:.{digits}f}{unit}", bool(value >= limit))


def _no_more(name: str, value: float, limit: float, *, digits: int = 0, unit: str) -> Criterion:
    shown = at_most(value, limit, digits=digits)
    return Criterion(name, f"{shown}{unit}", f"≤ {limit_below(limit, digits=digits)}{unit}", bool(value <= limit))


def _place(left: float, right: float) -> Criterion:
    first, last = (100 * limit for limit in INSIDE)
    value = f"{at_least(100 * max(0.0, left), first)}-{at_most(100 * min(1.0, right), last)}%"
    return Criterion(Phrase("Place from left"), value, f"{first:.0f}-{last:.0f}%", _within((left, right)))


def _advice(
    best: Sequence[Measurement],
    tracks: Sequence[VehicleTrack],
    points: Sequence[Criterion],
    size: tuple[int, int],
    road: Road,
    *,
    zoom_or_tilt: ZoomOrTilt,
    infrared: bool,
) -> list[Phrase]:
    bad = {point.name.split(" at ")[0] for point in points if point.good is False}
    texts = []
    if "Plate width" in bad:
        texts.append(_enlarge(tracks, size, road, zoom_or_tilt))
    if "Place from left" in bad:
        texts.append(_center(best, size, road))
    roll = median(f.roll for f in best)
    if "Rotated" in bad:
        turn = Phrase("clockwise") if roll > 0 else Phrase("counterclockwise")
        by = degrees_in_words(abs(roll))
        texts.append(
            Phrase("Plates are tilted: roll the camera {turn}, as seen from behind it, by {by}.", turn=turn, by=by)
        )
    if "From the side" in bad:
        texts.append(
            Phrase("Plates are seen from the side: move the camera closer to the lane, or aim farther up the road.")
        )
    if "From above" in bad:
        texts.append(Phrase("Plates are seen from above: aim farther up the road, or mount the camera lower."))
    if "Washed out" in bad:
        texts.append(Phrase("Plates are washed out: set less gain or a faster shutter in post.toml; do not add light."))
    elif "Contrast" in bad:
        dark = median(f.brightness for f in best) < 110
        brighten = Phrase("Plates are dark: add light, or set more gain in post.toml.")
        texts.append(brighten if dark else Phrase("Plates are dull: clean the window."))
    if "Blur" in bad:
        tilt = min(MOST_DEGREES, max(median(f.sideways for f in best), median(f.above for f in best)))
        shutter = f"1/{shutter_for(road.speed_mph, tilt)} s"
        speed = f"{road.speed_mph:.0f}"
        texts.append(
            Phrase(
                "Plates blur at {speed} mph: set a shutter of {shutter} or faster in post.toml.",
                speed=speed,
                shutter=shutter,
            )
        )
    elif "Sharpness" in bad:
        texts.append(
            Phrase(
                "Plates are out of focus in infrared, which needs another focus: turn the ring until letters are crisp."
            )
            if infrared
            else Phrase("Plates are out of focus: turn the focus ring until letters are crisp.")
        )
    return texts


def _center(best: Sequence[Measurement], size: tuple[int, int], road: Road) -> Phrase:
    """Say how plates come wholly inside the picture: no turn brings in what is wider than its middle."""
    left, right = _edges(best, size)
    if right - left > INSIDE[1] - INSIDE[0]:
        zoom = ceil(10 * COMFORT * (right - left) / (INSIDE[1] - INSIDE[0])) / 10
        if min(f.width for f in best) / zoom >= PIXELS_ACROSS:
            return Phrase(
                "Plates reach from one edge of the picture to the other: zoom out {zoom} times.", zoom=f"{zoom:.1f}"
            )
        return Phrase(
            "Plates are at both edges of the picture: aim farther up the road, along the lane, so that vehicles stay "
            "in the middle."
        )
    off = (left + right) / 2 - 0.5
    by = _turn(abs(off), size[0], size, road)
    if off > 0:
        return Phrase("Plates are at the picture's right edge: turn the camera right by {by}.", by=by)
    return Phrase("Plates are at the picture's left edge: turn the camera left by {by}.", by=by)


def _enlarge(tracks: Sequence[VehicleTrack], size: tuple[int, int], road: Road, zoom_or_tilt: ZoomOrTilt) -> Phrase:
    judged = [seen_at_best(track, size).width for track in tracks]
    kind, amount = zoom_or_tilt.enlarge(
        [track.sightings for track in tracks], judged, least=PIXELS_ACROSS, height=size[1]
    )
    if kind == "tilt":
        return Phrase("Plates are too small: turn the camera down by {by}.", by=_turn(amount, size[1], size, road))
    return Phrase("Plates are too small: zoom in {zoom} times.", zoom=f"{amount:.1f}")


def _turn(share: float, along: int, size: tuple[int, int], road: Road) -> Phrase:
    """Say an angle that is a share of the picture's width or height `along`: in degrees where the lens is known."""
    if road.field_of_view is None:
        part = fraction_in_words(share)
        if along == size[0]:
            return Phrase("{part} of the picture's width", part=part)
        return Phrase("{part} of the picture's height", part=part)
    return degrees_in_words(share * along / size[0] * road.field_of_view)
