"""Custody: whose receipts a record needs before it leaves the post, and which have come.

A custodian signs for ranges of a chain's numbers, each with the digest of its last record. A range counts if that is
the digest which the post itself has for that number: it then binds all records before it, so no one is taken to hold
what another post, or this one before its disk was rolled back, made under the same numbers.

A range may end at a record that is no longer here. Digests of records that were released, or dropped by the quota, are
kept while an older one of their chain is here. The digest of a record that damage took is unknown, and a range that
ends there counts for nothing. What it covers is sent again, and a custodian's answer to that ends a range there.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from platepost.device.outbox.database import Connection
from platepost.wire.records.receipt import KeptRange

Span: TypeAlias = tuple[int, int]
"""First and last number. A list of spans is in ascending order, and at least one number lies between two of them."""


DIGESTS_KEPT = 10_000
"""Numbers at the end of a chain whose digests are all kept. Before them, only the last of those without a gap: where
one record waits for months, their digests must not fill the disk, and receipts of today end at the chain's end."""
EVERYTHING: Sequence[Span] = ((0, 2**63 - 1),)
_OPEN = "(SELECT sequence, sequence AS number, sent, digest, size FROM record WHERE sequence > 0)"
_ELSEWHERE = (
    "(SELECT standing.sequence, standing.number, sent, digest, size FROM standing"
    " CROSS JOIN record ON record.sequence = standing.sequence WHERE chain = :chain)"
)
_SENT = (
    "(SELECT coalesce(standing.chain, chain.id) AS chain, coalesce(standing.number, record.sequence) AS number,"
    " record.sequence FROM chain CROSS JOIN record INDEXED BY record_order"
    " LEFT JOIN standing ON standing.sequence = record.sequence WHERE record.sent = 1)"
)


