from datetime import datetime, timedelta

import pytest

from platepost.common.errors import RecordError
from platepost.wire.contract.examples import (
    BEGAN,
    CLOCK,
    ExampleSigner,
    MemoryStore,
    example_audit,
    example_health,
    example_records,
    example_status,
    identifiers,
)
from platepost.wire.records import Audit, Hit, HitWithdrawn, Keyring, Read, Recorder, Source, read_event
from platepost.wire.records.audit import Dropped, SequenceRange
from platepost.wire.records.canonical import GENESIS, canonical_bytes, digest_of
from platepost.wire.records.envelope import UnknownTypeError


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(next(identifiers()))


@pytest.fixture
def recorder(store: MemoryStore) -> Recorder:
    return Recorder(store, ExampleSigner(), Source("demo", "post-1"), now=lambda: BEGAN)


def test_records_continue_one_another(recorder: Recorder, store: MemoryStore) -> None:
    first, second = (recorder.record(example_audit("boot")).event for _ in range(2))
    assert (first["sequence"], second["sequence"]) == (1, 2)
    assert first["previous"] == GENESIS
    assert second["previous"] == digest_of(canonical_bytes(first))
    assert first["chain"] == second["chain"] == store.head.chain
    assert store.head.digest == digest_of(canonical_bytes(second))


def test_what_is_signed_verifies(recorder: Recorder) -> None:
    event = recorder.record(example_audit("boot")).event
    ring = Keyring.from_pem(ExampleSigner().public_pem)
    assert ring.check(event["signature"], canonical_bytes(event)) == ExampleSigner().kid


def test_every_kind_has_its_topic_and_its_way_of_traveling() -> None:
    records = example_records(ExampleSigner())
    base = "alpr/v1/demo/post-1/"
    ways = {name: (envelope.topic, envelope.qos, envelope.retain) for name, envelope in records.items()}
    assert ways == {
        "audit": (base + "audit", 1, False),
        "status": (base + "status", 1, True),
        "hit": (base + "hit/stolen_vehicle", 1, False),
        "hit.withdrawn": (base + "hit/stolen_vehicle", 1, False),
        "read": (base + "read", 1, False),
        "status.degraded": (base + "status", 1, True),
        "audit.dropped": (base + "audit", 1, False),
        "health": (base + "health", 0, False),
        "response": (base + "response/r-alvarez", 1, False),
        "status.repeat": (base + "status", 0, True),
        "status.will": (base + "status", 0, True),
    }


def test_the_wire_reads_back_as_the_types() -> None:
    records = example_records(ExampleSigner())
    kinds = {name: type(read_event(envelope.event).data) for name, envelope in records.items()}
    assert (kinds["read"], kinds["hit"], kinds["hit.withdrawn"], kinds["audit"]) == (Read, Hit, HitWithdrawn, Audit)


def test_the_three_strings_stay_apart() -> None:
    data = example_records(ExampleSigner())["hit"].event["data"]
    assert {"plate_read", "plate_key", "plate_matched"} <= data.keys()
    assert data["verification"] == "unverified"


def test_only_hits_and_their_withdrawals_expire() -> None:
    for name, envelope in example_records(ExampleSigner()).items():
        expected = name in {"hit", "hit.withdrawn"}
        assert ("expirytime" in envelope.event) is expected
        assert (envelope.expires is not None) is expected
        if envelope.expires is not None:
            assert envelope.expires - envelope.time == timedelta(hours=24)


def test_nothing_is_null_on_the_wire() -> None:
    for envelope in example_records(ExampleSigner()).values():
        assert b":null" not in envelope.body


def test_health_and_will_are_signed_and_outside_the_chain(recorder: Recorder, store: MemoryStore) -> None:
    boot = next(identifiers())
    for envelope in (recorder.unchained(example_health(boot)), recorder.unchained(_offline(recorder))):
        assert not {"chain", "sequence", "previous"} & envelope.event.keys()
        assert envelope.event["signature"]
    assert store.records == []


