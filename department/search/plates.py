"""Finds plates: by a pattern, by place and time, or by all of them. Plates first; their reads when someone asks.

With a pattern that says enough, the dictionary of plates has the candidates, and the reads only of those are looked up.
Otherwise a place and a time are needed, and the reads there are filtered. A page is a search of its own, under a ledger
entry of its own; it goes on behind the last plate of the page before, so that nothing comes twice, whatever was read
meanwhile.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from django.db import OperationalError

from platepost.department.custody.reading import PlateSummary, ReadFilter, cover_and_fetch, seen, seen_in_order
from platepost.department.ledger.entries import OpenEntry
from platepost.department.search.errors import PatternError, SearchTimeoutError, TooManyPlatesError
from platepost.department.search.patterns import HIDDEN, MatchReason, MatchScore, PlatePattern

PAGE = 25
"""Plates of a page, if nothing else is asked."""
MOST_PLATES = 5000
"""Plates that are ranked; if more fit, the search is refused. The database's functions have the same number."""
MOST_POSTS = 200
"""Posts of a place."""
LONGEST_TIME = timedelta(days=31)
"""Longest time that, with a place, may stand in for a pattern."""
_FEW_READS = 4
"""How many times a page's plates are looked up at once, where not all of them have reads in question."""
_MOST_AT_ONCE = 1000
_SURE = MatchScore(0.0, ())
Weeks: TypeAlias = Sequence[int]
"""Weeks whose partitions have reads of a plate, as `search_week` of the database counts."""


@dataclass(frozen=True, slots=True)
class PlateQuery(ReadFilter):
    """What is asked: a pattern, and what else narrows it."""

    pattern: PlatePattern | None = None
    areas: Collection[str] = ()
    """Names of the areas whose posts are among `posts`: for the ledger."""

    def __post_init__(self) -> None:
        """Have the reads match the pattern, and let them hide all but one known character where a place tells them.

        Make sure that it asks enough.

        Raises:
            PatternError: it does not.

        """
        if self.pattern is not None and self.has_place_and_time:
            object.__setattr__(self, "pattern", replace(self.pattern, agreeing=1))
        if self.pattern is not None and not (self.plates or self.weeks or self.spellings):
            object.__setattr__(self, "matching", self.pattern.hiding_regex)
        if len(self.posts) > MOST_POSTS:
            raise PatternError(f"a place has no more than {MOST_POSTS} posts")
        if self.has_place_and_time or (self.pattern is not None and self.pattern.searchable):
            return
        if self.posts and self.since is not None and self.until is not None:
            raise PatternError(
                f"a time without a pattern is no longer than {LONGEST_TIME.days} days, and ends later than it begins"
            )
        raise PatternError(
            "give three known characters, at least one of them at the start, at the end or next to another; "
            "or a place and a time"
        )

    @property
    def has_place_and_time(self) -> bool:
        """Whether it has a place and a time by which reads may be looked for."""
        if not self.posts or self.since is None or self.until is None:
            return False
        return timedelta(0) < self.until - self.since <= LONGEST_TIME

    def asked(self, text: str = "") -> Mapping[str, Any]:
        """Return what is asked as the ledger has it: JSON values.

        Args:
            text: the pattern as it was given.

        """
        parameters: dict[str, Any] = {
            "plate": text,
            "look_alikes": self.pattern.budget if self.pattern is not None else 0,
            "one_wrong": self.pattern is not None and self.pattern.slip,
            "posts": list(self.posts),
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "hours": sorted(self.hours),
            "weekdays": sorted(self.weekdays),
            "areas": sorted(self.areas),
            **{name: sorted(values) for name, values in self.fields.items()},
        }
        return {name: value for name, value in parameters.items() if value}

    def read_filter(
        self,
        plates: Sequence[str] = (),
        *,
        weeks: Mapping[str, Weeks] | None = None,
        spellings: Sequence[str] = (),
        hiding: tuple[Sequence[str], str] = ((), ""),
        before: tuple[datetime, int] | None = None,
    ) -> "PlateQuery":
        """Return which reads are in question: give it to `custody.reading.reads` for those of a plate.

        Args:
            plates: as in `PlateMatch.plate`; all that fit if empty.
            weeks: instead of `plates`, these with the weeks that have reads of them.
            spellings: instead of `plates`, those of these that the dictionary has.
            hiding: beside `spellings`, plates that hide a character: see `ReadFilter`.
            before: `captured_at` and `record_id` of the last read of the page before.

        """
        return replace(
            self,
            plates=plates,
            weeks=weeks or {},
            spellings=spellings,
            hiding=hiding,
            beginnings=(),
            matching=None,
            before=before,
        )


