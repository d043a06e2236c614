"""Mutated packages against a post: each is refused by name, and leaves the list and the disk as they were."""

import os
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from platepost.provisioning.hotlist.rows import HotListRow
from platepost.wire.hotlist import HotListRefused, RefusalReason
from platepost.wire.hotlist.manifest import verify
from platepost.wire.hotlist.package import load_key
from platepost.wire.hotlist.parts import Assembly, read_index, split_parts
from tests.device.hotlist.department import Department
from tests.device.hotlist.junk import damaged, text, twisted
from tests.device.hotlist.mutations import Mutator

NEWS = HotListRow("5NEW001", "felony_vehicle", 1, "NV", None, "NEWS-1")
READS = ("7ABC123", "8ODE456", "80DE456", "1291164", "5NEW001", "6XYZ123", "NOTHERE", "4OL1115", "7COV001", "7OWN001")


@dataclass
class Found:
    """What became of the mutated packages."""

    refused: Counter[tuple[str, RefusalReason]] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        return self.refused.total() + self.taken.total()

    def add(self, other: "Found") -> None:
        self.refused += other.refused
        self.taken += other.taken


class Target:
    """A post with a list in force, and what is genuine of the next ones."""

    def __init__(self, department: Department, directory: Path) -> None:
        self._at = department.built
        self._issuer_key = load_key(department.issuer_key, private=False)
        patterns = [department.pattern("6XY*"), department.pattern("4OL???5", state="CA", characters=7)]
        rows = [*department.rows, HotListRow("7COV001", "felony_vehicle", 1, distribution="task_force")]
        rows.append(HotListRow("7OWN001", "local", 9, safe=True))
        self._first = department.package(rows, patterns=patterns)
        delta = department.delta(self._first, add=[NEWS], remove=department.rows[2:3], patterns=patterns[:1])
        before = department.manifest(self._first)
        genuine = [department.package([*rows, NEWS], version=2, patterns=patterns, previous=before), delta]
        self._genuine = {department.manifest(one).digest for one in genuine}
        self._parts = [split_parts(one, part_bytes=1024) for one in genuine]
        self._parts = [(index, list(parts)) for index, parts in self._parts]
        self._mutator = Mutator(department, genuine)
        self._directory = directory
        self._store = department.store(directory)
        self._reset()

    def fuzz(self, numbers: Iterable[int]) -> Found:
        """Make and install the mutated package of each number.

        Raises AssertionError with the number where one was taken that must not be, changed anything, or was refused
        without a name; and whatever a crash raises, with the number as a note.
        """
        found = Found()
        for number in numbers:
            draw = random.Random(number)
            try:
                match number % 8:
                    case 0 | 1 | 2:
                        self._install(*self._mutator.stranger(draw), found, strange=True)
                    case 3 | 4 | 5 | 6:
                        self._install(*self._mutator.issuer(draw), found, strange=False)
                    case _:
                        self._in_parts(draw, found)
            except BaseException as error:
                error.add_note(f"mutated package {number}")
                raise
        return found

    def _install(self, kind: str, package: bytes, found: Found, *, strange: bool) -> None:
        before, refused = self._state(), None
        try:
            taken = self._store.install(package, at=self._at)
        except HotListRefused as error:
            refused = error
        if refused is not None:
            assert self._state() == before, "the list or the disk changed"
            assert not any(read in str(refused) for read in READS), "a plate is in the message"
            found.refused[kind, RefusalReason(refused.reason)] += 1
            return
        # Signatures and base64 can be written in more than one way: then it is the genuine list after all.
        assert not strange or taken.digest in self._genuine
        found.taken[kind] += 1
        for read in READS:
            taken.match(read, at=self._at)
        self._reset()

    def _in_parts(self, draw: random.Random, found: Found) -> None:
        index, parts = draw.choice(self._parts)
        messages = list(parts)
        if not draw.randrange(4):
            index = draw.choice((damaged(index, draw), text(twisted({"x": index.decode()}, draw), draw)))
        for _ in range(draw.randrange(1, 6)):
            at = draw.randrange(len(messages))
            messages[at] = draw.choice((damaged(messages[at], draw), messages[draw.randrange(len(messages))], b""))
        draw.shuffle(messages)
        try:
            read = read_index(index)
            assembly = Assembly(read, verify(read.line, self._issuer_key), directory=self._directory.parent)
        except HotListRefused as refused:
            found.refused["index", refused.reason] += 1
            return
        for message in messages:
            assembly.take(message)
        self._install("parts", bytes(assembly.package()), found, strange=True)

    def _state(self) -> tuple[object, ...]:
        files = [(one.name, one.stat().st_size, one.stat().st_mtime_ns) for one in os.scandir(self._directory)]
        return id(self._store.current), self._store.current, sorted(files)

    def _reset(self) -> None:
        for path in self._directory.glob("*"):
            path.unlink()
        self._store.load()
        self._store.install(self._first, at=self._at)


def campaign(numbers: Iterable[int], *, directory: Path) -> Found:
    """Fuzz with the mutated package of each number; keys are new each time, the number says what is done to them."""
    return Target(Department(), directory).fuzz(numbers)
