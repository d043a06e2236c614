"""The department's store of records: PostgreSQL, one transaction a batch, each record exactly once.

**What is one record.** Post, chain, number and digest. The digest covers what was signed; the signature and the
pictures' bytes are outside of it. So a record that is stored is a duplicate of another only if that one is genuine as
well, or if the bytes are the same: anyone who sends a post's record ahead with a spoiled signature or a spoiled picture
keeps nothing out. Duplicates are counted, and not stored again. A picture that comes later than its record is added.

**What counts as held.** A receipt says that bytes are durable, and no more (RECEIPT). But a receipt names one digest
for a number, and a post that finds another than its own lets nothing go. So proven records count first; unproven ones,
by a key that is not known or not good there, count where no proven one of their number is held, beside the proven and
never joined to them, and yield; refused ones count nowhere. `verdict` says which is which. A post whose key the
register does not have yet is receipted all the same, and a stranger who writes below its name blocks nothing once it
has.

**Later knowledge.** A key that comes, by the register or by a record that vouches for it, has records judged again:
`judge_again`, and by itself where a record vouches. What a former key signed after the record that replaced it is
refuted, even where it came first. Judgments are added, never changed; projections that were refuted are withdrawn.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Self

import psycopg

from platepost.department.custody.admissions import Admission, stored_admissions
from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.constants import ConstantsTable
from platepost.department.custody.errors import StoreError
from platepost.department.custody.holding import ChainName, Fate, Holding, LinkedRun
from platepost.department.custody.messages import ReceivedMessage
from platepost.department.custody.post_statements import DroppedNumbers, PostStatements, may_name_numbers
from platepost.department.custody.record import (
    CustodyRecord,
    Filing,
    ProofState,
    RecordRow,
    RecordVerdict,
    take,
    unreadable,
)
from platepost.department.custody.sorting import SIGNED, BatchSorter, counted
from platepost.department.custody.tables import ChainHolding, CustodyTables
from platepost.department.custody.verdict import Judgment, judge, made_after
from platepost.wire.records.canonical import parse
from platepost.wire.records.signing import Keyring
from platepost.wire.verify.chains import Excuses

log = logging.getLogger(__name__)

REJUDGED_AT_ONCE = 500
"""Records that one transaction judges again."""
LATE_REGISTER = timedelta(days=92)
"""How long after a key's end the register may tell of it, for what came meanwhile to be judged again."""


