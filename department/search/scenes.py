"""Several scenes: plates that were at more than one place and time, or go along with another; where one usually is.

Everything goes under an open ledger entry, as every search does, and is noted there. Reads whose clock was wrong tell
nothing here: what is compared is times.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from platepost.department.custody.reading import READS_NEAR, ReadFilter, cover, json_asked, selected_reads, under
from platepost.department.custody.record import FURTHEST
from platepost.department.ledger.entries import OpenEntry
from platepost.department.search.errors import CaseRequiredError, PatternError
from platepost.department.search.plates import LONGEST_TIME, MOST_POSTS, PAGE, in_time

MOST_SCENES = 10
MOST_PASSAGES = 500
"""Passages of a plate, the latest, to which others are held for a convoy."""
_LATEST = ("record_id", "post", "site", "color", "vehicle")
_COMPARED = "class <> 'doubtful' AND covert_group IS NULL"
MOST_MEETINGS = 50
LONGEST_GAP = timedelta(minutes=10)
"""Between two vehicles of a convoy at one post."""


@dataclass(frozen=True, slots=True)
class SearchScene:
    """A place and a time."""

    posts: Sequence[str]
    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        """Make sure that it is a place and a time.

        Raises:
            PatternError: it is not.

        """
        if not 0 < len(self.posts) <= MOST_POSTS or not timedelta(0) < self.until - self.since <= LONGEST_TIME:
            raise PatternError(
                f"a scene has from 1 to {MOST_POSTS} posts, ends later than it begins, and lasts {LONGEST_TIME.days}"
                " days at most"
            )


@dataclass(frozen=True, slots=True)
class SceneReads:
    """The reads of a plate at a scene."""

    count: int
    first: datetime
    last: datetime
    latest: Mapping[str, Any]
    """Of the last one, by column: those of `_LATEST`."""


@dataclass(frozen=True, slots=True)
class CommonPlate:
    """A plate that was at several scenes."""

    plate: str
    """As in `plate_fold`."""
    spelled: str
    """As it was read most often."""
    scenes: Mapping[int, SceneReads]
    """By the scene's place in the list, from 0."""

    @property
    def latest(self) -> Mapping[str, Any]:
        """Return the last read of all."""
        return max(self.scenes.values(), key=lambda reads: reads.last).latest


@dataclass(frozen=True, slots=True)
class ConvoyMeeting:
    """A passage of a plate, and of another one close to it."""

    post: str
    at: datetime
    """When the plate itself passed."""
    other_at: datetime

    @property
    def seconds_after(self) -> int:
        """How long after the plate the other one passed; negative if before it."""
        return round((self.other_at - self.at).total_seconds())

    @property
    def seconds_before(self) -> int:
        """The same the other way."""
        return -self.seconds_after


@dataclass(frozen=True, slots=True)
class Companion:
    """A plate that passed close to another, at several posts."""

    plate: str
    spelled: str
    together: int
    """Passages of the other at which it was there."""
    posts: int
    """Different posts at which that was."""
    first: datetime
    last: datetime
    meetings: Sequence[ConvoyMeeting] = ()
    """The earliest first: the latest `MOST_MEETINGS` of those passages."""


@dataclass(frozen=True, slots=True)
class UsualPlaces:
    """Where and when a plate was read: how often by post, by hour of the day, by day of the week."""

    posts: Mapping[str, int]
    """The most frequent first."""
    hours: Mapping[int, int]
    weekdays: Mapping[int, int]
    """1 is Monday."""


def common_plates(
    entry: OpenEntry, scenes: Sequence[SearchScene], *, least: int | None = None, limit: int = PAGE
) -> list[CommonPlate]:
    """Return the plates that were at `least` of the scenes, those at most scenes first, then in order of the plate.

    Args:
        entry: under which they are fetched, and noted.
        scenes: from 2 to `MOST_SCENES`.
        least: how many of them; all if None.
        limit: plates at most.

    Raises:
        PatternError: there are fewer or more scenes.
        ClosedEntryError: the entry is not open.
        SearchTimeoutError: it took too long.

    """
    least = len(scenes) if least is None else least
    if not 2 <= least <= len(scenes) <= MOST_SCENES:
        raise PatternError(f"enter 2 to {MOST_SCENES} scenes; a plate must be in at least two")
    parts: list[str] = []
    values: list[Any] = []
    columns = ", ".join(f"'{name}', {name}" for name in _LATEST)
    filters = [ReadFilter(posts=scene.posts, since=scene.since, until=scene.until) for scene in scenes]
    for number, scene in enumerate(filters):
        selected, more = selected_reads(scene)
        parts.append(
            "SELECT plate_fold, mode() WITHIN GROUP (ORDER BY plate_read) AS spelled, %s::int AS scene,"  # noqa: S608
            " count(*) AS n, min(captured_at) AS first, max(captured_at) AS last,"
            f" (array_agg(jsonb_build_object({columns}) ORDER BY captured_at DESC, record_id DESC))[1] AS latest"
            f" FROM {selected} AND {_COMPARED} GROUP BY plate_fold"
        )
        values += [number, *more]
    statement = (
        "SELECT plate_fold, min(spelled), array_agg(scene), array_agg(n), array_agg(first), array_agg(last),"  # noqa: S608
        f" jsonb_agg(latest)::text FROM ({' UNION ALL '.join(parts)}) AS at_scene"
        " GROUP BY plate_fold HAVING count(*) >= %s ORDER BY count(*) DESC, plate_fold LIMIT %s"
    )
    plates: list[CommonPlate] = []
    with in_time():
        at = f"[{', '.join(map(json_asked, filters))}]"
        cover(entry, "search_cover_scenes(%s, %s, %s, %s)", [at, least, limit])
        with under(entry) as cursor:
            cursor.execute(statement, [*values, least, limit])
            for plate, spelled, numbers, *columns_of_scenes, latest in cursor:
                reads = map(SceneReads, *columns_of_scenes, json.loads(latest))
                by_scene = dict(zip(numbers, reads, strict=True))
                plates.append(CommonPlate(plate, spelled, {number: by_scene[number] for number in sorted(by_scene)}))
    records = [reads.latest["record_id"] for plate in plates for reads in plate.scenes.values()]
    entry.fetched(plates=[plate.plate for plate in plates], records=records)
    return plates


