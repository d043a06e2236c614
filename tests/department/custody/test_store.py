"""Each record is kept exactly once, whatever it says, and what is held of each chain goes over an end."""

import json
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from platepost.department.custody import sorting
from platepost.department.custody import store as module
from platepost.department.custody.errors import StoreError
from platepost.department.custody.holding import ChainName, Fork
from platepost.department.custody.messages import ReceivedMessage
from platepost.department.custody.projections import project
from platepost.department.custody.record import RecordRow
from platepost.department.custody.store import CustodyStore
from platepost.department.custody.tables import CustodyTables
from platepost.department.database.roles import KEEPER
from platepost.wire.contract.examples import example_audit, example_health
from platepost.wire.records import KeptRange, Keyring, envelope
from platepost.wire.records.canonical import GENESIS, canonical_bytes, dump, parse
from tests.department.custody.conftest import Open, Rows
from tests.department.custody.posts import (
    CHAIN,
    COVERT,
    GROUP,
    HIT,
    NOW,
    SIGNER,
    SOURCE,
    Post,
    changed,
    deliveries,
)


def spans(store: CustodyStore, chain: ChainName = CHAIN) -> list[tuple[int, int]]:
    return [(stored.first, stored.last) for stored in store.holding(chain).ranges()]


def judge_again(store: CustodyStore, *posts: str) -> set[ChainName]:
    return set().union(*(chains for post in posts for chains in store.judge_again(post)))


def verdicts(rows: Rows) -> list[tuple[int, str]]:
    return rows("SELECT sequence, verdict FROM custody_judged ORDER BY id")


def tally(rows: Rows) -> dict[str, int]:
    fetched = rows("SELECT verdict, sum(count)::int FROM custody_tally GROUP BY verdict HAVING sum(count) <> 0")
    return dict(fetched)


# --- once, and over an end


def test_records_are_kept_once_and_held_after_an_end(opened: Open, rows: Rows) -> None:
    first, second, third = Post().record(3)
    store = opened()
    assert store.keep(deliveries(third, first)) == {CHAIN}
    assert spans(store) == [(1, 1), (3, 3)]
    store = opened()
    assert store.keep(deliveries(first, second, first)) == {CHAIN}
    assert store.holding(CHAIN).ranges() == (KeptRange(first=1, last=3, digest=third.digest),)
    assert verdicts(rows) == [(3, "genuine"), (1, "genuine"), (2, "genuine")]
    assert tally(rows) == {"genuine": 3, "duplicate": 2}
    store = opened()
    assert list(store.chains()) == [CHAIN]
    assert store.holding(CHAIN).ranges() == (KeptRange(first=1, last=3, digest=third.digest),)
    assert store.digest(CHAIN, 2) == second.digest


def test_a_record_that_comes_again_ends_a_range(opened: Open) -> None:
    created = Post().record(3)
    store = opened()
    store.keep(deliveries(*created))
    assert store.keep(deliveries(created[1])) == {CHAIN}
    assert store.holding(CHAIN).repeated == (2, created[1].digest)


@pytest.mark.parametrize(
    "body",
    [
        b"no record",
        b"[]",
        b'{"id":1,"id":2}',
        b"\xff\xfe\x00",
        json.dumps({"type": "x", "signature": "a..b", "data": "\ud800"}).encode(),
        json.dumps({"type": "platepost.read.v1"}).encode(),
    ],
)
def test_what_cannot_be_read_is_kept_once_as_it_came(body: bytes, opened: Open, rows: Rows) -> None:
    store = opened()
    assert store.keep([ReceivedMessage(SOURCE.topic("read"), body)] * 2) == set()
    assert opened().keep([ReceivedMessage(SOURCE.topic("read"), body)]) == set()
    assert rows("SELECT verdict, class, codec, body FROM custody_record") == [("unreadable", "log", 0, body)]
    assert tally(rows) == {"unreadable": 1, "duplicate": 2}


def test_what_is_outside_of_any_chain_is_kept_once(opened: Open, rows: Rows) -> None:
    health = Post().recorder.unchained(example_health(HIT))
    store = opened()
    assert store.keep(deliveries(health, health)) == set()
    store.keep(deliveries(health))
    assert rows("SELECT verdict, chain FROM custody_record") == [("genuine", None)]
    assert rows("SELECT post FROM custody_health") == [("post-1",)]


# --- what is odd


