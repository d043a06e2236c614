r"""A package in parts, for brokers and radio links that take no message of its size.

On the package's own topic then stands an index, and below it, numbered from 0, the parts; both retained, the parts
published first. A post judges the manifest in the index before it asks for anything, and asks for the parts by name, so
that a broker without wildcards for what it retains serves as well. Parts carry the digest of their package: those of
another are left alone, and it does not matter in which order parts come, nor how often.

::

    index     JSON: format, manifest (the package's first line), part_bytes
    part      8 bytes "PPPART1\n", 32 bytes the manifest's digest, u32 little-endian number, then the part's bytes

The parts are of what follows the manifest; only the last may be shorter than `part_bytes`.
"""

import errno
import os
import struct
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from platepost.wire.hotlist.errors import Malformed
from platepost.wire.hotlist.layout import parse
from platepost.wire.hotlist.manifest import LONGEST_LINE, Manifest, read_unverified
from platepost.wire.hotlist.package import PackageFile, check_whole, split

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

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    format: Literal["platepost-parts/1"] = "platepost-parts/1"
    manifest: str = Field(min_length=1, max_length=LONGEST_LINE - 1, description="First line of the package.")
    part_bytes: int = Field(ge=SMALLEST_PART, le=LARGEST_PACKAGE, description="Bytes of every part but the last.")

    @property
    def line(self) -> bytes:
        """The package's first line, without its end."""
        return self.manifest.encode()


def is_index(payload: bytes) -> bool:
    """Say whether a message on a package's topic is an index rather than a package, which begins with base64."""
    return payload[:1] == b"{"


def read_index(payload: bytes) -> Index:
    """Read an index. Raises Malformed or UnsupportedFormat."""
    return parse(Index, payload, "the index of parts")


def split_parts(package: bytes, *, part_bytes: int = PART_BYTES) -> tuple[bytes, Iterator[bytes]]:
    """Return the messages that carry a package: the index, then the parts in order.

    A part's message is `part_bytes` plus PART_OVERHEAD bytes long.

    Raises:
        HotListRefused: it is no package.
        ValueError: parts would be too small or too many.

    """
    line, following = split(package)
    manifest = read_unverified(line)
    check_whole(manifest, following)
    index = Index(manifest=line.decode(), part_bytes=part_bytes)
    digest = bytes.fromhex(manifest.digest)

    def parts() -> Iterator[bytes]:
        for number in range(_count(manifest, part_bytes)):
            start = number * part_bytes
            yield _HEAD.pack(_MAGIC, digest, number) + bytes(following[start : start + part_bytes])

    if _count(manifest, part_bytes) > MOST_PARTS:
        raise ValueError(f"the package would have more than {MOST_PARTS} parts")
    return index.model_dump_json().encode(), parts()


def _count(manifest: Manifest, part_bytes: int) -> int:
    return -(-manifest.length // part_bytes)


class Assembly:
    """The parts of one package as they come, kept in a file without a name rather than in memory."""

    def __init__(self, index: Index, manifest: Manifest, *, directory: Path | None = None) -> None:
        """Make room for a package, whose manifest has been verified.

        Raises:
            Malformed: it is larger, or in more parts, than posts take.
            OSError: the disk has no room.

        """
        count = _count(manifest, index.part_bytes)
        if manifest.length > LARGEST_PACKAGE or count > MOST_PARTS:
            raise Malformed(f"{manifest.length} bytes in {count} parts are more than a post takes")
        self.manifest = manifest
        self.missing = set(range(count))
        """Numbers of the parts that have not come yet."""
        self._part_bytes = index.part_bytes
        self._begin = len(index.line) + 1
        with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
            self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        # The room is taken now, before anything is sent for.
        os.posix_fallocate(self._descriptor, 0, self._begin + manifest.length)
        os.pwrite(self._descriptor, index.line + b"\n", 0)

    def take(self, payload: bytes) -> bool:
        """Take a part's message; False, and nothing done, if it is none of this package's that is still missing.

        Raises OSError when the disk does not take it.
        """
        if len(payload) < _HEAD.size:
            return False
        magic, digest, number = _HEAD.unpack_from(payload)
        if magic != _MAGIC or digest.hex() != self.manifest.digest or number not in self.missing:
            return False
        start, length = number * self._part_bytes, len(payload) - _HEAD.size
        if length != min(self._part_bytes, self.manifest.length - start):
            return False
        if os.pwrite(self._descriptor, payload[_HEAD.size :], self._begin + start) < length:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.missing.discard(number)
        return True

    def package(self) -> PackageFile:
        """Return the package as it is so far, in this assembly's file; whether its parts are right, verifying says."""
        return PackageFile(self._descriptor)
