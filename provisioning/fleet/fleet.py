"""One department's fleet: its root of trust, its broker, its posts, its subscribers and its people.

Where everything lies is in `platepost.provisioning.fleet.layout`.
"""

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from platepost.common.files import flush_all, flush_folder
from platepost.provisioning.brokers import mosquitto, mosquitto_user
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.layout import GROUPS_FILE, NATS, NOBODY, PUBLISHER, ROOT_FILE, STATE, Layout
from platepost.provisioning.fleet.post_file import PostSettings, custodian_key_file, post_file
from platepost.provisioning.fleet.reads import ReadsGrant, write_grant
from platepost.provisioning.fleet.register import keep_former, write_register
from platepost.provisioning.people.register import CertifiedPerson
from platepost.provisioning.trust import takeover
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, KEY_FILE, Authority, read_certificates
from platepost.provisioning.trust.certificates import BACKDATED, ORDINARY, Issuance, name_hash
from platepost.provisioning.trust.key_files import TERMS_FILE, KeyFiles
from platepost.provisioning.trust.keys import (
    new_outbox_key,
    private_folder,
    private_pem,
    public_pem,
    replace_private,
    write_private,
)
from platepost.provisioning.trust.passphrase import FLEET_PASSPHRASE
from platepost.wire.records import CustodianTerms, Purpose, Role
from platepost.wire.records.signing import read_key
from platepost.wire.records.topics import RESERVED_POSTS

DEFAULT_PORT = 8883
"""The port that IANA registers for MQTT over TLS."""
OPERATOR_VALID = timedelta(days=180)
"""Shorter than a post's: people come and go, and posts ask no one whether a certificate was withdrawn."""

_GROUP = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MADE = ("authority", "broker", "configuration", "custody", PUBLISHER, "hotlist", "operators", "people")
"""The folders of a new fleet; `root` besides, where the department has none of its own."""
_RESERVED = RESERVED_POSTS | {NOBODY, PUBLISHER}
"""Names that would collide with the department's own client, with topics of the whole agency, or that name no one."""


