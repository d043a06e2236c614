"""The agencies on whose behalf records may be looked at."""

from django.db import IntegrityError
from django.db.models.functions import Now

from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.models import Agency
from platepost.department.ledger.writing import entering
from platepost.department.policy.errors import PurposeError


def set_agency(agency: Agency, *, person: str) -> None:
    """Put an agency into the register, or change what it says of one. A second person confirms it: `confirm_agency`.

    Raises:
        PurposeError: the law forbids to look at records on its behalf, or its ORI is not what its kind says.
        LedgerError: the ledger cannot be written.

    """
    fields = {name: getattr(agency, name) for name in ("kind", "allowed", "note", "ori", "title")}
    agency.entered_by = person
    try:
        with entering(LedgerEvent.AGENCY_SET, {"person": person, "agency_name": agency.name, **fields}):
            Agency.objects.bulk_create(
                [agency], update_conflicts=True, unique_fields=["name"], update_fields=[*fields, "entered_by"]
            )
    except IntegrityError as error:
        raise PurposeError(f"the law allows nothing on behalf of {agency.name}: it is {agency.kind}") from error


def confirm_agency(name: str, *, person: str) -> None:
    """Be the second person for what an agency is.

    Raises:
        IntegrityError: the person entered it, or may not.
        PurposeError: it does not wait for a second person.
        LedgerError: the ledger cannot be written.

    """
    with entering(LedgerEvent.AGENCY_CONFIRMED, {"person": person, "agency_name": name}) as entry:
        waiting = Agency.objects.filter(name=name, confirmed_by=None)
        agency_fields = waiting.values("kind", "ori").first()
        if agency_fields is None:
            raise PurposeError(f"{name} does not wait for a second person")
        waiting.update(confirmed_by=person, confirmed_at=Now())
        entry.update(agency_fields)


def require_agreed(name: str, purpose: str, *, scope: str = "search") -> None:
    """Make sure that an agreement is in force by which something may be done for an agency, and that it was verified.

    Args:
        name: the agency's.
        purpose: one of the policy's.
        scope: `search` on its behalf, `release` to it, or `query`: its own people ask, by their department's server.

    Raises:
        PurposeError: it may not be done; the message says why.

    """
    ((why,),) = rows("SELECT ledger_agency_refusal(%s, %s, %s, clock_timestamp())", [name, purpose, scope])
    if why is not None:
        raise PurposeError(f"nothing on behalf of {name}: {why}")
