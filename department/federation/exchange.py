"""The messages between two departments: a signed query, a signed answer that contains it, the opening of a case number.

The answer is an entry of both access logs, byte for byte: the answering department's signature over its decision and
over the query, as the asking department signed it. The findings are sent next to it; the answer has their digest.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from joserfc.jwk import ECKey
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from platepost.department.custody.read_fields import READ_FIELDS, LabelAndText
from platepost.department.ledger.chain import commitment
from platepost.wire.jose import Model, open_signed, read_payload, sign
from platepost.wire.records.base import UtcTime
from platepost.wire.records.topics import NAME

QUERY_TYPE = "platepost-federated-query+jws"
RECEIPT_TYPE = "platepost-federated-receipt+jws"
DEMAND_TYPE = "platepost-case-demand+jws"
"""The JWS headers' `typ`."""
PAGE = 25
"""Plates of a page."""
READS = 50
"""Reads of a page."""
FRESH_SECONDS = 60
"""How far a message's time may be from the other's clock."""
LARGEST = 64 * 1024
"""Bytes of an answer."""

MOST_FIELDS = 50
"""Of one read."""

AgencyName = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
FieldName = Annotated[str, Field(pattern="^[a-z][a-z_]{0,63}$")]
Line = Annotated[str, Field(max_length=200)]


SHARED_FIELDS = [field for field in READ_FIELDS.values() if field.shared]
"""What the reads of an answer have."""


class _Statement(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Message(_Statement):
    id: UUID
    """Unique: no message is accepted twice."""
    agency: AgencyName
    """The sender."""
    to: AgencyName
    """The one department that it is for."""
    time: UtcTime
    person: Line
    """The username of the person who asks."""


class PlateBehind(_Statement):
    """The last plate of a page."""

    score: float
    plate: Line


class ReadBehind(_Statement):
    """The last read of a page."""

    captured_at: AwareDatetime
    record: int


class PlateRequest(_Statement):
    """A request for plates, or for the reads of one plate."""

    plate: Annotated[str, Field(min_length=1, max_length=80)]
    """In the language of `platepost.department.search.patterns`."""
    look_alikes: Annotated[int, Field(ge=0, le=2)] = 0
    one_wrong: bool = False
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    opened: Line | None = None
    """The plate whose reads are requested; if None, plates are."""
    after: PlateBehind | None = None
    before: ReadBehind | None = None


class FederatedQuery(_Message):
    """A query of one department to another."""

    purpose: Line
    exigent: bool
    reason: Line | None = None
    case: Digest | None = None
    """The commitment to the case number, which stays at home until it is demanded."""
    policy: Digest
    """The policy under which it is asked."""
    asked: PlateRequest


class FederatedReceipt(_Statement):
    """The decision of the answering department. Signed, it is an entry of both access logs."""

    agency: AgencyName
    """Who answers."""
    time: UtcTime
    query: str
    """As it was signed: a compact JWS."""
    decision: Literal["answered", "refused", "failed"]
    why: str
    """Empty where it answered."""
    found: Digest
    """SHA-256 of the findings as they were sent."""
    count: int
    law: str
    policy: Digest
    kept_days: Mapping[str, int]
    """How long the answering department keeps reads, by class."""


class FederatedPlate(_Statement):
    """A plate that fits."""

    plate: Line
    spelled: Line
    count: int
    first_seen: AwareDatetime
    last_seen: AwareDatetime


class FederatedRead(_Statement):
    """A read of the plate that was opened, without its picture."""

    record: int
    """By which a release is asked for."""
    captured_at: AwareDatetime
    plate_read: Line
    post: Line
    fields: Annotated[Mapping[FieldName, Line], Field(max_length=MOST_FIELDS)] = {}
    """What people search by, as `custody.read_fields` declares it, as far as the read has it. A department of another
    version may have others."""

    @property
    def shown(self) -> list[LabelAndText]:
        """What people see of those fields that this department shares, too, each with its label."""
        return [(str(field.label), field.shown(self.fields)) for field in SHARED_FIELDS]


class FederatedFindings(_Statement):
    """One page of what was found."""

    plates: Annotated[tuple[FederatedPlate, ...], Field(max_length=PAGE)] = ()
    reads: Annotated[tuple[FederatedRead, ...], Field(max_length=READS)] = ()
    after: PlateBehind | None = None
    """Where the next page of plates begins."""
    before: ReadBehind | None = None
    """Where the next page of reads begins."""


class PartnerReply(_Statement):
    """What goes over the wire in answer to a query."""

    receipt: str
    """A compact JWS of a `FederatedReceipt`."""
    findings: str = ""
    """JSON of `FederatedFindings`; empty where nothing was answered, or this was answered before."""


class CaseDemand(_Message):
    """The answering department asks for the case number of a query."""

    exchange: UUID
    because: Line


class OpenedCase(_Statement):
    """A case number, with the proof that it is the one that was committed to."""

    case: Line
    salt: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


def signed(model: BaseModel, key: ECKey, typ: str) -> str:
    """Return a message as a compact JWS."""
    return sign(model.model_dump_json(exclude_none=True).encode(), key, typ=typ, kid=key.thumbprint()).decode("ascii")


def opened(message: bytes, key: ECKey, typ: str, model: type[Model]) -> Model:
    """Return what a compact JWS says. Raises RefusedError: the key did not sign it, or it is no such message."""
    return read_payload(open_signed(message, typ=typ, key=lambda _: key).payload, model, model.__name__)


def text_digest(text: str) -> str:
    """Return the SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def committed(case: str) -> tuple[bytes, str]:
    """Return a salt and the commitment to a case number by it."""
    salt = secrets.token_bytes(16)
    return salt, case_commitment(salt, case)


def case_commitment(salt: bytes, case: str) -> str:
    """Return the commitment to a case number: that of a field of the ledger."""
    return commitment(salt, "case", json.dumps(case))


def as_entered(asked: PlateRequest) -> dict[str, Any]:
    """Return what is asked as an entry of the ledger has it: JSON values."""
    return asked.model_dump(mode="json", exclude_defaults=True)
