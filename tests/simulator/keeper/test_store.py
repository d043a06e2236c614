"""What is delivered is kept once, whatever it says, and what is held of each chain goes over an end."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from platepost.department.custody.holding import ChainName, Fork
from platepost.department.custody.messages import ReceivedMessage
from platepost.simulator.keeper.store import RecordStore
from platepost.wire.records import KeptRange, Keyring
from tests.department.custody.posts import CHAIN, SIGNER, SOURCE, Post, deliveries


def spans(store: RecordStore, chain: ChainName = CHAIN) -> list[tuple[int, int]]:
    return [(kept.first, kept.last) for kept in store.holding(chain).ranges()]


Open = Callable[[], RecordStore]


@pytest.fixture
def keys() -> dict[str, Keyring]:
    return {"post-1": Keyring.from_pem(SIGNER.public_pem)}


@pytest.fixture
def opened(tmp_path: Path, keys: dict[str, Keyring]) -> Iterator[Open]:
    """Opens the store again, as after an end."""
    stores: list[RecordStore] = []

    def again() -> RecordStore:
        for store in stores:
            store.close()
        stores.append(RecordStore(tmp_path / "store" / "records.db", keys=lambda post: keys.get(post, Keyring(()))))
        return stores[-1]

    yield again
    stores[-1].close()


def count(store: RecordStore) -> int:
    (found,) = store._database.execute("SELECT count(*) FROM records").fetchone()
    return int(found)


def test_records_are_kept_once_and_held_after_an_end(opened: Open) -> None:
    first, second, third = Post().record(3)
    store = opened()
    assert store.keep(deliveries(third, first)) == {CHAIN}
    assert spans(store) == [(1, 1), (3, 3)]
    store = opened()
    assert store.keep(deliveries(first, second, first)) == {CHAIN}
    assert store.holding(CHAIN).ranges() == (KeptRange(first=1, last=3, digest=third.digest),)
    assert count(store) == 3
    assert opened().holding(CHAIN).ranges() == store.holding(CHAIN).ranges()


def test_the_bytes_are_those_that_came(opened: Open) -> None:
    (made,) = Post().record(1)
    odd = json.dumps(made.event, indent=3).encode()  # the same record, written otherwise
    store = opened()
    store.keep([ReceivedMessage(made.topic, odd)])
    assert store._database.execute("SELECT topic, body FROM records").fetchall() == [(made.topic, odd)]


def test_odd_records_are_kept_and_receipted(opened: Open) -> None:
    first, second, third = (made.event for made in Post().record(3))
    later = first | {"type": "platepost.parking.v9", "data": {"lot": 7}, "more": [1.5]}
    second |= {"signature": "of..nobody"}
    third |= {"data": "no object"}
    store = opened()
    bodies = [json.dumps(event).encode() for event in (later, second, third)]
    assert store.keep([ReceivedMessage(SOURCE.topic("read"), body) for body in bodies]) == {CHAIN}
    assert spans(store) == [(1, 1), (2, 3)]  # the first was changed: nothing follows it
    assert count(store) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"no record",
        b"[]",
        b'{"id":1,"id":2}',
        b'{"chain":"x","sequence":1,"previous":"' + b"0" * 64 + b'"}',
        json.dumps({"chain": CHAIN.chain, "sequence": True, "previous": "0" * 64}).encode(),
        json.dumps({"chain": CHAIN.chain, "sequence": 0, "previous": "0" * 64}).encode(),
        json.dumps({"chain": CHAIN.chain, "sequence": 2**53, "previous": "0" * 64}).encode(),
        json.dumps({"chain": CHAIN.chain, "sequence": 1, "previous": "0"}).encode(),
        json.dumps({"chain": CHAIN.chain, "sequence": 1, "previous": "0" * 64, "data": "\ud800"}).encode(),
        b"\xff\xfe",
    ],
)
def test_what_has_no_place_in_a_chain_is_kept_once_all_the_same(body: bytes, opened: Open) -> None:
    store = opened()
    assert store.keep([ReceivedMessage(SOURCE.topic("read"), body)] * 2) == set()
    assert store._database.execute("SELECT count(*) FROM loose").fetchone() == (1,)
    assert count(store) == 0


def test_a_record_belongs_to_the_post_below_whose_name_it_came(opened: Open) -> None:
    (made,) = Post().record(1)
    store = opened()
    assert store.keep([ReceivedMessage("alpr/v1/demo/post-9/audit", made.body)]) == {ChainName("post-9", CHAIN.chain)}


def test_both_branches_of_a_fork_are_kept_and_the_first_counts(opened: Open) -> None:
    post = Post()
    post.record(2)
    store = opened()
    store.keep(deliveries(*post.store.records))
    head = post.store.head
    third = post.record(1)
    store.keep(deliveries(*third))
    post.store.head = head  # its disk is taken back
    branch = post.record(2)
    store.keep(deliveries(*branch))
    store.keep(deliveries(*branch))
    assert count(store) == 5
    for _ in range(2):
        assert [kept.digest for kept in store.holding(CHAIN).ranges()] == [third[0].digest, branch[1].digest]
        assert store.digest(CHAIN, 3) == third[0].digest
        assert store.holding(CHAIN).forks == {Fork(3, branch[0].digest)}
        store = opened()


def test_pictures_that_come_later_are_added_and_false_ones_are_not(opened: Open) -> None:
    made = Post().read()
    bare = made.stripped()
    event = made.event
    event["data"]["pictures"][0]["data"] = "AAAA"
    false = json.dumps(event).encode()
    store = opened()
    for body, kept in ((bare.body, bare.body), (false, bare.body), (made.body, made.body), (bare.body, made.body)):
        store.keep([ReceivedMessage(made.topic, body)])
        assert store._database.execute("SELECT body FROM records").fetchall() == [(kept,)]


def test_after_a_purge_a_record_is_held_and_not_stored_again(opened: Open) -> None:
    made = Post().record(3)
    store = opened()
    store.keep(deliveries(*made))
    store._database.execute("DELETE FROM records")
    store = opened()
    assert store.keep(deliveries(made[1])) == {CHAIN}
    assert spans(store) == [(1, 3)]
    assert count(store) == 0


def test_numbers_that_a_post_gave_up_join_over_an_end(opened: Open) -> None:
    post = Post()
    made = post.record(6)
    account = post.drop((2, 3), (5, 5))
    store = opened()
    store.keep(deliveries(made[0], made[3], made[5]))
    assert spans(store) == [(1, 1), (4, 4), (6, 6)]
    store.keep(deliveries(account))
    assert spans(store) == [(1, 7)]
    assert spans(opened()) == [(1, 7)]


def test_what_an_unknown_key_names_counts_once_the_key_is_known(opened: Open, keys: dict[str, Keyring]) -> None:
    post = Post()
    made = post.record(4)
    account = post.drop((2, 3))
    known = keys.pop("post-1")
    store = opened()
    store.keep(deliveries(made[0], made[3], account))
    assert spans(store) == [(1, 1), (4, 5)]
    keys["post-1"] = known
    store = opened()
    store.keep(deliveries(post.drop((2, 2))))
    assert spans(store) == [(1, 6)]


def test_what_a_later_key_names_waits_for_whoever_vouches_for_it(opened: Open) -> None:
    post = Post()
    made = post.record(3)
    change = post.change_key()
    fifth = post.store.records[4]
    account = post.drop((2, 3))
    store = opened()
    store.keep(deliveries(made[0], fifth, account))
    assert spans(store) == [(1, 1), (5, 6)]
    store.keep(deliveries(change))
    assert spans(store) == [(1, 6)]
    # And after an end the key is known from what is kept.
    store = opened()
    seventh, eighth = post.record(2)
    store.keep(deliveries(eighth, post.drop((7, 7))))
    assert spans(store) == [(1, 9)]
    assert seventh.sequence == 7


def test_what_is_not_committed_is_not_held(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    post = Post()
    first, second = post.record(2)
    store = opened()
    store.keep(deliveries(first))

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_save", full)
        with pytest.raises(sqlite3.OperationalError):
            store.keep(deliveries(second))
    assert spans(store) == [(1, 1)]
    assert count(store) == 1
    store.keep(deliveries(second))
    assert spans(store) == [(1, 2)]
