"""The b-trees of a damaged outbox, as far as they can still be walked.

Of each page it is kept where it lies and whether it is authentic, and no more: a post with little memory salvages an
outbox of any size. What it holds is read again when it is asked for.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

from platepost.device.outbox.salvage.cells import (
    INDEX_INTERIOR,
    INDEX_LEAF,
    TABLE_LEAF,
    Cell,
    cell_at,
    cells,
    children,
    kind,
)
from platepost.device.outbox.salvage.pages import (
    PAGE,
    Codec,
    Image,
    PageFile,
    WalFrame,
    read_salt,
    unreadable,
    wal_frames,
)

ROOTS = {
    "chain": 2,
    "record": 3,
    "sqlite_autoindex_record_1": 4,
    "record_order": 5,
    "record_pictures": 6,
    "dropped": 7,
    "gap": 8,
    "loss": 9,
}
"""Where the tables begin in an outbox that was made new, unless the first page says otherwise."""


_UNREADABLE, _WRONG, _AUTHENTIC = 0, 1, 2
_HELD = 512
"""Pages kept deciphered: 2 MB."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk over one b-tree has found."""

    leaves: tuple[int, ...]
    """Pages with cells, in order."""
    whole: bool
    """Whether every page on the way was authentic, and the newest."""
    cut: bool
    """Whether a page above others was not, so that a branch may have been missed."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a cell was found, so that it can be read again."""

    page: int
    age: int
    """Which image of the page, 0 the newest."""
    place: int
    """Where on the page."""
    oldest: bool
    """Whether the pages behind it were taken as the database has them, rather than the log."""


