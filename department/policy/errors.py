"""The errors of the policy.

::

    DepartmentError
     +-- PolicyError (RuntimeError)      the policy file is missing or wrong
     +-- PurposeError (RuntimeError)     no record is shown for what was said
          +-- ForbiddenPurposeError      the policy forbids it
          +-- ApprovalNeededError        no one has approved it yet
"""

from platepost.department.errors import DepartmentError


class PolicyError(DepartmentError):
    """The policy file is missing or wrong; the message names each wrong key."""


class PurposeError(DepartmentError):
    """No record is shown for what was said; the message says what is missing."""


class ForbiddenPurposeError(PurposeError):
    """The policy forbids it, by a word that was written.

    Args:
        says: what the policy says of it.
        forbidden: the name of what is forbidden, as the policy has it.
        word: what was written, in Latin letters.
        field: where, as people call it.
        again: whether the same person wrote such a word before, lately: then the auditors see it.

    """

    def __init__(self, says: str, *, forbidden: str, word: str, field: str, again: bool = False) -> None:
        then = (
            "This is the second try today: the auditors see it."
            if again
            else "If this is about something else, write it in other words; a second try goes to the auditors."
        )
        super().__init__(
            f"Refused because of \N{LEFT DOUBLE QUOTATION MARK}{word}\N{RIGHT DOUBLE QUOTATION MARK} in"
            f" the {field}. {says}. {then}"
        )
        self.says = says
        self.forbidden = forbidden
        self.word = word
        self.field = field
        self.is_again = again

    def again(self) -> "ForbiddenPurposeError":
        """Return the same of a second try."""
        known = {"forbidden": self.forbidden, "word": self.word, "field": self.field}
        return ForbiddenPurposeError(self.says, **known, again=True)


class ApprovalNeededError(PurposeError):
    """The law asks that a supervisor approves the search first; that it waits is in the ledger."""

    def __init__(self) -> None:
        super().__init__(
            "A supervisor approves each search first. It waits on the page of reviews; search again as you did once it"
            " is approved, within a day."
        )
