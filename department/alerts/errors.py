"""The errors of the alerts.

::

    OperationRefusedError
     +-- AlertError               the operation is refused, with the reason
          +-- StaleAlertError     someone else changed the alert first
"""

from functools import partial

from platepost.department.database.refusals import refused_as
from platepost.department.errors import OperationRefusedError


class AlertError(OperationRefusedError):
    """The operation is refused; the message has the reason."""


class StaleAlertError(AlertError):
    """The alert has changed since it was shown: reload it."""


def _error(message: str, rule: str) -> AlertError:
    return (StaleAlertError if rule == "alerts_stale" else AlertError)(message, rule)


refusals = partial(refused_as, _error, "alerts_")
"""Turns what the database refuses by one of the alerts' rules into `AlertError`; a context manager."""
