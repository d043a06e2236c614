"""A new signing key: vouched for by the former in the chain, and followed by the verifier."""

import itertools
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey

from platepost.device.outbox.outbox import Outbox
from platepost.wire.contract.examples import CLOCK, ExampleSigner, MemoryStore, example_audit, example_records
from platepost.wire.records import Dropped, HitWithdrawn, Keyring, Lost, Recorder, SequenceRange, Signer, Source
from platepost.wire.records.canonical import canonical_bytes, dump
from platepost.wire.records.envelope import read_event
from platepost.wire.records.recorder import new_identifier
from platepost.wire.verify import verify
from platepost.wire.verify.cli import verify as command
from platepost.wire.verify.noted_heads import NotedHead
from platepost.wire.verify.verify import Report, Verifier

SOURCE = Source("demo", "post-1")
FIRST, SECOND, THIRD = ExampleSigner(), Signer(ECKey.generate_key("P-256")), Signer(ECKey.generate_key("P-256"))
KEY = bytes(32)
HEALTH = read_event(example_records(FIRST)["health"].event).data


def judge(events: Iterable[dict[str, Any]], *signers: Signer) -> Report:
    ring = Keyring.from_pem(*(signer.public_pem for signer in signers or (FIRST,)))
    return Verifier(ring, whole=True).feed_all(events)


def history(path: Path, *signers: tuple[Signer, Signer | None]) -> list[dict[str, Any]]:
    """Two records by each signer in turn, over restarts."""
    for signer, former in signers:
        with Outbox(path, key=KEY) as outbox:
            recorder = Recorder(outbox, signer, SOURCE, former=former)
            recorder.record(example_audit("boot"))
            recorder.record(example_audit("stop"))
    with Outbox(path, key=KEY) as outbox:
        return [envelope.event for envelope in outbox.next(99)]


def resigned(event: dict[str, Any], signer: Signer) -> dict[str, Any]:
    return event | {"signature": signer.sign(canonical_bytes(event))}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def test_the_former_key_vouches_for_the_new_one(path: Path) -> None:
    events = history(path, (FIRST, None), (SECOND, FIRST), (THIRD, SECOND))
    actions = [event["data"]["action"] for event in events]
    assert actions == ["boot", "stop", "key_changed", "boot", "stop", "key_changed", "boot", "stop"]
    assert events[2]["data"]["outcome"] == "success"
    assert events[2]["data"]["key"]["former"] == FIRST.kid
    assert judge(events).intact, "only the first key was given"
    assert not judge(events[3:], SECOND).problems[1:], "of the second history only its beginning is missing"


def test_records_may_come_before_the_one_that_vouches_for_their_key(path: Path) -> None:
    events = history(path, (FIRST, None), (SECOND, FIRST), (THIRD, SECOND))
    assert all(judge(order).intact for order in itertools.islice(itertools.permutations(events), 0, 40320, 400))


def test_an_unchanged_key_changes_nothing(path: Path) -> None:
    events = history(path, (FIRST, None), (FIRST, SECOND), (FIRST, None))
    assert [event["data"]["action"] for event in events] == ["boot", "stop"] * 3


def test_without_the_former_key_only_the_department_can_vouch(path: Path) -> None:
    events = history(path, (FIRST, None), (SECOND, THIRD))
    assert (events[2]["data"]["outcome"], events[2]["data"]["reason"]) == ("failure", "former_key_missing")
    assert judge(events).problems[0].kind == "foreign"
    assert judge(events, FIRST, SECOND).intact


def test_a_key_that_was_replaced_signs_nothing_more(path: Path) -> None:
    events = history(path, (FIRST, None), (SECOND, FIRST))
    forged = [*events[:4], resigned(events[4], FIRST)]
    problem = judge(forged).problems[0]
    assert (problem.kind, problem.sequence) == ("foreign", 5)
    assert "number 3 replaced" in problem.message


def test_nobody_vouches_for_himself(path: Path) -> None:
    events = history(path, (FIRST, None), (SECOND, FIRST))
    stranger = [*events[:2], resigned(events[2], SECOND), *events[3:]]
    assert [problem.kind for problem in judge(stranger).problems] == ["foreign"] * 3
    data = events[2]["data"]
    other_key = data | {"key": data["key"] | {"public_key": THIRD.public_pem.decode()}}
    mismatched = [*events[:2], resigned(events[2] | {"data": other_key}, FIRST), *events[3:]]
    assert {problem.kind for problem in judge(mismatched).problems} == {"foreign"}


