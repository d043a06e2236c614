"""Which departments are partners: each by its name, the address of its server, and its certificate."""

import hashlib

from django.db.models.functions import Now

from platepost.department.federation.models import PartnerDepartment
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.sharing.errors import operation


def name_partner(agency: str, url: str, certificate: str, *, person: str) -> None:
    """Name a department of the register as a partner, or change its address or certificate.

    It is asked and answered while an agreement with the scope `query` is in force, and not by this.

    Raises:
        SharingError: the address is none, or the person is no records manager.

    """
    fields = {"url": url, "certificate": certificate}
    digest = hashlib.sha256(certificate.encode()).hexdigest()
    with operation(LedgerEvent.PARTNER_NAMED, person=person, agency_name=agency, url=url, certificate=digest):
        if not PartnerDepartment.objects.filter(pk=agency).update(**fields, person=person, at=Now()):
            PartnerDepartment.objects.create(agency_id=agency, **fields, person=person)
