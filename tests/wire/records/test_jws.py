import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64encode

from platepost.common.errors import RecordError
from platepost.wire.records.jws import (
    AmbiguousJsonError,
    JwsMalformedError,
    JwsSignatureError,
    JwsUnsignedError,
    read_compact,
    read_object,
)

TYP = "platepost-sample+jws"
KEY, OTHER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")


def compact(header: dict[str, Any] | str, payload: bytes = b"{}", key: ECKey = KEY) -> bytes:
    """Sign whatever the header says, as no library would."""
    text = header if isinstance(header, str) else json.dumps(header)
    signed = urlsafe_b64encode(text.encode()) + b"." + urlsafe_b64encode(payload)
    return signed + b"." + urlsafe_b64encode(jws.JWSRegistry.algorithms["ES256"].sign(signed, key))


GOOD = {"alg": "ES256", "typ": TYP, "kid": KEY.thumbprint()}


def test_what_one_of_the_keys_signed_is_returned_with_that_key() -> None:
    message = compact(GOOD, b'{"a":1}')
    assert read_compact(message, typ=TYP).payload_by([OTHER, KEY]) == (b'{"a":1}', KEY)
    assert read_compact(compact({"alg": "ES256", "typ": TYP}), typ=TYP).payload_by([KEY])[0] == b"{}"
    with pytest.raises(JwsSignatureError):
        read_compact(message, typ=TYP).payload_by([OTHER])


@pytest.mark.parametrize(
    ("header", "kind", "told"),
    [
        (GOOD | {"typ": "other"}, JwsMalformedError, "typ"),
        ({"alg": "ES256"}, JwsMalformedError, "typ"),
        (GOOD | {"crit": ["exp"]}, JwsMalformedError, "`crit`"),
        (GOOD | {"b64": False}, JwsMalformedError, "`b64`"),
        (GOOD | {"jwk": {}, "jku": "http://a"}, JwsMalformedError, "`jku`, `jwk`"),
        (GOOD | {"7ABC123": 1}, JwsMalformedError, "a member that is not known"),
        (GOOD | {"kid": 7}, JwsMalformedError, "kid"),
        (GOOD | {"kid": None}, JwsMalformedError, "header"),
        ('{"alg":"ES256","alg":"ES256","typ":"platepost-sample+jws"}', JwsMalformedError, "header"),
        ('["ES256"]', JwsMalformedError, "header"),
        (GOOD | {"alg": "none"}, JwsUnsignedError, "no signature"),
        (GOOD | {"alg": "HS256"}, JwsSignatureError, "ES256"),
        (GOOD | {"alg": ["ES256"]}, JwsSignatureError, "ES256"),
        (GOOD | {"kid": OTHER.thumbprint()}, JwsSignatureError, "kid"),
    ],
)
def test_a_header_has_one_meaning_and_the_refusal_names_the_member(
    header: dict[str, Any] | str, kind: type[RecordError], told: str
) -> None:
    with pytest.raises(kind, match=told) as refused:
        read_compact(compact(header), typ=TYP).payload_by([KEY])
    assert "7ABC" not in str(refused.value)


@pytest.mark.parametrize(
    "change", [lambda part: part + b"=", lambda part: part[:9] + b"!" + part[9:], lambda _: b"\xc3\xa9"]
)
@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_part_is_written_in_one_form_only(index: int, change: Any) -> None:
    parts = compact(GOOD, b'{"sample":"payload"}').split(b".")
    parts[index] = change(parts[index])
    with pytest.raises(JwsMalformedError):
        read_compact(b".".join(parts), typ=TYP)


def test_a_signature_has_no_second_form_by_the_bits_that_its_last_character_does_not_need() -> None:
    message = compact(GOOD)
    assert read_compact(message, typ=TYP).message == message
    with pytest.raises(JwsMalformedError, match="base64url"):
        read_compact(message[:-1] + bytes([message[-1] + 1]), typ=TYP)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"version":1,"version":2}', "twice: version"),
        (b'{"a":{"7ABC123":1,"7ABC123":1}}', "twice$"),
        (b'{"a":[{"b":null}]}', "a.0.b is null"),
        (b'{"a":1e400}', "number"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":9007199254740992}', "number"),
        (b'{"a":' + b"9" * 5000 + b"}", "number"),
        (b'{"a":"\\ud800"}', "surrogate"),
        ('{"a":1}'.encode("utf-16"), "utf-8"),
        (b'\xef\xbb\xbf{"a":1}', "BOM"),
        (b"[1]", "not a JSON object"),
        (b'{"a":1} {"a":2}', "Extra data"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_json_that_two_readers_understand_differently_is_refused(text: bytes, told: str) -> None:
    with pytest.raises(AmbiguousJsonError, match=told) as refused:
        read_object(text)
    assert "7ABC" not in str(refused.value)


def test_json_that_has_one_meaning_is_read() -> None:
    assert read_object('{"a":[1,2.5,-9007199254740991,"é",{}]}'.encode()) == {"a": [1, 2.5, -9007199254740991, "é", {}]}