def union(spans: Iterable[Span]) -> list[Span]:
    """Return what any of the spans covers; they may be in any order, and overlap."""
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def intersection(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """Return what both cover."""
    common, here, there = [], 0, 0
    while here < len(one) and there < len(other):
        first, last = max(one[here][0], other[there][0]), min(one[here][1], other[there][1])
        if first <= last:
            common.append((first, last))
        if one[here][1] < other[there][1]:
            here += 1
        else:
            there += 1
    return common


def covers(spans: Sequence[Span], number: int) -> bool:
    """Tell whether a number is in one of the spans."""
    at = bisect_right(spans, number, key=lambda span: span[0]) - 1
    return at >= 0 and number <= spans[at][1]


@dataclass(frozen=True, slots=True)
class Requirements:
    """The custodians whose receipts are all required."""

    in_force: bool = False
    """Whether a record needs a receipt at all; if not, a broker's acknowledgment releases it."""
    open: frozenset[str] = frozenset()
    """Those of the open chain, and of former ones."""
    covert: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Those of each distribution group's chain. Records of a group that has none wait until it has one."""

    def of(self, group: str | None) -> frozenset[str]:
        """Return those of a group's covert chain, or of all others."""
        return self.open if group is None else self.covert.get(group, frozenset())


class Custody(NamedTuple):
    """What a receipt came to."""

    released: int
    """Records that left the outbox."""
    forked: bool
    """Whether it contradicts what the post has itself: nothing left then."""


class Released(NamedTuple):
    """Records that left the outbox."""

    records: int
    size: int
    """Bytes of their bodies."""


class LeftOut(NamedTuple):
    """What a custodian lacks."""

    sequences: list[int]
    """Records to send again, by their `sequence` in the table."""
    reached: int
    """The highest number that it has signed for."""


class _Chain(NamedTuple):
    group: str | None
    head: int | None
    """Its last number; None of a former chain, of which no one knows."""
    known: int
    """The highest number of it that is known."""
    rows: str
    """SQL for its records, with their number in it; `:chain` is its name."""


def require(connection: Connection, requirements: Requirements) -> tuple[str, ...]:
    """Have other custodians required from now on, and forget what is of no chain that is here; return the chains.

    One that is new needs to sign for what is appended from now on, if another one stays; the first, and one that takes
    the place of all others, for everything that is here.
    """
    chains = "SELECT id FROM chain UNION SELECT id FROM covert_chain UNION SELECT chain FROM standing"
    names = tuple(row[0] for row in connection.execute(chains))
    marks = ",".join("?" * len(names)) if requirements.in_force else ""
    for table in ("kept", "released"):
        sql = f"DELETE FROM {table} WHERE chain NOT IN ({marks})"
        connection.execute(sql, names if marks else ())
    for name in names:
        enroll(connection, name, requirements)
    return names


def enroll(connection: Connection, name: str, requirements: Requirements) -> None:
    """Note from where on each custodian must sign for a chain, unless it is noted already."""
    chain = _chain(connection, name) if requirements.in_force else None
    if chain is None:
        return
    required = requirements.of(chain.group)
    known = {row[0] for row in connection.execute("SELECT DISTINCT custodian FROM kept WHERE chain = ?", (name,))}
    for custodian in known - required:
        connection.execute("DELETE FROM kept WHERE chain = ? AND custodian = ?", (name, custodian))
    begins = chain.known if known & required else 0
    for custodian in required - known:
        connection.execute("INSERT INTO kept VALUES (?, ?, 0, ?)", (name, custodian, begins))


def take(
    connection: Connection, custodian: str, name: str, ranges: Iterable[KeptRange], requirements: Requirements
) -> Sequence[Span] | None:
    """Note and return what a custodian has signed for; None, and nothing noted, if it contradicts the post's own."""
    chain = _chain(connection, name)
    if chain is None:
        return ()
    genuine: list[Span] = []
    for signed in ranges:
        own = _digest(connection, name, signed.last, chain)
        if own is None and (chain.head is None or signed.last <= chain.head):
            continue
        if own != signed.digest:
            return None
        genuine.append((signed.first, signed.last))
    if custodian in requirements.of(chain.group) and requirements.in_force:
        enroll(connection, name, requirements)
        before = kept_by(connection, custodian, name)
        # Only what changes is written: a custodian that was away signs for thousands of ranges, again and again.
        had, has = set(before), set(union([*before, *genuine]))
        delete = "DELETE FROM kept WHERE chain = ? AND custodian = ? AND first = ?"
        connection.executemany(delete, [(name, custodian, first) for first, _ in had - has])
        connection.executemany("INSERT INTO kept VALUES (?, ?, ?, ?)", [(name, custodian, *span) for span in has - had])
    return genuine


def covert(connection: Connection, name: str) -> bool:
    """Tell whether a chain that is here is a distribution group's."""
    chain = _chain(connection, name)
    return chain is not None and chain.group is not None


def forget(connection: Connection, custodian: str) -> None:
    """Have a custodian sign again for all that is here."""
    connection.execute("DELETE FROM kept WHERE custodian = ? AND first > 0", (custodian,))
    connection.execute("UPDATE kept SET last = 0 WHERE custodian = ?", (custodian,))


def kept_by(connection: Connection, custodian: str, name: str) -> list[Span]:
    """Return what a custodian has signed for, or need not sign for."""
    sql = "SELECT first, last FROM kept WHERE chain = ? AND custodian = ? ORDER BY first"
    return list(connection.execute(sql, (name, custodian)))


def releasable(connection: Connection, name: str, requirements: Requirements) -> Sequence[Span]:
    """Return the numbers of a chain for which everyone who must has signed."""
    if not requirements.in_force:
        return EVERYTHING
    chain = _chain(connection, name)
    custodians = requirements.of(chain.group) if chain else ()
    spans = EVERYTHING if custodians else ()
    for custodian in custodians:
        spans = intersection(spans, kept_by(connection, custodian, name))
    return spans


def may_go(connection: Connection, sequences: Iterable[int], requirements: Requirements) -> frozenset[int]:
    """Return those records, by their `sequence` in the table, for which everyone who must has signed."""
    if not requirements.in_force:
        return frozenset(sequences)
    sql = (
        "SELECT id, :sequence FROM chain WHERE :sequence > 0"
        " UNION ALL SELECT chain, number FROM standing WHERE sequence = :sequence"
    )
    signed: dict[str, Sequence[Span]] = {}
    deletable = set()
    for sequence in sequences:
        name, number = connection.execute(sql, {"sequence": sequence}).fetchone() or (None, sequence)
        if name is not None and name not in signed:
            signed[name] = releasable(connection, name, requirements)
        if name is None or covers(signed[name], number):
            deletable.add(sequence)
    return frozenset(deletable)


def release(
    connection: Connection, name: str, requirements: Requirements, *, within: Sequence[Span] = EVERYTHING, most: int
) -> Released:
    """Delete acknowledged records that every required custodian has signed for, up to a number.

    Others than those `within` are not looked at: a custodian that was away has signed for a thousand ranges.
    """
    chain = _chain(connection, name)
    if chain is None:
        return Released(0, 0)
    oldest = _oldest(connection, name, chain)
    ranges: list[tuple[int, int]] = []
    for first, last in intersection(releasable(connection, name, requirements), within):
        if oldest is None or len(ranges) >= most:
            break
        if last < oldest:
            continue
        ranges += connection.execute(
            f"SELECT sequence, size FROM {chain.rows} WHERE number BETWEEN :first AND :last AND +sent = 1"
            " ORDER BY number LIMIT :most",
            {"chain": name, "first": first, "last": last, "most": most - len(ranges)},
        )
    connection.executemany("DELETE FROM record WHERE sequence = ?", [(sequence,) for sequence, _ in ranges])
    prune(connection, name)
    return Released(len(ranges), sum(size for _, size in ranges))


def prune(connection: Connection, name: str) -> None:
    """Forget digests at which no receipt for a record that is here can end."""
    chain = _chain(connection, name)
    if chain is None:
        return
    oldest = _oldest(connection, name, chain)
    before = chain.known + 1 if oldest is None else oldest
    connection.execute("DELETE FROM released WHERE chain = ? AND number < ?", (name, before))
    connection.execute(
        "DELETE FROM released WHERE chain = ? AND number < ? AND EXISTS"
        " (SELECT 1 FROM released AS later WHERE later.chain = released.chain AND later.number = released.number + 1)",
        (name, chain.known - DIGESTS_KEPT),
    )


def oldest_sent(connection: Connection) -> dict[str, int]:
    """Return of each chain the oldest record that a broker acknowledged, by its `sequence` in the table."""
    sql = f"SELECT chain, min(number), sequence FROM {_SENT} GROUP BY chain"
    return {name: sequence for name, _, sequence in connection.execute(sql)}


def left_out(connection: Connection, custodian: str, name: str, requirements: Requirements, *, reached: int) -> LeftOut:
    """Return what a broker acknowledged, this custodian must sign for yet, and no queue brings it any more.

    A broker brings a custodian that was away what waits in the order in which it came. So the custodian has been past
    what lies before the highest number that it has signed for. What lies behind may wait still, as long as that number
    goes up; once it does not, nothing waits.

    Args:
        connection: to the outbox.
        custodian: its name.
        name: the chain's.
        requirements: those in force.
        reached: the highest number that it had signed for a while ago.

    """
    chain = _chain(connection, name)
    if chain is None or custodian not in requirements.of(chain.group):
        return LeftOut([], reached)
    spans = kept_by(connection, custodian, name)
    highest = spans[-1][1] if spans else 0
    below = highest if highest > reached else EVERYTHING[0][1]
    sql = f"SELECT number, sequence FROM {_SENT} WHERE chain = ? AND number < ?"
    rows = connection.execute(sql, (name, below))
    return LeftOut([sequence for number, sequence in rows if not covers(spans, number)], highest)


def _chain(connection: Connection, name: str) -> _Chain | None:
    row = connection.execute("SELECT sequence FROM chain WHERE id = ?", (name,)).fetchone()
    if row is not None:
        return _Chain(None, row[0], row[0], _OPEN)
    row = connection.execute("SELECT name, sequence FROM covert_chain WHERE id = ?", (name,)).fetchone()
    if row is not None:
        return _Chain(row[0], row[1], row[1], _ELSEWHERE)
    row = connection.execute(
        "SELECT standing.number, topic FROM standing JOIN record USING (sequence) WHERE chain = ?"
        " ORDER BY standing.number DESC LIMIT 1",
        (name,),
    ).fetchone()
    if row is None:
        return None
    _, covert, group = row[1].partition("/covert/")
    return _Chain(group if covert else None, None, row[0], _ELSEWHERE)


def _oldest(connection: Connection, name: str, chain: _Chain) -> int | None:
    """Return the lowest number of a chain's records that are here."""
    sql = f"SELECT number FROM {chain.rows} ORDER BY number LIMIT 1"
    row = connection.execute(sql, {"chain": name}).fetchone()
    return None if row is None else int(row[0])


def _digest(connection: Connection, name: str, number: int, chain: _Chain) -> str | None:
    row = connection.execute(
        "SELECT digest FROM released WHERE chain = :chain AND number = :number"
        f" UNION ALL SELECT digest FROM {chain.rows} WHERE number = :number"
        " UNION ALL SELECT digest FROM chain WHERE id = :chain AND sequence = :number"
        " UNION ALL SELECT digest FROM covert_chain WHERE id = :chain AND sequence = :number LIMIT 1",
        {"chain": name, "number": number},
    ).fetchone()
    return None if row is None else str(row[0])
