"""The certificate that the aiming page is served with: made for one session, known to no browser, told by its print.

A unit at a pole has no name that a phone's authorities vouch for. The person who started the command has a terminal
over ssh, which is authentic, and compares the fingerprint that the browser shows with the one there.
"""

import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = timedelta(days=365)
"""Before and after now: the unit's clock may be wrong, and so may the phone's."""


@dataclass(frozen=True, slots=True)
class PageCertificate:
    """A certificate with its key, in memory only."""

    path: str
    """Where this process finds both, PEM."""
    fingerprint: str
    """SHA-256 of the certificate, as browsers show it."""

    @classmethod
    def make(cls, address: str) -> "PageCertificate":
        """Make one for an IP address."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Platepost aiming page")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _VALID)
            .not_valid_after(now + _VALID)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(key, hashes.SHA256())
        )
        # A file that no folder has: OpenSSL reads keys from files only.
        descriptor = os.memfd_create("certificate")
        os.write(descriptor, certificate.public_bytes(Encoding.PEM))
        os.write(descriptor, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        digest = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
        return cls(f"/proc/self/fd/{descriptor}", digest)
