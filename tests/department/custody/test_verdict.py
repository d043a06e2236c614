"""Each record gets the verdict that its signature, its source, its place and its pictures call for."""

from datetime import timedelta
from typing import Any

import pytest

from platepost.department.custody.messages import ReceivedMessage
from platepost.department.custody.post_statements import PostStatements
from platepost.department.custody.record import ProofState, RecordVerdict, take
from platepost.department.custody.verdict import Judgment, judge
from platepost.wire.contract.examples import example_health
from platepost.wire.records import Keyring
from platepost.wire.records.canonical import canonical_bytes, dump
from tests.department.custody.posts import COVERT, GROUP, HIT, LATER, SIGNER, STRANGER, Post, deliveries


def statements(**more: Any) -> PostStatements:
    return PostStatements(Keyring.from_pem(SIGNER.public_pem), **more)


def judged(message: ReceivedMessage, post_statements: PostStatements | None = None) -> Judgment:
    return judge(take(message), post_statements or statements())


def signed(event: dict[str, Any], topic: str = "alpr/v1/demo/post-1/audit") -> ReceivedMessage:
    """Return an event as the post would sign it."""
    return ReceivedMessage(topic, dump(event | {"signature": SIGNER.sign(canonical_bytes(event))}))


@pytest.fixture
def event() -> dict[str, Any]:
    return Post().record(1)[0].event


def test_genuine(event: dict[str, Any]) -> None:
    error = judged(signed(event))
    assert (error.verdict, error.proof_state, error.key) == (RecordVerdict.GENUINE, ProofState.PROVEN, SIGNER.kid)
    assert error.event is not None


@pytest.mark.parametrize("changes", [{"sequence": 7}, {"signature": "x..y"}, {"data": {}}, {"signature": "no"}])
def test_what_was_changed_is_forged(event: dict[str, Any], changes: dict[str, Any]) -> None:
    error = judged(ReceivedMessage("alpr/v1/demo/post-1/audit", dump(event | changes)))
    assert error.verdict in {RecordVerdict.FORGED, RecordVerdict.FOREIGN}  # a signature without a header names no key
    assert error.proof_state is not ProofState.PROVEN


@pytest.mark.parametrize("topic", ["alpr/v1/demo/post-2/audit", "alpr/v1/other/post-1/audit"])
def test_another_source_than_the_topic_is_forged_however_it_is_signed(event: dict[str, Any], topic: str) -> None:
    error = judged(signed(event, topic))
    assert (error.verdict, error.proof_state) == (RecordVerdict.FORGED, ProofState.REFUSED)


def test_another_key_is_foreign(event: dict[str, Any]) -> None:
    event["signature"] = STRANGER.sign(canonical_bytes(event))
    error = judged(ReceivedMessage("alpr/v1/demo/post-1/audit", dump(event)))
    assert (error.verdict, error.proof_state, error.key) == (RecordVerdict.FOREIGN, ProofState.UNPROVEN, STRANGER.kid)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "platepost.parking.v9"},
        {"data": {"lot": 7}},
        {"chain": None, "sequence": None, "previous": None},
        {"sequence": 0},
    ],
)
def test_what_is_signed_right_and_not_understood_is_unknown(event: dict[str, Any], changes: dict[str, Any]) -> None:
    notified = {name: value for name, value in (event | changes).items() if value is not None}
    error = judged(signed(notified))
    assert (error.verdict, error.proof_state) == (RecordVerdict.UNKNOWN, ProofState.PROVEN)


def test_members_that_newer_software_added_are_no_matter(event: dict[str, Any]) -> None:
    assert judged(signed(event | {"weather": {"rain": 1.5}})).verdict is RecordVerdict.GENUINE


def test_health_has_no_place_in_a_chain_and_is_genuine() -> None:
    (message,) = deliveries(Post().recorder.unchained(example_health(HIT)))
    assert judged(message).verdict is RecordVerdict.GENUINE


@pytest.mark.parametrize("spoiled", ["AAAA", "no base64", 7, None])
def test_another_picture_than_was_signed_is_forged(spoiled: object) -> None:
    created = Post().read()
    event = created.event
    event["data"]["pictures"][0]["data"] = spoiled
    message = ReceivedMessage(created.topic, dump(event))
    error = judged(message)
    assert (error.verdict, error.proof_state) == (RecordVerdict.FORGED, ProofState.REFUSED)
    record = take(message)
    assert record.pictures == ()
    assert record.altered
    assert judged(ReceivedMessage(created.topic, created.stripped().body)).verdict is RecordVerdict.GENUINE


def test_a_replaced_key_is_good_before_the_record_that_replaced_it_alone() -> None:
    post = Post()
    before, change = post.record(1)[0], post.change_key()
    after = post.enemy(SIGNER).record(1)[0]
    fields = statements()
    fields.add(change.event)
    verdicts = [judged(message, fields) for message in deliveries(before, change, post.store.records[2], after)]
    assert [matches.verdict for matches in verdicts] == [*[RecordVerdict.GENUINE] * 3, RecordVerdict.FORGED]
    assert [matches.key for matches in verdicts] == [SIGNER.kid, SIGNER.kid, LATER.kid, SIGNER.kid]
    assert verdicts[-1].proof_state is ProofState.UNPROVEN


def test_a_key_that_was_revoked_is_good_for_what_was_made_before() -> None:
    post = Post()
    before = post.record(1)[0]
    ended = {SIGNER.kid: post.now}
    post.now += timedelta(seconds=1)
    after = post.record(1)[0]
    matches = [judged(message, statements(ended=ended)) for message in deliveries(before, after)]
    assert [each.verdict for each in matches] == [RecordVerdict.GENUINE, RecordVerdict.FORGED]
    assert (matches[1].proof_state, matches[1].key) == (ProofState.UNPROVEN, SIGNER.kid)


def test_in_another_chain_a_replaced_key_is_good_up_to_the_named_end() -> None:
    post = Post()
    post.record(1)
    named = post.hit(GROUP)
    change = post.change_key()
    thief = Post()
    thief.store.covert = dict(post.store.covert)
    later = thief.hit(GROUP)
    ends = {(COVERT.chain, named.digest): 1}
    fields = statements(number=lambda chain, digest: ends.get((chain, digest)))
    fields.add(change.event)
    assert [judged(message, fields).verdict for message in deliveries(named, later)] == [
        RecordVerdict.GENUINE,
        RecordVerdict.FORGED,
    ]


def test_in_a_chain_that_no_change_names_it_is_good_as_far_as_was_kept() -> None:
    old = Post("01890a5d-ac96-774b-bcce-b302099a8059")
    stored, not_kept = old.record(2)
    post = Post()
    post.record(1)
    change = post.change_key()
    fields = statements(noted=lambda: {"01890a5d-ac96-774b-bcce-b302099a8059": 1})
    fields.add(change.event)
    assert [judged(message, fields).verdict for message in deliveries(stored, not_kept)] == [
        RecordVerdict.GENUINE,
        RecordVerdict.FORGED,
    ]
