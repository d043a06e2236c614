"""How a record's bytes lie in the database, and how they come back.

A record that can be read is stored as JSON, compressed by zstd with a dictionary of records. The bytes that were signed
come back exactly: `canonical_bytes(parse(...))` of what is decoded. Its pictures lie elsewhere. What cannot be read is
stored as it came.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import zstandard

from department.custody.errors import CustodyError

RAW = 0
"""Codec of bytes as they came."""
PRESENT = 1
"""Codec of what is written: zstd with the dictionary of that number. A new dictionary takes the next number, and the
former stay: records that were written with them are kept for years."""
LEVEL = 3
_LARGEST = 64 * 1024 * 1024
"""Bytes that a body may take once decompressed; an MQTT packet is at most 256 MB, and a post's some 100 KB."""


def encode(body: bytes) -> tuple[int, bytes]:
    """Compress what `stored_form` returned; return the codec and the bytes to be stored."""
    return PRESENT, _compressor(PRESENT).compress(body)


def decode(codec: int, body: bytes) -> bytes:
    """Return what was stored.

    Raises:
        CustodyError: it is damaged, or of a codec that this version does not know.

    """
    if codec == RAW:
        return body
    try:
        return _decompressor(codec).decompress(body, max_output_size=_LARGEST)
    except (zstandard.ZstdError, FileNotFoundError) as error:
        raise CustodyError(f"a stored record cannot be decompressed (codec {codec}): {error}") from error


def stored_form(event: dict[str, Any]) -> bytes:
    """Return an event as it is stored: JSON of the same meaning, with whatever a signature or a picture may hold."""
    # In ASCII: half a surrogate pair, outside of what is signed, has no other form.
    return json.dumps(event, separators=(",", ":"), allow_nan=False).encode("ascii")


def dictionary(number: int) -> bytes:
    """Return a dictionary as it is shipped. Raises FileNotFoundError: there is none of that number."""
    return files("department.custody").joinpath(f"dictionary_{number}.zstd").read_bytes()


@cache
def _compressor(number: int) -> zstandard.ZstdCompressor:
    held = zstandard.ZstdCompressionDict(dictionary(number), dict_type=zstandard.DICT_TYPE_FULLDICT)
    held.precompute_compress(level=LEVEL)
    return zstandard.ZstdCompressor(level=LEVEL, dict_data=held, write_checksum=True)


@cache
def _decompressor(number: int) -> zstandard.ZstdDecompressor:
    held = zstandard.ZstdCompressionDict(dictionary(number), dict_type=zstandard.DICT_TYPE_FULLDICT)
    return zstandard.ZstdDecompressor(dict_data=held)
