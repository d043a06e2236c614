r"""A package in parts, for brokers and radio links that take no message of its size.

On the package's own topic then stands an index, and below it, numbered from 0, the parts; both retained, the parts
published first. A post that gets an index asks for the parts by name, so that a broker without wildcards for what it
retains serves as well. Parts carry the digest of the whole: those of another package are left alone, and it does not
matter in which order parts come, nor how often.

::

    index     JSON: format, digest (SHA-256 of the package), length, part_bytes
    part      8 bytes "PPPART1\n", 32 bytes digest of the package, u32 little-endian number, then the part's bytes

Only the last part may be shorter than `part_bytes`. Neither index nor part is signed: what they make up is a package,
which is.
"""

import hashlib
import mmap
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from device.hotlist.errors import BadSignature, Malformed
from device.hotlist.layout import parse

PART_BYTES = 1 << 20
"""How large a part is made where the broker does not ask for less."""
SMALLEST_PART = 1024
LARGEST_PACKAGE = 1 << 30
MOST_PARTS = 1 << 16

_MAGIC = b"PPPART1\n"
_HEAD = struct.Struct("<8s32sI")
PART_OVERHEAD = _HEAD.size
"""Bytes that a part's message has beyond the part itself."""


class Index(BaseModel):
    """What a package in parts consists of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["platepost-parts/1"] = "platepost-parts/1"
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the package.")
    length: int = Field(gt=0, le=LARGEST_PACKAGE, description="Bytes of the package.")
    part_bytes: int = Field(ge=SMALLEST_PART, le=LARGEST_PACKAGE, description="Bytes of every part but the last.")

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return -(-self.length // self.part_bytes)


def is_index(payload: bytes) -> bool:
    """Say whether a message on a package's topic is an index rather than a package, which begins with base64."""
    return payload[:1] == b"{"


def read_index(payload: bytes) -> Index:
    """Read an index. Raises Malformed or UnsupportedFormat."""
    index = parse(Index, payload, "the index of parts")
    if index.parts > MOST_PARTS:
        raise Malformed(f"{index.parts} parts are more than the {MOST_PARTS} that a post asks for")
    return index


def split_parts(package: bytes, *, part_bytes: int = PART_BYTES) -> tuple[bytes, Iterator[bytes]]:
    """Return the messages that carry a package: that of the index, and one after another those of the parts.

    A part's message is `part_bytes` plus PART_OVERHEAD bytes long.

    Raises:
        ValueError: the package is empty or too large, or parts would be too small or too many.

    """
    digest = hashlib.sha256(package)
    index = Index(digest=digest.hexdigest(), length=len(package), part_bytes=part_bytes)
    if index.parts > MOST_PARTS:
        raise ValueError(f"{index.parts} parts are more than {MOST_PARTS}")

    def parts() -> Iterator[bytes]:
        for number in range(index.parts):
            start = number * part_bytes
            yield _HEAD.pack(_MAGIC, digest.digest(), number) + package[start : start + part_bytes]

    return index.model_dump_json().encode(), parts()


class Assembly:
    """The parts of one package as they come, kept in a file without a name rather than in memory."""

    def __init__(self, index: Index, *, directory: Path | None = None) -> None:
        """Make room for a package. Raises OSError where the disk has none."""
        self.index = index
        self.missing = set(range(index.parts))
        """Numbers of the parts that have not come yet."""
        with tempfile.TemporaryFile(dir=directory) as file:
            file.truncate(index.length)
            self._whole = mmap.mmap(file.fileno(), index.length)

    def take(self, payload: bytes) -> bool:
        """Take a part's message; False, and nothing done, if it is none of this package's that is still missing."""
        if len(payload) < _HEAD.size:
            return False
        magic, digest, number = _HEAD.unpack_from(payload)
        if magic != _MAGIC or digest.hex() != self.index.digest or number not in self.missing:
            return False
        start = number * self.index.part_bytes
        if len(payload) - _HEAD.size != min(self.index.part_bytes, self.index.length - start):
            return False
        self._whole[start : start + len(payload) - _HEAD.size] = payload[_HEAD.size :]
        self.missing.discard(number)
        return True

    def package(self) -> memoryview:
        """Return the package, once all parts have come. Raises BadSignature when they are not those of the index."""
        if hashlib.sha256(self._whole).hexdigest() != self.index.digest:
            raise BadSignature("the parts are not those of the package")
        return memoryview(self._whole)
