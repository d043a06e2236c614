"""The errors of the policy.

::

    DepartmentError
     +-- PolicyError (RuntimeError)      the policy file is missing or wrong
     +-- PurposeError (RuntimeError)     no record is shown for what was said
          +-- ForbiddenPurposeError      the policy forbids it
          +-- ApprovalNeededError        nobody has approved it yet
"""

from platepost.department.errors import DepartmentError


class PolicyError(DepartmentError):
    """The policy file is missing or wrong; the message names each wrong key."""


class PurposeError(DepartmentError):
    """No record is shown for what was said; the message says what is missing."""


class ForbiddenPurposeError(PurposeError):
    """The policy forbids it.

    Args:
        message: what to say to the person.
        forbidden: the name of what is forbidden, as the policy has it.

    """

    def __init__(self, message: str, *, forbidden: str) -> None:
        super().__init__(message)
        self.forbidden = forbidden


class ApprovalNeededError(PurposeError):
    """The law asks that a supervisor approves the search first; that it waits is in the ledger."""

    def __init__(self) -> None:
        super().__init__(
            "A supervisor approves each search first. It waits on the page of reviews; search again as you did once it"
            " is approved, within a day."
        )
