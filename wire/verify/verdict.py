"""What the verifier says: problems, chains, and the report over all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ProblemKind = Literal["malformed", "foreign", "changed", "repeated", "missing", "forked", "misdated"]
"""
`malformed`: not a record; `foreign`: of another source, or signed by a key not trusted; `changed`: the signature or a
picture's digest does not fit; `repeated`: the same record again; `missing`: a sequence number is absent; `forked`: two
different records claim one place in the chain, as after a restored backup of the disk; `misdated`: the time is earlier
than that of the record before, and the record does not say so, or says so wrongly.
"""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the records."""

    kind: ProblemKind
    line: int | None
    """Which record fed it was, from 1; None for one that is missing."""
    chain: str | None
    sequence: int | None
    id: str | None
    message: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What is known of one chain."""

    chain: str
    records: int
    first: int
    last: int
    dropped: int
    """Sequence numbers absent that the post says it dropped when its disk ran low."""
    lost: int
    """Sequence numbers absent that the post says were lost to a damaged disk."""


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict over everything fed so far."""

    fed: int
    chained: int
    """Different records that belong to a chain."""
    unchained: int
    """Health and wills: signed, not chained."""
    unknown: Mapping[str, int]
    """How many of both are of a type that this version does not know, by type: genuine, and not understood."""
    redelivered: int
    """Repetitions that were allowed."""
    chains: tuple[ChainReport, ...]
    problems: tuple[Problem, ...]
    """Everything wrong, in the order of the chain; what belongs nowhere comes first, in the order fed."""

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems
