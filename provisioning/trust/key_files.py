"""Where a fleet keeps the keys that sign lists, configurations or receipts, and what was said of them.

::

    FOLDER/signing_key.pem           the key in force
    FOLDER/verifying_key.pem         its public half
    FOLDER/keys/statements           all that posts learn about these keys, a signed line each
    FOLDER/keys/next.pem             a key that was announced and signs nothing else yet
    FOLDER/keys/next.pub.pem         its public half
    FOLDER/keys/former/THUMB.pem     public halves of those that were replaced
    FOLDER/keys/revoked/THUMB.pem    and of those that someone else may have
    FOLDER/terms.json                of a custodian: what posts learn of it before any statement
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode
from pydantic import ValidationError

from platepost.common.files import write_durably
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.trust.keys import private_folder
from platepost.wire.records import CustodianTerms, KeyStatement, Purpose
from platepost.wire.records.signing import read_key
from platepost.wire.records.topics import custody_keys_topic, keys_topic

TERMS_FILE = "terms.json"


def key_label(purpose: str, custodian: str | None) -> str:
    """Return what keys sign, for people and logs."""
    return str(purpose) if custodian is None else f"{purpose} of {custodian}"


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """The files of one purpose, or of one custodian's receipts."""

    purpose: Purpose
    folder: Path
    custodian: str | None = None
    """Whose they are, with the purpose custody."""

    @property
    def label(self) -> str:
        """What the keys sign, for people and logs: `lists`, `configuration`, `custody of records`."""
        return key_label(self.purpose, self.custodian)

    def topic(self, agency: str) -> str:
        """Return the topic on which posts learn about these keys."""
        if self.custodian is None:
            return keys_topic(agency, self.purpose)
        return custody_keys_topic(agency, self.custodian)

    @property
    def signing(self) -> Path:
        """The private key in force."""
        return self.folder / "signing_key.pem"

    @property
    def verifying(self) -> Path:
        """Its public half."""
        return self.folder / "verifying_key.pem"

    @property
    def next(self) -> Path:
        """The private key that was announced, if one is on its way."""
        return self.folder / "keys" / "next.pem"

    @property
    def next_public(self) -> Path:
        """Its public half."""
        return self.folder / "keys" / "next.pub.pem"

    def former(self, *, revoked: bool = False) -> list[Path]:
        """Return the public keys that were replaced, or revoked."""
        return sorted((self.folder / "keys" / ("revoked" if revoked else "former")).glob("*.pem"))

    def lines(self) -> list[bytes]:
        """Return the statements, oldest first; none if the key was never replaced."""
        try:
            return (self.folder / "keys" / "statements").read_bytes().split()
        except FileNotFoundError:
            return []

    def last(self) -> KeyStatement | None:
        """Return what was said last.

        Raises:
            ProvisioningError: the file is damaged.

        """
        lines = self.lines()
        try:
            return KeyStatement.model_validate_json(urlsafe_b64decode(lines[-1].split(b".")[1])) if lines else None
        except (JoseError, ValidationError, ValueError, IndexError) as error:
            raise ProvisioningError(f"{self.folder / 'keys' / 'statements'}: damaged") from error

    def terms(self) -> CustodianTerms | None:
        """Return what posts need the custodian for, by the last statement; None for keys of no custodian.

        Raises:
            ProvisioningError: the file is damaged.

        """
        if self.custodian is None:
            return None
        last = self.last()
        if last is not None:
            return last.custodian
        try:
            return CustodianTerms.model_validate_json((self.folder / TERMS_FILE).read_bytes(), strict=True)
        except (OSError, ValidationError) as error:
            raise ProvisioningError(f"{self.folder / TERMS_FILE}: damaged") from error

    def write_terms(self, terms: CustodianTerms) -> None:
        """Keep what posts need a new custodian for, on disk on return."""
        self._write(self.folder / TERMS_FILE, json.dumps(terms.wire(), indent=2).encode() + b"\n")

    def write_lines(self, lines: list[bytes]) -> None:
        """Keep the statements, on disk on return."""
        self._write(self.folder / "keys" / "statements", b"\n".join(lines) + b"\n")

    def write_next(self, private: bytes, public: bytes) -> None:
        """Keep a key that is on its way, on disk on return."""
        # The private one last: by it the pair is there or is not.
        self.next.unlink(missing_ok=True)
        self._write(self.next_public, public)
        self._write(self.next, private)

    def use_next(self) -> None:
        """Have the key that is on its way in force, on disk on return."""
        self._write(self.verifying, self.next_public.read_bytes())
        self._write(self.signing, self.next.read_bytes())
        # Last: as long as it is there, the same is done again.
        self.next.unlink()
        self.next_public.unlink()

    def keep_former(self, public: bytes, *, revoked: bool) -> None:
        """Keep the public half of a key that no longer signs."""
        folder = private_folder(self.folder / "keys" / ("revoked" if revoked else "former"))
        self._write(folder / f"{read_key(public).thumbprint()}.pem", public)

    def announced(self) -> str:
        """Return the thumbprint of the key that posts are to go by."""
        last = self.last()
        return read_key(self.verifying.read_bytes()).thumbprint() if last is None else last.key.thumbprint

    def accepted(self) -> list[ECKey]:
        """Return the keys that posts take something new by, the fleet's own first."""
        last = self.last()
        keys = [read_key(self.verifying.read_bytes())]
        if last is not None:
            now = datetime.now(UTC)
            former = (key for key in last.former if key.until is None or key.until > now)
            named = {last.key.thumbprint, *(key.thumbprint for key in former)}
            keys += [key for key in self._others() if key.thumbprint() in named]
        return keys

    def readable(self) -> list[ECKey]:
        """Return the keys that verify the fleet's own files: the present, next and former ones, but no revoked one."""
        return [read_key(self.verifying.read_bytes()), *self._others()]

    def revoked(self) -> list[ECKey]:
        """Return the keys that were revoked."""
        return [read_key(path.read_bytes()) for path in self.former(revoked=True)]

    def _others(self) -> list[ECKey]:
        paths = [*self.former(), *([self.next_public] if self.next_public.exists() else [])]
        return [read_key(path.read_bytes()) for path in paths]

    def _write(self, path: Path, content: bytes) -> None:
        try:
            private_folder(path.parent)
            write_durably(path, content)
        except OSError as error:
            raise ProvisioningError(f"{path}: cannot be written: {error.strerror or error}") from error
