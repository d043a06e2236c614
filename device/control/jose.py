"""Compact JWS as a post takes them: ES256, the expected `typ`, a closed header, a bounded size."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode

from device.control.errors import RefusedError, Rejection
from device.errors import RecordError
from device.records.canonical import dump, parse
from device.records.signing import NOT_JOSE

ALGORITHM = "ES256"
LARGEST = 64 * 1024
"""Bytes of the largest message that is looked at: a configuration of all that may be set takes two thousand."""
HEADER = frozenset({"alg", "typ", "kid", "x5c"})
"""Members that a header may have: one that is not known might change what the signature means."""

_REGISTRY = jws.JWSRegistry(algorithms=[ALGORITHM])
# The library's own bound of 512 bytes leaves no room for a certificate.
_REGISTRY.max_header_length = 12 * 1024


@dataclass(frozen=True, slots=True)
class Signed:
    """A message whose signature is good."""

    header: dict[str, Any]
    payload: bytes


def sign(payload: bytes, key: ECKey, *, typ: str, **more: object) -> bytes:
    """Make a compact JWS; `more` are further members of the header."""
    header = {"alg": ALGORITHM, "typ": typ, **more}
    return jws.serialize_compact(header, payload, key, algorithms=[ALGORITHM]).encode("ascii")


def open_signed(message: bytes, *, typ: str, key: Callable[[dict[str, Any]], ECKey]) -> Signed:
    """Check a compact JWS against the key that `key` finds for its header; the payload is not looked at before.

    Raises:
        RefusedError: too large, no JWS, of another type, unsigned, or not signed with that key; and what `key` raises.

    """
    if len(message) > LARGEST:
        raise RefusedError(Rejection.TOO_LARGE, f"{len(message)} bytes are more than {LARGEST}")
    parts = message.split(b".")
    if len(parts) != 3:
        raise RefusedError(Rejection.MALFORMED, "not a compact JWS")
    header = _header(parts[0])
    if header.get("alg") == "none" or not parts[2]:
        raise RefusedError(Rejection.UNSIGNED, "it carries no signature")
    if header.get("alg") != ALGORITHM:
        raise RefusedError(Rejection.BAD_SIGNATURE, f"it is not signed with {ALGORITHM}")
    if header.get("typ") != typ:
        raise RefusedError(Rejection.MALFORMED, f"its type is not {typ}")
    if not HEADER.issuperset(header):
        raise RefusedError(Rejection.MALFORMED, "its header has a member that is not known")
    try:
        signed = jws.deserialize_compact(message, key(header), registry=_REGISTRY)
    except RefusedError:
        raise
    except NOT_JOSE:
        raise RefusedError(Rejection.BAD_SIGNATURE, "the signature is not of the expected key") from None
    return Signed(header, signed.payload)


def open_signed_by(message: bytes, *, typ: str, keys: Sequence[ECKey]) -> tuple[Signed, ECKey]:
    """Check a compact JWS against several keys; return it with the one that signed it.

    Raises:
        RefusedError: as for `open_signed`.

    """
    for key in keys:
        try:
            return open_signed(message, typ=typ, key=lambda _header, key=key: key), key  # type: ignore[misc]
        except RefusedError as refusal:
            if refusal.reason is not Rejection.BAD_SIGNATURE:
                raise
    raise RefusedError(Rejection.BAD_SIGNATURE, "the signature is not of the expected key")


def _header(encoded: bytes) -> dict[str, Any]:
    try:
        header = json.loads(urlsafe_b64decode(encoded))
    except (ValueError, RecursionError):
        raise RefusedError(Rejection.MALFORMED, "the header is not JSON") from None
    if not isinstance(header, dict):
        raise RefusedError(Rejection.MALFORMED, "the header is not an object")
    return header


def read_payload(payload: bytes) -> dict[str, Any]:
    """Read a signed JSON object that has one meaning only, and that the audit trail can repeat.

    Raises:
        RefusedError: it is none.

    """
    try:
        members = parse(payload)
        dump(members)
    except (RecordError, ValueError, RecursionError):
        # UnicodeEncodeError, for half a surrogate pair, is a ValueError.
        raise RefusedError(Rejection.MALFORMED, "what is signed is not one JSON object") from None
    if None in members.values():
        raise RefusedError(Rejection.MALFORMED, "a member is null: on the wire what has no value is absent")
    return members
