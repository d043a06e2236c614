"""The pages of an encrypted database, each checked by itself; SQLite deciphers them.

SQLCipher 4, https://www.zetetic.net/sqlcipher/design/: a page's last 80 bytes are its initialization vector and an
HMAC-SHA512 over cipher text, vector and page number. The first 16 bytes of the file are a salt, from which the HMAC's
key is derived.
"""

import hashlib
import hmac
import os
import struct
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE = 1024
"""Bytes of a page of a new outbox. A record changes a few bytes on each of five pages, and all of a page is written."""
PAGE_SIZES = (PAGE, 4096)
"""Those that an outbox may have: the larger one is SQLCipher's own, and was ours before."""
SALT = 16
_MAC, _RESERVED = 64, 80
_BLOCK = 16
_TABLE_LEAF = b"\x0d"
"""https://sqlite.org/fileformat2.html"""
_PATIENCE = 600.0
"""Seconds that a card may take over sectors that it cannot read, before the others are not requested."""
_OFTEN = 256
"""Reads between two calls of `meanwhile`: a megabyte."""


class PageCheck:
    """Checks the HMAC of pages.

    Args:
        key: the 32 bytes of the outbox's key.
        salt: the first 16 bytes of the database file.
        page: the bytes of a page.

    """

    def __init__(self, key: bytes, salt: bytes, page: int) -> None:
        self.page = page
        mask = bytes(byte ^ 0x3A for byte in salt)
        self._algorithm = algorithms.AES(key)
        self._hmac_key = hashlib.pbkdf2_hmac("sha512", key, mask, 2, 32)

    def authentic(self, number: int, page: bytes) -> bool:
        """Return whether the HMAC of a page fits; one that is too short is not authentic."""
        return hmac.compare_digest(page[self.page - _MAC :], self._hmac(number, page))

    def has_rows(self, number: int, page: bytes) -> bool:
        """Return whether an authentic page has rows of a table, by the first byte of its deciphered content."""
        vector = self.page - _RESERVED
        decipher = Cipher(self._algorithm, modes.CBC(page[vector : vector + _BLOCK])).decryptor()
        return number != 1 and decipher.update(page[:_BLOCK])[:1] == _TABLE_LEAF

    def with_page_count(self, page: bytes, *, before: int, count: int) -> bytes:
        """Return the database's first page with another number of pages in its header (bytes 28 to 31).

        They are in the page's first block. What changes in the initialization vector of CBC changes alike in that.
        """
        changed = bytearray(page)
        place = self.page - _RESERVED + 12
        (vector,) = struct.unpack_from(">I", changed, place)
        struct.pack_into(">I", changed, place, vector ^ before ^ count)
        return bytes(changed[: self.page - _MAC]) + self._hmac(1, bytes(changed))

    def _hmac(self, number: int, page: bytes) -> bytes:
        signed = page[SALT if number == 1 else 0 : self.page - _MAC] + struct.pack("<I", number)
        return hmac.digest(self._hmac_key, signed, "sha512")


class PageFile:
    """A file read piece by piece, each at its place: a sector that cannot be read costs no other.

    Args:
        path: which file.
        meanwhile: called again and again, as long as it goes on.

    Raises:
        OSError: it cannot be opened.

    """

    def __init__(self, path: Path, *, on_wait: Callable[[], None] = lambda: None) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._file).st_size
        self._on_wait = on_wait
        self._reads = 0
        self._waited = 0.0

    @property
    def patient(self) -> bool:
        """Whether what was not read yet is worth requesting."""
        return self._waited < _PATIENCE

    def read(self, place: int, length: int) -> bytes | None:
        """Return the bytes at a place, fewer at the file's end; None if the disk cannot read them."""
        self._reads += 1
        if self._reads % _OFTEN == 0:
            self._on_wait()
        begin = monotonic()
        try:
            page = os.pread(self._file, length, place)
        except OSError:
            page = b""
        if len(page) < min(length, self.size - place):  # fewer: the sectors after them cannot be read
            self._waited += monotonic() - begin
            self._on_wait()
            return None
        return page

    def close(self) -> None:
        """Close it."""
        os.close(self._file)
