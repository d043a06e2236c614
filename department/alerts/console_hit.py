"""Prepares a hit for the console, from the record as the post signed it."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from platepost.common.errors import PlatepostError
from platepost.department.alerts.alert_status import EYE_ANSWERS
from platepost.department.alerts.alerts import Alert
from platepost.department.alerts.characters import ComparedCharacter, compared
from platepost.department.alerts.states import AlertState, WithdrawalReason
from platepost.department.custody.projections import folded
from platepost.department.custody.reading import PastRead, reads_before, whole_records, withdrawals_of
from platepost.department.custody.record import DOUBTFUL, PictureBytes, RecordRow
from platepost.department.ledger.entries import OpenEntry
from platepost.department.lists.models import ListEntry
from platepost.department.lists.posts import span
from platepost.department.lists.services import listed_by
from platepost.department.policy.policy import policy_in_force
from platepost.department.search.misreads import look_alikes
from platepost.department.search.places import Places
from platepost.department.search.street_map import MapPlace, StreetMap, located, street_map
from platepost.wire.records.envelope import read_event
from platepost.wire.records.hit import Hit, HitWithdrawn
from platepost.wire.records.parts import ClockQuality

_MIN_SURE_PERCENT = 90
"""Characters that were read with less confidence than this are marked."""
_MIN_ALTERNATIVE_PROBABILITY = 0.01
"""Minimum probability of an alternative reading."""
_MAX_CLOCK_ERROR = timedelta(seconds=2)
"""Maximum error of a post's clock without a warning."""
_COMPASS = ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")
_BOUND_ABBREVIATIONS = {"north": "NB", "east": "EB", "south": "SB", "west": "WB"}
MATCH_WORDS = {
    "exact": _("exactly"),
    "look_alike": _("by a look-alike: O and 0, I and 1"),
    "near": _("by another possible reading, not by what was read"),
    "partial": _("by a pattern: several plates fit it"),
}
"""How the read matched the listed plate, in words."""
STATE_AGREEMENT_WORDS = {
    "unknown": _("cannot be compared"),
    "agrees": _("they agree"),
    "contradicts": _("they contradict"),
}
"""Result of comparing the state that was read with the listed one."""


@dataclass(frozen=True, slots=True)
class ShownCharacter:
    """A character of the read beside the listed one, with the reader's confidence."""

    pair: ComparedCharacter
    percent: int | None
    """None if the listed plate has a character here and the read has none."""

    @property
    def kind(self) -> str:
        """The mark: `differs`, `unsure`, or none."""
        if not self.pair.same and self.pair.listed != "?":
            return "differs"
        return "unsure" if self.percent is not None and self.percent < _MIN_SURE_PERCENT else ""

    @property
    def looks_like(self) -> str:
        """Characters it may be confused with."""
        twin = {"O": "0", "0": "O", "I": "1", "1": "I"}.get(self.pair.read, "")
        return " ".join(look_alikes(folded(self.pair.read)) + twin) if self.pair.read else ""


def shown_characters(hit: Hit) -> list[ShownCharacter]:
    """Return the characters as read over the listed ones, one by one."""
    percents = [int(character.confidence * 100) for character in hit.characters]
    shown: list[ShownCharacter] = []
    place = 0
    for pair in compared(hit.plate_read, hit.plate_matched):
        percent = percents[place] if pair.read and place < len(percents) else None
        place += bool(pair.read)
        shown.append(ShownCharacter(pair, percent))
    return shown


def _likely(hit: Hit) -> list[str]:
    texts = [
        alternative.text for alternative in hit.alternatives if alternative.confidence >= _MIN_ALTERNATIVE_PROBABILITY
    ]
    # Of a near match it is written apart that the listed one is among them.
    return [text for text in texts if not (hit.match == "near" and text == hit.plate_matched)]


def clock_doubt(clock: ClockQuality) -> str:
    """Return what is doubtful about the post's clock, as a sentence; empty if nothing."""
    if clock.held_seconds is not None:
        return gettext("The post's clock was wrong: do not rely on the time.")
    if not clock.synchronised:
        return gettext("The post's clock was not synchronized: the time may be wrong.")
    if clock.stepped_back_seconds is not None:
        ahead = f"{clock.stepped_back_seconds:.0f}"
        return gettext("The post's clock had been {seconds} s ahead just before.").format(seconds=ahead)
    if clock.maximum_error_seconds is not None and clock.maximum_error_seconds > _MAX_CLOCK_ERROR.total_seconds():
        off = f"{clock.maximum_error_seconds:.0f}"
        return gettext("The post's clock may be {seconds} s off.").format(seconds=off)
    return ""


@dataclass(frozen=True, slots=True)
class FetchedHit:
    """A hit with everything the database has about it: no query is needed to show it."""

    stored: RecordRow
    hit: Hit
    pictures: tuple[PictureBytes, ...]
    listed: ListEntry | None
    """The hot-list entry, if a person entered it; None if it came with an import."""
    picture_error: str
    """Why a stored picture cannot be shown; empty if there is no such picture."""


