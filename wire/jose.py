"""Compact JWS as a post takes them: ES256, the expected `typ`, a closed header, a bounded size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from joserfc import jws
from joserfc.jwk import ECKey
from pydantic import BaseModel, ValidationError

from platepost.wire.errors import RefusedError, Rejection
from platepost.wire.records.jws import (
    AmbiguousJsonError,
    CompactJws,
    JwsMalformedError,
    JwsSignatureError,
    JwsUnsignedError,
    read_compact,
    read_object,
)
from platepost.wire.records.signing import ALGORITHM

Model = TypeVar("Model", bound=BaseModel)

LARGEST = 64 * 1024
"""Bytes of the largest message that is looked at: a configuration of all that may be set takes two thousand."""


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
    compact = _compact(message, typ)
    return _opened(compact, [key(compact.header)])[0]


def open_signed_by(message: bytes, *, typ: str, keys: Sequence[ECKey]) -> tuple[Signed, ECKey]:
    """Check a compact JWS against several keys; return it with the one that signed it.

    Raises:
        RefusedError: as for `open_signed`.

    """
    return _opened(_compact(message, typ), keys)


def _compact(message: bytes, typ: str) -> CompactJws:
    if len(message) > LARGEST:
        raise RefusedError(Rejection.TOO_LARGE, f"{len(message)} bytes are more than {LARGEST}")
    try:
        return read_compact(message, typ=typ)
    except JwsUnsignedError as error:
        raise RefusedError(Rejection.UNSIGNED, str(error)) from None
    except JwsSignatureError as error:
        raise RefusedError(Rejection.BAD_SIGNATURE, str(error)) from None
    except JwsMalformedError as error:
        raise RefusedError(Rejection.MALFORMED, str(error)) from None


def _opened(compact: CompactJws, keys: Sequence[ECKey]) -> tuple[Signed, ECKey]:
    try:
        payload, key = compact.payload_by(keys)
    except JwsSignatureError as error:
        raise RefusedError(Rejection.BAD_SIGNATURE, str(error)) from None
    return Signed(compact.header, payload), key


def read_payload(payload: bytes, model: type[Model], what: str) -> Model:
    """Read what is signed: a JSON object that has one meaning only, of a closed model.

    Raises:
        RefusedError: it is none; the message names the members that are wrong.

    """
    try:
        read_object(payload)
        return model.model_validate_json(payload, strict=True)
    except AmbiguousJsonError as error:
        raise RefusedError(Rejection.MALFORMED, f"the signed content is not a {what}: {error}", signed=True) from None
    except ValidationError as error:
        places = sorted({".".join(str(part) for part in fault["loc"]) or "all of it" for fault in error.errors()})
        raise RefusedError(
            Rejection.MALFORMED, f"the signed content is not a {what}: {', '.join(places)[:200]}", signed=True
        ) from None
