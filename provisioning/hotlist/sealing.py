"""Signing and sealing: a body becomes a package that only the fleet's posts can open and only the issuer can make."""

import hashlib
import json
import secrets
import zlib
from collections.abc import Callable, Mapping, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe, jws
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64encode
from pydantic import ValidationError

from platepost.provisioning.hotlist.rows import SourceError
from platepost.wire.hotlist.manifest import LARGEST_BODY, TYPE, Manifest
from platepost.wire.hotlist.package import NONCE_BYTES, SEAL_ALGORITHMS, associated_data

# The filter and the detail columns shrink by a third and more, fingerprints not at all: a higher level only costs time.
_COMPRESSION = 1


def seal_package(
    body: bytes,
    facts: Mapping[str, object],
    *,
    signing_key: ECKey,
    post_keys: Sequence[ECKey],
    chance: Callable[[int], bytes] = secrets.token_bytes,
) -> bytes:
    """Deflate, encrypt and sign a body.

    Args:
        body: as `platepost.wire.hotlist.layout.encode` lays it out.
        facts: the manifest's members, other than those that follow from the body.
        signing_key: the issuer's private P-256 key.
        post_keys: the public P-256 key of each post; the order is not kept.
        chance: draws so many bytes.

    Raises:
        SourceError: there is no post to seal to, or posts would not take a body so large or such facts.

    """
    if not post_keys:
        raise SourceError("a list is encrypted to at least one post's key")
    if len(body) > LARGEST_BODY:
        raise SourceError(f"the list takes {len(body)} bytes, posts take {LARGEST_BODY}")
    content_key = chance(32)
    nonce = chance(NONCE_BYTES)
    bound = associated_data(str(facts["agency"]), int(str(facts["version"])))
    encrypted = AESGCM(content_key).encrypt(nonce, zlib.compress(body, _COMPRESSION), bound)
    following = b"".join((_seal(content_key, post_keys), b"\n", nonce, encrypted))
    made = {
        "length": len(following),
        "digest": hashlib.sha256(following).hexdigest(),
        "body_length": len(body),
    }
    try:
        manifest = Manifest.model_validate({**facts, **made})
    except ValidationError as error:
        places = ", ".join(str(fault["loc"][0]) for fault in error.errors() if fault["loc"]) or "what it says together"
        raise SourceError(f"posts would reject a list with this in its manifest: {places}") from error
    return b"".join((_sign(manifest, signing_key), b"\n", following))


def _seal(content_key: bytes, post_keys: Sequence[ECKey]) -> bytes:
    """Wrap the content key for each post: a general JWE whose plaintext is the key as a JWK."""
    key = {"kty": "oct", "alg": "A256GCM", "k": urlsafe_b64encode(content_key).decode()}
    message = jwe.GeneralJSONEncryption({"enc": "A256GCM"}, json.dumps(key, separators=(",", ":")).encode())
    for thumbprint, post_key in sorted({key.thumbprint(): key for key in post_keys}.items()):
        message.add_recipient({"alg": "ECDH-ES+A256KW", "kid": thumbprint}, post_key)
    sealed = jwe.encrypt_json(message, None, algorithms=SEAL_ALGORITHMS)
    return json.dumps(sealed, separators=(",", ":")).encode()


def _sign(manifest: Manifest, signing_key: ECKey) -> bytes:
    header = {"alg": "ES256", "kid": signing_key.thumbprint(), "typ": TYPE}
    payload = manifest.model_dump_json(exclude_none=True).encode()
    return jws.serialize_compact(header, payload, signing_key, algorithms=["ES256"]).encode()
