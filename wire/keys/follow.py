"""Going through the statements of a message, from the key that is held to the last that it leads to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from platepost.wire.errors import RefusedError, Rejection
from platepost.wire.keys.history import KeyHistory
from platepost.wire.keys.statement import Key, VerifiedStatement, read
from platepost.wire.records import Purpose


@dataclass(slots=True)
class Followed:
    """Where a message leads.

    Args:
        history: where it begins.

    """

    history: KeyHistory
    taken: list[VerifiedStatement] = field(default_factory=list)
    """The steps, in order."""
    refused: RefusedError | None = None
    """What was refused and is no history: what comes before the step that is held is none of the post's business."""
    about: VerifiedStatement | None = None
    """What that is about, where a key that may vouch signed it."""


def follow(
    history: KeyHistory,
    received: Sequence[bytes],
    *,
    purpose: Purpose,
    agency: str,
    roots: Sequence[Key],
    custodian: str | None = None,
    named: Callable[[RefusedError, bytes], RefusedError] = lambda refusal, _line: refusal,
) -> Followed:
    """Go through lines, and return where they lead.

    Args:
        history: the keys held.
        heard: the lines.
        purpose: what the keys sign.
        agency: whose post it is.
        roots: the keys that outrank every other.
        custodian: whose keys they are, with the purpose custody.
        named: gives a refusal a better name, with the line that it is about.

    """
    followed = Followed(history)
    known = False
    for line in received:
        statement: VerifiedStatement | None = None
        try:
            statement = read(line, key=followed.history.present, roots=roots)
            if statement.digest != followed.history.digest:
                applies = for_us(statement, purpose, agency, custodian)
                _keeps_terms(applies, followed.history)
                followed.history = followed.history.after(applies)
                followed.taken.append(statement)
        except RefusedError as refusal:
            followed.refused, followed.about = named(refusal, line), statement
        else:
            known = True
            followed.refused = None
            followed.about = None
    if known and followed.refused is not None and followed.refused.reason is Rejection.OLDER:
        followed.refused = followed.about = None
    return followed


def for_us(statement: VerifiedStatement, purpose: Purpose, agency: str, custodian: str | None) -> VerifiedStatement:
    """Return a statement that is for this agency and purpose, and about this custodian's keys.

    Raises:
        RefusedError: it is not.

    """
    if statement.payload.agency != agency:
        raise RefusedError(Rejection.FOREIGN_AGENCY, "the statement is for another agency")
    if statement.payload.purpose is not purpose:
        raise RefusedError(Rejection.OTHER_PURPOSE, f"the statement is about keys for {statement.payload.purpose}")
    if statement.payload.custodian is not None and statement.payload.custodian.name != custodian:
        raise RefusedError(Rejection.OTHER_CUSTODIAN, "the statement is about another custodian's keys")
    return statement


def _keeps_terms(statement: VerifiedStatement, history: KeyHistory) -> None:
    """Refuse a statement by which another than the root changes what receipts are needed for."""
    if not statement.by_root and statement.payload.custodian != history.terms:
        raise RefusedError(Rejection.OTHER_TERMS, "only the root changes what receipts are needed for")
