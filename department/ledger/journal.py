"""Where hits that were shown are noted while the ledger cannot be written: a local file, chained and signed.

::

    try:
        append(...)                                      # the ledger
    except LedgerError:
        try:
            local_journal().note(person=..., shown={...}) # then this
        except JournalError:
            ...                                          # then nothing may be shown but category and place

`platepost department ledger import-journal` enters what was noted, and empties the file. A line is a compact
JWS (ES256, `typ` as below) that names the SHA-256 of the line before it, so that a line changed, left out or moved is
found. The journal has a key of its own, because the pages do not see the keeper's.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from joserfc.jwk import ECKey
from psycopg import Connection
from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue, ValidationError

from platepost.common.errors import PlatepostError
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.errors import JournalError
from platepost.department.ledger.writing import append
from platepost.provisioning.files.append_only import append_only, lines_of
from platepost.provisioning.trust.keys import new_key, private_folder, private_pem, signing_jwk, write_private
from platepost.wire.jose import open_signed, sign

JOURNAL_TYPE = "platepost-ledger-journal+jws"
"""The JWS header's `typ`."""
_LINES = "lines"
_KEY = "key.pem"
_FIRST = "0" * 64


class JournalNote(BaseModel):
    """One hit that one person was shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    previous: str
    """SHA-256 of the line before, hexadecimal; 64 zeros for the first."""
    time: AwareDatetime
    """By the clock of the machine that showed it."""
    person: str
    shown: dict[str, JsonValue]
    covert: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class LocalJournal:
    """The journal in a folder of its own; several processes may use it at once."""

    folder: Path

    def prepare(self) -> None:
        """Make folder and key, if they are not there."""
        private_folder(self.folder)
        if not self.can_sign:
            write_private(self.folder / _KEY, private_pem(new_key()))

    @property
    def can_sign(self) -> bool:
        """Whether it has its key."""
        return (self.folder / _KEY).exists()

    @property
    def waits(self) -> bool:
        """Whether something is noted that was not imported."""
        lines = self.folder / _LINES
        return lines.exists() and lines.stat().st_size > 0

    def note(
        self, *, person: str, shown: Mapping[str, JsonValue], covert: Mapping[str, JsonValue] | None = None
    ) -> None:
        """Note a hit that is about to be shown; on the disk on return.

        Args:
            person: to whom.
            shown: what is shown: the hit's id, post, plate and so on, as an auditor will read it. Nothing of a covert
                hit belongs here.
            covert: the same of covert hits, by their group; auditors outside it do not see this part.

        Raises:
            JournalError: it cannot be noted: show no plate.

        """
        try:
            with append_only(self.folder / _LINES) as file:
                note = JournalNote(
                    previous=_FIRST if file.last is None else _digest(file.last),
                    time=datetime.now(UTC),
                    person=person,
                    shown=dict(shown),
                    covert=dict(covert or {}),
                )
                key = self._key()
                file.append(sign(note.model_dump_json().encode(), key, typ=JOURNAL_TYPE, kid=key.thumbprint()))
        except (OSError, PlatepostError, ValidationError) as error:
            raise JournalError("the journal cannot be written") from error

    def notes(self) -> Iterator[tuple[str, JournalNote]]:
        """Yield each line's digest and what it says, in order.

        Raises:
            JournalError: a line is not as it was noted: altered, moved, or one before it is missing.

        """
        key, previous = self._key(), _FIRST
        for place, line in enumerate(lines_of(self.folder / _LINES), 1):
            try:
                payload = open_signed(line, typ=JOURNAL_TYPE, key=lambda _: key).payload
                note = JournalNote.model_validate_json(payload)
            except (PlatepostError, ValidationError) as error:
                raise JournalError(f"line {place} of the journal is not as it was noted: {error}") from error
            if note.previous != previous:
                raise JournalError(f"line {place} of the journal does not follow on the one before")
            previous = _digest(line)
            yield previous, note

    @contextmanager
    def taken(self) -> Iterator[list[tuple[str, JournalNote]]]:
        """Give what is noted, while no one notes anything, and empty the journal at the end unless that fails.

        Raises:
            JournalError: as for `notes`.

        """
        if not self.waits:
            yield []
            return
        with append_only(self.folder / _LINES):
            yield list(self.notes())
            os.truncate(self.folder / _LINES, 0)

    def _key(self) -> ECKey:
        return signing_jwk(self.folder / _KEY)


def local_journal() -> LocalJournal:
    """Return the journal of the department that this process works on."""
    return LocalJournal(settings.LEDGER_JOURNAL)


def known_lines(connection: Connection[Any]) -> frozenset[str]:
    """Return the digests of the journal's lines that the ledger has, for a role that sees all of it."""
    fetched = connection.execute(
        "SELECT value::jsonb #>> '{}' FROM ledger_entry JOIN ledger_body USING (entry)"
        " WHERE event = %s AND field = 'digest'",
        [LedgerEvent.JOURNALED.value],
    )
    return frozenset(digest for (digest,) in fetched)


def import_journal(journal: LocalJournal, known: frozenset[str]) -> int:
    """Enter what is noted in the ledger, and empty the journal; return how many lines were entered. For the keeper.

    Cut off, it is done to the end by the same call.

    Args:
        journal: the journal.
        known: digests of lines that the ledger has already.

    Raises:
        JournalError: a line is not as it was noted. Nothing is entered then, and the file stays.
        LedgerError: the ledger cannot be written; the file stays.

    """
    entered = 0
    with journal.taken() as notes:
        for digest, note in notes:
            if digest not in known:
                append(LedgerEvent.JOURNALED, {**note.model_dump(mode="json", exclude={"previous"}), "digest": digest})
                entered += 1
    return entered


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
