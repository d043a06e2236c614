"""The errors of sharing.

::

    OperationRefusedError
     +-- SharingError    the law, the policy, or another's duty forbids it
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from platepost.department.database.refusals import refused_as
from platepost.department.errors import OperationRefusedError
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import entering

_WHY = {
    "sharing_in_state": "the law allows no agreement with an agency of this kind",
    "sharing_ends": "an agreement ends, at most three years after it begins",
    "sharing_final": "this cannot be changed: enter it again",
    "sharing_verified_until": "what was checked counts for a year at most, from now on",
    "sharing_policy_heard": "the hearing was held before the policy is published",
    "sharing_policy_pkey": "this version was published already",
    "sharing_request_order": "a subpoena and discovery name their order or case",
    "sharing_request_agency": "a request of an agency names the agency and a purpose, another one neither",
    "sharing_request_due": "its clock runs from its receipt",
    "sharing_request_law": "public records are due 10 days after their receipt; extend it if it takes longer",
    "sharing_extended": "a request is extended by 14 days at most",
    "sharing_not_granted": "the records manager has not granted this request",
    "sharing_to_the_public": "no record goes to the public: answer from what is published",
    "sharing_one_package": "what is compelled is one package, to one person",
    "sharing_incident_time": "an incident ends later than it begins",
    "sharing_incident_told": "no one has computed whom it affects",
    "sharing_rate": "an agreement about queries states how many an hour: 3600 at most",
    "federation_partner_url": "its address is https://HOST:PORT, and nothing else",
    "federation_final": "what was exchanged stays",
    "ledger_agency_in_state": "the law allows nothing on behalf of an agency of this kind",
    "ledger_agency_ori": "an ORI has nine characters: two letters of the state, then capital letters and digits",
    "ledger_agency_of_the_state": (
        "an agency of the state has an ORI that begins with the state and three digits; a federal one has letters there"
    ),
    "ledger_agency_one_ori": "another agency of the register has this ORI",
    "ledger_agency_second_person": "another person than the one who entered the agency confirms it",
    "sharing_second_person": "another person than the one who made the agreement confirms it",
    "sharing_law_second_person": "another person than the one who proposed the law confirms it",
    "sharing_law_final": "a law is proposed once and confirmed once",
    "sharing_law_same": "this law binds the department already",
}
"""What people are told, by the constraint that refuses."""


class SharingError(OperationRefusedError):
    """It is refused; the message says why."""


refusals = partial(refused_as, SharingError, "sharing_", "federation_", "policy_", "ledger_agency_", messages=_WHY)
"""Turns what the database refuses by a rule of sharing into `SharingError`; a context manager."""


@contextmanager
def operation(event: LedgerEvent, **fields: Any) -> Iterator[dict[str, Any]]:
    """Do something in one transaction, with an entry of the ledger at its end: see `entering`.

    Raises:
        SharingError: a rule refuses it; nothing is done.
        LedgerError: it cannot be entered; nothing is done.

    """
    with refusals(), entering(event, fields) as entry:
        yield entry
