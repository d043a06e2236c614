"""A file read page by page: what the disk gives, and what it no longer gives."""

import errno
import os
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from device.hotlist import pages as module
from device.hotlist.pages import PAGE_BYTES, Pages

WHOLE = os.urandom(3 * PAGE_BYTES + 100)


@pytest.fixture(autouse=True)
def _nothing_held_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_PAGES", 0)


def written(folder: Path, *, without: range = range(0)) -> Pages:
    pages = Pages(folder, without=without)
    for start in range(0, len(WHOLE), 1000):
        pages.write(WHOLE[start : start + 1000])
    pages.end()
    return pages


@pytest.mark.parametrize("start", [0, 1, PAGE_BYTES - 1, PAGE_BYTES, 3 * PAGE_BYTES, len(WHOLE) - 1])
@pytest.mark.parametrize("length", [0, 1, 2, PAGE_BYTES, 2 * PAGE_BYTES + 5])
def test_what_was_written_is_read_at_any_place(tmp_path: Path, start: int, length: int) -> None:
    length = min(length, len(WHOLE) - start)
    assert written(tmp_path).read(start, length) == WHOLE[start : start + length]


def test_a_page_that_is_cut_off_or_another_is_an_error_and_the_others_are_read(tmp_path: Path) -> None:
    pages = written(tmp_path)
    os.pwrite(pages._descriptor, b"\xff" if WHOLE[PAGE_BYTES + 7] != 0xFF else b"\x00", PAGE_BYTES + 7)
    os.ftruncate(pages._descriptor, 3 * PAGE_BYTES)
    for start in (PAGE_BYTES, 3 * PAGE_BYTES):
        with pytest.raises(OSError, match="was written") as failure:
            pages.read(start, 1)
        assert failure.value.errno == errno.EIO
    assert pages.read(2 * PAGE_BYTES, PAGE_BYTES) == WHOLE[2 * PAGE_BYTES : 3 * PAGE_BYTES]


def test_a_page_that_the_disk_does_not_give_is_asked_for_once(tmp_path: Path, mocker: MockerFixture) -> None:
    pages = written(tmp_path)
    os.ftruncate(pages._descriptor, 3 * PAGE_BYTES)
    asked = mocker.spy(os, "pread")
    for _ in range(3):
        with pytest.raises(OSError, match="was written"):
            pages.read(3 * PAGE_BYTES, 1)
    assert asked.call_count == 1


def test_whole_pages_of_what_is_never_read_are_not_stored(tmp_path: Path) -> None:
    pages = written(tmp_path, without=range(10, 2 * PAGE_BYTES + 10))
    assert os.pread(pages._descriptor, PAGE_BYTES, PAGE_BYTES) == bytes(PAGE_BYTES)
    for start in (0, 2 * PAGE_BYTES):
        assert pages.read(start, PAGE_BYTES) == WHOLE[start : start + PAGE_BYTES]


def test_a_disk_without_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwrite", lambda _file, page, _place: len(page) - 1)
    with pytest.raises(OSError, match="No space left"):
        written(tmp_path)


def test_the_file_ends_with_its_last_user_without_a_collection_of_garbage(tmp_path: Path) -> None:
    pages = written(tmp_path)
    pages.read(0, 1)
    descriptor = pages._descriptor
    del pages
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
