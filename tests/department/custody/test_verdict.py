"""Each record gets the verdict that its signature, its source, its place and its pictures call for."""

from datetime import timedelta
from typing import Any

import pytest

from platepost.department.custody.given_up import PostStatements
from platepost.department.custody.messages import ReceivedMessage
from platepost.department.custody.record import RecordStanding, RecordVerdict, take
from platepost.department.custody.verdict import Judgment, judge
from platepost.wire.contract.examples import example_health
from platepost.wire.records import Keyring
from platepost.wire.records.canonical import canonical_bytes, dump
from tests.department.custody.posts import COVERT, GROUP, HIT, LATER, SIGNER, STRANGER, Post, deliveries


def statements(**more: Any) -> PostStatements:  # noqa: ANN401 - those of PostStatements
    return PostStatements(Keyring.from_pem(SIGNER.public_pem), **more)


def judged(message: ReceivedMessage, said: PostStatements | None = None) -> Judgment:
    return judge(take(message), said or statements())


def signed(event: dict[str, Any], topic: str = "alpr/v1/demo/post-1/audit") -> ReceivedMessage:
    """Return an event as the post would sign it."""
    return ReceivedMessage(topic, dump(event | {"signature": SIGNER.sign(canonical_bytes(event))}))


@pytest.fixture
def event() -> dict[str, Any]:
    return Post().record(1)[0].event


def test_genuine(event: dict[str, Any]) -> None:
    found = judged(signed(event))
    assert (found.verdict, found.standing, found.key) == (RecordVerdict.GENUINE, RecordStanding.PROVEN, SIGNER.kid)
    assert found.event is not None


@pytest.mark.parametrize("changes", [{"sequence": 7}, {"signature": "x..y"}, {"data": {}}, {"signature": "no"}])
def test_what_was_changed_is_forged(event: dict[str, Any], changes: dict[str, Any]) -> None:
    found = judged(ReceivedMessage("alpr/v1/demo/post-1/audit", dump(event | changes)))
    assert found.verdict in {RecordVerdict.FORGED, RecordVerdict.FOREIGN}  # a signature without a header names no key
    assert found.standing is not RecordStanding.PROVEN


@pytest.mark.parametrize("topic", ["alpr/v1/demo/post-2/audit", "alpr/v1/other/post-1/audit"])
def test_another_source_than_the_topic_is_forged_however_it_is_signed(event: dict[str, Any], topic: str) -> None:
    found = judged(signed(event, topic))
    assert (found.verdict, found.standing) == (RecordVerdict.FORGED, RecordStanding.REFUSED)


def test_another_key_is_foreign(event: dict[str, Any]) -> None:
    event["signature"] = STRANGER.sign(canonical_bytes(event))
    found = judged(ReceivedMessage("alpr/v1/demo/post-1/audit", dump(event)))
    assert (found.verdict, found.standing, found.key) == (RecordVerdict.FOREIGN, RecordStanding.UNPROVEN, STRANGER.kid)


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
    told = {name: value for name, value in (event | changes).items() if value is not None}
    found = judged(signed(told))
    assert (found.verdict, found.standing) == (RecordVerdict.UNKNOWN, RecordStanding.PROVEN)


def test_members_that_newer_software_added_are_no_matter(event: dict[str, Any]) -> None:
    assert judged(signed(event | {"weather": {"rain": 1.5}})).verdict is RecordVerdict.GENUINE


def test_health_has_no_place_in_a_chain_and_is_genuine() -> None:
    (message,) = deliveries(Post().recorder.unchained(example_health(HIT)))
    assert judged(message).verdict is RecordVerdict.GENUINE


@pytest.mark.parametrize("spoiled", ["AAAA", "no base64", 7, None])
def test_another_picture_than_was_signed_is_forged(spoiled: object) -> None:
    made = Post().read()
    event = made.event
    event["data"]["pictures"][0]["data"] = spoiled
    message = ReceivedMessage(made.topic, dump(event))
    found = judged(message)
    assert (found.verdict, found.standing) == (RecordVerdict.FORGED, RecordStanding.REFUSED)
    record = take(message)
    assert record.pictures == ()
    assert record.altered
    assert judged(ReceivedMessage(made.topic, made.stripped().body)).verdict is RecordVerdict.GENUINE


def test_a_replaced_key_is_good_before_the_record_that_replaced_it_alone() -> None:
    post = Post()
    before, change = post.record(1)[0], post.change_key()
    after = post.enemy(SIGNER).record(1)[0]
    said = statements()
    said.hear(change.event)
    verdicts = [judged(message, said) for message in deliveries(before, change, post.store.records[2], after)]
    assert [found.verdict for found in verdicts] == [*[RecordVerdict.GENUINE] * 3, RecordVerdict.FORGED]
    assert [found.key for found in verdicts] == [SIGNER.kid, SIGNER.kid, LATER.kid, SIGNER.kid]
    assert verdicts[-1].standing is RecordStanding.UNPROVEN


def test_a_key_that_was_revoked_is_good_for_what_was_made_before() -> None:
    post = Post()
    before = post.record(1)[0]
    ended = {SIGNER.kid: post.now}
    post.now += timedelta(seconds=1)
    after = post.record(1)[0]
    found = [judged(message, statements(ended=ended)) for message in deliveries(before, after)]
    assert [each.verdict for each in found] == [RecordVerdict.GENUINE, RecordVerdict.FORGED]
    assert (found[1].standing, found[1].key) == (RecordStanding.UNPROVEN, SIGNER.kid)


def test_in_another_chain_a_replaced_key_is_good_up_to_the_named_end() -> None:
    post = Post()
    post.record(1)
    named = post.hit(GROUP)
    change = post.change_key()
    thief = Post()
    thief.store.covert = dict(post.store.covert)
    later = thief.hit(GROUP)
    ends = {(COVERT.chain, named.digest): 1}
    said = statements(number=lambda chain, digest: ends.get((chain, digest)))
    said.hear(change.event)
    assert [judged(message, said).verdict for message in deliveries(named, later)] == [
        RecordVerdict.GENUINE,
        RecordVerdict.FORGED,
    ]


def test_in_a_chain_that_no_change_names_it_is_good_as_far_as_was_kept() -> None:
    old = Post("01890a5d-ac96-774b-bcce-b302099a8059")
    kept, not_kept = old.record(2)
    post = Post()
    post.record(1)
    change = post.change_key()
    said = statements(noted=lambda: {"01890a5d-ac96-774b-bcce-b302099a8059": 1})
    said.hear(change.event)
    assert [judged(message, said).verdict for message in deliveries(kept, not_kept)] == [
        RecordVerdict.GENUINE,
        RecordVerdict.FORGED,
    ]
