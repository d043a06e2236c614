"""This department's own key and certificate among departments, in the folder `federation`; another for webhooks.

The certificate vouches for itself: partners get it in person, and take no other. The key signs what is sent, too; TLS
1.3 binds its own signatures to TLS.
"""

import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.jwk import ECKey

from platepost.department.errors import DepartmentError
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, KEY_FILE
from platepost.provisioning.trust.certificates import LEAF_VALID, ORDINARY, general_name, usage
from platepost.provisioning.trust.keys import new_key, private_folder, private_pem, replace_private, signing_jwk


@dataclass(frozen=True, slots=True)
class FederationIdentity:
    """Key and certificate of one department."""

    agency: str
    folder: Path

    @property
    def certificate(self) -> Path:
        """The certificate's file, for partners."""
        return self.folder / CERTIFICATE_FILE

    @property
    def key(self) -> ECKey:
        """The private key. Raises DepartmentError: there is none."""
        if not (self.folder / KEY_FILE).exists():
            raise DepartmentError(f"{self.folder} has no key: `platepost department federate certificate` makes it")
        return signing_jwk(self.folder / KEY_FILE)

    def make(self, hosts: Sequence[str]) -> None:
        """Make another key and certificate: every partner needs the new one.

        Args:
            hosts: names and addresses by which partners reach the server; none for one that only connects.

        Raises:
            ProvisioningError: one is neither a host name nor an address.

        """
        key, name = new_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.agency)])
        both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = (
            ORDINARY.builder(subject=name, issuer=name, key=key.public_key(), valid=LEAF_VALID)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(authority=False), critical=True)
            .add_extension(both, critical=False)
        )
        if hosts:
            names = x509.SubjectAlternativeName([general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(key, hashes.SHA256())
        private_folder(self.folder)
        replace_private(self.folder / KEY_FILE, private_pem(key))
        replace_private(self.certificate, certificate.public_bytes(Encoding.PEM))

    def context(self, certificates: Iterable[str], *, server: bool) -> ssl.SSLContext:
        """Return how to connect only with a peer that shows one of these certificates, PEM.

        Raises:
            DepartmentError: there is no key.

        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            context.load_cert_chain(self.certificate, self.folder / KEY_FILE)
        except OSError as error:
            raise DepartmentError(f"{self.folder}: {error.strerror or error}") from error
        for certificate in certificates:
            context.load_verify_locations(cadata=certificate)
        return context


def known_certificate(pem: str) -> str:
    """Return a partner's certificate alone, PEM. Raises DepartmentError: it is none whose key could sign."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        ECKey.import_key(certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    except (ValueError, TypeError) as error:
        raise DepartmentError("this is not a department's certificate (PEM)") from error
    return certificate.public_bytes(Encoding.PEM).decode()
