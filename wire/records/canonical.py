"""The bytes of a record that signature and chain cover, and the record stripped of its pictures.

Canonical bytes = RFC 8785 (JCS) of the CloudEvents object, without its `signature` and without the `data` of each
picture in `data.pictures`. The digest of a record is the SHA-256 of these bytes.
"""

import hashlib
import json
import re
from collections import Counter
from math import isfinite
from typing import Any

import rfc8785

from platepost.common.errors import RecordError

GENESIS = "0" * 64
"""`previous` of a chain's first record."""
LARGEST_WHOLE = 2**53 - 1
"""Whole numbers beyond it are rounded by readers that know doubles only (RFC 7493, section 2.2)."""
_LONGEST_WHOLE = len(str(-LARGEST_WHOLE))
_NAME = re.compile(r"[a-z][a-z_]{0,39}")
_WHOLE_FLOAT = re.compile(r"\.0(?![0-9])")
_OTHERWISE = re.compile(r"[0-9]e|-0(?!\.[0-9]*[1-9])|(?<![0-9.])[0-9]{16}")
"""Numbers that RFC 8785 (section 3.2.2.3) writes in yet another way than Python, or refuses."""


class MalformedRecordError(RecordError):
    """Not a JSON object that can be canonicalised: wrong syntax, repeated member, not a finite number."""


def parse(body: bytes | str) -> dict[str, Any]:
    """Read one event, refusing what two readers could understand differently.

    Raises:
        MalformedRecordError: not UTF-8, not a JSON object, a member named twice, NaN or infinity, a number that not
            every reader holds: a whole one beyond 2**53, one too large for a double.

    """
    try:
        text = body if isinstance(body, str) else body.decode("utf-8")  # json itself would take UTF-16 as well
        event = json.loads(
            text,
            object_pairs_hook=_members_once,
            parse_constant=_refuse_constant,
            parse_int=_whole,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:  # both json.JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise MalformedRecordError(f"not a record: {error}") from error
    if not isinstance(event, dict):
        raise MalformedRecordError("not a record: not a JSON object")
    return event


def dump(event: dict[str, Any]) -> bytes:
    """Write an event as compact UTF-8 JSON, as it goes on the wire."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def canonical_bytes(event: dict[str, Any]) -> bytes:
    """Return the bytes that signature and chain cover.

    Raises:
        MalformedRecordError: a number or string that has no canonical form.

    """
    bare = {name: value for name, value in without_pictures(event).items() if name != "signature"}
    try:
        return _plain(bare) or rfc8785.dumps(bare)
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError) as error:
        raise MalformedRecordError(f"not a record: {error}") from error


def _plain(event: dict[str, Any]) -> bytes | None:
    """Return the canonical bytes as the standard library writes them; None where it might write them otherwise.

    It does so where all text is ASCII without escapes, and numbers have no exponent and no more than 15 digits before
    the point: in nearly every record, at a fifth of the time. Only of whole floats it writes a `.0` too many.
    """
    try:
        text = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return None
    if not text.isascii() or "\\" in text:
        return None
    parts = text.split('"')  # what stands in quotation marks, and what does not, by turns
    bare = "\n".join(parts[::2])
    if _OTHERWISE.search(bare) is not None:
        return None
    parts[::2] = _WHOLE_FLOAT.sub("", bare).split("\n")
    return '"'.join(parts).encode()


def digest_of(canonical: bytes) -> str:
    """Return the digest of a record, given its canonical bytes."""
    return hashlib.sha256(canonical).hexdigest()


def without_pictures(event: dict[str, Any], *, kinds: frozenset[str] | None = None) -> dict[str, Any]:
    """Return the event with the bytes of its pictures left out; their digests stay, and the signature stays good.

    With `kinds`, only pictures of these kinds lose their bytes.
    """
    data = event.get("data")
    pictures = data.get("pictures") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(pictures, list):
        return event
    stripped = [
        {name: value for name, value in picture.items() if name != "data"}
        if isinstance(picture, dict) and (kinds is None or picture.get("kind") in kinds)
        else picture
        for picture in pictures
    ]
    return event | {"data": data | {"pictures": stripped}}


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise ValueError(f"a member is named twice{_told(counts.most_common(1)[0][0])}")
    return members


def _told(name: str) -> str:
    """Return a member's name where it is like those of the contract: no plate is written so."""
    return f": {name}" if _NAME.fullmatch(name) else ""


def _whole(text: str) -> int:
    number = int(text) if len(text) <= _LONGEST_WHOLE else LARGEST_WHOLE + 1
    if abs(number) > LARGEST_WHOLE:
        raise ValueError("a number that not every reader holds")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("a number that not every reader holds")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