def test_a_spoiled_signature_ahead_of_the_record_keeps_nothing_out(opened: Open, rows: Rows) -> None:
    first, second = Post().record(2)
    head = second.event["signature"].partition("..")[0]
    spoiled = changed(second, signature=f"{head}..{'A' * 86}")
    store = opened()
    store.keep(deliveries(first))
    assert store.keep([spoiled, spoiled]) == set()
    assert spans(store) == [(1, 1)]
    assert opened().keep([*deliveries(second), spoiled]) == {CHAIN}
    assert verdicts(rows) == [(1, "genuine"), (2, "forged"), (2, "genuine")]
    assert spans(opened()) == [(1, 2)]


def test_an_altered_record_counts_nowhere(opened: Open, rows: Rows) -> None:
    first, second = Post().record(2)
    store = opened()
    store.keep([changed(first, data={"plate": "none"}), *deliveries(second), changed(first, source="//alpr/v1/x/y")])
    assert spans(store) == [(2, 2)]
    store.keep(deliveries(first))
    assert spans(store) == [(1, 2)]
    assert verdicts(rows) == [(1, "forged"), (2, "genuine"), (1, "forged"), (1, "genuine")]


def test_a_strangers_record_ahead_yields_to_the_posts_own(opened: Open, rows: Rows) -> None:
    post = Post()
    first = post.record(1)
    theirs = post.enemy().record(2)
    own = post.record(2)
    store = opened()
    store.keep(deliveries(*first, *theirs))
    # Durable, so receipted: beside what is proven, never joined to it.
    assert store.holding(CHAIN).ranges() == (
        KeptRange(first=1, last=1, digest=first[0].digest),
        KeptRange(first=2, last=3, digest=theirs[1].digest),
    )
    store = opened()
    store.keep(deliveries(own[0]))
    assert store.holding(CHAIN).ranges() == (
        KeptRange(first=1, last=2, digest=own[0].digest),
        KeptRange(first=3, last=3, digest=theirs[1].digest),
    )
    store.keep(deliveries(own[1]))
    assert store.holding(CHAIN).ranges() == (KeptRange(first=1, last=3, digest=own[1].digest),)
    assert not store.holding(CHAIN).forks
    assert [verdict for _, verdict in verdicts(rows)] == ["genuine", "foreign", "foreign", "genuine", "genuine"]
    assert opened().holding(CHAIN).ranges() == (KeptRange(first=1, last=3, digest=own[1].digest),)


def test_both_branches_of_a_fork_are_kept_and_the_first_counts(opened: Open, rows: Rows) -> None:
    post = Post()
    post.record(2)
    store = opened()
    store.keep(deliveries(*post.store.records))
    head = post.store.head
    third = post.record(1)
    store.keep(deliveries(*third))
    post.store.head = head  # its disk is taken back
    post.now += timedelta(seconds=5)
    branch = post.record(2)
    store.keep(deliveries(*branch))
    store.keep(deliveries(*branch))
    assert [verdict for _, verdict in verdicts(rows)] == ["genuine"] * 3 + ["forked", "genuine"]
    for _ in range(2):
        assert [stored.digest for stored in store.holding(CHAIN).ranges()] == [third[0].digest, branch[1].digest]
        assert store.digest(CHAIN, 3) == third[0].digest
        assert store.holding(CHAIN).forks == {Fork(3, branch[0].digest)}
        store = opened()
    assert rows("SELECT count(*) FROM custody_audit") == [(4,)]  # a forked record is no search result


