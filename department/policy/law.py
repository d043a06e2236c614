"""Law profiles: what a state's law fixes, which no policy of a department may change. `laws.toml` has them as data."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FILE = Path(__file__).with_name("laws.toml")
OTHER = "other"
"""The law of a department whose policy file states it, in a table `other_law`."""
NO_CEILING = 36525
"""Days, as the database has it."""


class LawProfile(BaseModel):
    """What the law of one kind of agency says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str = Field(min_length=1)
    state: str = Field(pattern="^[A-Z]{2}$")
    """Two letters, with which the ORI of an agency of the state begins."""
    keep_at_least_days: Annotated[int, Field(ge=0, lt=NO_CEILING)]
    """No record is purged before."""
    keep_at_most_days: Annotated[int, Field(ge=2, le=NO_CEILING)] = NO_CEILING
    """A record that is no evidence is purged by then; `NO_CEILING` where the law has no ceiling."""
    shares_in_state_only: bool
    """Whether nothing may go to federal, out-of-state or private parties. The database holds to it, too."""
    approves_searches: bool = False
    """Whether a supervisor approves each search before it is made, where no life is in danger. So does the database."""
    audit_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    """How many days may lie between audits; None where the law has no number."""
    publication: str = ""
    """What must be published."""
    state_system: str = ""
    """What the state calls the system in which hits are confirmed, unless the department calls it something else."""
    sources: tuple[str, ...] = Field(min_length=1)
    """What was read, and when."""

    @model_validator(mode="after")
    def _floor_below_ceiling(self) -> Self:
        if self.keep_at_most_days <= self.keep_at_least_days + 1:
            raise ValueError("keep_at_most_days: at least two days more than keep_at_least_days")
        return self

    BOUND: ClassVar = ("law", "state", "in_state_only", "approves_searches", "floor_days", "ceiling_days")
    """The columns of `ledger_law`."""

    def bound(self) -> dict[str, str | bool | int]:
        """Return what the database binds the department to, by column of `ledger_law`."""
        fields = (
            self.name,
            self.state,
            self.shares_in_state_only,
            self.approves_searches,
            self.keep_at_least_days,
            self.keep_at_most_days,
        )
        return dict(zip(self.BOUND, fields, strict=True))


LAWS: Mapping[str, LawProfile] = {
    name: LawProfile(name=name, **fields) for name, fields in tomllib.loads(FILE.read_text("utf-8")).items()
}
"""By name, as the policy file's `law` gives it."""