def test_the_account_of_drops_comes_after_the_change_too(path: Path) -> None:
    with Outbox(path, key=KEY, quota_bytes=1) as outbox:
        Recorder(outbox, FIRST, SOURCE).record(example_audit("boot"))
        outbox._file.run(lambda connection: connection.execute("UPDATE dropped SET pictures_pending = 1"))
        account = Recorder(outbox, SECOND, SOURCE, former=FIRST).account_for_drops(clock=CLOCK)
        assert account.sequence == 3
        assert judge(envelope.event for envelope in outbox.next(9)).intact


# --- a replaced key elsewhere

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Post:
    """A chain of its own, by a clock in hand: one that goes on, or that anyone who has a key begins."""

    def __init__(self, signer: Signer, *, minute: int = 0, store: MemoryStore | None = None) -> None:
        self.signer, self.minute = signer, minute
        self.store = store or MemoryStore(new_identifier())

    def say(self, action: str = "boot", *, former: Signer | None = None, **more: object) -> None:
        self._recorder(former).record(example_audit(action).model_copy(update=more))
        self.minute += 1

    def health(self) -> dict[str, Any]:
        return self._recorder(None).unchained(HEALTH).event

    def _recorder(self, former: Signer | None) -> Recorder:
        return Recorder(self.store, self.signer, SOURCE, former=former, now=self.now)

    def now(self) -> datetime:
        return BEGAN + timedelta(minutes=self.minute)

    @property
    def chain(self) -> str:
        return self.store.head.chain

    @property
    def events(self) -> list[dict[str, Any]]:
        return [envelope.event for envelope in self.store.records]


def genuine(records: int = 10) -> Post:
    """The post: number 2 says that SECOND replaced FIRST, in minute 1."""
    first = Post(FIRST)
    first.say()
    post = Post(SECOND, minute=1, store=first.store)
    for _ in range(records):
        post.say(former=FIRST)
    return post


def lost(chain: str, first: int, last: int) -> dict[str, Any]:
    gone = SequenceRange(first=first, last=last)
    return {"action": "records_lost", "lost": Lost(chain=chain, records=3, sequences=(gone,), complete=True)}


def without(events: list[dict[str, Any]], first: int, last: int) -> list[dict[str, Any]]:
    return [event for event in events if not first <= event["sequence"] <= last]


def kinds(report: Report) -> list[tuple[str, int | None]]:
    return [(problem.kind, problem.sequence) for problem in report.problems]


def test_a_key_that_was_replaced_begins_no_other_chain() -> None:
    for minute in (5, -5):  # it can write any time into a record
        post, thief = genuine(), Post(FIRST, minute=minute)
        thief.say()
        thief.say()
        for events in (post.events + thief.events, thief.events + post.events):
            report = judge(events)
            assert sorted(kinds(report)) == [("foreign", 1), ("foreign", 2)]
            assert f"number 2 of chain {post.chain} replaced" in report.problems[0].message
        assert kinds(judge([*post.events, thief.health()])) == [("foreign", None)]


