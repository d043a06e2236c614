"""The form of an evidence package: what it says, its one zip, and its encryption. See docs/evidence-format.md."""

import io
import json
import re
import subprocess
import tempfile
import zipfile
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey, import_key
from joserfc.util import urlsafe_b64encode
from pydantic import BaseModel, ConfigDict, Field

from platepost.common.files import write_durably
from platepost.department.errors import DepartmentError
from platepost.wire.records.signing import NOT_JOSE

FORMAT = "platepost-evidence-1"
MANIFEST_TYPE, SEALED_TYPE = "platepost-evidence+jws", "platepost-evidence+jwe"
"""The headers' `typ`."""
MANIFEST, REGISTER, CHAINS, LEDGER, PAGE = "manifest.jws", "register.jws", "chains.json", "ledger.jsonl", "index.html"
KEYS, CHECK = "keys.json", "check.html"
AFFECTED, AFFECTED_TABLE = "affected.jsonl", "affected.csv"
"""The one file of the package that says whom a breach affects."""
OPENED = "evidence.zip"
"""How the opened package itself is named, beside its files."""
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LARGEST = 512 * 1024 * 1024
"""Bytes of a package."""
AGE_BEGINS = b"age-encryption.org/"
"""How a file of age begins."""
ENCRYPTION = "A256GCM"
_BY_KIND = {"EC": "ECDH-ES+A256KW", "RSA": "RSA-OAEP-256"}
_EPOCH = (1980, 1, 1, 0, 0, 0)


class EvidenceRefusedError(DepartmentError):
    """It is no evidence package, does not open with that key, or no one who is trusted has signed it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EvidenceRecipient(_Part):
    """For whom a package was encrypted."""

    name: str
    """The subject of the certificate; of a bare key its thumbprint."""
    sha256: str
    """SHA-256 of the certificate (DER); of a bare key its RFC 7638 thumbprint."""


class EvidenceRecord(_Part):
    """What the custodian says of one record."""

    record: int
    """Its id in the custody."""
    post: str
    digest: str
    topic: str
    kept_at: datetime
    verdict: str
    admitted: str = ""
    """Who admitted it, where it was made after its key's end."""


class EvidenceManifest(_Part):
    """What the custodian signs."""

    format: Literal["platepost-evidence-1"] = "platepost-evidence-1"
    package: UUID
    agency: str
    custodian: str
    made: datetime
    person: str
    purpose: str
    case: str
    entry: UUID
    """The entry of the ledger under which the records were read."""
    recipient: EvidenceRecipient
    records: tuple[EvidenceRecord, ...]
    files: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]
    """SHA-256 of every other file, by its name."""


# --- the file


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a zip in its one form: sorted by name, stored, every time and attribute the same."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.create_system, member.external_attr = 0, 0o600 << 16
            archive.writestr(member, files[name])
    return packed.getvalue()


def unpack(package: bytes) -> dict[str, bytes]:
    """Return the files of a zip by name.

    Raises:
        EvidenceRefusedError: it is none, or not in the one form that `pack` gives it: a bit was changed.

    """
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > LARGEST:
                raise EvidenceRefusedError(f"it is larger than {LARGEST} bytes")
            files = {member.filename: archive.read(member) for member in members}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise EvidenceRefusedError(f"it is not a package: {error}") from None
    if len(files) != len(members) or pack(files) != package:
        raise EvidenceRefusedError("it is not in the form of a package: it was altered")
    return files


def write_opened(package: bytes, into: Path) -> None:
    """Write the files of an opened package into a folder, and the package itself beside them; durable on return.

    Raises:
        EvidenceRefusedError: a file's name may lead elsewhere, or is the package's own, or the folder has something in
            it already; nothing is written.

    """
    if into.exists() and not (into.is_dir() and next(into.iterdir(), None) is None):
        raise EvidenceRefusedError(f"{into} already exists: files of two packages must not mix")
    files = unpack(package)
    for name in files:
        if name == OPENED or not all(map(_SAFE.fullmatch, name.split("/"))):
            raise EvidenceRefusedError(f"it has a file {name!r}, a name that no package has")
    for name, body in (files | {OPENED: package}).items():
        write_durably(into / name, body)


@dataclass(frozen=True, slots=True)
class AgeRecipient:
    """A public key of `age` (https://age-encryption.org), or one of SSH, which age takes too."""

    line: str


RecipientKey: TypeAlias = ECKey | RSAKey | AgeRecipient
_AGE = re.compile(r"age1[0-9a-z]{20,2000}|ssh-(?:ed25519|rsa) [A-Za-z0-9+/=]{40,4000}(?: .*)?")
_AGE_SECONDS = 120.0


def is_for_age(line: str) -> bool:
    """Return whether a recipient's key is one that age takes."""
    return _AGE.fullmatch(line) is not None


