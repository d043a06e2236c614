"""What an outsider who keeps the checkpoints notices of what a superuser does to the database, and after how long.

Nothing waits: each look of the outsider stands for a checkpoint, which the archive service makes each minute at least.
"""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from joserfc.jwk import ECKey

from platepost.department.custody.check import CustodyVerification
from platepost.department.custody.checkpointer import IDLE_SECONDS, Checkpointer
from platepost.department.database.catalog import changes, present
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import KEEPER, PUBLIC
from platepost.department.ledger.chain import LedgerLine, digest_of_line
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.published import published_checkpoint
from platepost.department.ledger.tree import BLOCK, ENTRIES, MerkleLog
from platepost.department.ledger.verify import verify_ledger
from platepost.wire.monitor import Monitor
from platepost.wire.records import Keyring
from tests.department.custody.conftest import Open
from tests.department.custody.posts import Post, deliveries
from tests.department.emptying import empty, empty_custody, empty_ledger
from tests.department.lasting import Lasting
from tests.department.ledger.asked import ASKED
from tests.department.planting import planting
from tests.thorough import THOROUGH

KEY = ECKey.generate_key("P-256")
COLUMNS = "number, entry, at, event, class, refers_to, commitments, previous, digest"
ENTRIES_MADE = 2 * BLOCK + 90 if THOROUGH else 6

_TRIGGER = """
SELECT pg_get_triggerdef(oid) FROM pg_trigger
WHERE tgrelid = 'custody_read'::regclass AND tgname = 'custody_recorded'
"""


class Department:
    """A department's log and records, its archive service, and an outsider who keeps what leaves the machine."""

    def __init__(
        self, keeper: psycopg.Connection, superuser: psycopg.Connection, folder: Path, keys: dict[str, Keyring]
    ) -> None:
        self.superuser = superuser
        self.folder = folder
        self._keeper = keeper
        self._keys = keys
        public = KEY.get_op_key("verify")
        assert isinstance(public, EllipticCurvePublicKey)
        self.public = public
        self.outsider = Monitor(public, folder / "seen")
        self.now = 0.0
        self.catalog = present()
        ((self.trigger,),) = superuser.execute(_TRIGGER).fetchall()
        self.service = self.started()

    def started(self) -> Checkpointer:
        """Return the archive service, started anew."""

        def verification() -> CustodyVerification:
            keys = lambda post: self._keys.get(post, Keyring(()))  # noqa: E731 - short
            return CustodyVerification(self._keeper, keys=keys, receipts=None, state=self.folder / "unused")

        return Checkpointer(
            self._keeper,
            verification=verification,
            changed_objects=lambda: changes(self.catalog),
            names=("oakdale", "vault"),
            key=KEY,
            state=self.folder / "checkpoint.json",
            clock=lambda: self.now,
        )

    def minute(self) -> list[str]:
        """Let a minute pass; return what the outsider notices at its end."""
        for _ in range(2):
            self.now += 30
            self.service.verify_some(0)
        self.superuser.execute("SELECT pg_stat_force_next_flush()")
        head = self.service.make()
        assert head is not None
        signed = self.service.send(head, folder=self.folder, destinations=("heads",), witness=None)
        return self.outsider.see(signed.decode())

    def mend(self) -> None:
        """Have the triggers that a case takes away be there again."""
        if not self.superuser.execute(_TRIGGER).fetchall():
            self.superuser.execute(self.trigger)
        self.superuser.execute("ALTER TABLE custody_read ENABLE ALWAYS TRIGGER custody_recorded")
        self.superuser.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_is_final")

    def enter(self, times: int = 1) -> None:
        for _ in range(times):
            open_entry(**ASKED).shown()

    def as_superuser(self, *statements: str) -> None:
        """Do what the triggers forbid, and leave everything as it was."""
        tables = "ledger_entry", "ledger_body"
        with self.superuser.transaction(), planting(self.superuser):
            for table in tables:
                self.superuser.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                self.superuser.execute(statement)
            for table in tables:
                self.superuser.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            for table, trigger in (
                ("ledger_entry", "ledger_entry_is_final"),
                ("ledger_body", "ledger_body_is_final"),
                ("ledger_body", "ledger_body_ends_with_its_class"),
            ):
                self.superuser.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")

    def delete_entries(self, where: str) -> None:
        entries = f"SELECT entry FROM ledger_entry WHERE {where}"
        self.as_superuser(
            "ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_refers_to_fkey",
            f"DELETE FROM ledger_body WHERE entry IN ({entries})",
            f"DELETE FROM ledger_entry WHERE {where}",
            "ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_refers_to_fkey FOREIGN KEY (refers_to)"
            " REFERENCES ledger_entry (entry) NOT VALID",
        )

    def remake(self, first: int) -> None:
        """Make the chain whole again from an entry on, as anyone can who knows its format."""
        rows = self.superuser.execute(f"SELECT {COLUMNS} FROM ledger_entry ORDER BY number").fetchall()
        changes, previous = [], bytes(32)
        for row in rows:
            payload = digest_of_line(LedgerLine(*row), previous=previous)
            if row[0] >= first:
                changes.append(
                    f"UPDATE ledger_entry SET previous = '\\x{previous.hex()}', digest = '\\x{payload.hex()}'"
                    f" WHERE number = {row[0]}"
                )
            previous = payload
        self.as_superuser(*changes)


