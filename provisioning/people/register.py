"""The register of a department's certified people: who, in which role, until when, with which key.

::

    people/
      NAME.json        full name, role, begin and end of certification, thumbprint of the key
      keys/            the public key of everyone who ever was certified, for `platepost verify acts.jsonl --key keys`

It outlives the people: who left stays in it, so that what they did can still be verified.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict

from platepost.common.files import StateFile
from platepost.common.language import local
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.people.person import NotCertifiedError
from platepost.provisioning.trust.keys import private_folder, write_private
from platepost.wire.records import Role
from platepost.wire.records.base import Line, UtcTime
from platepost.wire.records.signing import read_key


class CertifiedPerson(BaseModel):
    """One certified person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """As in the certificate and in every log."""
    full_name: Annotated[str, Line]
    role: Role
    certified: UtcTime
    expires: UtcTime
    """When the certification ends; the certificate ends no later."""
    thumbprint: str
    """RFC 7638, of the key that signs the person's acts."""

    def is_certified(self, at: datetime | None = None) -> bool:
        """Tell whether the certification is valid at a moment; now where None."""
        return self.certified <= (at or datetime.now(UTC)) < self.expires


class Register:
    """The register in a folder, which is made when someone is entered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def keys(self) -> Path:
        """The folder of everyone's public keys."""
        return self._folder / "keys"

    def __iter__(self) -> Iterator[CertifiedPerson]:
        """Yield everyone, by name."""
        for path in sorted(self._folder.glob("*.json")):
            yield self._read(path)

    def __contains__(self, name: str) -> bool:
        return self._path(name).is_file()

    def __getitem__(self, name: str) -> CertifiedPerson:
        """Return one person's entry.

        Raises:
            ProvisioningError: no one of this name was ever certified, or the entry is damaged.

        """
        path = self._path(name)
        if not path.is_file():
            known = ", ".join(entry.name for entry in self) or "nobody"
            raise ProvisioningError(f"{name!r} is not in the register of certified people; there are: {known}")
        return self._read(path)

    def enter(self, entry: CertifiedPerson, public_key: bytes) -> None:
        """Enter a person, or what has changed of one, and keep their public key, PEM."""
        self.keep_key(entry.name, public_key)
        self._write(entry)

    def keep_key(self, name: str, public_key: bytes) -> None:
        """Keep a person's public key, PEM, so that their signatures can be verified later, under their name only."""
        private_folder(self._folder)
        private_folder(self.keys)
        key = self.keys / f"{name}.{read_key(public_key).thumbprint()[:12]}.pem"
        if not key.exists():
            write_private(key, public_key)

    def expire(self, name: str, at: datetime) -> CertifiedPerson:
        """End a person's certification at a moment, if it does not end before.

        Raises:
            ProvisioningError: there is no one of this name.

        """
        entry = self[name]
        ended = entry.model_copy(update={"expires": min(entry.expires, at), "certified": min(entry.certified, at)})
        self._write(ended)
        return ended

    def require(self, name: str, thumbprint: str, role: Role) -> None:
        """Make sure that a person with this key is certified now, in a role that their certificate says.

        Raises:
            NotCertifiedError: no one of this name is, with this key, or no longer, or in another role.

        """
        if name not in self or self[name].thumbprint != thumbprint:
            raise NotCertifiedError(f"{name} is not certified in this fleet with this key", reason="unknown_person")
        entry = self[name]
        if not entry.is_certified():
            raise NotCertifiedError(
                f"the certification of {name} ended on {local(entry.expires)}; an administrator renews it",
                reason="certification_expired",
            )
        # Anyone who has the key could make a certificate of any role for it.
        if entry.role is not role:
            raise NotCertifiedError(f"{name} is certified as {entry.role.value}, not as {role.value}", reason="role")

    def _write(self, entry: CertifiedPerson) -> None:
        StateFile(self._path(entry.name), CertifiedPerson).write(entry)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _read(self, path: Path) -> CertifiedPerson:
        try:
            return CertifiedPerson.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            raise ProvisioningError(f"{path}: the entry of a person is damaged ({error})") from error
