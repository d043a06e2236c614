"""Angles and parts as a person on a ladder takes them in."""

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_PARTS = ((0.5, "half"), (1 / 3, "a third"), (0.25, "a quarter"), (0.2, "a fifth"), (0.1, "a tenth"))


def degrees_in_words(degrees: float) -> str:
    """Return an angle in words, half a degree at least: 1.9 is "two degrees"."""
    if degrees < 0.75:
        return "half a degree"
    whole = round(degrees)
    number = _NUMBERS[whole] if whole < len(_NUMBERS) else str(whole)
    return f"{number} degree{'' if whole == 1 else 's'}"


def fraction_in_words(share: float) -> str:
    """Return a share of 0 to 1 in words, a tenth at least: 0.24 is "a quarter"."""
    return min(_PARTS, key=lambda part: abs(part[0] - share))[1]
