"""What the rules against misuse look at: searches, entries of lists, and what came of them.

They are read from the ledger under an entry; of an entry of a list the ledger has the number, and its plate is looked
up by that.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any
from uuid import UUID

from platepost.department.custody.projections import folded
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.reading import reading
from platepost.department.search.errors import PatternError
from platepost.department.search.patterns import HIDDEN, LONGEST, PlatePattern

STEP = 5_000
"""Entries that are read at once."""
_FIELDS = ("person", "purpose", "case", "reason", "exigent", "query", "plates", "agency", "entry")
_LISTED = "SELECT id, plate, purpose, case_number, reason FROM lists_listed(%s)"
_ENTERED = LedgerEvent.LIST_ENTERED.value
_SEARCH, _ANSWERS = LedgerEvent.INTENT.value, (LedgerEvent.SHOWN.value, LedgerEvent.FAILED.value)
_WATCHING = {
    event.value
    for event in (
        *(LedgerEvent.INTENT, LedgerEvent.LOG_INTENT, LedgerEvent.REFUSED, LedgerEvent.ACCESS_REFUSED),
        *(LedgerEvent.LOG_ON, LedgerEvent.LOG_OFF, LedgerEvent.LOG_ON_FAILED, LedgerEvent.LISTS_SEEN),
        LedgerEvent.TEST_HIT,
    )
}
"""Events of someone who looks, and does nothing."""
_NO_SEARCH = frozenset({"console", "sample", "incident"})
"""What is asked where no one looks for anything: for hits that came by themselves, for random reads that someone
labels, for whom a breach affects. The database opens nothing else for these."""
_READ = """
SELECT line.number, line.entry, line.at, line.event, line.refers_to, (
    SELECT coalesce(json_object_agg(body.field, body.value::json), '{}')::text FROM ledger_body AS body
    WHERE body.entry = line.entry AND body.field = ANY (%(fields)s)
) FROM ledger_entry AS line
WHERE line.number > %(after)s AND line.at >= %(since)s AND line.at < %(until)s ORDER BY line.number LIMIT %(step)s
"""


@dataclass(slots=True)
class SearchEvent:
    """One search: someone typed a pattern, or opened one of the plates that it found."""

    number: int
    """Of its intent."""
    entry: UUID
    at: datetime
    person: str
    purpose: str
    case: str | None
    reason: str | None
    """In small letters, without what does not tell two texts apart."""
    exigent: bool
    typed: str | None
    """The whole plate that was typed, folded; None where the text left something open, or there was none."""
    opened: str | None
    """The plate that was opened, folded."""
    known: int = 0
    """How many characters of the typed pattern are known, if only by a set."""
    further: bool = False
    """Whether it shows a further page of a list."""
    listed: frozenset[str] = frozenset()
    """The plates that were shown in a list."""
    is_entry: bool = False
    """Whether it is no search, but an entry of a hot list: posts look for its plate from then on."""
    by_number: bool = False
    """Whether it was asked for by a record's number: a search only if more plates came than the one that was open."""
    pattern: PlatePattern | None = None
    """Of such an entry, which may leave characters open."""

    @property
    def plate(self) -> str | None:
        """The one plate that was typed whole or opened."""
        return self.opened or self.typed

    @property
    def searched(self) -> str | None:
        """The plate that was typed, whole or with one character left open that made no difference."""
        if self.opened or self.typed:
            return None if self.opened else self.typed
        near = [plate for plate in self.plates if len(plate) <= self.known + 1]
        return near[0] if len(near) == 1 else None

    @property
    def plates(self) -> frozenset[str]:
        """The plates that a search was about: those that its pattern left one character open, or the only one."""
        if self.opened or not self.known:
            return frozenset({self.opened} if self.opened else ())
        listed = {plate for plate in self.listed if HIDDEN not in plate}
        alone = len(listed) == 1 and not self.further
        singled = {plate for plate in listed if alone or len(plate) <= self.known + 1}
        return frozenset(singled | ({self.typed} if self.typed else set()))


