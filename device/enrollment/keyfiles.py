"""The keys that a unit makes for itself, and the files that contain them."""

import secrets
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from platepost.common.files import write_durably
from platepost.common.language import Phrase
from platepost.common.secrets.held_key import HeldKey, HeldKeyError, provider_of
from platepost.wire.enrollment.errors import EnrollmentError

PRIVATE_KEY = "private_key.pem"
SIGNING_KEY = "signing_key.pem"
UNSEAL_KEY = "unseal_key.pem"
OUTBOX_KEY = "outbox.key"
TPM = Path("/dev/tpmrm0")
"""The TPM, through the kernel's resource manager."""
_SECONDS = 30


def make_keys(folder: Path, *, tpm: bool) -> None:
    """Make all keys of a post: the certificate's (in the TPM, if asked), for records, for lists, for the outbox.

    Raises:
        EnrollmentError: the TPM makes none.

    """
    if tpm:
        make_held_key(folder / PRIVATE_KEY)
    else:
        write_durably(folder / PRIVATE_KEY, _pem(ec.generate_private_key(ec.SECP256R1())))
    for name in (SIGNING_KEY, UNSEAL_KEY):
        write_durably(folder / name, _pem(ec.generate_private_key(ec.SECP256R1())))
    write_durably(folder / OUTBOX_KEY, secrets.token_hex(32).encode() + b"\n")


def read_key_file(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read a unit's private key, or what the TPM signs with where the file refers to it.

    Raises:
        EnrollmentError: the file is missing or holds no key on an elliptic curve.
        HeldKeyError: the TPM does not sign with it.

    """
    try:
        content = path.read_bytes()
        provider = provider_of(content)
        if provider is not None:
            return HeldKey(path, provider)
        key = serialization.load_pem_private_key(content, password=None)
    except HeldKeyError:
        raise  # an OSError, which says more than that nothing can be read
    except (OSError, ValueError, TypeError) as error:
        text = Phrase("{path}: not a readable private key ({why})", path=str(path), why=str(error))
        raise EnrollmentError(text, reason="identity") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        other = Phrase("{path}: not a key of an elliptic curve", path=str(path))
        raise EnrollmentError(other, reason="identity")
    return key


def make_held_key(path: Path) -> None:
    """Make a P-256 key in the TPM, and write the file that refers to it.

    Raises:
        EnrollmentError: OpenSSL, its provider tpm2 or the TPM is missing, or refuses.

    """
    command = ["openssl", "genpkey", "-provider", "tpm2", "-algorithm", "EC", "-pkeyopt", "group:P-256", "-out"]
    try:
        command.append(str(path))
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=_SECONDS)
        path.chmod(0o600)
    except (OSError, subprocess.SubprocessError) as error:
        text = getattr(error, "stderr", None) or b""
        why = text.decode(errors="replace").strip().splitlines()
        none = Phrase(
            "the TPM makes no key: {why}; without one, enroll with --key file", why=why[-1] if why else str(error)
        )
        raise EnrollmentError(none, reason="tpm") from error


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
