"""The judgment of one record: whether it is the post's own, by the keys that the department knows.

A receipt needs no judgment, but which record counts as held under a number does: someone who can write below a post's
name must not be able to keep the post's own record out. So there are three standings:

- *proven*: signed by a key that was good there. The first one of a number counts.
- *unproven*: signed by a key that is not known, or that was replaced or revoked before. Nothing refutes it: the key may
  come with the register later, and the post may be waiting for a receipt. It counts only where no proven record of its
  number is held, it is never joined to proven ones, and it yields to one that comes.
- *refused*: the signature, the source or a picture contradicts it. It is kept, and counts nowhere: no receipt says it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from platepost.department.custody.post_statements import PostStatements
from platepost.department.custody.record import CustodyRecord, ProofState, RecordVerdict, moment_of, proof_state_of
from platepost.wire.records.command import Response
from platepost.wire.records.envelope import TYPES, AnyEvent, UnknownTypeError, read_event
from platepost.wire.records.health import Health
from platepost.wire.records.signing import ForeignKeyError, SignatureRefusedError, signed_by
from platepost.wire.records.status import Status
from platepost.wire.records.topics import ROOT

_OUTSIDE = frozenset({TYPES[Status], TYPES[Health], TYPES[Response]})
"""Kinds that may be outside of any chain."""
LATE = "made after the department took its key out of use"
"""What is said against a record that was made after its key's end."""


@dataclass(frozen=True, slots=True)
class Judgment:
    """What a record turned out to be."""

    verdict: RecordVerdict
    key: str | None = None
    """Thumbprint of the key that signed the record or, of a foreign record, that it claims."""
    reason: str = ""
    """Why it is not genuine, or who admitted it; nothing of what it says."""
    event: AnyEvent | None = None
    """Typed; of genuine ones only."""

    @property
    def proof_state(self) -> ProofState:
        """How it counts."""
        return proof_state_of(self.verdict, self.key)


def judge(record: CustodyRecord, statements: PostStatements, *, kept_at: datetime | None = None) -> Judgment:
    """Judge one record by itself; whether its number is taken the store knows.

    Args:
        record: what came.
        statements: what the post below whose name it came says of its keys.
        kept_at: when it came; now if None. What came before a key's end was not made after it, whatever its clock said.

    """
    event = record.event
    if event is None:
        return Judgment(RecordVerdict.UNREADABLE, reason=record.problem)
    if contradiction := _contradiction(record, event):
        return Judgment(RecordVerdict.FORGED, reason=contradiction)
    try:
        key = statements.keys.check(event["signature"], record.canonical)
    except ForeignKeyError as error:
        claimed = signed_by(event["signature"])
        return Judgment(RecordVerdict.FOREIGN, claimed if _is_key(claimed) else None, str(error))
    except SignatureRefusedError:
        return Judgment(RecordVerdict.FORGED, reason="its content and its signature do not belong together")
    chain, number = (record.place.chain.chain, record.place.number) if record.place else _chain_end(event)
    ended = statements.ended.get(key)
    came_before = kept_at is not None and ended is not None and kept_at <= ended
    late = made_after(event, ended) and not came_before
    admission = (
        next((admission for admission in statements.admissions if admission.admits(key, event)), None) if late else None
    )
    objection = statements.trust.objection(key, chain=chain, sequence=number)
    if objection is None and late and admission is None:
        objection = LATE
    if objection is not None:
        return Judgment(RecordVerdict.FORGED, key, objection)
    return _understood(record, event, key, "" if admission is None else admission.by)


def _contradiction(record: CustodyRecord, event: dict[str, Any]) -> str:
    """Say what speaks against a record no matter who signed it; nothing if nothing does."""
    if event.get("source") != f"//{ROOT}/{record.topic.split('/')[2]}/{record.post}":
        return "it names another source than its topic"
    return "a picture is not the one that was signed" if record.altered else ""


def made_after(event: Mapping[str, Any], ended: datetime | None) -> bool:
    """Tell whether a record says that it was made after its key's end, where that has one."""
    made_at = moment_of(event.get("time"))
    return made_at is not None and ended is not None and made_at > ended


def _understood(record: CustodyRecord, event: dict[str, Any], key: str, admitted: str) -> Judgment:
    """Judge a record that the post signed, or that was admitted."""
    try:
        typed = read_event(event)
    except UnknownTypeError:
        why = "this version does not know its type"
    except ValidationError:
        why = "this version does not know its form"
    else:
        if record.place is not None or typed.type in _OUTSIDE:
            return Judgment(RecordVerdict.GENUINE, key, admitted, event=typed)
        why = "it has no place in a chain, as its type must have"
    return Judgment(RecordVerdict.UNKNOWN, key, why)


def _chain_end(event: dict[str, Any]) -> tuple[str | None, int]:
    """Return the end of the chain that a record outside of it names, chain and number."""
    data = event.get("data")
    end = data.get("chain_end") if isinstance(data, dict) else None
    chain, number = (end.get("chain"), end.get("sequence")) if isinstance(end, dict) else (None, None)
    return (chain, number) if isinstance(chain, str) and isinstance(number, int) else (None, 0)


def _is_key(thumbprint: str) -> bool:
    return thumbprint.isascii() and thumbprint.isprintable() and len(thumbprint) == 43
