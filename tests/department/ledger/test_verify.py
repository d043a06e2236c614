"""The walk through the ledger: each kind of damage is named, and where it is."""

import json

import pytest

from platepost.department.database.roles import KEEPER, OWNER
from platepost.department.ledger import verify
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.chain import LedgerLine, digest_of_line
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.verify import LedgerDamage, LedgerVerdict, verify_ledger
from platepost.department.ledger.writing import append
from platepost.wire.verify.noted_heads import NotedHead
from tests.department.ledger.asked import ASKED
from tests.department.ledger.conftest import Connect, Damaging
from tests.department.ledger.test_entries import now

pytestmark = pytest.mark.usefixtures("six")


@pytest.fixture
def six(empty_ledger: None) -> None:
    """Enter three accesses of two entries each."""
    for _ in range(3):
        open_entry(**ASKED).shown()


def walk(connect: Connect, **how: object) -> LedgerVerdict:
    with connect(KEEPER) as keeper:
        return verify_ledger(keeper, **how)


def named(verdict: LedgerVerdict) -> set[tuple[str, int]]:
    return {(problem.kind.value, problem.number) for problem in verdict.problems}


def test_whole(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "STEP", 4)
    verdict = walk(connect)
    assert (verdict.entries, verdict.problems) == (6, [])
    assert verdict.head is not None
    assert verdict.head.sequence == 6


@pytest.mark.parametrize(
    "change",
    [
        "at = at + interval '1 microsecond'",
        "event = 'failed'",
        "class = 'permanent'",
        "refers_to = NULL",
        "commitments = commitments - 'records'",
        "entry = gen_random_uuid()",
    ],
)
def test_altered(connect: Connect, damaging: Damaging, change: str) -> None:
    with damaging() as superuser:
        superuser.execute("ALTER TABLE ledger_body DROP CONSTRAINT ledger_body_entry_fkey")
        try:
            superuser.execute(f"UPDATE ledger_entry SET {change} WHERE number = 2")
            superuser.commit()
            assert ("altered", 2) in named(walk(connect))
        finally:
            superuser.execute("TRUNCATE ledger_body, ledger_entry")
            foreign = "ADD CONSTRAINT ledger_body_entry_fkey FOREIGN KEY (entry) REFERENCES ledger_entry (entry)"
            superuser.execute(f"ALTER TABLE ledger_body {foreign}")


def test_missing(connect: Connect, damaging: Damaging) -> None:
    with damaging() as superuser:
        superuser.execute("DELETE FROM ledger_body WHERE entry = (SELECT entry FROM ledger_entry WHERE number = 4)")
        superuser.execute("DELETE FROM ledger_entry WHERE number = 4")
    assert named(walk(connect)) == {("missing", 4)}


@pytest.mark.parametrize("columns", ["number", "at, event, class, commitments, refers_to, entry", "digest"])
def test_swapped(connect: Connect, damaging: Damaging, columns: str) -> None:
    with damaging() as superuser:
        superuser.execute("ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_pkey CASCADE")
        superuser.execute("ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_entry_key CASCADE")
        superuser.execute("DROP INDEX ledger_entry_closes")
        assignments = ", ".join(f"{name} = other.{name}" for name in columns.split(", "))
        change = f"UPDATE ledger_entry AS one SET {assignments} FROM ledger_entry AS other"
        where = "one.number + other.number = 7 AND one.number IN (3, 4)"
        superuser.execute(f"{change} WHERE {where}")
        verdict = verify_ledger(superuser)
        superuser.rollback()
    if columns == "digest":
        assert {("altered", 3), ("altered", 4)} <= named(verdict)
    else:
        assert {("swapped", 3), ("swapped", 4)} <= named(verdict)
        assert not any(problem.kind is LedgerDamage.ALTERED for problem in verdict.problems)


def test_cut_tail(connect: Connect, damaging: Damaging) -> None:
    head = walk(connect).head
    assert head is not None
    assert walk(connect, heads=[head]).problems == []
    with damaging() as superuser:
        superuser.execute("DELETE FROM ledger_body WHERE entry IN (SELECT entry FROM ledger_entry WHERE number > 4)")
        superuser.execute("DELETE FROM ledger_entry WHERE number > 4")
    assert named(walk(connect)) == set()
    assert named(walk(connect, heads=[head])) == {("cut", 6)}
    open_entry(**ASKED).shown()
    assert named(walk(connect, heads=[head])) == {("cut", 6)}


def test_rewritten_to_the_end(connect: Connect, damaging: Damaging) -> None:
    """Anyone who makes all digests again is told by a head that was noted elsewhere, and by nothing else."""
    head = walk(connect).head
    assert head is not None
    with damaging() as superuser:
        superuser.execute("UPDATE ledger_entry SET at = at + interval '1 microsecond' WHERE number = 2")
        rows = superuser.execute(
            "SELECT number, entry, at, event, class, refers_to, commitments, previous, digest FROM ledger_entry"
            " ORDER BY number"
        ).fetchall()
        previous = bytes(32)
        for row in rows:
            payload = digest_of_line(LedgerLine(*row), previous=previous)
            change = "UPDATE ledger_entry SET previous = %s, digest = %s WHERE number = %s"
            superuser.execute(change, [previous, payload, row[0]])
            previous = payload
    assert named(walk(connect)) == set()
    assert named(walk(connect, heads=[head])) == {("cut", 6)}