class CustodyStore:
    """Keeps what was delivered, and knows what is held of each chain. For one thread; a context manager.

    A session that broke is begun again by the next call. What was in doubt comes again and is a duplicate by then.

    Args:
        conninfo: libpq's connection string, of the role `platepost_keeper`.
        keys: returns a post's record-signing keys as far as the department knows them.
        ended: returns when it took keys of a post out of use, by thumbprint.
        now: the custodian's clock.
        bucket: where pictures are to be stored; in the database if None.

    Raises:
        StoreError: the database cannot be reached, or another keeper works on it.

    """

    def __init__(
        self,
        conninfo: str,
        *,
        keys: Callable[[str], Keyring],
        ended: Callable[[str], Mapping[str, datetime]] = lambda _post: {},
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        bucket: PictureBucket | None = None,
    ) -> None:
        self._conninfo = conninfo
        self._keys = keys
        self._ended = ended
        self._now = now
        self._bucket = bucket
        self._tables: CustodyTables | None = None
        self._admitted: frozenset[Admission] = frozenset()
        self._chains: dict[ChainName, ChainHolding] = {}
        self._posts: dict[str, PostStatements] = {}
        self._numbers: dict[tuple[ChainName, str], int] = {}
        with self._session():
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session."""
        self._forget()

    # --- what is held

    def chains(self) -> Iterable[ChainName]:
        """Return every chain of which something is held. Raises StoreError."""
        with self._session() as tables:
            return tables.chains()

    def holding(self, chain: ChainName) -> Holding:
        """Return what is held of a chain: proven runs, and unproven ones beside them. Raises StoreError."""
        with self._session():
            held = self._chain(chain)
        both = Holding((*held.proven.runs, *held.unproven.runs), dropped=held.proven.dropped, forks=held.proven.forks)
        both.repeated = held.proven.repeated or held.unproven.repeated
        return both

    def digest(self, chain: ChainName, number: int) -> str | None:
        """Return the digest of the record that counts as held under a number; None if it is not known any more.

        Raises:
            StoreError: the database does not answer.

        """
        with self._session() as tables:
            held = self._chain(chain)
            proof_state = ProofState.PROVEN if number in held.proven else ProofState.UNPROVEN
            return counted(tables.placed([(*chain, number)]), proof_state)

    def digests(self, chain: ChainName, number: int) -> frozenset[str]:
        """Return the digests of all records stored under a number. Raises StoreError."""
        with self._session() as tables:
            return frozenset(twin.digest for twin in tables.placed([(*chain, number)]))

    # --- keeping

    def keep(self, messages: Sequence[ReceivedMessage]) -> set[ChainName]:
        """Keep messages, all of them durable on return, or none; return the chains that are to be receipted.

        Raises:
            StoreError: the database does not take them. A later call may.

        """
        with self._session() as tables:
            again: set[str] = set()
            touched = self._keep_whatever(tables, messages, again)
        return touched.union(*(chains for post in sorted(again) for chains in self._judge_again(post)))

    def judge_again(self, post: str) -> Iterator[set[ChainName]]:
        """Judge again, by the keys known now, what is not genuine of a post; give the chains to be receipted.

        It gives them whenever some hundreds are judged: there may be a hundred thousand, and others wait. A call after
        one that was cut off goes on with what is left.

        Raises:
            StoreError: the database does not answer.

        """
        self._posts.pop(post, None)
        yield from self._judge_again(post)

    def posts_with_doubts(self) -> list[str]:
        """Return the posts of which records may be judged otherwise, once more is known. Raises StoreError."""
        with self._session() as tables:
            return tables.posts_with_doubts()

    def changed_admissions(self) -> frozenset[str]:
        """Return the posts of which an admission began or ended since the last call; at first, all that ever had one.

        Raises:
            StoreError: the database does not answer.

        """
        with self._session() as tables:
            present = frozenset(
                admission for admission in stored_admissions(tables.connection) if admission.confirmed_by is not None
            )
        before, self._admitted = self._admitted, present
        return frozenset(certificate.post for certificate in present ^ before)

    def _keep_whatever(
        self, tables: CustodyTables, messages: Sequence[ReceivedMessage], again: set[str]
    ) -> set[ChainName]:
        """Keep messages at once; where the database does not take the content of one, each by itself, and it as bytes.

        Nothing that a post or a stranger sends may bring the keeper to a stand.
        """
        try:
            return self._keep(tables, [take(message) for message in messages], again)
        except (psycopg.DataError, psycopg.IntegrityError, ValueError, TypeError) as error:
            self._chains.clear()
            self._posts.clear()
            self._numbers.clear()
            if len(messages) > 1:
                return {chain for message in messages for chain in self._keep_whatever(tables, [message], again)}
            # No more than its kind: its text may repeat what a record contains.
            log.error("%s: the database does not take a record: %s", messages[0].post, type(error).__name__)
            return self._keep(tables, [unreadable(messages[0], "the database does not take it")], again)

    def _keep(self, tables: CustodyTables, records: Sequence[CustodyRecord], again: set[str]) -> set[ChainName]:
        now = self._now()
        filings = [record.filing(now) for record in records]
        tables.ensure_partitions((filing.retained_from for filing in filings), now=now)
        tables.expect_pictures(sum(len(record.pictures) for record in records))
        with tables.transaction():
            named: list[tuple[str, DroppedNumbers]] = []
            judgments = []
            for record in records:
                statements = self._statements(tables, record.post)
                judgments.append(judge(record, statements))
                if record.event is not None and may_name_numbers(record.event):
                    known = statements.knowledge
                    named += ((record.post, numbers) for numbers in statements.add_all([record.event]))
                    if statements.knowledge != known:
                        again.add(record.post)
            ids = tables.allot(len(records))
            rows = [
                _stored(tables.constants, ids[at], record, filings[at], judgments[at], now=now)
                for at, record in enumerate(records)
            ]
            batch = BatchSorter(self._chain, self._twins(tables, rows, judgments), now)
            for item in zip(rows, records, judgments, strict=True):
                batch.add(*item)
            for post, (chain, spans) in named:
                batch.change(ChainName(post, chain)).proven.give_up(spans)
            _renew_unproven(tables, batch.writes.chains)
            tables.write(batch.writes, now=now)
        return batch.touched

    def _twins(
        self, tables: CustodyTables, rows: Sequence[RecordRow], judgments: Sequence[Judgment]
    ) -> Iterator[RecordRow]:
        """Return what is stored already under the records' numbers, or, of loose ones, digests."""
        places, loose = set(), set()
        for row, judgment in zip(rows, judgments, strict=True):
            place = row.place
            if place is None:
                loose.add((row.post, row.sha256))
            elif judgment.proof_state is not ProofState.PROVEN or self._may_be_stored(place.chain, place.number):
                places.add((*place.chain, place.number))
        if places:
            yield from tables.placed(places)
        if loose:
            yield from tables.loose(loose)

    def _may_be_stored(self, chain: ChainName, number: int) -> bool:
        held = self._chain(chain)
        return held.odd or number in held.proven or number in held.unproven

    # --- judging again

    def _judge_again(self, post: str) -> Iterator[set[ChainName]]:
        with self._session() as tables, self._rejudging(tables) as batch:
            statements = self._statements(tables, post)
            for chain, spans in statements.dropped:
                batch.change(ChainName(post, chain)).proven.give_up(spans)
            for change in statements.changes:
                self._refute(tables, batch, ChainName(post, change.chain), change.sequence, change.former)
        yield batch.touched
        yield from self._refute_late(post)
        after: int | None = 0
        while after is not None:
            with self._session() as tables, self._rejudging(tables) as batch:
                after = self._judge_some(tables, batch, post, after)
            yield batch.touched

    def _judge_some(self, tables: CustodyTables, batch: BatchSorter, post: str, after: int) -> int | None:
        """Judge again some of a post's doubted records; return the id of the last, None if there is none."""
        doubted = tables.doubted(post, self._statements(tables, post).keys.kids, after=after, most=REJUDGED_AT_ONCE)
        for stored in doubted:
            self._judge_stored(tables, batch, stored, hold=True)
        return doubted[-1].id if doubted else None

    @contextmanager
    def _rejudging(self, tables: CustodyTables) -> Iterator[BatchSorter]:
        now = self._now()
        with tables.connection.transaction():
            batch = BatchSorter(self._chain, (), now)
            yield batch
            tables.write_judgments(batch.writes)  # what was refuted may count as unproven
            _renew_unproven(tables, batch.writes.chains)
            tables.write(batch.writes, now=now)

    def _judge_stored(self, tables: CustodyTables, batch: BatchSorter, stored: RecordRow, *, hold: bool) -> bool:
        """Judge a stored record again; return whether it is proven now.

        Args:
            tables: the session.
            batch: takes what changes.
            stored: the record.
            hold: whether a proven one is to be counted as held; otherwise it is already.

        """
        judgment = judge(stored.restored(), self._statements(tables, stored.post), kept_at=stored.kept_at)
        proven = judgment.proof_state is ProofState.PROVEN
        verdict = judgment.verdict
        place = stored.place
        if hold and proven and place is not None and stored.proof_state is not ProofState.PROVEN:
            held = batch.change(place.chain)
            taken = self.digest(place.chain, place.number) if place.number in held.proven else None
            fate = held.proven.add(place.number, stored.digest, place.previous, stored=taken)
            held.overlaps |= place.number in held.unproven
            if fate is not Fate.NEW:
                # Of a record that is stored again as genuine, one is enough.
                verdict = RecordVerdict.FORKED
        if verdict != stored.verdict:
            batch.rejudge(stored, verdict, judgment)
        return proven

    def _refute_late(self, post: str) -> Iterator[set[ChainName]]:
        """Take back what was made and came after a key's end: before the register told of it, or while admitted."""
        with self._session() as tables:
            withdrawn = {
                admission.key for admission in self._statements(tables, post).admissions if not admission.counts
            }
        for key, ended in self._ended(post).items():
            after: int | None = 0 if key in withdrawn or ended > self._now() - LATE_REGISTER else None
            while after is not None:
                with self._session() as tables, self._rejudging(tables) as batch:
                    rows = tables.signed_after(post, key, ended, after=after, most=REJUDGED_AT_ONCE)
                    self._refute_some(tables, batch, rows, key, ended)
                    after = rows[-1].id if rows else None
                yield batch.touched

    def _refute_some(
        self, tables: CustodyTables, batch: BatchSorter, rows: Sequence[RecordRow], key: str, ended: datetime
    ) -> None:
        firsts: dict[ChainName, int] = {}
        for row in rows:
            place = row.place
            if not made_after(row.restored().event or {}, ended):
                continue
            if place is None:
                self._judge_stored(tables, batch, row, hold=False)
            else:
                firsts[place.chain] = min(firsts.get(place.chain, place.number), place.number)
        for chain, first in firsts.items():
            self._refute(tables, batch, chain, first - 1, key)

    def _refute(self, tables: CustodyTables, batch: BatchSorter, chain: ChainName, number: int, former: str) -> None:
        """Take back what a former key signed in a chain after the record that replaced it, or after its end."""
        if all(run.last <= number for run in self._chain(chain).proven.runs):
            return
        later = tables.of_chain(chain, after=number)
        suspects = [row for row in later if row.key == former and row.proof_state is ProofState.PROVEN]
        refuted = {suspect.id for suspect in suspects if not self._judge_stored(tables, batch, suspect, hold=False)}
        if not refuted:
            return
        held = batch.change(chain)
        held.proven, held.refuted = _cut(held.proven, number, self.digest(chain, number)), True
        for run in tables.purged(chain, proven=True):
            if run.first > number:  # what is gone no one refutes
                held.proven.add_run(run)
        for row in later:
            place = row.place
            if row.id not in refuted and row.verdict in SIGNED and place is not None:
                fate = held.proven.add(place.number, row.digest, place.previous)
                if fate is Fate.NEW and row.verdict == RecordVerdict.FORKED:
                    self._judge_stored(tables, batch, row, hold=False)

    def mark_brokers(self, brokers: frozenset[int]) -> None:
        """Let anyone who looks at the database know which brokers are heard, by their place in the settings.

        Raises:
            StoreError: the database does not answer.

        """
        with self._session() as tables:
            tables.mark_brokers(brokers)

    # --- what is known

    def _chain(self, chain: ChainName) -> ChainHolding:
        if chain not in self._chains:
            with self._session() as tables:
                self._chains[chain] = tables.chain(chain)
        return self._chains[chain]

    def _statements(self, tables: CustodyTables, post: str) -> PostStatements:
        if post not in self._posts:
            statements = PostStatements(
                self._keys(post),
                number=lambda chain, digest: self._number(tables, ChainName(post, chain), digest),
                noted=lambda: self._noted(tables, post),
                ended=self._ended(post),
                admissions=stored_admissions(tables.connection, post),
            )
            statements.add_all(parse(stored.json_bytes()) for stored in tables.naming(post))
            self._posts[post] = statements
        return self._posts[post]

    def _number(self, tables: CustodyTables, chain: ChainName, digest: str) -> int | None:
        """Return the number of a genuine record, once it is known without asking the database again."""
        if (chain, digest) not in self._numbers:
            number = tables.number_of(chain, digest)
            if number is None:
                return None
            self._numbers[chain, digest] = number
        return self._numbers[chain, digest]

    def _noted(self, tables: CustodyTables, post: str) -> dict[str, int]:
        """Return up to which number each chain of a post was kept as genuine."""
        held = {name.chain: self._chain(name).proven.runs for name in tables.chains_of(post)}
        return {chain: runs[-1].last for chain, runs in held.items() if runs}

    @contextmanager
    def _session(self) -> Iterator[CustodyTables]:
        """Give the session, a new one if it broke. Whatever fails in it, what was in memory is not to be relied on."""
        try:
            if self._tables is None or self._tables.closed:
                self._forget()
                self._tables = CustodyTables(self._conninfo, self._bucket)
            yield self._tables
        except psycopg.Error as error:
            self._forget()
            # The text of other errors may repeat what a record says.
            fields = str(error).strip() if isinstance(error, psycopg.OperationalError) else ""
            raise StoreError(f"the database does not take records: {fields or type(error).__name__}") from None
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        if self._tables is not None:
            self._tables.close()
        self._tables = None
        self._chains.clear()
        self._posts.clear()
        self._numbers.clear()


