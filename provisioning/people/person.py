"""A person's identity: the folder that `platepost provision person add` made."""

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey

from platepost.common.language import Phrase, day, local
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, KEY_FILE
from platepost.provisioning.trust.keys import signing_jwk
from platepost.provisioning.trust.passphrase import PERSONAL_PASSPHRASE
from platepost.wire.records import Role

ROLES_AT_POSTS = frozenset({Role.TECHNICIAN, Role.ADMINISTRATOR})
"""The roles that may work at a post."""


class NotCertifiedError(ProvisioningError):
    """A person's certification has ended or not begun, or it is not for what they want to do.

    `reason` is the slug of it for the log of acts.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def certificates_of(folder: Path) -> list[x509.Certificate]:
    """Read a person's certificate and those between it and the root's; the key, and its passphrase, are not needed.

    Raises:
        ProvisioningError: the file is missing or damaged.

    """
    try:
        return x509.load_pem_x509_certificates((folder / CERTIFICATE_FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise _nobody(folder) from error


def x5c_of(chain: Sequence[x509.Certificate]) -> list[str]:
    """Write certificates as a JWS header carries them (RFC 7515, section 4.1.6)."""
    return [base64.b64encode(one.public_bytes(Encoding.DER)).decode("ascii") for one in chain]


def _nobody(folder: Path) -> ProvisioningError:
    path = folder / CERTIFICATE_FILE
    return ProvisioningError(
        Phrase("{path}: no certificate of a person; `platepost provision person add` makes one", path=str(path))
    )


@dataclass(frozen=True, slots=True)
class Person:
    """Who commands posts, and whose acts are logged."""

    folder: Path
    name: str
    agency: str
    role: Role
    key: ECKey
    certificate: x509.Certificate
    issuers: tuple[x509.Certificate, ...] = ()
    """The certificates between the person's and the root's."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a person's folder.

        Raises:
            ProvisioningError: a file is missing or damaged, or the certificate is no one's who commands posts.

        """
        certificate, *issuers = certificates_of(folder)
        try:
            name, agency, role = (
                str(certificate.subject.get_attributes_for_oid(identifier)[0].value)
                for identifier in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME)
            )
            known = Role(role)
        except (ValueError, IndexError) as error:
            raise _nobody(folder) from error
        key = signing_jwk(folder / KEY_FILE, passphrase=PERSONAL_PASSPHRASE, of=name)
        return cls(folder, name, agency, known, key, certificate, tuple(issuers))

    @property
    def x5c(self) -> list[str]:
        """The certificate and its chain as a JWS header carries them (RFC 7515, section 4.1.6)."""
        return x5c_of((self.certificate, *self.issuers))

    @property
    def expires(self) -> datetime:
        """When the person's certification ends, as far as the certificate knows."""
        return self.certificate.not_valid_after_utc

    def require(self, roles: Collection[Role] | None = None, *, at: datetime | None = None) -> None:
        """Make sure that the person is certified, for one of `roles` if given; now where `at` is None.

        Raises:
            NotCertifiedError: why not.

        """
        at = at or datetime.now(UTC)
        if at >= self.expires:
            raise NotCertifiedError(
                Phrase(
                    "the certification of {name} ended on {time}; an administrator renews it",
                    name=self.name,
                    time=local(self.expires),
                ),
                reason="certification_expired",
            )
        if at < self.certificate.not_valid_before_utc:
            raise NotCertifiedError(
                Phrase(
                    "the certification of {name} begins on {date}; is this clock right?",
                    name=self.name,
                    date=day(self.certificate.not_valid_before_utc),
                ),
                reason="certification_not_yet_valid",
            )
        if roles is not None and self.role not in roles:
            role_names = " or ".join(sorted(role.value for role in roles))
            raise NotCertifiedError(
                Phrase(
                    "{name} is certified as {role}; this command requires: {wanted}",
                    name=self.name,
                    role=self.role.value,
                    wanted=role_names,
                ),
                reason="role",
            )
