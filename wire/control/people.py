"""Who may command a post: people with a certificate of the fleet's authority, their role in it."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from joserfc.jwk import ECKey

from platepost.common.errors import ConfigurationError
from platepost.common.language import Phrase
from platepost.wire.errors import RefusedError, Rejection
from platepost.wire.records import Role

NOT_X509 = (ValueError, TypeError, OverflowError, x509.InvalidVersion, x509.DuplicateExtension, UnsupportedAlgorithm)
LARGEST_CERTIFICATE = 8 * 1024
LONGEST_CHAIN = 2
"""A person's certificate, and that of the authority that issued it, which may be newer than the post."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A person as a certificate names them."""

    name: str
    agency: str
    role: Role
    key: ECKey
    expires: datetime


class Operators:
    """Recognizes people by their certificates.

    Args:
        authority: PEM of the root that certifies them.

    Raises:
        ConfigurationError: it is no certificate.

    """

    def __init__(self, authority: bytes) -> None:
        try:
            self._store = Store(x509.load_pem_x509_certificates(authority))
        except ValueError as error:
            raise ConfigurationError("control.operators_ca: not a certificate in PEM") from error

    def recognize(self, x5c: object, *, at: datetime) -> Operator:
        """Verify the certificate of a JWS header at a moment, and say whose it is; see `_recognize`.

        Raises:
            RefusedError: why not.

        """
        try:
            return self._recognize(x5c, at=at)
        except RefusedError:
            raise
        except NOT_X509:
            # Not all that the library raises for what is almost a certificate is a ValueError.
            raise RefusedError(Rejection.FOREIGN_CERTIFICATE, "the header carries no valid certificate") from None

    def _recognize(self, x5c: object, *, at: datetime) -> Operator:
        """Verify the certificate of a JWS header at a moment, and say whose it is.

        Args:
            x5c: RFC 7515, section 4.1.6: base64 DER; the person's, and those that lead from it to an authority.
            at: the moment that its validity is judged by.

        Raises:
            RefusedError: not a certificate, not of the authority, not valid then, or of no one with a role, as
                a post's own.

        """
        leaf, *above = _certificates(x5c)
        if at < leaf.not_valid_before_utc:
            raise RefusedError(Rejection.CERTIFICATE_NOT_YET_VALID, Phrase("the asker's certificate is not valid yet"))
        if at > leaf.not_valid_after_utc:
            raise RefusedError(Rejection.CERTIFICATE_EXPIRED, Phrase("the asker's certificate has expired"))
        try:
            PolicyBuilder().store(self._store).time(at).build_client_verifier().verify(leaf, above)
        except (VerificationError, ValueError):
            raise RefusedError(
                Rejection.FOREIGN_CERTIFICATE, Phrase("the asker's certificate is not of this fleet's authority")
            ) from None
        return _operator(leaf)


def _certificates(x5c: object) -> list[x509.Certificate]:
    if not isinstance(x5c, list) or not 1 <= len(x5c) <= LONGEST_CHAIN:
        raise RefusedError(Rejection.FOREIGN_CERTIFICATE, "the header carries no certificate, or too many")
    if not all(isinstance(one, str) for one in x5c):
        raise RefusedError(Rejection.FOREIGN_CERTIFICATE, "the header carries no valid certificate")
    if any(len(one) > LARGEST_CERTIFICATE for one in x5c):
        raise RefusedError(Rejection.TOO_LARGE, "the asker's certificate is too large")
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in x5c]
    except (ValueError, binascii.Error):
        raise RefusedError(Rejection.FOREIGN_CERTIFICATE, "the header carries no valid certificate") from None


def _operator(leaf: x509.Certificate) -> Operator:
    try:
        name, agency, role = (
            _one(leaf.subject, identifier)
            for identifier in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME)
        )
        known = Role(role)
        public = leaf.public_key()
    except ValueError:
        raise RefusedError(Rejection.ROLE, "the certificate is of no one with a role") from None
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise RefusedError(Rejection.FOREIGN_CERTIFICATE, "the certificate's key is not on P-256")
    key = ECKey.import_key(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return Operator(name, agency, known, key, leaf.not_valid_after_utc)


def _one(subject: x509.Name, identifier: x509.ObjectIdentifier) -> str:
    (attribute,) = subject.get_attributes_for_oid(identifier)
    return str(attribute.value)
