"""The errors of the archive.

::

    OperationRefusedError
     +-- ArchiveRefusedError    the law, a hold, or a second person's absence forbids it
"""

from functools import partial

from platepost.department.database.refusals import refused_as
from platepost.department.errors import OperationRefusedError

WHY = {
    "archive_floor": "the law, or the department's own term, keeps these records longer",
    "archive_ceiling": "the law wants these records gone sooner",
    "archive_consent": "the law asks for a resolution and the attorney's consent, each with its date",
    "archive_two_persons": "another person than the one who planned must approve",
    "archive_manager": "a records manager plans, and another approves",
    "archive_approved": "no second person has approved it",
    "archive_plan_final": "a plan is approved or carried out, never changed: make another",
    "archive_no_part": "there is no such part of the records",
    "archive_review": "no one has reviewed the doubtful records",
    "archive_hold_case_number_check": "a hold names the case, the request or the action that it is for",
    "archive_hold_number": "that is not the number of a case, a request, or an order; a hold of evidence has a case"
    " number of this department",
    "archive_hold_return": "this looks like text of a CLETS return, which is not stored here: say it in your own words",
    "archive_hold_reason_check": "a hold needs a reason",
    "archive_hold_lifted": "say why the hold is lifted",
    "archive_hold_another": "another person than the one who placed the hold lifts it",
    "archive_hold_gone": "a record to be held is no longer stored, or never was",
    "archive_hold_final": "a hold is reviewed or lifted, never changed",
    "archive_evidence_case_number_check": "evidence needs a case number: correct that of the search first",
    "archive_evidence_records_check": "one package has 1,000 records at most: order this one, then collect more",
    "archive_evidence_final": "this package was ordered: collect again for another one",
    "archive_hold_something": "a hold names records, or a time that ends later than it begins",
}
"""What people are told, by the constraint that refuses."""


class ArchiveRefusedError(OperationRefusedError):
    """It is refused; the message says why."""


refusals = partial(refused_as, ArchiveRefusedError, "archive_", "policy_", messages=WHY)
"""Turns what the database refuses by one of the archive's rules into `ArchiveRefusedError`; a context manager."""
