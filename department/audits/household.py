"""Plates of people's own households, which they name with consent, so that no one looks up their own unseen.

What is kept of a plate is an HMAC-SHA256 by a key in a file that the nightly process alone can read. It is held against
the ledger, never against a search that someone makes. It goes when the person is disabled, or takes consent back.

The pages do not have the key. What someone names there is sealed to it (a compact JWE, ECDH-ES on X25519), and the
next night turns it into digests.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from platepost.common.files import write_durably
from platepost.department.audits.errors import AuditError
from platepost.department.custody.projections import folded
from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import entering
from platepost.department.people.services import person_of

KEY_BYTES = 32
MOST_PLATES = 10
"""Of one household, on the page. The database has it, too."""
_SEALED = {"alg": "ECDH-ES", "enc": "A256GCM"}


class HouseholdKey:
    """The key in a file.

    Args:
        path: the file.

    Raises:
        AuditError: it is missing, open to others, another user's, or no key.

    """

    def __init__(self, path: Path) -> None:
        try:
            status = path.stat()
            self._key = path.read_bytes()
        except OSError as error:
            raise AuditError(f"{path}: {error.strerror}") from error
        if status.st_mode & 0o077 or status.st_uid != os.geteuid():
            raise AuditError(f"{path} is open to others, or another user's: anyone who can read it can try every plate")
        if len(self._key) != KEY_BYTES:
            raise AuditError(f"{path} has no key of {KEY_BYTES} bytes")
        own = X25519PrivateKey.from_private_bytes(hmac.digest(self._key, b"sealing", hashlib.sha256))
        self._sealing = OKPKey(own, own)

    @property
    def public(self) -> dict[str, Any]:
        """What the pages seal to, a JWK."""
        return dict(self._sealing.as_dict(private=False))

    def digest(self, person: str, plate: str) -> bytes:
        """Return what is kept of a plate, folded, of someone's household."""
        return hmac.digest(self._key, f"{person}\0{plate}".encode(), hashlib.sha256)

    def opened(self, sealed: str, person: str) -> list[str]:
        """Return the plates, folded, that a person has sealed. Raises AuditError: not to this key, or another's."""
        try:
            payload = json.loads(jwe.decrypt_compact(sealed, self._sealing, registry=_registry()).plaintext or b"null")
        except (JoseError, ValueError) as error:
            raise AuditError(f"the list that {person} encrypted does not open") from error
        if not isinstance(payload, dict) or payload.get("person") != person:
            raise AuditError(f"the list that {person} encrypted belongs to someone else")
        return [*payload["plates"]]

    def known(self) -> Callable[[str, str], bool]:
        """Return what tells of a person and a plate whether it is of their household, as they are known now."""
        digests = {(person, bytes(digest)) for person, digest in rows("SELECT person, digest FROM audits_household")}
        people = {person for person, _ in digests}
        return lambda person, plate: person in people and (person, self.digest(person, plate)) in digests


@dataclass(frozen=True, slots=True)
class NotedHousehold:
    """What is kept of someone's household."""

    plates: int
    at: datetime
    waits: bool
    """Whether it is sealed still, and compared from the next night on."""


def prepare_key(path: Path, public: Path) -> None:
    """Make the household key, once, as the owner of the tables; digests by a key that is gone are deleted.

    Args:
        path: the key; a file that is there stays.
        public: what the pages seal to. If it is there, the key is, or is elsewhere.

    """
    if public.exists():
        return
    if not path.exists():
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM audits_household; DELETE FROM audits_household_sealed")
        write_durably(path, secrets.token_bytes(KEY_BYTES))
    write_durably(public, json.dumps(HouseholdKey(path).public).encode())


def require_published(key: HouseholdKey, public: Path) -> None:
    """Make sure that the pages seal to a key. Raises AuditError: they seal to another one, or to none."""
    if _public(public) != key.public:
        raise AuditError(f"{public} is of another key, by which households were noted: bring that one back")


