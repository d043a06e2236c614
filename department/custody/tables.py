"""The keeper's session with the database: what it asks and what it writes, in SQL."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from department.custody.errors import StoreError
from department.custody.holding import ChainName, Fork, Holding, LinkedRun
from department.custody.partitions import Partitions
from department.custody.pictures import DatabasePictures, FiledPicture
from department.custody.projections import PROJECTIONS, Projection, Row
from department.custody.record import Filing

LOCK = 5_806_774_213
"""Advisory lock of the one keeper that writes to a database."""
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
_STAGED = ("custody_record", "custody_picture", "custody_rejudged", *(each.table for each in PROJECTIONS))
_ODD = " AND r.verdict <> 'genuine'"
JUDGED = (
    "coalesce((SELECT j.verdict FROM custody_rejudged j WHERE j.record_id = r.id AND j.class = r.class"
    " AND j.retained_from = r.retained_from ORDER BY j.id DESC LIMIT 1), r.verdict)"
)
"""The last judgment of the record `r`, as a column."""
_FOUND = (
    "SELECT r.id, r.class, r.retained_from, r.covert_group, r.post, r.chain, r.sequence, r.digest, r.previous,"
    f" {JUDGED}, r.key, sha256(r.body), (SELECT count(*) FROM custody_picture p WHERE p.record_id = r.id"
    " AND p.class = r.class AND p.retained_from = r.retained_from) FROM"
)

_BODY = (
    "SELECT r.id, r.class, r.retained_from, r.covert_group, r.kept_at, r.topic, r.post,"
    f" {JUDGED}, r.codec, r.body FROM custody_record r"
)


@dataclass(frozen=True, slots=True)
class StoredTwin:
    """What is known of a stored record of a number, or of a digest."""

    id: int
    filing: Filing
    post: str
    chain: str | None
    number: int | None
    digest: str
    previous: str
    """Digest that it names of the record before it; empty without a place in a chain."""
    verdict: str
    """As judged last."""
    key: str | None
    body_digest: bytes
    """SHA-256 of the stored body: two records of one digest may differ in their signatures."""
    pictures: int

    @property
    def unproven(self) -> bool:
        """Whether nothing refutes it, and no good key has signed it."""
        return self.verdict == "foreign" or (self.verdict == "forged" and self.key is not None)


class StoredBody(NamedTuple):
    """A stored record, to be judged again."""

    id: int
    retention: str
    retained_from: datetime
    covert_group: str | None
    kept_at: datetime
    topic: str
    post: str
    verdict: str
    codec: int
    body: bytes


class TallyKey(NamedTuple):
    """What is counted together."""

    post: str
    day: date
    type: str
    verdict: str
    covert_group: str | None


@dataclass(slots=True)
class HeldChain:
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

    records: list[Row] = field(default_factory=list)
    pictures: list[FiledPicture] = field(default_factory=list)
    rejudged: list[Row] = field(default_factory=list)
    """Rows of `custody_rejudged` without their id."""
    projected: dict[Projection, list[Row]] = field(default_factory=lambda: defaultdict(list))
    tally: dict[TallyKey, int] = field(default_factory=lambda: defaultdict(int))
    chains: dict[ChainName, HeldChain] = field(default_factory=dict)
    """Those that changed."""


class CustodyTables:
    """One session of the one keeper. Whatever fails, fails with psycopg.Error, and the session is of no use any more.

    Args:
        conninfo: libpq's connection string, of the role `platepost_keeper`.

    Raises:
        StoreError: another keeper works on the database.
        psycopg.Error: it cannot be reached.

    """

    def __init__(self, conninfo: str) -> None:
        self.connection = psycopg.connect(conninfo, autocommit=True)
        try:
            self._begin()
        except BaseException:
            self.connection.close()
            raise
        self.partitions = Partitions(self.connection)
        self.pictures = DatabasePictures(self.connection)

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
            raise StoreError(f"another keeper works on this database: {self._other()}") from None
        self._types: dict[str, list[int]] = {}
        for table in _STAGED:
            new = sql.Identifier(table.replace("custody_", "new_"))
            made = "CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
            self.connection.execute(sql.SQL(made).format(new, sql.Identifier(table)))
            described = self.connection.execute(sql.SQL("TABLE {} LIMIT 0").format(new)).description or ()
            self._types[table] = [column.type_code for column in described]

    def _other(self) -> str:
        row = self.connection.execute(
            "SELECT a.application_name, a.pid, a.backend_start FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND (l.classid::bigint << 32) + l.objid::bigint = %s",
            [LOCK],
        ).fetchone()
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

    def chain(self, chain: ChainName) -> HeldChain:
        """Return what is held of a chain."""
        odd = self.connection.execute(
            "SELECT EXISTS (SELECT FROM custody_record WHERE post = %s AND chain = %s AND verdict <> 'genuine')", chain
        ).fetchone()
        row = self.connection.execute(
            "SELECT runs, unproven, given_up, forks, covert_group FROM custody_holding WHERE post = %s AND chain = %s",
            chain,
        ).fetchone()
        is_odd = bool(odd and odd[0])
        if row is None:
            return HeldChain(Holding(), Holding(), odd=is_odd, covert_group=None)
        runs, unproven, given_up, forks, group = row
        proven = Holding(
            (LinkedRun(*run) for run in runs),
            given_up=((first, last) for first, last in given_up),
            forks=(Fork(*fork) for fork in forks),
        )
        return HeldChain(proven, Holding(LinkedRun(*run) for run in unproven), odd=is_odd, covert_group=group)

    def placed(self, places: Iterable[tuple[str, str, int]]) -> list[StoredTwin]:
        """Return the stored records of numbers, each given as post, chain, number; the first stored comes first."""
        posts, chains, numbers = zip(*places, strict=True)
        rows = self.connection.execute(
            f"{_FOUND} unnest(%s::text[], %s::text[], %s::bigint[]) AS w (post, chain, sequence)"
            " JOIN custody_record r ON r.post = w.post AND r.chain = w.chain AND r.sequence = w.sequence ORDER BY r.id",
            [list(posts), list(chains), list(numbers)],
        )
        return [_twin(row) for row in rows]

    def loose(self, digests: Iterable[tuple[str, str]]) -> list[StoredTwin]:
        """Return the stored records without a place in a chain, each asked for by post and digest."""
        posts, wanted = zip(*digests, strict=True)
        rows = self.connection.execute(
            f"{_FOUND} unnest(%s::text[], %s::bytea[]) AS w (post, digest)"
            " JOIN custody_record r ON r.post = w.post AND r.digest = w.digest AND r.chain IS NULL ORDER BY r.id",
            [list(posts), [bytes.fromhex(digest) for digest in wanted]],
        )
        return [_twin(row) for row in rows]

    def of_chain(self, chain: ChainName, *, after: int = 0, odd: bool = False) -> list[StoredTwin]:
        """Return the stored records of a chain after a number, or only those not judged genuine when they came."""
        rows = self.connection.execute(
            f"{_FOUND} custody_record r WHERE r.post = %s AND r.chain = %s AND r.sequence > %s"
            f"{_ODD if odd else ''} ORDER BY r.id",
            [*chain, after],
        )
        return [_twin(row) for row in rows]

    def number_of(self, chain: ChainName, digest: str) -> int | None:
        """Return the number of a genuine record of a chain by its digest."""
        row = self.connection.execute(
            f"SELECT r.sequence FROM custody_record r WHERE r.post = %s AND r.chain = %s AND r.digest = %s"
            f" AND {JUDGED} IN ('genuine', 'unknown') LIMIT 1",
            [*chain, bytes.fromhex(digest)],
        ).fetchone()
        return None if row is None else int(row[0])

    def posts_with_doubts(self) -> list[str]:
        """Return the posts of which records are stored that may be judged otherwise one day."""
        rows = self.connection.execute(
            "SELECT DISTINCT post FROM custody_record WHERE verdict IN ('foreign', 'forged', 'unknown')"
            " AND key IS NOT NULL"
        )
        return [row[0] for row in rows]

    def naming(self, post: str) -> list[tuple[int, bytes]]:
        """Return codec and body of a post's records that may name numbers or keys, in the order of their coming."""
        rows = self.connection.execute(
            "SELECT codec, body FROM custody_record WHERE names AND post = %s ORDER BY id", [post]
        )
        return rows.fetchall()

    def doubted(self, post: str, keys: Iterable[str], *, after: int, most: int) -> list[StoredBody]:
        """Return stored records of a post by some keys that are not judged genuine, in the order of their coming."""
        # Each verdict by itself: only so does the index bring them in that order.
        rows = self.connection.execute(
            "SELECT d.* FROM unnest(ARRAY['foreign', 'forged', 'unknown']) AS v (verdict), LATERAL ("
            f"{_BODY} WHERE r.post = %s AND r.verdict = v.verdict AND r.verdict <> 'genuine' AND r.id > %s"
            f" AND r.key = ANY (%s) AND {JUDGED} IN ('foreign', 'forged', 'unknown') ORDER BY r.id LIMIT %s"
            ") AS d ORDER BY d.id LIMIT %s",
            [post, after, list(keys), most, most],
        )
        return [StoredBody(*row) for row in rows]

    def bodies(self, records: Sequence[int]) -> list[StoredBody]:
        """Return stored records by their ids, in the order of their coming."""
        rows = self.connection.execute(f"{_BODY} WHERE r.id = ANY (%s) ORDER BY r.id", [list(records)])
        return [StoredBody(*row) for row in rows]

    # --- writing, within a transaction

    def write(self, batch: Batch, *, now: datetime) -> None:
        """Write a batch."""
        self._insert("custody_record", batch.records)
        if batch.pictures:
            self.pictures.put(batch.pictures)
        if batch.rejudged:
            ids = self.allot(len(batch.rejudged))
            self._insert("custody_rejudged", [(number, *row) for number, row in zip(ids, batch.rejudged, strict=True)])
        for projection, rows in batch.projected.items():
            self._insert(projection.table, rows)
        if batch.rejudged:
            taken_back = [row[0] for row in batch.rejudged if row[4] != "genuine"]
            self.connection.execute("SELECT custody_retract(%s)", [taken_back])
        self._write_chains(batch.chains)
        self._write_tally(batch.tally, now)

    def _insert(self, table: str, rows: Sequence[Row]) -> None:
        if not rows:
            return
        new = sql.Identifier(table.replace("custody_", "new_"))
        with self.connection.cursor() as cursor:
            with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(new)) as copy:
                copy.set_types(self._types[table])
                for row in rows:
                    copy.write_row(row)
            cursor.execute(sql.SQL("INSERT INTO {} TABLE {}").format(sql.Identifier(table), new))

    def _write_chains(self, chains: Mapping[ChainName, HeldChain]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO custody_holding (post, chain, covert_group, runs, unproven, given_up, forks)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (post, chain) DO UPDATE SET"
                " covert_group = excluded.covert_group, runs = excluded.runs, unproven = excluded.unproven,"
                " given_up = excluded.given_up, forks = excluded.forks",
                [
                    (
                        *name,
                        held.covert_group,
                        *map(Jsonb, (_runs(held.proven), _runs(held.unproven))),
                        Jsonb([list(span) for span in held.proven.given_up]),
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


def _twin(row: Row) -> StoredTwin:
    identifier, retention, retained_from, group, post, chain, number, digest, previous, *judged = row
    filing = Filing(retention, retained_from, group)
    return StoredTwin(identifier, filing, post, chain, number, digest.hex(), (previous or b"").hex(), *judged)
