"""The judge finds what is wrong, and nothing else."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from platepost.wire.contract.examples import (
    CLOCK,
    LIST,
    SOURCE,
    MemoryStore,
    example_audit,
    example_sight,
    example_status,
)
from platepost.wire.records import ChainHead, Dropped, Lost, Recorder, SequenceRange, Signer, Source
from platepost.wire.records.hit import Hit
from platepost.wire.records.read import Consultation, Read
from tests.campaigns.faults.judge import Judge, Ruling, judge
from tests.campaigns.faults.storage_log import LoggedRecord

Events = list[dict[str, Any]]


class History:
    """One post's records, honestly made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        jwk = ECKey.generate_key("P-256")
        self.key = folder / "records.pem"
        self.key.write_bytes(jwk.as_pem(private=False))
        self.store = MemoryStore("019c2f00-0000-7000-8000-000000000000")
        self.signer = Signer(jwk)
        self.recorder = Recorder(self.store, self.signer, SOURCE)
        self.recorder.record(example_audit("boot"))
        for number in range(8):
            self.recorder.record(read(f"7ABC{number:03d}"))
        self.recorder.record(hit())
        self.recorder.record(example_audit("stop"))

    @property
    def events(self) -> Events:
        return [record.event for record in self.store.records]

    def entries(self) -> list[LoggedRecord]:
        return [LoggedRecord.of(record) for record in self.store.records]

    def rule(self, events: Events, entries: list[LoggedRecord] | None = None) -> Ruling:
        found = Judge(SOURCE, self.key)
        for event in events:
            found.feed(event)
        return found.ruling(self.entries() if entries is None else entries)


def read(text: str) -> Read:
    values = example_sight("019c2f00-0000-7000-8000-000000000001", text)
    return Read.model_validate(values | {"hotlist": Consultation(**dict(LIST), result="no_match")})


def hit() -> Hit:
    more = {"hit": "019c2f00-0000-7000-8000-000000000002", "plate_matched": "7ABC123", "match": "exact"}
    values = example_sight("019c2f00-0000-7000-8000-000000000003") | more
    return Hit.model_validate(
        values | {"category": "stolen_vehicle", "priority": 1, "hotlist": LIST, "hotlist_stale": False}
    )


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def test_all_that_was_stored_arrived(history: History) -> None:
    ruling = history.rule(history.events)

    assert ruling.sound
    assert (ruling.stored, ruling.delivered, ruling.repeats, ruling.lost, ruling.chains) == (11, 11, 0, 0, 1)


def test_hits_first_and_repeats_are_no_fault(history: History) -> None:
    events = history.events

    ruling = history.rule([events[9], *events, *events[3:5]])

    assert ruling.sound
    assert (ruling.delivered, ruling.repeats) == (11, 3)


def test_a_repeat_without_its_pictures_is_the_same_record(history: History) -> None:
    bare = history.store.records[2].stripped().event

    assert history.rule([*history.events, bare]).sound
    assert history.rule([bare, *history.events[:2], *history.events[3:]]).sound


def test_a_record_stored_in_the_moment_of_a_kill_need_not_stand_in_the_log(history: History) -> None:
    assert history.rule(history.events, history.entries()[:-1]).sound


@pytest.mark.parametrize("number", [0, 4, 9, 10], ids=["first", "read", "hit", "last"])
def test_a_record_that_never_arrived_is_lost(history: History, number: int) -> None:
    events = history.events
    del events[number]

    ruling = history.rule(events)

    assert ruling.lost == 1
    assert f"lost: number {number + 1}, {history.store.records[number].type}" in " ".join(ruling.problems)


def change_plate(event: dict[str, Any]) -> None:
    event["data"]["plate_read"] = "0XXX000"


def change_time(event: dict[str, Any]) -> None:
    event["time"] = "2020-01-01T00:00:00.000Z"


def change_picture(event: dict[str, Any]) -> None:
    picture = event["data"]["pictures"][0]["data"]
    event["data"]["pictures"][0]["data"] = "AAAA" + picture[4:]


@pytest.mark.parametrize("change", [change_plate, change_time, change_picture])
def test_a_changed_record_counts_as_lost_and_as_changed(
    history: History, change: Callable[[dict[str, Any]], None]
) -> None:
    events = copy.deepcopy(history.events)
    change(events[4])

    ruling = history.rule(events)

    assert ruling.lost == 1
    assert any(problem.startswith("changed:") for problem in ruling.problems)


def test_the_same_id_with_another_content_is_found_even_if_rightly_signed(history: History) -> None:
    forged = Recorder(
        MemoryStore(history.store.head.chain), history.signer, SOURCE, identify=lambda: history.events[0]["id"]
    ).record(example_audit("enrollment"))

    ruling = history.rule([*history.events, forged.event])

    assert ruling.lost == 0
    assert not ruling.sound


