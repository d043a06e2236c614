"""A disk that is full, or read-only, really: a small file system of its own."""

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from platepost.common.errors import OutboxError
from platepost.device.outbox.errors import OutboxFullError
from platepost.device.outbox.file import RESERVE_BYTES, Reserve
from platepost.device.outbox.outbox import Outbox
from platepost.wire.contract.examples import CLOCK, ExampleSigner, example_audit
from platepost.wire.records import Envelope, Keyring
from platepost.wire.verify.verify import Verifier

Filler: TypeAlias = Any  # conftest's

KEY = bytes(range(32))
KEYS = Keyring.from_pem(ExampleSigner().public_pem)


def fill_up(fill: Filler) -> list[Envelope]:
    """Store large records that may not be dropped until there is no room."""
    stored = []
    with suppress(OutboxFullError):
        while True:
            stored.append(fill.recorder.record(example_audit("door_closed", details={"padding": "x" * 60_000})))
    return stored


def exhaust(path: Path) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while True:
            os.write(file, bytes(4096))
    os.close(file)


def test_reads_make_room_and_nothing_else_goes(small_disk: Path, filler: Callable[[Outbox], Filler]) -> None:
    with Outbox(small_disk / "outbox.db", key=KEY) as outbox:
        fill = filler(outbox)
        kept = []
        for number in range(325):
            fill.read(picture_bytes=60000)
            if number % 25 == 0:
                kept += [fill.hit().id, fill.audit().id]
        assert outbox.disk_full
        backlog = outbox.backlog()
        assert backlog.reads_dropped + backlog.pictures_dropped > 0
        while fill.recorder.account_for_drops(clock=CLOCK):
            pass
        waiting = outbox.next(9999)
        assert set(kept) <= {envelope.id for envelope in waiting}
        assert Verifier(KEYS, whole=True).feed_all(envelope.body for envelope in waiting).intact
    with Outbox(small_disk / "outbox.db", key=KEY) as again:
        assert [envelope.id for envelope in again.next(9999)] == [envelope.id for envelope in waiting]


def test_delivery_goes_on_where_nothing_may_be_dropped(small_disk: Path, filler: Callable[[Outbox], Filler]) -> None:
    with Outbox(small_disk / "outbox.db", key=KEY) as outbox:
        fill = filler(outbox)
        stored = fill_up(fill)
        delivered = []
        while batch := outbox.next(20):
            delivered += [envelope.id for envelope in batch]
            outbox.acknowledge([envelope.sequence for envelope in batch])
        assert delivered == [envelope.id for envelope in stored]
        assert fill.hit().sequence == len(stored) + 1, "it takes records again"


def test_a_disk_that_others_fill_is_survived(small_disk: Path, filler: Callable[[Outbox], Filler]) -> None:
    with Outbox(small_disk / "outbox.db", key=KEY) as outbox:
        fill = filler(outbox)
        for _ in range(20):
            fill.read(picture_bytes=3000)
        exhaust(small_disk / "foreign")
        stored = [fill.hit().id for _ in range(30)]
        (small_disk / "foreign").unlink()
        stored += [fill.hit().id]
        while fill.recorder.account_for_drops(clock=CLOCK):
            pass
        waiting = outbox.next(999)
        assert set(stored) <= {envelope.id for envelope in waiting}
        assert Verifier(KEYS, whole=True).feed_all(envelope.body for envelope in waiting).intact


def test_the_reserve_is_kept_given_up_and_taken_again(path: Path) -> None:
    path.parent.mkdir()
    reserve = Reserve(path)
    for _ in range(2):
        assert reserve.take()
        assert path.with_name("outbox.db.reserve").stat().st_size == RESERVE_BYTES
    reserve.give_up()
    reserve.give_up()
    assert list(path.parent.iterdir()) == []


def test_a_disk_that_became_read_only_is_named_and_keeps_what_it_holds(
    small_disk: Path, filler: Callable[[Outbox], Filler]
) -> None:
    with Outbox(small_disk / "outbox.db", key=KEY) as outbox:
        filler(outbox).hit()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OutboxError, match="outbox: Read-only file system"):
        Outbox(small_disk / "outbox.db", key=KEY)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    with Outbox(small_disk / "outbox.db", key=KEY) as again:
        assert (again.depth(), again.set_aside) == (1, ())
