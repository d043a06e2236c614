"""Key files: made, written so that only their owner can read them, and read again."""

import os
import secrets
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from joserfc.jwk import ECKey

from platepost.common.files import flush_folder
from platepost.common.language import Phrase, spoken
from platepost.common.secrets.held_key import HeldKey, provider_of
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.trust.passphrase import FLEET_PASSPHRASE, TRIES, PassphraseSource

OUTBOX_KEY_BYTES = 32
_WRONG = Phrase("the passphrase is wrong, or the file is damaged")


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 private key, for ES256 signatures, for ECDH, or for TLS."""
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key: ec.EllipticCurvePrivateKey, *, passphrase: bytes | None = None) -> bytes:
    """Return the key as PKCS#8 PEM, sealed with a passphrase; without one, the file's mode and the disk protect it."""
    sealing = serialization.NoEncryption() if passphrase is None else serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealing)


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public half of the key as PEM (SubjectPublicKeyInfo)."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_private_key(
    path: Path, *, passphrase: PassphraseSource = FLEET_PASSPHRASE, of: str | None = None
) -> ec.EllipticCurvePrivateKey:
    """Read a P-256 private key from a PEM file, or what a TPM or PKCS#11 token signs with where the file refers to it.

    Args:
        path: the file.
        passphrase: gives the passphrase of a sealed key.
        of: whose it is, for a person who is asked for it; the file's path if None.

    Raises:
        ProvisioningError: the file is missing, or holds no such key; the passphrase is wrong, or there is none.
        HeldKeyError: the TPM or token does not sign with it.

    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise ProvisioningError(f"{path}: not a readable private key ({error.strerror})") from error
    provider = provider_of(pem)
    if provider is not None:
        return HeldKey(path, provider)
    key = _unsealed(path, pem, passphrase, of or str(path)) if b"ENCRYPTED" in pem else _loaded(path, pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ProvisioningError(f"{path}: not a key of an elliptic curve")
    return key


def _unsealed(path: Path, pem: bytes, source: PassphraseSource, of: str) -> PrivateKeyTypes:
    """Open a sealed key; a person who mistyped is asked again."""
    left = TRIES if source.asks else 1
    while True:
        passphrase = source.passphrase(of)
        try:
            return _loaded(path, pem, passphrase)
        except ProvisioningError:
            source.forget()
            left -= 1
            if not left:
                raise
            sys.stderr.write(f"{spoken(Phrase('{why}. Again:', why=_WRONG))}\n")


def _loaded(path: Path, pem: bytes, passphrase: bytes | None) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(pem, password=passphrase)
    except (ValueError, TypeError) as error:
        why = str(error) if passphrase is None else _WRONG
        raise ProvisioningError(
            Phrase("{path}: not a readable private key ({why})", path=str(path), why=why)
        ) from error


def signing_jwk(path: Path, *, passphrase: PassphraseSource = FLEET_PASSPHRASE, of: str | None = None) -> ECKey:
    """Read a private key that signs JOSE messages; as `read_private_key`."""
    key = read_private_key(path, passphrase=passphrase, of=of)
    if isinstance(key, HeldKey):
        return ECKey(key, key, {})
    return ECKey.import_key(private_pem(key))


def opened_pem(path: Path) -> bytes:
    """Return a key's PEM as it is in the file, or opened with the fleet's passphrase where it is sealed.

    Raises:
        ProvisioningError: the file is missing; the passphrase is wrong, or there is none.
        HeldKeyError: a TPM or token holds the key, which cannot be read.

    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise ProvisioningError(f"{path}: not a readable private key ({error.strerror})") from error
    if b"ENCRYPTED" in pem or provider_of(pem) is not None:
        return private_pem(read_private_key(path))
    return pem


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
        ProvisioningError: the file already exists; keys are not overwritten.

    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ProvisioningError(f"{path} already exists; keys are not overwritten") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def replace_private(path: Path, content: bytes) -> None:
    """Put new content into a file that only its owner can read, on disk on return: all of it or none, whatever happens.

    Several may do so at once: one of them is the last.
    """
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)  # mode 0600
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:  # when it is interrupted, no copy of a key stays behind
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)
