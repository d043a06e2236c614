"""One department's fleet on disk: its root of trust, its broker, its posts and its subscribers.

::

    DIR/
      fleet.json                       the agency and the broker's names
      authority/                       root certificate and key
      hotlist/                         the key that signs hot lists, its public half, the department's own unsealing
                                       key; built/ keeps the last packages
      configuration/                   the key that signs posts' configurations, and its public half; versions given
      broker/                          certificate, key, root, mosquitto.conf, acl; state/ is what it keeps
      department/                      the client that publishes the hot list
      posts/NAME/                      everything that goes onto one post, with post.toml
      records/NAME.pem                 the public half of each post's record-signing key, for those who verify
      recipients/NAME.pem              the public half of each post's unsealing key, for those who seal hot lists
      subscribers/NAME/                client certificate, key and root of who reads the records
      operators/NAME/                  the same of certified people, their role in the certificate
      people/                          the register of who was ever certified, with their public keys
      acts/acts.jsonl                  the log of what they did here, signed and chained

Every file is mode 0600 in folders of mode 0700. A name that exists is refused, never overwritten.
"""

import json
import re
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from device.records import Role, Source
from device.records.signing import read_key
from provisioning import mosquitto
from provisioning.authority import BACKDATED, CERTIFICATE_FILE, KEY_FILE, Authority
from provisioning.errors import ProvisioningError
from provisioning.keys import new_key, new_outbox_key, private_folder, private_pem, public_pem, write_private
from provisioning.people.acts import LOG_FILE, ActLog
from provisioning.people.register import Entry, Register
from provisioning.post_file import PostSettings, post_file
from provisioning.rights import Party

PUBLISHER = "department"
ROOT_FILE = "ca.pem"
DEFAULT_PORT = 8883
"""The port that IANA registers for MQTT over TLS."""
OPERATOR_VALID = timedelta(days=180)
"""Shorter than a post's: people come and go, and posts ask nobody whether a certificate was withdrawn."""

GROUPS_FILE = "groups"
"""In a subscriber's folder: its distribution groups, a line each."""

_GROUP = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_RESERVED = frozenset({PUBLISHER, "hotlist"})
"""Names that would collide with the department's own client, or with the topics of the hot list."""


