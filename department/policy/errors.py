"""The errors of the policy.

::

    DepartmentError
     +-- PolicyError (RuntimeError)      the policy file is missing or wrong
     +-- PurposeError (RuntimeError)     no record is shown for what was said
          +-- ForbiddenPurposeError      the policy forbids it
"""

from department.errors import DepartmentError


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
