"""How a record's bytes are stored in the database, and how they come back.

A record that can be read is stored as JSON, compressed by zstd with a dictionary of records. What is chance in it, such
as its signature, stands before that as bytes: as text it would take more, compressed or not. What the database has
besides is left out of it: the digest before it, and what its post says in each read. The bytes that were signed come
back exactly: `canonical_bytes(parse(...))` of what is decoded. Its pictures are elsewhere. What cannot be read is as
it came.
"""

import json
import re
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import unhexlify
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from typing import Any

import zstandard

from platepost.department.custody.errors import CustodyError

RAW = 0
"""Codec of bytes as they came."""
WHOLE = 1
"""Codec of what was written at first: zstd of the JSON as it is, with the dictionary of that number."""
APART = 2
"""Codec of what was written then: two bytes say how many bytes of chance follow, then comes zstd of the rest."""
PRESENT = 3
"""Codec of what is written: as before, and without what the database has besides. Each codec has the dictionary of its
number. A new dictionary takes the next number, and the former stay: records that were written with them are kept for
years."""
LEVEL = 3
_LARGEST = 64 * 1024 * 1024
"""Bytes that a body may take once decompressed; an MQTT packet is at most 256 MB, and a post's some 100 KB."""
_MOST_APART = 500
"""Values that are set apart: their bytes can be counted in two."""
_HEADER = b'{"alg":"ES256","kid":"%s"}'
_CHANCE = re.compile(
    rb'"(?:((?:previous|sha256)":)"([0-9a-f]{64})'
    rb"|([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    rb'|(eyJhbGciOiJFUzI1NiIsImtpZCI6I[\w-]{61}\.\.[\w-]{86}))"'
    rb'|\.\.([\w-]{86})"'
)
"""Digests that differ from record to record, identifiers, and signatures as posts make them, with or without their
header; in ASCII."""
_DIGEST, _IDENTIFIER, _SIGNATURE, _SIGNED = b"\x80", b"\x81", b"\x82", b"\x83"
"""What stands in their places: no byte of ASCII."""
_SIZES = {_DIGEST: 32, _IDENTIFIER: 16, _SIGNATURE: 96, _SIGNED: 64}
_PREVIOUS = 0x90
"""Stands for the digest before; the following ones stand for what a post says in each read."""
_MOST_PARTS = 15


def encode(body: bytes, *, previous: str | None = None, constants: bytes = b"") -> tuple[int, bytes]:
    """Compress what `stored_form` returned; return the codec and the bytes to be stored.

    Args:
        body: that.
        previous: the digest that it names of the record before it, if that is kept beside it.
        constants: what `constants_form` returned of this record or of another one, if that is kept beside it.

    """
    rest, chance = set_apart(body, previous=previous, constants=constants)
    return PRESENT, len(chance).to_bytes(2) + chance + _contexts.compressor(PRESENT).compress(rest)


def decode(codec: int, body: bytes, *, previous: str | None = None, constants: bytes = b"") -> bytes:
    """Return what was stored; `previous` and `constants` are those with which it was encoded.

    Raises:
        CustodyError: it is damaged, or of a codec that this version does not know.

    """
    if codec == RAW:
        return body
    begin = 0 if codec == WHOLE else 2 + int.from_bytes(body[:2])
    try:
        rest = _contexts.decompressor(codec).decompress(body[begin:], max_output_size=_LARGEST)
    except (zstandard.ZstdError, FileNotFoundError) as error:
        raise CustodyError(f"a stored record cannot be decompressed (codec {codec}): {error}") from error
    return rest if codec == WHOLE else _put_back(rest, body[2:begin], _known(previous, constants))