def test_a_repeat_of_the_status_is_outside_the_chain_and_says_how_far_it_had_come(
    recorder: Recorder, store: MemoryStore
) -> None:
    boot = next(identifiers())
    record = recorder.record(example_status("online", boot))
    repeat = recorder.unchained(example_status("online", boot))
    assert len(store.records) == 1
    end = {"chain": record.event["chain"], "sequence": 1, "digest": record.digest}
    assert repeat.event["data"]["chain_end"] == end
    assert (record.qos, record.retain, repeat.qos, repeat.retain) == (1, True, 0, True)


def test_health_is_no_part_of_the_chain(recorder: Recorder) -> None:
    boot = next(identifiers())
    with pytest.raises(RecordError, match="health"):
        recorder.record(example_health(boot))


def test_drops_are_accounted_for_once(recorder: Recorder, store: MemoryStore) -> None:
    store.dropped = Dropped(reads=2, pictures=1, sequences=(SequenceRange(first=4, last=5),))
    envelope = recorder.account_for_drops(clock=CLOCK)
    assert envelope is not None
    assert envelope.event["data"]["dropped"] == {"reads": 2, "pictures": 1, "sequences": [{"first": 4, "last": 5}]}
    assert recorder.account_for_drops(clock=CLOCK) is None


def test_a_stripped_record_keeps_digest_and_signature() -> None:
    hit = example_records(ExampleSigner())["hit"]
    bare = hit.stripped()
    assert b'"data":"' not in bare.body
    assert digest_of(canonical_bytes(bare.event)) == hit.digest
    assert read_event(bare.event).data.pictures[0].data is None  # type: ignore[union-attr]


def test_an_event_of_unknown_type_is_refused() -> None:
    event = example_records(ExampleSigner())["hit"].event
    with pytest.raises(UnknownTypeError):
        read_event(event | {"type": "platepost.hit.v2"})


def _offline(recorder: Recorder):  # noqa: ANN202
    from platepost.wire.records import Reason  # noqa: PLC0415

    del recorder
    return example_status("offline", next(identifiers()), Reason(name="connection_lost", message="Silent."))


def test_a_record_that_is_earlier_than_the_one_before_it_says_by_how_much(store: MemoryStore) -> None:
    moments = iter([0, 3600, 3599.5, 3600.25, 0.25, 1])
    now = lambda: BEGAN + timedelta(seconds=next(moments))  # noqa: E731
    recorder = Recorder(store, ExampleSigner(), Source("demo", "post-1"), now=now, identify=identifiers().__next__)
    events = [recorder.record(example_status("online", next(identifiers()))).event for _ in range(6)]
    told = [(datetime.fromisoformat(event["time"]) - BEGAN).total_seconds() for event in events]
    assert told == [0, 3600, 3600, 3600.25, 0.25, 1], "less than a step is not worth a word"
    said = [event["data"]["clock"].get("stepped_back_seconds") for event in events]
    assert said == [None, None, None, None, 3600, None]


def test_each_chain_says_its_own_steps(store: MemoryStore) -> None:
    moments = iter([3600, 3600, 0, 0])
    now = lambda: BEGAN + timedelta(seconds=next(moments))  # noqa: E731
    recorder = Recorder(store, ExampleSigner(), Source("demo", "post-1"), now=now, identify=identifiers().__next__)
    withdrawn = example_records(ExampleSigner())["hit.withdrawn"].event["data"]
    covert = HitWithdrawn.model_validate(withdrawn | {"distribution": "task_force"})
    made = [recorder.record(data).event for data in (example_audit("boot"), covert, example_audit("stop"), covert)]
    assert [event["data"]["clock"].get("stepped_back_seconds") for event in made] == [None, None, 3600, 3600]


def test_a_hit_expires_a_day_from_the_best_known_present(store: MemoryStore) -> None:
    now = iter([BEGAN + timedelta(days=4000), BEGAN])
    recorder = Recorder(store, ExampleSigner(), Source("demo", "post-1"), now=lambda: next(now))
    recorder.record(example_audit("boot"))
    hit = example_records(ExampleSigner())["hit"].event["data"]
    event = recorder.record(Hit.model_validate(hit)).event
    assert datetime.fromisoformat(event["expirytime"]) == BEGAN + timedelta(days=1)