@dataclass(slots=True)
class AccessEvents:
    """What happened in a time, as the ledger says."""

    zone: tzinfo
    """Of days and hours."""
    searches: list[SearchEvent] = field(default_factory=list)
    """In order of time."""
    present: dict[str, list[tuple[datetime, bool]]] = field(default_factory=lambda: defaultdict(list))
    """By person, each moment at which they did something, and whether it was more than looking."""
    begun: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    """By person, when they began a shift: they looked at the lists, as anyone who takes hits must."""
    followed: set[str] = field(default_factory=set)
    """Cases of which something came: a hold, an export, evidence, saved work, a standing pattern."""
    seekers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By case, who searched for it."""

    def day(self, search: SearchEvent) -> date:
        """Return the day on which it was made, where the department is."""
        return search.at.astimezone(self.zone).date()

    def is_shared(self, search: SearchEvent) -> bool:
        """Tell whether something came of its case, or a colleague searched for it, too."""
        return search.case is not None and (search.case in self.followed or len(self.seekers[search.case]) > 1)

    def add_listed(
        self, entry: tuple[int, UUID, datetime, str, UUID | None], person: str, listed: tuple[str, str, str, str]
    ) -> None:
        """Add an entry of a list, of which plate, purpose, case and reason are given."""
        number, uuid, at, *_ = entry
        plate, purpose, case, reason = listed
        pattern = _pattern(plate)
        typed = _typed(pattern) if pattern else None
        self.searches.append(
            SearchEvent(
                *(number, uuid, at, person, purpose, case or None, _plain(reason), False, typed, None),
                known=pattern.known if pattern else 0,
                is_entry=True,
                pattern=pattern,
            )
        )

    def add_shown(self, search: SearchEvent, plates: frozenset[str]) -> None:
        """Add the plates that were shown for a search."""
        search.listed = plates
        if search.by_number and not plates <= {search.opened}:
            search.known = LONGEST  # whatever the query states, these were opened
            self.searches.append(search)

    def add(self, entry: tuple[int, UUID, datetime, str, UUID | None], fields: Mapping[str, Any]) -> SearchEvent | None:
        """Add an entry, and return the search if it is one. What was shown is added to its search by the reader."""
        number, uuid, at, event, _ = entry
        person, case = fields.get("person"), fields.get("case")
        if person is None:
            return None
        query = fields.get("query") or {}
        self.present[person].append((at, event not in _WATCHING or fields.get("exigent") is True))
        if event == LedgerEvent.LISTS_SEEN.value:
            self.begun[person].append(at)
        if event != _SEARCH:
            if case and event not in _WATCHING and event != _ENTERED:
                self.followed.add(case)
            return None
        # The past of a covert entry: the ledger keeps its case and plate for its group.
        if _NO_SEARCH & query.keys() or ("list_entry" in query and "plate" not in query):
            return None
        by_number = bool({"record", "picture"} & query.keys())  # a read, or a picture, of what a search has opened
        opened, pattern = query.get("opened"), _pattern(str(query.get("plate", "")))
        search = SearchEvent(
            *(number, uuid, at, person, fields.get("purpose") or "", case, _plain(fields.get("reason"))),
            *(fields.get("exigent") is True, _typed(pattern) if pattern else None, opened and folded(opened)),
            known=pattern.known if pattern else 0,
            further="after" in query,
            by_number=by_number,
        )
        if by_number:
            return search
        self.searches.append(search)
        if case:
            self.seekers[case].add(person)
        return search


def _pattern(text: str) -> PlatePattern | None:
    try:
        return PlatePattern.parse(text)
    except PatternError:
        return None


def _typed(pattern: PlatePattern) -> str | None:
    """Return the one plate that a pattern stands for: `[7]ABC123` leaves no choice either."""
    return pattern.plates[0] if pattern.plates is not None and len(pattern.plates) == 1 else None


def _plain(reason: str | None) -> str | None:
    return (
        " ".join("".join(character if character.isalnum() else " " for character in (reason or "").lower()).split())
        or None
    )


def read_access_events(log: OpenEntry, since: datetime, until: datetime, *, zone: tzinfo) -> AccessEvents:
    """Read what happened from a time to another.

    The query of `log` must name both times: that stands in the ledger for all that is read here. Note what people are
    shown of it by `log.fetched`.

    Raises:
        ClosedEntryError: the entry is not open, or does not open the ledger.

    """
    acts, open_searches = AccessEvents(zone), dict[UUID, SearchEvent]()
    entered: dict[int, tuple[Any, str]] = {}
    for entry, fields in _entries(log, since, until):
        if entry[3] == _ENTERED and fields.get("entry") is not None:
            entered[fields["entry"]] = entry, fields["person"]
        if entry[3] in _ANSWERS:
            search = open_searches.pop(entry[4], None) if entry[4] else None
            if search is not None and fields.get("plates"):
                acts.add_shown(search, frozenset(fields["plates"]))
            continue
        search = acts.add(entry, fields)
        if search is not None:
            open_searches[search.entry] = search
    with reading(log) as cursor:
        cursor.execute(_LISTED, [[*entered]])
        for number, *listed in cursor.fetchall():
            acts.add_listed(*entered[number], (*listed,))
    acts.searches.sort(key=lambda search: search.number)
    return acts


def _entries(
    log: OpenEntry, since: datetime, until: datetime
) -> Iterator[tuple[tuple[int, UUID, datetime, str, UUID | None], Mapping[str, Any]]]:
    after = 0
    while True:
        with reading(log) as cursor:
            values: dict[str, Any] = {
                "fields": list(_FIELDS),
                "after": after,
                "since": since,
                "until": until,
                "step": STEP,
            }
            cursor.execute(_READ, values)
            rows = cursor.fetchall()
        for *entry, fields in rows:
            yield (*entry,), json.loads(fields)
        if len(rows) < STEP:
            return
        after = rows[-1][0]
