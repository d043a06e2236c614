"""A disk that forgets: what a power cut may leave of what was written but not flushed.

The weakest promises that file systems make. A file's bytes are safe once the file was flushed; before, any part of them
may be missing. Names made, changed or removed are safe once their folder was flushed; before, each may be there or not,
whatever became of the others. (Pillai and others, "All File Systems Are Not Created Equal: On the Complexity of
Crafting Crash-Consistent Applications", OSDI 2014.)
"""

import os
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

Names = dict[str, int]
Content = dict[str, bytes]


class Disk:
    """Watches one folder, and gives after each step whatever a power cut there could leave.

    `states` has an entry for each step: its name, and the folder's possible contents; None where the folder itself
    would be gone.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._here = folder.is_dir()
        self._kept = self._here
        self._names: Names = {}
        self._kept_names: Names = {}
        self._pending: list[Callable[[Names], None]] = []
        self._bytes: list[bytes] = []
        self._kept_bytes: list[bytes] = []
        self._descriptors: dict[int, str] = {}
        self.states: list[tuple[str, list[Content | None]]] = []
        for path in sorted(folder.iterdir()) if self._here else ():
            self._names[path.name] = self._kept_names[path.name] = len(self._bytes)
            self._bytes.append(path.read_bytes())
            self._kept_bytes.append(self._bytes[-1])
        for name in ("mkdir", "open", "fsync", "replace", "unlink"):
            patch.setattr(os, name, self._followed(name, getattr(os, name)))
        for name in ("rename", "remove", "link", "fdatasync", "truncate", "ftruncate"):
            patch.setattr(os, name, self._unknown(name))

    def _followed(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self._look()  # what was written since the step before
            result = real(*arguments, **named)
            getattr(self, f"_{name}")(result, *arguments)
            self._look()
            self.states.append((name, list(self._possible())))
            return result

        return call

    def _unknown(self, name: str) -> Callable[..., Any]:
        def call(*_: Any, **__: Any) -> Any:
            raise NotImplementedError(f"this disk does not know what os.{name} leaves")

        return call

    def _look(self) -> None:
        for name, file in self._names.items():
            self._bytes[file] = (self._folder / name).read_bytes()

    def _mkdir(self, _: None, path: str | Path, *__: object) -> None:
        self._here = self._here or Path(path) == self._folder

    def _open(self, descriptor: int, path: str | Path, flags: int, *_: object) -> None:
        self._descriptors[descriptor] = str(path)
        name = Path(path).name
        if Path(path).parent != self._folder or not flags & os.O_CREAT:
            return
        if name in self._names:
            self._kept_bytes[self._names[name]] = b""  # truncated; at worst at once
            return
        file = self._names[name] = len(self._bytes)
        self._bytes.append(b"")
        self._kept_bytes.append(b"")
        self._pending.append(lambda names: names.__setitem__(name, file))

    def _fsync(self, _: None, descriptor: int) -> None:
        path = Path(self._descriptors[descriptor])
        if path == self._folder:
            self._kept_names = dict(self._names)
            self._pending.clear()
        elif path == self._folder.parent:
            self._kept = self._here
        elif path.name in self._names:
            file = self._names[path.name]
            self._kept_bytes[file] = self._bytes[file]

    def _replace(self, _: None, source: str | Path, target: str | Path) -> None:
        old, new = Path(source).name, Path(target).name
        file = self._names.pop(old)
        self._names[new] = file

        def moved(names: Names) -> None:
            names.pop(old, None)
            names[new] = file

        self._pending.append(moved)

    def _unlink(self, _: None, path: str | Path) -> None:
        name = Path(path).name
        del self._names[name]
        self._pending.append(lambda names: names.pop(name, None))  # type: ignore[arg-type]

    def _possible(self) -> Iterator[Content | None]:
        if self._here and not self._kept:
            yield None
        for chosen in product((False, True), repeat=len(self._pending)):
            names = dict(self._kept_names)
            for change, happened in zip(self._pending, chosen, strict=True):
                if happened:
                    change(names)
            yield from self._contents(names)

    def _contents(self, names: Names) -> Iterator[Content]:
        choices = []
        for file in names.values():
            kept, written = self._kept_bytes[file], self._bytes[file]
            half = len(written) // 2
            lost = (kept, written[:half], written[:half] + bytes(len(written) - half), bytes(len(written)), written)
            choices.append(list(dict.fromkeys(lost)) if kept != written else [written])
        for contents in product(*choices):
            yield dict(zip(names, contents, strict=True))


def restore(content: Content | None, folder: Path) -> Path:
    """Make a folder with a possible content."""
    if content is not None:
        folder.mkdir(parents=True)
        for name, data in content.items():
            (folder / name).write_bytes(data)
    return folder
