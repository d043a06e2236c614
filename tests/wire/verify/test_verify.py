import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from platepost.wire.contract.examples import (
    BEGAN,
    CLOCK,
    ExampleSigner,
    MemoryStore,
    example_audit,
    example_records,
    identifiers,
)
from platepost.wire.records import Dropped, Keyring, Recorder, SequenceRange, Signer, Source
from platepost.wire.records.canonical import canonical_bytes, digest_of, dump, without_pictures
from platepost.wire.verify.chains import Absence, Excuses
from platepost.wire.verify.verify import Report, Verifier

KEYS = Keyring.from_pem(ExampleSigner().public_pem)
Events = list[dict[str, Any]]


def history(number: int = 8, *, signer: Signer | None = None, source: Source | None = None) -> Events:
    identify = identifiers()
    store = MemoryStore(next(identify))
    recorder = Recorder(
        store,
        signer or ExampleSigner(),
        source or Source("demo", "post-1"),
        now=lambda: BEGAN,
        identify=lambda: next(identify),
    )
    return [recorder.record(example_audit("boot", details={"n": n})).event for n in range(number)]


def judge(events: Events, **options: bool | str) -> Report:
    return Verifier(KEYS, **options).feed_all(events)  # type: ignore[arg-type]


def kinds(report: Report) -> list[tuple[str, int | None]]:
    return [(problem.kind, problem.sequence) for problem in report.problems]


def test_a_whole_history_is_intact_in_any_order() -> None:
    events = history(30)
    random.Random(1).shuffle(events)
    report = judge(events, whole=True)
    assert report.intact
    assert report.chained == 30
    (chain,) = report.chains
    assert (chain.first, chain.last, chain.records, chain.dropped) == (1, 30, 30, 0)


def test_a_missing_record_is_named() -> None:
    events = history()
    report = judge(events[:3] + events[5:])
    assert kinds(report) == [("missing", 4)]
    assert report.problems[0].message == "numbers 4 to 5 are missing"


def test_a_history_may_begin_later_unless_the_whole_is_asked_for() -> None:
    events = history()[2:]
    assert judge(events).intact
    assert kinds(judge(events, whole=True)) == [("missing", 1)]


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event["data"].update(outcome="failure"),
        lambda event: event["data"]["clock"].update(synchronised=False),
        lambda event: event.update(time="2026-01-31T17:05:09.121Z"),
        lambda event: event.update(surprise=1),
        lambda event: event.pop("previous"),
    ],
)
def test_a_changed_record_is_named(change: Callable[[dict[str, Any]], None]) -> None:
    events = history()
    change(events[3])
    report = judge(events)
    assert kinds(report) == [("changed", 4)]
    assert report.problems[0].id == events[3]["id"]
    assert report.problems[0].line == 4


@pytest.mark.parametrize("signature", ["..", "no signature", "a..b", "e30..AAAA"])
def test_why_a_record_counts_as_changed_is_always_said(signature: str) -> None:
    events = history()
    events[3]["signature"] = signature
    (problem, *_) = judge(events).problems
    assert problem.message
    assert not problem.message.endswith((":", " "))


@pytest.mark.parametrize("name", ["sequence", "chain"])
def test_a_changed_record_of_another_place_leaves_its_own_missing(name: str) -> None:
    events = history()
    events[3][name] = {"sequence": 99, "chain": "another"}[name]
    report = judge(events)
    assert [(problem.kind, problem.sequence) for problem in report.problems[1:]] == [("missing", 4)]
    assert report.problems[0].kind == "changed"


def test_a_changed_record_does_not_hide_the_missing_ones_beside_it() -> None:
    events = history()
    events[4]["surprise"] = 1
    report = judge(events[:2] + events[4:5] + events[6:])
    assert kinds(report) == [("changed", 5), ("missing", 3), ("missing", 6)]
    assert [problem.message for problem in report.problems[1:]] == ["numbers 3 to 4 are missing", "number 6 is missing"]
    assert report.chains[0].dropped == 0