@pytest.fixture
def department(
    lasting: Lasting, opened: Open, keys: dict[str, Keyring], tmp_path: Path, transactional_db: None
) -> Iterator[Department]:
    """A department that has been watched for two minutes without a word."""
    with lasting(SUPERUSER, autocommit=True) as superuser, lasting(KEEPER, autocommit=True) as keeper:
        empty_ledger(superuser)
        empty(superuser, "ledger_node", "ledger_sent")
        post = Post()
        opened().keep(deliveries(*post.record(2), post.read(), post.hit(), *post.record(1)))
        created = Department(keeper, superuser, tmp_path, keys)
        created.enter(ENTRIES_MADE // 2)
        assert created.minute() == []
        created.enter()
        assert created.minute() == []
        yield created
        empty_ledger(superuser)
        empty(superuser, "ledger_node", "ledger_sent")
        empty_custody(superuser)
        superuser.execute("ALTER TABLE ledger_entry VALIDATE CONSTRAINT ledger_entry_refers_to_fkey")


def last(department: Department) -> int:
    ((number,),) = department.superuser.execute("SELECT max(number) FROM ledger_entry").fetchall()
    return int(number)


def delete_last(department: Department) -> None:
    department.delete_entries(f"number = {last(department)}")


def delete_last_and_go_on(department: Department) -> None:
    delete_last(department)
    department.enter(3)


def delete_middle(department: Department) -> None:
    department.delete_entries("number = 3")


def delete_middle_and_renumber(department: Department) -> None:
    department.delete_entries("number = 3")
    department.as_superuser(*(
        f"UPDATE ledger_entry SET number = {number - 1} WHERE number = {number}"
        for number in range(4, last(department) + 1)
    ))  # fmt: skip
    department.remake(3)
    department.enter(2)


def dated(department: Department, when: str) -> None:
    number = last(department) + 1
    department.as_superuser(
        f"INSERT INTO ledger_entry (number, entry, at, event, class, commitments, previous, digest, transaction)"
        f" SELECT {number}, gen_random_uuid(), {when}, 'log_off', 'access', '{{}}', digest, digest,"
        f" pg_current_xact_id() FROM ledger_entry WHERE number = {number - 1}"
    )
    department.remake(number)


def date_back(department: Department) -> None:
    dated(department, "now() - interval '20 days'")


def date_back_and_go_on(department: Department) -> None:
    """The last entry is dated right again, so that the checkpoint's own times show nothing."""
    date_back(department)
    dated(department, "clock_timestamp()")


def date_ahead(department: Department) -> None:
    dated(department, "now() + interval '2 years'")


def fork(department: Department) -> None:
    department.as_superuser("UPDATE ledger_entry SET at = at - interval '1 millisecond' WHERE number = 2")
    department.remake(2)
    department.as_superuser("DELETE FROM ledger_node")


def restore_last_week(department: Department) -> None:
    """All of it, the archive service's memory included, which was in the backup."""
    state = (department.folder / "checkpoint.json").read_bytes()
    number = last(department)
    department.enter(2)
    assert department.minute() == []
    department.delete_entries(f"number > {number}")
    (department.folder / "checkpoint.json").write_bytes(state)
    department.service = department.started()


def plant_read(department: Department) -> None:
    department.as_superuser(
        'INSERT INTO custody_read SELECT (created).* FROM (SELECT jsonb_populate_record(one, \'{"record_id": 987654321,'
        ' "plate_read": "TEST123"}\') AS created FROM custody_read AS one) AS created'
    )


def plant_read_of_another_record(department: Department) -> None:
    department.as_superuser(
        "INSERT INTO custody_read SELECT (created).* FROM (SELECT jsonb_populate_record(one, jsonb_build_object("
        "'record_id', (SELECT min(id) FROM custody_record))) AS created FROM custody_read AS one) AS created"
    )


def alter_read(department: Department) -> None:
    department.as_superuser("UPDATE custody_read SET plate_read = 'TEST123'")


def plant_alert(department: Department) -> None:
    department.as_superuser(
        "SET LOCAL session_replication_role = replica",
        "INSERT INTO alerts_alert (record_id, retained_from, post, hit, captured_at, arrived_at, category, priority,"
        " match, hotlist_stale, held, second_needed, changed_at) VALUES (7, now(), 'post-1', 'h', now(), now(),"
        " 'stolen', 1, 'exact', false, false, false, now())",
        "SET LOCAL session_replication_role = origin",
    )


def alter_body_of_entry(department: Department) -> None:
    department.as_superuser("UPDATE ledger_body SET value = '\"b.chen\"' WHERE field = 'person'")


def alter_record(department: Department) -> None:
    department.as_superuser("UPDATE custody_record SET body = set_byte(body, 20, get_byte(body, 20) # 1)")


def delete_record(department: Department) -> None:
    department.as_superuser(
        "DELETE FROM custody_record WHERE id = (SELECT max(id) FROM custody_record)",
        "DELETE FROM custody_audit WHERE record_id NOT IN (SELECT id FROM custody_record)",
    )


def drop_trigger(department: Department) -> None:
    department.superuser.execute("DROP TRIGGER custody_recorded ON custody_read")


def disable_trigger(department: Department) -> None:
    department.superuser.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_is_final")


def stop_the_service(department: Department) -> None:
    """Nothing leaves the machine any more."""
    silent = datetime.now(UTC) + timedelta(seconds=121)
    department.minute = lambda: _silent(department, silent)  # type: ignore[method-assign]


def _silent(department: Department, now: datetime) -> list[str]:
    from platepost.wire.monitor import objections  # noqa: PLC0415 - of this case

    assert department.outsider.last is not None
    return [*objections(department.outsider.last, department.outsider.last, now=now)]


ATTACKS: dict[str, tuple[Callable[[Department], None], str]] = {
    "delete the last entry": (delete_last, "entries of the access log were there, and now"),
    "delete the last entry, and enter others": (delete_last_and_go_on, "do not begin with the"),
    "delete one in the middle": (delete_middle, "the department reports: access log: "),
    "delete one in the middle, and renumber": (delete_middle_and_renumber, "do not begin with the"),
    "date an entry back 20 days": (date_back, "time ran back"),
    "date an entry back, and another after it right": (date_back_and_go_on, "the department reports: access log: time"),
    "date an entry ahead two years": (date_ahead, "after the checkpoint itself"),
    "remake the chain from an entry on (fork)": (fork, "are others than before"),
    "restore last week's database": (restore_last_week, "were there, and now"),
    "plant a read": (plant_read, "the department reports: records: projection without a record"),
    "plant a read of another record": (plant_read_of_another_record, "the department reports: records: projection"),
    "alter a read that people see": (alter_read, "the department reports: records: projection"),
    "plant an alert": (plant_alert, "the department reports: records: projection without a record"),
    "alter who made an entry": (alter_body_of_entry, "the department reports: access log: mismatch"),
    "alter a record": (alter_record, "the department reports: records: altered"),
    "delete the last record": (delete_record, "records were there, and now"),
    "drop a trigger": (drop_trigger, "the department reports: database: a trigger"),
    "disable a trigger": (disable_trigger, "the department reports: database: a trigger"),
    "stop the archive service": (stop_the_service, "the department has been silent for"),
}
"""By what a superuser does: how, and what the outsider notices at least."""
LOOKS = 2
"""Within two minutes."""


@pytest.mark.parametrize("attack", ATTACKS)
def test_outsider_notices_within_two_minutes(
    department: Department, attack: str, connect: Callable[[str], psycopg.Connection]
) -> None:
    done, expected = ATTACKS[attack]
    try:
        done(department)
        noticed, looks = [], 0
        while looks < LOOKS and not any(expected in each for each in noticed):
            looks += 1
            noticed = department.minute()
        assert any(expected in each for each in noticed), noticed
        if report := os.environ.get("PLATEPOST_ATTACKS"):
            proved = not any(each.startswith("the department reports") for each in noticed if expected in each)
            with Path(report).open("a", encoding="utf-8") as file:
                what = next(each for each in noticed if expected in each)
                file.write(
                    f"| {attack} | {'proof' if proved else 'report'} | {looks * IDLE_SECONDS:.0f} s | {what} |\n"
                )
    finally:
        department.mend()


def test_nothing_is_noticed_where_nothing_is_wrong(department: Department) -> None:
    for _ in range(3):
        department.enter(2)
        assert department.minute() == []
    department.service = department.started()
    assert department.minute() == [], "started anew"
    assert department.superuser.execute("SELECT destination, error FROM ledger_sent ORDER BY 1").fetchall() == [
        ("heads", ""),
        ("public page", ""),
    ]
    assert len((department.folder / "heads").read_bytes().splitlines()) == 6


def test_public_page_proves_what_a_monitor_missed(department: Department, lasting: Lasting) -> None:
    known = department.outsider.last
    assert known is not None
    (department.folder / "away").write_bytes((department.folder / "seen").read_bytes())
    away = Monitor(department.public, department.folder / "away")
    for _ in range(3):
        department.enter(2)
        assert department.minute() == []
    since = known["number"], known["records"]
    with lasting(PUBLIC, autocommit=True) as connection:
        payload = json.loads(published_checkpoint(connection, since) or b"")
        assert away.see(payload["head"], since=payload["since"], live=True) == []
        fork(department)
        department.minute()
        payload = json.loads(published_checkpoint(connection, since) or b"")
    assert any("entries of the access log" in each for each in away.see(payload["head"], since=payload["since"]))


def test_due_after_a_hundred_entries_at_once(department: Department, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platepost.department.custody.checkpointer.ENTRIES_MOST", 4)
    assert not department.service.is_due()
    department.enter()
    assert not department.service.is_due()
    department.enter()
    assert department.service.is_due()
    department.minute()
    delete_last(department)
    assert department.service.is_due(), "fewer than there were"


def test_tree_is_the_same_however_it_is_read(department: Department) -> None:
    """Blocks that are stored, those that are not yet, and proofs across both."""
    from tests.wire.test_monitor import proof, root  # noqa: PLC0415 - word for word as the RFC has them

    superuser = department.superuser
    department.as_superuser("DELETE FROM ledger_body", "DELETE FROM ledger_entry", "DELETE FROM ledger_node",
        "INSERT INTO ledger_entry SELECT n, gen_random_uuid(), now(), 'log_off', 'access', NULL, '{}', sha256('0'),"
        " sha256(n::text::bytea), pg_current_xact_id() FROM generate_series(1, 1100) AS n")  # fmt: skip
    leaves = [bytes(leaf) for (leaf,) in superuser.execute("SELECT digest FROM ledger_entry ORDER BY number")]
    tree = MerkleLog(department._keeper, ENTRIES)
    assert tree.extend() == 1100
    sizes = [1, 2, 255, 256, 257, 300, 511, 512, 513, 768, 1000, 1023, 1024, 1025, 1100]
    assert [tree.root(size) for size in sizes] == [root(leaves[:size]) for size in sizes]
    for first in sizes:
        for second in sizes:
            if first < second:
                assert tree.proof(first, second) == proof(first, leaves[:second]), (first, second)
    assert [*tree.odd_blocks(0, 9)] == []
    department.as_superuser("UPDATE ledger_entry SET digest = sha256('x') WHERE number = 300")
    assert [place for place, _, _ in MerkleLog(department._keeper, ENTRIES).odd_blocks(0, 9)] == [1]
    with pytest.raises(LookupError):
        tree.root(1101)


def test_time_of_the_log_runs_forward_only(department: Department) -> None:
    date_ahead(department)
    with pytest.raises(Exception, match="after the database's clock"):
        department.enter()
    assert {"time"} == {problem.kind.value for problem in verify_ledger(department.superuser).problems}
    text = '{"person": "root", "reason": "the clock had been ahead"}'
    department.superuser.execute("SELECT ledger_append('clock_set_back', NULL, %s)", [text])
    department.enter()
    problems = verify_ledger(department.superuser).problems
    assert [problem.number for problem in problems] == [last(department) - 3], "the one ahead, and none behind"
