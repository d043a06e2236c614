"""Where an unsealed body lies: in memory, or, but for its header, in a file that is mapped and has no name.

The header has the list's hash key, and with it whoever holds the columns can try every serial against them. So the
header stays in memory. The columns without it are pseudorandom numbers, categories, states and times; only references
would be readable, and these are veiled with a key that follows from the hash key. The file is removed from its folder
before anything is written to it: when the process ends, however it ends, nothing is left to open.
"""

import hashlib
import mmap
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from device.durable import make_folder
from device.hotlist.errors import Malformed
from device.hotlist.layout import begin_of_columns, read_header

_BLOCK = 16
_RELEASE = 8 << 20
"""Bytes written after which their pages are let go."""


class Body(Protocol):
    """What an unsealed body is written to, piece by piece."""

    length: int
    written: int

    def write(self, piece: bytes) -> None:
        """Take the next piece. Raises Malformed or UnsupportedFormat when the header is wrong, OSError without room."""
        ...


class Veil:
    """AES-256-CTR over the reference heap, at any place of it."""

    def __init__(self, hash_key: bytes) -> None:
        self._key = hashlib.sha256(b"platepost-hotlist-veil\x00" + hash_key).digest()

    def apply(self, start: int, data: bytes) -> bytes:
        """Veil or unveil bytes that lie at `start`."""
        skipped = start % _BLOCK
        counter = (start // _BLOCK).to_bytes(_BLOCK, "big")
        stream = Cipher(AES256(self._key), CTR(counter)).encryptor()
        return stream.update(bytes(skipped) + data)[skipped:]


class MemoryBody:
    """A body in anonymous memory: never in a file, nor in a core dump where the system can keep it out of one."""

    def __init__(self, length: int) -> None:
        self.length, self.written = length, 0
        self._memory = mmap.mmap(-1, length)
        with suppress(AttributeError, OSError):
            self._memory.madvise(mmap.MADV_DONTDUMP)

    def write(self, piece: bytes) -> None:
        """Take the next piece."""
        self._memory.write(piece)
        self.written += len(piece)

    @property
    def view(self) -> memoryview:
        """All of it."""
        return memoryview(self._memory).toreadonly()


class MappedBody:
    """A body whose columns are in a mapped file without a name."""

    def __init__(self, length: int, directory: Path) -> None:
        self.length, self.written = length, 0
        self.head = b""
        """The body up to its columns."""
        self.veil: Veil | None = None
        self._directory = directory
        self._map: mmap.mmap | None = None
        self._heap = range(0)
        self._released = 0

    def write(self, piece: bytes) -> None:
        """Take the next piece."""
        self.written += len(piece)
        if self._map is None:
            self.head += piece
            begin = begin_of_columns(self.head)
            if begin is None:
                return
            self.head, piece = self.head[:begin], self.head[begin:]
            self._map = self._open()
        if len(piece) > len(self._map) - self._map.tell():
            raise Malformed("the body is longer than the manifest says")
        self._put(self._map, piece)

    @property
    def view(self) -> memoryview:
        """The columns. Raises Malformed when they never began."""
        if self._map is None:
            raise Malformed("the body's header does not fit into the body")
        return memoryview(self._map).toreadonly()

    def release(self) -> None:
        """Let go of the pages in memory; those that look-ups touch come back from the file."""
        if self._map is not None:
            _let_go(self._map, 0, len(self._map))

    def _open(self) -> mmap.mmap:
        header = read_header(self.head)
        heap = header.sections.get("reference_heap")
        if header.hash_key is not None and heap is not None:
            self.veil, self._heap = Veil(bytes.fromhex(header.hash_key)), range(heap.offset, heap.offset + heap.count)
        size = max(self.length - len(self.head), 1)
        make_folder(self._directory)
        with tempfile.TemporaryFile(dir=self._directory, prefix="hotlist-", suffix=".part") as file:
            # The room is taken now: a disk that is full later would kill whoever touches the map.
            os.posix_fallocate(file.fileno(), 0, size)
            mapped = mmap.mmap(file.fileno(), size)
        with suppress(AttributeError, OSError):
            mapped.madvise(mmap.MADV_RANDOM)
            mapped.madvise(mmap.MADV_DONTDUMP)
        return mapped

    def _put(self, mapped: mmap.mmap, piece: bytes) -> None:
        start = mapped.tell()
        begin, end = max(start, self._heap.start), min(start + len(piece), self._heap.stop)
        if self.veil is not None and begin < end:
            veiled = self.veil.apply(begin - self._heap.start, piece[begin - start : end - start])
            piece = piece[: begin - start] + veiled + piece[end - start :]
        mapped.write(piece)
        if mapped.tell() - self._released >= _RELEASE:
            begin = self._released
            self._released = mapped.tell() // mmap.PAGESIZE * mmap.PAGESIZE
            _let_go(mapped, begin, self._released - begin)


def _let_go(mapped: mmap.mmap, start: int, length: int) -> None:
    with suppress(AttributeError, OSError):
        mapped.madvise(mmap.MADV_DONTNEED, start, length)
