"""Records while the disk takes none: who waits for it, who need not, and in which order they are stored."""

from threading import Event
from typing import Any

import pytest

from platepost.common.errors import OutboxError
from platepost.device.outbox.retrying import MAX_DEFERRED, PAUSE_SECONDS, RetryingRecorder
from tests.clocks import SteppedClock


class Disk:
    """A recorder whose disk may be full, and the recorder that does not give up over it."""

    def __init__(self) -> None:
        self.full = False
        self.stored: list[Any] = []
        self.stop = Event()
        self.clock = SteppedClock()
        recorder: Any = self
        self.records = RetryingRecorder(recorder, stop=self.stop, clock=self.clock)

    def record(self, data: object) -> object:
        if self.full:
            raise OutboxError("the disk is full")
        self.stored.append(data)
        return data


def put_off(disk: Disk, *data: object) -> None:
    disk.full = True
    for each in data:
        record: Any = each
        disk.records.record_soon(record)
    disk.full = False


def test_what_need_not_wait_is_stored_at_once_or_as_soon_as_the_disk_takes_it() -> None:
    disk = Disk()
    put_off(disk, "first", "second")
    assert (disk.stored, disk.records.failing) == ([], True)
    disk.records.retry()
    assert disk.stored == [], "a full disk is not asked again and again: each time pictures are given up for it"
    disk.clock.now += PAUSE_SECONDS
    disk.records.retry()
    assert disk.stored == ["first", "second"]
    disk.records.record_soon("third")  # type: ignore[arg-type]
    assert disk.stored == ["first", "second", "third"]


def test_what_waits_for_the_disk_comes_after_what_was_put_off() -> None:
    disk = Disk()
    put_off(disk, "before")
    disk.records.record("after")  # type: ignore[arg-type]
    assert disk.stored == ["before", "after"]


def test_who_puts_off_too_many_waits_and_none_is_lost() -> None:
    disk = Disk()
    put_off(disk, *range(MAX_DEFERRED))
    disk.full = True
    disk.stop.set()
    with pytest.raises(OutboxError):
        disk.records.record_soon("one more")  # type: ignore[arg-type]
    disk.full = False
    disk.records.record("last")  # type: ignore[arg-type]
    assert disk.stored == [*range(MAX_DEFERRED), "last"]


def test_what_is_put_off_at_the_end_is_said_to_be() -> None:
    disk = Disk()
    put_off(disk, "first")
    disk.full = True
    disk.stop.set()
    disk.clock.now += PAUSE_SECONDS
    with pytest.raises(OutboxError):
        disk.records.retry()
