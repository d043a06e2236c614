"""Seeded damage to bytes and to JSON: what a fuzzer does to a message whose structure it knows."""

import base64
import copy
import json
import random
from typing import Any

DEEP = "[" * 20_000 + "]" * 20_000
_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1,
    255,
    2**31,
    2**32 - 1,
    2**53,
    2**64,
    -(2**70),
    0.5,
    1e308,
    "",
    "x",
    "\x00",
    "é" * 40,
    "A" * 5000,
    "delta",
    "complete",
    "none",
    "HS256",
    "DEF",
    "P-384",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-13-01T00:00:00Z",
    "f" * 64,
    [],
    {},
    [[]],
    {"a": None},
    [1, "x", None],
)


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Return bytes with some bits turned, cut out, doubled, put in, or all in another order."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        at = draw.randrange(len(changed) + 1)
        end = min(len(changed), at + draw.choice((1, 2, 8, 32, 300, 5000)))
        match draw.randrange(7):
            case 0 if at < len(changed):
                changed[at] ^= 1 << draw.randrange(8)
            case 1:
                changed[at:at] = draw.randbytes(draw.randrange(1, 9))
            case 2:
                del changed[at:end]
            case 3:
                changed[at:end] = bytes(end - at)
            case 4:
                changed[at:at] = changed[at:end]
            case 5:
                changed[at:end] = changed[at:end][::-1]
            case 6:
                del changed[at:]
    return bytes(changed)


def twisted(value: Any, draw: random.Random) -> Any:
    """Return a JSON value with one of its members, at any depth, gone, doubled, renamed, or another."""
    root = copy.deepcopy(value)
    places = list(_places(root))
    if not places:
        return draw.choice(_VALUES)
    holder, key = draw.choice(places)
    match draw.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        case 1:
            holder[draw.choice(("x", "kid", "covert", key + "_"))] = holder[key]
        case 2 if isinstance(holder, dict):
            holder[key + "_"] = holder.pop(key)
        case 3:
            other_holder, other = draw.choice(places)
            holder[key] = copy.deepcopy(other_holder[other])
        case 4 if isinstance(holder[key], int):
            holder[key] += draw.choice((-8, -1, 1, 8, 2**20, 2**33))
        case 5 if isinstance(holder[key], str):
            holder[key] = damaged(holder[key].encode(), draw).decode("latin-1")
        case _:
            holder[key] = copy.deepcopy(draw.choice(_VALUES))
    return root


def _places(value: Any) -> Any:
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def text(value: Any, draw: random.Random) -> bytes:
    """Write JSON, now and then such as no reader likes."""
    match draw.randrange(40):
        case 0:
            return DEEP.encode()
        case 1:
            return json.dumps(value).encode()[: draw.randrange(20)]
        case 2:
            return json.dumps(value).encode("utf-16")
        case 3:
            return b"\xef\xbb\xbf" + json.dumps(value).encode()
        case 4:
            return json.dumps(value).replace(": ", ": NaN, ", 1).encode()
    return json.dumps(value).encode()


def base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def unpadded(data: bytes) -> bytes:
    return base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))
