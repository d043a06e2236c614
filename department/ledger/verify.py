"""Goes through the ledger and names what is wrong with it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from itertools import combinations
from typing import Any, TypeAlias
from uuid import UUID

from psycopg import Connection

from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.chain import GENESIS, LedgerLine, commitment, digest_of_line
from platepost.wire.verify.noted_heads import NotedHead

LAST = 2**63 - 1
STEP = 1000
"""Entries that are read at once."""
ALTERED_MOST = 200
"""Altered entries among which two are looked for that were exchanged."""
_Body: TypeAlias = tuple[bytes, str]
# A time that Python has none for is none.
_ENTRIES = """
SELECT number, entry, CASE WHEN at BETWEEN '0001-01-02Z' AND '9999-12-30Z' THEN at END, event, class, refers_to,
    commitments, previous, digest
FROM ledger_entry WHERE number > %s AND number <= %s ORDER BY number LIMIT %s
"""
_UNANSWERED = """
SELECT number FROM ledger_entry AS intent WHERE event IN ('intent', 'log_intent')
AND at < (SELECT max(at) FROM ledger_entry) - %s
AND NOT EXISTS (
    SELECT FROM ledger_entry AS later WHERE later.refers_to = intent.entry AND later.event IN ('shown', 'failed')
) ORDER BY number DESC LIMIT %s
"""
CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far the last entry may be ahead of the database's clock: `ledger_append` repeats its time where the clock was
stepped back by no more, and otherwise refuses."""
OPEN_FOR = timedelta(minutes=5)
"""How long the database shows records by an intent."""
UNANSWERED_MOST = 1000
"""Intents without an answer that are named."""


class LedgerDamage(Enum):
    """What is wrong with an entry."""

    ALTERED = "altered"
    """Its digest is not what its content makes."""
    SWAPPED = "swapped"
    """It and another have swapped places."""
    MISSING = "missing"
    """There is no entry of this number."""
    UNLINKED = "unlinked"
    """It does not name the digest of the entry before: one of the two was replaced."""
    CUT = "cut"
    """A noted end is not there: it and what came after it was cut off or replaced."""
    MISMATCH = "mismatch"
    """A body is not what the entry committed to."""
    TYPE = "type"
    """A body is what the entry committed to, and not of the type that the catalog has for the field."""
    TIME = "time"
    """It is dated before the entry ahead of it, or after the database's clock."""
    ERASED_EARLY = "erased early"
    """A body is gone, and no entry says that its class has ended."""


@dataclass(frozen=True, slots=True)
class LedgerProblem:
    """One thing wrong."""

    kind: LedgerDamage
    number: int
    message: str


@dataclass(slots=True)
class LedgerVerdict:
    """What a walk found."""

    entries: int = 0
    """How many were walked."""
    head: NotedHead | None = None
    """The last entry: note it down where no one who may write the database can change it."""
    problems: list[LedgerProblem] = field(default_factory=list)
    unanswered: list[int] = field(default_factory=list)
    """Intents, the latest, of which nothing says what was shown: program or database stopped in between. No damage."""


_FIELDS = {event.value: event.kind.fields for event in LedgerEvent}


class _Ended:
    """Up to when the bodies of each class may be gone, as the ledger's own entries say."""

    def __init__(self, connection: Connection[Any]) -> None:
        erasures = connection.execute(
            "SELECT class.value, until.value FROM ledger_entry AS erased"
            " JOIN ledger_body AS class ON class.entry = erased.entry AND class.field = 'class'"
            " JOIN ledger_body AS until ON until.entry = erased.entry AND until.field = 'until'"
            " WHERE erased.event = %s",
            [LedgerEvent.ERASED.value],
        )
        self._until: dict[str, datetime] = {}
        for name, until in erasures:
            with suppress(ValueError, TypeError, KeyError):  # a damaged body: reported where its entry is read
                ended, moment = str(json.loads(name)), datetime.fromisoformat(json.loads(until))
                self._until[ended] = max(moment, self._until.get(ended, moment))

    def __call__(self, line: LedgerLine) -> bool:
        return line.retention in self._until and line.at < self._until[line.retention]


def verify_ledger(
    connection: Connection[Any],
    *,
    after: NotedHead | None = None,
    heads: Iterable[NotedHead] = (),
    upto: int = LAST,
    from_number: int = 0,
    answers: bool = True,
) -> LedgerVerdict:
    """Walk the ledger from its beginning, or from a head that was noted.

    Args:
        connection: of a role that may read the ledger; it is read in steps, not as of one moment.
        after: begin behind this entry, which a walk before has found right.
        heads: ends that were noted, each of which must be there.
        upto: end with this entry.
        from_number: begin behind the entry of this number, whose digest is taken as it is: for a part of the ledger.
        answers: look for intents without an answer, which takes a look at all of them.

    """
    if from_number:
        after = _entered(connection, from_number)
    verdict = LedgerVerdict(head=after)
    altered: list[LedgerLine] = []
    number, previous = (after.sequence, bytes.fromhex(after.digest)) if after else (0, GENESIS)
    noted = sorted([*heads, *([after] if after else [])], key=lambda head: head.sequence)
    verdict.problems += _cut(connection, noted)
    ended = _Ended(connection)
    time = _Time(connection, number)
    for lines in _steps(connection, number, upto):
        bodies = _bodies(connection, lines)
        for line in lines:
            if line.number != number + 1:
                gap = f"{number + 1}" if line.number == number + 2 else f"{number + 1} to {line.number - 1}"
                verdict.problems.append(LedgerProblem(LedgerDamage.MISSING, number + 1, f"{gap}: missing"))
            elif line.previous != previous:
                message = f"does not name the digest of entry {number}"
                verdict.problems.append(LedgerProblem(LedgerDamage.UNLINKED, line.number, message))
            try:
                if digest_of_line(line) != line.digest:
                    altered.append(line)
                verdict.problems += [
                    *_against(line, bodies.get(line.entry, {}), may_be_gone=ended(line)),
                    *time.objections(line),
                ]
            except Exception as error:  # noqa: BLE001 - whatever someone has put there
                message = f"it cannot be read: {type(error).__name__}"
                verdict.problems.append(LedgerProblem(LedgerDamage.ALTERED, line.number, message))
            number, previous = line.number, line.digest
            verdict.entries += 1
    if number:
        verdict.head = NotedHead(number, previous.hex())
    verdict.problems += _judged(altered)
    if answers:
        unanswered = connection.execute(_UNANSWERED, [OPEN_FOR, UNANSWERED_MOST])
        verdict.unanswered = sorted(number for (number,) in unanswered)
    verdict.problems.sort(key=lambda problem: problem.number)
    return verdict


