"""An update that is undone, and comes again: what the newer software left in the outbox leaves the post after all."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from platepost.common.errors import OutboxError
from platepost.device.outbox import rows
from platepost.device.outbox.custody import Requirements
from platepost.device.outbox.database import connect_in_form, database_files, open_database, read_form, schema_versions
from platepost.device.outbox.outbox import Outbox
from platepost.wire.contract.examples import ExampleSigner
from platepost.wire.records import Recorder, Source
from platepost.wire.records.receipt import KeptRange
from tests.device.outbox.conftest import KEY, Filler
from tests.device.outbox.inside import execute

NEWER = 99
CUSTODY = Requirements(in_force=True, open=frozenset({"records"}))


def form(file: Path, version: int) -> None:
    """Have a file be of another version, as if other software had written it."""
    connection = open_database(file, key=KEY)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


def undo_update(path: Path, filler: Callable[[Outbox], Filler]) -> Path:
    """Start the former software on what newer software wrote; return the file that it set aside."""
    form(path, NEWER)
    with Outbox(path, key=KEY) as outbox:
        (aside,) = outbox.set_aside
        filler(outbox).status()
    assert aside.reason == "newer_version"
    return aside.path


def update(aside: Path) -> None:
    """Have this software be as new as that which wrote the file."""
    connection = connect_in_form(aside, key=KEY, form=read_form(aside, key=KEY))
    connection.execute(f"PRAGMA user_version = {max(schema_versions())}")
    connection.close()


@pytest.fixture
def aside(path: Path, filler: Callable[[Outbox], Filler]) -> Path:
    """What was set aside: of a chain with two hits, one covert, an audit record and a read that was sent."""
    with Outbox(path, key=KEY) as outbox:
        outbox.require(CUSTODY)
        fill = filler(outbox)
        fill.hit()
        fill.audit()
        place = fill.read().place
        fill.hit(group="narcotics")
        outbox.acknowledge([place or 3])
    return undo_update(path, filler)


def test_its_records_wait_again_under_their_own_chain_and_numbers(path: Path, aside: Path) -> None:
    update(aside)
    with Outbox(path, key=KEY) as outbox:
        outbox.require(CUSTODY)
        assert outbox.set_aside == ()
        assert outbox.head.sequence == 1, "the chain of the former software goes on"
        assert (outbox.depth(), outbox.unreleased()) == (4, 5)
        found = outbox.next(9)
        own = outbox.head.chain
        assert [(each.event["type"].split(".")[1], each.event["sequence"], each.sequence) for each in found] == [
            ("hit", 1, 1), ("hit", 1, 1), ("audit", 2, 2), ("status", 1, 1),
        ]  # fmt: skip
        assert [each.event["chain"] == own for each in found] == [False, False, False, True]
        assert ["/covert/" in each.topic for each in found] == [True, False, False, False]
        (sent,) = execute(
            outbox, "SELECT chain, standing.number FROM standing JOIN record USING (sequence) WHERE sent = 1"
        )
        assert sent == (found[1].event["chain"], 3)
        outbox.acknowledge([each.place or each.sequence or 0 for each in found])
    assert not database_files(aside)
    assert not list(path.parent.glob("*newer_version*"))
    with Outbox(path, key=KEY) as outbox:
        assert (outbox.depth(), outbox.unreleased()) == (0, 5)


def test_a_receipt_for_the_former_chain_releases_them(path: Path, aside: Path) -> None:
    update(aside)
    with Outbox(path, key=KEY) as outbox:
        outbox.require(CUSTODY)
        _, hit, audit, _ = outbox.next(9)
        assert hit.event["chain"] != outbox.head.chain
        outbox.acknowledge([each.place or 0 for each in (hit, audit)])
        kept = KeptRange.model_validate({"first": 1, "last": 2, "digest": audit.digest})
        taken = outbox.take_receipt("records", hit.event["chain"], [kept])
        assert (taken.released, taken.forked) == (2, False)


def test_what_is_newer_still_stays_where_it_is(path: Path, aside: Path) -> None:
    before = aside.read_bytes()
    with Outbox(path, key=KEY) as outbox:
        assert outbox.depth() == 1
    assert aside.read_bytes() == before


def test_what_was_taken_before_the_power_failed_is_not_taken_twice(path: Path, aside: Path) -> None:
    update(aside)
    copies = [(file, file.with_name(f"copy-{file.name}")) for file in database_files(aside)]
    for file, copy in copies:
        shutil.copy(file, copy)
    Outbox(path, key=KEY).close()
    for file, copy in copies:
        copy.rename(file)
    with Outbox(path, key=KEY) as outbox:
        assert outbox.unreleased() == 5
    assert not database_files(aside)


def test_a_file_that_cannot_be_read_keeps_no_post_from_its_work(path: Path, aside: Path) -> None:
    aside.write_bytes(b"no outbox")
    with Outbox(path, key=KEY) as outbox:
        assert outbox.depth() == 1
    assert aside.exists()


def test_a_damaged_one_is_kept_and_not_tried_again(path: Path, aside: Path) -> None:
    update(aside)
    content = bytearray(aside.read_bytes())
    content[len(content) // 2] ^= 0xFF
    aside.write_bytes(content)
    for _ in range(2):
        with Outbox(path, key=KEY) as outbox:
            assert outbox.depth() == 1
    assert [file.name.partition("-")[0] for file in path.parent.glob("outbox.*-*.db")] == ["outbox.damaged"]


def test_an_error_on_the_way_leaves_it_for_the_next_start(
    path: Path, aside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(aside)

    def full(*_: object, **__: object) -> None:
        raise OutboxError("disk full")

    with monkeypatch.context() as failing:
        failing.setattr(rows, "insert_values", full)
        with Outbox(path, key=KEY) as outbox:
            assert outbox.depth() == 1
    with Outbox(path, key=KEY) as outbox:
        assert outbox.depth() == 4


def test_what_the_quota_took_from_it_is_told_as_lost(path: Path, filler: Callable[[Outbox], Filler]) -> None:
    with Outbox(path, key=KEY, quota_bytes=20_000) as outbox:
        fill = filler(outbox)
        chain = outbox.head.chain
        for _ in range(30):
            fill.read()
        gone = {number for first, last in execute(outbox, "SELECT first, last FROM gap") for number in (first, last)}
        assert gone
    update(undo_update(path, filler))
    with Outbox(path, key=KEY) as outbox:
        told = Recorder(outbox, ExampleSigner(), Source("demo", "post-1")).account_for_losses(
            clock=filler(outbox).audit().event["data"]["clock"]
        )
        assert told is not None
        lost = told.event["data"]["lost"]
        assert lost["chain"] == chain
        assert {each["first"] for each in lost["sequences"]} <= gone
