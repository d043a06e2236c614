"""What was signed comes back to the last byte."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from department.custody.codec import PRESENT, RAW, decode, dictionary, encode, stored_form
from department.custody.errors import CustodyError
from department.custody.messages import ReceivedMessage
from department.custody.record import take
from device.records.canonical import canonical_bytes, dump, parse
from device.records.contract.examples import ExampleSigner, example_records

FIRST = "28b52ffd27014450502f8d0000307b782e2e797d02fcf1ba60a5fd360b042cfb5661"
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
def test_signed_bytes_and_signature_come_back(event: dict[str, Any]) -> None:
    canonical = canonical_bytes(event)
    codec, body = encode(stored_form(event))
    back = parse(decode(codec, body))
    assert canonical_bytes(back) == canonical
    assert ("signature" in back, back.get("signature")) == ("signature" in event, event.get("signature"))


@given(st.binary(max_size=200))
def test_what_cannot_be_read_comes_back_as_it_came(body: bytes) -> None:
    codec, stored = take(ReceivedMessage("alpr/v1/demo/post-1/read", body)).encoded()
    if codec == RAW:
        assert (stored, decode(codec, stored)) == (body, body)


def test_records_take_a_fraction_of_their_length() -> None:
    made = example_records(ExampleSigner()).values()
    taken = [take(ReceivedMessage(each.topic, each.body)) for each in made]
    stored = sum(len(record.encoded()[1]) for record in taken)
    assert stored < 0.5 * sum(len(record.canonical) for record in taken)
    assert all(record.encoded()[0] == PRESENT for record in taken)


def test_what_was_written_with_the_first_dictionary_is_read_for_ever() -> None:
    stored = bytes.fromhex(FIRST)
    assert decode(1, stored) == dump({"signature": "x..y", "type": "platepost.read.v1"})


@pytest.mark.parametrize(("codec", "body"), [(1, b"no frame"), (9, b"")])
def test_what_is_damaged_is_named(codec: int, body: bytes) -> None:
    with pytest.raises(CustodyError, match=f"codec {codec}"):
        decode(codec, body)


def test_a_dictionary_is_shipped() -> None:
    assert len(dictionary(PRESENT)) == 48 * 1024
