"""What was read over what is listed, character by character, as someone compares them by eye."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from platepost.department.custody.projections import folded


@dataclass(frozen=True, slots=True)
class ComparedCharacter:
    """One place of both."""

    read: str
    """Empty where the list has a character more."""
    listed: str
    """Empty where the read has one more; `?` where the list's pattern says nothing about it."""

    @property
    def same(self) -> bool:
        """Whether they are the same character."""
        return self.read == self.listed


def compared(read: str, listed: str) -> tuple[ComparedCharacter, ...]:
    """Return both side by side.

    Args:
        read: `plate_read` of a hit.
        listed: its `plate_matched`, a plate as the list spells it or a pattern with `?` and `*`.

    """
    return tuple(ComparedCharacter(one, other) for one, other in _aligned(read, listed))


def _aligned(read: str, listed: str) -> Iterator[tuple[str, str]]:
    spelled = "".join(listed.split()).replace("-", "")
    if "?" in spelled or "*" in spelled:
        spelled = _filled(spelled, read)
    if len(read) == len(spelled):
        yield from zip(read, spelled, strict=True)
        return
    for _, i1, i2, j1, j2 in SequenceMatcher(None, read, spelled, autojunk=False).get_opcodes():
        yield from zip_longest(read[i1:i2], spelled[j1:j2], fillvalue="")


def _filled(pattern: str, read: str) -> str:
    """Return a pattern with each `*` filled so that it is as long as the text that was read."""
    parts = [
        ".*" if character == "*" else "." if character == "?" else re.escape(folded(character)) for character in pattern
    ]
    match = re.fullmatch("".join(f"({part})" for part in parts), folded(read))
    if match is None:
        return pattern.replace("*", "")
    groups = match.groups()
    return "".join("?" * len(groups[at]) if character == "*" else character for at, character in enumerate(pattern))
