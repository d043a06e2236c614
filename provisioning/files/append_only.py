"""Files of lines that are only ever appended to, by several processes at once.

What a power cut left half written of a line was never entered: it is not read, and is cut off before the next.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_BLOCK = 4096


class AppendOnlyFile:
    """One such file, locked for an entry: its last line, and a way to add to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end, self.last = _end_of(file)
        """The last line, without its end; None if there is none."""

    def append(self, *lines: bytes) -> None:
        """Add lines; durable on return. A power cut meanwhile leaves the first of them. Raises OSError."""
        if not lines:
            return
        text = b"".join(line + b"\n" for line in lines)
        self._file.truncate(self._end)
        self._file.seek(self._end)
        self._file.write(text)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._end, self.last = self._end + len(text), lines[-1]


@contextmanager
def append_only(path: Path, *, wait: bool = True) -> Iterator[AppendOnlyFile]:
    """Lock a file, made for its owner only if there is none; others wait meanwhile.

    Raises OSError; BlockingIOError where another has it and `wait` is false.
    """
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield AppendOnlyFile(file)


def lines_of(path: Path) -> list[bytes]:
    """Return the lines of such a file, oldest first; none if there is no file. Raises OSError."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    return text[: _whole(text)].splitlines()


def _end_of(file: IO[bytes]) -> tuple[int, bytes | None]:
    """Return where the last whole line ends, and the line; no more is read than that, however long the file is."""
    begin, text = file.seek(0, os.SEEK_END), b""
    while begin and text.count(b"\n") < 2:  # that which ends the line before it, and its own
        step = min(_BLOCK, begin)
        begin = file.seek(begin - step)
        text = file.read(step) + text
    end = _whole(text)
    return begin + end, text[: end - 1].rpartition(b"\n")[2] if end else None


def _whole(text: bytes) -> int:
    return text.rfind(b"\n") + 1
