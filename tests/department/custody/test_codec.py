"""What was signed comes back to the last byte."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from platepost.department.custody.codec import (
    PRESENT,
    RAW,
    constants_form,
    constants_of,
    decode,
    dictionary,
    encode,
    set_apart,
    stored_form,
)
from platepost.department.custody.errors import CustodyError
from platepost.department.custody.messages import ReceivedMessage
from platepost.department.custody.record import take
from platepost.wire.contract.examples import ExampleSigner, example_records
from platepost.wire.records.canonical import canonical_bytes, dump, parse

FIRST = "28b52ffd27014450502f8d0000307b782e2e797d02fcf1ba60a5fd360b042cfb5661"
SECOND = "001001a2211c431170c38992a25080ba805f28b52ffd2436a50000387b22782e2e797d03fc6f6c3904af6f0e7844629bb3ac5a"
THIRD = "001001a2211c431170c38992a25080ba805f28b52ffd24129100007b226964223a812c902c922e2e79222c917dc76fbf48"
KNOWN: dict[str, Any] = {"previous": "0f" * 32, "constants": b'"type":"platepost.read.v1"\n"signature":"x'}
IDENTIFIER = "01a2211c-4311-70c3-8992-a25080ba805f"
SIGNED = f"eyJhbGciOiJFUzI1NiIsImtpZCI6I{'_' * 61}..{'A' * 86}"
VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(codec="utf-8"), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abé\U0001f600", max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(("signature", "data", "zz", "a")), VALUE, max_size=4))
@example({})
@example({"data": [9007199254740992.0, 1e17, 1e-7, -0.0]})
@example({"signature": "\ud800"})
@example({"signature": "x..y"})
@example({"data": {"pictures": [{"data": "AAAA"}]}, "signature": "é"})
@example({"data": {"previous": "0f" * 32, "sha256": "0F" * 32, "digest": "0f" * 32, IDENTIFIER: [IDENTIFIER.upper()]}})
@example({"data": [IDENTIFIER] * 600, "zz": f'"{IDENTIFIER}", "previous":"{"0f" * 32}'})
@example({"signature": SIGNED, "data": [SIGNED[:-1] + "B", SIGNED.replace("_", "9")]})
def test_signed_bytes_and_signature_come_back(event: dict[str, Any]) -> None:
    canonical = canonical_bytes(event)
    codec, body = encode(stored_form(event))
    back = parse(decode(codec, body))
    assert canonical_bytes(back) == canonical
    assert ("signature" in back, back.get("signature")) == ("signature" in event, event.get("signature"))


@given(st.dictionaries(st.sampled_from(("signature", "data", "zz", "a")), VALUE, max_size=4), st.binary(max_size=9))
@example({"data": {"previous": "0f" * 32, "zz": "\x90\n"}}, b'"data":{\n"zz":')
@example({"signature": SIGNED, "data": SIGNED[-88:]}, b'"signature":"' + SIGNED[:-88].encode())
@example({"data": [1, 1.0, True]}, b"1\n1.0\n\n" + b"1\n" * 30)
def test_what_is_known_besides_is_left_out_and_comes_back(event: dict[str, Any], constants: bytes) -> None:
    stored = stored_form(event)
    known: dict[str, Any] = {"previous": "0f" * 32, "constants": constants.replace(b"\r", b"")}
    assert decode(*encode(stored, **known), **known) == stored


@given(st.binary(max_size=200))
def test_what_cannot_be_read_comes_back_as_it_came(body: bytes) -> None:
    codec, stored = take(ReceivedMessage("alpr/v1/demo/post-1/read", body)).encoded()
    if codec == RAW:
        assert (stored, decode(codec, stored)) == (body, body)


def test_records_take_a_fraction_of_their_length() -> None:
    created = example_records(ExampleSigner()).values()
    taken = [take(ReceivedMessage(each.topic, each.body)) for each in created]
    stored = sum(len(record.encoded()[1]) for record in taken)
    assert stored < 0.5 * sum(len(record.canonical) for record in taken)
    assert all(record.encoded()[0] == PRESENT for record in taken)


def test_what_was_written_with_a_dictionary_is_read_for_ever() -> None:
    fields = {"signature": "x..y", "type": "platepost.read.v1"}
    assert decode(1, bytes.fromhex(FIRST)) == dump(fields)
    assert decode(2, bytes.fromhex(SECOND)) == dump({"id": IDENTIFIER, **fields})
    assert decode(3, bytes.fromhex(THIRD), **KNOWN) == dump({"id": IDENTIFIER, "previous": "0f" * 32, **fields})


def test_a_read_takes_less_than_half_with_what_is_known_of_its_post() -> None:
    created = example_records(ExampleSigner())["read"]
    record = take(ReceivedMessage(created.topic, created.body))
    assert record.event is not None
    parts = constants_form(constants_of(record.event))
    assert b"plate" not in parts
    assert b"captured" not in parts
    alone, beside = (len(record.encoded(constants)[1]) for constants in (b"", parts))
    assert beside < min(350, alone - 100)


def test_chance_stands_apart() -> None:
    for created in example_records(ExampleSigner()).values():
        event = take(ReceivedMessage(created.topic, created.body)).event
        assert event is not None
        rest, chance = set_apart(stored_form(event))
        assert event["signature"][-86:].encode() not in rest
        assert event["id"].encode() not in rest
        assert len(chance) >= 96 + 16


@pytest.mark.parametrize(
    ("codec", "body"), [(1, b"no frame"), (9, b""), (2, b""), (2, b"no frame"), (2, bytes.fromhex(SECOND)[:-1])]
)
def test_what_is_damaged_is_named(codec: int, body: bytes) -> None:
    with pytest.raises(CustodyError, match=f"codec {codec}"):
        decode(codec, body)


def test_chance_that_is_missing_or_too_much_is_named() -> None:
    stored = bytes.fromhex(SECOND)
    for damaged in (b"\0\x0f" + stored[3:], b"\0\x11\0" + stored[2:]):
        with pytest.raises(CustodyError, match="16"):
            decode(2, damaged)


@pytest.mark.parametrize("left", ["previous", "constants"])
def test_what_is_not_there_any_more_is_named(left: str) -> None:
    with pytest.raises(CustodyError, match="lacks"):
        decode(3, bytes.fromhex(THIRD), **{**KNOWN, left: b"" if left == "constants" else None})


def test_threads_store_and_read_at_once() -> None:
    bodies = [dump({"number": number, "values": [number * each for each in range(300)]}) for number in range(200)]

    def differ(_thread: int) -> int:
        return sum(decode(*encode(body)) != body for _ in range(5) for body in bodies)

    with ThreadPoolExecutor(4) as pool:  # what they share, they damage, or the process crashes
        assert list(pool.map(differ, range(4))) == [0] * 4


def test_dictionaries_are_shipped() -> None:
    assert [len(dictionary(number)) for number in (1, 2, PRESENT)] == [48 * 1024, 16 * 1024, 16 * 1024]
