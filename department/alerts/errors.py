"""The errors of the alerts.

::

    DepartmentError
     +-- AlertError (RuntimeError)         it is refused; the message says why
          +-- StaleAlertError              somebody else was sooner
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError

from department.database.refusals import refusal_of
from department.errors import DepartmentError

_STALE = "alerts_stale"


class AlertError(DepartmentError, RuntimeError):
    """It is refused; the message says why.

    Args:
        message: why.
        rule: which rule refuses, as the database names it.

    """

    def __init__(self, message: str, rule: str = "") -> None:
        super().__init__(message)
        self.rule = rule


class StaleAlertError(AlertError):
    """The alert is not any more as it was shown: look again."""


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the database refuses by one of the alerts' rules into `AlertError`."""
    try:
        yield
    except DatabaseError as error:
        said = refusal_of(error, "alerts_")
        if said is None:
            raise
        rule = str(said.constraint_name)
        kind = StaleAlertError if rule == _STALE else AlertError
        raise kind(str(said.message_primary), rule) from error
