"""The errors of the alerts.

::

    OperationRefusedError
     +-- AlertError               it is refused; the message says why
          +-- StaleAlertError     someone else was sooner
"""

from functools import partial

from platepost.department.database.refusals import refused_as
from platepost.department.errors import OperationRefusedError


class AlertError(OperationRefusedError):
    """It is refused; the message says why."""


class StaleAlertError(AlertError):
    """The alert has changed since it was shown: look again."""


def _error(message: str, rule: str) -> AlertError:
    return (StaleAlertError if rule == "alerts_stale" else AlertError)(message, rule)


refusals = partial(refused_as, _error, "alerts_")
"""Turns what the database refuses by one of the alerts' rules into `AlertError`; a context manager."""
