"""Sectors of the outbox or its log that the disk does not give at all: they cost what lies on them, and it is named."""

import errno
import os
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from platepost.device.outbox.log import log_is_readable
from platepost.device.outbox.outbox import Outbox
from platepost.wire.records.canonical import parse
from tests.device.outbox.inside import ROOTS
from tests.device.outbox.test_damage import (
    FRAME,
    HEADER,
    KEY,
    PAGE,
    Left,
    aftermath,
    check,
    closed,
    damaged,
    killed,
)

__all__ = ["closed", "killed"]  # fixtures


def lose(mocker: MockerFixture, file: Path, place: int) -> None:
    """Have the block of a file that holds a place fail; SQLite, which this does not reach, has wrong bytes there."""
    real, inode, start = os.pread, file.stat().st_ino, place // PAGE * PAGE

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        if os.fstat(descriptor).st_ino == inode and start - length < offset < start + PAGE:
            if offset < start:
                return real(descriptor, start - offset, offset)  # the kernel gives what it has
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(descriptor, length, offset)

    mocker.patch("platepost.device.outbox.pages.os.pread", pread)


def test_any_page_of_the_database(closed: Left, tmp_path: Path, mocker: MockerFixture) -> None:
    pages = (closed.folder / "outbox.db").stat().st_size // PAGE
    delivered = {parse(body)["id"] for body in closed.delivered}
    cost, new_chains = [], 0
    for page in range(0, pages, 2):
        path = damaged(closed, tmp_path / "damaged", "outbox.db", page * PAGE + 300)
        lose(mocker, path, page * PAGE)
        after = aftermath(path, closed)
        mocker.stopall()
        # Without the salt nothing can be checked any more.
        assert after.complete or page in {0, ROOTS["gap"] - 1, ROOTS["loss"] - 1, ROOTS["dropped"] - 1}, page + 1
        assert after.reasons in (["damaged"], [])
        cost.append(check(closed, after))
        new_chains += not after.same_chain
        if page not in {0, ROOTS["record"] - 1}:
            assert not delivered & after.found, "a leaf that is gone brings nothing back that was delivered"
    assert max(cost) <= 5, "a page costs the records that lie on it and no others"
    assert sum(cost) > 5
    assert new_chains <= 2


@pytest.mark.parametrize("apart", [1, 2])
def test_frames_of_the_log(apart: int, killed: Left, tmp_path: Path, mocker: MockerFixture) -> None:
    frames = ((killed.folder / "outbox.db-wal").stat().st_size - HEADER) // FRAME
    for frame in range(0, frames - 40, 29 * apart):
        place = HEADER + frame * FRAME + 24 + 100
        path = damaged(killed, tmp_path / "damaged", "outbox.db-wal", place)
        lose(mocker, path.with_name("outbox.db-wal"), place)
        after = aftermath(path, killed)
        mocker.stopall()
        assert after.reasons == ["damaged"], f"frame {frame} of {frames}"
        check(killed, after)
        assert len(after.found) > len(killed.waiting) // 2


def test_of_a_log_it_is_told_whether_the_disk_gives_all(killed: Left, tmp_path: Path, mocker: MockerFixture) -> None:
    path = damaged(killed, tmp_path / "copy", "outbox.db-wal", 0, length=0)
    log = path.with_name("outbox.db-wal")
    assert log_is_readable(path)
    lose(mocker, log, log.stat().st_size - 1)
    assert not log_is_readable(path)
    log.unlink()
    assert log_is_readable(path)


def test_a_card_that_takes_for_ever_is_not_asked_for_ever(closed: Left, tmp_path: Path, mocker: MockerFixture) -> None:
    path = damaged(closed, tmp_path / "damaged", "outbox.db", 2 * PAGE + 300)
    mocker.patch("platepost.device.outbox.pages._PATIENCE", 1e-9)
    real, fed, failed = os.pread, mocker.Mock(), []

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        if offset >= 64 * PAGE and os.fstat(descriptor).st_ino == inode:
            failed.append(offset)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(descriptor, length, offset)

    inode = path.stat().st_ino
    mocker.patch("platepost.device.outbox.pages.os.pread", pread)
    with Outbox(path, key=KEY, on_wait=fed) as outbox:
        assert [aside.reason for aside in outbox.set_aside] == ["damaged"]
    assert failed == [64 * PAGE]
    assert fed.called
