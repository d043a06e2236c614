"""What people write of what they do, other than of a search: held against the policy, as a search is."""

from collections.abc import Callable, Mapping

from platepost.department.database.queries import rows
from platepost.department.errors import OperationRefusedError
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import append
from platepost.department.policy.errors import ForbiddenPurposeError, PurposeError
from platepost.department.policy.policy import AccessPurpose, policy_in_force

RULE = "policy_words"
"""The database's own, which refuses the same."""


def judged(error: ForbiddenPurposeError, person: str) -> ForbiddenPurposeError:
    """Return a refusal as it is to be entered: a first one asks for other words, a second one is for the auditors."""
    ((warned,),) = rows("SELECT ledger_warned(%s)", [person])
    return error.again() if warned else error


def require_words(
    refused: Callable[[str, str], OperationRefusedError],
    *,
    person: str,
    what: str,
    texts: Mapping[str, str],
    purpose: AccessPurpose | None = None,
    covert: bool = False,
) -> None:
    """Make sure that the policy allows what someone is about to do for what they wrote of it.

    Args:
        refused: makes the error, of a message and a rule.
        person: who, by log-in.
        what: what they are about to do.
        texts: what they wrote, by what people call the field.
        purpose: why they do it, where they gave a purpose.
        covert: whether what they wrote is a covert group's alone: then no entry has it.

    Raises:
        OperationRefusedError: as `refused` makes it; of a forbidden word there is an entry.
        LedgerError: that cannot be entered, or a transaction is open.

    """
    policy = policy_in_force()
    try:
        if purpose is not None:
            policy.require(purpose)
        policy.require_words(**texts)
    except ForbiddenPurposeError as error:
        seen = judged(error, person)
        entered = {"person": person, "what": what, "field": seen.field, "word": seen.word}
        if seen.is_again:
            entered["forbidden"] = seen.forbidden
            if not covert and seen.field in texts:
                entered["text"] = texts[seen.field]
        append(LedgerEvent.WORDS_REFUSED, entered)
        raise refused(str(seen), RULE) from error
    except PurposeError as error:
        raise refused(str(error), "policy_purpose") from error
