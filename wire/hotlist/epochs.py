"""The keys of epochs: what opens packages of format 2, sent to each post in a message of its own.

An epoch begins with a complete list and with each revocation of a post. Its key wraps the content key of every package
of the epoch, so a package is as large for ten posts as for ten thousand. A message is a compact JWS of the issuer; in
it is a compact JWE that one post's key opens.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from joserfc import jwe
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode
from pydantic import BaseModel, ConfigDict, Field

from platepost.common.errors import RecordError
from platepost.wire.hotlist.errors import Malformed, WrongKey
from platepost.wire.hotlist.manifest import EpochIdentifier, signed_facts
from platepost.wire.records.base import Line
from platepost.wire.records.jws import read_object
from platepost.wire.records.signing import NOT_JOSE

TYPE = "platepost-hotlist-keys+jws"
FILE_NAME = re.compile(r"hotlist-(\d{16})\.keys")
MOST_EPOCHS = 300
"""Epochs of one message: a complete list has at most 256 deltas."""
LONGEST_MESSAGE = 128_000
"""Bytes of a message, at most."""
_ALGORITHMS = ["ECDH-ES+A256KW", "A256GCM"]
_HEADER = {"alg", "enc", "epk"}


class KeyMessage(BaseModel):
    """The epochs whose keys one post has, and these keys, encrypted to it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    format: Literal["platepost-hotlist-keys/1"] = "platepost-hotlist-keys/1"
    agency: Annotated[str, Line] = Field(min_length=1, max_length=64, description="Whose post it is for.")
    number: int = Field(ge=1, lt=2**53, description="Only goes up, for each post.")
    recipient: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$", description="RFC 7638 thumbprint of the post's key.")
    epochs: tuple[EpochIdentifier, ...] = Field(
        min_length=1, max_length=MOST_EPOCHS, description="Whose keys are in it."
    )
    sealed: str = Field(max_length=100_000, description="The keys: a compact JWE.")

    @property
    def file_name(self) -> str:
        """The message's file name, on a post and on a stick: names sort by number."""
        return f"hotlist-{self.number:016d}.keys"

    def open(self, unseal_key: ECKey) -> dict[str, bytes]:
        """Return the key of each epoch.

        Raises:
            WrongKey: it is for another post.
            Malformed: it does not hold what its format says.

        """
        if self.recipient != unseal_key.thumbprint():
            raise WrongKey("the keys are encrypted to another post's key")
        try:
            header = read_object(urlsafe_b64decode(self.sealed.partition(".")[0].encode()))
        except (RecordError, ValueError):
            raise Malformed("the keys are not a compact JWE") from None
        # Before it is decrypted: `zip` would inflate without a limit.
        if header.keys() != _HEADER or [header["alg"], header["enc"]] != _ALGORITHMS:
            raise Malformed("the header of the keys is not that of ECDH-ES+A256KW and A256GCM alone")
        try:
            plain = jwe.decrypt_compact(self.sealed, unseal_key, algorithms=_ALGORITHMS).plaintext
        except NOT_JOSE:
            raise WrongKey("the keys do not open with this post's key") from None
        keys = _read_keys(plain or b"")
        if tuple(keys) != self.epochs:
            raise Malformed("the keys are not those of the epochs that the message states")
        return keys


def is_key_message(content: bytes) -> bool:
    """Tell by its header whether a file is a key message rather than a package."""
    try:
        return bool(read_object(urlsafe_b64decode(content.partition(b".")[0])).get("typ") == TYPE)
    except (RecordError, ValueError):
        return False


def verify_keys(message: bytes, issuer_key: ECKey | Sequence[ECKey]) -> KeyMessage:
    """Check a key message's signature, by one key or any of several, and return what it says.

    Raises Unsigned, BadSignature, Malformed or UnsupportedFormat.
    """
    return signed_facts(KeyMessage, message, issuer_key, typ=TYPE, what="the key message")


def _read_keys(plain: bytes) -> dict[str, bytes]:
    try:
        members = read_object(plain)
        keys = [_read_key(key) for key in members["keys"]]
        good = members.keys() == {"keys"}
    except (RecordError, ValueError, KeyError, TypeError, AttributeError):
        good = False
    if not good:
        raise Malformed("the keys are not JWKs of 256 bits for A256KW")
    return dict(keys)


def _read_key(key: Mapping[str, str]) -> tuple[str, bytes]:
    raw = urlsafe_b64decode(key["k"].encode())
    if key.keys() != {"kty", "alg", "kid", "k"} or (key["kty"], key["alg"], len(raw)) != ("oct", "A256KW", 32):
        raise ValueError("not such a key")
    return key["kid"], raw