def test_replaced_with_its_digest(connect: Connect, damaging: Damaging) -> None:
    with damaging() as superuser:
        superuser.execute("UPDATE ledger_entry SET at = at + interval '1 microsecond' WHERE number = 2")
        row = superuser.execute(
            "SELECT number, entry, at, event, class, refers_to, commitments, previous, digest FROM ledger_entry"
            " WHERE number = 2"
        ).fetchone()
        assert row is not None
        superuser.execute("UPDATE ledger_entry SET digest = %s WHERE number = 2", [digest_of_line(LedgerLine(*row))])
    assert named(walk(connect)) == {("unlinked", 3)}


def test_time_that_runs_back_or_ahead(connect: Connect, damaging: Damaging) -> None:
    """Whoever dates an entry otherwise is told by its neighbors, though all digests are made again."""
    for change, expected in (
        ("interval '20 days' * (number - 4) WHERE number = 3", {("time", 3)}),
        ("interval '2 years' WHERE number = 6", {("time", 6)}),
        ("interval '2 years' WHERE number = 2", {("time", number) for number in range(2, 7)}),
    ):
        with damaging() as superuser:
            superuser.execute(f"UPDATE ledger_entry SET at = at + {change}")
            verdict = verify_ledger(superuser)
            superuser.rollback()
        assert {each for each in named(verdict) if each[0] == "time"} == expected


def test_clock_that_was_set_back_is_no_damage_once_it_was_entered(connect: Connect, damaging: Damaging) -> None:
    with damaging() as superuser:
        superuser.execute("UPDATE ledger_entry SET at = at + interval '50 seconds' WHERE number = 6")
    open_entry(**ASKED)
    with connect(OWNER) as owner:
        ((repeated,),) = owner.execute("SELECT at = (SELECT at FROM ledger_entry WHERE number = 6) FROM ledger_entry"
                                       " WHERE number = 7").fetchall()  # fmt: skip
    assert repeated, "the last time is given again where the clock is a little behind"
    with damaging() as superuser:
        superuser.execute("UPDATE ledger_entry SET at = at + interval '50 seconds' WHERE number = 7")
    with pytest.raises(LedgerError, match="after the database's clock"):
        open_entry(**ASKED)
    with connect(OWNER) as owner:
        fields = json.dumps({"person": "root", "reason": "NTP had been wrong"})
        owner.execute("SELECT ledger_append('clock_set_back', NULL, %s)", [fields])
    open_entry(**ASKED)
    assert {each for each in named(walk(connect)) if each[0] == "time" and each[1] > 7} == set()


def test_body_altered(connect: Connect, damaging: Damaging) -> None:
    with damaging() as superuser:
        superuser.execute("UPDATE ledger_body SET value = '\"b.chen\"' WHERE field = 'person'")
    assert named(walk(connect)) == {("mismatch", 1), ("mismatch", 3), ("mismatch", 5)}


def test_body_added(connect: Connect, damaging: Damaging) -> None:
    with damaging() as superuser:
        superuser.execute(
            "INSERT INTO ledger_body SELECT entry, 'supervisor', salt, value FROM ledger_body AS body"
            " JOIN ledger_entry USING (entry) WHERE number = 1 AND field = 'person'"
        )
    assert named(walk(connect)) == {("mismatch", 1)}


def test_body_erased_early(connect: Connect, damaging: Damaging) -> None:
    with damaging() as superuser:
        superuser.execute("DELETE FROM ledger_body WHERE field = 'query'")
    verdict = walk(connect)
    assert named(verdict) == {("erased early", 1), ("erased early", 3), ("erased early", 5)}
    assert "query" in verdict.problems[0].message
    with connect(OWNER) as owner:
        owner.execute("UPDATE ledger_class SET least = '0'")
        stamp = "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        ((third,),) = owner.execute(f"SELECT {stamp} FROM ledger_entry WHERE number = 3")
    append(LedgerEvent.ERASED, {"class": "access", "until": third})
    assert named(walk(connect)) == {("erased early", 3), ("erased early", 5)}, "what is younger was to stay"
    append(LedgerEvent.ERASED, {"class": "access", "until": now()})
    assert named(walk(connect)) == set()


def test_from_a_head_only_what_came_since(connect: Connect, damaging: Damaging) -> None:
    head = walk(connect).head
    open_entry(**ASKED).shown()
    verdict = walk(connect, after=head)
    assert (verdict.entries, verdict.problems) == (2, [])
    with damaging() as superuser:
        superuser.execute("UPDATE ledger_entry SET previous = digest WHERE number = 7")
    assert {("altered", 7), ("unlinked", 7)} == named(walk(connect, after=head))


def test_head_before_anything_was_entered(connect: Connect) -> None:
    assert named(walk(connect, after=NotedHead(9, "ab" * 32))) == {("cut", 9)}
