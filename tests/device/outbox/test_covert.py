"""Hits of covert entries: in chains of their own, so that anyone who may not read them sees no gap."""

import shutil
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from platepost.device.outbox.custody import Requirements
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.rows import COVERT
from platepost.wire.contract.examples import ExampleSigner
from platepost.wire.records import Envelope, Keyring
from platepost.wire.verify.verify import Verifier
from tests.device.outbox.inside import execute

Filler: TypeAlias = Any  # conftest's
KEY = bytes(range(32))
KEYS = Keyring.from_pem(ExampleSigner().public_pem)


def verdict(envelopes: list[Envelope]) -> Any:
    verifier = Verifier(KEYS)
    for envelope in envelopes:
        verifier.feed(envelope.body)
    return verifier.report()


def test_nobody_else_sees_a_gap_and_every_group_has_a_chain_of_its_own(outbox: Outbox, fill: Filler) -> None:
    open_records = [fill.audit(), fill.read()]
    covert = [fill.hit(group="narcotics"), fill.hit(group="homicide"), fill.hit(group="narcotics")]
    open_records += [fill.hit(), fill.read()]
    assert verdict(open_records).intact
    assert [envelope.event["sequence"] for envelope in open_records] == [1, 2, 3, 4]
    narcotics = [envelope for envelope in covert if envelope.topic.endswith("/covert/narcotics")]
    assert [envelope.event["sequence"] for envelope in narcotics] == [1, 2]
    assert verdict(narcotics).intact
    assert verdict(narcotics[1:]).chains[0].chain != verdict(covert[1:2]).chains[0].chain
    assert len(outbox.next(99)) == 7


def test_keys_are_not_used_again_when_the_records_are_gone(outbox: Outbox, fill: Filler, path: Path) -> None:
    keys = []
    for group in ("a", "b", "a"):
        fill.hit(group=group)
        (waiting,) = outbox.next(9)
        keys.append(waiting.sequence)
        assert outbox.acknowledge([waiting.sequence]) == 1
    assert keys == [COVERT, COVERT - 1, COVERT - 2]


def test_a_chain_goes_on_after_a_restart(outbox: Outbox, fill: Filler, path: Path, filler: Any) -> None:
    first = fill.hit(group="a")
    outbox.close()
    with Outbox(path, key=KEY) as again:
        second = filler(again).hit(group="a")
        assert second.event["previous"] == first.digest


def test_a_former_outbox_begins_covert_chains_too(path: Path, filler: Any) -> None:
    path.parent.mkdir()
    shutil.copy(Path(__file__).parent / "history" / "outbox_v1.db", path)
    with Outbox(path, key=KEY) as outbox:
        assert filler(outbox).hit(group="a").event["sequence"] == 1
        assert not outbox.set_aside


def test_the_figures_that_anybody_may_see_are_those_without_covert_records(outbox: Outbox, fill: Filler) -> None:
    fill.hit(group="a")
    assert (outbox.backlog().depth, outbox.backlog().oldest_age_seconds, outbox.backlog().size_bytes) == (0, None, 0)
    fill.read()
    now = fill.status().time
    before = outbox.backlog(now=now)
    fill.hit(group="a")
    fill.hit(group="b")
    # What damage left of a covert chain has a number of a former chain.
    sql = "UPDATE record SET sequence = -1, number = 2 WHERE sequence = ?"
    execute(outbox, sql, COVERT - 1)
    assert outbox.backlog(now=now) == before
    assert outbox.depth() == 5
    outbox.require(Requirements(in_force=True, open=frozenset({"records"})))
    outbox.acknowledge([envelope.place for envelope in outbox.next(9)])
    sent = outbox.backlog(now=now)
    assert (sent.depth, sent.sent, sent.oldest_age_seconds) == (0, 2, None)
    assert sent.oldest_unreleased_age_seconds == before.oldest_age_seconds
    assert sent.size_bytes == before.size_bytes


@pytest.mark.parametrize("group", ["Narcotics", "a/b", ""])
def test_a_group_that_cannot_be_a_topic_makes_no_hit(fill: Filler, group: str) -> None:
    with pytest.raises(ValueError, match="distribution"):
        fill.hit(group=group)
