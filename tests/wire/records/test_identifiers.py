from datetime import timedelta
from uuid import UUID

from platepost.wire.contract.examples import BEGAN, ExampleSigner, MemoryStore, example_audit
from platepost.wire.records import Recorder, Source
from platepost.wire.records.recorder import Identifiers, new_identifier


def milliseconds(identifier: str) -> int:
    return UUID(identifier).int >> 80


def test_identifiers_sort_as_they_were_made_also_within_a_millisecond() -> None:
    identifiers = Identifiers()
    made = [identifiers.at(BEGAN + timedelta(milliseconds=number // 3000)) for number in range(9000)]
    assert made == sorted(set(made))
    assert {UUID(identifier).version for identifier in made} == {7}
    assert milliseconds(made[0]) == int(BEGAN.timestamp() * 1000)


def test_identifiers_do_not_go_back_by_less_than_a_step() -> None:
    identifiers = Identifiers()
    assert identifiers.at(BEGAN) < identifiers.at(BEGAN - timedelta(milliseconds=999)) < identifiers.at(BEGAN)


def test_identifiers_step_back_with_the_time_and_stay_unique() -> None:
    identifiers = Identifiers()
    made = [identifiers.at(BEGAN + timedelta(hours=hours)) for hours in (0, 100_000, 0, 100_000, 0) for _ in range(500)]
    assert len(set(made)) == len(made)
    told = {milliseconds(identifier) - int(BEGAN.timestamp() * 1000) for identifier in made}
    assert told == {0, 100_000 * 3_600_000}


def test_the_records_identifier_tells_the_records_time() -> None:
    recorder = Recorder(MemoryStore(new_identifier()), ExampleSigner(), Source("demo", "post-1"), now=lambda: BEGAN)
    records = [recorder.record(example_audit("boot")) for _ in range(9)]
    assert [record.id for record in records] == sorted(record.id for record in records)
    assert {milliseconds(record.id) for record in records} == {int(BEGAN.timestamp() * 1000)}
