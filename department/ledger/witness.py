"""One department as the witness of another: it keeps checkpoints of the other's ledger, and signs that it did.

A witness cannot see whether an entry is right. It makes sure that there is one story: it signs a checkpoint only if
that proves that it adds to the one before.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict, ValidationError

from platepost.common.errors import PlatepostError
from platepost.department.ledger.errors import HeadError
from platepost.department.ledger.heads import opened_head
from platepost.provisioning.files.append_only import append_only
from platepost.provisioning.trust.keys import private_folder
from platepost.wire.jose import open_signed, sign
from platepost.wire.monitor import contradictions
from platepost.wire.records.base import UtcTime
from platepost.wire.records.ledger_head import LedgerHead
from platepost.wire.records.receipt import ClientName

WITNESS_TYPE = "platepost-ledger-witness+jws"
"""The JWS header's `typ`."""


class WitnessedHead(BaseModel):
    """What a witness signs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agency: ClientName
    """The witness's."""
    custodian: ClientName
    time: UtcTime
    head: str
    """The end, as the other department signed it: a compact JWS."""


def witness_head(
    heads: Iterable[bytes], folder: Path, *, of: ECKey, by: ECKey, names: tuple[str, str]
) -> tuple[LedgerHead, bytes]:
    """Keep checkpoints of another department; return what the last contains, and the signature for it.

    Args:
        heads: compact JWS, in their order. Each must prove that it adds to the one before.
        folder: the folder of checkpoints that were kept, a file for each custodian.
        of: the other custodian's public key.
        by: the key of this department's custodian.
        names: this agency and its custodian.

    Raises:
        HeadError: there is none, or one is not signed with the key, contradicts one that was kept, or does not prove
            that it adds to it. Those before it were kept.

    """
    last: tuple[bytes, LedgerHead] | None = None
    for head in heads:
        content = opened_head(head, of)
        if content.agency == names[0]:
            raise HeadError("no one is a witness of their own ledger")
        store = private_folder(folder) / f"{content.agency}.{content.custodian}"
        with append_only(store) as file:
            if file.last is not None and head != file.last:
                before = opened_head(file.last, of)
                for contradiction in contradictions(_as_read(content), _as_read(before)):
                    raise HeadError(f"{content.agency}: {contradiction}")
                if content.time < before.time:
                    raise HeadError(f"{content.agency}: the checkpoint is older than one that was witnessed")
            if head != file.last:
                file.append(head)
        last = head, content
    if last is None:
        raise HeadError("there is no checkpoint")
    agency, custodian = names
    signed = WitnessedHead(agency=agency, custodian=custodian, time=datetime.now(UTC), head=last[0].decode("ascii"))
    return last[1], sign(signed.model_dump_json().encode(), by, typ=WITNESS_TYPE, kid=by.thumbprint())


def _as_read(head: LedgerHead) -> dict[str, Any]:
    """Return a checkpoint in the form of the monitor."""
    proofs = {name: [*map(bytes.fromhex, getattr(head, name))] for name in ("proof", "records_proof")}
    return head.model_dump() | proofs


def witnessed_head(message: bytes, keys: Sequence[ECKey]) -> bytes:
    """Return the end that a witness has signed, a compact JWS. Raises HeadError: by none of the keys."""
    for key in keys:
        try:
            payload = open_signed(message, typ=WITNESS_TYPE, key=lambda _, key=key: key).payload  # type: ignore[misc]
            return WitnessedHead.model_validate_json(payload).head.encode("ascii")
        except (PlatepostError, ValidationError, UnicodeEncodeError):
            continue
    raise HeadError("a line is not an end that a known witness signed")
