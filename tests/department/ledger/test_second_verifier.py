"""Two verifiers, ours and one that was written from docs/ledger-format.md in another language, name the same damage."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from platepost.department.database.roles import KEEPER, OWNER
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.export import ledger_lines
from platepost.department.ledger.verify import verify_ledger
from platepost.department.ledger.writing import append
from platepost.wire.verify.noted_heads import NotedHead
from tests.department.ledger.asked import ASKED
from tests.department.ledger.conftest import Connect, Damaging

EXAMPLE = Path(__file__).parents[3] / "examples" / "node" / "ledger.mjs"
NODE = shutil.which("node")
Named = set[tuple[int, str]]


def run_example(exported: Path, *heads: NotedHead) -> Named:
    """Return what the second verifier names."""
    if NODE is None:
        pytest.skip("Node is missing: make tools")
    options = [option for head in heads for option in ("--head", str(head))]
    done = subprocess.run([NODE, EXAMPLE, exported, *options], capture_output=True, text=True, check=False)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    named = {(int(number), kind) for number, kind in lines}
    assert done.returncode == (1 if named - {one for one in named if one[1] == "unanswered"} else 0), done.stderr
    return named


@pytest.fixture
def both(connect: Connect, tmp_path: Path) -> Callable[..., Named]:
    """Return what the two verifiers name, which must be the same."""

    def verified(*heads: NotedHead, bodies: bool = True) -> Named:
        exported = tmp_path / "ledger.jsonl"
        with connect(KEEPER) as keeper:
            exported.write_text("".join(ledger_lines(keeper, bodies=bodies)), "utf-8")
            ours = {(problem.number, problem.kind.value) for problem in verify_ledger(keeper, heads=heads).problems}
        theirs = run_example(exported, *heads)
        if bodies:
            assert theirs == ours
        return theirs

    return verified


@pytest.fixture
def head(empty_ledger: None, connect: Connect) -> NotedHead:
    """Enter three accesses, and note the end."""
    for plate in ("TEST1", 'T"\\\u2028é', ""):
        open_entry(**ASKED | {"query": {"plate": plate}}).shown()
    with connect(KEEPER) as keeper:
        end = verify_ledger(keeper).head
    assert end is not None
    return end


def test_whole(both: Callable[..., Named], head: NotedHead) -> None:
    assert both(head) == set()
    assert both(head, bodies=False) == set()


def cut(superuser: psycopg.Connection) -> None:
    superuser.execute("DELETE FROM ledger_body WHERE entry IN (SELECT entry FROM ledger_entry WHERE number > 4)")
    superuser.execute("DELETE FROM ledger_entry WHERE number > 4")


def swap(superuser: psycopg.Connection) -> None:
    superuser.execute("UPDATE ledger_entry SET number = 99 WHERE number = 3")
    superuser.execute("UPDATE ledger_entry SET number = 3 WHERE number = 5")
    superuser.execute("UPDATE ledger_entry SET number = 5 WHERE number = 99")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("UPDATE ledger_entry SET at = at - interval '1 day' WHERE number = 2", {(2, "altered"), (2, "time")}),
        ("UPDATE ledger_entry SET previous = digest WHERE number = 4", {(4, "altered"), (4, "unlinked")}),
        (cut, {(6, "cut")}),
        (
            swap,
            {
                (3, "swapped"),
                (5, "swapped"),
                (3, "unlinked"),
                (4, "unlinked"),
                (5, "unlinked"),
                (6, "unlinked"),
                (4, "time"),
                (5, "time"),
            },
        ),
        ("DELETE FROM ledger_body WHERE field = 'query'", {(number, "erased early") for number in (1, 3, 5)}),
        (
            "UPDATE ledger_body SET value = '\"b.chen\"' WHERE field = 'person'",
            {(one, "mismatch") for one in (1, 3, 5)},
        ),
    ],
    ids=["altered", "relinked", "cut", "swapped", "erased early", "body"],
)
def test_damage_is_named(
    both: Callable[..., Named],
    damaging: Damaging,
    head: NotedHead,
    damage: str | Callable[[psycopg.Connection], None],
    named: Named,
) -> None:
    """As a superuser can, who takes the triggers away."""
    with damaging() as superuser:
        if callable(damage):
            damage(superuser)
        else:
            superuser.execute(damage)
    assert both(head) == named
    with damaging() as superuser:
        superuser.execute("TRUNCATE ledger_body, ledger_entry")


def test_bodies_of_a_class_that_has_ended(both: Callable[..., Named], connect: Connect, head: NotedHead) -> None:
    until = datetime.now(UTC)
    open_entry(**ASKED).shown()
    with connect(OWNER) as owner:
        owner.execute("UPDATE ledger_class SET least = '0'")
    append(LedgerEvent.ERASED, {"class": "access", "until": f"{until:%Y-%m-%dT%H:%M:%S.%fZ}"})
    with connect(OWNER) as owner:
        owner.execute("DELETE FROM ledger_body USING ledger_entry AS line WHERE line.entry = ledger_body.entry"
                      " AND class = 'access' AND at < %s", [until])  # fmt: skip
    assert both(head) == set()


def test_outsider_s_export_names_nobody(connect: Connect, head: NotedHead) -> None:
    with connect(KEEPER) as keeper:
        exported = "".join(ledger_lines(keeper, bodies=False))
    assert exported.count("\n") == head.sequence
    for fields in ("a.rivera", "TEST1", "26-00417", "stolen vehicle", "salt"):
        assert fields not in exported
