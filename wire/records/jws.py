"""Signed JSON as a post takes it, whatever it says: one rule for lists, configurations, commands and keys.

A compact JWS, ES256, whose parts are base64url in its one form; the header is closed and names the type that is
expected. What is signed is a JSON object that two readers cannot understand differently.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from platepost.common.errors import RecordError
from platepost.wire.records.canonical import dump, parse
from platepost.wire.records.signing import ALGORITHM, NOT_JOSE

HEADER = frozenset({"alg", "typ", "kid", "x5c"})
"""Members that a header may have: one that is not known might change what the signature means."""
_REGISTERED = frozenset({"b64", "crit", "cty", "jku", "jwk", "x5t", "x5t#S256", "x5u", "zip"})
"""Other members that a refusal may name: the text of one that no one registered is not repeated."""

LARGEST_PAYLOAD = 128_000
"""Bytes of the largest payload, where a caller does not expect a larger one."""


@cache
def _registry(largest: int) -> jws.JWSRegistry:
    registry = jws.JWSRegistry(algorithms=[ALGORITHM])
    # The library's own bound of 512 bytes leaves no room for a certificate.
    registry.max_header_length = 12 * 1024
    registry.max_payload_length = largest
    return registry


class JwsMalformedError(RecordError):
    """Not a compact JWS of the expected type. The message repeats nothing of what arrived but registered names."""


class JwsUnsignedError(RecordError):
    """It carries no signature."""


class JwsSignatureError(RecordError):
    """It is not signed with ES256 and the expected key."""


class AmbiguousJsonError(RecordError):
    """Signed JSON that two readers could understand differently. The message may name a member."""


@dataclass(frozen=True, slots=True)
class CompactJws:
    """A compact JWS whose form is good, and whose signature no one has looked at."""

    message: bytes
    header: dict[str, Any]

    def payload_by(self, keys: Sequence[ECKey], *, largest: int = LARGEST_PAYLOAD) -> tuple[bytes, ECKey]:
        """Return what is signed, of at most `largest` bytes, and the key that signed it.

        Raises:
            JwsSignatureError: none of the keys did, or the header names another, or it is larger.

        """
        for key in keys:
            try:
                payload = jws.deserialize_compact(self.message, key, registry=_registry(largest)).payload
            except NOT_JOSE:
                continue
            if self.header.get("kid", key.thumbprint()) != key.thumbprint():
                raise JwsSignatureError("`kid` names another key than the one that signed")
            return payload, key
        raise JwsSignatureError("the signature is not of the expected key")


def read_compact(message: bytes, *, typ: str) -> CompactJws:
    """Read a compact JWS whose header says `typ`.

    Raises:
        JwsMalformedError: it is none, or of another type.
        JwsUnsignedError: it carries no signature.
        JwsSignatureError: it is of another algorithm.

    """
    parts = message.split(b".")
    if len(parts) != 3:
        raise JwsMalformedError("not a compact JWS")
    try:
        header = read_object(_decoded(parts[0]))
    except RecordError:
        raise JwsMalformedError("the header is not one JSON object") from None
    if header.get("alg") == "none" or not parts[2]:
        raise JwsUnsignedError("it carries no signature")
    if header.get("alg") != ALGORITHM:
        raise JwsSignatureError(f"it is not signed with {ALGORITHM}")
    if header.get("typ") != typ:
        raise JwsMalformedError(f"`typ` of the header is not {typ}")
    unknown = header.keys() - HEADER
    if unknown:
        named = ", ".join(f"`{name}`" for name in sorted(unknown & _REGISTERED)) or "a member that is not known"
        raise JwsMalformedError(f"the header has {named}")
    if not isinstance(header.get("kid", ""), str):
        raise JwsMalformedError("`kid` of the header is not a text")
    _decoded(parts[1])
    _decoded(parts[2])
    return CompactJws(message, header)


def read_object(text: bytes) -> dict[str, Any]:
    """Read a JSON object that has one meaning only, and that a record can repeat.

    Raises:
        AmbiguousJsonError: it is none: no UTF-8, a member named twice, a number that not every reader holds, half a
            surrogate pair, or null, which is how nothing is absent on the wire.

    """
    try:
        members = parse(text)
        dump(members)
    except UnicodeEncodeError:
        raise AmbiguousJsonError("a text has half a surrogate pair") from None
    except (RecordError, ValueError, RecursionError) as error:
        raise AmbiguousJsonError(str(error).removeprefix("not a record: ")) from None
    if (place := _null(members)) is not None:
        raise AmbiguousJsonError(f"{place} is null: what has no value is absent")
    return members


def _null(value: object, place: str = "") -> str | None:
    """Return where a null stands."""
    if value is None:
        return place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    places = (_null(one, f"{place}.{name}".lstrip(".")) for name, one in inner)
    return next((place for place in places if place is not None), None)


def _decoded(part: bytes) -> bytes:
    """Decode base64url, which must be in its one form: a part that can be written differently has two digests."""
    try:
        decoded = urlsafe_b64decode(part)
    except ValueError:
        decoded = None
    if decoded is None or urlsafe_b64encode(decoded) != part:
        raise JwsMalformedError("a part is not base64url")
    return decoded
