"""A post of a plan lets go of a record by a receipt alone, and sends again what none covers."""

import json
from datetime import UTC, datetime
from random import Random

import pytest
from joserfc.jwk import ECKey

from platepost.wire.records import Keyring, Receipt, Signer, Source
from platepost.wire.records.canonical import canonical_bytes, digest_of, parse
from platepost.wire.records.receipt import KeptRange
from platepost.wire.records.signing import ForeignKeyError, SignatureRefusedError
from tests.campaigns.department.oddities import Oddity, drawn
from tests.campaigns.department.planned_post import (
    LEFT_OUT_SECONDS,
    PROBE_SECONDS,
    SHIFT,
    Outgoing,
    PlannedPost,
)
from tests.campaigns.department.templates import TemplateSet

KEY, STRANGER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
TEMPLATES = TemplateSet(seed=1, vehicles=2, group="narcotics")


def made_post(name: str = "post-1") -> PlannedPost:
    return PlannedPost(Source("lab", name), Signer(KEY), templates=TEMPLATES, draw=Random(1), stranger=Signer(STRANGER))


def reads(post: PlannedPost, count: int) -> None:
    for _ in range(count):
        post.record_odd(Oddity.LATE, post, 0.0)


def sent(post: PlannedPost, now: float = 0.0) -> list[Outgoing]:
    messages = [*post.queue]
    post.queue.clear()
    for message in messages:
        post.acknowledge(message, now)
    return messages


def receipt(post: PlannedPost, *ranges: tuple[int, int], digest: str | None = None) -> Receipt:
    chain = post.chains[0]
    return Receipt(
        agency="lab",
        post=post.name,
        custodian="records",
        epoch=1,
        number=1,
        time=datetime.now(UTC),
        chain=chain.name,
        ranges=tuple(KeptRange(first=first, last=last, digest=digest or chain.digest(last)) for first, last in ranges),
    )


def test_a_record_goes_once_it_is_acknowledged_and_receipted() -> None:
    post = made_post()
    reads(post, 3)
    post.take(receipt(post, (1, 3)))
    assert post.held == 3, "no broker has them"
    sent(post)
    assert post.held == 3, "nobody has signed for them"
    post.take(receipt(post, (1, 3), digest="0" * 64))
    assert post.held == 3, "that was for another record"
    post.take(receipt(post, (1, 2)))
    assert [*post.chains[0].held] == [3]


def test_what_a_receipt_leaves_out_is_sent_again() -> None:
    post = made_post()
    reads(post, 3)
    messages = sent(post)
    post.take(receipt(post, (1, 1), (3, 3)))
    post.due(LEFT_OUT_SECONDS / 2)
    assert not post.queue
    post.due(LEFT_OUT_SECONDS + 0.1)
    assert sent(post) == [messages[1]]


def test_the_oldest_without_a_receipt_is_sent_again_ever_more_rarely() -> None:
    post = made_post()
    reads(post, 3)
    messages = sent(post)
    post.due(PROBE_SECONDS + 0.1)
    assert sent(post, PROBE_SECONDS + 0.1) == [messages[0]]
    post.due(2 * PROBE_SECONDS + 0.3)
    assert not post.queue
    post.due(3 * PROBE_SECONDS + 0.3)
    assert sent(post) == [messages[0]]


def odd(oddity: Oddity) -> tuple[PlannedPost, PlannedPost, list[Outgoing]]:
    post, other = made_post(), made_post("post-2")
    post.record_odd(oddity, other, 0.0)
    return post, other, sent(post)


@pytest.mark.parametrize(
    ("oddity", "error"),
    [
        (Oddity.FORGED, SignatureRefusedError),
        (Oddity.ALTERED, SignatureRefusedError),
        (Oddity.SPOILED, SignatureRefusedError),
        (Oddity.FOREIGN, ForeignKeyError),
        (Oddity.USURPED, ForeignKeyError),
    ],
)
def test_what_the_post_never_signed_is_refused_and_comes_before_what_it_did(
    oddity: Oddity, error: type[Exception]
) -> None:
    post, _, (strange, own) = odd(oddity)
    event = parse(strange.body)
    with pytest.raises(error):
        Keyring([KEY]).check(event["signature"], canonical_bytes(event))
    Keyring([KEY]).check(parse(own.body)["signature"], canonical_bytes(parse(own.body)))
    (extra,) = post.extras
    assert (extra.chain, extra.number) == (event["chain"], event["sequence"])
    assert extra.digest == digest_of(canonical_bytes(event))
    assert (extra.digest == post.chains[0].digest(1)) == (oddity is Oddity.SPOILED)


def test_what_is_odd_about_the_others() -> None:
    _, other, messages = odd(Oddity.REPLAYED)
    (replayed,) = other.queue
    assert replayed.body == messages[0].body
    assert replayed.topic == "alpr/v1/lab/post-2/read"

    _, _, (first, second) = odd(Oddity.REPEATED)
    assert first == second

    post, _, messages = odd(Oddity.MISSING)
    assert not messages
    assert post.chains[0].missing == [1]
    assert post.held == 0

    _, _, (noise, _) = odd(Oddity.UNREADABLE)
    with pytest.raises(Exception, match="not a record"):
        parse(noise.body)

    _, _, (unknown,) = odd(Oddity.UNKNOWN)
    assert json.loads(unknown.body)["type"] == "platepost.weather.v1"

    for oddity, days in ((Oddity.LATE, -SHIFT), (Oddity.EARLY, SHIFT)):
        _, _, (shifted,) = odd(oddity)
        assert (datetime.fromisoformat(json.loads(shifted.body)["time"]) - datetime.now(UTC)).days in {
            days.days,
            days.days - 1,
        }


def test_pictures_follow_their_record() -> None:
    post, _, (bare,) = odd(Oddity.BARE)
    assert "data" not in json.loads(bare.body)["data"]["pictures"][0]
    post.due(5.0)
    (whole,) = sent(post)
    assert "data" in json.loads(whole.body)["data"]["pictures"][0]
    assert canonical_bytes(parse(whole.body)) == canonical_bytes(parse(bare.body))


def test_the_end_brings_forks_all_that_is_odd_once_more_and_a_last_record_of_each_chain() -> None:
    post = made_post()
    post.record_odd(Oddity.FORKED, post, 0.0)
    post.record_odd(Oddity.FOREIGN, post, 0.0)
    strange = sent(post)[1]
    post.close()
    messages = sent(post)
    fork = parse(messages[0].body)
    assert (fork["sequence"], fork["previous"]) == (1, "0" * 64)
    Keyring([KEY]).check(fork["signature"], canonical_bytes(fork))
    assert digest_of(canonical_bytes(fork)) != post.chains[0].digest(1)
    assert strange in messages
    assert [message.place for message in messages[-2:]] == [(chain.name, chain.last) for chain in post.chains]


def test_each_oddity_is_drawn_as_often_as_it_is_to_be() -> None:
    odd = drawn(Random(1), records=1000, each=3)
    assert sorted(odd.values()) == sorted([*Oddity] * 3)
    assert min(odd) >= 100
    assert odd == drawn(Random(1), records=1000, each=3)
