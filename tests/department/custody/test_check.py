"""The check of the whole custody: each kind of damage is named, and where it is."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from platepost.department.custody import check, check_report
from platepost.department.custody.check import CustodyVerification
from platepost.department.custody.check_report import CheckReport
from platepost.department.custody.errors import CustodyError
from platepost.department.custody.post_statements import PostStatements
from platepost.department.custody.receipt_log import ReceiptLog
from platepost.department.custody.record import CustodyRecord
from platepost.department.custody.store import CustodyStore
from platepost.department.custody.verdict import Judgment
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import KEEPER, OWNER
from platepost.department.ledger.entries import open_entry
from platepost.department.policy.policy import AccessPurpose
from platepost.wire.records import KeptRange, Keyring, Receipt
from tests.department.custody.conftest import Open, Rows
from tests.department.custody.posts import CHAIN, GROUP, HIT, LATER, NOW, SIGNER, STRANGER, Post, changed, deliveries
from tests.department.emptying import empty_ledger
from tests.department.planting import planting

Connect = Callable[[str], psycopg.Connection]
Run = Callable[..., CheckReport]


@pytest.fixture(autouse=True)
def empty(connect: Connect) -> Iterator[None]:
    for begins in (True, False):
        with connect(SUPERUSER) as superuser:
            empty_ledger(superuser)
        if begins:
            yield


@pytest.fixture
def run(connect: Connect, keys: dict[str, Keyring], ended: dict[str, datetime], tmp_path: Path) -> Iterator[Run]:
    """Run the check, by a new process as it were."""
    with ExitStack() as stack:

        def checked(*, whole: bool = False, progress: Callable[[int, int], None] | None = None) -> CheckReport:
            keeper = stack.enter_context(connect(KEEPER))
            keeper.autocommit = True
            verification = CustodyVerification(
                keeper,
                keys=lambda post: keys.get(post, Keyring(())),
                ended=lambda _: ended,
                receipts=tmp_path / "receipts",
                state=tmp_path / "checked.json",
            )
            return verification.run(whole=whole, **({} if progress is None else {"progress": progress}))

        yield checked


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def store(opened: Open, post: Post) -> CustodyStore:
    """Keep eight records: two audits, a read, a hit, its withdrawal, a covert hit, a forged one, one of a stranger."""
    stored = opened()
    created = [*post.record(2), post.read(HIT), post.hit(), post.withdrawal()]
    covert = post.hit(GROUP)
    strange = post.enemy().record(1)
    (last,) = post.record(1)
    stored.keep(deliveries(*created, covert, *strange))
    stored.keep([changed(created[1], subject="changed"), *deliveries(last)])
    open_entry(person="a", agency="b", purpose=AccessPurpose("patrol"), query={}).shown()
    return stored


def named(report: CheckReport) -> set[tuple[str, str | None, int | None]]:
    chains = {CHAIN.chain: "open", None: None}
    return {(problem.kind.value, chains.get(problem.chain, "covert"), problem.number) for problem in report.problems}


@pytest.fixture
def sql(connect: Connect) -> Callable[[str], None]:
    """Do what only a superuser can."""

    def executed(statement: str) -> None:
        with connect(SUPERUSER) as superuser, planting(superuser):
            superuser.execute(statement)

    return executed


def test_whole_custody(run: Run, store: CustodyStore, rows: Rows) -> None:
    entries: list[tuple[int, int]] = []
    report = run(progress=lambda done, total: entries.append((done, total)))
    assert report.problems == ()
    assert (report.whole, report.records, report.entries) == (True, 9, 2)
    assert entries[-1][0] == entries[-1][1] > 0
    assert rows("SELECT count(*) FROM custody_judged WHERE verdict IN ('foreign', 'forged')") == [(2,)]


def test_empty_custody(run: Run) -> None:
    report = run()
    assert (report.records, report.entries, report.problems) == (0, 0, ())


ALTER = f"UPDATE custody_record SET {{}} WHERE chain = '{CHAIN.chain}' AND sequence = 3"
"""What changes the read."""


@pytest.mark.parametrize(
    "change",
    [
        "body = set_byte(body, 60, get_byte(body, 60) # 1)",
        "body = (SELECT body FROM custody_record WHERE sequence = 2 LIMIT 1)",
        "codec = 0",
        "codec = 99",
        "constants = 99",
        "digest = sha256('')",
        "post = 'post-2'",
        "covert_group = 'vice'",
        "type = 'platepost.hit.v1'",
        "previous = sha256('')",
        "retained_from = retained_from - interval '1 day'",
    ],
)
def test_altered_record(run: Run, store: CustodyStore, sql: Callable[[str], None], change: str) -> None:
    sql(ALTER.format(change))
    assert ("altered", "open", 3) in named(run())


def test_only_the_altered_record_is_named(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    sql(ALTER.format("body = set_byte(body, 60, get_byte(body, 60) # 1)"))
    assert named(run()) == {("altered", "open", 3)}


def test_read_that_was_filed_with_the_hits_to_be_kept_longer(
    run: Run, opened: Open, post: Post, sql: Callable[[str], None]
) -> None:
    opened().keep(deliveries(post.read()))
    for table in ("record", "picture", "read"):
        sql(f"UPDATE custody_{table} SET class = 'hit' WHERE class = 'no_hit'")
    assert named(run()) == {("altered", "open", 1)}


def test_record_that_its_key_did_not_sign(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    sql("UPDATE custody_record SET verdict = 'genuine' WHERE verdict = 'foreign'")
    assert ("signature", "open", 6) in named(run())


def test_record_by_another_key_than_noted(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    sql(ALTER.format(f"key = '{LATER.kid}'"))
    assert named(run()) == {("signature", "open", 3)}


def test_genuine_record_that_is_hidden_as_forged(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    sql(
        "INSERT INTO custody_rejudged (record_id, class, retained_from, at, verdict, reason)"
        " SELECT record_id, class, retained_from, now(), 'forged', '' FROM custody_read"
    )
    assert {("verdict", "open", 3), ("missing", "open", 3)} <= named(run())


@pytest.mark.parametrize("verdict", ["foreign", "forged"])
def test_genuine_record_that_was_judged_again_to_hide_it(
    run: Run, store: CustodyStore, sql: Callable[[str], None], verdict: str
) -> None:
    """What the keeper's role may do, whoever has its credentials."""
    sql(
        "UPDATE custody_holding SET runs = jsonb_build_array(jsonb_build_array(1, 3, runs -> 0 -> 2, one.last),"
        " jsonb_build_array(5, runs -> 0 -> 1, one.next, runs -> 0 -> 3)),"
        " unproven = jsonb_build_array(jsonb_build_array(4, 4, one.last, one.next)) FROM ("
        "SELECT chain, encode(previous, 'hex') AS last, encode(digest, 'hex') AS next FROM custody_judged"
        " WHERE sequence = 4) AS one WHERE custody_holding.chain = one.chain"
    )
    sql(
        "INSERT INTO custody_rejudged (record_id, class, retained_from, at, verdict, key, reason)"
        " SELECT id, class, retained_from, now(), 'foreign', key, 'by a key that was replaced'"
        " FROM custody_judged WHERE sequence = 4"
    )
    sql(f"UPDATE custody_rejudged SET verdict = '{verdict}'")
    sql("DELETE FROM custody_hit WHERE covert_group IS NULL")
    assert named(run()) == {("verdict", "open", 4)}


