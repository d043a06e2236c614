"""The checker finds each way in which custody can break its promises, on a wire that is made up."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from platepost.department.custody.receipt_log import LostRange
from platepost.wire.contract.examples import (
    CLOCK,
    ExampleSigner,
    MemoryStore,
    example_audit,
    example_sight,
    example_status,
)
from platepost.wire.jose import sign
from platepost.wire.records import (
    Consultation,
    Dropped,
    Envelope,
    KeptRange,
    Keyring,
    KeyState,
    Purpose,
    Read,
    Receipt,
    Recorder,
    SequenceRange,
    Source,
)
from platepost.wire.records.receipt import RECEIPT_TYPE
from tests.campaigns.custody.checker import CustodyChecker, LeftBehind
from tests.campaigns.faults.storage_log import LoggedRecord

SOURCE = Source("demo", "post-1")
CHAIN = "01890a5d-ac96-774b-bcce-b302099a8057"
KEYS = {
    name: ECKey.import_key(ec.derive_private_key(number, ec.SECP256R1()))
    for number, name in enumerate(("records", "archive", "new"), 7)
}
REQUIRED = {"records": (), "archive": ()}


class Wire:
    """Puts records and receipts on the wire of a checker."""

    def __init__(self, *, added: tuple[str, ...] = ()) -> None:
        posts = {"post-1": Keyring.from_pem(ExampleSigner().public_pem)}
        self.checker = CustodyChecker({name: [key] for name, key in KEYS.items()}, posts, added=added)
        self.store = MemoryStore(CHAIN)
        self.recorder = Recorder(self.store, ExampleSigner(), SOURCE)
        self.numbers = iter(range(1, 1000))

    @property
    def stored(self) -> list[LoggedRecord]:
        return [LoggedRecord.of(envelope) for envelope in self.store.records]

    def make(self, count: int) -> list[Envelope]:
        return [self.recorder.record(example_audit("boot")) for _ in range(count)]

    def send(self, *envelopes: Envelope) -> None:
        for envelope in envelopes:
            self.checker.feed(envelope.topic, envelope.body)

    def receipt(
        self, custodian: str, *spans: tuple[int, int], epoch: int = 1, key: str | None = None, digest: str | None = None
    ) -> None:
        records = {envelope.sequence: envelope.digest for envelope in self.store.records}
        said = Receipt(
            agency="demo",
            post="post-1",
            custodian=custodian,
            epoch=epoch,
            number=next(self.numbers),
            time=datetime(2026, 1, 1, tzinfo=UTC),
            chain=CHAIN,
            ranges=tuple(KeptRange(first=first, last=last, digest=digest or records[last]) for first, last in spans),
        )
        body = sign(said.model_dump_json().encode(), KEYS[key or custodian], typ=RECEIPT_TYPE)
        self.checker.feed(SOURCE.receipt(custodian), body)

    def verdict(self, *, left: tuple[int, ...] = (), lost: tuple[LostRange, ...] = ()) -> list[str]:
        found = LeftBehind(left, CHAIN)
        wrong = self.checker.judge("post-1", self.stored, required=REQUIRED, left=found, lost=lost)
        return [*self.checker.problems, *wrong]


@pytest.fixture
def wire() -> Wire:
    made = Wire()
    made.send(*made.make(5))
    return made


def test_what_both_have_signed_for_may_go(wire: Wire) -> None:
    wire.receipt("records", (1, 5))
    assert wire.checker.lacking("post-1", wire.stored, REQUIRED) == 5
    wire.receipt("archive", (1, 2), (4, 5))
    assert wire.checker.lacking("post-1", wire.stored, REQUIRED) == 1
    assert wire.verdict(left=(3,)) == []
    assert wire.checker.receipts == 2


FAULTS: dict[str, tuple[Callable[[Wire], None], str]] = {
    "one has not signed": (
        lambda wire: wire.receipt("archive", (1, 4)),
        "number 5, .* without a receipt of archive",
    ),
    "forged": (lambda wire: wire.receipt("archive", (1, 5), key="records"), "without a receipt of archive"),
    "in the other's name": (
        lambda wire: wire.receipt("records", (1, 5), key="archive"),
        "without a receipt of archive",
    ),
    "another record": (
        lambda wire: wire.receipt("archive", (1, 5), digest="ab" * 32),
        "number 5 .* was not on the wire",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_record_that_went_without_its_receipts_is_found(name: str, wire: Wire) -> None:
    happen, found = FAULTS[name]
    wire.receipt("records", (1, 5))
    happen(wire)
    problems = wire.verdict()
    assert any(re.search(found, problem) for problem in problems)


def test_a_range_that_grows_downwards_counts_whole(wire: Wire) -> None:
    for custodian in REQUIRED:
        wire.receipt(custodian, (5, 5))
        wire.receipt(custodian, (1, 1), (3, 5))
        wire.receipt(custodian, (1, 5))
    assert wire.verdict() == []


def test_a_receipt_of_what_was_not_on_the_wire_is_found(wire: Wire) -> None:
    wire.make(2)
    wire.receipt("records", (1, 7))
    assert wire.checker.problems == [
        f"records, receipt 1 of epoch 1: number {number} of post-1 was not on the wire" for number in (7, 6)
    ]


def test_a_record_that_never_came_is_found(wire: Wire) -> None:
    wire.receipt("records", (1, 5))
    wire.receipt("archive", (1, 5))
    wire.make(1)
    assert wire.verdict(left=(6,)) == []
    assert any("number 6, platepost.audit.v1 is deleted and never came" in problem for problem in wire.verdict())


def test_an_epoch_that_is_over_counts_no_more_and_what_it_lost_is_to_be_named(wire: Wire) -> None:
    for custodian in REQUIRED:
        wire.receipt(custodian, (1, 5))
    wire.receipt("records", (1, 3), epoch=2)
    wire.receipt("records", (1, 5))
    assert wire.checker.ignored == 1
    assert wire.verdict() == [
        f"post-1: number {number}, platepost.audit.v1 is not kept by records any more, and not named"
        for number in (4, 5)
    ]
    assert wire.verdict(lost=(LostRange("post-1", CHAIN, 4, 5),)) == []


def give_up_two(wire: Wire) -> None:
    """Have the post name numbers 6 and 7 as dropped, in number 8."""
    wire.store.dropped = Dropped(reads=2, pictures=0, sequences=(SequenceRange(first=6, last=7),))
    account = wire.recorder.account_for_drops(clock=CLOCK)
    assert account is not None
    wire.send(account)
    wire.receipt("records", (1, 8))
    wire.receipt("archive", (1, 5), (8, 8))


def test_reads_that_the_post_gave_up_need_no_receipt(wire: Wire) -> None:
    sight = example_sight(CHAIN) | {"hotlist": Consultation(state="none", result="not_consulted"), "hits": ()}
    for _ in range(2):
        wire.recorder.record(Read.model_validate(sight))
    give_up_two(wire)
    assert wire.verdict() == []


def test_what_was_given_up_and_is_no_read_is_found(wire: Wire) -> None:
    wire.make(2)
    give_up_two(wire)
    assert wire.verdict() == [
        f"post-1: number {number}, platepost.audit.v1 is given up, and is not a read" for number in (6, 7)
    ]


def test_a_custodian_that_was_added_must_sign_for_what_follows_the_posts_word_that_it_knows_it() -> None:
    wire = Wire(added=("archive",))
    wire.send(*wire.make(2))
    assert not wire.checker.has_learned("post-1", "archive")
    key = KeyState(purpose=Purpose.CUSTODY, custodian="archive", key=KEYS["archive"].thumbprint(), era=1, number=1)
    status = example_status("online", CHAIN).model_copy(update={"keys": (key,)})
    wire.send(wire.recorder.record(status), *wire.make(2))
    wire.receipt("records", (1, 5))
    assert wire.checker.has_learned("post-1", "archive")
    assert wire.checker.lacking("post-1", wire.stored, REQUIRED) == 2
    assert wire.verdict() == [
        f"post-1: number {number}, platepost.audit.v1 is deleted without a receipt of archive" for number in (4, 5)
    ]
    wire.receipt("archive", (4, 5))
    assert wire.verdict() == []


def test_a_custodians_new_key_counts_once_it_is_known(wire: Wire) -> None:
    wire.receipt("records", (1, 5))
    wire.receipt("archive", (1, 5), key="new")
    assert len(wire.verdict()) == 5
    wire.checker.learn_key("archive", KEYS["new"])
    wire.receipt("archive", (1, 2))  # the former is accepted still
    wire.receipt("archive", (1, 5), key="new")
    assert wire.verdict() == []
