"""What an unsealed body is written to, and the veil over what of it may not lie on a disk in clear."""

import hashlib
import mmap
from contextlib import suppress
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

_BLOCK = 16


class Body(Protocol):
    """What an unsealed body is written to, piece by piece."""

    length: int
    written: int

    def write(self, piece: bytes) -> None:
        """Take the next piece. Raises Malformed or UnsupportedFormat when the header is wrong, OSError without room."""
        ...

    def end(self) -> None:
        """Take it that all was written. Raises OSError without room."""
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
        self._memory = mmap.mmap(-1, max(length, 1))
        with suppress(AttributeError, OSError):
            self._memory.madvise(mmap.MADV_DONTDUMP)

    def write(self, piece: bytes) -> None:
        """Take the next piece."""
        self._memory.write(piece)
        self.written += len(piece)

    def end(self) -> None:
        """Nothing is left to do."""

    @property
    def view(self) -> memoryview:
        """All of it."""
        return memoryview(self._memory).toreadonly()[: self.length]
