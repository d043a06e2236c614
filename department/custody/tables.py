"""The keeper's session with the database: what it asks and what it writes, in SQL."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.constants import ConstantsTable
from platepost.department.custody.errors import StoreError
from platepost.department.custody.holding import ChainName, Fork, Holding, LinkedRun
from platepost.department.custody.pictures import announce_objects, put_pictures
from platepost.department.custody.projections import ACCESSES, PROJECTIONS, Projection, Row
from platepost.department.custody.record import LARGEST_NUMBER, PictureBytes, RecordRow
from platepost.department.database.queries import insert_rows

LOCK = 5_806_774_213
"""Advisory lock of the one keeper that writes to a database."""
KEEPERS = f"""
SELECT held.application_name, held.pid, held.backend_start
FROM pg_locks AS lock JOIN pg_stat_activity AS held USING (pid)
WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 1
AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND (lock.classid::bigint << 32) + lock.objid::bigint = {LOCK}
"""
"""The session of the keeper that runs. Others, such as the evidence service, use its role, too."""
BROKER_LOCKS = 580_677
"""First number of the advisory locks that show which brokers the keeper is connected to; the second is the broker's
place in the settings. They end with the keeper's session, however it ends."""
LOCK_MILLISECONDS = 10_000
"""How long a start waits for it: the server needs a moment to see that a keeper that was killed is gone."""
SESSION = (
    # Durable is durable, whatever the server's default is; with a standby, on the standby too.
    "SET synchronous_commit = on",
    # All that the keeper asks is a few rows by an index, however little the statistics tell of new partitions.
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET enable_seqscan = off",
    "SET jit = off",
)
_STAGED = ("custody_record", "custody_picture", "custody_rejudged", *(projection.table for projection in PROJECTIONS))
# By the index on those that were not genuine when they came: the view's verdict is the last.
_DOUBTED = (
    "SELECT j.* FROM custody_record r JOIN custody_judged j USING (id, class, retained_from)"
    " WHERE r.verdict <> 'genuine' AND r.post = %s"
)
OF_CHAIN = (
    "post = %(post)s AND chain = %(chain)s AND custody_line(chain, sequence)"
    f" BETWEEN custody_line(%(chain)s, %(begin)s) AND custody_line(%(chain)s, {LARGEST_NUMBER})"
)
"""Which records are of a chain, from a number on, as the index has them."""
AHEAD = timedelta(days=14)
"""How far ahead partitions are made of all tables. What a record needs beyond that is made when it comes."""


class TallyKey(NamedTuple):
    """What is counted together."""

    post: str
    day: date
    type: str
    verdict: str
    covert_group: str | None


@dataclass(slots=True)
class ChainHolding:
    """What is held of one chain."""

    proven: Holding
    unproven: Holding
    odd: bool
    """Whether records of it are stored that are not genuine."""
    covert_group: str | None
    overlaps: bool = False
    """Whether a number of `unproven` is proven by now."""
    refuted: bool = False
    """Whether what was proven is unproven again."""


@dataclass(slots=True)
class Batch:
    """What one transaction writes."""

    records: list[RecordRow] = field(default_factory=list)
    pictures: list[tuple[RecordRow, PictureBytes]] = field(default_factory=list)
    rejudged: list[Row] = field(default_factory=list)
    """Rows of `custody_rejudged` without their id."""
    projected: dict[Projection, list[Row]] = field(default_factory=lambda: defaultdict(list))
    tally: dict[TallyKey, int] = field(default_factory=lambda: defaultdict(int))
    chains: dict[ChainName, ChainHolding] = field(default_factory=dict)
    """Those that changed."""


