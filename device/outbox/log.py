"""The write-ahead log, https://sqlite.org/walformat.html: whether it is damaged, and what of it can still be read.

SQLite ends the log at the first frame whose checksum fails, and reports nothing: it does not distinguish damage from
what a power cut has left unfinished. If what follows was synchronized, records that were promised are gone, and their
numbers would be given again.
"""

import struct
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from platepost.device.outbox.pages import PageCheck, PageFile

_HEADER, _FRAME_HEADER = 32, 24
_MAGIC, _VERSION = 0x377F0683, 3007000
_SECTOR = 4096
CHAIN_ROOT = 2
"""Page of the table `chain`: the first table of every schema version has the first page behind the schema's."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of the write-ahead log: a page as a transaction wrote it."""

    number: int
    """Of the page."""
    place: int
    """Where in the log the page begins."""
    authentic: bool
    """Whether the page's HMAC fits."""
    has_rows: bool
    """Whether it is authentic and has rows of a table."""
    current: bool
    """Whether it is of the log's present round, by its salt."""
    unbroken: bool
    """Whether all checksums up to it fit: SQLite reads so far and no further."""
    headed: bool
    """Whether the log's own header is sound."""
    commits: bool
    """Whether a transaction ends with it."""


def log_file(path: Path) -> Path:
    """Return the log of the database at `path`."""
    return path.with_name(f"{path.name}-wal")


def log_is_readable(path: Path) -> bool:
    """Return whether the disk can read all of the log, whatever it contains; SQLite needs it."""
    try:
        with closing(PageFile(log_file(path))) as log:
            return all(log.read(place, _SECTOR) is not None for place in range(0, log.size, _SECTOR))
    except FileNotFoundError:
        return True
    except OSError:
        return False


def frames(path: Path, check: PageCheck, *, on_wait: Callable[[], None] = lambda: None) -> Iterator[Frame]:
    """Yield the log's frames. The present round is the header's or, where that is damaged, the first frame's.

    One that cannot be read is of no round.
    """
    if not log_file(path).exists():
        return
    with closing(PageFile(log_file(path), on_wait=on_wait)) as file:
        if file.size < _HEADER:
            return
        readable = file.read(0, _HEADER)
        header = readable or bytes(_HEADER)
        order = ">" if header[3] & 1 else "<"
        state: tuple[int, int] = struct.unpack(">II", header[24:])
        unbroken = readable is not None and _checksum((0, 0), header[:24], order) == state
        headed, salt = unbroken, header[16:24] if unbroken else None
        length = _FRAME_HEADER + check.page
        for start in range(_HEADER, file.size - length + 1, length):
            place = start + _FRAME_HEADER
            frame = file.read(start, length) if file.patient else None
            if frame is None:
                unbroken = False
                yield Frame(
                    0,
                    place,
                    authentic=False,
                    has_rows=False,
                    current=False,
                    unbroken=False,
                    headed=headed,
                    commits=False,
                )
                continue
            number, size = struct.unpack_from(">II", frame)
            content = frame[_FRAME_HEADER:]
            salt = salt or frame[8:16]
            current = frame[8:16] == salt
            if current and unbroken:
                state = _checksum(_checksum(state, frame[:8], order), content, order)
            unbroken = unbroken and current and state == struct.unpack_from(">II", frame, 16)
            authentic = check.authentic(number, content)
            has_rows = authentic and check.has_rows(number, content)
            yield Frame(number, place, authentic, has_rows, current, unbroken, headed, size != 0)


def write_log(path: Path, pages: Iterable[tuple[int, bytes]], *, page: int, size: int) -> None:
    """Write a log of one transaction over the database at `path`, which then has `size` pages of `page` bytes.

    Raises OSError if the disk does not take it.
    """
    salt = bytes(8)
    header = struct.pack(">IIII", _MAGIC, _VERSION, page, 0) + salt
    state = _checksum((0, 0), header, ">")
    with log_file(path).open("wb") as file:
        file.write(header + struct.pack(">II", *state))
        before: tuple[int, bytes] | None = None
        for number, content in pages:
            if before is not None:
                state = _write_frame(file.write, *before, size=0, salt=salt, state=state)
            before = number, content
        if before is not None:
            _write_frame(file.write, *before, size=size, salt=salt, state=state)


def _write_frame(
    write: Callable[[bytes], object], number: int, content: bytes, *, size: int, salt: bytes, state: tuple[int, int]
) -> tuple[int, int]:
    head = struct.pack(">II", number, size)
    state = _checksum(_checksum(state, head, ">"), content, ">")
    write(head + salt + struct.pack(">II", *state) + content)
    return state


def lost_appends(log: Iterable[Frame], chain_ends: Collection[int]) -> bool | None:
    """Return whether a log has lost what was synchronized; None if that is not certain.

    An append begins when the one before is synchronized. So a power cut leaves at most one append without it, and
    acknowledgments between: a broken frame that another append follows is damage if it belongs to an append itself,
    or if two follow.

    Args:
        log: its frames.
        chain_ends: the pages with the ends of chains, one of which every append moves.

    """
    broken = in_append = goes_on = False
    appends = needed = 0
    for frame in log:
        moves_chain = frame.authentic and frame.number in chain_ends
        if not broken:
            if frame.unbroken:
                in_append = (in_append or moves_chain) and not frame.commits
                continue
            # The header is synchronized before the first frame is written: that a cut cannot break it.
            broken, needed = True, 1 if in_append or not frame.headed else 2
        goes_on |= frame.current
        if frame.current and moves_chain:
            appends += 1
            if appends >= needed:
                return True
    return None if goes_on else False


def _checksum(state: tuple[int, int], content: bytes, order: str) -> tuple[int, int]:
    first, second = state
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second