class Forest:
    """Every page of the database and its log, the newest image of each first. Close it, or use it as a context manager.

    Args:
        path: the database.
        key: the 32 bytes of the outbox's key.
        meanwhile: called again and again, as long as it goes on.

    Raises:
        OSError: the disk does not give the file at all.

    """

    def __init__(self, path: Path, *, key: bytes, meanwhile: Callable[[], None] = lambda: None) -> None:
        self._codec = Codec(key, read_salt(path))
        log = path.with_name(f"{path.name}-wal")
        self._database = PageFile(path, meanwhile=meanwhile)
        self._log = PageFile(log, meanwhile=meanwhile) if log.exists() else None
        self._states = bytearray(self._look(number) for number in range(1, -(-self._database.size // PAGE) + 1))
        self._newer: dict[int, list[int]] = {}
        """Where in the log the authentic images of a page are, the newest last."""
        self._doubtful = False
        """Whether newer images of any page may have been lost, but of those renewed since."""
        self._renewed: set[int] = set()
        self._image = lru_cache(_HELD)(self._read)
        self.log_is_clean = self._read_log(wal_frames(log, self._codec, meanwhile=meanwhile))
        self._roots = ROOTS | self._read_roots()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._image.cache_clear()
        self._database.close()
        if self._log is not None:
            self._log.close()

    def _look(self, number: int) -> int:
        page = self._database.read((number - 1) * PAGE, PAGE) if self._database.patient else None
        if page is None:
            return _UNREADABLE
        return _AUTHENTIC if self._codec.authentic(number, page.ljust(PAGE, b"\0")) else _WRONG

    def _read(self, number: int, age: int) -> Image:
        newer = self._newer.get(number, [])
        file, place = self._database, (number - 1) * PAGE
        if age < len(newer) and self._log is not None:
            file, place = self._log, newer[-1 - age]
        elif self._states[number - 1] == _UNREADABLE:
            return unreadable(number)  # a card takes long to say so again
        page = file.read(place, PAGE)
        return unreadable(number) if page is None else self._codec.image(number, page.ljust(PAGE, b"\0"))

    def _ages(self, number: int) -> range:
        """Return the ages of the images that there are of a page."""
        return range(len(self._newer.get(number, [])) + (0 < number <= len(self._states)))

    def _read_log(self, frames: Iterator[WalFrame]) -> bool:
        """Take the log's transactions; return whether it is all of one piece, with nothing behind its end."""
        clean = True
        transaction: list[tuple[int, int]] = []
        broken = False
        for frame in frames:
            if not frame.current:
                # What is left of a former round is in the database already; but a broken frame may look alike.
                broken, clean = True, False
            elif not frame.image.authentic:
                broken, clean = True, False
                self._doubt_all()
            else:
                if broken:
                    self._doubt_all()
                    broken = False
                transaction.append((frame.image.number, frame.place))
            if frame.current and frame.commits:
                for number, place in transaction:
                    self._newer.setdefault(number, []).append(place)
                    self._renewed.add(number)
                transaction.clear()
        return clean and not transaction

    def _doubt_all(self) -> None:
        self._doubtful = True
        self._renewed.clear()

    def _read_roots(self) -> dict[str, int]:
        """Ask SQLite's own table, whose root is the first page, where the others begin."""
        cells_found = [cell.values for number in self._walk(1).leaves for cell in self.cells_of(number)]
        return {
            values[1]: values[3]
            for values in cells_found
            if len(values) == 5 and isinstance(values[1], str) and isinstance(values[3], int)
        }

    def root(self, table: str) -> int:
        """Return the first page of a table or index, 0 if there is none."""
        return self._roots.get(table, 0)

    def newest(self, number: int) -> Image | None:
        """Return the newest image of a page; those of the log are authentic, or not taken."""
        return self._image(number, 0) if self._ages(number) else None

    def oldest(self, number: int) -> Image | None:
        """Return the oldest image of a page, which is the database's."""
        ages = self._ages(number)
        return self._image(number, ages[-1]) if ages else None

    def certain(self, number: int) -> Image | None:
        """Return a page's image if it is authentic and no newer one can have been lost."""
        image = self.newest(number)
        sure = image is not None and image.authentic and (not self._doubtful or number in self._renewed)
        return image if sure else None

    def walk(self, table: str) -> Walk:
        """Go through a table or index from its root."""
        return self._walk(self.root(table))

    def _walk(self, root: int) -> Walk:
        leaves: list[int] = []
        whole, cut = True, False
        bottom: int | None = None
        uncertain: set[tuple[int, bool]] = set()
        ahead, seen = [(root, 0)], set()
        while ahead:
            number, depth = ahead.pop()
            image = self.newest(number)
            if image is None or number in seen:
                whole, cut = False, True
                continue
            seen.add(number)
            is_leaf = kind(image) in {TABLE_LEAF, INDEX_LEAF}
            if self.certain(number) is None:
                whole = False
                uncertain.add((depth, is_leaf))
            elif is_leaf:
                bottom = depth
            if is_leaf or kind(image) == INDEX_INTERIOR:
                leaves.append(number)
            ahead += reversed([(child, depth + 1) for child in children(image)])
        # All leaves of a b-tree are equally deep: what lies as deep as a certain one has none below it.
        cut |= any(not is_leaf if bottom is None else depth != bottom for depth, is_leaf in uncertain)
        return Walk(tuple(leaves), whole, cut)

    def cells(self, walk: Walk) -> Iterator[Cell]:
        """Yield the cells of a table or index in order."""
        for number in walk.leaves:
            yield from self.cells_of(number)

    def authentic_rows(self, table: str) -> tuple[list[Cell], bool]:
        """Return the cells of a small table that no digest covers, and whether they are certainly all.

        Of damaged pages none is taken, and none joined from two.
        """
        walk = self.walk(table)
        behind: list[bool] = []

        def certain(number: int) -> Image | None:
            image = self.certain(number)
            behind.append(image is not None)
            return image

        images = (image for number in walk.leaves if (image := self.newest(number)) is not None and image.authentic)
        found = [cell for image in images for cell in cells(image, certain)]
        return found, walk.whole and all(behind)

    def cells_of(self, number: int) -> Iterator[Cell]:
        """Yield the cells of one page's newest image."""
        image = self.newest(number)
        if image is not None:
            yield from cells(image, self.newest)

    def spots(self, numbers: Iterable[int]) -> Iterator[tuple[Spot, Cell]]:
        """Yield the cells of the newest images of pages, and where they are."""
        for number in numbers:
            for cell in self.cells_of(number):
                yield Spot(number, 0, cell.place, oldest=False), cell

    def older_spots(self, numbers: Iterable[int] | None = None) -> Iterator[tuple[Spot, Cell]]:
        """Do the same for every image of pages, by default of all that look like a table's leaves."""
        for number in self._numbers() if numbers is None else numbers:
            for age in self._ages(number):
                image = self._image(number, age)
                if kind(image) == TABLE_LEAF:
                    for oldest in (False, True):
                        for cell in cells(image, self.oldest if oldest else self.newest):
                            yield Spot(number, age, cell.place, oldest), cell

    def _numbers(self) -> Iterator[int]:
        yield from range(1, len(self._states) + 1)
        yield from sorted(number for number in self._newer if number > len(self._states))

    def at(self, spot: Spot) -> Cell | None:
        """Return the cell that was found at a spot, or None if it can no longer be read."""
        return cell_at(self._image(spot.page, spot.age), spot.place, self.oldest if spot.oldest else self.newest)