class CustodyTables:
    """One session of the one keeper. Whatever fails, fails with psycopg.Error, and the session is of no use any more.

    Args:
        conninfo: libpq's connection string, of the role `platepost_keeper`.
        bucket: where pictures are to be stored; in the database if None.

    Raises:
        StoreError: another keeper works on the database.
        psycopg.Error: it cannot be reached.

    """

    def __init__(self, conninfo: str, bucket: PictureBucket | None = None) -> None:
        self._bucket = bucket
        self._objects: list[UUID] = []
        """Names of objects for the next transaction."""
        self.connection = psycopg.connect(conninfo, autocommit=True)
        try:
            self._begin()
        except BaseException:
            self.connection.close()
            raise
        self.constants = ConstantsTable(self.connection)
        self._weeks: set[date] = set()
        """Those that have their partitions."""
        self._marked: frozenset[int] = frozenset()
        """Brokers whose locks are held."""

    def close(self) -> None:
        """End the session; the lock goes with it."""
        self.connection.close()

    @property
    def closed(self) -> bool:
        """Whether it is of no use any more."""
        return self.connection.closed or self.connection.broken

    def _begin(self) -> None:
        for setting in SESSION:
            self.connection.execute(setting)
        self.connection.execute("SELECT set_config('lock_timeout', %s, false)", [str(LOCK_MILLISECONDS)])
        try:
            self.connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        except psycopg.errors.LockNotAvailable:
            raise StoreError(f"another archive service works on this database: {self._other()}") from None
        for table in _STAGED:
            new = sql.Identifier(table.replace("custody_", "new_"))
            text = "CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
            self.connection.execute(sql.SQL(text).format(new, sql.Identifier(table)))

    def _other(self) -> str:
        row = self.connection.execute(KEEPERS).fetchone()
        return "one that has just ended" if row is None else f"{row[0]}, process {row[1]} of the server, since {row[2]}"

    # --- asking

    def allot(self, count: int) -> list[int]:
        """Return new ids of records, ascending."""
        rows = self.connection.execute(
            "SELECT nextval('custody_record_id') FROM generate_series(1, %s)", [count]
        ).fetchall()
        return [row[0] for row in rows]

    def chains(self) -> list[ChainName]:
        """Return every chain of which something is held."""
        held = "SELECT post, chain FROM custody_holding WHERE runs <> '[]' OR unproven <> '[]'"
        return [ChainName(*row) for row in self.connection.execute(held)]

    def chains_of(self, post: str) -> list[ChainName]:
        """Return the chains of a post of which something is held."""
        held = "SELECT post, chain FROM custody_holding WHERE post = %s"
        return [ChainName(*row) for row in self.connection.execute(held, [post])]

    def chain(self, chain: ChainName) -> ChainHolding:
        """Return what is held of a chain."""
        odd = self.connection.execute(
            "SELECT EXISTS (SELECT FROM custody_record WHERE post = %s AND chain = %s AND verdict <> 'genuine')", chain
        ).fetchone()
        row = self.connection.execute(
            "SELECT runs, unproven, dropped, forks, covert_group FROM custody_holding WHERE post = %s AND chain = %s",
            chain,
        ).fetchone()
        is_odd = bool(odd and odd[0])
        if row is None:
            return ChainHolding(Holding(), Holding(), odd=is_odd, covert_group=None)
        runs, unproven, dropped, forks, group = row
        proven = Holding(
            (LinkedRun(*run) for run in runs),
            dropped=((first, last) for first, last in dropped),
            forks=(Fork(*fork) for fork in forks),
        )
        return ChainHolding(proven, Holding(LinkedRun(*run) for run in unproven), odd=is_odd, covert_group=group)

    def placed(self, places: Iterable[tuple[str, str, int]]) -> list[RecordRow]:
        """Return the stored records of numbers, each given as post, chain, number; the first stored comes first."""
        posts, chains, numbers = zip(*places, strict=True)
        return self._stored(
            "SELECT j.* FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS w (post, chain, sequence)"
            " JOIN custody_judged j ON custody_line(j.chain, j.sequence) = custody_line(w.chain, w.sequence)"
            " AND j.post = w.post AND j.chain = w.chain AND j.sequence = w.sequence ORDER BY j.id",
            list(posts),
            list(chains),
            list(numbers),
        )

    def loose(self, digests: Iterable[tuple[str, bytes]]) -> list[RecordRow]:
        """Return the stored records without a place in a chain, each asked for by post and digest."""
        posts, digest_values = zip(*digests, strict=True)
        return self._stored(
            "SELECT j.* FROM unnest(%s::text[], %s::bytea[]) AS w (post, digest)"
            " JOIN custody_judged j ON j.post = w.post AND j.digest = w.digest AND j.chain IS NULL ORDER BY j.id",
            list(posts),
            list(digest_values),
        )

    def of_chain(self, chain: ChainName, *, after: int) -> list[RecordRow]:
        """Return the stored records of a chain after a number."""
        select = f"SELECT * FROM custody_judged WHERE {OF_CHAIN} ORDER BY id"
        rows = self.connection.execute(select, chain._asdict() | {"begin": after + 1})
        return [RecordRow(*row) for row in rows]

    def odd_of_chain(self, chain: ChainName) -> list[RecordRow]:
        """Return the stored records of a chain that were not judged genuine when they came, or no longer are."""
        return self._stored(
            f"SELECT * FROM ({_DOUBTED} AND r.chain = %s UNION SELECT * FROM custody_judged WHERE id = ANY (ARRAY("
            "SELECT record_id FROM custody_rejudged WHERE verdict <> 'genuine'"
            ")) AND post = %s AND chain = %s) AS odd ORDER BY id",
            *(*chain, *chain),
        )

    def _stored(self, query: str, *values: object) -> list[RecordRow]:
        return [RecordRow(*row) for row in self.connection.execute(query, values)]

    def purged(self, chain: ChainName, *, proven: bool) -> list[LinkedRun]:
        """Return the purged records of a chain that count as held, in ascending order."""
        rows = self.connection.execute(
            "SELECT first, last, encode(previous, 'hex'), encode(digest, 'hex') FROM custody_purged"
            " WHERE post = %s AND chain = %s AND proven = %s ORDER BY first",
            [*chain, proven],
        )
        return [LinkedRun(*row) for row in rows]

    def number_of(self, chain: ChainName, digest: str) -> int | None:
        """Return the number of a genuine record of a chain by its digest."""
        row = self.connection.execute(
            f"SELECT sequence FROM custody_judged WHERE {OF_CHAIN} AND digest = %(digest)s"
            " AND verdict IN ('genuine', 'unknown') LIMIT 1",
            chain._asdict() | {"begin": 0, "digest": bytes.fromhex(digest)},
        ).fetchone()
        return None if row is None else int(row[0])

    def posts_with_doubts(self) -> list[str]:
        """Return the posts of which records are stored that may be judged otherwise one day."""
        rows = self.connection.execute(
            "SELECT DISTINCT post FROM custody_record WHERE verdict IN ('foreign', 'forged', 'unknown')"
            " AND key IS NOT NULL"
        )
        return [row[0] for row in rows]

    def naming(self, post: str) -> list[RecordRow]:
        """Return a post's records that may name numbers or keys, in the order of their coming."""
        return self._stored("SELECT * FROM custody_stored WHERE names AND post = %s ORDER BY id", post)

    def doubted(self, post: str, keys: Iterable[str], *, after: int, most: int) -> list[RecordRow]:
        """Return stored records of a post by some keys that are not judged genuine, in the order of their coming."""
        # Each verdict by itself: only so does the index bring them in that order.
        return self._stored(
            "SELECT d.* FROM unnest(ARRAY['foreign', 'forged', 'unknown']) AS v (verdict), LATERAL ("
            f"{_DOUBTED} AND r.verdict = v.verdict AND r.id > %s AND r.key = ANY (%s)"
            " AND j.verdict IN ('foreign', 'forged', 'unknown') ORDER BY r.id LIMIT %s) AS d ORDER BY d.id LIMIT %s",
            *(post, after, list(keys), most, most),
        )

    def signed_after(self, post: str, key: str, ended: datetime, *, after: int, most: int) -> list[RecordRow]:
        """Return some records that are kept as signed by a key and came after its end, in the order of their coming."""
        return self._stored(
            "SELECT * FROM custody_judged WHERE post = %s AND key = %s AND verdict IN ('genuine', 'unknown')"
            " AND kept_at > %s AND retained_from > %s AND id > %s ORDER BY id LIMIT %s",
            *(post, key, ended, ended, after, most),
        )

    def ensure_partitions(self, moments: Iterable[datetime], *, now: datetime) -> None:
        """Make the partitions of the weeks in which moments are, and those ahead: no write fails for lack of one.

        In no transaction: what is made stays, whatever becomes of the records.
        """
        days = (moment.astimezone(UTC).date() for moment in (*moments, now, now + AHEAD))
        for week in sorted({day - timedelta(days=day.weekday()) for day in days} - self._weeks):
            self.connection.execute("SELECT custody_make_partitions(%s, %s)", [week, week])
            self._weeks.add(week)

    def expect_pictures(self, count: int) -> None:
        """Make ready for so many pictures at most of the next transaction; in no transaction.

        Raises:
            PictureStoreError: the bucket did not take those before, and still does not answer.

        """
        self._objects = []
        if self._bucket is not None and count:
            self._bucket.check_if_failed()
            self._objects = announce_objects(self.connection, count)

    def mark_brokers(self, brokers: frozenset[int]) -> None:
        """Hold a lock for each broker that is heard, by its place in the settings, and for no other."""
        for verb, places in (("lock", brokers - self._marked), ("unlock", self._marked - brokers)):
            for place in places:
                self.connection.execute(sql.SQL("SELECT pg_advisory_" + verb + "(%s, %s)"), [BROKER_LOCKS, place])
        self._marked = brokers

    # --- writing, within a transaction

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Have what is done within this be committed, and durable once this ends.

        The commit wakes the program that waits for hits, which reads them while the disk still writes them. No one is
        shown a hit before an entry of the ledger is durable, and with it everything committed before that entry.
        """
        with self.connection.transaction():
            self.connection.execute("SET LOCAL synchronous_commit = off")
            yield
        self.connection.execute("SELECT ledger_flush()", prepare=True)

    def write(self, batch: Batch, *, now: datetime) -> None:
        """Write a batch. Its pictures are durable before the commit may be.

        Raises:
            PictureStoreError: the bucket does not take them.

        """
        self._insert("custody_record", [record.columns for record in batch.records])
        # While the bucket takes them, the database takes the rest.
        finish = put_pictures(self.connection, batch.pictures, self._bucket, self._objects) if batch.pictures else None
        # Hits before withdrawals: new alerts are looked up among what left the lists before old ones are withdrawn, as
        # a person who takes an entry off does.
        for projection in PROJECTIONS:
            if projection is not ACCESSES:
                self._insert(projection.table, batch.projected.get(projection, ()))
        self.write_judgments(batch)
        self._write_chains(batch.chains)
        self._write_tally(batch.tally, now)
        if finish is not None:
            finish()
        # Last, as people enter what they do: with this, no one else can enter anything until the transaction ends.
        self._insert(ACCESSES.table, batch.projected.get(ACCESSES, ()))

    def write_judgments(self, batch: Batch) -> None:
        """Write the later judgments of a batch ahead of the rest."""
        if batch.rejudged:
            ids = self.allot(len(batch.rejudged))
            self._insert("custody_rejudged", [(number, *row) for number, row in zip(ids, batch.rejudged, strict=True)])
            self.connection.execute("SELECT custody_retract(%s)", [[row[0] for row in batch.rejudged]])
            batch.rejudged.clear()

    def _insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            insert_rows(self.connection, table, table.replace("custody_", "new_"), rows)

    def _write_chains(self, chains: Mapping[ChainName, ChainHolding]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO custody_holding (post, chain, covert_group, runs, unproven, dropped, forks)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (post, chain) DO UPDATE SET"
                " covert_group = excluded.covert_group, runs = excluded.runs, unproven = excluded.unproven,"
                " dropped = excluded.dropped, forks = excluded.forks",
                [
                    (
                        *name,
                        held.covert_group,
                        *map(Jsonb, (_runs(held.proven), _runs(held.unproven))),
                        Jsonb([list(span) for span in held.proven.dropped]),
                        Jsonb([list(fork) for fork in sorted(held.proven.forks)]),
                    )
                    for name, held in chains.items()
                ],
            )

    def _write_tally(self, tally: Mapping[TallyKey, int], now: datetime) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO custody_tally AS t (post, day, type, verdict, covert_group, count, last_kept_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (post, day, type, verdict, covert_group)"
                " DO UPDATE SET count = t.count + excluded.count, last_kept_at = excluded.last_kept_at",
                [(*key, count, now) for key, count in tally.items()],
            )


def _runs(holding: Holding) -> list[list[Any]]:
    return [[run.first, run.last, run.previous, run.digest] for run in holding.runs]
