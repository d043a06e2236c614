"""Sealing what only the asker may see: a JWE in JSON serialization, to the key of the asker's certificate."""

from typing import Any

from joserfc import jwe
from joserfc.jwk import ECKey

ALGORITHMS = ["ECDH-ES+A256KW", "A256GCM"]


def seal_to(key: ECKey, content: bytes, *, media_type: str) -> dict[str, Any]:
    """Encrypt `content` so that only the holder of `key`'s private half reads it."""
    message = jwe.GeneralJSONEncryption({"enc": "A256GCM", "cty": media_type}, content)
    message.add_recipient({"alg": "ECDH-ES+A256KW", "kid": key.thumbprint()}, key)
    return dict(jwe.encrypt_json(message, None, algorithms=ALGORITHMS))


def unseal(sealed: dict[str, Any], key: ECKey) -> bytes:
    """Decrypt what `seal_to` made.

    Raises:
        Exception: one of `platepost.wire.records.signing.NOT_JOSE`: it is no such JWE, or not for this key.

    """
    return jwe.decrypt_json(sealed, key, algorithms=ALGORITHMS).plaintext or b""  # type: ignore[arg-type]
