"""Searches of a session: the query stays on the server, and the URL has only a random identifier.

A search belongs to one session and expires with it, or after twelve hours. Only the reads that its pages have listed
can be opened from it: a URL with the number of another read opens nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from platepost.department.database.queries import rows
from platepost.department.search.errors import SearchError, SearchNotFoundError, SearchNotYoursError


class ListedRead(NamedTuple):
    """A read that a page of a search listed."""

    plate: str
    """Normalized by the SQL function `plate_fold`."""
    captured_at: datetime


@dataclass(frozen=True, slots=True)
class SessionSearch:
    """A search that belongs to one session."""

    id: UUID
    made_at: datetime
    fields: Mapping[str, Sequence[str]]
    """The form's values, by field."""
    listed: Mapping[int, ListedRead] = field(default_factory=dict)
    """The reads that its pages have listed, by their numbers."""


def store_search(session: str, fields: Iterable[tuple[str, str]], *, preferred: UUID | None = None) -> UUID:
    """Store a search of a session; return its identifier.

    Args:
        session: the session's key.
        fields: pairs of field name and value.
        preferred: the identifier to use; another one is made if it is taken.

    """
    by_name: dict[str, list[str]] = {}
    for field_name, value in fields:
        by_name.setdefault(field_name, []).append(value)
    for identifier in (preferred or uuid4(), uuid4()):
        ((is_stored,),) = rows("SELECT search_keep_query(%s, %s, %s)", [identifier, session, json.dumps(by_name)])
        if is_stored:
            return identifier
    raise SearchError("the search could not be stored: search again")


def session_search(session: str, identifier: UUID) -> SessionSearch:
    """Return a search of a session.

    Raises:
        SearchNotYoursError: it belongs to another session.
        SearchNotFoundError: it does not exist, or has expired.

    """
    stored = rows(
        "SELECT made_at, given::text, opens::text, is_foreign FROM search_query_of(%s, %s)", [identifier, session]
    )
    if not stored:
        raise SearchNotFoundError("this search has expired: search again")
    ((made_at, fields, listed, is_foreign),) = stored
    if is_foreign:
        raise SearchNotYoursError("this search was made by someone else, or in another session: search again")
    reads = {
        int(record): ListedRead(plate, datetime.fromisoformat(captured_at))
        for record, (plate, captured_at) in json.loads(listed).items()
    }
    return SessionSearch(identifier, made_at, json.loads(fields), reads)


def list_reads(session: str, identifier: UUID, reads: Mapping[int, ListedRead]) -> None:
    """Allow the reads that a page lists to be opened from a session's search."""
    listed = {str(record): [read.plate, read.captured_at.isoformat()] for record, read in reads.items()}
    if listed:
        rows("SELECT search_list_reads(%s, %s, %s)::text", [identifier, session, json.dumps(listed)])
