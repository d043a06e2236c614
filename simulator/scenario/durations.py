"""Durations and moments as people write them: `90`, `"90 s"`, `"1 h 30 min"`, `"7 days"`."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_UNITS = {
    "s": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "day": 86400.0,
    "days": 86400.0,
}
_CENTURY = 36_500 * 86_400.0
"""How long the longest duration is, either way: moments so far from the scenario's start are still dates."""
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)")


def seconds(value: object) -> float:
    """Turn a number of seconds, or a text such as `1 h 30 min`, into seconds; a leading `-` turns the sign.

    Raises:
        ValueError: it is neither, or longer than a century.

    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("expected seconds, or a text such as '1 h 30 min'")  # noqa: TRY004 - pydantic's contract
    total = _total(value) if isinstance(value, str) else value
    if not abs(total) <= _CENTURY:
        raise ValueError("a century (36500 days) is the longest")
    return float(total)


def _total(value: str) -> float:
    text = value.strip()
    sign, text = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    total, end = 0.0, 0
    for part in _PART.finditer(text):
        if part.start() != end or part[2] not in _UNITS:
            break
        total, end = total + float(part[1]) * _UNITS[part[2]], part.end()
    if not end or text[end:].strip():
        raise ValueError("a duration is written as '90 s', '1 h 30 min' or '7 days'")
    return sign * total


def words(duration: float) -> str:
    """Write seconds as people do: `40 s`, `2 min 5 s`, `1 h`, `6 days 4 h`."""
    if duration < 0:
        return f"-{words(-duration)}"
    if duration < 60:
        return f"{duration:g} s" if duration == round(duration) else f"{duration:.1f} s"
    left, parts = round(duration), []
    for name, size in (("days", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {'day' if name == 'days' and count == 1 else name}")
    return " ".join(parts[:2])


_WRITTEN = BeforeValidator(seconds, json_schema_input_type=float | str)
Signed = Annotated[float, _WRITTEN]
"""Seconds, in a file also as text."""
Duration = Annotated[float, _WRITTEN, Field(ge=0)]
"""The same, not below zero."""
