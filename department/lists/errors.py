"""The errors of the lists.

::

    OperationRefusedError
     +-- ListRefusedError    a rule forbids it, or another person is missing
"""

from functools import partial

from psycopg.errors import InsufficientPrivilege

from platepost.department.database.refusals import refused_as
from platepost.department.errors import OperationRefusedError

WHY = {
    "lists_plate": "a plate has 3 to 10 letters and digits; a partial one three known ones, and the length that fits",
    "lists_end": "an entry ends, later than now and within 366 days",
    "lists_case": "an entry needs a case number",
    "lists_safe": "the department's own vehicle is not covert",
    "lists_two_persons": "someone else must approve it: no one approves their own entry",
    "lists_approved": "no second person has approved it",
    "lists_final": "that was already done, or has expired; enter it again",
    "lists_let_go": "it is not held",
    "lists_return": "This looks like text of a CLETS return, which is not stored here. Describe the vehicle and what to"
    " do in your own words, without codes, dates of birth, or owners.",
    "lists_dispatcher": "the policy does not let a dispatcher do this: ask an operator or a supervisor",
}
"""What people are told, by the constraint that refuses."""


class ListRefusedError(OperationRefusedError):
    """It is refused; the message says why."""


refusals = partial(refused_as, ListRefusedError, "lists_", "policy_", messages=WHY, also=(InsufficientPrivilege,))
"""Turns what the database refuses by one of the lists' rules, or because a role is missing, into `ListRefusedError`; a
context manager."""
