"""The pages of an encrypted database and its write-ahead log, each deciphered by itself.

SQLCipher 4, https://www.zetetic.net/sqlcipher/design/: AES-256-CBC, the page's last 80 bytes are its initialisation
vector and an HMAC-SHA512 over cipher text, vector and page number. The first 16 bytes of the file are a salt, from
which the HMAC's key is derived. The log is that of https://sqlite.org/walformat.html, its frames enciphered alike.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE = 4096
USABLE = PAGE - 80
_SALT, _VECTOR = 16, 16
_MAGIC = b"SQLite format 3\0"
WAL_HEADER, FRAME_HEADER = 32, 24


@dataclass(frozen=True, slots=True)
class Image:
    """What one page held at one time."""

    number: int
    content: bytes
    """Its `USABLE` bytes, deciphered."""
    authentic: bool
    """Whether its HMAC fits; if not, part of it at least is wrong."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of the write-ahead log."""

    image: Image
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

    def image(self, number: int, page: bytes) -> Image:
        """Decipher one page of `PAGE` bytes."""
        start = _SALT if number == 1 else 0
        body, vector, code = page[start:USABLE], page[USABLE : USABLE + _VECTOR], page[USABLE + _VECTOR :]
        signed = body + vector + struct.pack("<I", number)
        expected = hmac.digest(self._hmac_key, signed, "sha512")
        decipher = Cipher(self._algorithm, modes.CBC(vector)).decryptor()
        plain = decipher.update(body) + decipher.finalize()
        content = _MAGIC + plain if number == 1 else plain
        return Image(number, content, hmac.compare_digest(code, expected))


def database_images(path: Path, codec: Codec) -> Iterator[Image]:
    """Yield the database's pages; a last one that is not whole is filled up and not authentic."""
    with path.open("rb") as file:
        number = 0
        while page := file.read(PAGE):
            number += 1
            yield codec.image(number, page.ljust(PAGE, b"\0"))


def wal_frames(path: Path, codec: Codec) -> Iterator[Frame]:
    """Yield the log's frames. The present round is the header's or, where that is damaged, the first frame's."""
    if not path.exists():
        return
    with path.open("rb") as file:
        header = file.read(WAL_HEADER)
        if len(header) < WAL_HEADER:
            return
        order = ">" if header[3] & 1 else "<"
        state: tuple[int, int] = struct.unpack(">II", header[24:])
        unbroken = _checksum((0, 0), header[:24], order) == state
        headed, salt = unbroken, header[16:24] if unbroken else None
        while len(frame := file.read(FRAME_HEADER + PAGE)) == FRAME_HEADER + PAGE:
            number, size = struct.unpack_from(">II", frame)
            salt = salt or frame[8:16]
            current = frame[8:16] == salt
            if current and unbroken:
                state = _checksum(_checksum(state, frame[:8], order), frame[FRAME_HEADER:], order)
            unbroken = unbroken and current and state == struct.unpack_from(">II", frame, 16)
            yield Frame(codec.image(number, frame[FRAME_HEADER:]), current, unbroken, headed, size != 0)


def _checksum(state: tuple[int, int], content: bytes, order: str) -> tuple[int, int]:
    first, second = state
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def read_salt(path: Path) -> bytes:
    """Return the salt of a database file."""
    with path.open("rb") as file:
        return file.read(_SALT).ljust(_SALT, b"\0")