def note_household(key: HouseholdKey, login: str, plates: Iterable[str], *, consent: str, by: str) -> int:
    """Keep the plates of a person's household in place of those that were kept; return how many.

    Args:
        key: of the nightly process.
        login: whose.
        plates: as people write them; none takes the consent back.
        consent: where the person's consent is stored.
        by: who enters it.

    Raises:
        PersonError: no one has the username.
        AuditError: the person is disabled.
        LedgerError: it cannot be entered.

    """
    if person_of(login).disabled_at is not None:
        raise AuditError(f"{login} is disabled")
    noted = {folded_plate(plate) for plate in plates}
    with _replaced(login, by=by, consent=consent) as (fields, cursor, _):
        fields["count"] = _keep(cursor, key, login, noted)
    return len(noted)


def seal_household(login: str, plates: Collection[str], public: Path) -> None:
    """Seal what a person names on their page, in place of what is kept; it is compared from the next night on.

    Args:
        login: whose, and who asks.
        plates: folded; none takes the consent back.
        public: the file with what is sealed to.

    Raises:
        AuditError: there is no key yet.
        LedgerError: it cannot be entered.

    """
    consent = "given on the page" if plates else "withdrawn on the page"
    with _replaced(login, by=login, consent=consent) as (fields, cursor, _):
        fields["count"] = len(plates)
        if plates:
            key, named = OKPKey.import_key(_public(public)), json.dumps({"person": login, "plates": [*plates]})
            sealed = jwe.encrypt_compact(_SEALED, named.encode(), key, registry=_registry())
            cursor.execute(
                "INSERT INTO audits_household_sealed (person, sealed, plates) VALUES (%s, %s, %s)",
                [login, sealed, len(plates)],
            )


def open_sealed(key: HouseholdKey, *, by: str) -> None:
    """Turn what people sealed on their pages into digests. What cannot be opened is deleted; the ledger says so.

    Raises:
        LedgerError: it cannot be entered.

    """
    for login, given_at in rows("SELECT person, given_at FROM audits_household_sealed ORDER BY person"):
        consent = f"given on the page on {timezone.localtime(given_at):%Y-%m-%d}"
        with _replaced(login, by=by, consent=consent) as (fields, cursor, sealed):
            try:
                # None: the person has taken it back meanwhile.
                fields["count"] = _keep(cursor, key, login, key.opened(sealed, login) if sealed else [])
            except AuditError as error:
                fields |= {"count": 0, "consent": str(error)}


def household_of(login: str) -> NotedHousehold | None:
    """Return what is kept of someone's household; None where they have named nothing."""
    fetched = rows(
        "SELECT plates, given_at, true FROM audits_household_sealed WHERE person = %s UNION ALL"
        " SELECT count(*), max(noted_at), false FROM audits_household WHERE person = %s HAVING count(*) > 0",
        [login, login],
    )
    return NotedHousehold(*fetched[0]) if fetched else None


def folded_plate(text: str) -> str:
    """Return a plate as it is compared, of what a person writes."""
    return folded("".join(character for character in text.upper() if character.isalnum()))


@contextmanager
def _replaced(login: str, *, by: str, consent: str) -> Iterator[tuple[dict[str, Any], CursorWrapper, str | None]]:
    """Forget a household, and give what was sealed of it, in the transaction of what takes its place."""
    fields = {"person": login, "by": by, "consent": consent}
    with entering(LedgerEvent.HOUSEHOLD_NOTED, fields) as entered, connection.cursor() as cursor:
        cursor.execute("SELECT audits_forget_household(%s)", [login])
        (sealed,) = cursor.fetchone() or (None,)
        yield entered, cursor, sealed


def _keep(cursor: CursorWrapper, key: HouseholdKey, login: str, plates: Iterable[str]) -> int:
    digests = {key.digest(login, plate) for plate in plates}
    cursor.executemany(
        "INSERT INTO audits_household (person, digest) VALUES (%s, %s)", [(login, digest) for digest in digests]
    )
    return len(digests)


def _public(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise AuditError("there is no household key yet: `upgrade` makes it") from error


def _registry() -> jwe.JWERegistry:
    return jwe.JWERegistry(algorithms=[*_SEALED.values()])
