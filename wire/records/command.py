"""What people ask of a post: the payload of a signed command, and the post's answer."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from platepost.wire.records.base import Identifier, Line, Slug, UtcTime, WireModel
from platepost.wire.records.parts import ChainEnd, RecordData

COMMAND_TYPE = "platepost-command+jws"
"""The JWS header's `typ`, so that nothing else signed with the same key is taken for a command."""

PersonName = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
"""The name of an operator: the common name of a certificate, and one level of a topic."""


class Role(StrEnum):
    """What a person is, by the organizational unit (OU) of the certificate."""

    OPERATOR = "operator"
    TECHNICIAN = "technician"
    ADMINISTRATOR = "administrator"
    LIST_BUILDER = "list-builder"
    """A service that builds and publishes hot lists unattended; a post does nothing for it."""


class Command(StrEnum):
    """What a post can be asked to do: these and nothing else. A command takes no parameters and is never a shell."""

    SELF_TEST = "self-test"
    STILL = "still"
    RESTART = "restart"
    RENEW_CERTIFICATE = "renew-certificate"


ALLOWED: dict[Command, frozenset[Role]] = {
    Command.SELF_TEST: frozenset({Role.OPERATOR, Role.TECHNICIAN, Role.ADMINISTRATOR}),
    Command.STILL: frozenset({Role.TECHNICIAN, Role.ADMINISTRATOR}),
    Command.RESTART: frozenset({Role.TECHNICIAN, Role.ADMINISTRATOR}),
    Command.RENEW_CERTIFICATE: frozenset({Role.TECHNICIAN, Role.ADMINISTRATOR}),
}
"""For whom a post does what."""


class CommandRequest(WireModel):
    """The payload of a command: a compact JWS, ES256, with the asker's certificate in the header `x5c`."""

    id: Identifier = Field(description="Identifier of the request; a post does what it asks once.")
    agency: str = Field(min_length=1, max_length=64, description="The agency of the post that is asked.")
    post: str = Field(min_length=1, max_length=64, description="The post that is asked, and no other.")
    command: str = Field(
        min_length=1, max_length=64, description="What is asked: the last level of the topic, repeated here."
    )
    asked_by: PersonName = Field(description="Who asks: the common name of the certificate.")
    issued: UtcTime = Field(description="When it was asked; a post heeds it for two minutes.")
    purpose: Annotated[str, Line] = Field(
        min_length=3, max_length=200, description="Why, for the audit trail; never a plate."
    )
    boot: Identifier | None = Field(
        default=None,
        description=(
            "`boot` of the post's status as the asker saw it. A post whose clock is not synchronized cannot judge "
            "`issued`, and then heeds only what names its present run."
        ),
    )


class Finding(WireModel):
    """One point of a self-test."""

    point: str = Field(min_length=1, max_length=64, description="What was looked at.")
    good: bool = Field(description="Whether it is in order.")
    said: str = Field(max_length=200, description="What was found, for people.")


class Response(RecordData):
    """A post's answer to a command, on `response/{asked_by}`, signed and outside the chain."""

    request: Identifier = Field(description="`id` of the request; the MQTT correlation data comes back as well.")
    chain_end: ChainEnd | None = Field(
        default=None,
        description="The chain's last record when this was made (this is not in the chain); absent before the first.",
    )
    command: str = Field(min_length=1, max_length=64, description="What was asked.")
    asked_by: PersonName = Field(description="Who asked.")
    outcome: Literal["done", "failed", "refused", "unsupported"] = Field(
        description="`done`; `failed`: tried; `refused`: not allowed or not now; `unsupported`: not built here yet."
    )
    reason: Slug | None = Field(default=None, description="Why it was not done.")
    message: str | None = Field(default=None, max_length=300, description="The same for people.")
    findings: tuple[Finding, ...] = Field(default=(), description="Of a self-test: each point.")
    sealed: dict[str, JsonValue] | None = Field(
        default=None,
        description=(
            "Of a still: the picture (image/jpeg) as a JWE in JSON serialization, ECDH-ES+A256KW and A256GCM, that "
            "only the key of the asker's certificate opens."
        ),
    )
