"""A private key that cannot be read: in a TPM or a PKCS#11 token, which signs on request, by OpenSSL's providers.

The file of such a key holds a reference: what tpm2-openssl writes (`TSS2 PRIVATE KEY`), or for pkcs11-provider a line
with the key's URI (RFC 7512). The token's PIN is the provider's affair (`pin-source`, or its configuration); a URI that
carries it (`pin-value`) is refused, for others would see it in the list of processes. pkcs11-provider is activated in
OpenSSL's configuration (`OPENSSL_CONF`).
"""

import subprocess
from pathlib import Path
from typing import Any, NoReturn

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from platepost.common.errors import PlatepostError


class HeldKeyError(PlatepostError, OSError):
    """OpenSSL or its provider is missing, does not find the key, or refuses; or more is asked than to sign."""


_TSS2 = b"-----BEGIN TSS2 PRIVATE KEY-----"
_PKCS11 = b"pkcs11:"
SECONDS = 20
"""A hardware token may take some of them for a signature."""


def provider_of(content: bytes) -> str | None:
    """Return the provider that holds the key which a file of this content refers to, None if it holds a key itself."""
    if _TSS2 in content:
        return "tpm2"
    return "pkcs11" if content.startswith(_PKCS11) else None


class HeldKey(ec.EllipticCurvePrivateKey):
    """A P-256 key held by a provider of OpenSSL.

    Args:
        path: the file that refers to it.
        provider: the provider's name.

    Raises:
        HeldKeyError: OpenSSL or the provider is missing, or does not find the key, or it is not on P-256.

    """

    def __init__(self, path: Path, provider: str) -> None:
        self._path = path
        self._provider = provider
        self._key = str(path) if provider == "tpm2" else path.read_text().strip()
        if "pin-value" in self._key:
            raise HeldKeyError(f"{path}: a PIN in the URI can be seen by others; use pin-source=file:...")
        pem = self._openssl("pkey", "-in", self._key, "-pubout")
        public = serialization.load_pem_public_key(pem)
        if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
            raise HeldKeyError(f"{path}: not a key on the curve P-256")
        self._public = public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Sign as ECDSA with SHA-256; DER.

        Raises:
            HeldKeyError: the provider refuses, or another digest is asked for.

        """
        digest = signature_algorithm.algorithm
        if isinstance(digest, Prehashed) or not isinstance(digest, hashes.SHA256):
            raise HeldKeyError("a held key signs with SHA-256 only")
        return self._openssl("dgst", "-sha256", "-sign", self._key, data=bytes(data))

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Return the public half."""
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """Bits of the curve."""
        return self._public.key_size

    def exchange(self, *_: object, **__: object) -> NoReturn:
        """Not offered: these keys sign."""
        raise HeldKeyError(f"{self._path}: a held key signs and does nothing else")

    def private_numbers(self) -> NoReturn:
        """Not offered: that it cannot be read is the point."""
        raise HeldKeyError(f"{self._path}: a held key cannot be read")

    def private_bytes(self, *_: object, **__: object) -> NoReturn:
        """Not offered: that it cannot be read is the point."""
        raise HeldKeyError(f"{self._path}: a held key cannot be read")

    def __copy__(self) -> "HeldKey":
        return self

    def __deepcopy__(self, memo: object) -> "HeldKey":
        return self

    def _openssl(self, command: str, *arguments: str, data: bytes | None = None) -> bytes:
        # pkcs11-provider needs a configuration of OpenSSL's for its module, which activates it too.
        providers = ("-provider", "tpm2", "-provider", "default") if self._provider == "tpm2" else ()
        try:
            result = subprocess.run(
                ("openssl", command, *providers, *arguments),
                input=data,
                stdin=None if data is not None else subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise HeldKeyError(f"{self._path}: openssl cannot be run: {error}") from error
        if result.returncode != 0:
            why = result.stderr.decode(errors="replace").strip().splitlines()
            raise HeldKeyError(f"{self._path}: the {self._provider} provider refuses: {why[-1] if why else '?'}")
        return result.stdout
