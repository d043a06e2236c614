"""What `PLATEPOST_THOROUGH=1` has tests repeat, and `make test` spares: there each case runs, but not every pair."""

import os
from collections.abc import Sequence
from typing import TypeVar

THOROUGH = os.environ.get("PLATEPOST_THOROUGH") == "1"
First = TypeVar("First")
Second = TypeVar("Second")


def in_turn(cases: Sequence[First], places: Sequence[Second]) -> list[tuple[First, Second]]:
    """Return each case with one of the places, which take turns; with every place if the run is thorough."""
    if THOROUGH:
        return [(case, place) for place in places for case in cases]
    return [(case, places[number % len(places)]) for number, case in enumerate(cases)]
