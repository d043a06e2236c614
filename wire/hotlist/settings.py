"""The hot list: whose, where, how old, and how far a look-up goes: the table `hotlist` of the configuration."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from platepost.common.settings import KeyPath, Pair, Remote, RemoteBounds, Section

SIZE_JUMP = 0.30
"""Share by which a list may grow or shrink unless its issuer gives a reason."""


class HotListSettings(Section):
    """The hot list: whose, where, and how old it may be."""

    directory: Path = Field(description="Folder in which the last good package is kept.")
    issuer_key: Path = Field(description="PEM of the public key that signs the department's lists.")
    unseal_key: KeyPath = Field(description="PEM of this post's private key, to which lists are encrypted.")
    # Federal extracts are refreshed twice a day: one missed refresh warns, two are stale.
    warning_hours: Annotated[Remote[float], RemoteBounds(most=48)] = Field(
        default=13, gt=0, le=8760, description="Age at which the post warns."
    )
    stale_hours: Annotated[Remote[float], RemoteBounds(most=72)] = Field(
        default=24, gt=0, le=8760, description="Age at which the post is degraded: hotlist_stale."
    )
    size_jump: float = Field(
        default=SIZE_JUMP,
        gt=0,
        le=1000,
        description="Share by which a list may differ in size from the last, unless its issuer gives a reason.",
    )
    look_alike_pairs: Remote[tuple[Pair, ...]] = Field(
        default=(), max_length=16, description="Characters that look alike beyond O/0 and I/1, such as B8."
    )
    look_alike_budget: Remote[int] = Field(
        default=1, ge=0, le=3, description="How many characters of a read may be taken for the other of their pair."
    )
    near_alternatives: Remote[int] = Field(
        default=0, ge=0, le=8, description="How many other readings are looked up too; each one adds false hits."
    )
    near_confidence: Remote[float] = Field(
        default=0.1, ge=0, le=1, description="Other readings less likely than this are not looked up."
    )
    hits_per_hour: Annotated[Remote[int], RemoteBounds(least=5, most=1000)] = Field(
        default=10,
        ge=1,
        le=1_000_000,
        description="If more different plates of a category hit, and ten times more than usual, further hits are held.",
    )
    in_service_without_list: bool = Field(
        default=False, description="Read before the first current list has come; hits cannot be found then."
    )

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.stale_hours < self.warning_hours:
            raise ValueError("stale_hours must not be less than warning_hours")
        return self