class Fleet(Layout):
    """A fleet on disk."""

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        agency: str,
        broker_names: Iterable[str] = ("localhost", "127.0.0.1"),
        passphrase: bytes | None = None,
        root: Authority | None = None,
        administrator: str | None = None,
        administrator_passphrase: bytes | None = None,
        custodian: str | None = None,
        issuance: Issuance = ORDINARY,
    ) -> Self:
        """Make a fleet: its root and issuing authority, the keys that sign, its broker's certificate, its publisher.

        Args:
            directory: where; it must not hold a fleet already. If it was cut off before, it starts over.
            agency: as in the topics: lower-case letters, digits and hyphens.
            broker_names: the host names and addresses by which posts reach the broker.
            passphrase: seals every key that signs; without one they are protected by the files' mode alone.
            root: the department's own authority, under which the issuing authority is made; its key is not kept.
            administrator: the name of the first administrator, without whom no one can act on it by command.
            administrator_passphrase: seals the administrator's own key.
            custodian: the name of the first custodian, whose receipts all posts need; without one a broker's
                acknowledgment releases a record.
            issuance: where keys and times come from, as long as this object is used.

        Raises:
            ProvisioningError: a name cannot be or is given twice, or there is a fleet already, or keys of one.

        """
        if not _NAME.fullmatch(agency):
            raise ProvisioningError(f"agency {agency!r}: use lower-case letters, digits and hyphens, at most 63")
        for name in (administrator, custodian):
            if name is not None:
                cls.check_spelling(name)
        if administrator is not None and administrator == custodian:
            raise ProvisioningError(f"{custodian!r} cannot name both the administrator and the custodian")
        if (directory / "fleet.json").exists():
            raise ProvisioningError(f"{directory} already contains a fleet")
        fleet = cls(directory.absolute(), agency, tuple(broker_names), sealed=passphrase is not None)
        fleet.issuance = issuance
        private_folder(fleet.directory)
        unfinished = fleet._begin([*_MADE, *(["root"] if root is None else [])])
        own = root or Authority.create_root(agency, issuance=issuance)
        if root is None:
            own.save(fleet.root, passphrase=passphrase)
        authority = own.issue_authority(agency)
        authority.save(fleet.authority, passphrase=passphrase)
        fleet._write_signing_key(fleet.list_signing_key, fleet.list_verifying_key, passphrase)
        fleet._write_signing_key(fleet.configuration_signing_key, fleet.configuration_verifying_key, passphrase)
        broker = private_folder(fleet.directory / "broker")
        fleet.write_broker_certificate(authority)
        fleet.write_revocations(authority)
        fleet._write_client(fleet.directory / PUBLISHER, PUBLISHER, authority)
        fleet.write_access_list()
        state = private_folder(broker / STATE)
        settings = mosquitto.configuration(
            fleet.broker, address=None, port=DEFAULT_PORT, state=state, user=_owner(broker)
        )
        write_private(broker / "mosquitto.conf", settings.encode())
        mosquitto_user.give(broker)
        if administrator is not None:
            fleet.add_operator(administrator, Role.ADMINISTRATOR, passphrase=administrator_passphrase)
        if custodian is not None:
            fleet.add_custodian(custodian, required=True)
        # Last: a fleet that was interrupted in its making is none, and can be made again.
        unfinished.replace(fleet.directory / "fleet.json")
        flush_folder(fleet.directory)
        return fleet

    def _begin(self, folders: list[str]) -> Path:
        """Remove what an interrupted `create` left, note what this one makes; return the future fleet.json.

        Raises:
            ProvisioningError: one of them is there, and is not such a making's.

        """
        description = {"agency": self.agency, "broker_names": list(self.broker_names), "sealed": self.sealed}
        unfinished = self.directory / "unfinished.json"
        if unfinished.exists():
            for name in json.loads(unfinished.read_bytes())["made"]:
                shutil.rmtree(self.directory / name, ignore_errors=True)
        there = [name for name in folders if (self.directory / name).exists()]
        if there:
            raise ProvisioningError(
                f"{self.directory} has no fleet.json, but {', '.join(there)}; keys are not overwritten: choose another "
                "folder"
            )
        replace_private(unfinished, json.dumps(description | {"made": folders}, indent=2).encode() + b"\n")
        return unfinished

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Open the fleet that `create` made.

        Raises:
            ProvisioningError: there is none, or its files are for a broker that is no longer supported.

        """
        path = directory / "fleet.json"
        try:
            content = json.loads(path.read_bytes())
            sealed = bool(content.get("sealed"))
            fleet = cls(directory.absolute(), content["agency"], tuple(content["broker_names"]), sealed=sealed)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProvisioningError(
                f"{path}: no fleet in this folder; create one with `platepost provision fleet init`"
            ) from error
        nats = fleet.directory / NATS
        if nats.exists():
            raise ProvisioningError(
                f"{nats}: NATS is no longer supported: it acknowledges records that it refuses. Set up mosquitto or "
                "RabbitMQ (docs/brokers.md), then delete this folder."
            )
        return fleet

    @property
    def broker_address(self) -> str:
        """Where the broker is reached unless someone says otherwise, `host:port`."""
        return f"{self.broker_names[0]}:{DEFAULT_PORT}"

    def open_authority(self) -> Authority:
        """Open the issuing authority, asking for its passphrase where it is sealed.

        Raises:
            ProvisioningError: it is not here, is damaged, or does not open.

        """
        if takeover.waits(self.authority):
            with self.locked():
                takeover.take_over(self.authority)
        return Authority.load(self.authority, issuance=self.issuance)

    def passphrase(self) -> bytes | None:
        """Return what seals the keys that sign, asking for it; None where they are not sealed.

        Raises:
            ProvisioningError: none is given, and there is no one to ask.

        """
        return FLEET_PASSPHRASE.passphrase(str(self.directory)) if self.sealed else None

    def list_unseal_key(self) -> Path:
        """Return the department's own private key, to which hot lists are sealed too; it is made if there is none."""
        path = self.directory / "hotlist" / "unseal_key.pem"
        if not path.exists():
            write_private(path, private_pem(self.issuance.make_key(), passphrase=self.passphrase()))
        return path

    def add_post(self, name: str, settings: PostSettings) -> Path:
        """Make a post's identity and keys, write its folder with its `post.toml`, and enter its key in the register.

        Raises:
            ProvisioningError: the name cannot be, or is taken.

        """
        self.check_free(name)  # before anything is asked for
        authority = self.open_authority()
        folder = self.post(name)
        with self._made_whole(folder) as aside:
            self._write_client(aside, name, authority)
            signing, unsealing = self.issuance.make_key(), self.issuance.make_key()
            write_private(aside / "signing_key.pem", private_pem(signing))
            write_private(aside / "unseal_key.pem", private_pem(unsealing))
            write_private(aside / "issuer_key.pem", self.list_verifying_key.read_bytes())
            write_private(aside / "configuration_key.pem", self.configuration_verifying_key.read_bytes())
            write_private(aside / "outbox.key", new_outbox_key())
            private_folder(aside / STATE)
            self._write_post_file(aside, name, settings)
            for path, key in ((self.record_key(name), signing), (self.recipient_key(name), unsealing)):
                private_folder(path.parent)
                keep_former(path)  # of a post of this name that was revoked
                replace_private(path, public_pem(key))
        write_register(self, only=name)
        return folder

    def write_post_file(self, name: str, settings: PostSettings) -> None:
        """Write a post's `post.toml` into its folder, and beside it the key of each custodian whose receipts it needs.

        Raises:
            ProvisioningError: a file of a custodian is damaged.

        """
        self._write_post_file(self.post(name), name, settings)

    def _write_post_file(self, folder: Path, name: str, settings: PostSettings) -> None:
        for path in folder.glob(custodian_key_file("*")):
            path.unlink()
        custodians = self.required_custodians()
        for terms in custodians:
            key = self.keys(Purpose.CUSTODY, terms.name).verifying
            replace_private(folder / custodian_key_file(terms.name), key.read_bytes())
        text = post_file(agency=self.agency, name=name, settings=settings, custodians=custodians)
        replace_private(folder / "post.toml", text.encode())

    def add_subscriber(self, name: str, *, groups: Iterable[str] = (), reads: ReadsGrant | None = None) -> Path:
        """Make the identity of someone who hears the agency's hits and how its posts are, and let the broker know.

        With `reads` they hear every record until that ends. Hits of covert entries only members of the entry's
        distribution group read. mosquitto reads its access list when it starts.

        Raises:
            ProvisioningError: the name, or that of a group, cannot be, or the name is taken.

        """
        self.check_free(name)  # before anything is asked for
        groups = checked_groups(groups)
        folder = self.subscriber(name)
        authority = self.open_authority()
        with self._made_whole(folder) as aside:
            self._write_client(aside, name, authority)
            write_grant(aside, reads)
            if groups:
                write_private(aside / GROUPS_FILE, "".join(f"{group}\n" for group in groups).encode())
        self.write_access_list()
        return folder

    def grant_reads(self, name: str, reads: ReadsGrant | None) -> None:
        """Have a subscriber hear every record until a grant ends, or no longer; mosquitto learns it when it starts.

        Raises:
            ProvisioningError: there is no such subscriber.

        """
        with self.locked():
            if name not in self.subscribers():
                known = ", ".join(self.subscribers()) or "none"
                raise ProvisioningError(f"{name!r} is not a subscriber of this fleet; it has: {known}")
            write_grant(self.subscriber(name), reads)
            self.write_access_list()

    def add_custodian(self, name: str, *, groups: Iterable[str] = (), required: bool = False) -> Path:
        """Make the identity and the key for receipts of a custodian of the records, and let the broker know.

        Posts are told that they need its receipts by a statement of the root; with `required`, which is for a fleet
        without posts, by their first configuration. Neither key is sealed with the fleet's passphrase: a custodian
        starts with no one there. mosquitto reads its access list when it starts.

        Raises:
            ProvisioningError: the name, or that of a group, cannot be, or the name is taken or was a custodian's.

        """
        self.check_free(name)  # before anything is asked for
        terms = CustodianTerms(name=name, groups=checked_groups(groups), required=required)
        if any(self.directory.glob(f"revoked/{name}.*/{TERMS_FILE}")):
            raise ProvisioningError(
                f"a custodian {name!r} was revoked; posts take no other of its name: choose another"
            )
        folder = self.custodian(name)
        authority = self.open_authority()
        with self._made_whole(folder) as aside:
            self._write_client(aside, name, authority)
            keys = KeyFiles(Purpose.CUSTODY, aside, name)
            self._write_signing_key(keys.signing, keys.verifying, passphrase=None)
            keys.write_terms(terms)
        self.write_access_list()
        return folder

    def add_operator(
        self,
        name: str,
        role: Role,
        *,
        valid: timedelta = OPERATOR_VALID,
        ends: datetime | None = None,
        full_name: str | None = None,
        passphrase: bytes | None = None,
    ) -> Path:
        """Make the identity of a certified person, enter them in the register, and let the broker know.

        That of a list builder opens no connection to the broker: lists go there by the department's own client.

        `valid` counts from when the certificate begins, a day ago; `ends` overrides it. `passphrase` seals the key.
        mosquitto reads its access list when it starts.

        Raises:
            ProvisioningError: the name cannot be, or is taken.

        """
        self.check_free(name)  # before anything is asked for
        folder = self.operator(name)
        authority = self.open_authority()
        key = self.issuance.make_key()
        if ends is not None:
            valid = ends - (datetime.now(UTC) - BACKDATED)
        certificate = authority.issue_operator(
            name, key, agency=self.agency, role=role.value, valid=valid, connects=role is not Role.LIST_BUILDER
        )
        with self._made_whole(folder) as aside:
            self._write_identity(aside, key, certificate, authority, passphrase)
        ends = x509.load_pem_x509_certificate(certificate).not_valid_after_utc
        public = public_pem(key)
        entry = CertifiedPerson(
            name=name,
            full_name=full_name or name,
            role=role,
            certified=ends - valid,
            expires=ends,
            thumbprint=read_key(public).thumbprint(),
        )
        self.people.enter(entry, public)
        self.write_access_list()
        return folder

    def remove_operator(self, name: str) -> None:
        """End a person's certification, revoke their certificates, take their rights, delete an identity kept here.

        Cut off, it can be done again. mosquitto reads its access list and the revoked certificates when it starts.

        Raises:
            ProvisioningError: there is no one of this name, or no one else who is administrator.

        """
        known = {*(entry.name for entry in self.people), *self.identities()}
        # Who left long ago stays in the register, and the name may be someone else's since.
        if name not in known - {*self.posts(), *self.subscribers(), *self.custodians()}:
            raise ProvisioningError(f"{name!r} is not an operator; there are: {', '.join(self.operators()) or 'none'}")
        authority = self.open_authority()
        with self.locked():
            if [entry.name for entry in self.people if entry.role is Role.ADMINISTRATOR and entry.is_certified()] == [
                name
            ]:
                raise ProvisioningError(
                    f"{name} is the only administrator: no one could act on this fleet; certify another one first"
                )
            if name in self.people:
                self.people.expire(name, datetime.now(UTC))
            self.revoke_certificates(name, "certification_ended", authority=authority)
            if name in self.identities():
                shutil.rmtree(self.operator(name))
            self.write_access_list()

    def revoke_certificates(
        self, name: str, reason: str, *, keep: int | None = None, authority: Authority | None = None
    ) -> list[int]:
        """Revoke all certificates of a name but the one numbered `keep`, and write what brokers refuse by.

        Those that are over too: the enrollment server renews one that ended while its post was away.
        `authority` is the fleet's, where it is open already. Returns the serial numbers. mosquitto reads the list when
        it starts, RabbitMQ when someone connects.

        Raises:
            ProvisioningError: the authority does not open.

        """
        authority = authority or self.open_authority()
        with self.locked():
            serials = [one.serial for one in self.ledger.of(name, over=True) if one.serial != keep]
            self.ledger.revoked(serials, reason)
            self.write_revocations(authority)
        return serials

    def certify_post(self, name: str, key: ec.EllipticCurvePublicKey) -> bytes:
        """Issue a post's certificate for a key that the post made itself, and enter it in the ledger; PEM, chain."""
        certificate = self.open_authority().issue_client(name, key)
        self.ledger.issued(certificate)
        return certificate

    def write_revocations(self, authority: Authority) -> None:
        """Write the signed list of revoked certificates for the broker: a file, and a folder of it by its hash.

        One of `authority`, which may be about to take over, of the one in force, and of every former one.
        """
        # Held from the ledger's reading on: a list written later than made would leave out who was revoked meanwhile.
        with self.locked():
            # Former authorities' certificates are good until they end, and can be revoked as long.
            takeover.take_over(self.authority)
            signers = {one.certificate: one for one in (authority, *takeover.former(self.authority))}
            # A program that has been open for long may come with one that was replaced meanwhile.
            if read_certificates(self.authority / ROOT_FILE)[0] not in signers:
                present = self.open_authority()
                signers = {present.certificate: present} | signers
            lists = {certificate: self.ledger.revocation_list(one) for certificate, one in signers.items()}
            mosquitto_user.write(self.directory / "broker" / "revoked.pem", b"".join(lists.values()))
            folder = mosquitto_user.folder(self.directory / "broker" / "revoked")
            for certificate, signed in lists.items():
                mosquitto_user.write(folder / f"{name_hash(certificate.subject)}.r0", signed)

    def write_broker_certificate(self, authority: Authority) -> None:
        """Make a new key and certificate for the broker; mosquitto takes them when it starts."""
        key = self.issuance.make_key()
        broker = self.broker
        certificate = authority.issue_server(self.broker_names, key)
        self.ledger.issued(certificate)
        mosquitto_user.write(broker.private_key, private_pem(key))
        mosquitto_user.write(broker.certificate, certificate)
        mosquitto_user.write(broker.authority, authority.pem)

    def check_free(self, name: str, *, post: bool = False) -> None:
        """Make sure that a name can be given; that of a `post` may be a post's already.

        Raises:
            ProvisioningError: it cannot stand in a topic, or is taken.

        """
        self.check_spelling(name)
        certified = (entry.name for entry in self.people if entry.is_certified())
        taken = {*self.subscribers(), *self.custodians(), *certified, *self.identities()}
        if name in taken or (not post and name in self.posts()):
            raise ProvisioningError(f"name {name!r} is taken in this fleet")

    @staticmethod
    def check_spelling(name: str) -> None:
        """Make sure that a name can stand in a topic.

        Raises:
            ProvisioningError: it cannot.

        """
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise ProvisioningError(
                f"name {name!r}: use lower-case letters, digits and hyphens, at most 63, and none of "
                + ", ".join(sorted(_RESERVED))
            )

    @contextmanager
    def _made_whole(self, folder: Path) -> Iterator[Path]:
        """Give a folder to make an identity in, which then gets its place: cut off, the name is free still.

        Raises:
            ProvisioningError: the name was taken meanwhile.

        """
        with self.locked():
            self.check_free(folder.name)
            unfinished = self.directory / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            yield private_folder(unfinished) / folder.name
            private_folder(folder.parent)
            flush_all(unfinished / folder.name)  # before it has its name
            (unfinished / folder.name).rename(folder)
            flush_folder(folder.parent)
            unfinished.rmdir()

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
        self.ledger.issued(certificate)
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

    def write_access_list(self) -> None:
        """Write mosquitto's access list for everyone who is in the fleet now; it is read when mosquitto starts."""
        with self.locked():
            text = mosquitto.access_list(self.agency, self.clients(), groups=self.groups())
            mosquitto_user.write(self.broker.access_list, text.encode())


def checked_groups(groups: Iterable[str]) -> tuple[str, ...]:
    """Return the names of distribution groups in order, each once.

    Raises:
        ProvisioningError: one cannot stand in a topic.

    """
    checked = sorted(set(groups))
    for group in checked:
        if not _GROUP.fullmatch(group):
            raise ProvisioningError(f"group {group!r}: use lower-case letters, digits and underscores, at most 32")
    return tuple(checked)


def _owner(folder: Path) -> str | None:
    """Return the name of the user whose folder it is, where the system knows one; None for root.

    A mosquitto that root starts becomes this user. As root it would have more rights than a broker may.
    """
    try:
        return None if folder.stat().st_uid == 0 else folder.owner()
    except (KeyError, NotImplementedError):
        return None
