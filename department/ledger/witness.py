"""One department as the witness of another: it keeps ends of the other's ledger, and signs that it did.

A witness cannot see whether an end is right. It makes sure that there is one story: anyone who cuts a ledger, or
remakes it, has to explain an end that somebody out of reach has kept and signed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict, ValidationError

from platepost.common.errors import PlatepostError
from platepost.department.ledger.errors import HeadError
from platepost.department.ledger.heads import opened_head
from platepost.provisioning.files.append_only import append_only
from platepost.provisioning.trust.keys import private_folder
from platepost.wire.jose import open_signed, sign
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


def witness_head(head: bytes, kept: Path, *, of: ECKey, by: ECKey, names: tuple[str, str]) -> tuple[LedgerHead, bytes]:
    """Keep an end of another department's ledger; return what it says, and the signature for it.

    Args:
        head: the end, a compact JWS.
        kept: the folder of ends that were kept, a file for each custodian.
        of: the other custodian's public key.
        by: the key of this department's custodian.
        names: this agency and its custodian.

    Raises:
        HeadError: it is not signed with the key, is older than one that was kept, or contradicts it.

    """
    said = opened_head(head, of)
    if said.agency == names[0]:
        raise HeadError("nobody is a witness of their own ledger")
    with append_only(private_folder(kept) / f"{said.agency}.{said.custodian}") as file:
        if file.last is not None:
            before = opened_head(file.last, of)
            if said.number < before.number:
                raise HeadError(f"entry {before.number} of {said.agency} was witnessed: {said.number} is older")
            if said.number == before.number and said.digest != before.digest:
                raise HeadError(f"entry {said.number} of {said.agency} was another when it was witnessed")
        if head != file.last:
            file.append(head)
    agency, custodian = names
    signed = WitnessedHead(agency=agency, custodian=custodian, time=datetime.now(UTC), head=head.decode("ascii"))
    return said, sign(signed.model_dump_json().encode(), by, typ=WITNESS_TYPE, kid=by.thumbprint())


def witnessed_head(message: bytes, keys: Sequence[ECKey]) -> bytes:
    """Return the end that a witness has signed, a compact JWS. Raises HeadError: by none of the keys."""
    for key in keys:
        try:
            payload = open_signed(message, typ=WITNESS_TYPE, key=lambda _, key=key: key).payload  # type: ignore[misc]
            return WitnessedHead.model_validate_json(payload).head.encode("ascii")
        except (PlatepostError, ValidationError, UnicodeEncodeError):
            continue
    raise HeadError("a line is not an end that a known witness signed")