def fetched_hits(entry: OpenEntry, records: Sequence[int]) -> list[FetchedHit]:
    """Return hits by ascending record, without those whose record cannot be read.

    Args:
        entry: under which they are fetched.
        records: of the hits.

    Raises:
        ClosedEntryError: the entry is not open.

    """
    fetched: list[FetchedHit] = []
    picture_errors: dict[int, str] = {}
    for stored, pictures in whole_records(entry, records=records, lacking=picture_errors):
        with suppress(PlatepostError, ValueError, TypeError):  # left out: the page shows that it cannot be read
            hit = read_event(stored.restored().event or {}).data
            if isinstance(hit, Hit):
                listed = listed_by(entry, stored.id, hit.reference)
                fetched.append(FetchedHit(stored, hit, pictures, listed, picture_errors.get(stored.id, "")))
    return fetched


def corrected_texts(entry: OpenEntry, alerts: Iterable[Alert]) -> dict[int, str]:
    """Return what posts read instead, by the alert that they withdrew because the text had changed.

    Args:
        entry: under which it is fetched, a console's that lists the alerts.
        alerts: those that it lists.

    Raises:
        ClosedEntryError: the entry is not open.

    """
    changed = {
        (alert.post, alert.hit): alert.record_id
        for alert in alerts
        if alert.state is AlertState.WITHDRAWN and alert.withdrawn_because == WithdrawalReason.TEXT_CHANGED
    }
    if not changed:
        return {}
    records = withdrawals_of(entry, [hit for _, hit in changed])
    texts = {}
    for stored, _pictures in whole_records(entry, records=records, with_pictures=False) if records else ():
        with suppress(PlatepostError, ValueError, TypeError):
            withdrawal = read_event(stored.restored().event or {}).data
            if isinstance(withdrawal, HitWithdrawn) and (stored.post, withdrawal.hit) in changed:
                texts[changed[stored.post, withdrawal.hit]] = withdrawal.plate_read
    return texts


def hit_payloads(hits: Iterable[FetchedHit]) -> dict[int, dict[str, Any]]:
    """Return what a console needs to show hits, by record number, ready for JSON."""
    places = Places.usable(settings.PLACES_FILE)  # an unusable map must not keep a hit from being shown
    payloads = {}
    for hit in hits:
        with suppress(PlatepostError, ValueError, TypeError):  # the page says that it cannot be read
            payloads[hit.stored.id] = _hit_payload(hit, places)
    return payloads


def _hit_payload(fetched: FetchedHit, places: Places) -> dict[str, Any]:
    hit, stored = fetched.hit, fetched.stored
    doubt = gettext("The time is more than a month off.") if stored.retention == DOUBTFUL else clock_doubt(hit.clock)
    shown = _pictures(hit, fetched.pictures)
    heading = hit.place.heading_degrees
    context = {
        "hit": hit,
        "listed": fetched.listed,
        "record": stored.id,
        "post": stored.post,
        "covert": stored.covert_group,
        "compared": shown_characters(hit),
        "how": MATCH_WORDS[hit.match],
        "sure": None if hit.match_confidence is None else int(hit.match_confidence * 100),
        "eye_answers": EYE_ANSWERS.items(),
        "list_age": None if hit.hotlist.age_seconds is None else span(timedelta(seconds=hit.hotlist.age_seconds)),
        "clock_doubt": doubt,
        "likely": _likely(hit),
        "heading": _COMPASS[round(heading / 45) % 8] if heading is not None else None,
        "towards": heading_of(hit),
        "map": street_map(places, hit=map_place(hit, stored.post, places)),
        "trail_minutes": trail_minutes(),
        "agrees": STATE_AGREEMENT_WORDS[hit.state_agreement],
        "missing_kinds": [kind for kind in ("patch", "overview") if kind not in shown],
        "unseen": fetched.picture_error,
        "contradicted": differs(hit) or hit.state_agreement == "contradicts",
    }
    return {
        "record": stored.id,
        "priority": hit.priority,
        "category": hit.category,
        "place": hit.place.site or stored.post,
        "captured": _isoformat(hit.captured),
        "plate": hit.plate_read,
        "listed": hit.plate_matched if differs(hit) else "",
        "other_state": (hit.region or "").removeprefix("US-") if hit.state_agreement == "contradicts" else "",
        "line": cad_line(hit, stored.post),
        "compare": render_to_string("alerts/console/compare.html", context),
        "facts": render_to_string("alerts/console/facts.html", context),
        "pictures": shown,
    }


