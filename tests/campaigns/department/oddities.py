"""What is odd about some records, on purpose, and what a department must make of them."""

from collections.abc import Mapping
from enum import StrEnum
from random import Random


class Oddity(StrEnum):
    """What is done with a record."""

    FORGED = "forged"
    """Before it, another of its number comes: made up, in the name of the post's key, which never signed it."""
    SPOILED = "spoiled"
    """Before the record comes the same record with an invalid signature: same content, same digest."""
    ALTERED = "altered"
    """Before it, it comes with another plate under its own signature."""
    FOREIGN = "foreign"
    """Another record comes in a chain of its own, signed with a key that no one vouched for."""
    USURPED = "usurped"
    """Before it, another of its number comes, signed with that key."""
    REPLAYED = "replayed"
    """It comes once more, below another post's name."""
    UNKNOWN = "unknown"
    """It is of a type that no one knows, signed as it must be."""
    UNREADABLE = "unreadable"
    """Besides, something comes that is no record at all."""
    FORKED = "forked"
    """At the end, a second record of its number comes, signed as it must be."""
    MISSING = "missing"
    """It never comes."""
    REPEATED = "repeated"
    """It comes twice."""
    BARE = "pictures late"
    """It comes without the bytes of its pictures first, and with them later."""
    LATE = "40 days late"
    """Its time is 40 days ago."""
    EARLY = "40 days early"
    """Its time is 40 days to come."""


EXTRA: Mapping[Oddity, str] = {
    Oddity.FORGED: "forged",
    Oddity.SPOILED: "forged",
    Oddity.ALTERED: "forged",
    Oddity.FOREIGN: "foreign",
    Oddity.USURPED: "foreign",
    Oddity.REPLAYED: "forged",
    Oddity.UNREADABLE: "unreadable",
    Oddity.FORKED: "forked",
}
"""Those that bring a record besides the genuine one, and the verdict on it."""


def drawn(draw: Random, *, records: int, each: int) -> dict[int, Oddity]:
    """Return which of so many records are odd, `each` of every kind; the first record of each post is not."""
    numbers = draw.sample(range(records // 10, records), each * len(Oddity))
    return {number: oddity for place, oddity in enumerate(Oddity) for number in numbers[place :: len(Oddity)]}
