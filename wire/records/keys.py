"""Which keys a department signs with: the payload of a signed statement about them, and what a post says of it."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from platepost.wire.records.base import Line, Slug, Thumbprint, UtcTime, WireModel
from platepost.wire.records.topics import NAME

KEYS_TYPE = "platepost-keys+jws"
"""The JWS header's `typ`, so that nothing else signed with the same key is taken for a statement about keys."""

Number = Annotated[int, Field(ge=1, lt=2**53)]
Era = Annotated[int, Field(ge=0, lt=2**53)]


class Purpose(StrEnum):
    """What a key signs: a key of the one is never one of the other."""

    LISTS = "lists"
    CONFIGURATION = "configuration"
    CUSTODY = "custody"
    """Receipts. Each custodian has keys of its own."""


DEPARTMENT_PURPOSES = (Purpose.LISTS, Purpose.CONFIGURATION)
"""Purposes for which the department has one key in force; each custodian has one of its own besides."""


class SigningKey(WireModel):
    """A public key of the department's."""

    thumbprint: Thumbprint = Field(description="RFC 7638 thumbprint.")
    public_key: str = Field(max_length=400, description="The key, P-256, PEM.")


class FormerKey(SigningKey):
    """A key that no longer signs, but whose signature still counts for a while."""

    until: UtcTime | None = Field(
        default=None, description="From when it is retired; absent where a statement retires it."
    )


class CustodianTerms(WireModel):
    """Whose custody keys a statement is about, and what a post needs its receipts for. Only the root changes it."""

    name: Annotated[str, Field(pattern=f"^{NAME.pattern}$")] = Field(
        description="The custodian: the common name of its certificate."
    )
    groups: Annotated[tuple[Slug, ...], Field(max_length=64)] = Field(
        default=(), description="Distribution groups whose covert hits it keeps."
    )
    required: bool = Field(
        default=True, description="Whether a record leaves a post only with this custodian's receipt, among others."
    )


class KeyStatement(WireModel):
    """The payload of a statement about keys: a compact JWS, ES256, by the key in force before, or by the root.

    It says all: a key that it does not name is no longer valid.
    """

    purpose: Purpose = Field(description="What the keys sign.")
    agency: str = Field(min_length=1, max_length=64, description="Whose posts it is for.")
    era: Era = Field(
        description="A new one begins with each statement of the root, which outranks every key of the previous era."
    )
    number: Number = Field(description="Only goes up within its era.")
    issued: UtcTime = Field(description="When it was signed.")
    who: Annotated[str, Line] = Field(
        min_length=1, max_length=120, description="The administrator who is responsible for it."
    )
    custodian: CustodianTerms | None = Field(
        default=None, description="Whose keys they are; with the purpose `custody`, and with no other."
    )
    key: SigningKey = Field(description="The current key, the only one that signs the next statement.")
    former: tuple[FormerKey, ...] = Field(max_length=4, description="Keys whose signatures are accepted besides.")
    withdrawn: Literal["retired", "revoked"] = Field(
        description=(
            "How every other key goes. `retired`: what it signed before stays active; `revoked`: that is dropped as "
            "well, because someone else may have signed it, and the key never returns."
        ),
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        thumbprints = [self.key.thumbprint, *(former.thumbprint for former in self.former)]
        if len({*thumbprints}) != len(thumbprints):
            raise ValueError("a key is named twice")
        return self

    @model_validator(mode="after")
    def _whose(self) -> Self:
        if (self.custodian is not None) != (self.purpose is Purpose.CUSTODY):
            raise ValueError("a custodian is named with the purpose custody, and with no other")
        return self


class RefusedKeys(WireModel):
    """The last statement that was signed by a key which may vouch, and refused all the same."""

    era: Era = Field(description="Its era.")
    number: Number = Field(description="Its number.")
    reason: Slug = Field(description="Why.")


class KeyState(WireModel):
    """By which keys a post knows what is the department's, for one purpose."""

    purpose: Slug = Field(
        description="What the keys sign; newer posts may have keys for more.",
        examples=[purpose.value for purpose in Purpose],
    )
    custodian: str | None = Field(default=None, max_length=64, description="Whose they are, with the purpose custody.")
    key: Thumbprint = Field(description="Thumbprint of the current key.")
    former: tuple[Thumbprint, ...] = Field(default=(), description="Thumbprints of those that are accepted besides.")
    era: Era = Field(description="Era of the current statement; 0 where the post goes by the key it was given.")
    number: Annotated[int, Field(ge=0)] = Field(description="Its number; 0 where there is none.")
    refused: RefusedKeys | None = Field(default=None, description="The last refused since, if any.")
