"""The client id by which a broker finds a post's session again."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"platepost mqtt session"
_BYTES = 12


def secret_client_id(name: str, key: bytes) -> str:
    """Return a client id that nobody can guess: the post's name and 96 bits that follow from its own secret.

    For a broker that does not compare the client id with the certificate: there, whoever knows a client id takes over
    its session. HKDF-SHA256 (RFC 5869), so that the id says nothing of the key and outlives restarts.

    Args:
        name: the post's.
        key: 32 secret bytes that stay on the post: its outbox key.

    """
    token = HKDF(algorithm=SHA256(), length=_BYTES, salt=None, info=_PURPOSE).derive(key)
    return f"{name}-{token.hex()}"