def _pictures(hit: Hit, pictures: Iterable[PictureBytes]) -> dict[str, Any]:
    """Return what is kept of a hit's pictures, in base64, by what they show."""
    bodies = {picture.sha256.hex(): b64encode(picture.body).decode("ascii") for picture in pictures}
    stored = [(picture, bodies[picture.sha256]) for picture in hit.pictures if picture.sha256 in bodies]
    patches = [body for picture, body in stored if picture.kind == "patch" and picture.rectified is not False]
    matches: dict[str, Any] = {"patch": patches[0], "more": patches[1:]} if patches else {}
    for name, kind, rectified in (("overview", "overview", None), ("crop", "patch", False)):
        body = next((body for picture, body in stored if (picture.kind, picture.rectified) == (kind, rectified)), None)
        matches |= {name: body} if body else {}
    return matches


@dataclass(frozen=True, slots=True)
class ShownHit:
    """A hit for the pages of history: its record, place, map, and earlier reads."""

    hit: Hit
    record: int
    pictures: tuple[str, ...]
    """The kinds of its stored pictures."""
    place: MapPlace
    towards: str
    """Where the vehicle went, as a direction of the compass; empty where that is not known."""
    map: StreetMap | None
    trail: Sequence[PastRead] | None
    """Earlier reads of the plate, the earliest first; None where they were not asked for."""


def shown_hit(entry: OpenEntry, record: int, *, trail: bool = False) -> ShownHit | None:
    """Return a hit; None where its record was deleted, or cannot be read.

    Args:
        entry: the access log entry under which it is fetched; it must name the trail if `trail` is set.
        record: its number.
        trail: whether to return the plate's earlier reads, too.

    Raises:
        ClosedEntryError: the entry is not open.

    """
    places = Places.usable(settings.PLACES_FILE)
    for stored, pictures in whole_records(entry, records=[record], lacking={}):
        with suppress(PlatepostError, ValueError, TypeError):
            hit = read_event(stored.restored().event or {}).data
            if isinstance(hit, Hit):
                within = timedelta(minutes=trail_minutes())
                before = reads_before(entry, record, within) if trail and within else None
                place = map_place(hit, stored.post, places)
                drawn = street_map(places, hit=place, trail=[(read.post, read.captured_at) for read in before or ()])
                kinds = tuple(dict.fromkeys(picture.kind for picture in pictures))
                return ShownHit(hit, record, kinds, place, heading_of(hit) or "", drawn, before)
    return None


def trail_minutes() -> int:
    """Return for how many minutes before a hit its plate's reads may be shown; 0 where they may not.

    The policy states it. It is 0 if the law requires a supervisor to approve searches: no one approves this one.
    """
    policy = policy_in_force()
    return 0 if policy.law.approves_searches else policy.alerts.trail_minutes


def map_place(hit: Hit, post: str, places: Places) -> MapPlace:
    """Return a hit's place, with the vehicle's heading, for the map."""
    place = hit.place
    return located(MapPlace(post, place.site or post, place.longitude, place.latitude, _degrees(hit)), places)


def differs(hit: Hit) -> bool:
    """Return whether the camera read another text than is listed."""
    if hit.plate_read == hit.plate_matched:
        return False
    return not all(pair.same for pair in compared(hit.plate_read, hit.plate_matched))


def cad_line(hit: Hit, post: str) -> str:
    """Return a hit as one line for a dispatch system, with the plate as listed and without the verification status.

    If the camera read another text or saw another state, the line has that, too: it may be another vehicle. The caller
    puts the verification status in front, because narrow fields cut off the end.
    """
    plate = " ".join(filter(None, (hit.plate_matched, hit.state)))
    if differs(hit):
        plate += " " + gettext("(camera read {plate})").format(plate=hit.plate_read)
    if hit.state_agreement == "contradicts":
        plate += " " + gettext("(camera saw {state})").format(state=(hit.region or "").removeprefix("US-"))
    vehicle = _vehicle(hit)
    seen = gettext("seen: {vehicle}").format(vehicle=vehicle) if vehicle else ""
    where = " ".join(filter(None, (hit.place.site or post, _BOUND_ABBREVIATIONS.get(heading_of(hit) or "", ""))))
    captured = f"{timezone.localtime(hit.captured):%H:%M:%S %Z}"
    reference = gettext("case {reference}").format(reference=hit.reference) if hit.reference else ""
    parts = (f"{plate} {hit.category.replace('_', ' ')}", seen, where, captured, reference)
    return ", ".join(filter(None, parts))


def _vehicle(hit: Hit) -> str:
    """Return the vehicle that was seen, in words; empty where the camera is not sure of it."""
    if hit.vehicle is None:
        return ""
    return " ".join(filter(None, (gettext(" or ").join(hit.vehicle.colors or ()), hit.vehicle.kind)))


def heading_of(hit: Hit) -> str | None:
    """Return where vehicles go that approach the camera, or move away from it; None where that is not known."""
    degrees = _degrees(hit)
    return None if degrees is None else _COMPASS[round(degrees / 45) % 8]


def _degrees(hit: Hit) -> float | None:
    """Return the same in degrees clockwise from north."""
    degrees = hit.place.heading_degrees
    if degrees is None or hit.direction not in {"approaching", "receding"}:
        return None
    return (degrees + (180 if hit.direction == "approaching" else 0)) % 360


def _isoformat(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
