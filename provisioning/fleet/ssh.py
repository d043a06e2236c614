"""How technicians log in at units: with a key of their own that the fleet certifies for ssh until their day.

::

    ssh/
      private_key.pem    signs what units' sshd trusts; sealed like the keys that sign lists
      authority.pub      its public half, as a card gets it
      certificates.json  what was certified: serial numbers, which only rise, for whom, until when, what is revoked

Posts get the serial numbers of revoked certificates with their signed configurations, and units' sshd a revocation list
of them (ssh-keygen(1), KEY REVOCATION LISTS).

A card so names no person: who is certified later logs in at units that hang already, and who is no longer does not
(OpenSSH, PROTOCOL.certkeys; sshd_config(5), TrustedUserCAKeys).
"""

import re
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_public_key,
)
from pydantic import BaseModel, ConfigDict

from platepost.common.files import StateFile
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.people.person import NotCertifiedError
from platepost.provisioning.people.register import CertifiedPerson
from platepost.provisioning.trust.certificates import BACKDATED
from platepost.provisioning.trust.keys import (
    private_folder,
    private_pem,
    read_private_key,
    replace_private,
    write_private,
)
from platepost.wire.records import Role
from platepost.wire.records.base import UtcTime

_LINE = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+|sk-[\w@.-]+) [A-Za-z0-9+/]+=*( [^\n\"\\]*)?")


class IssuedCertificate(BaseModel):
    """One certificate for ssh."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    serial: int
    person: str
    expires: UtcTime
    revoked: bool = False


class IssuedCertificates(BaseModel):
    """All that were made, by rising serial numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issued: tuple[IssuedCertificate, ...] = ()


LOG_IN = (Role.TECHNICIAN, Role.ADMINISTRATOR)
"""Who may log in at units; the roles are the principals that a unit takes."""


class SshAuthority:
    """Certifies keys of ssh for one fleet; its own key is made when it is first needed.

    Args:
        fleet: the fleet.

    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        folder = fleet.directory / "ssh"
        self._private, self._public = folder / "private_key.pem", folder / "authority.pub"
        self._certificates = StateFile(folder / "certificates.json", IssuedCertificates)

    def public_line(self) -> str:
        """Return the public key as `TrustedUserCAKeys` has it, one line.

        Raises:
            ProvisioningError: it has to be made, and there is no passphrase; or it is damaged.

        """
        if not self._public.exists():
            public = self._key().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
            replace_private(self._public, f"{public} platepost {self._fleet.agency}\n".encode())
        return self._public.read_text("ascii").strip()

    def certify(self, person: CertifiedPerson, line: str) -> str:
        """Certify a public key, a line as in `id_ed25519.pub`, until a person's certification ends; return the line.

        Raises:
            NotCertifiedError: the person is not certified, or in another role.
            ProvisioningError: it is no key, or of a kind that cannot be certified here; or the authority does not open.

        """
        now = datetime.now(UTC)
        if not person.is_certified(now):
            raise NotCertifiedError(
                f"the certification of {person.name} ended on {person.expires:%Y-%m-%d}", reason="certification_expired"
            )
        if person.role not in LOG_IN:
            raise NotCertifiedError(
                f"{person.name} is certified as {person.role.value}, not as technician", reason="role"
            )
        public, key = _public_key(line), self._key()
        with self._fleet.locked():
            issued = self._issued()
            serial = max((one.serial for one in issued), default=0) + 1
            # Before it exists: one that is not in the list could not be revoked.
            self._note(*issued, IssuedCertificate(serial=serial, person=person.name, expires=person.expires))
        certificate = (
            SSHCertificateBuilder()
            .public_key(public)
            .serial(serial)
            .type(SSHCertificateType.USER)
            # What sshd logs of anyone who logs in.
            .key_id(person.name.encode())
            .valid_principals([person.role.value.encode()])
            .valid_after(int((now - BACKDATED).timestamp()))
            .valid_before(int(person.expires.timestamp()))
            .add_extension(b"permit-pty", b"")
            .sign(key)
        )
        return f"{certificate.public_bytes().decode('ascii')} {person.name}"

    def revoke(self, name: str) -> list[int]:
        """Revoke all certificates of a person; return the serial numbers of those that were good until now."""
        now = datetime.now(UTC)
        with self._fleet.locked():
            issued = self._issued()
            good = [one.serial for one in issued if one.person == name and not one.revoked and one.expires > now]
            if good:
                self._note(*(one.model_copy(update={"revoked": one.revoked or one.serial in good}) for one in issued))
        return good

    def revoked(self) -> tuple[int, ...]:
        """Return the serial numbers of revoked certificates that would still be good."""
        now = datetime.now(UTC)
        return tuple(one.serial for one in self._issued() if one.revoked and one.expires > now)

    def _issued(self) -> tuple[IssuedCertificate, ...]:
        try:
            stored = self._certificates.read()
        except (OSError, ValueError) as error:
            raise ProvisioningError(f"{self._certificates.path}: {error}; restore it from a backup") from error
        return () if stored is None else stored.issued

    def _note(self, *issued: IssuedCertificate) -> None:
        try:
            self._certificates.write(IssuedCertificates(issued=issued))
        except OSError as error:
            raise ProvisioningError(f"{self._certificates.path}: {error.strerror or error}") from error

    def _key(self) -> ec.EllipticCurvePrivateKey:
        if not self._private.exists():
            private_folder(self._private.parent)
            key = self._fleet.issuance.make_key()
            write_private(self._private, private_pem(key, passphrase=self._fleet.passphrase()))
        return read_private_key(self._private)


def _public_key(line: str) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    if line.startswith("sk-"):
        # cryptography reads such a key, and would certify it as an ordinary one: sshd rejects its log-in.
        raise ProvisioningError("a key on a FIDO token (sk-...) cannot be certified: use an ed25519 key in a file")
    try:
        key = load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ProvisioningError("this is not an ssh public key that can be certified: ed25519 is best") from error
    if not isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise ProvisioningError("this kind of ssh key cannot be certified: ed25519 is best")
    return key


def read_public_keys(path: Path) -> list[str]:
    """Read public keys of ssh, a line each.

    Raises:
        ProvisioningError: there is none, or it is a private one, which must never be on a card.

    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ProvisioningError(f"{path}: {error}") from error
    if "PRIVATE KEY" in text:
        raise ProvisioningError(f"{path} is a private key; give the public one, {path.name}.pub")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    bad = [line for line in lines if not _LINE.fullmatch(line)]
    if bad or not lines:
        raise ProvisioningError(f"{path}: expected ssh public keys, a line each")
    return lines
