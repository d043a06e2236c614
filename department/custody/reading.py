"""The only way to records for anyone who shows them to people.

Each function takes an open entry of the ledger, and what it fetches is noted there. The database checks it again: row
security shows what an open entry covers, and nothing of a covert group that the entry does not name. So each function
has the database look for what it is about to fetch first, and cover it (`cover`); that is committed, and stands in
`shown`, before a row leaves.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.db.backends.utils import CursorWrapper

from platepost.department.custody.holding import ChainName
from platepost.department.custody.pictures import PICTURES, pictures_of, with_bodies
from platepost.department.custody.projections import HIT, READ, Projection
from platepost.department.custody.read_fields import READ_FIELDS
from platepost.department.custody.record import FURTHEST, PictureBytes, RecordRow
from platepost.department.database.queries import BEGIN, COMMIT, Statement, in_one_trip, prepared
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.errors import ClosedEntryError

MOST_ROWS = 1000
"""Rows that one call returns."""
TIMEOUT_SECONDS = 10
"""After which the database gives a statement up."""
READS_NEAR = (
    "SELECT plate_fold, plate_read, captured_at FROM custody_read WHERE class <> 'doubtful' AND covert_group IS NULL"
    " AND post = passage.post AND captured_at BETWEEN passage.captured_at - %s AND passage.captured_at + %s"
    " AND retained_from BETWEEN passage.captured_at - %s AND passage.captured_at + %s"
)
"""SQL of the reads near a row `passage` with `post` and `captured_at`, for use within `under`. Its values: how long
before and after, and how long before and after that they may have been kept."""
_SUMMARIZED = ("plate_fold", "plate_read", "captured_at", "covert_group")
_BY_NAME = ("custody_cover_records", "custody_cover_named", "search_cover_spelled")
_COVERING = (
    "SELECT set_config('statement_timeout', %s, true), set_config('synchronous_commit', 'off', true),"
    " set_config('client_connection_check_interval', '1s', true)"
)
_OPENING = (
    "SELECT set_config('platepost.entry', %s, true), set_config('statement_timeout', %s, true),"
    # A few rows by an index, of millions; and nothing goes on for a client that has gone.
    " set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true), set_config('enable_material', 'off', true),"
    " set_config('jit', 'off', true),"
    " set_config('plan_cache_mode', 'force_generic_plan', true),"
    # In the order in which they stand; in another one, nothing would be open.
    " set_config('client_connection_check_interval', '1s', true), ledger_open()"
)
_reading: ContextVar[UUID | None] = ContextVar("_reading", default=None)
"""The entry in whose transaction this thread is."""
ShownRow: TypeAlias = Mapping[str, Any]
"""A row of a projection, by column; `platepost.department.custody.projections` names these."""
WholeRecord: TypeAlias = tuple[RecordRow, tuple[PictureBytes, ...]]
"""A record with all that custody has of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFilter:
    """Which reads or hits are wanted: all conditions that are given hold."""

    plates: Sequence[str] = ()
    """Any of these whole plates with O as 0 and I as 1, as in `plate_fold`; every plate if empty."""
    records: Sequence[int] = ()
    """Any of these, by `record_id`; give the plate, too."""
    beginnings: Sequence[str] = ()
    """What `plate_fold` begins with, any of these; none of them begins with another."""
    matching: str | None = None
    """A regular expression that `plate_fold` matches."""
    posts: Sequence[str] = ()
    """Any of these; every post if empty."""
    since: datetime | None = None
    """Captured at this time or later."""
    until: datetime | None = None
    """Captured before this time."""
    kept_since: datetime | None = None
    """Retained from this time or later: from the capture or the custody, whichever is later; of doubtful ones, from the
    custody."""
    kept_until: datetime | None = None
    """Retained from before this time."""
    hours: Collection[int] = ()
    """Captured in any of these hours of the day, 0 to 23, in `zone`."""
    weekdays: Collection[int] = ()
    """Captured on any of these days of the week, 1 (Monday) to 7, in `zone`."""
    zone: str = "UTC"
    """Time zone of `hours` and `weekdays`, by its IANA name."""
    fields: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Of reads: by the name of a field in `READ_FIELDS`, any of these values; every value if empty."""
    weeks: Mapping[str, Collection[int]] = field(default_factory=dict)
    """For `seen`, instead of `plates`: these, each with the weeks of its reads, as `search_week` counts."""
    spellings: Sequence[str] = ()
    """For `seen`, instead of `plates`: those of these that search's dictionary has, in the weeks that it says."""
    hiding: tuple[Sequence[str], str] = ((), "")
    """Beside `spellings`: plates of the dictionary with a hidden character that have a gram at least of each group, an
    array of numbers as text, and match a regular expression; none without a group."""
    before: tuple[datetime, int] | None = None
    """What comes behind this `captured_at` and `record_id`: those of the last row that was shown."""

    @property
    def narrows(self) -> bool:
        """Whether a plate that is known may have no read in question."""
        when = (self.since, self.until, self.hours, self.weekdays)
        return any((self.posts, *when, *self.fields.values()))


