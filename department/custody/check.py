"""Goes through the whole custody again and names what is wrong.

Every record is read from its bytes again: its digest, its signature, its place, its pictures, where it is filed, and
what people see of it. Then, chain by chain, what the records make is held against the keeper's bookkeeping, and the log
of receipts against that. Then the ledger is walked. Memory does not grow with the number of records.

A run goes by the records' ids, up to the last one at its beginning. How far it has come is written down every few
seconds: a run that was killed goes on there, and the next one begins where the last one ended.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from joserfc.jwk import ECKey
from psycopg import Connection, IsolationLevel
from pydantic import ValidationError

from platepost.common.errors import RecordError
from platepost.common.files import StateFile
from platepost.department.custody.admissions import stored_admissions
from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.certificate import range_lines, read_certificate, summed
from platepost.department.custody.check_report import (
    PROBLEMS_MOST,
    CheckProblem,
    CheckReport,
    CheckState,
    Wrong,
    note,
)
from platepost.department.custody.errors import CustodyError, PictureStoreError
from platepost.department.custody.holding import ChainName, Holding, LinkedRun, Span
from platepost.department.custody.pictures import objects_of
from platepost.department.custody.post_statements import PostStatements
from platepost.department.custody.projected import Place, found_rows, placed
from platepost.department.custody.projections import PROJECTIONS, Projection, Row, project
from platepost.department.custody.receipt_log import ReceiptState
from platepost.department.custody.record import HELD, CustodyRecord, Filing, RecordRow, RecordVerdict
from platepost.department.custody.sorting import SIGNED
from platepost.department.custody.tables import OF_CHAIN
from platepost.department.custody.verdict import LATE, Judgment, judge
from platepost.department.ledger.verify import verify_ledger
from platepost.wire.records.audit import Audit
from platepost.wire.records.base import read_known
from platepost.wire.records.canonical import canonical_bytes, parse
from platepost.wire.records.envelope import Event, read_event
from platepost.wire.records.receipt import KeptRange
from platepost.wire.records.signing import Keyring
from platepost.wire.verify.chains import Excuses
from platepost.wire.verify.noted_heads import NotedHead

STEP = 500
"""Records that are read at once."""
SAVE_SECONDS = 5.0
"""How much of its time a run that is killed loses at most."""
HEADS_MOST = 100
"""Ends of the ledger that are kept, the latest."""
_REFUSED = frozenset({RecordVerdict.FORGED, RecordVerdict.UNREADABLE})
# From which number on a chain is concerned: that of the first record that came, or was judged again.
_CONCERNED = """
SELECT post, chain, min(sequence) FROM (
    SELECT post, chain, sequence FROM custody_record WHERE id > %(done)s AND id <= %(upto)s
    UNION ALL
    SELECT r.post, r.chain, r.sequence FROM custody_rejudged j JOIN custody_record r ON r.id = j.record_id
    WHERE j.id > %(done)s AND j.id <= %(upto)s
) concerned
WHERE chain IS NOT NULL GROUP BY post, chain
"""
# Records that are there, one by one, and those that were purged, as runs.
_LINKS = f"""
SELECT sequence, sequence, encode(previous, 'hex'), encode(digest, 'hex'), verdict IN ('genuine', 'unknown'), id
FROM custody_judged WHERE {OF_CHAIN}
AND (verdict IN ('genuine', 'unknown', 'foreign') OR (verdict = 'forged' AND key IS NOT NULL))
UNION ALL
SELECT greatest(first, %(begin)s), last, encode(previous, 'hex'), encode(digest, 'hex'), proven, 0
FROM custody_purged WHERE post = %(post)s AND chain = %(chain)s AND last >= %(begin)s
ORDER BY 1, 6
"""  # noqa: S608
_CAME_GENUINE = """
SELECT id FROM custody_record JOIN (
    SELECT DISTINCT record_id FROM custody_rejudged WHERE record_id > %s AND record_id <= %s
) AS again ON id = record_id WHERE verdict = 'genuine'
"""
# Before the transaction's moment: no purge may take records away that are still there as of then.
_STAY = "LOCK TABLE custody_record IN ACCESS SHARE MODE"
_END = """
SELECT greatest((runs -> -1 ->> 1)::bigint, (unproven -> -1 ->> 1)::bigint, 0) FROM custody_holding
WHERE post = %s AND chain = %s
"""


@dataclass(slots=True)
class _Read:
    """What one step has read of the records, and what they make."""

    after: int
    """The ids are higher than this,"""
    end: int
    """and no higher than this."""
    records: dict[int, RecordRow]
    rejudged: set[int]
    """Those that were judged again since the run began."""
    came_genuine: set[int]
    """Those that were judged again, and had been genuine when they came: the keeper does not judge them again."""
    unknown: set[int] = field(default_factory=set)
    """Those of which the bytes cannot be believed."""
    projected: dict[Projection, dict[Place, Row]] = field(
        default_factory=lambda: {projection: {} for projection in PROJECTIONS}
    )
    pictures: dict[Place, set[tuple[str, str]]] = field(default_factory=dict)
    """By kind and digest."""


@dataclass(frozen=True, slots=True)
class CheckedStep:
    """What one step has checked."""

    end: int
    """Id up to which it came."""
    records: int
    """How many it read."""
    problems: tuple[CheckProblem, ...]


class CustodyVerification:
    """One run, or the rest of one.

    Args:
        keeper: a connection of the role that keeps records, autocommit.
        keys: returns a post's record-signing keys.
        ended: returns when keys of a post were taken out of use, by thumbprint.
        receipts: the log of receipts; None where there is none.
        certifiers: the public keys of the custodian, present and former, which sign certificates of purges.
        state: where it is written down how far a run has come.
        bucket: where pictures are stored that are not in the database.

    """

    def __init__(
        self,
        keeper: Connection[Any],
        *,
        keys: Callable[[str], Keyring],
        ended: Callable[[str], Mapping[str, datetime]] = lambda _post: {},
        receipts: Path | None,
        certifiers: Sequence[ECKey] = (),
        state: Path,
        bucket: PictureBucket | None = None,
    ) -> None:
        self._certifiers = certifiers
        self._keeper = keeper
        self._keys = keys
        self._ended = ended
        self._receipts = receipts
        self._bucket = bucket
        self._file = StateFile(state, CheckState, about="how far the check has come")
        self._statements: dict[str, PostStatements] = {}

    def run(
        self,
        *,
        whole: bool = False,
        seconds: float | None = None,
        progress: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> CheckReport:
        """Check what came since the last run, or go on with one that was killed.

        Args:
            whole: begin with the first record, and forget what was found before.
            seconds: a rolling run: go on with a whole one for so long, or begin another after the last ended.
            progress: told how many of how many ids are done.

        Raises:
            psycopg.Error: the database does not answer.
            OSError: the state cannot be read or written, or the log of receipts not be read, or the bucket of pictures
                does not answer.
            ValueError: the state is damaged.
            CustodyError: the log of receipts is damaged.

        """
        known = self._file.read() or CheckState()
        rolling = seconds is not None
        if whole or (rolling and known.upto is None):
            state = CheckState(heads=known.heads, former=known.problems if rolling else [])
        else:
            state = known
        end = float("inf") if seconds is None else time.monotonic() + seconds
        if state.upto is None:
            last = "SELECT greatest((SELECT max(id) FROM custody_record), (SELECT max(id) FROM custody_rejudged), 0)"
            ((state.upto,),) = self._keeper.execute(last)
            state.position, state.checked = state.done, 0
        upto, first = state.upto, state.done
        saved = time.monotonic()
        # A step, or a chain, is read as of one moment: the keeper may judge records again meanwhile.
        self._keeper.isolation_level = IsolationLevel.REPEATABLE_READ
        while state.position < upto:
            step = self.step(state.position, upto)
            note(state, step.problems)
            state.position, state.checked = step.end, state.checked + step.records
            progress(state.position - first, upto - first)
            if time.monotonic() > end and state.position < upto:
                self._file.write(state)
                return _report(state, checked=state.checked, entries=0, whole=False)
            if time.monotonic() - saved > SAVE_SECONDS:
                self._file.write(state)
                saved = time.monotonic()
        note(state, self.unrecorded())
        self._chains(state, upto)
        entries = self._walk_ledger(state, whole=first == 0)
        checked = state.checked
        state.done = upto
        state.upto = None
        state.former = []
        self._file.write(state)
        return _report(state, checked=checked, entries=entries, whole=first == 0)

    # --- records

    def step(self, after: int, upto: int) -> CheckedStep:
        """Check the next records, and all rows that name an id among theirs.

        Whatever a record or a row contains, it is reported and the check goes on: where a step fails, its records are
        read again, fewer at once, until one is left.

        Args:
            after: the id behind which it begins.
            upto: the last id.

        Raises:
            psycopg.OperationalError: the database does not answer.
            OSError: the bucket of pictures does not answer.

        """
        self._keeper.isolation_level = IsolationLevel.REPEATABLE_READ
        for most in (STEP, 50, 5, 1):
            try:
                with self._keeper.transaction():
                    return self._step(after, upto, most)
            except (psycopg.OperationalError, psycopg.InterfaceError, OSError, PictureStoreError):
                raise
            except Exception as error:  # noqa: BLE001 - as above
                why = type(error).__name__
        ((damaged,),) = self._keeper.execute(
            "SELECT least((SELECT min(id) FROM custody_record WHERE id > %(after)s), %(upto)s)",
            {"after": after, "upto": upto},
        ).fetchall()
        message = f"it, or a row or picture of it, cannot be read ({why}): someone damaged it"
        return CheckedStep(damaged, 1, (CheckProblem(kind=Wrong.ALTERED, record=damaged, message=message),))

    def unrecorded(self, since: datetime | None = None) -> Iterator[CheckProblem]:
        """Yield the rows that people see, pictures, and alerts that have no record, whatever their ids.

        Args:
            since: of those retained from this time on; of all if None.

        Raises:
            psycopg.Error: the database does not answer.

        """
        among = [since or "-infinity", PROBLEMS_MOST]
        for table, record in self._keeper.execute("SELECT * FROM custody_unrecorded(%s, %s)", among).fetchall():
            yield _of_no_record(table, record)
        for (record,) in self._keeper.execute("SELECT * FROM alerts_unrecorded(%s, %s)", among).fetchall():
            message = f"alert {record} has no hit: someone invented it, or deleted its hit"
            yield CheckProblem(kind=Wrong.PROJECTION, record=record, message=message)

    def _step(self, after: int, upto: int, most: int) -> CheckedStep:
        self._keeper.execute(_STAY)
        select = "SELECT * FROM custody_judged WHERE id > %s AND id <= %s ORDER BY id LIMIT %s"
        rows = [RecordRow(*row) for row in self._keeper.execute(select, [after, upto, most])]
        end = rows[-1].id if len(rows) == most else upto
        again = "SELECT record_id FROM custody_rejudged WHERE record_id > %s AND record_id <= %s AND id > %s"
        rejudged = {number for (number,) in self._keeper.execute(again, [after, end, upto])}
        arrived = {number for (number,) in self._keeper.execute(_CAME_GENUINE, [after, end])}
        read = _Read(after, end, {stored.id: stored for stored in rows}, rejudged, arrived)
        problems: list[CheckProblem] = []
        for stored in rows:
            try:
                problems += self._of_record(read, stored)
            except (psycopg.Error, OSError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever someone has put there
                read.unknown.add(stored.id)
                problems.append(_wrong(stored, Wrong.ALTERED, f"it cannot be read: {type(error).__name__}"))
        for projection in PROJECTIONS:
            problems += self._unlike(projection, read)
        problems += self._odd_pictures(read)
        return CheckedStep(end, len(rows), tuple(problems))

    def _of_record(self, read: _Read, stored: RecordRow) -> Iterator[CheckProblem]:
        """Check a record by itself, and take in what it makes."""
        try:
            record = stored.restored()
            problem = "" if record.sha256 == stored.sha256 else "its bytes are not those that were kept"
        except CustodyError:
            problem = "its bytes or its topic are damaged"
        if problem:
            read.unknown.add(stored.id)
            yield _wrong(stored, Wrong.ALTERED, problem)
            return
        if (record.post, record.type, record.place) != (stored.post, stored.type, stored.place):
            yield _wrong(stored, Wrong.ALTERED, "its place is not the one that it states")
        elif not _may_lie(stored.filing, record.filing(stored.kept_at)):
            yield _wrong(stored, Wrong.ALTERED, "it is not filed where it states")
        judgment = judge(record, self._statements_of(stored.post), kept_at=stored.kept_at)
        if stored.id not in read.rejudged:
            yield from _misjudged(stored, judgment, final=stored.id in read.came_genuine)
            if stored.verdict in SIGNED and judgment.reason == LATE:
                yield _wrong(stored, Wrong.SIGNATURE, f"kept as {stored.verdict}: {LATE}")
        if stored.verdict == RecordVerdict.GENUINE and record.event is not None:
            with suppress(ValueError):
                for projection, row in project(judgment.event or read_event(record.event)):
                    read.projected[projection][stored.where] = placed(stored, row)
        read.pictures[stored.where] = _named_pictures(record)

    def _unlike(self, projection: Projection, read: _Read) -> Iterator[CheckProblem]:
        """Hold the rows of a projection against those that the records make."""
        actual = found_rows(self._keeper, projection, after=read.after, end=read.end)
        expected = read.projected[projection]
        for place in sorted({*expected, *actual}):
            stored = read.records.get(place[0])
            if stored is None:
                yield _of_no_record(projection.table, place[0])
            elif stored.id in read.unknown | read.rejudged or actual.get(place) == expected.get(place):
                continue
            elif place not in actual:
                yield _wrong(stored, Wrong.PROJECTION, f"{projection.table} lacks its row")
            elif place not in expected:
                yield _wrong(stored, Wrong.PROJECTION, f"{projection.table} has a row that it does not make")
            else:
                yield _wrong(stored, Wrong.PROJECTION, f"its row of {projection.table} has other values")

    def _odd_pictures(self, read: _Read) -> Iterator[CheckProblem]:
        """Hold pictures against what their records name."""
        rows = self._keeper.execute(
            "SELECT record_id, class, retained_from, covert_group, kind, encode(sha256, 'hex'),"
            " encode(sha256(body), 'hex'), object"
            " FROM custody_picture WHERE record_id > %s AND record_id <= %s ORDER BY record_id",
            [read.after, read.end],
        ).fetchall()
        objects = objects_of(self._bucket, (name for *_, name in rows))
        for *place, group, kind, digest, digest_found, name in rows:
            if name is not None:
                digest_found = sha256(objects[name]).hexdigest() if name in objects else None  # noqa: PLW2901 - the same, from elsewhere
            stored = read.records.get(place[0])
            if stored is None:
                yield _of_no_record("custody_picture", place[0])
            elif digest_found is None:
                yield _wrong(stored, Wrong.PICTURE, f"its {kind} is missing in the picture bucket")
            elif digest_found != digest:
                yield _wrong(stored, Wrong.PICTURE, f"the bytes of its {kind} are not those that were kept")
            elif stored.id in read.unknown:
                continue
            elif (kind, digest) not in read.pictures.get((place[0], place[1], place[2]), ()):
                yield _wrong(stored, Wrong.PICTURE, f"its {kind} is not the one that it names")
            elif group != stored.covert_group:
                yield _wrong(stored, Wrong.PICTURE, f"its {kind} is filed under another group")

    def _statements_of(self, post: str) -> PostStatements:
        """Return what all stored records of a post say of its keys."""
        if post not in self._statements:
            statements = self._statements[post] = PostStatements(
                self._keys(post), ended=self._ended(post), admissions=stored_admissions(self._keeper, post)
            )
            for event in self._naming(post):
                with suppress(Exception):  # whatever it contains: it is reported where the record itself is read
                    statements.add_all([event])
        return self._statements[post]

    def _naming(self, post: str) -> Iterator[dict[str, Any]]:
        """Yield what is kept of a post that may name numbers or keys."""
        names = "SELECT * FROM custody_stored WHERE names AND post = %s ORDER BY id"
        for row in self._keeper.execute(names, [post]):
            event = None
            with suppress(Exception):  # as above
                event = parse(RecordRow(*row).json_bytes())
            if event is not None:
                yield event

    def _gave_up(self, name: ChainName) -> Iterator[Span]:
        """Yield the numbers of a chain that records signed with the post's keys name as dropped or lost.

        Whether it might at its place only the keeper knew.
        """
        self._statements.pop(name.post, None)  # the keeper may have heard more since
        keys = self._statements_of(name.post).keys
        for event in self._naming(name.post):
            with suppress(RecordError, ValidationError):
                record = read_known(Event[Audit], event)
                keys.check(record.signature, canonical_bytes(event))
                dropped, lost = record.data.dropped, record.data.lost
                if dropped is not None and record.chain == name.chain:
                    yield from ((gap.first, gap.last) for gap in dropped.sequences)
                if lost is not None and lost.chain == name.chain:
                    yield from ((gap.first, gap.last) for gap in lost.sequences)

    # --- chains

    def _chains(self, state: CheckState, upto: int) -> None:
        """Hold the records of each chain against the bookkeeping, from the first number on that the run concerns."""
        with self._keeper.transaction():
            note(state, self._purges())
        receipted = ReceiptState(self._receipts).receipted if self._receipts is not None else {}
        among = {"done": state.done, "upto": upto}
        first_new = {ChainName(post, chain): first for post, chain, first in self._keeper.execute(_CONCERNED, among)}
        names = [ChainName(*row) for row in self._keeper.execute("SELECT post, chain FROM custody_holding")]
        for name in sorted({*names, *first_new, *receipted}):
            ends = state.ends.setdefault(name.post, {})
            before = ends.get(name.chain, 0) if state.done else 0
            begin = min(before + 1, first_new.get(name, before + 1))
            try:
                with self._keeper.transaction():
                    self._keeper.execute(_STAY)
                    problems = [*self._of_chain(name, begin, receipted.get(name, ()))]
                    (end,) = self._keeper.execute(_END, name).fetchone() or (0,)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever someone has put there
                why = f"its bookkeeping, or a record, cannot be read ({type(error).__name__}): someone damaged it"
                problems, end = (
                    [CheckProblem(kind=Wrong.HOLDING, post=name.post, chain=name.chain, message=why)],
                    before,
                )
            note(state, problems)
            ends[name.chain] = end

    def _of_chain(self, name: ChainName, begin: int, receipted: Iterable[KeptRange]) -> Iterator[CheckProblem]:
        held = "SELECT runs, unproven, dropped FROM custody_holding WHERE post = %s AND chain = %s"
        runs, unproven, dropped = self._keeper.execute(held, name).fetchone() or ([], [], [])
        proven_here, unproven_here = Holding(), Holding()
        with self._keeper.cursor("links") as cursor:
            for number, last, previous, digest, proven, _ in cursor.execute(_LINKS, {**name._asdict(), "begin": begin}):
                here = proven_here if proven else unproven_here
                if last > number:
                    here.add_run(LinkedRun(number, last, previous, digest))
                else:
                    here.add(number, digest, previous)
        spans = [(max(run[0], begin), run[1]) for run in (*runs, *unproven) if run[1] >= begin]
        there = [(run.first, run.last) for run in (*proven_here.runs, *unproven_here.runs)]
        missing, extra = Excuses(there).left_of(spans), Excuses(spans).left_of(there)
        yield from (_named(Wrong.MISSING, name, span, "kept, and gone") for span in missing)
        yield from (_named(Wrong.HOLDING, name, span, "kept, and the bookkeeping lacks it") for span in extra)
        if not missing and not extra:
            ranges = {(max(first, begin), last, digest) for first, last, _, digest in runs if last >= begin}
            for first, last, _ in sorted(ranges ^ {(run.first, run.last, run.digest) for run in proven_here.runs}):
                yield _named(Wrong.HOLDING, name, (first, last), "joined differently from the bookkeeping")
        both = Holding(LinkedRun(*run) for run in (*runs, *unproven))
        if dropped:
            noted = [(first, last) for first, last in dropped]
            unsaid = Excuses(self._gave_up(name)).left_of(noted)
            both.give_up(Excuses(unsaid).left_of(noted))
            why = "dropped according to the bookkeeping, but not according to any record of the post"
            yield from (_named(Wrong.HOLDING, name, span, why) for span in unsaid)
        for receipt in receipted:
            gaps = both.lacks(receipt)
            yield from (_named(Wrong.RECEIPTED, name, gap, "a post may have deleted it") for gap in gaps)
            if not gaps and both.digest_of_last(receipt.last) not in {None, receipt.digest}:
                yield _named(Wrong.RECEIPTED, name, (receipt.last, receipt.last), "it was another record")

    def _purges(self) -> Iterator[CheckProblem]:
        """Hold what is said to be purged against the certificates."""
        rows = self._keeper.execute(
            "SELECT coalesce(p.plan, c.plan), coalesce(p.covert_group, c.covert_group), c.certificate"
            " FROM (SELECT DISTINCT plan, covert_group FROM custody_purged) p FULL JOIN custody_certificate c"
            " ON c.plan = p.plan AND coalesce(c.covert_group, '') = coalesce(p.covert_group, '') ORDER BY 1, 2"
        ).fetchall()
        for plan, group, certificate in rows:
            if certificate is None:
                message = f"purge {plan} is not certified: run `purge run` again, or someone made records vanish"
                yield CheckProblem(kind=Wrong.PURGED, message=message)
                continue
            try:
                purge_certificate = read_certificate(certificate, self._certifiers)
            except (CustodyError, ValueError) as error:
                yield CheckProblem(kind=Wrong.PURGED, message=f"purge {plan}: {error}")
                continue
            there = summed(range_lines(self._keeper, plan, group))
            if (purge_certificate.plan, purge_certificate.covert_group, purge_certificate.ranges) != (
                plan,
                group,
                there,
            ):
                yield CheckProblem(kind=Wrong.PURGED, message=f"purge {plan}: what went is not what was certified")

    # --- the ledger

    def _walk_ledger(self, state: CheckState, *, whole: bool) -> int:
        heads = [NotedHead.read(head) for head in state.heads]
        after = heads[-1] if heads and not whole else None
        verdict = verify_ledger(self._keeper, after=after, heads=heads)
        for problem in verdict.problems:
            message = f"entry {problem.number}: {problem.kind.value}: {problem.message}"
            note(state, [CheckProblem(kind=Wrong.LEDGER, number=problem.number, message=message)])
        if verdict.head is not None and str(verdict.head) not in state.heads:
            state.heads = [*state.heads, str(verdict.head)][-HEADS_MOST:]
        return verdict.entries


def _wrong(stored: RecordRow, kind: Wrong, message: str) -> CheckProblem:
    return CheckProblem(
        kind=kind, post=stored.post, chain=stored.chain, number=stored.number, record=stored.id, message=message
    )


def _report(state: CheckState, *, checked: int, entries: int, whole: bool) -> CheckReport:
    problems = (*state.problems, *(problem for problem in state.former if problem not in state.problems))
    return CheckReport(
        intact=not problems, whole=whole, records=checked, entries=entries, problems=problems, more=state.more
    )


def _of_no_record(table: str, record: int) -> CheckProblem:
    kind = {"custody_picture": Wrong.PICTURE, "custody_rejudged": Wrong.VERDICT}.get(table, Wrong.PROJECTION)
    return CheckProblem(kind=kind, record=record, message=f"{table} has a row of record {record}, which does not exist")


def _misjudged(stored: RecordRow, judgment: Judgment, *, final: bool) -> Iterator[CheckProblem]:
    """Say where a record's verdict contradicts what it is.

    What is kept as foreign or by a replaced key may be proven by now: the keeper judges it again by itself, unless it
    is final.
    """
    # A key that was replaced since had been good when the record was kept: what it signed is signed.
    signed = judgment.verdict in SIGNED or (judgment.verdict == RecordVerdict.FORGED and judgment.key is not None)
    if stored.verdict in SIGNED and not (signed and judgment.key == stored.key):
        why = judgment.reason or "its signature is by another key than was noted"
        yield _wrong(stored, Wrong.SIGNATURE, f"kept as {stored.verdict}: {why}")
    refused = stored.verdict in _REFUSED and stored.key is None
    if judgment.verdict in SIGNED and (refused or (final and stored.verdict not in SIGNED)):
        yield _wrong(stored, Wrong.VERDICT, f"kept as {stored.verdict}, and nothing contradicts it")


def _named_pictures(record: CustodyRecord) -> set[tuple[str, str]]:
    data = record.event.get("data") if record.event is not None else None
    pictures = data.get("pictures") if isinstance(data, dict) else None
    if not isinstance(pictures, list):
        return set()
    return {(str(picture.get("kind")), str(picture.get("sha256"))) for picture in pictures if isinstance(picture, dict)}


def _may_lie(where: Filing, filing: Filing) -> bool:
    """Tell whether a record may be where it is: held, though it did not come as such."""
    there = filing.retained_from, filing.covert_group
    return where.retention in {filing.retention, HELD} and (where.retained_from, where.covert_group) == there


def _named(kind: Wrong, name: ChainName, span: Span, message: str) -> CheckProblem:
    first, last = span
    more = f"to {last}: " if last > first else ""
    return CheckProblem(kind=kind, post=name.post, chain=name.chain, number=first, message=f"{more}{message}")
