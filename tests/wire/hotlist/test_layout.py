import json
from typing import Any

import pytest

from platepost.wire.hotlist import layout
from platepost.wire.hotlist.errors import Malformed, UnsupportedFormat

HEADER: dict[str, Any] = {
    "hash_key": "00" * 32,
    "folding": {"O": "0", "I": "1"},
    "filter": {"log2_bits": 18, "probes": 4},
    "details": [{"category": "local", "priority": 5, "state": "CA"}],
    "patterns": [],
}


def body(*, following: bytes = bytes(64), **members: object) -> memoryview:
    """Write a body by hand, so that what `encode` would refuse can be tried."""
    header = {**HEADER, "sections": {"a": {"type": "u8", "offset": 0, "count": 64}}, **members}
    text = json.dumps(header).encode()
    text += b" " * (-(12 + len(text)) % 8)
    return memoryview(layout.MAGIC + len(text).to_bytes(4, "little") + text + following)


def test_columns_come_back_as_the_numbers_they_were() -> None:
    columns = {"a": ("u64", (7).to_bytes(8, "little") * 3), "b": ("u16", b"\x01\x02" * 5), "c": ("u8", b"")}
    header, decoded = layout.decode(memoryview(layout.encode(HEADER, columns)))
    assert header.details[0].category == "local"
    assert list(decoded["a"]) == [7, 7, 7]
    assert list(decoded["b"]) == [0x0201] * 5
    assert len(decoded["c"]) == 0


@pytest.mark.parametrize(
    "text",
    [b"", b"PPHOTL1\n", b"PPHOTL2\n" + bytes(8), b"PPHOTL1\n\xff\xff\xff\xff", b"PPHOTL1\n\x04\x00\x00\x00[{}]"],
)
def test_what_is_no_body_is_malformed(text: bytes) -> None:
    with pytest.raises(Malformed):
        layout.decode(memoryview(text))


@pytest.mark.parametrize(
    "members",
    [
        {"sections": {"a": {"type": "u8", "offset": 0, "count": 65}}},
        {"sections": {"a": {"type": "u8", "offset": 4, "count": 1}}},
        {"sections": {"a": {"type": "u64", "offset": 0, "count": 2}, "b": {"type": "u8", "offset": 8, "count": 1}}},
        {"sections": {"a": {"type": "u8", "offset": -8, "count": 1}}},
        {"sections": {"a": {"type": "u8", "offset": 0, "count": 8}, "b": {"type": "u8", "offset": 16, "count": 48}}},
        {"sections": {"a": {"type": "u8", "offset": 0, "count": 56}}},
        {"sections": {"a": {"type": "u8", "offset": 0, "count": 64.0}}},
        {"following": bytes(72)},
        {"following": bytes(63) + b"\1", "sections": {"a": {"type": "u8", "offset": 0, "count": 63}}},
        {"hash_key": "00"},
        {"filter": {"log2_bits": 99, "probes": 4}},
        {"details": [{"category": "no/topic", "priority": 1}]},
        {"details": [{"category": "local", "priority": 0}]},
    ],
)
def test_a_header_that_cannot_be_is_malformed(members: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        layout.decode(body(**members))


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"pattern": "*"}, "fewer than 3 known"),
        ({"pattern": "????"}, "fewer than 3 known"),
        ({"pattern": "6X*"}, "fewer than 3 known"),
        ({"characters": 9}, "that number of characters"),
        ({"author": "Sample\u202e"}, "author"),
        ({"case": "C\x1b[2J"}, "case"),
        ({"priority": 1.0}, "priority"),
        ({"state": None}, "patterns.0.state is null"),
    ],
)
def test_a_pattern_that_stops_everybody_or_nobody_is_malformed(members: dict[str, Any], told: str) -> None:
    good = {"pattern": "6XY????", "category": "local", "priority": 1, "case": "C", "author": "A"}
    good |= {"expires": "2099-01-01T00:00:00Z"}
    layout.decode(body(patterns=[good] * layout.MOST_PATTERNS))
    with pytest.raises(Malformed, match=told):
        layout.decode(body(patterns=[good | members]))
    with pytest.raises(Malformed, match="patterns"):
        layout.decode(body(patterns=[good] * (layout.MOST_PATTERNS + 1)))


def test_literals_are_what_is_known() -> None:
    assert layout.literals("7A?B*") == 3


@pytest.mark.parametrize(
    "members",
    [
        {"covert": True},
        {"details": [{"category": "local", "priority": 1, "covert": True}]},
        {"sections": {"a": {"type": "f32", "offset": 0, "count": 1}}},
    ],
)
def test_members_that_are_not_known_refuse_the_list(members: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedFormat):
        layout.decode(body(**members))


def test_an_error_never_repeats_what_stood_in_the_header() -> None:
    pattern = {"pattern": "7SECRET?!", "category": "local", "priority": 1, "case": "C", "author": "A", "expires": "no"}
    with pytest.raises(Malformed) as refused:
        layout.decode(body(patterns=[pattern]))
    assert "patterns.0" in str(refused.value)
    assert "SECRET" not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