@dataclass(frozen=True, slots=True)
class PlateSummary:
    """What reads say of one plate."""

    plate: str
    """As in `plate_fold`."""
    spelled: str
    """As it was read most often."""
    count: int
    first_seen: datetime
    last_seen: datetime
    group: str | None = None
    """The covert group, where no read of it is open; give it to `entry.fetched`."""

    def and_more(self, more: "PlateSummary") -> "PlateSummary":
        """Return what these and more reads or hits of the plate say."""
        return replace(
            self,
            count=self.count + more.count,
            first_seen=min(self.first_seen, more.first_seen),
            last_seen=max(self.last_seen, more.last_seen),
            group=self.group and more.group,
        )


def reads(entry: OpenEntry, read_filter: ReadFilter, *, limit: int = MOST_ROWS) -> list[ShownRow]:
    """Return reads, the latest first.

    Args:
        entry: under which they are fetched.
        read_filter: which ones.
        limit: rows at most; no more than `MOST_ROWS`.

    Raises:
        ClosedEntryError: the entry is not open.
        django.db.OperationalError: it takes too long.

    """
    return _rows(entry, READ, read_filter, limit)[0]


def page_of_reads(entry: OpenEntry, read_filter: ReadFilter, *, limit: int) -> tuple[list[ShownRow], bool]:
    """Return reads as `reads` does, and whether there are more; the extra read that tells is not noted."""
    return _rows(entry, READ, read_filter, limit)


def hits(entry: OpenEntry, read_filter: ReadFilter, *, limit: int = MOST_ROWS) -> list[ShownRow]:
    """Return hits, the latest first; arguments and errors are those of `reads`."""
    return _rows(entry, HIT, read_filter, limit)[0]


