"""Changes of the register of agencies. Each is one transaction and one entry.

The database refuses what the law forbids. There is no grant to all, and none without an end: an agreement names one
agency, its purposes, and what may be done.
A subpoena or an order is no grant: see `department.sharing.requests`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models.functions import Now

from department.ledger.agencies import KnownAgency, set_agency
from department.ledger.catalog import LedgerEvent
from department.policy.errors import PurposeError
from department.sharing.errors import act, refusals
from department.sharing.models import AgencyVerification, SharingAgreement


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedSharing:
    """What an agreement is to say."""

    says: str
    """Where it lies in writing."""
    purposes: Sequence[str]
    scope: Sequence[str]
    """Of `SharingAgreement.SCOPES`."""
    begins: date
    ends: date
    """Its last day."""


def register_agency(agency: KnownAgency, *, person: str) -> None:
    """Put an agency into the register, or change what it says. Raises SharingError: the law allows nothing for it."""
    with refusals():
        try:
            set_agency(agency, person=person)
        except PurposeError as error:
            raise error.__cause__ or error  # noqa: B904 - which rule refused


def verify_agency(agency: str, says: str, until: date, *, person: str) -> None:
    """Note who checked an agency and how, and until when that counts.

    Raises:
        SharingError: the person is no records manager, or it is to count for more than a year.

    """
    with act(LedgerEvent.AGENCY_VERIFIED, person=person, agency_name=agency, says=says, until=until):
        AgencyVerification.objects.create(agency_id=agency, says=says, until=until, person=person)


def agree(agency: str, agreed: AgreedSharing, *, person: str) -> SharingAgreement:
    """Make an agreement with one agency.

    Raises:
        SharingError: the law allows none with it, it has no end, or the person is no records manager.

    """
    given = {name: getattr(agreed, name) for name in ("says", "begins", "ends")}
    lists = {"purposes": [*agreed.purposes], "scope": [*agreed.scope]}
    with act(LedgerEvent.SHARING_AGREED, person=person, agency_name=agency, **given, **lists) as entry:
        made = SharingAgreement.objects.create(agency_id=agency, person=person, **given, **lists)
        entry["agreement"] = made.pk
    return made


def end_agreement(agreement: SharingAgreement, *, person: str) -> None:
    """End an agreement now. Raises SharingError: it has ended, or the person is no records manager."""
    said = {"agency_name": agreement.agency_id, "agreement": agreement.pk}
    with act(LedgerEvent.SHARING_ENDED, person=person, **said):
        SharingAgreement.objects.filter(pk=agreement.pk).update(ended_by=person, ended_at=Now())
