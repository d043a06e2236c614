"""What a page of results shows: plates, each with its latest read, in the order of these or of how well they match."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.core.cache import cache

from platepost.department.custody.projections import READ
from platepost.department.custody.read_fields import READ_FIELDS
from platepost.department.custody.reading import (
    PlateSummary,
    ShownRow,
    cover,
    covered_reads,
    json_asked,
    selected_reads,
    under,
)
from platepost.department.database.queries import prepared, rows
from platepost.department.ledger.entries import OpenEntry
from platepost.department.search.patterns import HIDDEN, MatchReason
from platepost.department.search.plates import (
    MOST_PLATES,
    Cursor,
    PlateQuery,
    any_of,
    candidates,
    find_plates,
    in_time,
    too_many,
)

RESULTS = 100
"""Plates of a page."""
_LATEST = ("record_id", "post", "captured_at", "plate_read", "confidence", "site", "covert_group", *READ_FIELDS)
"""What is shown of a plate's latest read."""
_COLUMNS = ("plate_fold", *_LATEST)


class ResultOrder(StrEnum):
    """How results are sorted."""

    LATEST = "latest"
    """The plate that was read last comes first."""
    MATCH = "match"
    """The likeliest comes first; the same in order of the plate."""


class ResultBehind(NamedTuple):
    """The last result of the page before."""

    plate: str
    captured_at: datetime
    record: int


@dataclass(frozen=True, slots=True)
class PlateResult:
    """A plate that matches."""

    seen: PlateSummary
    latest: ShownRow
    """Its latest read, by column: those of `_LATEST`."""
    why: tuple[MatchReason, ...]
    """Of each character of `seen.plate`, why it matches; empty without a pattern."""


@dataclass(frozen=True, slots=True)
class ResultPage:
    """A page of results."""

    results: Sequence[PlateResult]
    total: int | None
    """How many plates match; None where only that there are more is known."""
    more: bool


