"""Members of a fleet: posts, subscribers, custodians, and operators are added, and operators removed."""

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from platepost.common.files import flush_all, flush_folder
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.certifying import CertifyingFleet
from platepost.provisioning.fleet.layout import GROUPS_FILE, NOBODY, PUBLISHER, STATE
from platepost.provisioning.fleet.post_file import PostSettings, custodian_key_file, post_file
from platepost.provisioning.fleet.reads import ReadsGrant, write_grant
from platepost.provisioning.fleet.register import keep_former, write_register
from platepost.provisioning.people.register import CertifiedPerson
from platepost.provisioning.trust.certificates import BACKDATED
from platepost.provisioning.trust.key_files import TERMS_FILE, KeyFiles
from platepost.provisioning.trust.keys import (
    new_outbox_key,
    private_folder,
    private_pem,
    public_pem,
    replace_private,
    write_private,
)
from platepost.wire.records import CustodianTerms, Purpose, Role
from platepost.wire.records.signing import read_key
from platepost.wire.records.topics import RESERVED_POSTS

OPERATOR_VALID = timedelta(days=180)
"""Shorter than a post's: people leave, and posts do not check for revocation."""

_GROUP = re.compile(r"[a-z][a-z0-9_]{0,31}")
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A member's or an agency's name, which is a level of a topic."""
_RESERVED = RESERVED_POSTS | {NOBODY, PUBLISHER}
"""Names that would collide with the department's own client, with topics of the whole agency, or with the placeholder
for nobody."""


class FleetMembers(CertifyingFleet):
    """A fleet whose members can be added and removed."""

    def add_post(self, name: str, settings: PostSettings) -> Path:
        """Make a post's identity and keys, write its folder with its `post.toml`, and enter its key in the register.

        Raises:
            ProvisioningError: the name is invalid or taken.

        """
        self.check_free(name)  # before asking for a passphrase
        authority = self.open_authority()
        folder = self.post(name)
        with self._made_atomically(folder) as unfinished:
            self._write_client(unfinished, name, authority)
            signing, unsealing = self.issuance.make_key(), self.issuance.make_key()
            write_private(unfinished / "signing_key.pem", private_pem(signing))
            write_private(unfinished / "unseal_key.pem", private_pem(unsealing))
            write_private(unfinished / "issuer_key.pem", self.list_verifying_key.read_bytes())
            write_private(unfinished / "configuration_key.pem", self.configuration_verifying_key.read_bytes())
            write_private(unfinished / "outbox.key", new_outbox_key())
            private_folder(unfinished / STATE)
            self._write_post_file(unfinished, name, settings)
            for path, key in ((self.record_key(name), signing), (self.recipient_key(name), unsealing)):
                private_folder(path.parent)
                keep_former(path)  # of a revoked post of the same name
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
        """Make the identity of a subscriber to hits and post status, and add it to the broker's ACL.

        With `reads` it receives every record until the grant ends. Hits of covert entries go only to members of their
        distribution group. mosquitto rereads its ACL when it restarts.

        Raises:
            ProvisioningError: the name or that of a group is invalid, or the name is taken.

        """
        self.check_free(name)  # before asking for a passphrase
        groups = checked_groups(groups)
        folder = self.subscriber(name)
        authority = self.open_authority()
        with self._made_atomically(folder) as unfinished:
            self._write_client(unfinished, name, authority)
            write_grant(unfinished, reads)
            if groups:
                write_private(unfinished / GROUPS_FILE, "".join(f"{group}\n" for group in groups).encode())
        self.write_access_list()
        return folder

    def grant_reads(self, name: str, reads: ReadsGrant | None) -> None:
        """Grant a subscriber every record until the grant ends, or withdraw that (None).

        It takes effect when mosquitto restarts.

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
        """Make a custodian's identity and receipt-signing key, and add it to the broker's ACL.

        Posts learn from a statement of the root that they need its receipts; with `required`, which needs a fleet
        without posts, from their first configuration. Its keys are not encrypted: a custodian starts unattended.
        mosquitto reads its ACL when it starts.

        Raises:
            ProvisioningError: the name or that of a group is invalid, or the name is taken or was a custodian's.

        """
        self.check_free(name)  # before asking for a passphrase
        terms = CustodianTerms(name=name, groups=checked_groups(groups), required=required)
        if any(self.directory.glob(f"revoked/{name}.*/{TERMS_FILE}")):
            raise ProvisioningError(
                f"a custodian {name!r} was revoked; posts take no other of its name: choose another"
            )
        folder = self.custodian(name)
        authority = self.open_authority()
        with self._made_atomically(folder) as unfinished:
            self._write_client(unfinished, name, authority)
            keys = KeyFiles(Purpose.CUSTODY, unfinished, name)
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
        """Make the identity of a certified person, enter them in the register, and add them to the broker's ACL.

        A list builder's certificate cannot connect to the broker: the publisher sends its lists.

        `valid` counts from when the certificate begins, a day ago; `ends` overrides it. `passphrase` encrypts the key.
        mosquitto reads its ACL when it starts.

        Raises:
            ProvisioningError: the name is invalid or taken.

        """
        self.check_free(name)  # before asking for a passphrase
        folder = self.operator(name)
        authority = self.open_authority()
        key = self.issuance.make_key()
        if ends is not None:
            valid = ends - (datetime.now(UTC) - BACKDATED)
        certificate = authority.issue_operator(
            name, key, agency=self.agency, role=role.value, valid=valid, connects=role is not Role.LIST_BUILDER
        )
        with self._made_atomically(folder) as unfinished:
            self._write_identity(unfinished, key, certificate, authority, passphrase)
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
        """End a person's certification, revoke their certificates, remove their rights, and delete their identity.

        If interrupted, it can be run again. mosquitto reads its ACL and the CRLs when it starts.

        Raises:
            ProvisioningError: no one has this name, or this is the only administrator.

        """
        known = {*(entry.name for entry in self.people), *self.identities()}
        # A former person stays in the register, and a post or subscriber may have the name by now.
        if name not in known - {*self.posts(), *self.subscribers(), *self.custodians()}:
            raise ProvisioningError(f"{name!r} is not an operator; there are: {', '.join(self.operators()) or 'none'}")
        authority = self.open_authority()
        with self.locked():
            administrators = {
                entry.name for entry in self.people if entry.role is Role.ADMINISTRATOR and entry.is_certified()
            }
            if administrators == {name}:
                raise ProvisioningError(
                    f"{name} is the only administrator: no one could act on this fleet; certify another one first"
                )
            if name in self.people:
                self.people.expire(name, datetime.now(UTC))
            self.revoke_certificates(name, "certification_ended", authority=authority)
            if name in self.identities():
                shutil.rmtree(self.operator(name))
            self.write_access_list()

    def check_free(self, name: str, *, post: bool = False) -> None:
        """Check that a name is valid and free; with `post`, a post may already have it.

        Raises:
            ProvisioningError: it is not valid in a topic, or is taken.

        """
        self.check_spelling(name)
        certified = (entry.name for entry in self.people if entry.is_certified())
        taken = {*self.subscribers(), *self.custodians(), *certified, *self.identities()}
        if name in taken or (not post and name in self.posts()):
            raise ProvisioningError(f"name {name!r} is taken in this fleet")

    @staticmethod
    def check_spelling(name: str) -> None:
        """Check that a name is valid in a topic.

        Raises:
            ProvisioningError: it is not.

        """
        if not NAME.fullmatch(name) or name in _RESERVED:
            raise ProvisioningError(
                f"name {name!r}: use lower-case letters, digits and hyphens, at most 63, and none of "
                + ", ".join(sorted(_RESERVED))
            )

    @contextmanager
    def _made_atomically(self, folder: Path) -> Iterator[Path]:
        """Yield a temporary folder for a new identity, then rename it into place. If interrupted, the name stays free.

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


def checked_groups(groups: Iterable[str]) -> tuple[str, ...]:
    """Return the names of distribution groups in order, each once.

    Raises:
        ProvisioningError: one is not valid in a topic.

    """
    checked = sorted(set(groups))
    for group in checked:
        if not _GROUP.fullmatch(group):
            raise ProvisioningError(f"group {group!r}: use lower-case letters, digits and underscores, at most 32")
    return tuple(checked)
