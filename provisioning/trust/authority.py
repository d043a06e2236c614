"""The certificate authority of one fleet: an issuing authority under a root that may be kept elsewhere.

A client's name is the common name of its certificate; the broker takes it for the user's name, and its rights follow
from it. Every certificate carries the extensions that strict verification asks for (RFC 5280; Python 3.13's default).
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.trust.certificates import ORDINARY, ROOT_VALID, Issuance, general_name, leaf_valid, usage
from platepost.provisioning.trust.keys import private_folder, private_pem, read_private_key, replace_private

CERTIFICATE_FILE = "certificate.pem"
KEY_FILE = "private_key.pem"
CHAIN_FILE = "ca.pem"
"""The authority's certificate and those above it."""
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""id-kp-documentSigning, RFC 9336."""


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority's certificate and key, and the certificates above it, up to the root."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()
    issuance: Issuance = ORDINARY

    @classmethod
    def create_root(
        cls, agency: str, key: ec.EllipticCurvePrivateKey | None = None, *, issuance: Issuance = ORDINARY
    ) -> Self:
        """Make the root of an agency's fleet."""
        key = key or issuance.make_key()
        name = _authority_name(agency, "root")
        certificate = (
            issuance.builder(subject=name, issuer=name, key=key.public_key(), valid=ROOT_VALID)
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(usage(authority=True), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key, issuance=issuance)

    @classmethod
    def create(cls, agency: str) -> Self:
        """Make an issuing authority under a root of its own, whose key is forgotten."""
        return cls.create_root(agency).issue_authority(agency)

    def issue_authority(self, agency: str) -> Self:
        """Make an issuing authority under this one."""
        key = self.issuance.make_key()
        ends = self.certificate.not_valid_after_utc
        # Numbered, so that a list of revoked certificates is known for that of one authority or its successor.
        name = _authority_name(agency, f"issuing {x509.random_serial_number() % 0xFFFFFF:06x}")
        certificate = (
            self.issuance.builder(
                subject=name, issuer=self.certificate.subject, key=key.public_key(), valid=ROOT_VALID, ends=ends
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage(authority=True), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return type(self)(certificate, key, (self.certificate, *self.above), self.issuance)

    @classmethod
    def load(cls, folder: Path, *, issuance: Issuance = ORDINARY) -> Self:
        """Read the authority from the folder that `save` wrote.

        Raises:
            ProvisioningError: a file is missing or damaged, the key does not open, or is not that of the certificate.

        """
        certificates = read_certificates(folder / CHAIN_FILE)
        key = read_private_key(folder / KEY_FILE)
        if key.public_key() != certificates[0].public_key():
            raise ProvisioningError(f"{folder}: {KEY_FILE} is not the key of the first certificate in {CHAIN_FILE}")
        return cls(certificates[0], key, certificates[1:], issuance)

    def save(self, folder: Path, *, passphrase: bytes | None = None) -> None:
        """Write certificates and key into a folder that only its owner can enter, the key sealed with `passphrase`."""
        private_folder(folder)
        replace_private(folder / KEY_FILE, private_pem(self.key, passphrase=passphrase))
        self.save_certificates(folder)

    def save_certificates(self, folder: Path) -> None:
        """Write the certificates only; the key is held elsewhere, or there already."""
        private_folder(folder)
        replace_private(folder / CERTIFICATE_FILE, _pem(self.certificate))
        replace_private(folder / CHAIN_FILE, self.pem)

    @property
    def pem(self) -> bytes:
        """The authority's certificate and those above it, as PEM: what clients and brokers trust."""
        return b"".join(_pem(certificate) for certificate in (self.certificate, *self.above))

    @property
    def intermediates(self) -> bytes:
        """The certificates between a leaf and the root, as PEM: what goes with a leaf."""
        chain = (self.certificate, *self.above)
        return b"".join(_pem(certificate) for certificate in chain if certificate.subject != certificate.issuer)

    def issue_server(self, names: tuple[str, ...], key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return a server's certificate with its chain, as PEM, for every host name and address in `names`.

        Raises:
            ProvisioningError: no name was given, or one is neither a host name nor an address.

        """
        if not names:
            raise ProvisioningError("a broker's certificate needs at least one host name or address")
        leaf = self._leaf(names[0], key.public_key(), ExtendedKeyUsageOID.SERVER_AUTH)
        return self._signed(leaf, names)

    def issue_client(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey,
        *,
        valid: timedelta | None = None,
    ) -> bytes:
        """Return a client's certificate with its chain, as PEM, with `name` as its common and alternative name.

        `valid` counts from its beginning, which lies `BACKDATED` ago; by default as `leaf_valid` says.
        """
        public = key if isinstance(key, ec.EllipticCurvePublicKey) else key.public_key()
        return self._signed(self._leaf(name, public, ExtendedKeyUsageOID.CLIENT_AUTH, valid=valid), (name,))

    def issue_operator(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey,
        *,
        agency: str,
        role: str,
        valid: timedelta,
        connects: bool = True,
    ) -> bytes:
        """Return the certificate with its chain, as PEM, of a person of `agency` (O) in a `role` (OU).

        Where no one `connects` with it, it is for signing documents (RFC 9336): no broker, and no post, takes it.
        """
        more = (
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, agency),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role),
        )
        public = key if isinstance(key, ec.EllipticCurvePublicKey) else key.public_key()
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if connects else DOCUMENT_SIGNING
        return self._signed(self._leaf(name, public, purpose, more=more, valid=valid), (name,))

    def _signed(self, made: x509.CertificateBuilder, names: tuple[str, ...]) -> bytes:
        alternatives = x509.SubjectAlternativeName([general_name(name) for name in names])
        signed = made.add_extension(alternatives, critical=False).sign(self.key, hashes.SHA256())
        return _pem(signed) + self.intermediates

    def _leaf(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey,
        purpose: x509.ObjectIdentifier,
        *,
        more: tuple[x509.NameAttribute[str], ...] = (),
        valid: timedelta | None = None,
    ) -> x509.CertificateBuilder:
        valid = leaf_valid(name) if valid is None else valid
        subject = x509.Name([*more, x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        ends = self.certificate.not_valid_after_utc
        return (
            self.issuance.builder(subject=subject, issuer=self.certificate.subject, key=key, valid=valid, ends=ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(issuer_key, critical=False)
        )


def read_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Read all certificates of a PEM file, at least one.

    Raises:
        ProvisioningError: the file is missing or damaged.

    """
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise ProvisioningError(f"{path}: not a readable certificate ({error})") from error


def _authority_name(agency: str, which: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, agency),
            # At most 64 characters; the agency's name stands above in full.
            x509.NameAttribute(NameOID.COMMON_NAME, f"Platepost {agency[:32]} {which}"),
        ]
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
