"""Where everything of a fleet lies on disk.

::

    DIR/
      fleet.json                       the agency, the broker's names, whether keys are sealed with a passphrase;
                                       unfinished.json until all is made
      root/                            the root's certificate and key: take it offline, only a new authority needs it
      authority/                       the issuing authority; former/ those before; the ledger of what was issued and
                                       revoked
      hotlist/                         the key that signs hot lists, its public half, the department's own unsealing
                                       key; built/ keeps the last packages, keys/ what was said of former keys
      configuration/                   the key that signs posts' configurations, and its public half; versions given;
                                       keys/ likewise
      broker/                          certificate, key, root, revoked certificates, mosquitto.conf, acl; state/ is what
                                       it keeps
      department/                      the client that publishes the hot list
      posts/NAME/                      what is known of one post; of one made here, all that goes onto it
      records/NAME.pem                 the public half of each post's record-signing key, for those who verify; former/
                                       those of units that were replaced; register.jws all of them, signed
      recipients/NAME.pem              the public half of each post's unsealing key, for those who seal hot lists
      custody/NAME/                    client certificate, key and root of a keeper of records; the key that signs its
                                       receipts, its public half, what posts need them for; keys/ likewise
      subscribers/NAME/                client certificate, key and root of a reader of the records
      operators/NAME/                  the same of certified people, with their role, until it is handed over
      ssh/                             the key that certifies technicians' keys for ssh, and its public half
      people/                          the register of everyone who was ever certified, with their public keys
      acts/acts.jsonl                  the log of what they did here, signed and chained; no one.pem the key for what
                                       no one signed for
      enrollment/                       the server that enrolls posts, and the codes that were given out
      lock                             empty; held by whoever changes something

Every file is mode 0600 in folders of mode 0700. A name that exists is refused, never overwritten.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePath

from platepost.provisioning.brokers import mosquitto
from platepost.provisioning.brokers.rights import Party
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.reads import ReadsGrant, has_been_asked, read_grant
from platepost.provisioning.people.acts import LOG_FILE, ActLog
from platepost.provisioning.people.register import Register
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, CHAIN_FILE, KEY_FILE
from platepost.provisioning.trust.certificates import ORDINARY
from platepost.provisioning.trust.key_files import TERMS_FILE, KeyFiles
from platepost.provisioning.trust.ledger import CertificateLedger
from platepost.wire.records import CustodianTerms, Purpose, Role, Source

LOCK_FILE = "lock"

_MINE = threading.local()


PUBLISHER = "department"
NOBODY = "nobody"
"""In whose name the log of acts has what no one signed for; see `platepost.provisioning.fleet.unattributed`."""
ROOT_FILE = CHAIN_FILE
GROUPS_FILE = "groups"
"""In a subscriber's folder: its distribution groups, a line each."""
STATE = "state"
"""The folder of what a broker, or a post made here, keeps while it runs."""
NATS = PurePath("broker", "nats")
"""The files of a broker that is no longer supported."""


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Lock the fleet in a folder: other processes and threads wait, and a thread that has the lock already goes on.

    Never hold it while a person is asked for something: open what is sealed first.

    Raises:
        ProvisioningError: it cannot be written to.

    """
    held: set[Path] = _MINE.__dict__.setdefault("held", set())
    if directory in held:
        yield
        return
    try:
        descriptor = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ProvisioningError(f"{directory}: the fleet cannot be changed: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        held.add(directory)
        yield
    finally:
        held.discard(directory)
        os.close(descriptor)


def is_left_out(folder: PurePath) -> bool:
    """Tell whether a folder, by its path in the fleet, is in no copy of it.

    That is what a broker or a post keeps while it runs, lists, which can be built again, and files for NATS, with which
    no fleet opens. Anyone may be called as these are.
    """
    if folder == NATS:
        return True
    match folder.parts:
        case ("hotlist", "built") | ("broker", "state") | ("broker" | "posts", _, "state"):
            return True
    return False


class Layout:
    """The paths of a fleet, and who is in it."""

    def __init__(self, directory: Path, agency: str, broker_names: tuple[str, ...], *, sealed: bool = False) -> None:
        self.directory = directory
        self.agency = agency
        self.broker_names = broker_names
        self.sealed = sealed
        """Whether the keys that sign are sealed with a passphrase."""
        self.issuance = ORDINARY
        """Where keys and times of new identities come from."""

    def __repr__(self) -> str:
        return f"<Fleet {self.agency!r} in {self.directory}, {len(self.posts())} posts>"

    def locked(self) -> AbstractContextManager[None]:
        """Lock the fleet, as `locked` says, for what is read, changed and written back."""
        return locked(self.directory)

    @property
    def root(self) -> Path:
        """The folder of the root, which may have been taken away."""
        return self.directory / "root"

    @property
    def authority(self) -> Path:
        """The folder of the issuing authority."""
        return self.directory / "authority"

    @property
    def certificates(self) -> CertificateLedger:
        """The certificates that were issued and revoked."""
        return CertificateLedger(self.authority / "ledger.jsonl")

    @property
    def broker(self) -> mosquitto.BrokerFiles:
        """The files that a broker of this fleet needs."""
        folder = self.directory / "broker"
        revoked = folder / "revoked.pem"
        return mosquitto.BrokerFiles(
            authority=folder / ROOT_FILE,
            certificate=folder / CERTIFICATE_FILE,
            private_key=folder / KEY_FILE,
            access_list=folder / "acl",
            revoked=revoked if revoked.exists() else None,
            revoked_folder=revoked.with_suffix("") if revoked.with_suffix("").exists() else None,
        )

    @property
    def list_signing_key(self) -> Path:
        """The private key that signs this fleet's hot lists."""
        return self.keys(Purpose.LISTS).signing

    @property
    def list_verifying_key(self) -> Path:
        """The public key by which a post knows this fleet's hot lists."""
        return self.keys(Purpose.LISTS).verifying

    @property
    def configuration_signing_key(self) -> Path:
        """The private key that signs the configurations of this fleet's posts."""
        return self.keys(Purpose.CONFIGURATION).signing

    @property
    def configuration_verifying_key(self) -> Path:
        """The public key by which a post knows its configuration."""
        return self.keys(Purpose.CONFIGURATION).verifying

    def keys(self, purpose: Purpose, custodian: str | None = None) -> KeyFiles:
        """Return where the keys of a purpose lie; with the purpose custody, those of a `custodian`."""
        if custodian is not None:
            return KeyFiles(purpose, self.custodian(custodian), custodian)
        folders = {Purpose.LISTS: "hotlist", Purpose.CONFIGURATION: "configuration"}
        return KeyFiles(purpose, self.directory / folders[purpose])

    @property
    def list_archive(self) -> Path:
        """The folder that keeps the hot lists built last, sealed."""
        return self.directory / "hotlist" / "built"

    @property
    def publisher(self) -> Path:
        """The folder of the client that publishes the hot list."""
        return self.directory / PUBLISHER

    @property
    def people(self) -> Register:
        """The register of certified people."""
        return Register(self.directory / "people")

    @property
    def acts(self) -> ActLog:
        """The log of what people did to this fleet."""
        return ActLog(self.directory / "acts" / LOG_FILE, Source(self.agency, PUBLISHER))

    @property
    def enrollment(self) -> Path:
        """The folder of the server that enrolls posts."""
        return self.directory / "enrolment"

    def posts(self) -> tuple[str, ...]:
        """Return the names of the fleet's posts."""
        return self._names("posts")

    def subscribers(self) -> tuple[str, ...]:
        """Return the names of those who read the fleet's records."""
        return self._names("subscribers")

    def reads(self) -> dict[str, ReadsGrant | None]:
        """Return what each subscriber was granted; without those of an earlier version, about whom nothing is known.

        Raises:
            ProvisioningError: a file of one is damaged.

        """
        folders = {name: self.subscriber(name) for name in self.subscribers()}
        return {name: read_grant(folder) for name, folder in folders.items() if has_been_asked(folder)}

    def custodians(self) -> tuple[str, ...]:
        """Return the names of those who keep the fleet's records and give receipts for them."""
        return tuple(name for name in self._names("custody") if (self.custodian(name) / TERMS_FILE).exists())

    def terms(self) -> tuple[CustodianTerms, ...]:
        """Return what posts need each custodian for.

        Raises:
            ProvisioningError: a file of one is damaged.

        """
        custodian_terms = (self.keys(Purpose.CUSTODY, name).terms() for name in self.custodians())
        return tuple(terms for terms in custodian_terms if terms is not None)

    def required_custodians(self) -> tuple[CustodianTerms, ...]:
        """Return the custodians whose receipts posts need, with what for.

        Raises:
            ProvisioningError: a file of one is damaged.

        """
        return tuple(terms for terms in self.terms() if terms.required)

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Return the distribution groups of each subscriber and custodian in any, whose covert hits it reads too.

        Raises:
            ProvisioningError: a file of a custodian is damaged.

        """
        files = {name: self.subscriber(name) / GROUPS_FILE for name in self.subscribers()}
        groups = {name: tuple(path.read_text("ascii").split()) for name, path in files.items() if path.is_file()}
        return groups | {terms.name: terms.groups for terms in self.terms() if terms.groups}

    def operators(self) -> tuple[str, ...]:
        """Return the names of those who are certified now to command posts, wherever they keep their identity.

        And of a proof's clients, which are in no register: only for a minute is there a folder of their name.
        """
        command = {entry.name: entry.is_certified() and entry.role is not Role.LIST_BUILDER for entry in self.people}
        return tuple(sorted(name for name in {*command, *self.identities()} if command.get(name, True)))

    def identities(self) -> tuple[str, ...]:
        """Return the names of those whose identity lies here: not handed over yet, or kept on this desk."""
        return self._names("operators")

    def clients(self) -> dict[str, Party]:
        """Return the name of everyone who may connect to the broker, with what they are to it now.

        Raises:
            ProvisioningError: a file of a subscriber is damaged.

        """
        granted = {name for name, grant in self.reads().items() if grant is None or grant.is_over()}
        parties = {
            Party.POST: self.posts(),
            Party.SUBSCRIBER: tuple(name for name in self.subscribers() if name in granted),
            Party.READER: tuple(name for name in self.subscribers() if name not in granted),
            Party.CUSTODIAN: self.custodians(),
            Party.OPERATOR: self.operators(),
        }
        return {PUBLISHER: Party.PUBLISHER} | {name: party for party, names in parties.items() for name in names}

    def post(self, name: str) -> Path:
        """Return the folder of a post."""
        return self.directory / "posts" / name

    def subscriber(self, name: str) -> Path:
        """Return the folder of a subscriber."""
        return self.directory / "subscribers" / name

    def custodian(self, name: str) -> Path:
        """Return the folder of a custodian: its identity and its keys."""
        return self.directory / "custody" / name

    def operator(self, name: str) -> Path:
        """Return the folder of an operator."""
        return self.directory / "operators" / name

    def record_key(self, post: str) -> Path:
        """Return the public key by which a post's records are verified."""
        return self.directory / "records" / f"{post}.pem"

    @property
    def register(self) -> Path:
        """The signed register of the posts' keys, for anyone who keeps the records."""
        return self.directory / "records" / "register.jws"

    def recipient_key(self, post: str) -> Path:
        """Return the public key to which a hot list is sealed for a post."""
        return self.directory / "recipients" / f"{post}.pem"

    def _names(self, kind: str) -> tuple[str, ...]:
        folder = self.directory / kind
        if not folder.is_dir():
            return ()
        # A file is a stray one, such as an editor's backup or a desktop's `.DS_Store`.
        return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