def test_what_was_made_after_a_key_s_end_that_was_not_known_yet(
    run: Run, store: CustodyStore, opened: Open, ended: dict[str, datetime]
) -> None:
    """Named, until the keeper has judged it again; then no one can have hidden a record so."""
    ended[SIGNER.kid] = NOW - timedelta(seconds=1)
    assert [*{(problem.kind, problem.message) for problem in run(whole=True).problems}] == [
        ("signature", "kept as genuine: made after the department took its key out of use")
    ]
    again = opened()
    assert [*again.judge_again("post-1")]
    assert run(whole=True).problems == ()
    ended[SIGNER.kid] = NOW
    assert {problem.kind for problem in run(whole=True).problems} == {"verdict"}, (
        "it came before that, and is the post's"
    )


def test_what_was_refuted_is_held_as_long_as_the_post_has_nothing_there(
    run: Run, store: CustodyStore, opened: Open, post: Post
) -> None:
    """It was receipted: if nothing counted there, each start would name it as lost."""
    thief = post.enemy(SIGNER)
    stolen = thief.record(4)  # numbers 7 to 10
    change = post.change_key()
    own = post.record(1)  # number 9
    store.keep(deliveries(*stolen))
    receipted = store.holding(CHAIN).ranges()
    store.keep(deliveries(change, *own))
    assert named(run(whole=True)) == set()
    assert [gap for stored in receipted for gap in opened().holding(CHAIN).lacks(stored)] == []
    store = opened()
    store.keep(deliveries(*post.store.records[-2:]))
    assert named(run(whole=True)) == set()


def test_deleted_record(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    sql("DELETE FROM custody_record WHERE type = 'platepost.hit.v1' AND covert_group IS NULL")
    report = run()
    assert {("missing", "open", 4), ("projection", None, None), ("picture", None, None)} == named(report)
    (missing,) = (problem for problem in report.problems if problem.kind.value == "missing")
    assert str(missing) == f"post-1, chain {CHAIN.chain}, number 4: missing: kept, and gone"


def test_deleted_chain(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    sql("DELETE FROM custody_record WHERE covert_group IS NOT NULL")
    assert ("missing", "covert", 1) in named(run())


def test_record_that_was_put_in(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    sql("UPDATE custody_holding SET runs = '[]' WHERE covert_group IS NULL")
    assert ("holding", "open", 1) in named(run())


def test_bookkeeping_that_joins_what_does_not_join(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    sql("UPDATE custody_holding SET runs = jsonb_set(runs, '{0,3}', '\"ab\"') WHERE covert_group IS NULL")
    assert ("holding", "open", 1) in named(run())


@pytest.mark.parametrize(
    "change",
    [
        "body = set_byte(body, 60, get_byte(body, 60) # 1)",
        "body = '', sha256 = sha256('')",
        "kind = 'overview'",
        "covert_group = 'vice'",
    ],
)
def test_exchanged_picture(run: Run, store: CustodyStore, sql: Callable[[str], None], change: str) -> None:
    sql(f"UPDATE custody_picture SET {change} WHERE kind = 'patch'")
    assert named(run()) == {("picture", "open", 3)}


def test_picture_of_another_record(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    sql("UPDATE custody_picture SET record_id = record_id + 1 WHERE kind = 'patch'")
    assert named(run()) == {("picture", "open", 4)}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE custody_read SET plate_read = 'CHANGED'",
        "UPDATE custody_read SET captured_at = captured_at - interval '1 hour'",
        "UPDATE custody_read SET covert_group = 'vice'",
        "UPDATE custody_read SET post = 'post-2'",
        "DELETE FROM custody_read",
    ],
)
def test_altered_projection(run: Run, store: CustodyStore, sql: Callable[[str], None], statement: str) -> None:
    sql(statement)
    assert named(run()) == {("projection", "open", 3)}


def test_projection_of_what_is_not_genuine(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    sql(
        "INSERT INTO custody_audit SELECT id, class, retained_from, post, covert_group, 'boot', kept_at, 'x', 'ok'"
        " FROM custody_record WHERE verdict = 'foreign'"
    )
    assert named(run()) == {("projection", "open", 6)}


def test_projection_of_no_record(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    sql("UPDATE custody_withdrawal SET record_id = record_id + 1")
    assert {("projection", "open", 5)} <= named(run())


PLANTED = {
    "custody_read": "INSERT INTO custody_read SELECT (copy).* FROM (SELECT jsonb_populate_record("
    "one, jsonb_build_object('record_id', {id})) AS copy FROM custody_read AS one) AS copy",
    "custody_hit": "INSERT INTO custody_hit SELECT (copy).* FROM (SELECT jsonb_populate_record("
    "one, jsonb_build_object('record_id', {id})) AS copy FROM custody_hit AS one WHERE covert_group IS NULL) AS copy",
    "custody_picture": "INSERT INTO custody_picture SELECT (copy).* FROM (SELECT jsonb_populate_record("
    "one, jsonb_build_object('record_id', {id})) AS copy FROM custody_picture AS one LIMIT 1) AS copy",
}
"""What makes a row of a record by that id, which does not exist."""


@pytest.mark.parametrize("table", PLANTED)
@pytest.mark.parametrize("number", [10**9, -1])
def test_invented_row_is_reported_whatever_its_id(
    run: Run, store: CustodyStore, sql: Callable[[str], None], table: str, number: int
) -> None:
    """One beyond the last record, too, and one that a run before has passed."""
    assert run().problems == ()
    sql(PLANTED[table].format(id=number))
    for whole in (False, True):
        problems = [(problem.record, problem.message.split()[0]) for problem in run(whole=whole).problems]
        assert problems == [(number, table)]


@pytest.mark.parametrize("role", [OWNER, SUPERUSER, KEEPER])
@pytest.mark.parametrize("table", PLANTED)
def test_invented_row_is_refused_to_everybody(store: CustodyStore, connect: Connect, role: str, table: str) -> None:
    with connect(SUPERUSER) as superuser:
        leaf = f"SELECT tableoid::regclass::text FROM {table} LIMIT 1"
        ((partition,),) = superuser.execute(leaf).fetchall()
        replica = "SET LOCAL session_replication_role = replica"
        superuser.execute(replica if role == SUPERUSER else "SELECT")
        superuser.execute(f"SET LOCAL ROLE {role}")
        for target in (table, partition) if role != KEEPER else (table,):
            statement = PLANTED[table].format(id=7).replace(f"INTO {table}", f"INTO {target}")
            with pytest.raises(psycopg.errors.ForeignKeyViolation, match="has no record"), superuser.transaction():
                superuser.execute(statement)


def test_read_without_a_record_cannot_be_moved_into_another_week(store: CustodyStore, connect: Connect) -> None:
    with connect(OWNER) as owner:
        owner.execute("SELECT custody_make_partitions('2020-01-06', '2020-01-06')")
        with pytest.raises(psycopg.errors.ForeignKeyViolation), owner.transaction():
            owner.execute("UPDATE custody_read SET retained_from = '2020-01-07Z'")


def test_read_cannot_be_moved_to_another_record(store: CustodyStore, connect: Connect) -> None:
    with connect(OWNER) as owner, pytest.raises(psycopg.errors.ForeignKeyViolation):
        owner.execute("UPDATE custody_read SET record_id = (SELECT min(id) FROM custody_record)")


def test_alert_without_its_hit_is_refused_and_reported(
    run: Run, store: CustodyStore, connect: Connect, sql: Callable[[str], None]
) -> None:
    invented = (
        "INSERT INTO alerts_alert (record_id, retained_from, post, hit, captured_at, arrived_at, category, priority,"
        " match, hotlist_stale, held, second_needed, changed_at) VALUES (1, now(), 'post-1', 'h', now(), now(),"
        " 'stolen', 1, 'exact', false, false, false, now())"
    )
    without = "SET LOCAL session_replication_role = replica"
    with (
        connect(SUPERUSER) as superuser,
        pytest.raises(psycopg.errors.ForeignKeyViolation, match="an alert has no hit"),
    ):
        superuser.execute(f"{without}; {invented}")
    sql(f"{without}; {invented}")
    assert [str(problem) for problem in run().problems] == [
        "record 1: projection: alert 1 has no hit: someone invented it, or deleted its hit"
    ]


DAMAGE = {
    "topic": ALTER.format("topic = 'x', constants = NULL"),
    "body": ALTER.format("body = '\\x00', codec = 1"),
    "time of a record": ALTER.format("kept_at = 'infinity'"),
    "time of a row": "UPDATE custody_read SET captured_at = 'infinity'",
    "bookkeeping": "UPDATE custody_holding SET runs = '{\"a\": 1}' WHERE covert_group IS NULL",
    "record that names keys": "UPDATE custody_record SET names = true, body = '', codec = 3 WHERE sequence = 3",
    "commitments": "ALTER TABLE ledger_entry DISABLE TRIGGER USER;"
    "UPDATE ledger_entry SET commitments = '[1]' WHERE number = 1; UPDATE ledger_entry SET at = 'infinity'"
    " WHERE number = 2; ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_is_final",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_row_is_reported_and_stops_nothing(
    run: Run, store: CustodyStore, sql: Callable[[str], None], damage: str
) -> None:
    sql(DAMAGE[damage])
    sql("DELETE FROM custody_withdrawal")
    text = named(run())
    assert ("projection", "open", 5) in text, "what comes behind the damage is checked"
    assert text - {("projection", "open", 5)}, "and the damage is reported"


def test_receipted_and_not_held(run: Run, store: CustodyStore, tmp_path: Path) -> None:
    (run_,) = store.holding(CHAIN).ranges()
    receipt = Receipt(
        agency="demo",
        post=CHAIN.post,
        custodian="records",
        epoch=1,
        number=1,
        time=datetime(2026, 1, 31, tzinfo=UTC),
        chain=CHAIN.chain,
        ranges=(KeptRange(first=1, last=run_.last + 2, digest="ab" * 32),),
    )
    with ReceiptLog(tmp_path / "receipts") as log:
        log.begin(1)
        log.add([receipt.model_copy(update={"ranges": (run_,)})])
        assert named(run()) == set()
        log.add([receipt])
        assert named(run(whole=True)) == {("receipted, not held", "open", run_.last + 1)}


def test_bookkeeping_that_says_that_the_post_gave_up_what_is_gone(
    run: Run, store: CustodyStore, sql: Callable[[str], None], post: Post, tmp_path: Path
) -> None:
    """Numbers are given up by the post's signed word alone, so no one takes a record away by the keeper's books."""
    (run_,) = store.holding(CHAIN).ranges()
    line = {"post": CHAIN.post, "chain": CHAIN.chain, "epoch": 1, "number": 1}
    (tmp_path / "receipts").write_text(json.dumps({**line, "ranges": [[1, run_.last, run_.digest]]}) + "\n")
    store.keep(deliveries(post.drop((2, 3))))
    assert named(run(whole=True)) == set(), "what it gave up may be held"
    sql("DELETE FROM custody_record WHERE sequence = 5")
    sql("DELETE FROM custody_withdrawal")
    sql(
        "UPDATE custody_holding SET dropped = dropped || '[[5, 5]]', runs = jsonb_build_array("
        " jsonb_build_array(1, 4, runs -> 0 -> 2, (SELECT encode(digest, 'hex') FROM custody_judged"
        " WHERE sequence = 4 AND verdict = 'genuine')),"
        " jsonb_build_array(6, runs -> 0 -> 1, (SELECT encode(previous, 'hex') FROM custody_judged"
        " WHERE sequence = 6 AND verdict = 'genuine'), runs -> 0 -> 3)) WHERE covert_group IS NULL"
    )
    assert named(run(whole=True)) == {("holding", "open", 5), ("receipted, not held", "open", 5)}


def test_receipt_for_another_record(run: Run, store: CustodyStore, tmp_path: Path) -> None:
    (run_,) = store.holding(CHAIN).ranges()
    line = {"post": CHAIN.post, "chain": CHAIN.chain, "epoch": 1, "number": 1, "ranges": [[1, run_.last, "ab" * 32]]}
    (tmp_path / "receipts").write_text(json.dumps(line) + "\n")
    assert named(run()) == {("receipted, not held", "open", run_.last)}


def test_damaged_log_of_receipts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "receipts").write_text("{}\n")
    with pytest.raises(CustodyError, match="damaged"):
        run()


def test_altered_ledger(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    assert run().problems == ()
    trigger = "ALTER TABLE ledger_entry {} TRIGGER ledger_entry_is_final"
    sql(trigger.format("DISABLE"))
    sql("UPDATE ledger_entry SET at = at - interval '1 hour' WHERE number = 1")
    sql(trigger.format("ENABLE ALWAYS"))
    assert run().problems == (), "what came since is right"
    report = run(whole=True)
    assert named(report) == {("ledger", None, 1)}
    assert "altered" in str(report.problems[0])


def test_cut_ledger(run: Run, store: CustodyStore, sql: Callable[[str], None]) -> None:
    run()
    sql("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_is_final")
    sql("ALTER TABLE ledger_body DISABLE TRIGGER ledger_body_ends_with_its_class")
    sql("DELETE FROM ledger_body WHERE entry = (SELECT entry FROM ledger_entry WHERE number = 2)")
    sql("DELETE FROM ledger_entry WHERE number = 2")
    assert named(run()) == {("ledger", None, 2)}
    assert named(run(whole=True)) == {("ledger", None, 2)}, "the noted end outlives a whole run"


class TestRuns:
    """What one run leaves to the next."""

    def test_next_run_reads_what_came_since(self, run: Run, store: CustodyStore, post: Post) -> None:
        run()
        store.keep(deliveries(*post.record(3)))
        report = run()
        assert (report.whole, report.records, report.problems) == (False, 3, ())

    def test_next_run_names_what_is_gone_since(
        self, run: Run, store: CustodyStore, post: Post, sql: Callable[[str], None]
    ) -> None:
        run()
        created = post.record(3)
        store.keep(deliveries(*created))
        sql(f"DELETE FROM custody_record WHERE sequence > {(created[0].sequence or 0) - 1}")
        assert ("missing", "open", created[0].sequence) in named(run())

    def test_gap_that_is_filled_later(self, run: Run, store: CustodyStore, post: Post) -> None:
        first, second = post.record(2)
        store.keep(deliveries(second))
        assert run().problems == ()
        store.keep(deliveries(first))
        assert run().problems == ()

    def test_what_was_found_stays_until_a_whole_run(
        self, run: Run, store: CustodyStore, sql: Callable[[str], None]
    ) -> None:
        sql("UPDATE custody_read SET plate_read = 'CHANGED'")
        run()
        assert named(run()) == {("projection", "open", 3)}
        sql("UPDATE custody_read SET plate_read = '7ABC123'")
        assert named(run()) == {("projection", "open", 3)}
        assert named(run(whole=True)) == set()

    def test_judged_again_since(self, run: Run, store: CustodyStore, keys: dict[str, Keyring], opened: Open) -> None:
        strange = Post("01890a5d-ac96-774b-bcce-b302099a8059", STRANGER)
        store.keep(deliveries(*strange.record(2)))
        assert run().problems == ()
        keys["post-1"] = Keyring.from_pem(SIGNER.public_pem, STRANGER.public_pem)
        again = opened()
        deque(again.judge_again("post-1"))
        assert run().problems == ()
        assert run(whole=True).problems == ()

    def test_judged_again_meanwhile(
        self, run: Run, store: CustodyStore, sql: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A record that the keeper refutes while it is checked loses what people see of it at that moment."""
        real, refuted = check.judge, []

        def judged(record: CustodyRecord, statements: PostStatements, *, kept_at: datetime) -> Judgment:
            if not refuted:
                refuted.append(record)
                sql(
                    "INSERT INTO custody_rejudged (record_id, class, retained_from, at, verdict, key, reason)"
                    " SELECT id, class, retained_from, kept_at, 'forged', key, '' FROM custody_record"
                    " WHERE verdict = 'genuine'; DELETE FROM custody_read; DELETE FROM custody_audit"
                )
            return real(record, statements, kept_at=kept_at)

        monkeypatch.setattr(check, "judge", judged)
        assert "projection" not in {problem.kind.value for problem in run().problems}
        assert refuted

    def test_key_that_a_record_vouched_for(self, run: Run, store: CustodyStore, post: Post) -> None:
        store.keep(deliveries(post.change_key(), *post.record(2)))
        assert run().problems == ()

    def test_run_that_was_killed_goes_on(
        self, run: Run, store: CustodyStore, sql: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(check, "STEP", 2)
        monkeypatch.setattr(check, "SAVE_SECONDS", 0.0)
        sql("UPDATE custody_read SET plate_read = 'CHANGED'")

        steps: list[int] = []

        def killed(done: int, _total: int) -> None:
            steps.append(done)
            if len(steps) == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(progress=killed)
        left: list[int] = []
        report = run(progress=lambda done, _total: left.append(done))
        assert left[0] == steps[2], "the step in which it was killed is taken again"
        assert len(left) == 3
        assert (report.whole, report.records) == (True, 9)
        assert named(report) == {("projection", "open", 3)}

    def test_more_problems_than_are_named_are_counted(
        self, run: Run, store: CustodyStore, sql: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(check_report, "PROBLEMS_MOST", 1)
        sql("DELETE FROM custody_audit")
        report = run()
        assert len(report.problems) == 1
        assert report.more == 2
