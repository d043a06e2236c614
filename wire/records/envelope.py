"""The envelope: CloudEvents 1.0, structured mode, JSON."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import ConfigDict, Field, model_validator

from platepost.common.errors import RecordError
from platepost.wire.records.audit import Audit
from platepost.wire.records.base import Digest, Identifier, UtcTime, WireModel, read_known
from platepost.wire.records.canonical import dump, without_pictures
from platepost.wire.records.command import Response
from platepost.wire.records.health import Health
from platepost.wire.records.hit import Hit, HitWithdrawn
from platepost.wire.records.parts import RecordData
from platepost.wire.records.read import Read
from platepost.wire.records.status import Status
from platepost.wire.records.topics import Source

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"

TYPES: dict[type[RecordData], str] = {
    Read: "platepost.read.v1",
    Hit: "platepost.hit.v1",
    HitWithdrawn: "platepost.hit.withdrawn.v1",
    Status: "platepost.status.v1",
    Audit: "platepost.audit.v1",
    Health: "platepost.health.v1",
    Response: "platepost.response.v1",
}
"""CloudEvents `type` of each kind of record; the version changes when a reader of the former could misunderstand."""

DataT = TypeVar("DataT", bound=RecordData)


class Event(WireModel, Generic[DataT]):
    """One record as it is on the wire."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specversion: Literal["1.0"] = Field(description="Version of CloudEvents.")
    id: Identifier = Field(description="Identifier of the record; the same again is the same record, sent again.")
    source: str = Field(
        pattern=r"^//alpr/v1/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$", description="The post: `//alpr/v1/{agency}/{post}`."
    )
    type: str = Field(description="Kind and version of the record.")
    time: UtcTime = Field(description="When the record was made.")
    datacontenttype: Literal["application/json"] = Field(description="Media type of `data`.")
    expirytime: UtcTime | None = Field(
        default=None, description="When a hit ceases to be worth delivering (CloudEvents extension `expirytime`)."
    )
    chain: Identifier | None = Field(
        default=None, description="Identifier of the chain: changes only when the post had to begin a new outbox."
    )
    sequence: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        default=None, description="Number of the record in its chain, from 1, without gaps."
    )
    previous: Digest | None = Field(
        default=None, description="Digest of the record before in the chain; 64 zeros in the first."
    )
    signature: str = Field(
        pattern=r"^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+$",
        description="JWS ES256 over the canonical bytes, detached; `kid` is the key's RFC 7638 thumbprint.",
    )
    data: DataT = Field(description="The record itself.")

    @model_validator(mode="after")
    def _chained_or_not(self) -> Self:
        if len({self.chain is None, self.sequence is None, self.previous is None}) != 1:
            raise ValueError("chain, sequence and previous come together or not at all")
        return self


AnyEvent = (
    Event[Read] | Event[Hit] | Event[HitWithdrawn] | Event[Status] | Event[Audit] | Event[Health] | Event[Response]
)
EVENTS: dict[str, type[AnyEvent]] = {
    TYPES[Read]: Event[Read],
    TYPES[Hit]: Event[Hit],
    TYPES[HitWithdrawn]: Event[HitWithdrawn],
    TYPES[Status]: Event[Status],
    TYPES[Audit]: Event[Audit],
    TYPES[Health]: Event[Health],
    TYPES[Response]: Event[Response],
}


class UnknownTypeError(RecordError):
    """An event has a `type` that this version does not know."""


def read_event(event: dict[str, Any]) -> AnyEvent:
    """Validate a parsed event and return it typed; members that newer software added are left out.

    Raises:
        UnknownTypeError: the `type` is unknown.
        pydantic.ValidationError: a member is missing or of the wrong form.

    """
    model = EVENTS.get(str(event.get("type")))
    if model is None:
        raise UnknownTypeError(f"unknown type of record: {event.get('type')!r}")
    return read_known(model, event)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A finished, signed record and how it travels."""

    id: str
    type: str
    topic: str
    time: datetime
    body: bytes
    """The event, UTF-8 JSON."""
    digest: str
    """Digest of the record: what the next one's `previous` says."""
    sequence: int | None = None
    """Number in the chain; None for what is not chained (health, the will)."""
    expires: datetime | None = None
    illustrated: bool = False
    """Whether it carries the bytes of pictures."""
    place: int | None = None
    """Its place in the outbox, by which alone the outbox acknowledges it: its sequence number as long as the outbox
    keeps the file and the chain that it began with, otherwise a number of its own."""
    chain_key: str | None = None
    """Thumbprint of the key that the chain goes on with; None for what is not chained."""
    correlation: bytes | None = None
    """MQTT 5 correlation data of the request that it answers."""
    repeated: bool = False
    """Whether a broker acknowledged it before, and it is sent for a custodian that may lack it."""

    @property
    def qos(self) -> int:
        """MQTT quality of service: 0 for health and repeats of the status, which come again anyway, 1 for all else."""
        return 0 if self.type == TYPES[Health] or (self.retain and self.sequence is None) else 1

    @property
    def retain(self) -> bool:
        """Whether the broker keeps it for later subscribers: status only, and never over a later one."""
        return self.type == TYPES[Status] and not self.repeated

    @property
    def event(self) -> dict[str, Any]:
        """The event as JSON objects."""
        event: dict[str, Any] = json.loads(self.body)
        return event

    def stripped(self, *, kinds: frozenset[str] | None = None) -> "Envelope":
        """Return the same record with the bytes of its pictures (of `kinds` only, if given) left out."""
        return replace(self, body=dump(without_pictures(self.event, kinds=kinds)), illustrated=kinds is not None)


def topic_of(data: RecordData, source: Source) -> str:
    """Return the topic on which a record of `source` travels."""
    match data:
        case Hit() | HitWithdrawn():
            return source.hit(data.category) if data.distribution is None else source.covert(data.distribution)
        case Read():
            return source.topic("read")
        case Status():
            return source.topic("status")
        case Audit():
            return source.topic("audit")
        case Health():
            return source.topic("health")
        case Response():
            return source.response(data.asked_by)
        case _:
            raise UnknownTypeError(f"no topic for {type(data).__name__}")
