"""The department's store of records: PostgreSQL, one transaction a batch, each record exactly once.

**What is one record.** Post, chain, number and digest. The digest covers what was signed; the signature and the
pictures' bytes lie outside of it. So a record that is stored is a duplicate of another only if that one is genuine as
well, or if the bytes are the same: whoever sends a post's record ahead with a spoiled signature or a spoiled picture
keeps nothing out. Duplicates are counted, and not stored again. A picture that comes later than its record is added.

**What counts as held.** A receipt says that bytes are durable, and no more (RECEIPT). But a receipt names one digest
for a number, and a post that finds another than its own lets nothing go. So proven records count first; unproven ones,
by a key that is not known or not good there, count where no proven one of their number is held, beside the proven and
never joined to them, and yield; refused ones count nowhere. `verdict` says which is which. A post whose key the
register does not have yet is receipted all the same, and a stranger who writes below its name blocks nothing once it
has.

**Later knowledge.** A key that comes, by the register or by a record that vouches for it, has records judged again:
`judge_again`, and by itself where a record vouches. What a former key signed after the record that replaced it is
refuted, even where it came first. Judgments are added, never changed; projections that were refuted are taken back.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Self

import psycopg

from department.custody.codec import decode
from department.custody.errors import StoreError
from department.custody.given_up import GivenUp, HeardPost, PostStatements, may_name_numbers
from department.custody.holding import ChainName, Fate, Holding, LinkedRun
from department.custody.messages import ReceivedMessage
from department.custody.record import CustodyRecord, Filing, restored, take, unreadable
from department.custody.sorting import PROVEN, BatchSorter, JudgedRecord, counted
from department.custody.tables import CustodyTables, HeldChain, StoredBody, StoredTwin
from department.custody.verdict import Judgment, RecordStanding, RecordVerdict, judge
from device.records.canonical import parse
from device.records.signing import Keyring
from device.records.verify.chains import Absence, Excuses

log = logging.getLogger(__name__)

REJUDGED_AT_ONCE = 500
"""Records that one transaction judges again."""


class CustodyStore:
    """Keeps what was delivered, and knows what is held of each chain. For one thread; a context manager.

    A session that broke is begun anew by the next call. What was in doubt comes again and is a duplicate by then.

    Args:
        conninfo: libpq's connection string, of the role `platepost_keeper`.
        keys: returns a post's record-signing keys as far as the department knows them.
        now: the custodian's clock.

    Raises:
        StoreError: the database cannot be reached, or another keeper works on it.

    """

    def __init__(
        self,
        conninfo: str,
        *,
        keys: Callable[[str], Keyring],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._conninfo = conninfo
        self._keys = keys
        self._now = now
        self._tables: CustodyTables | None = None
        self._chains: dict[ChainName, HeldChain] = {}
        self._posts: dict[str, HeardPost] = {}
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
        both = Holding((*held.proven.runs, *held.unproven.runs), given_up=held.proven.given_up, forks=held.proven.forks)
        both.repeated = held.proven.repeated or held.unproven.repeated
        return both

    def digest(self, chain: ChainName, number: int) -> str | None:
        """Return the digest of the record that counts as held under a number; None if it is not known any more.

        Raises:
            StoreError: the database does not answer.

        """
        with self._session() as tables:
            held = self._chain(chain)
            return counted(tables.placed([(*chain, number)]), unproven=number not in held.proven)

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
        """Judge anew, by the keys known now, what is not genuine of a post; give the chains to be receipted.

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
            if len(messages) > 1:
                return {chain for message in messages for chain in self._keep_whatever(tables, [message], again)}
            log.error("%s: the database does not take a record: %s", messages[0].post, type(error).__name__)  # noqa: TRY400 - its text may repeat what the record says
            return self._keep(tables, [unreadable(messages[0], "the database does not take it")], again)

    def _keep(self, tables: CustodyTables, records: Sequence[CustodyRecord], again: set[str]) -> set[ChainName]:
        now = self._now()
        filings = [record.filing(now) for record in records]
        tables.partitions.ensure((filing.retained_from for filing in filings), now=now)
        with tables.connection.transaction():
            named: list[GivenUp] = []
            judgments = []
            for record in records:
                heard = self._heard(tables, record.post)
                judgments.append(judge(record, heard.statements))
                if record.event is not None and may_name_numbers(record.event):
                    known = heard.knowledge
                    named += heard.hear(record.event)
                    if heard.knowledge != known:
                        again.add(record.post)
            batch = BatchSorter(self._chain, self._stored(tables, records, judgments), now)
            ids = tables.allot(len(records))
            for came in map(JudgedRecord, ids, records, filings, judgments):
                batch.add(came)
            _give_up(batch, named)
            _renew_unproven(tables, batch.writes.chains)
            tables.write(batch.writes, now=now)
        return batch.touched

    def _stored(
        self, tables: CustodyTables, records: Sequence[CustodyRecord], judgments: Sequence[Judgment]
    ) -> Iterator[StoredTwin]:
        """Return what is stored already under the records' numbers, or, of loose ones, digests."""
        places, loose = set(), set()
        for record, judgment in zip(records, judgments, strict=True):
            place = record.place
            if place is None:
                loose.add((record.post, record.digest))
            elif judgment.standing is not RecordStanding.PROVEN or self._may_be_stored(place.chain, place.number):
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
            heard = self._heard(tables, post)
            _give_up(batch, heard.given_up)
            for change in heard.statements.changes:
                self._refute(tables, batch, ChainName(post, change.chain), change.sequence, change.former)
        yield batch.touched
        after: int | None = 0
        while after is not None:
            with self._session() as tables, self._rejudging(tables) as batch:
                after = self._judge_some(tables, batch, post, after)
            yield batch.touched

    def _judge_some(self, tables: CustodyTables, batch: BatchSorter, post: str, after: int) -> int | None:
        """Judge anew some of a post's doubted records; return the id of the last, None if there is none."""
        keys = self._heard(tables, post).statements.keys.kids
        bodies = tables.doubted(post, keys, after=after, most=REJUDGED_AT_ONCE)
        for body in bodies:
            self._judge_body(tables, batch, body, hold=True)
        return bodies[-1].id if bodies else None

    @contextmanager
    def _rejudging(self, tables: CustodyTables) -> Iterator[BatchSorter]:
        now = self._now()
        with tables.connection.transaction():
            batch = BatchSorter(self._chain, (), now)
            yield batch
            _renew_unproven(tables, batch.writes.chains)
            tables.write(batch.writes, now=now)

    def _judge_body(self, tables: CustodyTables, batch: BatchSorter, body: StoredBody, *, hold: bool) -> bool:
        """Judge a stored record anew; return whether it is proven now.

        Args:
            tables: the session.
            batch: takes what changes.
            body: the record.
            hold: whether a proven one is to be counted as held; otherwise it is already.

        """
        record = restored(body.topic, body.post, decode(body.codec, body.body))
        judgment = judge(record, self._heard(tables, body.post).statements)
        proven, verdict = judgment.standing is RecordStanding.PROVEN, judgment.verdict
        place = record.place
        if hold and proven and place is not None and body.verdict not in PROVEN:
            held = batch.change(place.chain)
            taken = counted(tables.placed([(*place.chain, place.number)])) if place.number in held.proven else None
            fate = held.proven.add(place.number, record.digest, place.previous, stored=taken)
            held.overlaps |= place.number in held.unproven
            if fate is not Fate.NEW:
                # Of a record that is stored once more as genuine, one is enough.
                verdict = RecordVerdict.FORKED
        if verdict != body.verdict:
            filing = Filing(body.retention, body.retained_from, body.covert_group)
            batch.rejudge(body.id, filing, verdict, judgment)
            batch.count(body.post, record.type, filing, body.verdict, at=body.kept_at, by=-1)
            batch.count(body.post, record.type, filing, verdict, at=body.kept_at)
            if verdict is RecordVerdict.GENUINE and judgment.event is not None:
                batch.project(body.id, body.post, filing, judgment.event)
        return proven

    def _refute(self, tables: CustodyTables, batch: BatchSorter, chain: ChainName, number: int, former: str) -> None:
        """Take back what a former key signed in a chain after the record that replaced it."""
        if all(run.last <= number for run in self._chain(chain).proven.runs):
            return
        later = tables.of_chain(chain, after=number)
        suspects = [twin.id for twin in later if twin.key == former and (twin.verdict in PROVEN)]
        refuted = {body.id for body in tables.bodies(suspects) if not self._judge_body(tables, batch, body, hold=False)}
        if not refuted:
            return
        held = batch.change(chain)
        held.proven, held.refuted = _cut(held.proven, number, self.digest(chain, number)), True
        for twin in later:
            if twin.id in refuted or twin.verdict not in PROVEN | {RecordVerdict.FORKED} or twin.number is None:
                continue
            fate = held.proven.add(twin.number, twin.digest, twin.previous)
            if fate is Fate.NEW and twin.verdict == RecordVerdict.FORKED:
                for body in tables.bodies([twin.id]):
                    self._judge_body(tables, batch, body, hold=False)

    # --- what is known

    def _chain(self, chain: ChainName) -> HeldChain:
        if chain not in self._chains:
            with self._session() as tables:
                self._chains[chain] = tables.chain(chain)
        return self._chains[chain]

    def _heard(self, tables: CustodyTables, post: str) -> HeardPost:
        if post not in self._posts:
            statements = PostStatements(
                self._keys(post), numbers=_NumbersOfDigests(tables, post), noted=lambda: self._noted(tables, post)
            )
            events = [parse(decode(codec, body)) for codec, body in tables.naming(post)]
            self._posts[post] = HeardPost(post, statements, events)
        return self._posts[post]

    def _noted(self, tables: CustodyTables, post: str) -> dict[str, int]:
        """Return up to which number each chain of a post was kept as genuine."""
        held = {name.chain: self._chain(name).proven.runs for name in tables.chains_of(post)}
        return {chain: runs[-1].last for chain, runs in held.items() if runs}

    @contextmanager
    def _session(self) -> Iterator[CustodyTables]:
        """Give the session, begun anew if it broke. Whatever fails in it, what was in memory is not to be relied on."""
        try:
            if self._tables is None or self._tables.closed:
                self._forget()
                self._tables = CustodyTables(self._conninfo)
            yield self._tables
        except psycopg.Error as error:
            self._forget()
            # The text of other errors may repeat what a record says.
            said = f": {error}" if isinstance(error, psycopg.OperationalError) else ""
            raise StoreError(f"the database does not take records ({type(error).__name__}{said})") from None
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        if self._tables is not None:
            self._tables.close()
        self._tables = None
        self._chains.clear()
        self._posts.clear()


