"""Changes of the register of agencies. Each is one transaction and one entry.

The database refuses what the law forbids. There is no grant to all, and none without an end: an agreement names one
agency, its purposes, and what may be done.
A subpoena or an order is no grant: see `platepost.department.sharing.requests`.
"""

from datetime import date
from typing import Any

from django.db.models.functions import Now

from platepost.department.ledger import agencies as register
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.models import Agency
from platepost.department.policy.errors import PurposeError
from platepost.department.sharing.errors import SharingError, operation, refusals
from platepost.department.sharing.models import AgencyVerification, SharingAgreement


def register_agency(agency: Agency, *, person: str) -> None:
    """Put an agency into the register, or change what it says. Raises SharingError: the law allows nothing for it."""
    with refusals():
        try:
            register.set_agency(agency, person=person)
        except PurposeError as error:
            raise error.__cause__ or error  # noqa: B904 - which rule refused


def confirm_agency(agency: str, *, person: str) -> None:
    """Be the second person for an agency's kind and ORI. Raises SharingError: it is the person's own, or has one."""
    with refusals():
        try:
            register.confirm_agency(agency, person=person)
        except PurposeError as error:
            raise SharingError(str(error), "sharing_final") from error


def verify_agency(agency: str, says: str, until: date, *, person: str) -> None:
    """Note who checked an agency and how, and until when that counts.

    Raises:
        SharingError: the person is no records manager, or it is to count for more than a year.

    """
    with operation(LedgerEvent.AGENCY_VERIFIED, person=person, agency_name=agency, says=says, until=until):
        AgencyVerification.objects.create(agency_id=agency, says=says, until=until, person=person)


def agree(agency: str, *, person: str, **fields: Any) -> SharingAgreement:
    """Make an agreement with one agency; it counts once a second person has confirmed it: `confirm_agreement`.

    Args:
        agency: its name.
        person: who makes it.
        fields: `says`, `purposes`, `scope`, `begins`, and `ends`, its last day.

    Raises:
        SharingError: the law allows none with it, it has no end, or the person is no records manager.

    """
    with operation(LedgerEvent.SHARING_AGREED, person=person, agency_name=agency, **fields) as entry:
        agreement = SharingAgreement.objects.create(agency_id=agency, person=person, **fields)
        entry["agreement"] = agreement.pk
    return agreement


def confirm_agreement(agreement: SharingAgreement, *, person: str) -> None:
    """Be the second person for an agreement. Raises SharingError: it is the person's own, or has one."""
    fields = {"agency_name": agreement.agency_id, "agreement": agreement.pk}
    with operation(LedgerEvent.SHARING_CONFIRMED, person=person, **fields):
        SharingAgreement.objects.filter(pk=agreement.pk).update(confirmed_by=person, confirmed_at=Now())


def end_agreement(agreement: SharingAgreement, *, person: str) -> None:
    """End an agreement now. Raises SharingError: it has ended, or the person is no records manager."""
    fields = {"agency_name": agreement.agency_id, "agreement": agreement.pk}
    with operation(LedgerEvent.SHARING_ENDED, person=person, **fields):
        SharingAgreement.objects.filter(pk=agreement.pk).update(ended_by=person, ended_at=Now())