def test_a_foreign_record_does_not_stand_for_a_missing_one() -> None:
    events = history()
    events[3] = history(signer=Signer(ECKey.generate_key("P-256")))[3]
    assert kinds(judge(events)) == [("foreign", 4), ("missing", 4)]


def test_a_record_signed_by_another_key_is_foreign() -> None:
    events = history()
    events[3] = history(signer=Signer(ECKey.generate_key("P-256")))[3]
    report = judge(events)
    assert report.problems[0].kind == "foreign"
    assert report.problems[0].sequence == 4


def test_a_record_of_another_post_is_foreign_even_under_the_same_key() -> None:
    other = history(1, source=Source("demo", "post-2"))
    assert kinds(judge(history() + other)) == [("foreign", 1)]
    assert kinds(judge(other, source="//alpr/v1/demo/post-1")) == [("foreign", 1)]


def test_a_repeated_record_is_named_or_allowed() -> None:
    events = history()
    repeated = [*events, events[2]]
    report = judge(repeated)
    assert kinds(report) == [("repeated", 3)]
    assert report.problems[0].line == 9
    allowed = judge(repeated, redelivery=True)
    assert allowed.intact
    assert (allowed.redelivered, allowed.chained) == (1, 8)


def test_a_restored_backup_shows_as_a_fork() -> None:
    identify = identifiers()
    store = MemoryStore(next(identify))
    recorder = Recorder(store, ExampleSigner(), Source("demo", "post-1"), identify=lambda: next(identify))
    for _ in range(4):
        recorder.record(example_audit("boot"))
    backup = store.head
    recorder.record(example_audit("stop"))
    lost = recorder.record(example_audit("stop"))
    store.head = backup
    for _ in range(3):
        recorder.record(example_audit("boot"))
    events = [envelope.event for envelope in store.records]
    report = judge(events, redelivery=True)
    assert [problem.kind for problem in report.problems] == ["forked", "forked", "forked"]
    without_doubles = [event for event in events if event["id"] not in {store.records[4].id, lost.id}]
    assert judge(without_doubles).intact
    spliced = events[:6] + events[8:]
    assert kinds(judge(spliced)) == [("forked", 7)]


def test_what_the_post_says_it_dropped_is_not_missing() -> None:
    identify = identifiers()
    store = MemoryStore(next(identify))
    recorder = Recorder(store, ExampleSigner(), Source("demo", "post-1"), identify=lambda: next(identify))
    for _ in range(8):
        recorder.record(example_audit("boot"))
    store.dropped = Dropped(
        reads=3, pictures=0, sequences=(SequenceRange(first=2, last=3), SequenceRange(first=6, last=6))
    )
    recorder.account_for_drops(clock=CLOCK)
    events = [envelope.event for envelope in store.records]
    kept = [event for event in events if event["sequence"] not in {2, 3, 6}]
    report = judge(kept, whole=True)
    assert report.intact
    assert report.chains[0].dropped == 3
    fewer = [event for event in kept if event["sequence"] not in {4, 7}]
    assert kinds(judge(fewer)) == [("missing", 4), ("missing", 7)]


def test_dropped_pictures_do_no_harm_and_changed_ones_do() -> None:
    events = [envelope.event for envelope in example_records(ExampleSigner()).values()]
    assert judge([without_pictures(event) for event in events], whole=True).intact
    assert judge(events, whole=True).unchained == 4
    for event in events:
        if event["type"] == "platepost.hit.v1":
            event["data"]["pictures"][0]["data"] = "AAAA"
    assert judge(events).problems[0].kind == "changed"


def test_only_health_answers_and_statuses_may_be_outside_the_chain() -> None:
    event = history(1)[0]
    for name in ("chain", "sequence", "previous", "signature"):
        del event[name]
    from platepost.wire.records.canonical import canonical_bytes  # noqa: PLC0415

    event["signature"] = ExampleSigner().sign(canonical_bytes(event))
    report = judge([event])
    assert [problem.kind for problem in report.problems] == ["malformed"]