def constants_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts that a genuine read shares with other reads of its post; nothing that the post saw."""
    data = event["data"]
    return [
        *({name: event[name]} for name in ("source", "chain")),
        *({name: data[name]} for name in ("place", "versions")),
        {name: value for name, value in data["hotlist"].items() if name in {"version", "issuer", "built"}},
        {"signature": event["signature"].partition("..")[0]},
    ]


def constants_form(constants: Iterable[dict[str, Any]]) -> bytes:
    """Return what `constants_of` returned as it stands in records, one part a line."""
    *parts, signed = (stored_form(constant)[1:-1] for constant in constants)
    return b"\n".join((*parts, signed.removesuffix(b'"')))  # the signature goes on


def _known(previous: str | None, constants: bytes) -> dict[bytes, bytes]:
    """Return what is left out, by what stands in its place."""
    parts = constants.split(b"\n")[:_MOST_PARTS] if constants else []
    texts = [b'"previous":"%s"' % previous.encode("ascii") if previous else b"", *parts]
    return {bytes([_PREVIOUS + number]): text for number, text in enumerate(texts) if text}


def stored_form(event: dict[str, Any]) -> bytes:
    """Return an event as it is stored: JSON of the same meaning, with whatever a signature or a picture may hold."""
    # In ASCII: half a surrogate pair, outside of what is signed, has no other form.
    return json.dumps(event, separators=(",", ":"), allow_nan=False).encode("ascii")


def dictionary(number: int) -> bytes:
    """Return a dictionary as it is shipped. Raises FileNotFoundError: there is none of that number."""
    return files("platepost.department.custody").joinpath(f"dictionary_{number}.zstd").read_bytes()


def set_apart(body: bytes, *, previous: str | None = None, constants: bytes = b"") -> tuple[bytes, bytes]:
    """Take what is known and what is chance out; return the rest, and the bytes of chance in order.

    The arguments are those of `encode`.
    """
    apart: list[bytes] = []
    for token, text in _known(previous, constants).items():
        body = body.replace(text, token)

    def taken(match: re.Match[bytes]) -> bytes:
        member, digest, identifier, signature, signed = match.groups()
        if digest is not None:
            apart.append(unhexlify(digest))
            return b'"' + member + _DIGEST
        if identifier is not None:
            apart.append(unhexlify(identifier.replace(b"-", b"")))
            return _IDENTIFIER
        key: bytes | None = b""
        if signed is None:
            header, _, signed = signature.partition(b"..")
            key = _key(header)
        if key is None or signed[-1] not in b"AQgw":  # the four that end 64 bytes
            return match[0]
        apart.append(key + _unpadded(signed))
        return _SIGNATURE if key else _SIGNED

    rest = _CHANCE.sub(taken, body, count=_MOST_APART)
    return rest, b"".join(apart)


def _put_back(rest: bytes, chance: bytes, known: dict[bytes, bytes]) -> bytes:
    at = 0

    def value(match: re.Match[bytes]) -> bytes:
        nonlocal at
        kind = match[0]
        if kind not in _SIZES:
            if kind not in known:
                raise CustodyError(f"a stored record lacks what its post repeats each time (part {kind.hex()})")
            return known[kind]
        taken, at = chance[at : at + _SIZES[kind]], at + _SIZES[kind]
        if kind == _SIGNATURE:
            return b'"%s..%s"' % (_header(taken[:32]), _padless(taken[32:]))
        if kind == _SIGNED:
            return b'..%s"' % _padless(taken)
        text = taken.hex()
        if kind == _IDENTIFIER:
            text = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        return f'"{text}"'.encode("ascii")

    whole = re.sub(rb"[\x80-\xff]", value, rest)
    if at != len(chance):
        raise CustodyError(f"a stored record has {len(chance)} bytes of chance, and names {at}")
    return whole


@lru_cache
def _header(key: bytes) -> bytes:
    """Return the header of a signature as posts make it, by the digest of their key."""
    return _padless(_HEADER % _padless(key))


@lru_cache
def _key(header: bytes) -> bytes | None:
    """Return the digest of the key that a header names; None if it says anything else."""
    with suppress(ValueError):
        key = _unpadded(_unpadded(header)[22:65])
        return key if _header(key) == header else None
    return None


def _padless(value: bytes) -> bytes:
    return urlsafe_b64encode(value).rstrip(b"=")


def _unpadded(text: bytes) -> bytes:
    return urlsafe_b64decode(text + b"=" * (-len(text) % 4))


class _Contexts(threading.local):
    """Compressors and decompressors of one thread, by codec.

    Those of zstandard are not thread-safe, and compress and decompress without the interpreter's lock: two threads that
    share one damage each other's records, or crash the process.
    """

    def __init__(self) -> None:
        self._compressors: dict[int, zstandard.ZstdCompressor] = {}
        self._decompressors: dict[int, zstandard.ZstdDecompressor] = {}

    def compressor(self, number: int) -> zstandard.ZstdCompressor:
        """Return the one for a codec."""
        if number not in self._compressors:
            held = zstandard.ZstdCompressionDict(dictionary(number), dict_type=zstandard.DICT_TYPE_FULLDICT)
            held.precompute_compress(level=LEVEL)
            self._compressors[number] = zstandard.ZstdCompressor(
                level=LEVEL, dict_data=held, write_checksum=True, write_dict_id=False
            )
        return self._compressors[number]

    def decompressor(self, number: int) -> zstandard.ZstdDecompressor:
        """Return the one for a codec. Raises FileNotFoundError: there is no dictionary of that number."""
        if number not in self._decompressors:
            held = zstandard.ZstdCompressionDict(dictionary(number), dict_type=zstandard.DICT_TYPE_FULLDICT)
            self._decompressors[number] = zstandard.ZstdDecompressor(dict_data=held)
        return self._decompressors[number]


_contexts = _Contexts()
