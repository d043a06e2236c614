"""Ends of chains that someone noted down: what a chain alone cannot show is that it once went further.

Written as `14:8ac904d3...`: the number of the last record then, and its digest.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from platepost.common.errors import RecordError
from platepost.wire.verify.chains import Chain
from platepost.wire.verify.verdict import Problem

LEAST_DIGITS = 32
"""Of a digest that was noted by hand: 128 bits, which no one finds another record for."""
_FORM = re.compile(rf"([1-9][0-9]{{0,15}}):([0-9a-f]{{{LEAST_DIGITS},64}})")


@dataclass(frozen=True, slots=True)
class NotedHead:
    """The end of a chain at some time."""

    sequence: int
    digest: str
    """Hexadecimal; its beginning at least."""

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what was noted down.

        Raises:
            RecordError: it is not of this form.

        """
        match = _FORM.fullmatch(text.strip().lower())
        if match is None:
            raise RecordError(
                f"{text!r}: a noted end is NUMBER:DIGEST, with {LEAST_DIGITS} hexadecimal digits of the digest at least"
            )
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.sequence}:{self.digest}"


def missing_heads(heads: Iterable[NotedHead], chains: Mapping[str, Chain]) -> list[Problem]:
    """Name each noted end that is in no chain: what came after it, and it itself, was cut off or replaced."""
    problems = []
    for head in heads:
        links = [link for chain in chains.values() if (link := chain.links.get(head.sequence)) is not None]
        if not any(link.digest.startswith(head.digest) for link in links):
            why = "another record has that number" if links else "there is no such number"
            message = f"the noted end {head} is not among them: {why}"
            problems.append(Problem("missing", None, None, head.sequence, None, message))
    return problems
