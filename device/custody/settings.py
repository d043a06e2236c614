"""The table `custody` of the configuration."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from platepost.common.settings import Remote, Section
from platepost.wire.records import CustodianTerms
from platepost.wire.records.base import Slug
from platepost.wire.records.topics import NAME


class CustodianSettings(Section):
    """An archive service whose receipts this post needs before it deletes a record."""

    name: Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")] = Field(
        description="The common name of its client certificate."
    )
    key: Path = Field(description="PEM of the public key that signs its receipts, on P-256.")
    groups: tuple[Slug, ...] = Field(
        default=(), max_length=64, description="Distribution groups whose covert hits it keeps."
    )


class CustodySettings(Section):
    """Whose receipts release records. With no custodian a broker's acknowledgment releases them."""

    behind_hours: Remote[float] = Field(
        default=24,
        ge=1,
        le=168,
        description="Age of the oldest record without its receipts at which the post reports custody_behind.",
    )
    custodians: tuple[CustodianSettings, ...] = Field(
        default=(),
        max_length=8,
        description="Every one of them must have given its receipt; the root adds others later.",
    )

    @property
    def given(self) -> tuple[tuple[CustodianTerms, Path], ...]:
        """What each custodian's receipts are needed for, and where its key is."""
        return tuple(
            (CustodianTerms(name=custodian.name, groups=custodian.groups), custodian.key)
            for custodian in self.custodians
        )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        names = [custodian.name for custodian in self.custodians]
        if len(names) != len(set(names)):
            raise ValueError("a custodian is named twice")
        return self