class _NumbersOfDigests(Mapping[tuple[str, str], int]):
    """The number of each genuine record of a post, by chain and digest; asked of the database."""

    def __init__(self, tables: CustodyTables, post: str) -> None:
        self._tables = tables
        self._post = post
        self._known: dict[tuple[str, str], int] = {}

    def __getitem__(self, key: tuple[str, str]) -> int:
        if key not in self._known:
            chain, digest = key
            found = self._tables.number_of(ChainName(self._post, chain), digest)
            if found is None:
                raise KeyError(key)
            self._known[key] = found
        return self._known[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def _give_up(batch: BatchSorter, named: Iterable[GivenUp]) -> None:
    for chain, spans in named:
        batch.change(chain).proven.give_up(spans)


def _renew_unproven(tables: CustodyTables, chains: Mapping[ChainName, HeldChain]) -> None:
    """Leave out of the unproven what is proven by now, and take in what is not any more."""
    for name, held in chains.items():
        if held.refuted:
            held.unproven = Holding()
            for twin in tables.of_chain(name, odd=True):
                if twin.unproven and twin.number is not None and twin.number not in held.proven:
                    held.unproven.add(twin.number, twin.digest, twin.previous)
        elif held.overlaps:
            held.unproven = _without(held.unproven, held.proven, tables, name)
        held.refuted = held.overlaps = False


def _without(unproven: Holding, proven: Holding, tables: CustodyTables, name: ChainName) -> Holding:
    """Return what is unproven without what is proven: of long runs, only the ends are asked for."""

    def twin(number: int) -> StoredTwin:
        return next(each for each in tables.placed([(*name, number)]) if each.unproven)

    taken = Excuses((run.first, run.last) for run in proven.runs)
    runs = []
    for run in unproven.runs:
        for left in taken.left_of([Absence(run.first, run.last)]):
            previous = run.previous if left.first == run.first else twin(left.first).previous
            digest = run.digest if left.last == run.last else twin(left.last).digest
            runs.append(LinkedRun(left.first, left.last, previous, digest))
    return Holding(runs)


def _cut(holding: Holding, number: int, digest: str | None) -> Holding:
    """Return what is held up to a number, whose record has that digest."""
    runs = [run for run in holding.runs if run.first <= number]
    if runs and runs[-1].last > number:
        last = runs.pop()
        runs.append(LinkedRun(last.first, number, last.previous, digest or last.digest))
    forks = (fork for fork in holding.forks if fork.number <= number)
    return Holding(runs, given_up=holding.given_up, forks=forks)
