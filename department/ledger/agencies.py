"""The agencies on whose behalf records may be looked at."""

from dataclasses import dataclass
from enum import Enum

from django.db import IntegrityError, connection

from department.ledger.catalog import LedgerEvent
from department.ledger.writing import entering
from department.policy.errors import PurposeError


class AgencyKind(Enum):
    """What an agency is before the law."""

    IN_STATE = "in_state"
    """A public agency of the department's own state."""
    FEDERAL = "federal"
    OUT_OF_STATE = "out_of_state"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class KnownAgency:
    """An agency of the register."""

    name: str
    kind: AgencyKind
    allowed: bool
    """Whether anything may be agreed with it; False also takes back at once what was agreed."""
    note: str
    """What else there is to say of it."""


def agencies() -> list[KnownAgency]:
    """Return all of the register, by name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, kind, allowed, note FROM ledger_agency ORDER BY name")
        return [KnownAgency(name, AgencyKind(kind), allowed, note) for name, kind, allowed, note in cursor]


def set_agency(agency: KnownAgency, *, person: str) -> None:
    """Put an agency into the register, or change what it says of one.

    Raises:
        PurposeError: the law forbids to look at records on its behalf.
        LedgerError: the ledger cannot be written.

    """
    values = {"kind": agency.kind.value, "allowed": agency.allowed, "note": agency.note}
    said = {"person": person, "agency_name": agency.name, **values}
    try:
        with entering(LedgerEvent.AGENCY_SET, said), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ledger_agency (name, kind, allowed, note) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (name) DO UPDATE"
                " SET kind = excluded.kind, allowed = excluded.allowed, note = excluded.note",
                [agency.name, *values.values()],
            )
    except IntegrityError as error:
        raise PurposeError(f"the law allows nothing on behalf of {agency.name}: it is {agency.kind.value}") from error


def require_agreed(name: str, purpose: str, *, scope: str = "search") -> None:
    """Make sure that an agreement is in force by which something may be done for an agency, and that it was verified.

    Args:
        name: the agency's.
        purpose: one of the policy's.
        scope: `search` on its behalf, `release` to it, or `query`: its own people ask, by their department's server.

    Raises:
        PurposeError: it may not be done; the message says why.

    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_agency_refusal(%s, %s, %s, clock_timestamp())", [name, purpose, scope])
        (why,) = cursor.fetchone() or (None,)
    if why is not None:
        raise PurposeError(f"nothing on behalf of {name}: {why}")