@dataclass(frozen=True, slots=True)
class KeptReads:
    """What may be known of all reads that are kept, without a plate."""

    oldest: datetime | None
    counted: int
    """Recent reads of which these are counted."""
    known: Mapping[str, int]
    """By searchable field, how many of them tell it."""

    @property
    def known_percent(self) -> list[tuple[str, int]]:
        """By label of a searchable field, of how many in a hundred recent reads it is known; none without reads."""
        if not self.counted:
            return []
        return [
            (str(field.label), 100 * self.known.get(name, 0) // self.counted) for name, field in READ_FIELDS.items()
        ]


def kept_reads() -> KeptReads:
    """Return what may be known of all reads that are kept, as of some minutes ago at most."""
    known = cache.get_or_set("search_kept_reads", _kept_reads, settings.SEARCH_KEPT_SECONDS)
    return cast("KeptReads", known)


def _kept_reads() -> KeptReads:
    ((oldest, counted, known),) = rows(
        "SELECT oldest, counted, known::text FROM search_kept_reads(%s)", [[*READ_FIELDS]]
    )
    return KeptReads(oldest, counted, json.loads(known or "{}"))


def find_results(
    entry: OpenEntry,
    query: PlateQuery,
    *,
    order: ResultOrder = ResultOrder.LATEST,
    after: ResultBehind | None = None,
    limit: int = RESULTS,
) -> ResultPage:
    """Return a page of the plates that match.

    Args:
        entry: under which they are fetched; the plates of the page and their latest reads are noted there.
        query: what is asked.
        order: how they are sorted.
        after: the last result of the page before.
        limit: plates at most.

    Raises:
        ClosedEntryError: the entry is not open.
        TooManyPlatesError: more than `MOST_PLATES` match.
        SearchTimeoutError: it took too long, or was canceled.

    """
    with in_time():
        page = (
            _by_match(entry, query, after, limit) if order is ResultOrder.MATCH else _latest(entry, query, after, limit)
        )
    for result in page.results:
        entry.fetched(plates=[result.seen.plate], records=[result.latest["record_id"]], group=result.seen.group)
    return page


def _by_match(entry: OpenEntry, query: PlateQuery, after: ResultBehind | None, limit: int) -> ResultPage:
    fit = query.pattern.fit(after.plate) if after is not None and query.pattern is not None else None
    cursor = Cursor(fit.score if fit is not None else 0.0, after.plate) if after is not None else None
    page = find_plates(entry, query, after=cursor, limit=limit)
    plates = [match.seen.plate for match in page.plates]
    by_plate = {
        result.seen.plate: result for result in _with_latest(entry, query, selected_reads(query.read_filter(plates)))
    }
    results = [by_plate[plate] for plate in plates if plate in by_plate]
    return ResultPage(results, len(results) if page.next is None and after is None else None, page.next is not None)


def _latest(entry: OpenEntry, query: PlateQuery, after: ResultBehind | None, limit: int) -> ResultPage:
    pattern = query.pattern
    behind = [after.captured_at, after.record] if after is not None else [None, None]
    if pattern is not None and pattern.searchable and pattern.plates is not None:
        # Few of what is spelled out exist: all of them are opened.
        parameters = [",".join(pattern.plates), any_of(pattern.hiding_ngrams), pattern.hiding_regex, MOST_PLATES + 1]
        call = "search_cover_spelled(%s, %s, %s::text[], %s, %s, %s)"
        (number,) = cover(entry, call, [*parameters, entry.noted_for])[:1]
        if number > MOST_PLATES:
            raise too_many()
        all_results = _sorted(_with_latest(entry, query, covered_reads(query.read_filter(), _COLUMNS)))
        rest = [result for result in all_results if after is None or _place(result) < (after.captured_at, after.record)]
        return ResultPage(rest[:limit], len(all_results), len(rest) > limit)
    filters = [query.read_filter()]
    known = candidates(entry, pattern) if pattern is not None and pattern.searchable else None
    if known is None and not query.has_place_and_time:
        raise too_many()
    left_out: list[str] = []
    if known is not None and pattern is not None:
        left_out = [plate for plate in known if HIDDEN in plate and pattern.fit(plate) is None]
    else:
        beginnings = tuple(filter(None, pattern.beginnings)) if pattern is not None else ()
        filters = [replace(query.read_filter(), beginnings=beginnings, matching=query.matching)]
    call = "total, more FROM search_cover_latest(%s, %s, %s, %s, %s, %s, %s, %s)"
    selection = f"[{', '.join(map(json_asked, filters))}]"
    total, more = cover(entry, call, [selection, known is not None, left_out, *behind, limit, entry.noted_for])
    if total > MOST_PLATES:
        raise too_many()
    if known is not None:
        results = _with_latest(entry, query, covered_reads(filters[0], _COLUMNS))
    else:
        selected = [selected_reads(read_filter) for read_filter in filters]
        results = [result for one in selected for result in _with_latest(entry, query, one)]
    return ResultPage(_sorted(results), total, more)


def _place(result: PlateResult) -> tuple[datetime, int]:
    return result.latest["captured_at"], result.latest["record_id"]


def _sorted(results: Sequence[PlateResult]) -> list[PlateResult]:
    return sorted(results, key=_place, reverse=True)


def _with_latest(entry: OpenEntry, query: PlateQuery, selected: tuple[str, Sequence[Any]]) -> list[PlateResult]:
    """Return the plates of some reads, of those that the entry opens, each with its latest read."""
    source, values = selected
    columns = ", ".join(f"'{name}', {name}" for name in _LATEST)
    statement = (
        "SELECT plate_fold, mode() WITHIN GROUP (ORDER BY plate_read), count(*), min(captured_at), max(captured_at),"  # noqa: S608
        " CASE WHEN bool_and(covert_group IS NOT NULL) THEN min(covert_group) END,"
        f" (array_agg(jsonb_build_object({columns}) ORDER BY captured_at DESC, record_id DESC))[1]::text"
        f" FROM {source} GROUP BY plate_fold LIMIT %s"
    )
    with under(entry):
        answer = prepared(statement, [*values, MOST_PLATES + 1])
    results = []
    for *summary, latest in answer:
        seen = PlateSummary(*summary)
        fit = query.pattern.fit(seen.plate) if query.pattern is not None else None
        if query.pattern is not None and fit is None:  # it hides too much
            continue
        row = json.loads(latest)
        row["captured_at"] = datetime.fromisoformat(row["captured_at"])
        results.append(PlateResult(seen, row, fit.why if fit is not None else ()))
    return results


assert {*_LATEST} <= {*READ.all_columns}  # noqa: S101 - a column that no read has
