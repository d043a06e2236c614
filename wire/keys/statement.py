"""Reading what may arrive about keys: statements, one signed line each, and who vouches for each."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey

from platepost.common.errors import RecordError
from platepost.wire.errors import RefusedError, Rejection
from platepost.wire.jose import LARGEST, open_signed_by, read_payload
from platepost.wire.records import KEYS_TYPE, KeyStatement
from platepost.wire.records.signing import read_key

MOST_LINES = 32
"""Lines of one message: three for each rotation and retirement, so that a post may have missed ten of them."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key, and the name that all else calls it by."""

    thumbprint: str
    pem: str
    public: ECKey

    @classmethod
    def of(cls, pem: str | bytes) -> "Key":
        """Read a key from PEM. Raises RecordError for what is none on P-256."""
        text = pem if isinstance(pem, str) else pem.decode("ascii", "replace")
        public = read_key(text.encode())
        return cls(public.thumbprint(), text, public)


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """A statement signed by a key that may vouch for it."""

    jws: str
    payload: KeyStatement
    digest: str
    """SHA-256 of what is signed, hexadecimal: one statement may be signed by several keys."""
    by_root: bool
    key: Key
    former: tuple[Key, ...]


def lines(message: bytes) -> list[bytes]:
    """Split a message into its lines.

    Raises:
        RefusedError: it is too large, or has too many.

    """
    if len(message) > LARGEST:
        raise RefusedError(Rejection.TOO_LARGE, f"{len(message)} bytes are more than {LARGEST}")
    lines = message.strip(b"\n").split(b"\n")
    if len(lines) > MOST_LINES:
        raise RefusedError(Rejection.TOO_LARGE, f"{len(lines)} statements are more than {MOST_LINES}")
    return lines


def read(line: bytes, *, key: Key | None, roots: Sequence[Key]) -> VerifiedStatement:
    """Check that the key in force or a root signed a line, and read it; whether it is for this post is not judged.

    Raises:
        RefusedError: no one who may vouch signed it, or it is no statement.

    """
    in_force = [] if key is None else [key.public]
    signed, signer = open_signed_by(line, typ=KEYS_TYPE, keys=[*in_force, *(root.public for root in roots)])
    payload = read_payload(signed.payload, KeyStatement, "statement")
    keys = [_own(key.thumbprint, key.public_key) for key in (payload.key, *payload.former)]
    return VerifiedStatement(
        jws=line.decode("ascii"),
        payload=payload,
        digest=hashlib.sha256(signed.payload).hexdigest(),
        by_root=key is None or signer is not key.public,
        key=keys[0],
        former=tuple(keys[1:]),
    )


def _own(thumbprint: str, pem: str) -> Key:
    try:
        key = Key.of(pem)
    except RecordError:
        raise RefusedError(Rejection.MALFORMED, "what it names is not a P-256 key", signed=True) from None
    if key.thumbprint != thumbprint:
        raise RefusedError(Rejection.MALFORMED, "a key does not match its thumbprint", signed=True)
    return key


def roots_of(certificates: Iterable[x509.Certificate]) -> tuple[Key, ...]:
    """Return the keys of the authorities among certificates that may make authorities.

    Not those that issue to posts and people only: their keys are at work every day, where a root's is locked away.
    """
    keys = []
    for certificate in certificates:
        public = certificate.public_key()
        if (
            _makes_authorities(certificate)
            and isinstance(public, ec.EllipticCurvePublicKey)
            and isinstance(public.curve, ec.SECP256R1)
        ):
            keys.append(Key.of(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)))
    return tuple(keys)


def _makes_authorities(certificate: x509.Certificate) -> bool:
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return basic.ca and basic.path_length != 0
