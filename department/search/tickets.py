"""Tickets: a page that shows a read gives one for each picture, and each fetches it once, in the same session."""

import json
from dataclasses import asdict, dataclass
from uuid import UUID, uuid4

from django.db import connection

from platepost.department.database.queries import rows
from platepost.department.policy.policy import AccessPurpose


@dataclass(frozen=True, slots=True)
class PictureTicket:
    """What one opens."""

    records: tuple[int, ...]
    """One, or those of a page of results."""
    kind: str
    purpose: AccessPurpose
    """The page's."""
    found_by: str
    """The page's entry in the ledger."""


def give_ticket(session: str, ticket: PictureTicket) -> UUID:
    """Give a session a ticket; return its name."""
    name = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO search_ticket (id, session, opens) VALUES (%s, sha256(convert_to(%s, 'UTF8')), %s)",
            [name, session, json.dumps(asdict(ticket))],
        )
    return name


def use_ticket(session: str, name: UUID) -> PictureTicket | None:
    """Return what a session's ticket opens, and use the ticket up; None if it opens nothing, or no longer does."""
    ((opens,),) = rows("SELECT search_use_ticket(%s, %s)::text", [name, session])
    if opens is None:
        return None
    ticket_fields = json.loads(opens)
    purpose, records = AccessPurpose(**ticket_fields["purpose"]), tuple(ticket_fields["records"])
    return PictureTicket(**ticket_fields | {"purpose": purpose, "records": records})