class Cursor(NamedTuple):
    """Where a page ended. It has a plate: it belongs in no URL and in no log."""

    score: float
    plate: str


@dataclass(frozen=True, slots=True)
class PlateMatch:
    """A plate that fits, with what its reads in question say."""

    seen: PlateSummary
    why: tuple[MatchReason, ...]
    """Of each character of `seen.plate`, why it fits; empty without a pattern."""
    score: float
    """As in `patterns.MatchScore`; the greater come first, the same in order of the plate."""


@dataclass(frozen=True, slots=True)
class PlatePage:
    """One page of plates."""

    plates: tuple[PlateMatch, ...]
    next: Cursor | None
    """Where the next page begins; None if there is none."""


def find_plates(entry: OpenEntry, query: PlateQuery, *, after: Cursor | None = None, limit: int = PAGE) -> PlatePage:
    """Return a page of the plates that fit, the likeliest first.

    Args:
        entry: under which they are fetched; the plates of the page are noted there.
        query: what is asked.
        after: `next` of the page before.
        limit: plates at most.

    Raises:
        ClosedEntryError: the entry is not open.
        TooManyPlatesError: more than `MOST_PLATES` fit.
        SearchTimeoutError: it took too long, or was canceled.

    """
    with in_time():
        known, more = _known(entry, query, after.plate if after is not None else "", limit)
        ranked = [
            place for place in _ranked(known, query.pattern) if after is None or place > (-after.score, after.plate)
        ]
        # Where reads are still to be looked up, no plate more than the page has is opened, if it can be told without.
        is_known = not query.narrows and not all(isinstance(row, PlateSummary) for row in known.values())
        ranked_plates = list(islice(_with_reads(entry, query, ranked, known, limit), limit if is_known else limit + 1))
    more = (
        more
        or len(ranked_plates) > limit
        or (is_known and len(ranked_plates) == limit and ranked_plates[-1].seen.plate != ranked[-1][1])
    )
    page = tuple(ranked_plates[:limit])
    for plate in page:
        entry.fetched(plates=[plate.seen.plate], group=plate.seen.group)
    last = Cursor(page[-1].score, page[-1].seen.plate) if more else None
    return PlatePage(page, last)


def _known(
    entry: OpenEntry, query: PlateQuery, behind: str, limit: int
) -> tuple[Mapping[str, PlateSummary | Weeks], bool]:
    """Return the plates that fit, with their reads, or in which weeks these are; whether more come behind these."""
    pattern = query.pattern
    spellings = pattern.plates if pattern is not None and pattern.searchable else None
    if pattern is not None and pattern.searchable and spellings is None:
        plates = candidates(entry, pattern)
        if plates is not None:
            return plates, False
        if not query.has_place_and_time:
            raise TooManyPlatesError(
                f"more than {MOST_PLATES} plates fit: give another character, or a place and a time"
            )
    if pattern is not None and spellings is not None:
        # Of what is spelled out few exist: their reads are found in the same step.
        filters = [query.read_filter(spellings=spellings, hiding=(any_of(pattern.hiding_ngrams), pattern.hiding_regex))]
        summaries = seen(entry, filters[0], limit=MOST_PLATES + 1)
        if len(summaries) > MOST_PLATES:
            raise too_many()
        return {plate.plate: plate for plate in summaries}, False
    # Of what a read hides, the index of places can compare what stands before.
    beginnings = tuple(filter(None, pattern.beginnings)) if pattern is not None else ()
    # Without a pattern the plates come in their own order: a page of them is enough.
    behind, page = (behind, limit) if pattern is None else ("", MOST_PLATES)
    read_filter = replace(query.read_filter(), beginnings=beginnings)
    ordered = seen_in_order(entry, read_filter, behind=behind, page=page, limit=MOST_PLATES + 1)
    if ordered.too_many or len(ordered.plates) > MOST_PLATES:
        raise too_many()
    return {plate.plate: plate for plate in ordered.plates}, ordered.more


