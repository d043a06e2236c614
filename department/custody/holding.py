"""What is held of one chain.

Records come in any order, and more than once. Numbers are joined where the records' own hashes join them: a record
names the digest of the one before it. So the digest of a range's last record speaks for the whole range.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from platepost.wire.records.receipt import KeptRange
from platepost.wire.verify.chains import Excuses, merged

Span: TypeAlias = tuple[int, int]
"""First and last of consecutive sequence numbers."""


class ChainName(NamedTuple):
    """Which chain of which post."""

    post: str
    chain: str


@dataclass(frozen=True, slots=True)
class LinkedRun:
    """Records that are held without a gap, each naming the digest of the one before."""

    first: int
    last: int
    previous: str
    """What the first names as the digest of the record before it."""
    digest: str
    """Digest of the last."""


class Fork(NamedTuple):
    """A number of which the post made two records, by the digest of the one that is not in any run."""

    number: int
    digest: str


class Fate(Enum):
    """What a record turned out to be."""

    NEW = "new"
    """Its number was not held."""
    HELD = "held"
    """It is held already, or was before a purge."""
    FORKED = "forked"
    """Another record of that number is held. Both are to be kept; only the first counts as held."""


class Holding:
    """Which numbers of one chain are held, and which the post itself has given up.

    A post whose disk was rolled back to an earlier state uses numbers again: the chain forks. A record of the second
    branch is remembered and never joined to the first. From then on no gap is bridged either, as nothing tells of which
    branch the records on its two sides are.
    """

    def __init__(
        self, runs: Iterable[LinkedRun] = (), *, dropped: Iterable[Span] = (), forks: Iterable[Fork] = ()
    ) -> None:
        self._runs = sorted(runs, key=attrgetter("first"))
        self._dropped = merged(dropped)
        self._forks = set(forks)
        self.repeated: tuple[int, str] | None = None
        """Number and digest of the record that came again since the last new one, the last of them."""

    def __repr__(self) -> str:
        numbers = ", ".join(f"{run.first}..{run.last}" for run in self._runs)
        return f"<Holding {numbers or 'nothing'}{', forked' if self._forks else ''}>"

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._runs, number, key=attrgetter("first"))
        return place > 0 and number <= self._runs[place - 1].last

    @property
    def runs(self) -> tuple[LinkedRun, ...]:
        """What is held, in ascending order."""
        return tuple(self._runs)

    @property
    def dropped(self) -> tuple[Span, ...]:
        """Numbers that the post named as dropped or lost, in ascending order; records of them may be held."""
        return self._dropped

    @property
    def forks(self) -> frozenset[Fork]:
        """The records that contradict what is held."""
        return frozenset(self._forks)

    def add(self, number: int, digest: str, previous: str, *, stored: str | None = None) -> Fate:
        """Take in a record that is durable.

        Args:
            number: its sequence number.
            digest: its digest.
            previous: the digest that it names of the record before it.
            stored: digest of the record that counts as held under this number; None if it is not known any more.

        """
        place = bisect_right(self._runs, number, key=attrgetter("first"))
        before = self._runs[place - 1] if place else None
        if before is not None and number <= before.last:
            known = before.digest if number == before.last else stored
            if known == digest:
                self.repeated = number, digest
            if known in {None, digest}:
                return Fate.HELD
            self._forks.add(Fork(number, digest))
            return Fate.FORKED
        self._join(LinkedRun(number, number, previous, digest), place)
        self.repeated = None
        return Fate.NEW

    def add_run(self, run: LinkedRun) -> None:
        """Take in records that were purged, none of whose numbers is held."""
        self._join(run, bisect_right(self._runs, run.first, key=attrgetter("first")))

    def _join(self, run: LinkedRun, place: int) -> None:
        """Put a run behind the first `place` ones, joined to its neighbors where the hashes join them."""
        before = self._runs[place - 1] if place else None
        after = self._runs[place] if place < len(self._runs) else None
        begin, end = place, place
        if before is not None and before.last == run.first - 1:
            if before.digest == run.previous:
                run, begin = LinkedRun(before.first, run.last, before.previous, run.digest), place - 1
            else:
                self._forks.add(Fork(before.last, run.previous))
        if after is not None and after.first == run.last + 1:
            if after.previous == run.digest:
                run, end = LinkedRun(run.first, after.last, run.previous, after.digest), place + 1
            else:
                self._forks.add(Fork(run.last, after.previous))
        self._runs[begin:end] = [run]

    def give_up(self, spans: Iterable[Span]) -> None:
        """Take in numbers that a genuine record names as dropped or lost."""
        self._dropped = merged((*self._dropped, *spans))

    def ranges(self) -> tuple[KeptRange, ...]:
        """Return what a receipt says of the chain, in ascending order; numbers given up join what is held."""
        ranges: list[KeptRange] = []
        dropped = Excuses(() if self._forks else self._dropped)
        for run in self._runs:
            begin, first = ranges[-1].last + 1 if ranges else 1, run.first
            if begin < run.first:
                missing = dropped.left_of([(begin, run.first - 1)])
                first = missing[-1].last + 1 if missing else begin
            bridged = begin < run.first and first == begin and ranges
            if bridged:
                first = ranges.pop().first
            ranges.append(KeptRange(first=first, last=run.last, digest=run.digest))
        return tuple(ranges)

    def lacks(self, kept_range: KeptRange) -> list[Span]:
        """Return which numbers of a range are neither held nor given up."""
        covered = Excuses((*((run.first, run.last) for run in self._runs), *self._dropped))
        return [*covered.left_of([(kept_range.first, kept_range.last)])]

    def digest_of_last(self, number: int) -> str | None:
        """Return the digest of a record that ends a run; None of any other number."""
        place = bisect_right(self._runs, number, key=attrgetter("first"))
        run = self._runs[place - 1] if place else None
        return run.digest if run is not None and run.last == number else None
