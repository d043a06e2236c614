"""Plates of people's own households, which they name with consent, so that nobody looks up their own unseen.

What is kept of a plate is an HMAC-SHA256 by a key in a file that the nightly process alone can read. It is held against
the ledger, never against a search that somebody makes. It goes when the person is disabled, or takes consent back.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from django.db import connection

from department.audits.errors import AuditError
from department.ledger.catalog import LedgerEvent
from department.ledger.writing import entering
from department.people.services import person_of
from department.search.patterns import folded
from device.files import write_durably

KEY_BYTES = 32


class HouseholdKey:
    """The key in a file.

    Args:
        path: the file; it is made where it is missing and `make` says so.
        make: whether to.

    Raises:
        AuditError: it is missing, open to others, another user's, or no key.

    """

    def __init__(self, path: Path, *, make: bool = False) -> None:
        if make and not path.exists():
            write_durably(path, secrets.token_bytes(KEY_BYTES))
        try:
            found = path.stat()
            self._key = path.read_bytes()
        except OSError as error:
            raise AuditError(f"{path}: {error.strerror}") from error
        if found.st_mode & 0o077 or found.st_uid != os.geteuid():
            raise AuditError(f"{path} is open to others, or another user's: whoever can read it can try every plate")
        if len(self._key) != KEY_BYTES:
            raise AuditError(f"{path} has no key of {KEY_BYTES} bytes")

    def digest(self, person: str, plate: str) -> bytes:
        """Return what is kept of a plate, folded, of somebody's household."""
        return hmac.digest(self._key, f"{person}\0{plate}".encode(), hashlib.sha256)

    def known(self) -> "KnownHouseholds":
        """Return the households that are known now."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT person, digest FROM audits_household")
            return KnownHouseholds(self, {(person, bytes(digest)) for person, digest in cursor.fetchall()})


class KnownHouseholds:
    """Tells of a person and a plate whether it is of their household."""

    def __init__(self, key: HouseholdKey, digests: set[tuple[str, bytes]]) -> None:
        self._key, self._digests = key, digests
        self._people = {person for person, _ in digests}

    def __call__(self, person: str, plate: str) -> bool:
        """Return whether it is."""
        return person in self._people and (person, self._key.digest(person, plate)) in self._digests


def note_household(key: HouseholdKey, login: str, plates: Iterable[str], *, consent: str, by: str) -> int:
    """Keep the plates of a person's household in place of those that were kept; return how many.

    Args:
        key: of the nightly process.
        login: whose.
        plates: as people write them; none takes the consent back.
        consent: where the person's consent lies.
        by: who enters it.

    Raises:
        PersonError: nobody has the log-in.
        AuditError: the person is disabled.
        LedgerError: it cannot be entered.

    """
    person = person_of(login)
    if person.disabled_at is not None:
        raise AuditError(f"{login} is disabled")
    digests = {key.digest(login, folded("".join(each for each in plate.upper() if each.isalnum()))) for plate in plates}
    said = {"person": login, "by": by, "consent": consent, "count": len(digests)}
    with entering(LedgerEvent.HOUSEHOLD_NOTED, said), connection.cursor() as cursor:
        cursor.execute("SELECT audits_forget_household(%s)", [login])
        cursor.executemany(
            "INSERT INTO audits_household (person, digest) VALUES (%s, %s)", [(login, each) for each in digests]
        )
    return len(digests)
