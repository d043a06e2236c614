from joserfc.jwk import ECKey

from platepost.simulator.ground.memory_outbox import MemoryOutbox
from platepost.wire.contract.examples import example_audit, example_status
from platepost.wire.records import Recorder, Signer, Source
from platepost.wire.records.receipt import KeptRange


def outbox() -> tuple[MemoryOutbox, Recorder]:
    made = MemoryOutbox()
    return made, Recorder(made, Signer(ECKey.generate_key("P-256")), Source("demo", "post-1"))


def sequences(made: MemoryOutbox, limit: int = 9, **but: object) -> list[int | None]:
    return [envelope.sequence for envelope in made.next(limit, **but)]  # type: ignore[arg-type]  # each by its name


def test_audit_goes_before_status_and_older_before_newer() -> None:
    made, recorder = outbox()
    recorder.record(example_status("online", "018f0000-0000-7000-8000-000000000000"))
    recorder.record(example_audit("boot"))
    recorder.record(example_audit("stop"))
    assert sequences(made) == [2, 3, 1]
    assert sequences(made, 1) == [2]


def test_what_is_excluded_held_or_acknowledged_is_not_given_out() -> None:
    made, recorder = outbox()
    for action in ("boot", "tamper_opened", "stop"):
        recorder.record(example_audit(action))
    assert sequences(made, excluding={1}) == [2, 3]
    assert sequences(made, holding={"alpr/v1/demo/post-1/audit"}) == []
    assert made.acknowledge([2, 2, 7]) == 1
    assert sequences(made) == [1, 3]
    assert len(made) == 2


def test_records_are_chained() -> None:
    made, recorder = outbox()
    first = recorder.record(example_audit("boot"))
    second = recorder.record(example_audit("stop"))
    assert second.event["previous"] == first.digest
    assert made.head.sequence == 2
    assert made.head.chain == first.event["chain"]


def test_what_needs_a_receipt_goes_once_a_broker_and_the_custodian_have_it() -> None:
    made = MemoryOutbox(custodian=True)
    recorder = Recorder(made, Signer(ECKey.generate_key("P-256")), Source("demo", "post-1"))
    digests = [recorder.record(example_audit("boot")).digest for _ in range(3)]
    first_two = KeptRange(first=1, last=2, digest=digests[1])
    made.take_receipt(made.head.chain, [first_two])
    assert made.unreleased == 3  # no broker has them yet
    made.acknowledge([1, 2, 3])
    assert (len(made), made.unreleased, made.oldest_sent()) == (0, 1, {made.head.chain: 3})
    made.take_receipt(made.head.chain, [KeptRange(first=1, last=3, digest=digests[0])])
    made.take_receipt("another", [KeptRange(first=1, last=3, digest=digests[2])])
    assert made.unreleased == 1
    made.send_again([3])
    assert sequences(made) == [3]
    made.acknowledge([3])
    made.take_receipt(made.head.chain, [KeptRange(first=1, last=3, digest=digests[2])])
    assert made.unreleased == 0
