"""A custodian's receipt: the payload of a signed statement of which records of one chain it holds durably."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from platepost.wire.records.base import Digest, Identifier, UtcTime, WireModel
from platepost.wire.records.topics import NAME

RECEIPT_TYPE = "platepost-receipt+jws"
"""The JWS header's `typ`, so that nothing else signed with the same key is taken for a receipt."""

MOST_RANGES = 64
"""Ranges of one receipt. A custodian with more gaps sends several, the oldest numbers first."""

Sequence = Annotated[int, Field(ge=1, lt=2**53)]
ClientName = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]


class KeptRange(WireModel):
    """Records of one chain, without a gap, that the custodian holds."""

    first: Sequence = Field(description="Number of the first.")
    last: Sequence = Field(description="Number of the last.")
    digest: Digest = Field(description="Digest of the last: it binds all records before it.")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.last < self.first:
            raise ValueError("a range ends before it begins")
        return self


class Receipt(WireModel):
    """The payload of a receipt: a compact JWS, ES256, by the custodian's own key.

    It says that these records are durable, as they arrived: nothing about whether they are genuine. Numbers that a
    genuine `records_dropped` or `records_lost` names count as held, so that ranges stay few. The answer to a record
    that came again ends a range at that record, for the post may not know the digest of the next range's end.
    """

    agency: ClientName = Field(description="Whose post it is for.")
    post: ClientName = Field(description="The post that made the records.")
    custodian: ClientName = Field(description="Who holds them: the common name of its certificate.")
    epoch: Annotated[int, Field(ge=1, lt=2**53)] = Field(
        description="Goes up when the custodian was restored from a backup; a post ignores receipts of lower epochs."
    )
    number: Annotated[int, Field(ge=1, lt=2**53)] = Field(description="Only goes up within the epoch.")
    time: UtcTime = Field(description="When it was signed, by the custodian's clock.")
    chain: Identifier = Field(description="The chain.")
    ranges: tuple[KeptRange, ...] = Field(
        max_length=MOST_RANGES, description="What is held of it, in ascending order; empty if nothing is."
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        for before, after in zip(self.ranges, self.ranges[1:], strict=False):
            if after.first <= before.last:
                raise ValueError("ranges overlap, or are not in ascending order")
        return self
