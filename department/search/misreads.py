"""What the reader takes characters for, and how often: the look-alikes of search, and what ranks its results."""

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LEAST_LOOK_ALIKE = 0.0005
"""Probability from which on two characters look alike, in either direction."""
_FILE = Path(__file__).with_name("misreads.json")
_FLOOR = 1e-5
"""Probability of what the table leaves out."""


@cache
def misread() -> Mapping[str, Mapping[str, float]]:
    """Return, for each character as read, the probability of each other character that may stand on the plate.

    `benchmarks/misreads.py` makes the table from the reader's own alternatives. Characters are folded: no O, no I.
    """
    table: dict[str, dict[str, float]] = json.loads(_FILE.read_text("utf-8"))["misread"]
    return table


@cache
def look_alikes(character: str) -> str:
    """Return what a folded character may be taken for, or what may be taken for it; sorted, without itself."""
    table = misread()
    others = {
        other
        for other in table
        if max(table[other].get(character, 0.0), table.get(character, {}).get(other, 0.0)) >= LEAST_LOOK_ALIKE
    }
    return "".join(sorted(others - {character}))


@cache
def log_probability(true: str, read: str) -> float:
    """Return the logarithm of the probability that `true` stands on a plate where `read` was read; both folded."""
    others = misread().get(read, {})
    return math.log(max(_FLOOR, 1 - sum(others.values()) if true == read else others.get(true, 0.0)))