class Fleet:
    """A fleet on disk; see the module for what lies where."""

    def __init__(self, directory: Path, agency: str, broker_names: tuple[str, ...]) -> None:
        self.directory = directory
        self.agency = agency
        self.broker_names = broker_names

    def __repr__(self) -> str:
        return f"<Fleet {self.agency!r} in {self.directory}, {len(self.posts())} posts>"

    @classmethod
    def create(cls, directory: Path, *, agency: str, broker_names: Iterable[str] = ("localhost", "127.0.0.1")) -> Self:
        """Make a fleet: its root, the key that signs its hot lists, its broker's certificate and its publisher.

        Args:
            directory: where; it must not hold a fleet already.
            agency: as in the topics: lower-case letters, digits and hyphens.
            broker_names: the host names and addresses by which posts reach the broker.

        Raises:
            ProvisioningError: the agency's name cannot be, or there is a fleet already.

        """
        if not _NAME.fullmatch(agency):
            raise ProvisioningError(f"agency {agency!r}: use lower-case letters, digits and hyphens, at most 63")
        if (directory / "fleet.json").exists():
            raise ProvisioningError(f"{directory} holds a fleet already")
        fleet = cls(directory.absolute(), agency, tuple(broker_names))
        private_folder(fleet.directory)
        authority = Authority.create(agency)
        authority.save(fleet.directory / "authority")
        issuer = new_key()
        private_folder(fleet.list_signing_key.parent)
        write_private(fleet.list_signing_key, private_pem(issuer))
        write_private(fleet.list_verifying_key, public_pem(issuer))
        fleet._write_configuration_key()
        broker = private_folder(fleet.directory / "broker")
        key = new_key()
        write_private(broker / KEY_FILE, private_pem(key))
        write_private(broker / CERTIFICATE_FILE, authority.issue_server(fleet.broker_names, key))
        write_private(broker / ROOT_FILE, authority.pem)
        fleet._write_client(fleet.directory / PUBLISHER, PUBLISHER, authority)
        fleet._write_access_list()
        state = private_folder(broker / "state")
        settings = mosquitto.configuration(
            fleet.broker, address=None, port=DEFAULT_PORT, state=state, user=_owner(broker)
        )
        write_private(broker / "mosquitto.conf", settings.encode())
        description = {"agency": agency, "broker_names": list(fleet.broker_names)}
        write_private(fleet.directory / "fleet.json", json.dumps(description, indent=2).encode() + b"\n")
        return fleet

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Open the fleet that `create` made.

        Raises:
            ProvisioningError: there is none.

        """
        path = directory / "fleet.json"
        try:
            description = json.loads(path.read_bytes())
            return cls(directory.absolute(), description["agency"], tuple(description["broker_names"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ProvisioningError(f"{path}: no fleet here; `platepost provision fleet init` makes one") from error

    @property
    def broker(self) -> mosquitto.BrokerFiles:
        """The files that a broker of this fleet needs."""
        folder = self.directory / "broker"
        return mosquitto.BrokerFiles(
            authority=folder / ROOT_FILE,
            certificate=folder / CERTIFICATE_FILE,
            private_key=folder / KEY_FILE,
            access_list=folder / "acl",
        )

    @property
    def list_signing_key(self) -> Path:
        """The private key that signs this fleet's hot lists."""
        return self.directory / "hotlist" / "signing_key.pem"

    @property
    def list_verifying_key(self) -> Path:
        """The public key by which a post knows this fleet's hot lists."""
        return self.directory / "hotlist" / "verifying_key.pem"

    @property
    def configuration_signing_key(self) -> Path:
        """The private key that signs the configurations of this fleet's posts."""
        return self.directory / "configuration" / "signing_key.pem"

    @property
    def configuration_verifying_key(self) -> Path:
        """The public key by which a post knows its configuration."""
        return self.directory / "configuration" / "verifying_key.pem"

    def list_unseal_key(self) -> Path:
        """Return the department's own private key, to which hot lists are sealed too; it is made if there is none."""
        path = self.directory / "hotlist" / "unseal_key.pem"
        if not path.exists():
            write_private(path, private_pem(new_key()))
        return path

    @property
    def list_archive(self) -> Path:
        """The folder that keeps the hot lists built last, sealed."""
        return self.directory / "hotlist" / "built"

    @property
    def publisher(self) -> Path:
        """The folder of the client that publishes the hot list."""
        return self.directory / PUBLISHER

    def posts(self) -> tuple[str, ...]:
        """Return the names of the fleet's posts."""
        return self._names("posts")

    def subscribers(self) -> tuple[str, ...]:
        """Return the names of those who read the fleet's records."""
        return self._names("subscribers")

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Return the distribution groups of each subscriber that has any, whose covert hits it reads too."""
        files = {name: self.subscriber(name) / GROUPS_FILE for name in self.subscribers()}
        return {name: tuple(path.read_text("ascii").split()) for name, path in files.items() if path.is_file()}

    def operators(self) -> tuple[str, ...]:
        """Return the names of those who command the fleet's posts."""
        return self._names("operators")

    def clients(self) -> dict[str, Party]:
        """Return the name of everybody who may connect to the broker, with what they are to it."""
        parties = {Party.POST: self.posts(), Party.SUBSCRIBER: self.subscribers(), Party.OPERATOR: self.operators()}
        return {PUBLISHER: Party.PUBLISHER} | {name: party for party, names in parties.items() for name in names}

    def post(self, name: str) -> Path:
        """Return the folder of a post."""
        return self.directory / "posts" / name

    def subscriber(self, name: str) -> Path:
        """Return the folder of a subscriber."""
        return self.directory / "subscribers" / name

    def operator(self, name: str) -> Path:
        """Return the folder of an operator."""
        return self.directory / "operators" / name

    @property
    def people(self) -> Register:
        """The register of certified people."""
        return Register(self.directory / "people")

    @property
    def acts(self) -> ActLog:
        """The log of what people did to this fleet."""
        return ActLog(self.directory / "acts" / LOG_FILE, Source(self.agency, PUBLISHER))

    def record_key(self, post: str) -> Path:
        """Return the public key by which a post's records are verified."""
        return self.directory / "records" / f"{post}.pem"

    def recipient_key(self, post: str) -> Path:
        """Return the public key to which a hot list is sealed for a post."""
        return self.directory / "recipients" / f"{post}.pem"

    def add_post(self, name: str, settings: PostSettings) -> Path:
        """Make a post's identity and keys, and write its folder with its `post.toml`.

        Raises:
            ProvisioningError: the name cannot be, or is taken.

        """
        self._check_name(name)
        authority = Authority.load(self.directory / "authority")
        folder = self.post(name)
        self._write_client(folder, name, authority)
        signing, unsealing = new_key(), new_key()
        write_private(folder / "signing_key.pem", private_pem(signing))
        write_private(folder / "unseal_key.pem", private_pem(unsealing))
        write_private(folder / "issuer_key.pem", self.list_verifying_key.read_bytes())
        self._write_configuration_key()
        write_private(folder / "configuration_key.pem", self.configuration_verifying_key.read_bytes())
        write_private(folder / "outbox.key", new_outbox_key())
        private_folder(folder / "state")
        for path, key in ((self.record_key(name), signing), (self.recipient_key(name), unsealing)):
            private_folder(path.parent)
            write_private(path, public_pem(key))
        write_private(folder / "post.toml", post_file(agency=self.agency, name=name, settings=settings).encode())
        return folder

    def add_subscriber(self, name: str, *, groups: Iterable[str] = ()) -> Path:
        """Make the identity of someone who reads every record of the agency, and let the broker know.

        Hits of covert entries are no such record: only members of the entry's distribution group read them.

        A running mosquitto reads its access list anew on SIGHUP.

        Raises:
            ProvisioningError: the name, or that of a group, cannot be, or the name is taken.

        """
        self._check_name(name)
        groups = sorted(set(groups))
        for group in groups:
            if not _GROUP.fullmatch(group):
                raise ProvisioningError(f"group {group!r}: use lower-case letters, digits and underscores, at most 32")
        folder = self.subscriber(name)
        self._write_client(folder, name, Authority.load(self.directory / "authority"))
        if groups:
            write_private(folder / GROUPS_FILE, "".join(f"{group}\n" for group in groups).encode())
        self._write_access_list()
        return folder

    def add_operator(
        self,
        name: str,
        role: Role,
        *,
        valid: timedelta = OPERATOR_VALID,
        ends: datetime | None = None,
        full_name: str | None = None,
    ) -> Path:
        """Make the identity of a certified person, enter them in the register, and let the broker know.

        `valid` counts from when the certificate begins, a day ago; `ends` overrides it. A running mosquitto reads its
        access list anew on SIGHUP.

        Raises:
            ProvisioningError: the name cannot be, or is taken.

        """
        self._check_name(name)
        folder = self.operator(name)
        authority = Authority.load(self.directory / "authority")
        key = new_key()
        if ends is not None:
            valid = ends - (datetime.now(UTC) - BACKDATED)
        certificate = authority.issue_operator(name, key, agency=self.agency, role=role.value, valid=valid)
        self._write_identity(folder, key, certificate, authority)
        ends = x509.load_pem_x509_certificate(certificate).not_valid_after_utc
        public = public_pem(key)
        entry = Entry(
            name=name,
            full_name=full_name or name,
            role=role,
            certified=ends - valid,
            expires=ends,
            thumbprint=read_key(public).thumbprint(),
        )
        self.people.enter(entry, public)
        self._write_access_list()
        return folder

    def remove_operator(self, name: str) -> None:
        """Delete a person's identity, end their certification, and take their rights at the broker.

        A running mosquitto reads its access list anew on SIGHUP.

        Raises:
            ProvisioningError: there is nobody of this name.

        """
        if name not in self.operators():
            raise ProvisioningError(f"{name!r} is no operator; there are: {', '.join(self.operators()) or 'none'}")
        if name in self.people:
            self.people.expire(name, datetime.now(UTC))
        shutil.rmtree(self.operator(name))
        self._write_access_list()

    def _check_name(self, name: str) -> None:
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise ProvisioningError(
                f"name {name!r}: use lower-case letters, digits and hyphens, at most 63, and none of "
                + ", ".join(sorted(_RESERVED))
            )
        if name in {*self.posts(), *self.subscribers(), *self.operators()}:
            raise ProvisioningError(f"name {name!r} is taken in this fleet")

    def _names(self, kind: str) -> tuple[str, ...]:
        folder = self.directory / kind
        return tuple(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else ()

    def _write_client(self, folder: Path, name: str, authority: Authority) -> None:
        key = new_key()
        self._write_identity(folder, key, authority.issue_client(name, key), authority)

    def _write_identity(
        self, folder: Path, key: ec.EllipticCurvePrivateKey, certificate: bytes, authority: Authority
    ) -> None:
        private_folder(folder.parent)
        private_folder(folder)
        write_private(folder / KEY_FILE, private_pem(key))
        write_private(folder / CERTIFICATE_FILE, certificate)
        write_private(folder / ROOT_FILE, authority.pem)

    def _write_configuration_key(self) -> None:
        if self.configuration_signing_key.exists():
            return
        private_folder(self.configuration_signing_key.parent)
        key = new_key()
        write_private(self.configuration_signing_key, private_pem(key))
        write_private(self.configuration_verifying_key, public_pem(key))

    def _write_access_list(self) -> None:
        path = self.broker.access_list
        path.unlink(missing_ok=True)
        text = mosquitto.access_list(
            self.agency,
            publisher=PUBLISHER,
            subscribers=self.subscribers(),
            operators=self.operators(),
            groups=self.groups(),
        )
        write_private(path, text.encode())


def _owner(folder: Path) -> str | None:
    """Return the name of the user whose folder it is, where the system knows one."""
    try:
        return folder.owner()
    except (KeyError, NotImplementedError):
        return None
