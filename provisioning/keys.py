"""Key files: made, written so that only their owner can read them, and read again."""

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from provisioning.errors import ProvisioningError

OUTBOX_KEY_BYTES = 32


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 private key, for ES256 signatures, for ECDH, or for TLS."""
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the key as unencrypted PKCS#8 PEM; the file's mode and the disk's encryption protect it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public half of the key as PEM (SubjectPublicKeyInfo)."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read a P-256 private key from a PEM file.

    Raises:
        ProvisioningError: the file is missing, or holds no such key.

    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ProvisioningError(f"{path}: no private key can be read from it ({error})") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ProvisioningError(f"{path}: not a key of an elliptic curve")
    return key


def new_outbox_key() -> bytes:
    """Make the key of one post's outbox: 32 random bytes as 64 hexadecimal digits and a line end."""
    return secrets.token_hex(OUTBOX_KEY_BYTES).encode() + b"\n"


def private_folder(path: Path) -> Path:
    """Make a folder, and those above it, that only its owner can enter."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    return path


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only its owner can read, never readable by others even for an instant.

    Raises:
        ProvisioningError: the file is there already; keys are not overwritten.

    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ProvisioningError(f"{path} is there already; keys are not overwritten") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