class _Time:
    """Time in the ledger: it never runs back, unless an entry says so, and is never ahead of the database's clock."""

    def __init__(self, connection: Connection[Any], after: int) -> None:
        before = "SELECT CASE WHEN at BETWEEN '0001-01-02Z' AND '9999-12-30Z' THEN at END FROM ledger_entry"
        previous_entry = connection.execute(f"{before} WHERE number = %s", [after]).fetchone()
        self._last: datetime | None = previous_entry[0] if previous_entry else None
        ((self._now,),) = connection.execute("SELECT clock_timestamp()").fetchall()

    def objections(self, line: LedgerLine) -> Iterator[LedgerProblem]:
        """Yield what is wrong with the time of the next entry."""
        set_back = line.event == LedgerEvent.CLOCK_SET_BACK.value
        if self._last is not None and line.at < self._last and not set_back:
            message = f"it is dated {self._last - line.at} before the entry ahead of it"
            yield LedgerProblem(LedgerDamage.TIME, line.number, message)
        if line.at > self._now + CLOCK_TOLERANCE:
            message = f"it is dated {line.at - self._now} after the database's clock"
            yield LedgerProblem(LedgerDamage.TIME, line.number, message)
        self._last = line.at if self._last is None or set_back else max(line.at, self._last)


def _entered(connection: Connection[Any], number: int) -> NotedHead | None:
    entered = connection.execute("SELECT digest FROM ledger_entry WHERE number = %s", [number]).fetchone()
    return None if entered is None else NotedHead(number, entered[0].hex())


def _steps(connection: Connection[Any], number: int, upto: int) -> Iterator[list[LedgerLine]]:
    while True:
        lines = [LedgerLine(*row) for row in connection.execute(_ENTRIES, [number, upto, STEP])]
        if not lines:
            return
        yield lines
        number = lines[-1].number


def _bodies(connection: Connection[Any], lines: list[LedgerLine]) -> dict[UUID, dict[str, _Body]]:
    bodies: dict[UUID, dict[str, _Body]] = {}
    query = "SELECT entry, field, salt, value FROM ledger_body WHERE entry = ANY (%s)"
    for entry, name, salt, value in connection.execute(query, [[line.entry for line in lines]]):
        bodies.setdefault(entry, {})[name] = salt, value
    return bodies


def _against(line: LedgerLine, bodies: Mapping[str, _Body], *, may_be_gone: bool) -> Iterator[LedgerProblem]:
    """Hold the bodies of an entry against its commitments and the catalog."""
    known = _FIELDS.get(line.event, {})
    for name in sorted({*line.commitments, *bodies}):
        if name not in bodies:
            if not may_be_gone:
                message = f"the body of {name} is gone, and its class has not ended"
                yield LedgerProblem(LedgerDamage.ERASED_EARLY, line.number, message)
        elif commitment(bodies[name][0], name, bodies[name][1]) != line.commitments.get(name):
            message = f"the body of {name} is not what was entered"
            yield LedgerProblem(LedgerDamage.MISMATCH, line.number, message)
        elif name in known and not known[name].fits(bodies[name][1]):
            yield LedgerProblem(LedgerDamage.TYPE, line.number, f"{name} must be {known[name].type or 'a text'}")


def _judged(altered: list[LedgerLine]) -> Iterator[LedgerProblem]:
    """Tell entries that changed places from others that were altered."""
    places: dict[int, int] = {}
    for one, other in combinations(altered[:ALTERED_MOST], 2):
        if _fits(one, other) or _fits(other, one):
            places |= {one.number: other.number, other.number: one.number}
    for line in altered:
        if line.number in places:
            message = f"changed places with entry {places[line.number]}"
            yield LedgerProblem(LedgerDamage.SWAPPED, line.number, message)
        else:
            yield LedgerProblem(LedgerDamage.ALTERED, line.number, "its digest is not what its content makes")


def _fits(line: LedgerLine, place: LedgerLine) -> bool:
    """Tell whether an entry's content belongs to another's number, whatever else was moved along."""
    digests = {digest_of_line(line, number=place.number, previous=before) for before in (line.previous, place.previous)}
    return not digests.isdisjoint({line.digest, place.digest})


def _cut(connection: Connection[Any], heads: list[NotedHead]) -> Iterator[LedgerProblem]:
    for head in heads:
        entered = connection.execute("SELECT digest FROM ledger_entry WHERE number = %s", [head.sequence]).fetchone()
        if entered is None:
            yield LedgerProblem(LedgerDamage.CUT, head.sequence, "a noted end is not there")
        elif not entered[0].hex().startswith(head.digest):
            yield LedgerProblem(LedgerDamage.CUT, head.sequence, "a noted end is another entry now")