def _stored(
    constants: ConstantsTable,
    number: int,
    record: CustodyRecord,
    filing: Filing,
    judgment: Judgment,
    *,
    now: datetime,
) -> RecordRow:
    """Return a record as it is stored under an id."""
    place = record.place
    verdict = judgment.verdict.value
    group = filing.covert_group
    encoded = constants.encode(record, verdict=verdict, key=judgment.key, group=group)
    return RecordRow(
        id=number,
        retention=filing.retention,
        retained_from=filing.retained_from,
        kept_at=now,
        topic=record.topic,
        post=record.post,
        chain=place.chain.chain if place else None,
        number=place.number if place else None,
        sha256=record.sha256,
        previous=bytes.fromhex(place.previous) if place else None,
        type=record.type,
        verdict=verdict,
        key=judgment.key,
        reason=judgment.reason,
        names=record.event is not None and may_name_numbers(record.event),
        covert_group=group,
        **encoded._asdict(),
    )


def _renew_unproven(tables: CustodyTables, chains: Mapping[ChainName, ChainHolding]) -> None:
    """Leave out of the unproven what is proven by now, and take in what no longer is."""
    for name, held in chains.items():
        if held.refuted:
            purged = tables.purged(name, proven=False)
            left = (run for run in purged if run.first not in held.proven and run.last not in held.proven)
            held.unproven = Holding(left)
            for row in tables.odd_of_chain(name):
                place = row.place if row.proof_state is ProofState.UNPROVEN else None
                if place is not None and place.number not in held.proven:
                    held.unproven.add(place.number, row.digest, place.previous)
        elif held.overlaps:
            held.unproven = _without(held.unproven, held.proven, tables, name)
        held.refuted = held.overlaps = False


