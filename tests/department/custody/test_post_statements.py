"""Only what a post's good key signed names numbers as gone, and only numbers that it can know of."""

from typing import Any

import pytest

from platepost.department.custody.post_statements import DroppedNumbers, PostStatements, may_name_numbers
from platepost.wire.contract.examples import CLOCK, ExampleSigner, MemoryStore, example_audit
from platepost.wire.records import Dropped, Lost, Recorder, SequenceRange, Source
from platepost.wire.records.signing import ForeignKeyError, Keyring, SignatureRefusedError

CHAIN = "01890a5d-ac96-774b-bcce-b302099a8057"
OTHER = "01890a5d-ac96-774b-bcce-b302099a8058"
SOURCE = Source("demo", "post-1")
FORMER, LATER, STRANGER = (ExampleSigner(word * 16) for word in (b"former", b"later!", b"forged"))


class Post:
    def __init__(self) -> None:
        self.store = MemoryStore(CHAIN)

    def records(self, count: int, signer: ExampleSigner = FORMER) -> None:
        for _ in range(count):
            Recorder(self.store, signer, SOURCE, former=FORMER).record(example_audit("boot"))

    def drops(self, *spans: tuple[int, int], signer: ExampleSigner = FORMER) -> dict[str, Any]:
        gaps = tuple(SequenceRange(first=first, last=last) for first, last in spans)
        self.store.dropped = Dropped(reads=1, pictures=0, sequences=gaps)
        envelope = Recorder(self.store, signer, SOURCE, former=FORMER).account_for_drops(clock=CLOCK)
        assert envelope is not None
        return envelope.event

    def loses(self, chain: str, *spans: tuple[int, int], signer: ExampleSigner = FORMER) -> dict[str, Any]:
        gaps = tuple(SequenceRange(first=first, last=last) for first, last in spans)
        lost = Lost(chain=chain, records=1, sequences=gaps, complete=True)
        audit = example_audit("records_lost").model_copy(update={"lost": lost})
        return Recorder(self.store, signer, SOURCE, former=FORMER).record(audit).event

    def changes_key(self) -> dict[str, Any]:
        self.records(1, LATER)
        return self.store.records[-2].event


@pytest.fixture
def post() -> Post:
    created = Post()
    created.records(9)
    return created


@pytest.fixture
def statements() -> PostStatements:
    return PostStatements(Keyring.from_pem(FORMER.public_pem))


def test_drops_are_believed_below_their_own_number(post: Post, statements: PostStatements) -> None:
    event = post.drops((2, 3), (8, 40), (50, 60))
    assert event["sequence"] == 10
    assert may_name_numbers(event)
    assert statements.add(event) == DroppedNumbers(CHAIN, ((2, 3), (8, 9)))


def test_losses_are_believed_of_their_own_chain_and_of_another(post: Post, statements: PostStatements) -> None:
    assert statements.add(post.loses(CHAIN, (4, 100))) == DroppedNumbers(CHAIN, ((4, 9),))
    assert statements.add(post.loses(OTHER, (4, 100))) == DroppedNumbers(OTHER, ((4, 100),))


def test_a_strangers_key_and_a_changed_record_name_nothing(post: Post, statements: PostStatements) -> None:
    with pytest.raises(ForeignKeyError):
        statements.add(_signed_by_stranger())
    event = post.drops((2, 3))
    event["data"]["dropped"]["sequences"] = [{"first": 1, "last": 9}]
    with pytest.raises(SignatureRefusedError):
        statements.add(event)


def _signed_by_stranger() -> dict[str, Any]:
    store = MemoryStore(CHAIN)
    store.dropped = Dropped(reads=1, pictures=0, sequences=(SequenceRange(first=1, last=9),))
    recorder = Recorder(store, STRANGER, SOURCE)
    recorder.record(example_audit("boot"))
    envelope = recorder.account_for_drops(clock=CLOCK)
    assert envelope is not None
    return envelope.event


def test_a_key_that_the_former_vouched_for_is_believed_and_the_former_no_more(
    post: Post, statements: PostStatements
) -> None:
    by_later = Post()
    change = post.changes_key()
    by_later.store.head = post.store.head
    event = by_later.drops((2, 3), signer=LATER)
    with pytest.raises(ForeignKeyError):
        statements.add(event)
    assert may_name_numbers(change)
    assert statements.add(change) is None
    assert statements.add(event) == DroppedNumbers(CHAIN, ((2, 3),))
    # Anyone who has the former key says so after it was replaced.
    post.store.head = type(post.store.head)(CHAIN, 20, "0" * 64, FORMER.kid)
    assert statements.add(post.drops((2, 3))) is None


def test_other_records_name_nothing(post: Post, statements: PostStatements) -> None:
    boot = post.store.records[0].event
    assert not may_name_numbers(boot)
    assert statements.add(boot) is None
    assert statements.add({"type": "platepost.audit.v1", "data": {"dropped": 7}}) is None
