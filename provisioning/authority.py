"""The certificate authority of one fleet: a root, the broker's certificate, and one for each client.

A client's name is the common name of its certificate; the broker takes it for the user's name, and its rights follow
from it. Every certificate carries the extensions that strict verification asks for (RFC 5280; Python 3.13's default).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provisioning.errors import ProvisioningError
from provisioning.keys import new_key, private_folder, private_pem, read_private_key, write_private

ROOT_VALID = timedelta(days=3650)
LEAF_VALID = timedelta(days=730)
BACKDATED = timedelta(days=1)
"""Certificates begin a day before they are made, for posts whose clock is not yet right when they first connect."""

CERTIFICATE_FILE = "certificate.pem"
KEY_FILE = "private_key.pem"


@dataclass(frozen=True, slots=True)
class Authority:
    """A root certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls, agency: str) -> Self:
        """Make the root of an agency's fleet."""
        key = new_key()
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, agency),
                x509.NameAttribute(NameOID.COMMON_NAME, f"Platepost fleet {agency}"),
            ]
        )
        certificate = (
            _builder(subject=name, issuer=name, key=key, valid=ROOT_VALID)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the root from the folder that `save` wrote.

        Raises:
            ProvisioningError: a file is missing or damaged.

        """
        path = folder / CERTIFICATE_FILE
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError) as error:
            raise ProvisioningError(f"{path}: no certificate can be read from it ({error})") from error
        return cls(certificate, read_private_key(folder / KEY_FILE))

    def save(self, folder: Path) -> None:
        """Write the root's certificate and key into a folder that only its owner can enter."""
        private_folder(folder)
        write_private(folder / KEY_FILE, private_pem(self.key))
        write_private(folder / CERTIFICATE_FILE, self.pem)

    @property
    def pem(self) -> bytes:
        """The root's certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue_server(self, names: tuple[str, ...], key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return a server's certificate, as PEM, for every host name and address in `names`.

        Raises:
            ProvisioningError: no name was given, or one is neither a host name nor an address.

        """
        if not names:
            raise ProvisioningError("a broker's certificate needs at least one host name or address")
        builder = self._leaf(names[0], key, ExtendedKeyUsageOID.SERVER_AUTH)
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        signed = builder.add_extension(alternatives, critical=False).sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    def issue_client(self, name: str, key: ec.EllipticCurvePrivateKey, *, valid: timedelta = LEAF_VALID) -> bytes:
        """Return a client's certificate, as PEM, with `name` as its common and alternative name.

        `valid` counts from its beginning, which lies `BACKDATED` ago.
        """
        return self._client(name, key, more=(), valid=valid)

    def issue_operator(
        self, name: str, key: ec.EllipticCurvePrivateKey, *, agency: str, role: str, valid: timedelta
    ) -> bytes:
        """Return the certificate, as PEM, of a person who commands posts of `agency` (O) in a `role` (OU)."""
        more = (
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, agency),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role),
        )
        return self._client(name, key, more=more, valid=valid)

    def _client(
        self, name: str, key: ec.EllipticCurvePrivateKey, *, more: tuple[x509.NameAttribute[str], ...], valid: timedelta
    ) -> bytes:
        builder = self._leaf(name, key, ExtendedKeyUsageOID.CLIENT_AUTH, more=more, valid=valid)
        alternatives = x509.SubjectAlternativeName([_general_name(name)])
        signed = builder.add_extension(alternatives, critical=False).sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    def _leaf(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        purpose: x509.ObjectIdentifier,
        *,
        more: tuple[x509.NameAttribute[str], ...] = (),
        valid: timedelta = LEAF_VALID,
    ) -> x509.CertificateBuilder:
        subject = x509.Name([*more, x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return (
            _builder(subject=subject, issuer=self.certificate.subject, key=key, valid=valid)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(issuer_key, critical=False)
        )


def _builder(
    *, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid: timedelta
) -> x509.CertificateBuilder:
    begin = datetime.now(UTC) - BACKDATED
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + valid)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError as error:
        raise ProvisioningError(f"{name!r} is neither a host name nor an address") from error