def covert(path: Path, *, afterwards: Signer | None = None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A post whose key changes, with hits of two groups before: its chain, and that of one group."""
    hit = HitWithdrawn.model_validate(
        example_records(FIRST)["hit.withdrawn"].event["data"] | {"distribution": "task_force"}
    )
    other = hit.model_copy(update={"distribution": "homicide"})
    with Outbox(path, key=KEY) as outbox:
        recorder = Recorder(outbox, FIRST, SOURCE)
        for data in (example_audit("boot"), hit, hit, other):
            recorder.record(data)
        Recorder(outbox, SECOND, SOURCE, former=FIRST).record(example_audit("boot"))
        if afterwards is not None:
            Recorder(outbox, afterwards, SOURCE).record(hit)
        events = sorted((envelope.event for envelope in outbox.next(99)), key=lambda event: int(event["sequence"]))
    own = [event for event in events if event["data"].get("distribution") == "task_force"]
    return [event for event in events if "distribution" not in event["data"]], own


def test_a_group_s_chain_is_good_with_a_replaced_key_as_far_as_the_change_names_it(path: Path) -> None:
    main, group = covert(path)
    assert judge([*main, *group]).intact
    assert judge([*main, *group[:1]]).intact, "what is named need not be there"


def test_a_replaced_key_goes_on_in_no_group_s_chain(path: Path) -> None:
    main, group = covert(path, afterwards=FIRST)
    assert kinds(judge([*main, *group])) == [("foreign", 3)]
    main, group = covert(path.with_name("again.db"), afterwards=SECOND)
    assert judge([*main, *group]).intact


def test_nobody_learns_by_a_key_change_how_many_groups_have_hits(path: Path) -> None:
    main, group = covert(path)
    (ends,) = [event["data"]["key"]["ends"] for event in main if event["data"].get("key")]
    assert len(ends) == 16
    assert ends == sorted(ends, key=lambda end: str(end["chain"]))
    assert group[0]["chain"] not in dump(main[-2]).decode()
    (none,) = [event["data"]["key"]["ends"] for event in genuine().events if event["data"].get("key")]
    assert len(none) == 16


def test_a_chain_before_is_good_where_a_good_record_tells_of_it_or_its_end_was_noted() -> None:
    post, former = genuine(), Post(FIRST, minute=-20)
    former.say()
    health = former.health()
    assert set(kinds(judge([health, *former.events, *post.events]))) == {("foreign", 1), ("foreign", None)}
    teller = Post(FIRST)
    teller.say(**lost(former.chain, 2, 4))
    successor = Post(SECOND, store=teller.store)
    successor.say(former=FIRST)
    assert judge([health, *former.events, *teller.events]).intact
    head = NotedHead(1, former.store.head.digest)
    noted = Verifier(Keyring.from_pem(FIRST.public_pem), heads=[head]).feed_all([*former.events, *post.events])
    assert noted.intact


def test_what_is_outside_of_chains_is_good_as_far_as_the_chain_had_come() -> None:
    post = Post(FIRST)
    post.say()
    before = post.health()
    post.signer = SECOND
    post.say(former=FIRST)
    thief = Post(FIRST, store=post.store, minute=-5)
    assert judge([before, *post.events]).intact
    assert kinds(judge([thief.health(), *post.events])) == [("foreign", None)]
    silent = resigned({**before, "data": {k: v for k, v in before["data"].items() if k != "chain_end"}}, FIRST)
    assert kinds(judge([silent, *post.events])) == [("foreign", None)], "it does not say where it stands"


@pytest.mark.parametrize("minute", [5, -5], ids=["later", "dated back"])
def test_a_key_that_was_replaced_excuses_no_gap(minute: int) -> None:
    post, thief = genuine(), Post(FIRST, minute=minute)
    thief.say(**lost(post.chain, 6, 8))
    assert ("missing", 6) in kinds(judge([*without(post.events, 6, 8), *thief.events]))
    present = Post(SECOND, minute=30)
    present.say(**lost(post.chain, 6, 8))
    assert judge([*without(post.events, 6, 8), *present.events]).intact


def test_a_key_that_was_replaced_says_nothing_of_drops_in_its_own_chain() -> None:
    post = genuine()
    gone = SequenceRange(first=6, last=8)
    dropped = Dropped(reads=3, pictures=0, sequences=(gone,))
    post.signer, post.minute = FIRST, 0
    post.store.head = replace(post.store.head, key=None)
    post.say("records_dropped", dropped=dropped)
    assert kinds(judge(without(post.events, 6, 8))) == [("missing", 6), ("foreign", 13)]


def test_a_key_that_was_replaced_vouches_for_no_other() -> None:
    post, thief = genuine(), Post(FIRST, minute=5)
    thief.say()
    thief.signer = THIRD
    thief.say(former=FIRST)
    assert [event["data"]["action"] for event in thief.events] == ["boot", "key_changed", "boot"]
    report = judge([*thief.events, *post.events])
    assert sorted(kinds(report)) == [("foreign", 1), ("foreign", 2), ("foreign", 3)]
    assert [problem.message for problem in report.problems if problem.sequence == 3] == [
        "signed by a key that is not trusted"
    ]


def test_a_key_that_comes_back_is_good_again() -> None:
    post = genuine()
    back = Post(FIRST, minute=post.minute, store=post.store)
    back.say(former=SECOND)
    later = Post(FIRST, minute=30)
    later.say()
    assert judge([*back.events, *later.events]).intact


def test_any_number_of_records_may_come_before_their_key_where_they_can_be_read_twice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(verify, "UNKNOWN_MOST", 2)
    backwards = genuine().events[::-1]
    assert judge(backwards).intact
    assert "foreign" in {problem.kind for problem in judge(iter(backwards)).problems}
    archive, key = tmp_path / "archive.jsonl", tmp_path / "key.pem"
    lines = b"".join(dump(event) + b"\n" for event in backwards)
    archive.write_bytes(lines)
    key.write_bytes(FIRST.public_pem)
    told = CliRunner().invoke(command, [str(archive), "--key", str(key), "--whole"])
    assert told.exit_code == 0, told.output
    reading, writing = os.pipe()
    os.write(writing, lines)
    os.close(writing)
    told = CliRunner().invoke(command, [f"/dev/fd/{reading}", "--key", str(key), "--whole"])
    os.close(reading)
    assert "is foreign" in told.output
