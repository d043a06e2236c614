"""The errors of audits.

::

    OperationRefusedError
     +-- AuditError    it is another's to audit or to close, is not over yet, or was said already
"""

from functools import partial

from platepost.department.database.refusals import refused_as
from platepost.department.errors import OperationRefusedError

_WHY = {
    "audits_weekly": "a weekly review is each 7 days",
    "audits_once": "this time was drawn from already",
    "audits_over": "the time is not over yet",
    "audits_not_own": "no one audits their own searches",
    "audits_sample_note": "say what is not in order",
    "audits_not_by_subject": "someone else must close a finding about a person",
    "audits_finding_note": "say why it is closed",
    "audits_final": "an answer cannot be changed",
    "audits_another": "another person audits by this plan, or it has ended",
    "audits_unfinished": "not every sample has an outcome",
}
"""What people are told, by the constraint that refuses."""


class AuditError(OperationRefusedError):
    """It is refused; the message says why."""


refusals = partial(refused_as, AuditError, "audits_", messages=_WHY)
"""Turns what the database refuses by one of the rules of audits into `AuditError`; a context manager."""
