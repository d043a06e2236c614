"""Salvage of an outbox that is large for the post: in little memory, and given up if the post never outlives it."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import OutboxError
from platepost.device.outbox import file as file_module
from platepost.device.outbox.database import Connection
from platepost.device.outbox.errors import OutboxDiskError
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.pages import PAGE
from platepost.device.outbox.salvage import DamagedOutbox, UnreadableError
from tests.device.outbox.inside import ROOTS, execute

Filler: TypeAlias = Any  # conftest's

KEY = bytes(range(32))
MIB = 1024 * 1024


class KilledError(BaseException):
    """Nothing in the code can catch it."""


def spoil(path: Path, page: int = 19, content: bytes = b"bad sector") -> None:
    with path.open("r+b") as file:
        file.seek(page * PAGE + 100)
        file.write(content)


@pytest.fixture
def large(path: Path, filler: Callable[[Outbox], Filler]) -> tuple[Path, int]:
    with Outbox(path, key=KEY) as outbox:
        execute(outbox, "PRAGMA synchronous = OFF")
        fill = filler(outbox)
        while path.stat().st_size < 8 * MIB:
            fill.read(picture_bytes=20_000)
        return path, outbox.depth()


def test_memory_does_not_grow_with_the_outbox(large: tuple[Path, int]) -> None:
    path, count = large
    spoil(path)
    told: list[bool] = []
    tracemalloc.start()
    try:
        with Outbox(path, key=KEY, on_wait=lambda: told.append(True)) as outbox:
            _, most = tracemalloc.get_traced_memory()
            assert outbox.depth() == count - 1
            assert [aside.kept for aside in outbox.set_aside] == [count - 1]
            tables = execute(outbox, "SELECT name FROM sqlite_schema WHERE type = 'table'")
            assert {("found",), ("known",)}.isdisjoint(tables)
    finally:
        tracemalloc.stop()
    assert most < 5 * MIB
    assert len(told) > 10, "anyone who waits is told that it goes on"


def test_a_salvage_that_kills_the_post_is_given_up(
    path: Path, outbox: Outbox, fill: Filler, filler: Callable[[Outbox], Filler], mocker: MockerFixture
) -> None:
    fill.hit()
    outbox.close()
    spoil(path, 2)
    real = file_module.rebuild
    killed = mocker.patch.object(file_module, "rebuild", side_effect=KilledError)
    for _ in range(2):
        with pytest.raises(KilledError):
            Outbox(path, key=KEY)
    path.with_name("outbox.db.new").write_bytes(b"what it came to")
    with Outbox(path, key=KEY) as again:
        assert killed.call_count == 2
        assert [(aside.reason, aside.kept) for aside in again.set_aside] == [("damaged", 0)]
        assert again.set_aside[0].path.exists()
        kept = filler(again).audit()
    mocker.patch.object(file_module, "rebuild", real)
    spoil(path, 7)
    with Outbox(path, key=KEY) as later:
        assert [envelope.id for envelope in later.next(9)] == [kept.id], "the next damage is salvaged again"


def test_tries_that_a_power_cut_ended_are_forgotten_once_the_outbox_opens(
    path: Path, outbox: Outbox, fill: Filler, mocker: MockerFixture
) -> None:
    fill.hit()
    outbox.close()
    whole = path.read_bytes()
    mocker.patch.object(file_module, "rebuild", side_effect=KilledError)
    for _ in range(2):
        spoil(path, 2)
        with pytest.raises(KilledError):
            Outbox(path, key=KEY)
        path.write_bytes(whole)
        with Outbox(path, key=KEY) as again:
            assert again.depth() == 1
    assert not path.with_name("outbox.db.tries").exists()


def test_a_salvage_for_which_there_is_no_room_is_tried_again(
    path: Path, outbox: Outbox, fill: Filler, mocker: MockerFixture
) -> None:
    fill.hit()
    kept = fill.audit()
    outbox.close()
    spoil(path, 4)
    full = mocker.patch.object(file_module, "rebuild", side_effect=OutboxError("the disk is full"))
    for _ in range(4):
        with pytest.raises(OutboxError, match="full"):
            Outbox(path, key=KEY)
    mocker.stop(full)
    with Outbox(path, key=KEY) as again:
        assert again.set_aside[0].kept > 0
        assert kept.id in [envelope.id for envelope in again.next(9)]


def test_what_was_taken_over_whole_is_not_kept_twice(path: Path, outbox: Outbox, fill: Filler) -> None:
    fill.hit()
    outbox.close()
    spoil(path, 4)  # a page of an index
    with Outbox(path, key=KEY) as again:
        (aside,) = again.set_aside
        assert (aside.kept, aside.same_chain) == (1, True)
        assert not aside.path.exists()
    assert list(path.parent.glob("outbox.damaged*")) == []


def test_of_what_was_set_aside_the_newest_two_are_kept(path: Path) -> None:
    path.parent.mkdir()
    (path.parent / "outbox.wrong_key-20200101T000000.db").write_bytes(b"another matter")
    aside = []
    for number in range(4):
        path.write_bytes(f"nonsense {number}".encode() * 1000)
        path.with_name("outbox.db-wal").write_bytes(b"x")
        with Outbox(path, key=KEY) as outbox:
            aside += [one.path for one in outbox.set_aside]
    left = {file.name for file in path.parent.glob("outbox.damaged*")}
    assert {name.removesuffix("-wal") for name in left} == {file.name for file in aside[2:]}
    assert (path.parent / "outbox.wrong_key-20200101T000000.db").exists()


@pytest.mark.parametrize("group", [None, "narcotics"])
def test_what_lost_a_record_is_kept(group: str | None, path: Path, outbox: Outbox, fill: Filler) -> None:
    """A covert one too, of which the account of losses says nothing."""
    fill.hit(group=group)
    outbox.close()
    spoil(path, ROOTS["record"] - 1, bytes(PAGE - 100))
    with Outbox(path, key=KEY) as again:
        assert [(aside.kept, aside.path.exists()) for aside in again.set_aside] == [(0, True)]


@pytest.mark.parametrize("readable", [True, False])
def test_an_error_of_the_disk_is_damage_if_the_log_cannot_be_read(
    *, readable: bool, path: Path, outbox: Outbox, fill: Filler, mocker: MockerFixture
) -> None:
    """What the log would have behind the place is lost; a disk that only does not write is waited for."""
    kept = fill.hit()
    real = outbox._file._once
    errors = [OutboxDiskError("disk I/O error")]

    def once(work: Callable[[Connection], Any]) -> Any:
        if errors:
            raise errors.pop()
        return real(work)

    mocker.patch.object(outbox._file, "_once", once)
    mocker.patch.object(file_module, "log_is_readable", return_value=readable)
    if readable:
        with pytest.raises(OutboxDiskError):
            outbox.depth()
    assert [envelope.id for envelope in outbox.next(9)] == [kept.id]
    assert [aside.reason for aside in outbox.set_aside] == ([] if readable else ["damaged"])


@pytest.mark.parametrize("readable", [True, False])
def test_so_it_is_at_the_start(
    *, readable: bool, path: Path, outbox: Outbox, fill: Filler, mocker: MockerFixture
) -> None:
    kept = fill.hit()
    outbox.close()
    errors = [OutboxDiskError("disk I/O error")]
    real = file_module.open_database

    def opened(path: Path, **named: Any) -> Connection:
        if errors:
            raise errors.pop()
        return real(path, **named)

    mocker.patch.object(file_module, "open_database", opened)
    mocker.patch.object(file_module, "log_is_readable", return_value=readable)
    if readable:
        with pytest.raises(OutboxDiskError):
            Outbox(path, key=KEY)
        return
    with Outbox(path, key=KEY) as again:
        assert [envelope.id for envelope in again.next(9)] == [kept.id]
        assert [aside.reason for aside in again.set_aside] == ["damaged"]


def test_a_damaged_file_is_only_read(path: Path, outbox: Outbox, fill: Filler) -> None:
    for _ in range(9):
        fill.read(picture_bytes=5000)
    outbox.close()
    spoil(path, ROOTS["record"] - 1)
    spoil(path, 0)  # a whole one lies over it, and must not be written into the file
    before = path.read_bytes()
    with DamagedOutbox(path, key=KEY) as damaged:
        with pytest.raises(UnreadableError):
            list(damaged.records(lambda _: [], lambda _: None))
        assert len(list(damaged.scattered_records(lambda _: True))) == 9
    assert path.read_bytes() == before
    assert list(path.parent.glob("*.salvage*")) == []


def test_a_zeroed_first_page_costs_nothing(path: Path, outbox: Outbox, fill: Filler) -> None:
    """With its first bytes the salt is gone, without which no page can be read; a copy is beside the file."""
    kept = fill.read(picture_bytes=5000)
    outbox.close()
    content = path.read_bytes()
    path.write_bytes(bytes(PAGE) + content[PAGE:])
    with Outbox(path, key=KEY) as again:
        assert [(aside.kept, aside.same_chain) for aside in again.set_aside] == [(1, True)]
        assert [envelope.id for envelope in again.next(9)] == [kept.id]


def test_a_copy_of_the_salt_that_is_of_another_file_does_no_harm(path: Path, outbox: Outbox, fill: Filler) -> None:
    """Former software has made the file again and knows nothing of the copy."""
    fill.hit()
    outbox.close()
    path.with_name("outbox.db.salt").write_bytes(b"another sixteen.")
    spoil(path, ROOTS["record_order"] - 1)
    with Outbox(path, key=KEY) as again:
        assert [(aside.kept, aside.same_chain) for aside in again.set_aside] == [(1, True)]
    assert path.with_name("outbox.db.salt").read_bytes() == path.read_bytes()[:16]
