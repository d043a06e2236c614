"""The links of one chain, and what is wrong between them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import isfinite
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from platepost.wire.records.canonical import GENESIS
from platepost.wire.verify.trust import Trust
from platepost.wire.verify.verdict import Problem

RESOLUTION_SECONDS = 0.002
"""Times are whole milliseconds; as binary fractions they differ by less than two."""

Range: TypeAlias = tuple[int, int]
"""First and last of consecutive sequence numbers."""


@dataclass(frozen=True, slots=True)
class Link:
    """What is kept of one record."""

    line: int
    id: str
    sequence: int
    digest: str
    previous: str
    key: str
    """Thumbprint of the key that signed it."""
    time: float
    """When it says that it was made, seconds since 1970; infinity if it does not."""
    chain_then: str | None = None
    """Of a record outside of any chain: the chain whose end it names; `sequence` is that end's number."""
    stepped_back: float = 0.0
    """How much earlier it says that this is than the time of the record before it, seconds."""


@dataclass(frozen=True, slots=True)
class ChainResult:
    """What is wrong with a chain, and what of it the post itself says is gone."""

    problems: list[Problem]
    dropped: int
    lost: int


@dataclass(slots=True)
class Chain:
    """The records of one chain that came so far, in any order."""

    links: dict[int, Link] = field(default_factory=dict)
    dropped: dict[int, list[Range]] = field(default_factory=dict)
    """By number of the record that says so."""
    problems: list[Problem] = field(default_factory=list)

    def judge(self, name: str, *, whole: bool, lost: list[Range], changed: list[Range], trust: Trust) -> ChainResult:
        """Find what is missing, of another history, or signed by a key that is not good there.

        Args:
            name: the chain's identifier.
            whole: whether it must be there from its first record on.
            lost: numbers that the post says its disk lost.
            changed: numbers of records that are there and not genuine.
            trust: judges keys.

        """
        foreign = {sequence: why for sequence in self.links if (why := self.objection(name, sequence, trust))}
        problems = [*self.problems, *(self._foreign(name, sequence, why) for sequence, why in foreign.items())]
        dropped = Excuses(gap for sequence, gaps in self.dropped.items() if sequence not in foreign for gap in gaps)
        gone, present = Excuses(lost), Excuses(changed)
        dropped_count = lost_count = 0
        last = Link(0, "", 0, GENESIS, "", "", 0.0) if whole else None
        for sequence in sorted(self.links):
            link = self.links[sequence]
            if last is not None and sequence == last.sequence + 1 and link.previous != last.digest:
                message = f"does not continue the record before it, number {last.sequence}"
                problems.append(Problem("forked", link.line, name, sequence, link.id, message))
            elif last is not None and sequence == last.sequence + 1 and (message := _misdated(last, link)):
                problems.append(Problem("misdated", link.line, name, sequence, link.id, message))
            elif last is not None and sequence > last.sequence + 1:
                absent = [Absence(last.sequence + 1, sequence - 1)]
                after_drops = dropped.left_of(absent)
                after_losses = gone.left_of(after_drops)
                dropped_count += _count(absent) - _count(after_drops)
                lost_count += _count(after_drops) - _count(after_losses)
                missing = present.left_of(after_losses)
                problems += [Problem("missing", None, name, gap.first, None, str(gap)) for gap in missing]
            elif last is None and sequence == 1 and link.previous != GENESIS:
                problems.append(Problem("forked", link.line, name, sequence, link.id, "the first record has a past"))
            last = link
        return ChainResult(sorted(problems, key=lambda problem: problem.sequence or 0), dropped_count, lost_count)

    def objection(self, name: str, sequence: int, trust: Trust) -> str | None:
        """Say why a record of the chain is not genuine for its key; None if it is."""
        link = self.links[sequence]
        return trust.objection(link.key, chain=name, sequence=sequence)

    def _foreign(self, name: str, sequence: int, why: str) -> Problem:
        link = self.links[sequence]
        return Problem("foreign", link.line, name, sequence, link.id, why)


def _misdated(before: Link, link: Link) -> str:
    """Say what is wrong with a record's time after that of the record before it; nothing if nothing is."""
    back = max(0.0, before.time - link.time) if before.sequence else 0.0
    if not isfinite(back) or abs(back - link.stepped_back) <= RESOLUTION_SECONDS:
        return ""
    return f"{back:.3f} s earlier than number {before.sequence}, but reports {link.stepped_back:.3f} s"


class Absence(NamedTuple):
    """Consecutive sequence numbers that are absent."""

    first: int
    last: int

    def __str__(self) -> str:
        one = self.first == self.last
        return f"number {self.first} is missing" if one else f"numbers {self.first} to {self.last} are missing"


class Excuses:
    """Numbers that are missing for a known reason, as ranges; merged once, so that judging many gaps is quick."""

    def __init__(self, ranges: Iterable[Range]) -> None:
        self._ranges = merged(ranges)

    def left_of(self, absences: Iterable[Range]) -> list[Absence]:
        """Return what is left of absences without them."""
        return [left for absence in absences for left in self._left(absence)]

    def _left(self, absence: Range) -> Iterator[Absence]:
        start, end = absence
        # From the last range that begins no later: the ranges before it end before it begins.
        begin = max(0, bisect_right(self._ranges, start, key=itemgetter(0)) - 1)
        for index in range(begin, len(self._ranges)):
            first, last = self._ranges[index]
            if first > end:
                break
            if first > start:
                yield Absence(start, first - 1)
            start = max(start, last + 1)
        if start <= end:
            yield Absence(start, end)


def merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Return ranges in ascending order; ranges that touch or overlap are joined, empty ones are dropped."""
    whole: list[Range] = []
    for first, last in sorted(ranges):
        if whole and first <= whole[-1][1] + 1:
            whole[-1] = (whole[-1][0], max(last, whole[-1][1]))
        elif first <= last:
            whole.append((first, last))
    return tuple(whole)


def _count(absences: list[Absence]) -> int:
    return sum(absence.last - absence.first + 1 for absence in absences)
