"""Angles and fractions in words that a person on a ladder understands."""

from platepost.common.language import Phrase

_NUMBERS = (
    *(Phrase("two"), Phrase("three"), Phrase("four"), Phrase("five"), Phrase("six")),
    *(Phrase("seven"), Phrase("eight"), Phrase("nine"), Phrase("ten")),
)
_PARTS = (
    (0.5, Phrase("half")),
    (1 / 3, Phrase("a third")),
    (0.25, Phrase("a quarter")),
    (0.2, Phrase("a fifth")),
    (0.1, Phrase("a tenth")),
)


def degrees_in_words(degrees: float) -> Phrase:
    """Return an angle in words, half a degree at least: 1.9 is "two degrees"."""
    if degrees < 0.75:
        return Phrase("half a degree")
    whole = round(degrees)
    if whole == 1:
        return Phrase("one degree")
    return Phrase("{number} degrees", number=_NUMBERS[whole - 2] if whole < len(_NUMBERS) + 2 else str(whole))


def fraction_in_words(share: float) -> Phrase:
    """Return a share of 0 to 1 in words, a tenth at least: 0.24 is "a quarter"."""
    return min(_PARTS, key=lambda part: abs(part[0] - share))[1]
