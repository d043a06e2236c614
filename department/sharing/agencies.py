"""Changes to the register of agencies and to the agreements with them. Each is one transaction and one log entry.

The database rejects what the law forbids. An agreement is always with one agency, for stated purposes and operations,
and has an end date.
A subpoena or a court order is not an agreement: see `platepost.department.sharing.requests`.
"""

from datetime import date
from typing import Any

from django.db import DatabaseError
from django.db.models.functions import Now

from platepost.department.ledger import agency_register
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.models import Agency
from platepost.department.policy.errors import PurposeError
from platepost.department.sharing.errors import SharingError, operation, refusals
from platepost.department.sharing.models import AgencyVerification, SharingAgreement


def register_agency(agency: Agency, *, person: str) -> None:
    """Add or update an agency. Raises SharingError: the law does not allow sharing with it."""
    with refusals():
        try:
            agency_register.set_agency(agency, person=person)
        except PurposeError as error:
            if isinstance(error.__cause__, DatabaseError):
                raise error.__cause__  # noqa: B904 - with its own cause, of which `refusals` makes SharingError
            raise SharingError(str(error), "sharing_agency") from error


def confirm_agency(agency: str, *, person: str) -> None:
    """Confirm an agency's kind and ORI as the second person.

    Raises:
        SharingError: the person entered it, or it is confirmed already.

    """
    with refusals():
        try:
            agency_register.confirm_agency(agency, person=person)
        except PurposeError as error:
            raise SharingError(str(error), "sharing_final") from error


def verify_agency(agency: str, says: str, until: date, *, person: str) -> None:
    """Record the verification of an agency: by whom, how (`says`), and until when it is valid.

    Raises:
        SharingError: the person is not a records manager, or it would be valid for more than a year.

    """
    with operation(LedgerEvent.AGENCY_VERIFIED, person=person, agency_name=agency, says=says, until=until):
        AgencyVerification.objects.create(agency_id=agency, says=says, until=until, person=person)


def enter_agreement(agency: str, *, person: str, **fields: Any) -> SharingAgreement:
    """Enter an agreement with one agency. It is active once a second person confirms it: `confirm_agreement`.

    Args:
        agency: its name.
        person: who enters it.
        fields: `says`, `purposes`, `scope`, `begins`, and `ends`, its last day.

    Raises:
        SharingError: the law does not allow it, it has no end date, or the person is not a records manager.

    """
    with operation(LedgerEvent.SHARING_AGREED, person=person, agency_name=agency, **fields) as entry:
        agreement = SharingAgreement.objects.create(agency_id=agency, person=person, **fields)
        entry["agreement"] = agreement.pk
    return agreement


def confirm_agreement(agreement: SharingAgreement, *, person: str) -> None:
    """Confirm an agreement as the second person.

    Raises:
        SharingError: the person entered it, or it is confirmed already.

    """
    fields = {"agency_name": agreement.agency_id, "agreement": agreement.pk}
    with operation(LedgerEvent.SHARING_CONFIRMED, person=person, **fields):
        SharingAgreement.objects.filter(pk=agreement.pk).update(confirmed_by=person, confirmed_at=Now())


def end_agreement(agreement: SharingAgreement, *, person: str) -> None:
    """End an agreement now. Raises SharingError: it has ended already, or the person is not a records manager."""
    fields = {"agency_name": agreement.agency_id, "agreement": agreement.pk}
    with operation(LedgerEvent.SHARING_ENDED, person=person, **fields):
        SharingAgreement.objects.filter(pk=agreement.pk).update(ended_by=person, ended_at=Now())