def too_many() -> TooManyPlatesError:
    """Return the error of a search that fits too many plates."""
    return TooManyPlatesError(f"more than {MOST_PLATES} plates fit: give another character, fewer posts or less time")


def candidates(entry: OpenEntry, pattern: PlatePattern) -> dict[str, Weeks] | None:
    """Return the plates of the dictionary that fit, and when there are reads; None if more fit than are ranked.

    They are covered, to be compared. Some that hide characters may hide too many.
    """
    calls: list[tuple[str, list[Any]]] = []
    for variant in pattern.variants:
        all_of = [group[0] for group in variant.grams if len(group) == 1]
        one_of = any_of(group for group in variant.grams if len(group) > 1)
        spelled = variant.plates and list(variant.plates)
        parameters: list[list[Any]] = [[spelled, all_of, one_of, variant.regex]]
        if hiding := any_of(variant.hiding_ngrams):
            parameters.append([[], [], hiding, variant.hiding_regex])
        calls += [
            ("search_cover_candidates(%s, %s::text[], %s::integer[], %s::text[], %s, %s)", [*values, entry.noted_for])
            for values in parameters
        ]
    counts, known = cover_and_fetch(entry, calls, ("SELECT * FROM search_known(true) LIMIT %s", [MOST_PLATES + 1]))
    if len(known) > MOST_PLATES or any(count > MOST_PLATES for (count,) in counts):
        return None
    return dict(known)


def any_of(groups: Iterable[Sequence[int]]) -> list[str]:
    """Return groups of grams as `search_candidates` of the database takes them."""
    return ["{" + ",".join(map(str, group)) + "}" for group in groups]


def _ranked(plates: Collection[str], pattern: PlatePattern | None) -> list[tuple[float, str]]:
    """Return the negative score of each plate, and the plate; in order."""
    if pattern is None:
        return [(0.0, plate) for plate in sorted(plates)]
    doubted = pattern.budget or pattern.slip
    fits = {plate: pattern.fit(plate) if doubted or HIDDEN in plate else _SURE for plate in plates}
    return sorted((-round(fit.score, 6), plate) for plate, fit in fits.items() if fit is not None)


def _with_reads(
    entry: OpenEntry,
    query: PlateQuery,
    ranked: Sequence[tuple[float, str]],
    known: Mapping[str, PlateSummary | Weeks],
    limit: int,
) -> Iterator[PlateMatch]:
    """Yield those plates that have reads in question."""
    at, size = 0, (limit + 1) * _FEW_READS if query.narrows else limit
    while at < len(ranked):
        places = ranked[at : at + size]
        rows = {plate: row for _, plate in places if isinstance(row := known[plate], PlateSummary)}
        missing = {plate: weeks for _, plate in places if not isinstance(weeks := known[plate], PlateSummary)}
        if missing:
            rows |= {row.plate: row for row in seen(entry, query.read_filter(weeks=missing), limit=len(missing))}
        for score, plate in places:
            if plate in rows:
                fit = query.pattern.fit(plate) if query.pattern is not None else None
                yield PlateMatch(rows[plate], fit.why if fit is not None else (), -score)
        at, size = at + size, min(2 * size, _MOST_AT_ONCE)


@contextmanager
def in_time() -> Iterator[None]:
    """Say it plainly where the database gives a statement up.

    Raises:
        SearchTimeoutError: it did.

    """
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != "57014":  # query_canceled
            raise
        raise SearchTimeoutError("it took too long, or was canceled: give more characters, or less time") from None
