"""An operator's identity: the folder that `platepost provision operator add` made."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey

from device.records import Role
from provisioning.authority import CERTIFICATE_FILE, KEY_FILE
from provisioning.errors import ProvisioningError
from provisioning.keys import private_pem, read_private_key


@dataclass(frozen=True, slots=True)
class Identity:
    """Who commands posts."""

    folder: Path
    name: str
    agency: str
    role: Role
    key: ECKey
    certificate: x509.Certificate

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read an operator's folder.

        Raises:
            ProvisioningError: a file is missing or damaged, or the certificate is nobody's who commands posts.

        """
        path = folder / CERTIFICATE_FILE
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
            name, agency, role = (
                str(certificate.subject.get_attributes_for_oid(identifier)[0].value)
                for identifier in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME)
            )
            known = Role(role)
        except (OSError, ValueError, IndexError) as error:
            raise ProvisioningError(
                f"{path}: no certificate of an operator; `platepost provision operator add` makes one"
            ) from error
        key = ECKey.import_key(private_pem(read_private_key(folder / KEY_FILE)))
        return cls(folder, name, agency, known, key, certificate)

    @property
    def x5c(self) -> list[str]:
        """The certificate as a JWS header carries it (RFC 7515, section 4.1.6)."""
        return [base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode("ascii")]
