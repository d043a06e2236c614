"""Subscribers that receive every read from the broker, past the pages, and the agreement that each of them needs.

The fleet grants reads; its signed register tells the department of whom. Here two persons answer for each: one enters
the agreement and its end, and another confirms it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection
from django.utils import timezone
from psycopg import Connection

from platepost.common.files import StateFile
from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.errors import AgreementError
from platepost.department.ledger.writing import append, entering
from platepost.provisioning.fleet.register import FeedHolder, PostKeyRegister

_GRANTS = """
SELECT event, fields.value::jsonb FROM ledger_entry JOIN LATERAL (
    SELECT jsonb_object_agg(field, value::jsonb)::text AS value FROM ledger_body AS body
    WHERE body.entry = ledger_entry.entry
) AS fields ON true WHERE event IN ('reads_granted', 'reads_ended') ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class FeedAgreement:
    """What a subscriber may have the reads for."""

    id: int
    reader: str
    says: str
    """Which agreement it is."""
    until: date
    agreed_by: str
    confirmed_by: str | None


@dataclass(frozen=True, slots=True)
class DirectFeed:
    """A subscriber who hears every read."""

    holder: FeedHolder
    agreement: FeedAgreement | None
    """The one that was entered last."""

    def faults(self, now: datetime | None = None) -> tuple[str, ...]:
        """Return what is wrong with it; nothing where all is in order.

        An agreement's last day is the department's; a grant's is UTC's, as the broker has it.
        """
        now = now or datetime.now(UTC)
        today, utc = timezone.localdate(now), now.astimezone(UTC).date()
        agreement, until = self.agreement, self.holder.until
        return tuple(
            fault
            for fault, wrong in (
                ("the fleet granted it without an end", until is None),
                ("the grant has ended: rewrite the broker's rights", until is not None and until < utc),
                ("no agreement", agreement is None),
                ("no second person", agreement is not None and agreement.confirmed_by is None),
                ("the agreement has ended", agreement is not None and agreement.until < today),
            )
            if wrong
        )


def stored_register() -> PostKeyRegister | None:
    """Return the fleet's register that is in force; None where there is none yet."""
    return StateFile(settings.STORED_REGISTER, PostKeyRegister, about="the register of the posts' keys").read()


def direct_feeds(register: PostKeyRegister | None) -> list[DirectFeed]:
    """Return who hears every read by the register in force, by name."""
    last = (
        "SELECT DISTINCT ON (reader) id, reader, says, until, agreed_by, confirmed_by"
        " FROM ledger_agreement ORDER BY reader, id DESC"
    )
    agreed = {row[1]: FeedAgreement(*row) for row in rows(last)}
    return [DirectFeed(holder, agreed.get(holder.name)) for holder in (register and register.readers) or ()]


def agree_feed(reader: str, says: str, until: date, *, person: str) -> None:
    """Enter the agreement by which a subscriber hears every read; it waits for a second person.

    Raises:
        AgreementError: it has ended, or ends in more than a year.
        LedgerError: it cannot be entered.

    """
    fields = {"person": person, "reader": reader, "says": says, "until": until}
    try:
        with entering(LedgerEvent.READS_AGREED, fields), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ledger_agreement (reader, says, until, agreed_by) VALUES (%s, %s, %s, %s)",
                [reader, says, until, person],
            )
    except IntegrityError as error:
        raise AgreementError("an agreement ends in the future, and within 366 days") from error


def confirm_feed(agreement: int, *, person: str) -> None:
    """Be the second person for an agreement.

    Raises:
        AgreementError: it is the person's own, was confirmed, or is none.
        LedgerError: it cannot be entered.

    """
    try:
        with entering(LedgerEvent.READS_CONFIRMED, {"person": person}) as entry, connection.cursor() as cursor:
            cursor.execute(
                "UPDATE ledger_agreement SET confirmed_by = %s, confirmed_at = now()"
                " WHERE id = %s AND confirmed_by IS NULL RETURNING reader, says",
                [person, agreement],
            )
            confirmed = cursor.fetchone()
            if confirmed is None:
                raise AgreementError("no such agreement waits for a second person")
            entry["reader"], entry["says"] = confirmed
    except IntegrityError as error:
        raise AgreementError("the second person must be someone else") from error


def note_readers(keeper: Connection[Any], register: PostKeyRegister | None) -> int:
    """Enter in the ledger who began or stopped hearing every read since the last entry; return how many.

    Args:
        keeper: a connection that sees all of the ledger.
        register: that in force.

    """
    noted: dict[str, tuple[str, str | None]] = {}
    for event, fields in keeper.execute(_GRANTS):
        noted.pop(fields["reader"], None)
        if event == LedgerEvent.READS_GRANTED.value:
            noted[fields["reader"]] = fields["reason"], fields["until"]
    now = {
        holder.name: (holder.reason, holder.until and holder.until.isoformat())
        for holder in (register and register.readers) or ()
    }
    for name in sorted(noted.keys() - now.keys()):
        append(LedgerEvent.READS_ENDED, {"reader": name})
    changed = [name for name in sorted(now) if noted.get(name) != now[name]]
    for name in changed:
        reason, until = now[name]
        append(LedgerEvent.READS_GRANTED, {"reader": name, "reason": reason, "until": until})
    return len(changed) + len(noted.keys() - now.keys())
