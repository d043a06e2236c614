"""What a fleet issues: certificates of its clients and its broker, certificate revocation lists, mosquitto's ACL."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from platepost.provisioning.brokers import mosquitto, mosquitto_user
from platepost.provisioning.fleet.layout import ROOT_FILE, Layout
from platepost.provisioning.trust import takeover
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, KEY_FILE, Authority, read_certificates
from platepost.provisioning.trust.certificates import name_hash
from platepost.provisioning.trust.keys import (
    private_folder,
    private_pem,
    public_pem,
    replace_private,
    write_private,
)
from platepost.provisioning.trust.passphrase import FLEET_PASSPHRASE


class CertifyingFleet(Layout):
    """A fleet's issuing authority at work: issues and revokes certificates, and keeps the broker's files up to date."""

    def open_authority(self) -> Authority:
        """Open the issuing authority, asking for its passphrase if it is encrypted.

        Raises:
            ProvisioningError: it is missing or damaged, or the passphrase is wrong.

        """
        if takeover.waits(self.authority):
            with self.locked():
                takeover.take_over(self.authority)
        return Authority.load(self.authority, issuance=self.issuance)

    def passphrase(self) -> bytes | None:
        """Return the passphrase of the signing keys, asking for it; None if they are not encrypted.

        Raises:
            ProvisioningError: none is given, and there is no one to ask.

        """
        return FLEET_PASSPHRASE.passphrase(str(self.directory)) if self.sealed else None

    def list_decryption_key(self) -> Path:
        """Return the department's private key, for which hot lists are encrypted as well; it is made on first use."""
        path = self.directory / "hotlist" / "unseal_key.pem"
        if not path.exists():
            write_private(path, private_pem(self.issuance.make_key(), passphrase=self.passphrase()))
        return path

    def certify_post(self, name: str, key: ec.EllipticCurvePublicKey) -> bytes:
        """Issue a post's certificate for a key that the post made itself, and record it; returns the chain in PEM."""
        certificate = self.open_authority().issue_client(name, key)
        self.certificates.issued(certificate)
        return certificate

    def revoke_certificates(
        self, name: str, reason: str, *, keep: int | None = None, authority: Authority | None = None
    ) -> list[int]:
        """Revoke all certificates of a name but the one numbered `keep`, and write the CRLs.

        Expired ones too, because the enrollment server renews a certificate that expired while its post was offline.
        `authority` is the fleet's, if it is open already. Returns the serial numbers. mosquitto reads the CRL when
        it starts, RabbitMQ when someone connects.

        Raises:
            ProvisioningError: the authority does not open.

        """
        authority = authority or self.open_authority()
        with self.locked():
            serials = [one.serial for one in self.certificates.of(name, over=True) if one.serial != keep]
            self.certificates.revoked(serials, reason)
            self.write_crls(authority)
        return serials

    def write_crls(self, authority: Authority) -> None:
        """Write the certificate revocation lists for the broker: a file for mosquitto, and a folder by subject hash.

        One CRL each for `authority`, which may be about to take over, for the current one, and for every former one.
        """
        # Lock before reading the certificates: a CRL written after another revocation must not leave that one out.
        with self.locked():
            # Certificates of former authorities stay valid until they expire, and can be revoked until then.
            takeover.take_over(self.authority)
            signers = {one.certificate: one for one in (authority, *takeover.former(self.authority))}
            # A long-running process may pass an authority that was replaced meanwhile.
            if read_certificates(self.authority / ROOT_FILE)[0] not in signers:
                current = self.open_authority()
                signers = {current.certificate: current} | signers
            lists = {certificate: self.certificates.revocation_list(one) for certificate, one in signers.items()}
            mosquitto_user.write(self.directory / "broker" / "revoked.pem", b"".join(lists.values()))
            folder = mosquitto_user.folder(self.directory / "broker" / "revoked")
            for certificate, signed in lists.items():
                mosquitto_user.write(folder / f"{name_hash(certificate.subject)}.r0", signed)

    def write_broker_certificate(self, authority: Authority) -> None:
        """Make a new key and certificate for the broker; mosquitto takes them when it starts."""
        key = self.issuance.make_key()
        broker = self.broker
        certificate = authority.issue_server(self.broker_names, key)
        self.certificates.issued(certificate)
        mosquitto_user.write(broker.private_key, private_pem(key))
        mosquitto_user.write(broker.certificate, certificate)
        mosquitto_user.write(broker.authority, authority.pem)

    def write_access_list(self) -> None:
        """Write mosquitto's ACL for all current members; mosquitto reads it when it starts."""
        with self.locked():
            text = mosquitto.access_list(self.agency, self.clients(), groups=self.groups())
            mosquitto_user.write(self.broker.access_list, text.encode())

    def _write_client(self, folder: Path, name: str, authority: Authority) -> None:
        key = self.issuance.make_key()
        self._write_identity(folder, key, authority.issue_client(name, key), authority)

    def _write_identity(
        self,
        folder: Path,
        key: ec.EllipticCurvePrivateKey,
        certificate: bytes,
        authority: Authority,
        passphrase: bytes | None = None,
    ) -> None:
        self.certificates.issued(certificate)
        private_folder(folder.parent)
        private_folder(folder)
        write_private(folder / KEY_FILE, private_pem(key, passphrase=passphrase))
        write_private(folder / CERTIFICATE_FILE, certificate)
        write_private(folder / ROOT_FILE, authority.pem)

    def _write_signing_key(self, private: Path, public: Path, passphrase: bytes | None) -> None:
        private_folder(private.parent)
        key = self.issuance.make_key()
        replace_private(private, private_pem(key, passphrase=passphrase))
        replace_private(public, public_pem(key))
