"""Bytes in a file without a name, read page by page; a page that the disk does not give as it was written is an error.

Not mapped: of a mapped page that cannot be read the system's only word is a signal that ends the process. What is read
often stays in the system's cache, whose memory it takes back when it needs it.
"""

import errno
import os
import tempfile
import weakref
from array import array
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from zlib import crc32

from device.files import make_folder

PAGE_BYTES = 4096
HELD_PAGES = 64
"""Pages held ready: every binary search begins at the same ones, and a delta's rows are looked up in their order."""


class Pages:
    """A file that is written once, from its beginning, and then read anywhere. Reading is safe from several threads.

    Args:
        directory: has room for it; made if missing.
        without: bytes that are written and never read: whole pages of them are not stored.

    Raises:
        OSError: the file cannot be made.

    """

    def __init__(self, directory: Path, *, without: range = range(0)) -> None:
        make_folder(directory)
        with tempfile.TemporaryFile(dir=directory, prefix="hotlist-", suffix=".part", buffering=0) as file:
            self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        self._without = without
        self._rest = bytearray()
        self._sums = array("I")
        self._page = lru_cache(HELD_PAGES)(_Loader(self._descriptor, self._sums))

    def write(self, piece: bytes) -> None:
        """Write what follows. Raises OSError without room."""
        self._rest += piece
        whole = len(self._rest) // PAGE_BYTES * PAGE_BYTES
        for start in range(0, whole, PAGE_BYTES):
            self._put(bytes(self._rest[start : start + PAGE_BYTES]))
        del self._rest[:whole]

    def end(self) -> None:
        """Write the last page, which may be shorter. Raises OSError without room."""
        self._put(bytes(self._rest))
        self._rest.clear()
        with suppress(OSError):
            # Each page is one of its own: to read the ones after it as well would only wear out the cache.
            os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_RANDOM)

    def read(self, start: int, length: int) -> bytes:
        """Return bytes from `start` on. Raises OSError when the disk does not give them as they were written."""
        read = b""
        while len(read) < length:
            number, skipped = divmod(start + len(read), PAGE_BYTES)
            read += self._page(number)[skipped : skipped + length - len(read)]
        return read

    def _put(self, page: bytes) -> None:
        start = len(self._sums) * PAGE_BYTES
        self._sums.append(crc32(page))
        if self._without.start <= start and start + PAGE_BYTES <= self._without.stop:
            return
        if os.pwrite(self._descriptor, page, start) < len(page):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class _Loader:
    """Reads one page, and holds it against its sum."""

    def __init__(self, descriptor: int, sums: "array[int]") -> None:
        self._descriptor, self._sums = descriptor, sums
        self._bad: set[int] = set()
        """Pages that are not tried again: a card takes seconds over each that it does not give."""

    def __call__(self, number: int) -> bytes:
        if number not in self._bad:
            with suppress(OSError):
                page = os.pread(self._descriptor, PAGE_BYTES, number * PAGE_BYTES)
                if crc32(page) == self._sums[number]:
                    return page
            self._bad.add(number)
        raise OSError(errno.EIO, "the disk does not give what was written")
