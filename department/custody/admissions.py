"""Admissions: what a key signed after its end, and two persons let count as the post's own all the same.

A unit may record on after the fleet has replaced or revoked its key: it had no network, or the key ended by mistake.
Nothing that it signed since then counts, because anyone with the key could have signed it. An administrator who knows
where the unit was asks that what it signed in a span of time be admitted, and a second person confirms that. The
archive service judges the records again then, and names both with each. An admission that ends is undone; a key that is
recorded as stolen admits nothing from then on.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from psycopg import Connection

from platepost.department.custody.errors import AdmissionError
from platepost.department.custody.record import moment_of
from platepost.department.database.queries import rows
from platepost.department.database.refusals import refused_as

_WHY = {
    "custody_admission_past": "an admission is of a span of time that is over",
    "custody_admission_second_person": "another person than the one who asked confirms it",
    "custody_admission_final": "it was confirmed or ended already",
}
_ADMISSIONS = (
    "SELECT id, post, key, since, until, reason, asked_by, asked_at, confirmed_by, confirmed_at, ended_by, stolen"
    " FROM custody_admission"
)


class Admission(NamedTuple):
    """What is admitted of one key of a post; it counts once it is confirmed, until it ends."""

    id: int
    post: str
    key: str
    """Thumbprint."""
    since: datetime
    until: datetime
    reason: str
    asked_by: str
    asked_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    ended_by: str | None
    stolen: bool

    @property
    def counts(self) -> bool:
        """Whether it was confirmed, and has not ended."""
        return self.confirmed_by is not None and self.ended_by is None

    @property
    def by(self) -> str:
        """Who admits it, as it is shown with each record."""
        return f"made after its key's end; admitted by {self.asked_by} and {self.confirmed_by}"

    def admits(self, key: str, event: Mapping[str, Any]) -> bool:
        """Tell whether it is of what a key signed at the time that an event names."""
        made_at = moment_of(event.get("time"))
        return self.counts and key == self.key and made_at is not None and self.since <= made_at <= self.until


def stored_admissions(keeper: Connection[Any], post: str | None = None) -> list[Admission]:
    """Return the admissions of a post, or of all, as the keeper's connection sees them. Raises psycopg.Error."""
    rows = keeper.execute(_ADMISSIONS + " WHERE %s IN (post, '')", [post or ""])
    return [Admission(*row) for row in rows]


def admissions() -> list[Admission]:
    """Return all admissions, the latest first."""
    return [Admission(*row) for row in rows(_ADMISSIONS + " ORDER BY id DESC")]


def ask_admission(post: str, key: str, since: datetime, until: datetime, reason: str, *, person: str) -> None:
    """Ask that what a key of a post signed in a span of time be admitted; it waits for a second person.

    Raises:
        AdmissionError: the span is not over, the key was recorded as stolen, or the person is no administrator.

    """
    insert = "INSERT INTO custody_admission (post, key, since, until, reason, asked_by) VALUES (%s, %s, %s, %s, %s, %s)"
    _change(insert, [post, key, since, until, reason, person])


def confirm_admission(number: int, *, person: str) -> None:
    """Be the second person for an admission. Raises AdmissionError: it is the person's own, or none that waits."""
    _change("UPDATE custody_admission SET confirmed_by = %s WHERE id = %s", [person, number])


def end_admission(number: int, *, person: str) -> None:
    """End an admission: what it admitted no longer counts. Raises AdmissionError: it has ended, or is none."""
    _change("UPDATE custody_admission SET ended_by = %s WHERE id = %s", [person, number])


def record_stolen(number: int, *, person: str) -> None:
    """Record the key of an admission as stolen, which ends this and each other admission of it, and refuses new ones.

    Raises:
        AdmissionError: it has ended, or is none.

    """
    _change(
        "UPDATE custody_admission SET ended_by = %s, stolen = true WHERE ended_at IS NULL AND (post, key) ="
        " (SELECT post, key FROM custody_admission WHERE id = %s)",
        [person, number],
    )


def _change(statement: str, values: list[Any]) -> None:
    with refused_as(AdmissionError, "custody_admission", "sharing_role", messages=_WHY), connection.cursor() as cursor:
        cursor.execute(statement, values)
        if cursor.rowcount == 0:
            raise AdmissionError("no such admission waits, or it has ended")
