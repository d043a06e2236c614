import copy
import hashlib
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from platepost.wire.records.canonical import (
    MalformedRecordError,
    canonical_bytes,
    digest_of,
    dump,
    parse,
    without_pictures,
)

EVENT: dict[str, Any] = {
    "b": 1.0,
    "a": "ä",
    "signature": "x..y",
    "data": {
        "pictures": [
            {"kind": "patch", "sha256": "11", "data": "AAAA"},
            {"kind": "overview", "sha256": "22", "data": "BBBB"},
        ]
    },
}


def test_canonical_bytes_are_sorted_and_leave_out_signature_and_pictures() -> None:
    assert canonical_bytes(EVENT) == (
        '{"a":"ä","b":1,"data":{"pictures":[{"kind":"patch","sha256":"11"},{"kind":"overview","sha256":"22"}]}}'.encode()
    )


def test_canonical_bytes_survive_the_wire() -> None:
    assert canonical_bytes(parse(dump(EVENT))) == canonical_bytes(EVENT)


def test_canonical_bytes_do_not_change_the_event() -> None:
    before = copy.deepcopy(EVENT)
    canonical_bytes(EVENT)
    assert before == EVENT


def test_only_the_named_kinds_lose_their_bytes() -> None:
    patch, overview = without_pictures(EVENT, kinds=frozenset({"overview"}))["data"]["pictures"]
    assert patch["data"] == "AAAA"
    assert "data" not in overview


def test_digest_is_sha_256() -> None:
    assert digest_of(b"abc") == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b"\xff",
        b'{"a":1',
        b"[" * 100_000,
    ],
)
def test_what_two_readers_could_take_differently_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRecordError):
        parse(body)


@pytest.mark.parametrize("event", [{"a": 2**60}, {"a": float("nan")}, {"a": "\ud800"}])
def test_what_has_no_canonical_form_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(MalformedRecordError):
        canonical_bytes(event)


@pytest.mark.parametrize("data", [None, [], {"pictures": None}, {"pictures": [1, None, "x"]}, "x"])
def test_odd_pictures_are_left_as_they_are(data: object) -> None:
    assert without_pictures({"data": data}) == {"data": data}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-1000, 1000).map(lambda number: round(number, 3))
    | st.text(alphabet=st.characters(codec="utf-8"), max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(alphabet="abz0\u00e9\ue000\U0001f600", max_size=3), JSON, max_size=5))
@example({"a": 1e21, "b": 1e-7, "c": 0.0001, "d": -0.0, "e": [1.0, -1.0, 10.05], "f": 123456789012345.0})
@example({"a": "1.0,1e7:-0.0,", "b": '"', "c": "\\", "d": "\n1.0", "e": "\x7f"})
@example({"a": 2**53 - 1, "b": 1234567890123456.0, "c": 0.1234567890123456, "d": 1e16})
def test_canonical_bytes_are_those_of_rfc_8785(event: dict[str, Any]) -> None:
    assert canonical_bytes({"signature": "x..y", **event}) == rfc8785.dumps(
        {name: value for name, value in event.items() if name != "signature"}
    )


def test_most_records_are_written_by_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(rfc8785, "dumps")
    assert canonical_bytes({"b": [1.0, 12.5, -3], "a": "Bridge Street"}) == b'{"a":"Bridge Street","b":[1,12.5,-3]}'