def seen(entry: OpenEntry, read_filter: ReadFilter, *, limit: int) -> list[PlateSummary]:
    """Return the plates that reads have, in order of `plate`; note those that you show by `entry.fetched`.

    The filter has spellings or weeks; for others there is `seen_in_order`. Errors are those of `reads`.
    """
    if read_filter.spellings:  # as one text: so they are sent and read the fastest
        groups, matching = read_filter.hiding
        parameters: list[Any] = [",".join(read_filter.spellings), [*groups], matching, limit]
        call = ("search_cover_spelled(%s, %s, %s::text[], %s, %s, %s)", [*parameters, entry.noted_for])
    elif read_filter.narrows:
        named = json_asked(replace(read_filter, plates=[*read_filter.weeks]))
        call = ("custody_cover_plates(%s, %s, '', %s, %s)", [named, limit, entry.noted_for])
    else:
        call = ("custody_cover_named(%s, %s, %s)", [[*read_filter.weeks], entry.noted_for])
    selected, values = _of_known(read_filter, _SUMMARIZED)
    _, rows = cover_and_fetch(entry, [call], (_counted(selected), [*values, limit]))
    return [PlateSummary(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class OrderedPlates:
    """A page of plates in their order."""

    plates: list[PlateSummary]
    too_many: bool
    """Whether more than 5,000 come behind the page before: then there are none here."""
    more: bool
    """Whether some come behind these."""


def seen_in_order(entry: OpenEntry, read_filter: ReadFilter, *, behind: str, page: int, limit: int) -> OrderedPlates:
    """Return a page of the plates that reads have, in their order; note those that you show by `entry.fetched`.

    Args:
        entry: under which they are fetched.
        read_filter: of which reads.
        behind: the last plate of the page before.
        page: plates at most that are covered.
        limit: plates at most, with those that the entry covered before.

    Errors are those of `reads`.
    """
    selected, values = selected_reads(read_filter)
    parameters = [json_asked(read_filter), behind, page, entry.noted_for]
    call = ("too_many, more FROM custody_cover_plates(%s, %s, %s, %s, %s)", parameters)
    ((too_many, more),), rows = cover_and_fetch(entry, [call], (_counted(selected), [*values, limit]))
    return OrderedPlates([PlateSummary(*row) for row in rows], bool(too_many), bool(more))


def cover(entry: OpenEntry, call: str, values: Sequence[Any]) -> tuple[Any, ...]:
    """Have the database cover what an entry is about to open: it can be fetched on return; return the row of the call.

    Raises:
        ClosedEntryError: the entry is not open, or opens nothing like this.

    """
    with _as_closed():
        *_, row, _ = in_one_trip(_covering(entry, [(call, values)]))
    return row[0]


def cover_and_fetch(
    entry: OpenEntry, calls: Sequence[Statement], fetch: Statement
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Have the database cover what an entry is about to open, and then fetch what it opens, in one round trip.

    Args:
        entry: under which rows are fetched.
        calls: functions that cover, each with its values but the first, which is the entry.
        fetch: what is asked within `under`, and its values. It is not asked unless what is covered was committed.

    Returns:
        The row of each call, and the rows that were fetched.

    Raises:
        ClosedEntryError: the entry is not open, or opens nothing like this.
        django.db.OperationalError: it takes too long.

    """
    opening = (_OPENING, [str(entry.entry), f"{TIMEOUT_SECONDS}s"])
    with _as_closed():
        *covered, (opened,), fetched = in_one_trip([*_covering(entry, calls), opening, fetch])
    if opened[-1] is not True:
        raise ClosedEntryError("the entry is closed, or too old")
    return [row for (row,) in covered[-len(calls) - 1 : -1]], fetched


def _covering(entry: OpenEntry, calls: Sequence[Statement]) -> list[Statement]:
    """Return the transaction that covers. What is named is found by an index, and has no limit of time."""
    statements: list[Statement] = [
        (f"SELECT {call}, set_config('synchronous_commit', 'off', true)", [entry.entry, *values])
        if call.startswith(_BY_NAME)
        else (f"SELECT {call}", [entry.entry, *values])
        for call, values in calls
    ]
    limits = [] if all(call.startswith(_BY_NAME) for call, _ in calls) else [(_COVERING, [f"{TIMEOUT_SECONDS}s"])]
    return [BEGIN, *limits, *statements, COMMIT]


@contextmanager
def _as_closed() -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:
        if not isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege):
            raise
        raise ClosedEntryError(str(error.__cause__.diag.message_primary)) from error


def _cover_records(entry: OpenEntry, records: Sequence[int]) -> None:
    if not entry.opens_itself:
        cover(entry, "custody_cover_records(%s, %s, %s)", [list(records), entry.noted_for])


def withdrawals_of(entry: OpenEntry, hits: Sequence[str]) -> list[int]:
    """Return the records by which posts withdrew hits, of those that an entry covers. Raises ClosedEntryError."""
    query = "SELECT record_id FROM custody_withdrawal WHERE hit = ANY (%s) ORDER BY record_id"
    (rows,) = fetch(entry, [(query, [list(hits)])])
    return [record for (record,) in rows]


def _counted(selected: str) -> str:
    """Return the SQL of what rows say of each plate, by plate, as many as the last value says."""
    return (
        "SELECT plate_fold, mode() WITHIN GROUP (ORDER BY plate_read), count(*), min(captured_at),"  # noqa: S608
        " max(captured_at), CASE WHEN bool_and(covert_group IS NOT NULL) THEN min(covert_group) END"
        f" FROM {selected} GROUP BY plate_fold ORDER BY plate_fold LIMIT %s"
    )


def kept_plates(
    entry: OpenEntry, read_filter: ReadFilter, *, behind: str, limit: int
) -> tuple[list[PlateSummary], bool]:
    """Return the plates of reads and hits that come behind one, by `plate`, and whether there are more; note them.

    A page costs what its own reads cost, however many are kept. Errors are those of `reads`.

    Args:
        entry: under which they are fetched.
        read_filter: of which reads and hits.
        behind: the last plate of the page before.
        limit: plates of reads, and plates of hits, at most.

    """
    cover(entry, "custody_cover_kept(%s, %s, %s, %s)", [json_asked(read_filter), behind, limit])
    with under(entry) as cursor:
        # In the order of the indexes, so that it ends with the page.
        cursor.execute("SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)")
        pages = [_page_of_plates(projection.table, read_filter, behind, limit) for projection in (READ, HIT)]
    ends = [page[-1].plate for page in pages if len(page) == limit]
    plates: dict[str, PlateSummary] = {}
    for plate in (plate for page in pages for plate in page if not ends or plate.plate <= min(ends)):
        plates[plate.plate] = plates[plate.plate].and_more(plate) if plate.plate in plates else plate
    for plate in plates.values():
        entry.fetched(plates=[plate.plate], group=plate.group)
    return [plates[plate] for plate in sorted(plates)], bool(ends)


def _page_of_plates(table: str, read_filter: ReadFilter, behind: str, limit: int) -> list[PlateSummary]:
    selected, values = _selected(table, read_filter)
    statement = _counted(f"{selected} AND plate_fold > %s")
    return [PlateSummary(*row) for row in prepared(statement, [*values, behind, limit])]


def picture_kinds(entry: OpenEntry, record_id: int) -> list[str]:
    """Return the kinds of pictures that a record has, if the entry may see it; raises as `reads` does."""
    _cover_records(entry, [record_id])
    with under(entry) as cursor:
        cursor.execute("SELECT kind FROM custody_picture WHERE record_id = %s ORDER BY kind DESC", [record_id])
        return [kind for (kind,) in cursor]


def picture(entry: OpenEntry, record_id: int, kind: str) -> PictureBytes | None:
    """Return a picture of a record, `patch` or `overview`; None if there is none, or none that the entry may see.

    Raises:
        CustodyError: its bytes are not those that were kept, or not there; `PictureStoreError` if they cannot be had
            now.

    The other errors are those of `reads`.
    """
    _cover_records(entry, [record_id])
    with under(entry) as cursor:
        pictures = pictures_of(connection.connection, [record_id], settings.PICTURE_BUCKET).get(record_id, ())
        cursor.execute("SELECT covert_group FROM custody_picture WHERE record_id = %s LIMIT 1", [record_id])
        (group,) = cursor.fetchone() or (None,)
    chosen = next((picture for picture in pictures if picture.kind == kind), None)
    if chosen is not None:
        entry.fetched(pictures=[(record_id, kind)], group=group)
    return chosen


def thumbnails(entry: OpenEntry, records: Sequence[int], *, kind: str = "patch") -> dict[int, PictureBytes]:
    """Return a picture of each record that has one of a kind and that the entry may see; without any that is damaged.

    Errors are those of `reads`.
    """
    _cover_records(entry, records)
    with under(entry) as cursor:
        kept = pictures_of(connection.connection, records, settings.PICTURE_BUCKET, kind=kind, lacking={})
        cursor.execute(
            "SELECT DISTINCT record_id, covert_group FROM custody_picture WHERE record_id = ANY (%s)", [list(records)]
        )
        groups = dict(cursor.fetchall())
    for record in kept:
        entry.fetched(pictures=[(record, kind)], group=groups.get(record))
    return {record: pictures[0] for record, pictures in kept.items()}


def whole_records(
    entry: OpenEntry,
    *,
    records: Sequence[int] | None = None,
    after: int = 0,
    limit: int = MOST_ROWS,
    lacking: dict[int, str] | None = None,
    with_pictures: bool = True,
) -> list[WholeRecord]:
    """Return records with their pictures, by ascending ID: those with given IDs, as judged last, or those after one.

    Args:
        entry: under which they are fetched.
        records: their ids; those that follow `after`, `limit` of them at most, if None.
        after: an id.
        limit: records at most.
        lacking: takes by record why a picture that is kept cannot be shown; without it, that is an error.
        with_pictures: whether they are fetched, too.

    Raises:
        CustodyError: the bytes of a picture are damaged, missing, or not to be had now.

    The other errors are those of `reads`.
    """
    if records is None:
        cover(entry, "custody_cover_after(%s, %s, %s)", [after, limit])
        with under(entry):
            rows = prepared("SELECT * FROM custody_stored WHERE id > %s ORDER BY id LIMIT %s", [after, limit])
            records_read = [RecordRow(*row) for row in rows]
            of_pictures = prepared(PICTURES, [[stored.id for stored in records_read], None]) if with_pictures else []
    else:
        _cover_records(entry, records)
        judged = ("SELECT * FROM custody_judged WHERE id = ANY (%s) ORDER BY id", [list(records)])
        # A role that releases a plate may not even name the pictures.
        of_them = [(PICTURES, [list(records), None])] if with_pictures else []
        rows, *fetched = fetch(entry, [judged, *of_them])
        records_read = [RecordRow(*row) for row in rows]
        of_pictures = fetched[0] if fetched else []
    pictures = with_bodies(of_pictures, settings.PICTURE_BUCKET, lacking=lacking)
    whole = [(stored, pictures.get(stored.id, ())) for stored in records_read]
    for stored, seen_pictures in whole:
        kinds = [(stored.id, picture.kind) for picture in seen_pictures]
        entry.fetched(records=[stored.id], pictures=kinds, group=stored.covert_group)
    return whole


def judged_record(entry: OpenEntry, record_id: int) -> RecordRow | None:
    """Return a record as judged last, without its pictures; None if there is none that the entry may see.

    Errors are those of `reads`.
    """
    _cover_records(entry, [record_id])
    with under(entry):
        rows = prepared("SELECT * FROM custody_judged WHERE id = ANY (%s)", [[record_id]])
    stored = next((RecordRow(*row) for row in rows), None)
    if stored is not None:
        entry.fetched(records=[record_id], group=stored.covert_group)
    return stored


def records_for_package(entry: OpenEntry, records: Sequence[int]) -> dict[int, str]:
    """Return the last verdicts of records by their numbers, and note the records and their pictures as shown.

    So that a package of evidence may have them; without those that the entry may not see. Errors are those of `reads`.
    """
    _cover_records(entry, records)
    with under(entry) as cursor:
        cursor.execute("SELECT id, verdict, covert_group FROM custody_judged WHERE id = ANY (%s)", [list(records)])
        judged = cursor.fetchall()
        cursor.execute("SELECT record_id, kind FROM custody_picture WHERE record_id = ANY (%s)", [list(records)])
        pictures = cursor.fetchall()
    for record, _, group in judged:
        kinds = [(one, kind) for one, kind in pictures if one == record]
        entry.fetched(records=[record], pictures=kinds, group=group)
    return {record: verdict for record, verdict, _ in judged}


@dataclass(frozen=True, slots=True)
class HitPlate:
    """The plate of a hit."""

    read: str
    listed: str


def hit_plates(entry: OpenEntry, records: Sequence[int]) -> dict[int, HitPlate]:
    """Return the plates of hits by their records: of those that are kept and that the entry may see.

    Errors are those of `reads`.
    """
    _cover_records(entry, records)
    query = "SELECT record_id, covert_group, plate_read, plate_matched FROM custody_hit WHERE record_id = ANY (%s)"
    with under(entry):
        rows = prepared(query, [list(records)])
    for record, group, _, _ in rows:
        entry.fetched(records=[record], group=group)
    return {record: HitPlate(read, listed) for record, _, read, listed in rows}


@dataclass(frozen=True, slots=True)
class PastRead:
    """Where a plate was read before it was a hit."""

    record: int
    post: str
    captured_at: datetime
    direction: str | None
    lane: str | None


def reads_before(entry: OpenEntry, record: int, within: timedelta) -> list[PastRead]:
    """Return the reads of a hit's plate before it, the earliest first.

    Args:
        entry: one whose query has the hit as `trail`, for which the database opens the hour before.
        record: the hit's.
        within: how long before; an hour at most.

    Errors are those of `reads`.
    """
    query = (
        "SELECT past.record_id, past.post, past.captured_at, past.direction, past.lane, past.covert_group"
        " FROM custody_hit AS hit JOIN custody_read AS past ON past.plate_fold = hit.plate_fold"
        " AND past.captured_at >= hit.captured_at - %s AND past.captured_at < hit.captured_at"
        " AND past.retained_from >= hit.captured_at - %s"
        " WHERE hit.record_id = %s AND past.class <> 'doubtful' ORDER BY past.captured_at LIMIT 200"
    )
    with under(entry):
        rows = prepared(query, [within, within, record])
    for number, *_, group in rows:
        entry.fetched(records=[number], group=group)
    return [PastRead(*row[:-1]) for row in rows]


def links(entry: OpenEntry, chain: ChainName, first: int, last: int) -> list[tuple[int, str, str]]:
    """Return number, digest and digest before of a chain's proven records, by number, and nothing of what they say.

    Errors are those of `reads`.
    """
    with under(entry) as cursor:
        cursor.execute(
            "SELECT sequence, digest, previous FROM custody_chained(%s, %s, %s, %s)",
            [chain.chain, chain.post, first, last],
        )
        return [(number, digest, previous) for number, digest, previous in cursor]


def _rows(entry: OpenEntry, projection: Projection, read_filter: ReadFilter, limit: int) -> tuple[list[ShownRow], bool]:
    """Return rows, and whether there are more than the limit."""
    selected, values = _selected(projection.table, read_filter)
    select = f"SELECT {', '.join(projection.all_columns)} FROM {selected}"  # noqa: S608
    statement, most = f"{select} ORDER BY captured_at DESC, record_id DESC LIMIT %s", min(limit, MOST_ROWS)
    source = projection.table.removeprefix("custody_")
    parameters = [source, json_asked(read_filter), most, entry.noted_for]
    call = ("custody_cover_rows(%s, %s, %s, %s, %s)", parameters)
    ((more,),), answer = cover_and_fetch(entry, [call], (statement, [*values, most]))
    shown_rows: list[ShownRow] = [dict(zip(projection.all_columns, row, strict=True)) for row in answer]
    for group, rows in groupby(sorted(shown_rows, key=_group), key=_group):
        entry.fetched(records=[row["record_id"] for row in rows], group=group or None)
    return shown_rows, more


def _group(row: ShownRow) -> str:
    return row["covert_group"] or ""


def selected_reads(read_filter: ReadFilter) -> tuple[str, list[Any]]:
    """Return the SQL of the reads that are wanted, from the table's name to the last condition, and its values."""
    return _selected(READ.table, read_filter)


def _selected(table: str, read_filter: ReadFilter) -> tuple[str, list[Any]]:
    """Return the SQL of which rows of a table are wanted, and its values."""
    zone = read_filter.zone if read_filter.hours or read_filter.weekdays else None
    conditions: dict[str, list[Any]] = {
        "plate_fold = ANY (%s)": [list(read_filter.plates)],
        "record_id = ANY (%s)": [list(read_filter.records)],
        "plate_fold ~ %s": [read_filter.matching],
        "post = ANY (%s)": [list(read_filter.posts)],
        "captured_at >= %s": [read_filter.since],
        "captured_at < %s": [read_filter.until],
        "retained_from >= %s": [read_filter.kept_since],
        "retained_from < %s": [read_filter.kept_until],
        "extract(hour FROM captured_at AT TIME ZONE %s)::int = ANY (%s)": [zone, list(read_filter.hours)],
        "extract(isodow FROM captured_at AT TIME ZONE %s)::int = ANY (%s)": [zone, list(read_filter.weekdays)],
        **{_condition(name): [list(values)] for name, values in read_filter.fields.items()},
        "(captured_at, record_id) < (%s, %s)": [*(read_filter.before or [None])],
    }
    source, bounds = _source(table, read_filter)
    given_conditions = {condition: values for condition, values in conditions.items() if all(values)}
    values = [value for values in given_conditions.values() for value in values]
    if read_filter.beginnings:
        # What the index of places can compare by itself.
        source, bounds = (
            f"unnest(%s::text[], %s::text[]) AS begun (low, high), {source}",
            [*_begun(read_filter), *bounds],
        )
        given_conditions["plate_fold >= low AND plate_fold < high"] = []
    return f"{source} WHERE {' AND '.join(given_conditions) or 'TRUE'}", [*bounds, *values]


def _condition(name: str) -> str:
    """Return the SQL of a searchable field's condition."""
    column = READ_FIELDS[name]
    return f"string_to_array({column.name}, ' ') && %s" if column.several else f"{column.name} = ANY (%s)"


def json_asked(read_filter: ReadFilter) -> str:
    """Return which reads are wanted as `custody_selected` of the database takes it."""
    zone = read_filter.zone if read_filter.hours or read_filter.weekdays else None
    parameters: dict[str, Any] = {
        "plates": [*read_filter.plates],
        "records": [*read_filter.records],
        "beginnings": _begun(read_filter) if read_filter.beginnings else None,
        "matching": read_filter.matching,
        "posts": [*read_filter.posts],
        "since": read_filter.since and read_filter.since.isoformat(),
        "until": read_filter.until and read_filter.until.isoformat(),
        "kept_since": read_filter.kept_since and read_filter.kept_since.isoformat(),
        "kept_until": read_filter.kept_until and read_filter.kept_until.isoformat(),
        "hours": [*read_filter.hours],
        "weekdays": [*read_filter.weekdays],
        "zone": zone,
        "fields": [
            {"name": name, "several": READ_FIELDS[name].several, "choices": [*values]}
            for name, values in read_filter.fields.items()
            if values
        ],
        "before": read_filter.before and [read_filter.before[0].isoformat(), read_filter.before[1]],
    }
    return json.dumps({name: value for name, value in parameters.items() if value})


def covered_reads(read_filter: ReadFilter, columns: Sequence[str]) -> tuple[str, list[Any]]:
    """Return the SQL of the reads of those plates of search's dictionary that the entry opens, and its values.

    For use within `under`. Its values are those of the filter; it gives plates no other way.
    """
    return _of_known(replace(read_filter, weeks={}), columns)


def _of_known(read_filter: ReadFilter, columns: Sequence[str]) -> tuple[str, list[Any]]:
    """Return the SQL of the wanted reads of known plates, and its values."""
    selected, values = selected_reads(read_filter)
    known, bounds = _known(read_filter)
    # OFFSET: first what is known, and then the reads of each, however few reads there seem to be.
    return (
        f"{known}, LATERAL (SELECT {', '.join(columns)} FROM {selected}"  # noqa: S608 - our own names
        " AND plate_fold = plate AND retained_from >= week AND retained_from < week_end OFFSET 0"
        ") AS kept"
    ), [*bounds, *values]


def _known(read_filter: ReadFilter) -> tuple[str, list[Any]]:
    """Return the SQL of plates, each with the bounds of weeks that have reads of it, and its values."""
    values: list[Any] = []
    if not read_filter.weeks:
        listed = "search_known(false), unnest(weeks) AS at"
    else:
        listed = "unnest(%s::text[], %s::integer[]) AS named (plate_fold, at)"
        pairs = [(plate, week) for plate, weeks in read_filter.weeks.items() for week in weeks]
        values = [*map(list, zip(*pairs, strict=True))]
    # As `search_week` counts; weeks one after the other at once.
    runs = f"SELECT plate_fold, at, at - row_number() OVER (PARTITION BY plate_fold ORDER BY at) AS run FROM {listed}"  # noqa: S608
    return (
        "(SELECT plate_fold AS plate, to_timestamp(min(at) * 604800::bigint + 345600) AS week,"  # noqa: S608 - our own names
        f" to_timestamp(max(at) * 604800::bigint + 950400) AS week_end FROM ({runs}) AS weeks GROUP BY plate_fold, run"
        ") AS known"
    ), values


def _begun(read_filter: ReadFilter) -> tuple[list[str], list[str]]:
    """Return between which texts, first and last, all texts lie that begin so."""
    beginnings = read_filter.beginnings
    return [*beginnings], [beginning[:-1] + chr(ord(beginning[-1]) + 1) for beginning in beginnings]


def _source(table: str, read_filter: ReadFilter) -> tuple[str, list[Any]]:
    """Return where rows of a time are: nothing is kept before it is captured or long after, but what is doubtful."""
    since, until = read_filter.since, read_filter.until and read_filter.until + FURTHEST
    bounds = {
        condition: end for condition, end in (("retained_from >= %s", since), ("retained_from < %s", until)) if end
    }
    if not bounds:
        return table, []
    sound = f"SELECT * FROM {table} WHERE class <> 'doubtful' AND {' AND '.join(bounds)}"  # noqa: S608 - our own names
    return f"({sound} UNION ALL SELECT * FROM {table} WHERE class = 'doubtful') AS bounded", [*bounds.values()]  # noqa: S608


def fetch(entry: OpenEntry, statements: Sequence[Statement]) -> list[list[tuple[Any, ...]]]:
    """Return the rows of statements, as `under` shows them, in one round trip. Raises ClosedEntryError."""
    if _reading.get() == entry.entry:
        return [prepared(*statement) for statement in statements]
    (opened,), *fetched = in_one_trip([(_OPENING, [str(entry.entry), f"{TIMEOUT_SECONDS}s"]), *statements])
    if opened[-1] is not True:
        raise ClosedEntryError("the entry is closed, or too old")
    return fetched


@contextmanager
def under(entry: OpenEntry) -> Iterator[CursorWrapper]:
    """Open a transaction in which the database shows what the entry may see; within one of the same entry, go on in it.

    Raises:
        ClosedEntryError: the entry is not open.

    """
    if _reading.get() == entry.entry:
        with connection.cursor() as cursor:
            yield cursor
        return
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        if prepared(_OPENING, [str(entry.entry), f"{TIMEOUT_SECONDS}s"])[0][-1] is not True:
            raise ClosedEntryError("the entry is closed, or too old")
        within = _reading.set(entry.entry)
        try:
            yield cursor
        finally:
            _reading.reset(within)