def _without(unproven: Holding, proven: Holding, tables: CustodyTables, name: ChainName) -> Holding:
    """Return what is unproven without what is proven: of long runs, only the ends are asked for."""

    def twin(number: int) -> RecordRow | None:
        placed = tables.placed([(*name, number)])
        return next((row for row in placed if row.proof_state is ProofState.UNPROVEN), None)

    taken = Excuses((run.first, run.last) for run in proven.runs)
    runs = []
    for run in unproven.runs:
        for first, last in taken.left_of([(run.first, run.last)]):
            begin = None if first == run.first else twin(first)
            end = None if last == run.last else twin(last)
            if (begin or first == run.first) and (end or last == run.last):  # of what was purged no one knows more
                previous = (begin.previous or b"").hex() if begin else run.previous
                runs.append(LinkedRun(first, last, previous, end.digest if end else run.digest))
    return Holding(runs)


def _cut(holding: Holding, number: int, digest: str | None) -> Holding:
    """Return what is held up to a number, whose record has that digest."""
    runs = [run for run in holding.runs if run.first <= number]
    if runs and runs[-1].last > number:
        last = runs.pop()
        runs.append(LinkedRun(last.first, number, last.previous, digest or last.digest))
    forks = (fork for fork in holding.forks if fork.number <= number)
    return Holding(runs, dropped=holding.dropped, forks=forks)