def test_what_arrived_must_be_what_was_stored(history: History) -> None:
    entries = history.entries()
    other = LoggedRecord.load(entries[5].dump().replace(entries[5].digest.encode(), b"0" * 64))

    ruling = history.rule(history.events, [*entries[:5], other, *entries[6:]])

    assert [entries[5].id in problem for problem in ruling.problems] == [True]


def test_a_cut_chain_is_found(history: History) -> None:
    events = history.events
    # A rightly signed record with the right number that does not continue the one before it.
    history.store.head = ChainHead(history.store.head.chain, history.store.head.sequence, "0" * 64)
    grafted = history.recorder.record(example_audit("enrollment"))

    ruling = history.rule([*events, grafted.event])

    assert ruling.lost == 0
    assert [problem.split(":")[0] for problem in ruling.problems] == ["forked"]


def test_a_record_of_another_key_is_foreign(history: History, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = History(tmp_path / "other")

    ruling = history.rule([*history.events, other.events[0]])

    assert any(problem.startswith("foreign:") for problem in ruling.problems)


def give_up(history: History, *numbers: int) -> Events:
    """Let the post say that it dropped the records of these sequence numbers; return what arrives."""
    dropped = tuple(SequenceRange(first=number, last=number) for number in numbers)
    history.store.dropped = Dropped(reads=len(numbers), pictures=0, sequences=dropped)
    account = history.recorder.account_for_drops(clock=CLOCK)
    assert account is not None
    return [record.event for record in history.store.records if record.sequence not in numbers]


def test_reads_that_the_audit_names_are_given_up_and_not_lost(history: History) -> None:
    ruling = history.rule(give_up(history, 3, 5))

    assert ruling.sound
    assert (ruling.given_up, ruling.lost, ruling.delivered) == (2, 0, 10)


@pytest.mark.parametrize(("number", "kind"), [(10, "platepost.hit.v1"), (11, "platepost.audit.v1")])
def test_hits_and_audits_may_not_be_given_up(history: History, number: int, kind: str) -> None:
    ruling = history.rule(give_up(history, number))

    assert not ruling.sound
    assert f"a {kind} was given up" in " ".join(ruling.problems)


def damage(history: History, *numbers: int, complete: bool = True) -> Events:
    """Let the post say that a damaged page cost it these records, and perhaps more; return what arrives."""
    gone = tuple(SequenceRange(first=number, last=number) for number in numbers)
    lost = Lost(chain=history.store.head.chain, records=len(gone), sequences=gone, complete=complete)
    history.recorder.record(example_audit("records_lost", outcome="failure", lost=lost))
    return [record.event for record in history.store.records if record.sequence not in numbers]


def test_records_on_a_damaged_page_that_the_audit_names_are_not_lost(history: History) -> None:
    ruling = history.rule(damage(history, 4, 10, 11))

    assert ruling.sound
    assert (ruling.damaged, ruling.given_up, ruling.lost) == (3, 0, 0)


def test_a_record_that_the_audit_of_damage_does_not_name_is_lost(history: History) -> None:
    ruling = history.rule([event for event in damage(history, 4) if event["sequence"] != 7])

    assert (ruling.damaged, ruling.lost) == (1, 1)
    assert "missing: number 7 is missing" in ruling.problems


def test_damage_that_hides_what_it_cost_says_so_and_accounts_for_it(history: History) -> None:
    ruling = history.rule([event for event in damage(history, 4, complete=False) if event["sequence"] != 7])

    assert ruling.sound
    assert (ruling.damaged, ruling.lost) == (2, 0)


def test_the_archive_of_many_posts_is_judged_post_by_post(history: History, tmp_path: Path) -> None:
    other = Recorder(MemoryStore("other"), history.signer, Source("demo", "post-2")).record(example_audit("boot"))
    will = history.recorder.unchained(example_status("offline", "019c2f00-0000-7000-8000-00000000000b"))
    archive, log = tmp_path / "archive.jsonl", tmp_path / "log.jsonl"
    archive.write_text("".join(json.dumps(event) + "\n" for event in [*history.events, other.event, will.event]))
    log.write_bytes(b"".join(entry.dump() for entry in history.entries()))

    other_log = tmp_path / "other.jsonl"
    other_log.write_bytes(LoggedRecord.of(other).dump())

    posts = [(SOURCE, history.key, log), (Source("demo", "post-2"), history.key, other_log)]
    ruling, another = judge(posts, archive=archive)

    assert another.sound
    assert (another.stored, another.delivered) == (1, 1)

    assert ruling.sound
    assert (ruling.stored, ruling.delivered, ruling.outside) == (11, 11, 1)
