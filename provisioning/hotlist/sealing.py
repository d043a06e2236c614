"""Signing and sealing: a body becomes a package that only the fleet's posts can open and only the issuer can make."""

import hashlib
import json
import secrets
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey
from joserfc.util import urlsafe_b64encode
from pydantic import ValidationError

from platepost.provisioning.hotlist.rows import SourceError
from platepost.wire.hotlist import epochs
from platepost.wire.hotlist.epochs import KeyMessage
from platepost.wire.hotlist.manifest import FORMAT_1, FORMAT_2, LARGEST_BODY, TYPE, Manifest
from platepost.wire.hotlist.package import NONCE_BYTES, SEAL_ALGORITHMS, associated_data

# The filter and the detail columns shrink by a third and more, fingerprints not at all: a higher level only costs time.
_COMPRESSION = 1


@dataclass(frozen=True, slots=True)
class Epoch:
    """A key under which packages are sealed, and the identifier by which posts know it."""

    identifier: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def jwk(self) -> dict[str, str]:
        """The key as a JWK."""
        k = urlsafe_b64encode(self.key).decode()
        return {"kty": "oct", "alg": "A256KW", "kid": self.identifier, "k": k}


def seal_keys(known: Sequence[Epoch], *, agency: str, number: int, signing_key: ECKey, post_key: ECKey) -> bytes:
    """Return the message that brings the keys of epochs to one post: a line without its end.

    Args:
        known: the epochs of the packages that posts need, such as the complete list's and the newest delta's.
        agency: whose post it is.
        number: greater than that of every message before to this post.
        signing_key: the issuer's private P-256 key.
        post_key: the post's public P-256 key.

    """
    keys = json.dumps({"keys": [epoch.jwk for epoch in known]}, separators=(",", ":"))
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}
    message = KeyMessage(
        agency=agency,
        number=number,
        recipient=post_key.thumbprint(),
        epochs=tuple(epoch.identifier for epoch in known),
        sealed=jwe.encrypt_compact(header, keys.encode(), post_key, algorithms=SEAL_ALGORITHMS),
    )
    return _sign(message, signing_key, epochs.TYPE)


def seal_package(
    body: bytes,
    facts: Mapping[str, object],
    *,
    signing_key: ECKey,
    post_keys: Sequence[ECKey],
    epoch: Epoch | None = None,
    chance: Callable[[int], bytes] = secrets.token_bytes,
) -> bytes:
    """Deflate, encrypt and sign a body.

    Args:
        body: as `platepost.wire.hotlist.layout.encode` lays it out.
        facts: the manifest's members, other than those that follow from the body.
        signing_key: the issuer's private P-256 key.
        post_keys: the public P-256 key of each post; the order is not kept.
        epoch: under whose key it is sealed, in format 2; `post_keys` are then of those alone who have no key message,
            such as the department itself.
        chance: draws so many bytes.

    Raises:
        SourceError: there is no post to seal to, or posts would not take a body so large or such facts.

    """
    if not post_keys and epoch is None:
        raise SourceError("a list is encrypted to at least one post's key")
    if len(body) > LARGEST_BODY:
        raise SourceError(f"the list takes {len(body)} bytes, posts take {LARGEST_BODY}")
    content_key = chance(32)
    nonce = chance(NONCE_BYTES)
    form = FORMAT_1 if epoch is None else FORMAT_2
    bound = associated_data(str(facts["agency"]), int(str(facts["version"])), form)
    encrypted = AESGCM(content_key).encrypt(nonce, zlib.compress(body, _COMPRESSION), bound)
    following = b"".join((_seal(content_key, post_keys, epoch), b"\n", nonce, encrypted))
    sealed = {
        "format": form,
        "epoch": None if epoch is None else epoch.identifier,
        "length": len(following),
        "digest": hashlib.sha256(following).hexdigest(),
        "body_length": len(body),
    }
    try:
        manifest = Manifest.model_validate({**facts, **sealed})
    except ValidationError as error:
        places = (
            ", ".join(str(fault["loc"][0]) for fault in error.errors() if fault["loc"])
            or "a combination of its members"
        )
        raise SourceError(f"posts would reject a list with this in its manifest: {places}") from error
    return b"".join((_sign(manifest, signing_key, TYPE), b"\n", following))


def _seal(content_key: bytes, post_keys: Sequence[ECKey], epoch: Epoch | None) -> bytes:
    """Wrap the content key for the epoch or for each post: a general JWE whose plaintext is the key as a JWK."""
    key = {"kty": "oct", "alg": "A256GCM", "k": urlsafe_b64encode(content_key).decode()}
    message = jwe.GeneralJSONEncryption({"enc": "A256GCM"}, json.dumps(key, separators=(",", ":")).encode())
    for thumbprint, post_key in sorted({key.thumbprint(): key for key in post_keys}.items()):
        message.add_recipient({"alg": "ECDH-ES+A256KW", "kid": thumbprint}, post_key)
    if epoch is not None:
        message.add_recipient({"alg": "A256KW", "kid": epoch.identifier}, OctKey.import_key(epoch.key))
    sealed = jwe.encrypt_json(message, None, algorithms=SEAL_ALGORITHMS)
    return json.dumps(sealed, separators=(",", ":")).encode()


def _sign(facts: Manifest | KeyMessage, signing_key: ECKey, typ: str) -> bytes:
    header = {"alg": "ES256", "kid": signing_key.thumbprint(), "typ": typ}
    payload = facts.model_dump_json(exclude_none=True).encode()
    return jws.serialize_compact(header, payload, signing_key, algorithms=["ES256"]).encode()
