"""Errors of the alerts app.

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


def _alert_error(message: str, rule: str) -> AlertError:
    # The rule is the name of the constraint that the database reports.
    return StaleAlertError(message, rule) if rule == "alerts_stale" else AlertError(message, rule)


refusals = partial(refused_as, _alert_error, "alerts_")
"""Context manager: turns violations of database rules named `alerts_*` into AlertError."""
