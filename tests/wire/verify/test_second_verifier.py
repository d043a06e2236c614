"""Two verifiers, ours and one in JavaScript that was written from the contract alone, say the same of every history."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from platepost.device.clock.timekeeper import Timekeeper
from platepost.wire.contract.examples import ExampleSigner, MemoryStore, example_audit, example_records
from platepost.wire.records import ClockQuality, HitWithdrawn, Recorder, Signer, Source
from platepost.wire.records.canonical import dump
from platepost.wire.records.recorder import new_identifier
from tests.verifier.second import Problems, agreed, by_the_second
from tests.wire.records.test_key_change import FIRST, SECOND, THIRD, Post, covert, genuine, lost, resigned, without
from tests.wire.verify.test_verify import timed

CONTRACT = Path(__file__).parents[3] / "docs" / "contract" / "examples"
Events = Iterable[dict[str, Any]]


def judged(events: Events, *signers: Signer) -> list[str]:
    """Return the kinds of what both find wrong, in their order."""
    found: Problems = agreed(map(dump, events), *(signer.public_pem for signer in signers or (FIRST,)))
    return sorted(kind for kind, _, _ in found.elements())


def test_the_committed_archive() -> None:
    lines = (CONTRACT / "archive.jsonl").read_bytes().splitlines()
    assert agreed(lines, (CONTRACT / "post-1.pub.pem").read_bytes()) == Counter()


@pytest.mark.parametrize(
    ("said", "wrong"), [({}, []), ({3: None}, ["misdated"]), ({3: 10.0}, ["misdated"]), ({2: 1.0}, ["misdated"])]
)
def test_time_that_goes_back(said: dict[int, float | None], wrong: list[str]) -> None:
    events = timed(0, 4000, 2, 3, 1.25, 9, said=said)
    assert judged(events) == wrong
    assert judged(reversed(events)) == wrong


def spoiled(line: bytes) -> list[bytes]:
    """A record as no one signed it, in several ways."""
    return [
        line.replace(b'"boot"', b'"stop"', 1),
        line.replace(b'{"specversion"', b'{"id":"x","specversion"', 1),
        line.replace(b'"success"', b"NaN", 1),
        b"\xff" + line,
        line[:-9],
        b"[]",
    ]


@pytest.mark.parametrize("number", range(6))
def test_a_record_that_was_changed_or_is_none(number: int) -> None:
    lines = [dump(event) for event in timed(*range(6))]
    lines[3] = spoiled(lines[3])[number]
    assert agreed(lines, FIRST.public_pem), "and something is wrong"


@pytest.mark.parametrize("minute", [5, -5])
def test_a_replaced_key(minute: int, tmp_path: Path) -> None:
    post, thief = genuine(), Post(FIRST, minute=minute)
    thief.say()
    thief.say(**lost(post.chain, 6, 8))
    assert judged(post.events) == []
    assert judged([*thief.events, *post.events]) == ["foreign"] * 2
    assert judged([*without(post.events, 6, 8), *thief.events]) == ["foreign", "foreign", "missing"]
    assert judged([*post.events, thief.health(), post.health()]) == ["foreign"]
    forged = [*post.events[:4], resigned(post.events[4], FIRST), *post.events[5:]]
    assert judged(forged) == ["foreign"]
    assert judged(post.events, THIRD) == ["foreign"] * len(post.events)
    for number, afterwards in enumerate((None, SECOND, FIRST)):
        main, group = covert(tmp_path / f"{number}.db", afterwards=afterwards)
        assert judged([*group, *main]) == (["foreign"] if afterwards is FIRST else [])
    present = Post(SECOND, minute=30)
    present.say(**lost(post.chain, 6, 8))
    assert judged([*present.events, *without(post.events, 6, 8)]) == []


def test_what_is_missing_repeated_or_of_another_history() -> None:
    events = timed(*range(9))
    assert judged(events[:2] + events[4:]) == ["missing"]
    assert judged([*events, events[3]]) == ["repeated"]
    fork = timed(*range(9), said={4: 7.0})
    assert judged([*events[:4], *fork[4:]]) == ["forked"]
    assert "forked" in judged([*events, fork[4]])


# --- what a post makes of a wrong clock

RIGHT = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEGUN, ENDS = RIGHT - timedelta(days=100), RIGHT + timedelta(days=630)


class WrongClock:
    """A post that records a hit of a group and something of its own every second, whatever its clock does."""

    def __init__(self, *, synchronised: bool) -> None:
        self.synchronised = synchronised
        self.true, self.ahead = 0.0, timedelta()
        self.keeper = Timekeeper(
            trusted=[BEGUN],
            ends=ENDS,
            quality=lambda: ClockQuality(source="chrony", synchronised=self.synchronised),
            wall=lambda: (RIGHT + self.ahead).timestamp() + self.true,
            steady=lambda: self.true,
        )
        self.store = MemoryStore(new_identifier())
        self.recorder = Recorder(self.store, ExampleSigner(), Source("demo", "post-1"), now=self.keeper.now)
        data = example_records(ExampleSigner())["hit.withdrawn"].event["data"]
        self.hit = HitWithdrawn.model_validate(data)

    def pass_(self, seconds: int) -> list[dict[str, Any]]:
        made = []
        for _ in range(seconds):
            self.true += 1
            self.keeper.poll()
            for data in (self.hit, example_audit("boot")):
                made.append(data.model_copy(update={"clock": self.keeper.quality()}))
                made[-1] = self.recorder.record(made[-1]).event
        return made

    def error(self, event: dict[str, Any]) -> float:
        """How far the time of a record that was just made is from the true one, seconds."""
        return abs((datetime.fromisoformat(event["time"]) - RIGHT).total_seconds() - self.true)


@pytest.mark.parametrize("synchronised", [True, False])
@pytest.mark.parametrize("ahead", [datetime(2038, 1, 19, tzinfo=UTC) - RIGHT, -timedelta(hours=1)], ids=str)
def test_a_clock_that_is_set_wrong_for_eight_seconds(*, synchronised: bool, ahead: timedelta) -> None:
    post = WrongClock(synchronised=True)
    post.pass_(5)
    post.synchronised = synchronised
    post.ahead = ahead
    for event in post.pass_(8):
        clock = event["data"]["clock"]
        assert not clock["synchronised"]
        assert clock["held_seconds"] == pytest.approx(-ahead.total_seconds(), abs=0.01)
    assert post.error(event) < 0.01, "time went on without the clock"
    post.ahead = timedelta()
    for event in post.pass_(40):
        assert "held_seconds" not in event["data"]["clock"]
    assert event["data"]["clock"]["synchronised"] is synchronised
    assert judged(envelope.event for envelope in post.store.records) == []


@pytest.mark.parametrize("synchronised", [True, False])
def test_a_clock_that_was_ahead_from_the_start(*, synchronised: bool) -> None:
    """By a year, which no one can tell until it is set right; a synchronized one is believed half a minute later."""
    post = WrongClock(synchronised=synchronised)
    post.ahead = timedelta(days=365)
    post.keeper._offset += post.ahead.total_seconds()  # as it was when the post started
    post.pass_(5)
    post.ahead = timedelta()
    events = post.pass_(45)
    assert post.error(events[-1]) < 0.01
    said = [event["data"]["clock"].get("stepped_back_seconds") for event in events]
    (back,) = filter(None, said)
    assert 365 * 86400 - 60 < back <= 365 * 86400
    assert (said.index(back) > 0) is synchronised
    lines = [envelope.body for envelope in post.store.records]
    assert agreed(lines, FIRST.public_pem) == Counter()
    silent = [line for line in lines if b"stepped_back" not in line]
    assert "missing" in {kind for kind, _, _ in by_the_second(silent, FIRST.public_pem)}
