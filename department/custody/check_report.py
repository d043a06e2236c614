"""What a verification of the custody reports, and how far it has come."""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

PROBLEMS_MOST = 1000
"""Problems that are kept by name; the rest are counted."""


class Wrong(StrEnum):
    """What may be wrong."""

    ALTERED = "altered"
    """A record's bytes are not those that were kept, or its columns not what they say."""
    SIGNATURE = "signature"
    """A record that is kept as the post's own is not signed by its key."""
    VERDICT = "verdict"
    """A record that is kept as refuted is not."""
    MISSING = "missing"
    """A record that was kept is gone."""
    HOLDING = "holding"
    """The keeper's bookkeeping says something else than the records."""
    PICTURE = "picture"
    """A picture is not the one that its record names."""
    PROJECTION = "projection"
    """What people see is not what the record says."""
    PURGED = "purged"
    """What is said to be purged is not what the custodian's certificate says."""
    RECEIPTED = "receipted, not held"
    LEDGER = "ledger"


class CheckProblem(BaseModel):
    """One thing wrong."""

    model_config = ConfigDict(frozen=True)

    kind: Wrong
    post: str | None = None
    chain: str | None = None
    number: int | None = None
    """The record's number in its chain, or an entry's in the ledger."""
    record: int | None = None
    """The record's id."""
    message: str

    def __str__(self) -> str:
        where = [self.post, self.chain and f"chain {self.chain}", self.number and f"number {self.number}"]
        named = ", ".join(str(part) for part in where if part) or (f"record {self.record}" if self.record else "")
        return f"{named + ': ' if named else ''}{self.kind}: {self.message}"


class CheckState(BaseModel):
    """How far the check has come."""

    done: int = 0
    """Id up to which an earlier run came."""
    upto: int | None = None
    """Where the present run ends; None while there is none."""
    position: int = 0
    """Id up to which the present run has come."""
    checked: int = 0
    """Records that it has read."""
    ends: dict[str, dict[str, int]] = {}
    """Up to which number each chain was held against the bookkeeping, by post and chain."""
    heads: list[str] = []
    """Ends of the ledger that were found, the latest last."""
    problems: list[CheckProblem] = []
    """What a whole run and those since it have found."""
    former: list[CheckProblem] = []
    """What the whole run before has found, while a rolling one is under way."""
    more: int = 0
    """Problems beyond those."""


class CheckReport(BaseModel):
    """What a run says."""

    model_config = ConfigDict(frozen=True)

    intact: bool
    """Whether nothing is wrong."""
    whole: bool
    records: int
    entries: int
    """Of the ledger."""
    problems: tuple[CheckProblem, ...]
    """Those of earlier runs too, back to the last whole one."""
    more: int
    """Problems beyond those."""


def note(state: CheckState, problems: Iterable[CheckProblem]) -> None:
    """Add problems to those that are known, each once."""
    for problem in problems:
        if problem in state.problems:
            continue
        if len(state.problems) < PROBLEMS_MOST:
            state.problems.append(problem)
        else:
            state.more += 1
