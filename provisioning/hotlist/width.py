"""Tells whether a row is complete, or was cut short.

A row that was cut short, or that a delimiter in a remark has shifted, still has a plate and a category. Taken as it
stands, it would open a covert entry, or list one forever that ends.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

UNLIMITED = 1 << 32
"""More fields than a row can have."""

NEEDED = ("category", "expires", "distribution")
"""What a row of a list must reach, where its file has it: without, the row would say something else."""

NARROWING = ("category", "state", "reference")
"""What a removal must reach: without, it would take more off the list."""


@dataclass(frozen=True, slots=True)
class Width:
    """How long rows must be, and may be, in fields or in characters; `ends` is where each needed meaning is reached."""

    ends: Mapping[str, int]
    shortest: int
    longest: int = UNLIMITED

    @classmethod
    def of(cls, ends: Mapping[str, int], needed: Iterable[str], *, longest: int = UNLIMITED) -> "Width":
        """Take from the ends of a file's fields those of the needed meanings."""
        reached = {meaning: ends[meaning] for meaning in needed if meaning in ends}
        return cls(reached, max(reached.values(), default=0), longest)

    def fault(self, length: int) -> str:
        """Return why a row of this length, which is not between the shortest and the longest, is not whole."""
        if length > self.longest:
            return "more fields than the header: a delimiter that is not quoted?"
        return f"cut short before its {next(meaning for meaning, end in self.ends.items() if end > length)}"