def test_a_type_that_is_not_known_is_kept_and_held_and_shown_nowhere(
    opened: Open, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = Post().record(2)
    with monkeypatch.context() as patch:
        patch.delitem(envelope.EVENTS, "platepost.audit.v1")
        store = opened()
        store.keep(deliveries(*created))
    assert spans(store) == [(1, 2)]
    assert [verdict for _, verdict in verdicts(rows)] == ["unknown"] * 2
    assert rows("SELECT count(*) FROM custody_audit") == [(0,)]
    # A later version knows it.
    assert store.posts_with_doubts() == ["post-1"]
    judge_again(store, *store.posts_with_doubts())
    assert [verdict for _, verdict in verdicts(rows)] == ["genuine"] * 2
    assert rows("SELECT count(*) FROM custody_audit") == [(2,)]
    assert tally(rows) == {"genuine": 2}


def test_text_that_the_database_does_not_take_hinders_nothing(opened: Open, rows: Rows) -> None:
    post = Post()
    nul = post.recorder.record(example_audit("boot").model_copy(update={"identity": "a\0b"}))
    store = opened()
    store.keep([*deliveries(nul), changed(nul, type="a\0b"), changed(nul, type="x" * 300)])
    half = json.dumps(nul.event | {"signature": "\ud800"}).encode()
    picture = json.dumps(nul.event | {"data": {"pictures": [{"data": "\ud800"}]}}).encode()
    store.keep([ReceivedMessage(nul.topic, half), ReceivedMessage(nul.topic, picture)])
    assert rows("SELECT count(*) FROM custody_record") == [(5,)]
    assert rows("SELECT person FROM custody_audit") == [("a\ufffdb",)]
    assert rows("SELECT type FROM custody_record ORDER BY id") == [
        ("platepost.audit.v1",),
        *[("",)] * 2,
        *[("platepost.audit.v1",)] * 2,
    ]


def test_one_record_that_the_database_does_not_take_keeps_no_other_back(
    opened: Open, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = Post()
    created = [post.read(text="AAA"), post.read(text="BBB"), post.read(text="CCC")]

    def spoiled(event: Any) -> Any:
        for projection, row in project(event):
            yield projection, (row if event.data.plate_read != "BBB" else (*row[:5], "no number", *row[6:]))

    monkeypatch.setattr(sorting, "project", spoiled)
    store = opened()
    assert store.keep(deliveries(*created)) == {CHAIN}
    assert [verdict for _, verdict in verdicts(rows)] == ["genuine", "unreadable", "genuine"]
    assert rows("SELECT body FROM custody_record WHERE verdict = 'unreadable'") == [(created[1].body,)]
    assert spans(store) == [(1, 1), (3, 3)]


# --- keys


def test_records_of_a_key_that_is_not_known_are_judged_again_when_it_comes(
    opened: Open, rows: Rows, keys: dict[str, Keyring]
) -> None:
    known = keys.pop("post-1")
    post = Post()
    created = [*post.record(2), post.read()]
    store = opened()
    assert store.keep(deliveries(*created)) == {CHAIN}
    assert store.holding(CHAIN).ranges() == (KeptRange(first=1, last=3, digest=created[2].digest),)
    assert store.digest(CHAIN, 2) == created[1].digest
    assert rows("SELECT count(*) FROM custody_read") == [(0,)]
    assert store.keep(deliveries(created[0])) == {CHAIN}  # comes again
    keys["post-1"] = known
    assert judge_again(store, "post-1") == {CHAIN}
    assert [verdict for _, verdict in verdicts(rows)] == ["genuine"] * 3
    assert rows("SELECT plate_fold, confidence FROM custody_read") == [("7ABC123", 0.973)]
    assert tally(rows) == {"genuine": 3, "duplicate": 1}
    assert rows("SELECT jsonb_array_length(runs), jsonb_array_length(unproven) FROM custody_holding") == [(1, 0)]
    assert judge_again(store, "post-1") == set()
    assert opened().holding(CHAIN).ranges() == (KeptRange(first=1, last=3, digest=created[2].digest),)


def test_a_key_that_the_former_vouches_for_is_good_for_what_came_before_too(opened: Open, rows: Rows) -> None:
    post = Post()
    first = post.record(1)
    change = post.change_key()
    later = post.record(1)
    store = opened()
    store.keep(deliveries(*first, *later))
    assert [verdict for _, verdict in verdicts(rows)] == ["genuine", "foreign"]
    store.keep(deliveries(change, post.store.records[2]))
    assert [verdict for _, verdict in verdicts(rows)] == ["genuine"] * 4
    assert spans(store) == [(1, 4)]
    store = opened()
    store.keep(deliveries(*post.record(1)))
    assert spans(store) == [(1, 5)]


def test_what_a_former_key_signed_after_it_was_replaced_is_refuted_even_where_it_came_first(
    opened: Open, rows: Rows
) -> None:
    post = Post()
    first = post.record(1)
    thief = post.enemy(SIGNER)
    thief.record(1)
    stolen = [thief.read(), thief.read()]  # numbers 3 and 4
    change = post.change_key()
    own = [post.store.records[2], *post.record(2)]  # numbers 3, 4 and 5
    store = opened()
    store.keep(deliveries(*first, *stolen))
    assert [verdict for _, verdict in verdicts(rows)] == ["genuine"] * 3
    store.keep(deliveries(*own))  # of a key that no one has vouched for
    store.keep(deliveries(change))
    matches = dict(rows("SELECT encode(digest, 'hex'), verdict FROM custody_judged"))
    assert [matches[created.digest] for created in (*first, change, *own)] == ["genuine"] * 5
    assert [matches[created.digest] for created in stolen] == ["forged"] * 2
    assert rows("SELECT count(*) FROM custody_read") == [(0,)]
    for _ in range(2):
        assert store.holding(CHAIN).ranges() == (KeptRange(first=1, last=5, digest=own[-1].digest),)
        store = opened()
    store.keep(deliveries(thief.read()))
    assert spans(store) == [(1, 5)]


def test_what_was_made_after_a_key_s_end_is_refuted_when_the_register_tells_of_it(
    opened: Open, rows: Rows, ended: dict[str, datetime], clock: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The register is carried by hand: what came in between was kept as the post's own."""
    monkeypatch.setattr(module, "REJUDGED_AT_ONCE", 2)
    post, store = Post(), opened()
    ahead = post.record(1)
    post.now = NOW + timedelta(hours=2)  # a wrong clock: it came before the end, and cannot have been made after
    ahead += post.record(1)
    store.keep(deliveries(*ahead))
    end = NOW + timedelta(hours=1)
    clock[0] = end + timedelta(minutes=1)
    post.now = end - timedelta(minutes=1)
    before = [post.read(), *post.record(2)]
    post.now = end + timedelta(seconds=30)
    after = [post.read(), *post.record(1), post.hit(GROUP)]
    store.keep(deliveries(*before, *after))
    assert [verdict for _, verdict in verdicts(rows)] == ["genuine"] * 8
    ended[SIGNER.kid] = end
    assert CHAIN in judge_again(store, "post-1")
    matches = dict(rows("SELECT encode(digest, 'hex'), verdict FROM custody_judged"))
    assert [matches[created.digest] for created in (*ahead, *before)] == ["genuine"] * 5
    assert [matches[created.digest] for created in after] == ["forged"] * 3
    assert rows("SELECT count(*) FROM custody_read") == [(1,)], "nobody is shown it"
    for _ in range(2):
        assert rows("SELECT runs -> 0 -> 1, unproven -> 0 -> 0 FROM custody_holding WHERE chain = %s", CHAIN.chain) == [
            (5, 6)
        ]
        assert judge_again(store, "post-1") == set()
        store = opened()
    store.keep(deliveries(*post.record(1)))
    assert [verdict for _, verdict in verdicts(rows)][-1] == "forged"


def test_numbers_that_a_post_gave_up_join_over_an_end(opened: Open, keys: dict[str, Keyring]) -> None:
    post = Post()
    created = post.record(6)
    account = post.drop((2, 3), (5, 5))
    known = keys.pop("post-1")
    store = opened()
    store.keep(deliveries(created[0], created[3], created[5], account))
    assert spans(store) == [(1, 1), (4, 4), (6, 7)]
    keys["post-1"] = known
    judge_again(store, "post-1")
    assert spans(store) == [(1, 7)]
    assert spans(opened()) == [(1, 7)]


def test_much_is_judged_again_in_pieces_and_more_is_kept_between(
    opened: Open, keys: dict[str, Keyring], rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REJUDGED_AT_ONCE", 3)
    post = Post()
    created = post.record(11)
    known = keys.pop("post-1")
    store = opened()
    store.keep(deliveries(*created[4:8], *created[:4], *created[9:10]))
    keys["post-1"] = known
    pieces = store.judge_again("post-1")
    assert [next(pieces), next(pieces)] == [set(), {CHAIN}]
    # Those that came first, 5 to 7, are proven; all others are still what they were.
    ((runs, unproven),) = rows("SELECT runs, unproven FROM custody_holding")
    assert runs == [[5, 7, created[3].digest, created[6].digest]]
    ends = [(1, 4), (8, 8), (10, 10)]
    assert unproven == [[a, b, GENESIS if a == 1 else created[a - 2].digest, created[b - 1].digest] for a, b in ends]
    assert store.keep(deliveries(created[8])) == {CHAIN}
    next(pieces)
    store = opened()  # the keeper was killed
    assert judge_again(store, "post-1") == {CHAIN}
    assert store.keep(deliveries(created[10])) == {CHAIN}
    assert rows("SELECT runs, unproven FROM custody_holding") == [([[1, 11, GENESIS, created[10].digest]], [])]
    assert tally(rows) == {"genuine": 11}


# --- pictures


def test_pictures_lie_apart_and_may_come_later(opened: Open, rows: Rows) -> None:
    created = Post().read()
    event = created.event
    event["data"]["pictures"][0]["data"] = "AAAA"
    store = opened()
    assert store.keep(deliveries(created.stripped())) == {CHAIN}
    assert store.keep([ReceivedMessage(created.topic, dump(event))]) == set()
    assert rows("SELECT count(*) FROM custody_picture") == [(0,)]
    store.keep(deliveries(created, created))
    ((identifier, kind, digest),) = rows("SELECT record_id, kind, encode(sha256, 'hex') FROM custody_picture")
    assert (kind, digest) == ("patch", created.event["data"]["pictures"][0]["sha256"])
    assert rows("SELECT verdict FROM custody_record WHERE id = %s", identifier) == [("genuine",)]
    assert [verdict for _, verdict in verdicts(rows)] == ["genuine", "forged"]


def test_a_spoiled_picture_ahead_is_not_receipted_so_that_the_post_sends_it_again(opened: Open, rows: Rows) -> None:
    created = Post().read()
    event = created.event
    event["data"]["pictures"][0]["data"] = "AAAA"
    store = opened()
    assert store.keep([ReceivedMessage(created.topic, dump(event))]) == set()
    assert spans(store) == []
    assert store.keep(deliveries(created)) == {CHAIN}
    assert rows("SELECT count(*) FROM custody_picture") == [(1,)]


# --- where records lie


def test_classes_are_of_what_happened(opened: Open, rows: Rows) -> None:
    post = Post()
    created = [post.read(), post.read(HIT), post.hit(), post.withdrawal(), *post.record(1)]
    opened().keep(deliveries(*created))
    assert rows("SELECT class FROM custody_record ORDER BY id") == [(each,) for each in ("no_hit", *["hit"] * 3, "log")]
    assert rows("SELECT class FROM custody_picture ORDER BY record_id") == [("no_hit",), ("hit",), ("hit",)]


def test_a_time_far_from_the_custodians_clock_is_doubtful(opened: Open, rows: Rows) -> None:
    post = Post()
    days = (-32, -30, 0, 30, 32)
    created = [post.read(captured=NOW + timedelta(days=day)) for day in days]
    opened().keep(deliveries(*created))
    fetched = rows("SELECT class, retained_from FROM custody_record ORDER BY id")
    assert [retention for retention, _ in fetched] == ["doubtful", *["no_hit"] * 3, "doubtful"]
    assert [when - NOW for _, when in fetched] == [timedelta(days=day) for day in (0, 0, 0, 30, 0)]


def test_a_write_never_fails_for_want_of_a_partition(opened: Open, rows: Rows, clock: list) -> None:
    post = Post()
    store = opened()
    for days in (0, 400, 5000):
        post.now = clock[0] = NOW + timedelta(days=days)
        assert store.keep(deliveries(*post.record(1)))
    assert rows("SELECT count(*) FROM custody_record WHERE class = 'log'") == [(3,)]


def test_covert_records_are_marked_with_their_group(opened: Open, rows: Rows) -> None:
    post = Post()
    created = [post.hit(GROUP), post.hit()]
    assert opened().keep(deliveries(*created)) == {CHAIN, COVERT}
    for table in ("record", "hit", "picture"):
        assert rows(f"SELECT covert_group FROM custody_{table} ORDER BY 1") == [(GROUP,), (None,)]
    assert rows("SELECT chain, covert_group FROM custody_holding ORDER BY 1") == [
        (CHAIN.chain, None),
        (COVERT.chain, GROUP),
    ]
    assert rows("SELECT DISTINCT covert_group FROM custody_tally ORDER BY 1") == [(GROUP,), (None,)]


# --- what goes wrong


def test_what_is_not_committed_is_not_held(opened: Open, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Post().record(2)
    store = opened()
    store.keep(deliveries(first))

    def full(*_: object, **__: object) -> None:
        raise psycopg.errors.DiskFull

    with monkeypatch.context() as patch:
        patch.setattr(CustodyTables, "_write_tally", full)
        with pytest.raises(StoreError, match="DiskFull"):
            store.keep(deliveries(second))
    assert spans(store) == [(1, 1)]
    assert verdicts(rows) == [(1, "genuine")]
    store.keep(deliveries(second))
    assert spans(store) == [(1, 2)]


def test_hits_are_seen_once_committed_and_receipted_once_on_the_disk(
    opened: Open, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hit,) = Post().record(1)
    store, execute, seen = opened(), psycopg.Connection.execute, []

    def cut_off(self: psycopg.Connection, query: Any, *values: Any, **how: Any) -> psycopg.Cursor:
        if query == "SELECT ledger_flush()":
            seen.append(verdicts(rows))
            raise psycopg.OperationalError("the connection was lost")
        return execute(self, query, *values, **how)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "execute", cut_off)
        with pytest.raises(StoreError, match="connection was lost"):
            store.keep(deliveries(hit))
    assert seen == [[(1, "genuine")]]
    assert store.keep(deliveries(hit)) == {CHAIN}, "it comes again, and is receipted then"
    assert tally(rows) == {"genuine": 1, "duplicate": 1}


def test_only_many_rows_are_copied(opened: Open, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    post = Post()
    few, many = [post.hit(None), post.read()], post.record(40)
    copy, copied = psycopg.Cursor.copy, []

    def counted(self: psycopg.Cursor, statement: Any, *values: Any) -> Any:
        copied.append(statement)
        return copy(self, statement, *values)

    monkeypatch.setattr(psycopg.Cursor, "copy", counted)
    store = opened()
    store.keep(deliveries(*few))
    assert not copied, "or the commit of a hit would empty all temporary tables"
    store.keep(deliveries(*many))
    assert copied
    stored = [parse(RecordRow(*row).json_bytes()) for row in rows("SELECT * FROM custody_stored ORDER BY id")]
    assert stored == [each.stripped().event for each in (*few, *many)]


def test_a_session_that_broke_is_begun_anew(opened: Open, rows: Rows) -> None:
    first, second = Post().record(2)
    store = opened()
    store.keep(deliveries(first))
    rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", KEEPER)
    with pytest.raises(StoreError):
        store.keep(deliveries(second))
    store.keep(deliveries(second))
    assert spans(store) == [(1, 2)]


def test_what_reads_say_each_time_stands_once(opened: Open, rows: Rows) -> None:
    post = Post()
    reads = [post.read(), post.read(), post.read(site="Mill Road"), post.read()]
    store = opened()
    store.keep(deliveries(*reads[:2]))
    store.keep(deliveries(*reads[2:]))
    opened().keep(deliveries(post.read()))  # a later session finds it
    numbers, *rest = zip(*rows("SELECT constants, topic, type, key FROM custody_record ORDER BY sequence"), strict=True)
    assert numbers == (*numbers[:1] * 2, numbers[2], *numbers[:1] * 2)
    assert numbers[2] != numbers[0]
    assert rest == [("",) * 5, ("",) * 5, (None,) * 5]
    assert rows("SELECT DISTINCT topic, key FROM custody_judged") == [(SOURCE.topic("read"), SIGNER.kid)]
    ((parts,),) = rows("SELECT convert_from(parts, 'UTF8') FROM custody_stored WHERE sequence = 3")
    assert "Mill Road" in parts
    assert reads[2].event["data"]["plate_read"] not in parts


def test_a_second_keeper_is_refused_by_name(opened: Open, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platepost.department.custody.tables.LOCK_MILLISECONDS", 100)
    store = opened()
    with pytest.raises(StoreError, match="another archive service works on this database: records, process"):
        CustodyStore(f"{database} user={KEEPER} application_name=second", keys=lambda _: Keyring(()))
    assert store.keep(deliveries(*Post().record(1))) == {CHAIN}
    store.close()
    CustodyStore(f"{database} user={KEEPER}", keys=lambda _: Keyring(())).close()


def test_the_stored_bytes_are_those_that_were_signed(opened: Open, rows: Rows) -> None:
    post = Post()
    created = [post.read(), post.hit(), *post.record(1)]
    opened().keep(deliveries(*created))
    for each, row in zip(created, rows("SELECT * FROM custody_stored ORDER BY id"), strict=True):
        event = parse(RecordRow(*row).json_bytes())
        assert canonical_bytes(event) == canonical_bytes(each.event)
        assert Keyring.from_pem(SIGNER.public_pem).check(event["signature"], canonical_bytes(event)) == SIGNER.kid
        assert event == each.stripped().event