def recipient_of(text: bytes) -> tuple[RecipientKey, EvidenceRecipient]:
    """Read for whom a package is to be encrypted.

    Args:
        text: a public key of age or SSH, an X.509 certificate, or a public key as PEM or JWK.

    Raises:
        DepartmentError: it is none of these, or its certificate is not valid today.

    """
    line = text.decode("ascii", "replace").strip()
    if is_for_age(line):
        name = line if line.startswith("age1") else " ".join(line.split()[:2])
        return AgeRecipient(line), EvidenceRecipient(name=name, sha256=sha256(name.encode()).hexdigest())
    try:
        if b"BEGIN CERTIFICATE" in text:
            certificate = x509.load_pem_x509_certificate(text)
            key = _key(certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
            if (
                not certificate.not_valid_before_utc
                <= datetime.now(tz=certificate.not_valid_before_utc.tzinfo)
                <= (certificate.not_valid_after_utc)
            ):
                raise DepartmentError("the recipient's certificate is not valid today")
            name, digest = certificate.subject.rfc4514_string(), certificate.fingerprint(hashes.SHA256()).hex()
            return key, EvidenceRecipient(name=name, sha256=digest)
        key = _key(text)
    except NOT_JOSE as error:
        raise DepartmentError(f"the recipient's key cannot be used: {error}") from error
    return key, EvidenceRecipient(name=key.thumbprint(), sha256=key.thumbprint())


def seal(package: bytes, recipient: RecipientKey) -> bytes:
    """Encrypt a package to a recipient: a file of age, or a compact JWE.

    Raises:
        DepartmentError: age is not installed, or does not take the key.

    """
    if isinstance(recipient, AgeRecipient):
        return _age(["--encrypt", "--recipient", recipient.line], package)
    header = {"alg": _BY_KIND[recipient.key_type], "enc": ENCRYPTION, "typ": SEALED_TYPE, "cty": "application/zip"}
    header["kid"] = recipient.thumbprint()
    return jwe.encrypt_compact(header, package, recipient, registry=_registry()).encode("ascii")


def open_sealed(sealed: bytes, key: bytes) -> bytes:
    """Decrypt a package with the recipient's private key: of age or SSH, or PEM or JWK.

    Raises:
        EvidenceRefusedError: it is not for that key, or was altered.

    """
    if sealed.startswith(AGE_BEGINS):
        with tempfile.NamedTemporaryFile() as identity:
            identity.write(key)
            identity.flush()
            try:
                return _age(["--decrypt", "--identity", identity.name], sealed)
            except DepartmentError as error:
                raise EvidenceRefusedError(
                    "it does not open with this key: it is for another, or was altered"
                ) from error
    try:
        opened = jwe.decrypt_compact(sealed, _key(key), registry=_registry())
        # Each part in its one form: so no bit of the file can be another and the rest still be read.
        if opened.headers().get("typ") != SEALED_TYPE or not all(map(_is_base64url, sealed.split(b"."))):
            raise EvidenceRefusedError("it is not an encrypted package")
    except NOT_JOSE as error:
        if isinstance(error, EvidenceRefusedError):
            raise
        raise EvidenceRefusedError("it does not open with this key: it is for another, or was altered") from None
    return opened.plaintext or b""


def _age(options: list[str], content: bytes) -> bytes:
    """Return what the program `age` makes of some bytes. Raises DepartmentError: it is not installed, or it failed."""
    try:
        done = subprocess.run(["age", *options], input=content, capture_output=True, check=False, timeout=_AGE_SECONDS)
    except FileNotFoundError as error:
        raise DepartmentError("age is not installed; on Debian: sudo apt-get install age") from error
    except subprocess.TimeoutExpired as error:
        raise DepartmentError(f"age did not end within {_AGE_SECONDS:.0f} s: try again") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise DepartmentError(f"age: {lines[0].removeprefix('age: ') if lines else 'it failed'}")
    return done.stdout


def _registry() -> jwe.JWERegistry:
    registry = jwe.JWERegistry(algorithms=[*_BY_KIND.values(), ENCRYPTION])
    registry.max_ciphertext_length = 2 * LARGEST
    return registry


def _key(text: bytes) -> ECKey | RSAKey:
    key = import_key(json.loads(text)) if text.lstrip().startswith(b"{") else None
    if key is None:
        try:
            key = ECKey.import_key(text)
        except NOT_JOSE:
            key = RSAKey.import_key(text)
    if not isinstance(key, ECKey | RSAKey):
        raise TypeError("it is neither an elliptic-curve key nor an RSA key")
    return key


def _is_base64url(part: bytes) -> bool:
    padded = part.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(part) % 4)
    return urlsafe_b64encode(b64decode(padded, validate=True)) == part