def companions(
    entry: OpenEntry, read_filter: ReadFilter, *, gap: timedelta = timedelta(minutes=1), least: int = 2
) -> list[Companion]:
    """Return the plates that passed within `gap` of a plate, at `least` different posts; the most frequent first.

    Args:
        entry: under which they are fetched, and noted.
        read_filter: which reads of the plate count, of them the latest `MOST_PASSAGES`.
        gap: at most `LONGEST_GAP`.
        least: posts.

    Raises:
        PatternError: the gap is too long.
        ClosedEntryError: the entry is not open.
        SearchTimeoutError: it took too long.

    """
    if not timedelta(0) < gap <= LONGEST_GAP:
        raise PatternError(f"vehicles of a convoy are at most {LONGEST_GAP.seconds // 60} minutes apart")
    selected, values = selected_reads(read_filter)
    statement = (
        "WITH passage AS MATERIALIZED ("  # noqa: S608 - our own names
        f"  SELECT post, captured_at FROM {selected} AND {_COMPARED} ORDER BY captured_at DESC LIMIT %s)"
        " SELECT other.plate_fold, mode() WITHIN GROUP (ORDER BY other.plate_read),"
        " count(DISTINCT passage), count(DISTINCT passage.post), min(other.captured_at), max(other.captured_at),"
        " (array_agg(passage.post ORDER BY other.captured_at DESC))[:%s],"
        " (array_agg(passage.captured_at ORDER BY other.captured_at DESC))[:%s],"
        " (array_agg(other.captured_at ORDER BY other.captured_at DESC))[:%s]"
        f" FROM passage CROSS JOIN LATERAL ({READS_NEAR}) AS other"
        " WHERE other.plate_fold <> ALL (%s) GROUP BY other.plate_fold HAVING count(DISTINCT passage.post) >= %s"
        " ORDER BY count(DISTINCT passage) DESC, other.plate_fold LIMIT %s"
    )
    most = [MOST_MEETINGS] * 3
    more: list[Any] = [MOST_PASSAGES, *most, gap, gap, gap, gap + FURTHEST, list(read_filter.plates), least, PAGE]
    near = [json_asked(read_filter), MOST_PASSAGES, gap, least, PAGE]
    with in_time():
        cover(entry, "search_cover_companions(%s, %s, %s, %s, %s, %s)", near)
        with under(entry) as cursor:
            cursor.execute(statement, [*values, *more])
            others = []
            for *about, posts, times, other_times in cursor:
                latest_first = map(ConvoyMeeting, posts, times, other_times)
                others.append(Companion(*about, meetings=tuple(latest_first)[::-1]))  # type: ignore[misc]
    entry.fetched(plates=[*read_filter.plates, *(plate.plate for plate in others)])
    return others


def usual_places(entry: OpenEntry, read_filter: ReadFilter) -> UsualPlaces:
    """Return where and when a plate was read; only for a case, for that is where a person lives and works.

    Args:
        entry: under which it is fetched, with a case number.
        read_filter: which reads count: give plates, and the zone of hours and days.

    Raises:
        CaseRequiredError: the entry has no case number.
        ClosedEntryError: the entry is not open.
        SearchTimeoutError: it took too long.

    """
    selected, values = selected_reads(read_filter)
    local = "captured_at AT TIME ZONE %s"
    statement = (
        "SELECT post, hour, day, count(*) FROM ("  # noqa: S608 - our own names
        f" SELECT post, extract(hour FROM {local})::int AS hour, extract(isodow FROM {local})::int AS day"
        f" FROM {selected} AND {_COMPARED}) AS passed"
        " GROUP BY GROUPING SETS ((post), (hour), (day)) ORDER BY count(*) DESC, post, hour, day"
    )
    with in_time():
        with under(entry) as cursor:
            cursor.execute("SELECT search_case_given()")
            if cursor.fetchone() != (True,):
                raise CaseRequiredError("the usual places of a plate are shown for a case only: give its number")
        cover(entry, "custody_cover_named(%s, %s, %s)", [[*read_filter.plates], entry.noted_for])
        with under(entry) as cursor:
            cursor.execute(statement, [read_filter.zone, read_filter.zone, *values])
            rows = cursor.fetchall()
    entry.fetched(plates=read_filter.plates)
    return UsualPlaces(
        {post: count for post, _, _, count in rows if post is not None},
        dict(sorted((hour, count) for _, hour, _, count in rows if hour is not None)),
        dict(sorted((day, count) for _, _, day, count in rows if day is not None)),
    )
