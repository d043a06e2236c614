"""The pages of an encrypted database and its write-ahead log, each deciphered by itself.

SQLCipher 4, https://www.zetetic.net/sqlcipher/design/: AES-256-CBC, the page's last 80 bytes are its initialization
vector and an HMAC-SHA512 over cipher text, vector and page number. The first 16 bytes of the file are a salt, from
which the HMAC's key is derived. The log is that of https://sqlite.org/walformat.html, its frames enciphered alike.
"""

import hashlib
import hmac
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE = 4096
USABLE = PAGE - 80
_SALT, _VECTOR = 16, 16
_MAGIC = b"SQLite format 3\0"
WAL_HEADER, FRAME_HEADER = 32, 24
_PATIENCE = 600.0
"""Seconds that a card may take over sectors that it does not give, before the others are not asked for."""
_OFTEN = 256
"""Reads between two calls of `meanwhile`: a megabyte."""


@dataclass(frozen=True, slots=True)
class Image:
    """What one page held at one time."""

    number: int
    content: bytes
    """Its `USABLE` bytes, deciphered."""
    authentic: bool
    """Whether its HMAC fits; if not, part of it at least is wrong."""


@dataclass(frozen=True, slots=True)
class WalFrame:
    """One frame of the write-ahead log."""

    image: Image
    place: int
    """Where in the log its page begins."""
    current: bool
    """Whether it is of the log's present round, by its salt."""
    unbroken: bool
    """Whether all checksums up to it fit: SQLite reads so far and no further."""
    headed: bool
    """Whether the log's own head is sound."""
    commits: bool
    """Whether it says that a transaction ends with it."""


class Codec:
    """Deciphers pages.

    Args:
        key: the 32 bytes of the outbox's key.
        salt: the first 16 bytes of the database file.

    """

    def __init__(self, key: bytes, salt: bytes) -> None:
        self._algorithm = algorithms.AES(key)
        mask = bytes(byte ^ 0x3A for byte in salt)
        self._hmac_key = hashlib.pbkdf2_hmac("sha512", key, mask, 2, 32)

    def authentic(self, number: int, page: bytes) -> bool:
        """Tell whether the HMAC of a page of `PAGE` bytes fits."""
        signed = page[_SALT if number == 1 else 0 : USABLE + _VECTOR] + struct.pack("<I", number)
        expected = hmac.digest(self._hmac_key, signed, "sha512")
        return hmac.compare_digest(page[USABLE + _VECTOR :], expected)

    def image(self, number: int, page: bytes) -> Image:
        """Decipher one page of `PAGE` bytes."""
        body, vector = page[_SALT if number == 1 else 0 : USABLE], page[USABLE : USABLE + _VECTOR]
        decipher = Cipher(self._algorithm, modes.CBC(vector)).decryptor()
        plain = decipher.update(body) + decipher.finalize()
        content = _MAGIC + plain if number == 1 else plain
        return Image(number, content, self.authentic(number, page))


class PageFile:
    """A file read piece by piece, each at its place: a sector that cannot be read costs no other.

    Args:
        path: which file.
        meanwhile: called again and again, as long as it goes on.

    Raises:
        OSError: it cannot be opened.

    """

    def __init__(self, path: Path, *, meanwhile: Callable[[], None] = lambda: None) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._file).st_size
        self._meanwhile = meanwhile
        self._reads = 0
        self._waited = 0.0

    @property
    def patient(self) -> bool:
        """Whether what was not read yet is worth asking for."""
        return self._waited < _PATIENCE

    def read(self, place: int, length: int) -> bytes | None:
        """Return the bytes at a place, fewer at the file's end; None if the disk does not give them."""
        self._reads += 1
        if self._reads % _OFTEN == 0:
            self._meanwhile()
        begin = monotonic()
        try:
            found = os.pread(self._file, length, place)
        except OSError:
            found = b""
        if len(found) < min(length, self.size - place):  # fewer: the sectors after them cannot be read
            self._waited += monotonic() - begin
            self._meanwhile()
            return None
        return found

    def close(self) -> None:
        """Close it."""
        os.close(self._file)


def unreadable(number: int) -> Image:
    """Return the image of a page that the disk does not give: zeros, which are nothing at all."""
    return Image(number, bytes(USABLE), authentic=False)


def wal_frames(path: Path, codec: Codec, *, meanwhile: Callable[[], None] = lambda: None) -> Iterator[WalFrame]:
    """Yield the log's frames. The present round is the header's or, where that is damaged, the first frame's.

    One that cannot be read is of no round.
    """
    if not path.exists():
        return
    with closing(PageFile(path, meanwhile=meanwhile)) as file:
        if file.size < WAL_HEADER:
            return
        given = file.read(0, WAL_HEADER)
        header = given or bytes(WAL_HEADER)
        order = ">" if header[3] & 1 else "<"
        state: tuple[int, int] = struct.unpack(">II", header[24:])
        unbroken = given is not None and _checksum((0, 0), header[:24], order) == state
        headed, salt = unbroken, header[16:24] if unbroken else None
        for start in range(WAL_HEADER, file.size - FRAME_HEADER - PAGE + 1, FRAME_HEADER + PAGE):
            place = start + FRAME_HEADER
            frame = file.read(start, FRAME_HEADER + PAGE) if file.patient else None
            if frame is None:
                unbroken = False
                yield WalFrame(unreadable(0), place, current=False, unbroken=False, headed=headed, commits=False)
                continue
            number, size = struct.unpack_from(">II", frame)
            salt = salt or frame[8:16]
            current = frame[8:16] == salt
            if current and unbroken:
                state = _checksum(_checksum(state, frame[:8], order), frame[FRAME_HEADER:], order)
            unbroken = unbroken and current and state == struct.unpack_from(">II", frame, 16)
            yield WalFrame(codec.image(number, frame[FRAME_HEADER:]), place, current, unbroken, headed, size != 0)


def _checksum(state: tuple[int, int], content: bytes, order: str) -> tuple[int, int]:
    first, second = state
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def read_salt(path: Path) -> bytes:
    """Return the salt of a database file, or zeros where it cannot be read: then no page can be told to be authentic.

    Raises OSError if the file cannot be opened.
    """
    with closing(PageFile(path)) as file:
        return (file.read(0, _SALT) or b"").ljust(_SALT, b"\0")
