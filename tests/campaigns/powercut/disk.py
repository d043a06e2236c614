"""A disk re-created from the log of what a process did to it, as a power cut at some instant may leave it.

The model is stricter than file systems are. Of each write that was not yet followed by a synchronisation of its file,
every sector lands or does not, by lot and on its own; of truncations likewise. Files appear, vanish and change their
names on the disk only when their folder is synchronised; before that, any first part of what happened has.
"""

import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from platepost.simulator.errors import SimulatorError

SECTORS = (512, 4096)
"""Bytes that a disk writes whole or not at all."""
_HEAD = struct.Struct("<cHQI")


class DiskLogError(SimulatorError):
    """The log ends in the middle, or holds what cannot be followed."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing done to the disk; `disklog.c` says which there are."""

    kind: str
    path: str
    offset: int
    data: bytes


def read_log(path: Path) -> list[Operation]:
    """Read what `disklog.c` wrote.

    Raises:
        DiskLogError: it ends in the middle, or a file was mapped for writing.

    """
    return list(_operations(path.read_bytes()))


def _operations(content: bytes) -> Iterator[Operation]:
    place = 0
    while place < len(content):
        if place + _HEAD.size > len(content):
            raise DiskLogError("the log of the disk ends in the middle")
        kind, name_length, offset, length = _HEAD.unpack_from(content, place)
        place += _HEAD.size
        name, data = content[place : place + name_length], content[place + name_length : place + name_length + length]
        place += name_length + length
        if kind == b"M":
            raise DiskLogError(f"{name.decode()} was mapped for writing, which cannot be followed")
        yield Operation(kind.decode(), name.decode(), offset, data)


@dataclass(slots=True)
class _File:
    """What of one file is certain, and what was done to it since."""

    certain: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)

    def synchronise(self) -> None:
        for operation in self.pending:
            _apply(self.certain, operation)
        self.pending.clear()

    def after_cut(self, chance: random.Random, *, sector: int, share: float) -> bytes:
        content = bytearray(self.certain)
        for operation in self.pending:
            if operation.kind == "T":
                if chance.random() < share:
                    _apply(content, operation)
                continue
            for start, end in _sectors(operation, sector):
                if chance.random() < share:
                    data = operation.data[start - operation.offset : end - operation.offset]
                    _apply(content, Operation("W", operation.path, start, data))
        return bytes(content)


class Disk:
    """One folder on a disk, from its state at first and what was done since."""

    def __init__(self, folder: Path | None = None) -> None:
        """Begin with the files of `folder`, all of them safe, or with none."""
        self._certain: dict[str, _File] = {}
        for path in folder.iterdir() if folder is not None and folder.exists() else ():
            self._certain[path.name] = _File(bytearray(path.read_bytes()))
        self._present = dict(self._certain)
        self._namespace: list[Operation] = []
        self._created: dict[int, _File] = {}

    def do(self, operation: Operation) -> None:
        """Do one thing more."""
        match operation.kind:
            case "C":
                self._present[operation.path] = self._created[id(operation)] = _File()
                self._namespace.append(operation)
            case "W" | "T":
                self._present[operation.path].pending.append(operation)
            case "S":
                self._present[operation.path].synchronise()
            case "U" | "R":
                self._rename(self._present, operation)
                self._namespace.append(operation)
            case "D":
                self._certain = self._names(len(self._namespace))
                self._namespace.clear()
            case _:
                raise DiskLogError(f"unknown operation {operation.kind!r}")

    def cut(self, chance: random.Random, target: Path) -> None:
        """Write into the empty folder `target` what is on the disk after a power cut now."""
        sector, share = chance.choice(SECTORS), chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for name, file in self._names(chance.randint(0, len(self._namespace))).items():
            (target / name).write_bytes(file.after_cut(chance, sector=sector, share=share))

    def _names(self, count: int) -> dict[str, _File]:
        names = dict(self._certain)
        for operation in self._namespace[:count]:
            if operation.kind == "C":
                names[operation.path] = self._created[id(operation)]
            else:
                self._rename(names, operation)
        return names

    @staticmethod
    def _rename(names: dict[str, _File], operation: Operation) -> None:
        file = names.pop(operation.path, None)
        if operation.kind == "R" and file is not None:
            names[operation.data.decode()] = file


def marks(operations: Sequence[Operation], path: str) -> list[tuple[int, bytes]]:
    """Return what was written to one file, each with the number of operations before it."""
    return [(number, done.data) for number, done in enumerate(operations) if done.kind == "W" and done.path == path]


def _sectors(operation: Operation, sector: int) -> Iterator[tuple[int, int]]:
    start, end = operation.offset, operation.offset + len(operation.data)
    while start < end:
        until = min(end, start - start % sector + sector)
        yield start, until
        start = until


def _apply(content: bytearray, operation: Operation) -> None:
    if operation.kind == "T":
        del content[operation.offset :]
        content.extend(bytes(operation.offset - len(content)))
        return
    content.extend(bytes(max(0, operation.offset - len(content))))
    content[operation.offset : operation.offset + len(operation.data)] = operation.data
