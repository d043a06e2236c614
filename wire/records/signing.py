"""Signatures of records: JWS, ES256, detached payload (RFC 7515, appendix F), by joserfc."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import ECKey
from joserfc.util import json_b64decode, urlsafe_b64decode, urlsafe_b64encode

from platepost.common.errors import RecordError

ALGORITHM = "ES256"

_REGISTRY = jws.JWSRegistry(algorithms=[ALGORITHM])
_ES256 = _REGISTRY.get_alg(ALGORITHM)

NOT_JOSE = (JoseError, ValueError, TypeError, KeyError, AttributeError, AssertionError, RecursionError)
"""What joserfc and the standard library raise for what is no JWS or JWE, or not one for this key."""


class KeyRefusedError(RecordError):
    """A key file is unreadable, or not a key on the curve P-256."""


class ForeignKeyError(RecordError):
    """A signature names a key that is not among those trusted."""


class SignatureRefusedError(RecordError):
    """A signature does not belong to these bytes."""


class Signer:
    """Signs with the post's record-signing key; `kid` is the key's RFC 7638 thumbprint."""

    def __init__(self, key: ECKey) -> None:
        if not key.is_private:
            raise KeyRefusedError("signing needs a private key")
        self._key = key
        self.kid = key.thumbprint()

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read a private key from PEM.

        Raises:
            KeyRefusedError: not a private key on P-256.

        """
        return cls(read_key(pem))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a private key from a PEM file.

        Raises:
            KeyRefusedError: the file is unreadable or not a private key on P-256.

        """
        return cls(_key(path))

    def sign(self, payload: bytes) -> str:
        """Return `header..signature` over `payload`."""
        header = {"alg": ALGORITHM, "kid": self.kid}
        return jws.detach_content(jws.serialize_compact(header, payload, self._key, algorithms=[ALGORITHM]))

    @property
    def public_pem(self) -> bytes:
        """The public key, PEM."""
        return self._key.as_pem(private=False)


class Keyring:
    """The public keys whose signatures are trusted, found by `kid`."""

    def __init__(self, keys: Iterable[ECKey]) -> None:
        self._keys = {key.thumbprint(): key for key in keys}

    @classmethod
    def from_pem(cls, *pems: bytes) -> Self:
        """Read keys, public or private, from PEM.

        Raises:
            KeyRefusedError: one of them is not a key on P-256.

        """
        return cls(read_key(pem) for pem in pems)

    @classmethod
    def from_files(cls, *paths: Path) -> Self:
        """Read keys, public or private, from PEM files.

        Raises:
            KeyRefusedError: one of them is unreadable or not a key on P-256.

        """
        return cls(_key(path) for path in paths)

    @property
    def kids(self) -> frozenset[str]:
        """The keys' RFC 7638 thumbprints."""
        return frozenset(self._keys)

    def with_pem(self, pem: bytes, *, thumbprint: str) -> "Keyring":
        """Return a ring that holds one more key, which must have that thumbprint.

        Raises:
            KeyRefusedError: it is not a key on P-256, or another than that.

        """
        key = read_key(pem)
        if key.thumbprint() != thumbprint:
            raise KeyRefusedError("the key does not match its thumbprint")
        return Keyring([*self._keys.values(), key])

    def check(self, signature: str, payload: bytes) -> str:
        """Verify a detached signature over `payload` and return the `kid` of its key.

        Raises:
            SignatureRefusedError: malformed, of another algorithm, or not of these bytes.
            ForeignKeyError: of a key that is not in this ring.

        """
        head, separator, tail = signature.partition("..")
        if not separator or "." in head or "." in tail:
            raise SignatureRefusedError("not a detached JWS")
        try:
            kid = _checked_header(head).get("kid")
            key = self._keys.get(kid) if isinstance(kid, str) else None
            if key is None:
                raise ForeignKeyError("signed by a key that is not trusted")
            _REGISTRY.validate_payload_size(encoded := urlsafe_b64encode(payload))
            _REGISTRY.validate_signature_size(signed := tail.encode("ascii"))
            _ES256.check_key(key)
            if not _ES256.verify(b"%b.%b" % (head.encode(), encoded), urlsafe_b64decode(signed), key):
                raise BadSignatureError
        except NOT_JOSE as error:
            if isinstance(error, RecordError):
                raise
            raise SignatureRefusedError(f"signature refused: {error}") from error
        return str(kid)


@lru_cache(maxsize=1024)
def _checked_header(head: str) -> Mapping[str, Any]:
    """Return the header of a detached JWS; a key's is the same in all its signatures. Raises as joserfc does."""
    header = jws.extract_compact(f"{head}..".encode("ascii"), registry=_REGISTRY).headers()
    _REGISTRY.check_header(header)
    _REGISTRY.get_alg(header["alg"])
    return header


def signed_by(signature: str) -> str:
    """Return the `kid` that a detached signature claims, unverified; empty if there is none."""
    try:
        header = json_b64decode(signature.partition("..")[0].encode())
    except NOT_JOSE:
        return ""
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if isinstance(kid, str) else ""


def read_key(pem: bytes) -> ECKey:
    """Read a key on P-256 from PEM.

    Raises:
        KeyRefusedError: it is not one.

    """
    try:
        key = ECKey.import_key(pem)
    except (JoseError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyRefusedError("not a PEM key of an elliptic curve") from error
    if not isinstance(key, ECKey) or key.curve_name != "P-256":
        raise KeyRefusedError("not a key on the curve P-256")
    return key


def _key(path: Path) -> ECKey:
    content = _content(path)
    try:
        return read_key(content)
    except KeyRefusedError as error:
        raise KeyRefusedError(f"{path.name}: {error}") from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyRefusedError(f"cannot read the key {path.name}: {error.strerror}") from error
