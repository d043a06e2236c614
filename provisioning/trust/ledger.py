"""The ledger of certificates: each one that was issued, each one that was revoked, and the list that brokers refuse by.

What became of the keys that sign lists and configurations stands in it too.

Append-only, a JSON object a line.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.files.append_only import append_only, lines_of
from platepost.provisioning.trust.authority import Authority
from platepost.wire.records.base import timestamp

_KINDS = {"issued", "revoked", "signing_key"}
"""Members that say what an entry is."""


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate that was issued."""

    name: str
    serial: int
    issuer: str
    """Key identifier of the authority, hexadecimal."""
    key: str
    """SHA-256 of the public key (SubjectPublicKeyInfo), hexadecimal."""
    ends: datetime


class CertificateLedger:
    """A fleet's ledger.

    Args:
        path: the file; made at the first entry.

    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def issued(self, pem: bytes) -> None:
        """Enter a certificate, PEM; certificates of a chain that follow it are not."""
        certificate = x509.load_pem_x509_certificate(pem)
        entry = {
            "issued": f"{certificate.serial_number:x}",
            "name": name_of(certificate),
            "issuer": _issuer(certificate),
            "key": key_digest(certificate.public_key()),
            "ends": timestamp(certificate.not_valid_after_utc),
        }
        self._append(entry)

    def revoked(self, serials: Iterator[int] | list[int], reason: str) -> None:
        """Enter certificates as revoked; certificates that were revoked before stay as they are."""
        known = {serial for serial, _, _ in self.revocations()}
        for serial in serials:
            if serial not in known:
                self._append({"revoked": f"{serial:x}", "reason": reason, "at": timestamp(datetime.now(UTC))})

    def signing_key(self, purpose: str, thumbprint: str, event: str) -> None:
        """Enter that a key for lists or configurations was `announced`, came `in_use`, was `retired` or `revoked`."""
        at = timestamp(datetime.now(UTC))
        self._append({"signing_key": thumbprint, "purpose": purpose, "event": event, "at": at})

    def signing_keys(self) -> list[tuple[str, str, str]]:
        """Return purpose, thumbprint and event of all that was entered of such keys, oldest first."""
        return [
            (line["purpose"], line["signing_key"], line["event"]) for line in self._lines() if "signing_key" in line
        ]

    def of(self, name: str, *, over: bool = False) -> list[Issued]:
        """Return the certificates of a name that are not revoked, nor over unless that is asked for, oldest first."""
        revoked = {serial for serial, _, _ in self.revocations()}
        now = datetime.now(UTC)
        return [
            one for one in self.all() if one.name == name and one.serial not in revoked and (over or one.ends > now)
        ]

    def holders(self, key: str) -> set[str]:
        """Return the names to which a public key, by its digest, was ever certified."""
        return {one.name for one in self.all() if one.key == key}

    def is_revoked(self, serial: int) -> bool:
        """Tell whether a certificate is revoked."""
        return any(known == serial for known, _, _ in self.revocations())

    def knows(self, serial: int) -> bool:
        """Tell whether a certificate was issued here."""
        return any(one.serial == serial for one in self.all())

    def all(self) -> list[Issued]:
        """Return every certificate ever issued, oldest first."""
        return [
            Issued(line["name"], int(line["issued"], 16), line["issuer"], line["key"], _time(line["ends"]))
            for line in self._lines()
            if "issued" in line
        ]

    def revocations(self) -> list[tuple[int, str, datetime]]:
        """Return serial number, reason and time of every revocation."""
        return [
            (int(line["revoked"], 16), line["reason"], _time(line["at"])) for line in self._lines() if "revoked" in line
        ]

    def revocation_list(self, authority: Authority) -> bytes:
        """Return the signed list of the authority's revoked certificates, PEM.

        It is good for as long as the authority is: a broker whose list has run out lets no one in, and a department
        that forgets to renew one would be without its posts.
        """
        own = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
        serials = {one.serial for one in self.all() if one.issuer == own}
        key_identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(authority.certificate.subject)
            .last_update(authority.certificate.not_valid_before_utc)
            .next_update(authority.certificate.not_valid_after_utc)
            .add_extension(key_identifier, critical=False)
            .add_extension(x509.CRLNumber(len(self.revocations()) + 1), critical=False)
        )
        for serial, _, at in self.revocations():
            if serial in serials:
                revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
                builder = builder.add_revoked_certificate(revoked)
        return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _append(self, entry: dict[str, str]) -> None:
        try:
            with append_only(self._path) as held:
                held.append(json.dumps(entry, separators=(",", ":")).encode())
        except OSError as error:
            raise ProvisioningError(f"{self._path}: the log cannot be written: {error.strerror}") from error

    def _lines(self) -> Iterator[dict[str, Any]]:
        for number, line in enumerate(lines_of(self._path), start=1):
            try:
                entry = json.loads(line)
            except ValueError:
                entry = None
            # A line of no known kind may have been a revocation.
            if not isinstance(entry, dict) or not _KINDS & entry.keys():
                raise ProvisioningError(f"{self._path}, line {number}: the log is damaged")
            yield entry


def name_of(certificate: x509.Certificate) -> str:
    """Return the common name of a certificate, empty if it has none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def key_digest(key: Any) -> str:
    """Return SHA-256 of a public key's SubjectPublicKeyInfo, hexadecimal."""
    encoded = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).hexdigest()


def _issuer(certificate: x509.Certificate) -> str:
    digest = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    return "" if digest is None else digest.hex()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
