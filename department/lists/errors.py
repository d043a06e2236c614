"""The errors of the lists.

::

    DepartmentError
     +-- ListRefusedError (RuntimeError)    a rule forbids it, or another person is missing
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import DatabaseError

from department.errors import DepartmentError

WHY = {
    "lists_plate": "a plate has 3 to 10 letters and digits; a partial one three known ones, and the length that fits",
    "lists_end": "an entry ends, later than now and within 366 days",
    "lists_case": "an entry needs a case number",
    "lists_safe": "the department's own vehicle is not covert",
    "lists_two_persons": "someone else must approve it: nobody approves their own entry",
    "lists_approved": "no second person has approved it",
    "lists_final": "that was already done, or has expired; enter it again",
    "lists_let_go": "it is not held",
    "lists_dispatcher": "the policy does not let a dispatcher do this: ask an operator or a supervisor",
}
"""What people are told, by the constraint that refuses."""


class ListRefusedError(DepartmentError, RuntimeError):
    """It is refused; the message says why."""


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the database refuses by one of the lists' rules, or for want of a role, into `ListRefusedError`."""
    try:
        yield
    except DatabaseError as error:
        cause = error.__cause__
        if not isinstance(cause, psycopg.Error):
            raise
        name = cause.diag.constraint_name or ""
        if not name.startswith("lists_") and not isinstance(cause, psycopg.errors.InsufficientPrivilege):
            raise
        raise ListRefusedError(WHY.get(name) or str(cause.diag.message_primary)) from error