@pytest.mark.parametrize("line", [b"{}", b"null", b"not json", b'{"signature":1}', b'{"signature":"a..b"}', b"\xff"])
def test_what_is_no_record_is_named(line: bytes) -> None:
    report = Verifier(KEYS).feed_all([line])
    assert not report.intact


def test_two_members_of_one_name_are_refused() -> None:
    body = dump(history(1)[0]).decode()
    doubled = body.replace('"specversion":"1.0"', '"specversion":"1.0","specversion":"1.0"')
    assert Verifier(KEYS).feed_all([doubled]).problems[0].kind == "malformed"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.dictionaries(
                st.sampled_from(["signature", "data", "pictures", "chain", "sequence", "id", "type", "source", "kind"]),
                inner,
            )
            | st.lists(inner)
        ),
        max_leaves=12,
    )
)
def test_nothing_that_arrives_makes_it_fall(value: object) -> None:
    assert not Verifier(KEYS).feed_all([json.dumps(value).encode()]).chained


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(-1, 9))), st.lists(st.integers(1, 70), unique=True))
def test_what_is_excused_is_what_some_range_names(spans: list[tuple[int, int]], present: list[int]) -> None:
    ranges = [(first, first + length) for first, length in spans]
    absent = [number for number in range(1, 72) if number not in present]
    left = Excuses(ranges).left_of([Absence(number, number) for number in absent] + [Absence(1, 71)])
    named = {number for first, last in ranges for number in range(first, last + 1)}
    found = [number for gap in left for number in range(gap.first, gap.last + 1)]
    assert found == [number for number in (*absent, *range(1, 72)) if number not in named]


def test_each_gap_is_judged_without_looking_at_all_that_was_dropped() -> None:
    """A year of outages makes thousands of gaps, each excused by a range of its own."""
    ranges = [(number, number) for number in range(2, 4000, 2)]
    touched = []

    class Told(list):  # type: ignore[type-arg]
        def __getitem__(self, index: Any) -> Any:
            touched.append(index)
            return super().__getitem__(index)

    excuses = Excuses(ranges)
    excuses._ranges = Told(excuses._ranges)
    assert excuses.left_of([Absence(number, number) for number in range(2, 4000, 2)]) == []
    assert len(touched) < 20 * len(ranges)


# --- time


def timed(*seconds: float, said: dict[int, float | None] | None = None) -> Events:
    """Records of these moments; `said` changes what one says of its step, by number."""
    identify, moments = identifiers(), iter(seconds)
    store, signer = MemoryStore(next(identify)), ExampleSigner()
    recorder = Recorder(store, signer, Source("demo", "post-1"), now=lambda: BEGAN + timedelta(seconds=next(moments)))
    events = []
    for number in range(1, len(seconds) + 1):
        event = recorder.record(example_audit("boot")).event
        if said is not None and number in said:
            event["data"]["clock"].pop("stepped_back_seconds", None)
            if (back := said[number]) is not None:
                event["data"]["clock"]["stepped_back_seconds"] = back
            del event["signature"]
            canonical = canonical_bytes(event)
            event["signature"] = signer.sign(canonical)
            store.head = replace(store.head, digest=digest_of(canonical))
        events.append(event)
    return events


def test_time_goes_back_where_a_record_says_so() -> None:
    assert judge(timed(0, 1, 4000, 4000.5, 2, 3, 1.5, 9), whole=True).intact


@pytest.mark.parametrize("said", [None, 10.0, 3999.0, -3998.0])
def test_time_that_goes_back_unsaid_or_otherwise_than_said_is_named(said: float | None) -> None:
    assert kinds(judge(timed(0, 4000, 2, 3, said={3: said}))) == [("misdated", 3)]


def test_a_step_that_was_none_is_named() -> None:
    assert kinds(judge(timed(0, 1, 2, 3, said={3: 5.0}))) == [("misdated", 3)]
    assert kinds(judge(timed(0, 1, said={1: 5.0}), whole=True)) == [("misdated", 1)]


def test_over_a_gap_nothing_is_said_of_time() -> None:
    events = timed(0, 4000, 2, 3)
    assert kinds(judge(events[:1] + events[2:])) == [("missing", 2)]
