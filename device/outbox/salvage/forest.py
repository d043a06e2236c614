"""The b-trees of a damaged outbox, as far as they can still be walked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from device.outbox.salvage.cells import INDEX_INTERIOR, INDEX_LEAF, TABLE_LEAF, Cell, cells, children, kind
from device.outbox.salvage.pages import Codec, Frame, Image, database_images, read_salt, wal_frames

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


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk over one b-tree has found."""

    leaves: tuple[int, ...]
    """Pages with cells, in order."""
    whole: bool
    """Whether every page on the way was authentic, and the newest."""
    cut: bool
    """Whether a page above others was not, so that a branch may have been missed."""


class Forest:
    """Every page of the database and its log, the newest image of each first."""

    def __init__(self, path: Path, *, key: bytes) -> None:
        codec = Codec(key, read_salt(path))
        self._images: dict[int, list[Image]] = {}
        for image in database_images(path, codec):
            self._images.setdefault(image.number, []).append(image)
        self.damaged = any(not image.authentic for images in self._images.values() for image in images)
        self._doubtful: set[int] = set()
        self._read_log(wal_frames(path.with_name(f"{path.name}-wal"), codec))
        self._roots = ROOTS | self._read_roots()

    def _read_log(self, frames: Iterator[Frame]) -> None:
        transaction: list[Image] = []
        broken = False
        for frame in frames:
            if not frame.current:
                # What is left of a former round is in the database already; but a broken frame may look alike.
                broken = True
            elif not frame.image.authentic:
                broken, self.damaged = True, True
                self._doubtful = set(self._images)
            else:
                if broken:
                    self._doubtful |= set(self._images)
                    broken = False
                transaction.append(frame.image)
            if frame.current and frame.commits:
                for image in transaction:
                    self._images.setdefault(image.number, []).insert(0, image)
                    self._doubtful.discard(image.number)
                transaction.clear()

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
        """Return the newest image of a page, an authentic one if there is any."""
        images = self._images.get(number, [])
        return next((image for image in images if image.authentic), images[0] if images else None)

    def oldest(self, number: int) -> Image | None:
        """Return the oldest image of a page, which is the database's."""
        images = self._images.get(number, [])
        return images[-1] if images else None

    def certain(self, number: int) -> Image | None:
        """Return a page's image if it is authentic and no newer one can have been lost."""
        image = self.newest(number)
        sure = image is not None and image.authentic and number not in self._doubtful
        return image if sure and image is self._images[number][0] else None

    def walk(self, table: str) -> Walk:
        """Go through a table or index from its root."""
        return self._walk(self.root(table))

    def _walk(self, root: int) -> Walk:
        leaves: list[int] = []
        whole, cut = True, False
        ahead, seen = [root], set()
        while ahead:
            number = ahead.pop()
            image = self.newest(number)
            if image is None or number in seen:
                whole, cut = False, True
                continue
            seen.add(number)
            certain = self.certain(number) is not None
            whole &= certain
            if kind(image) in {TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR}:
                leaves.append(number)
            cut |= not certain and kind(image) not in {TABLE_LEAF, INDEX_LEAF}
            ahead += reversed(children(image))
        return Walk(tuple(leaves), whole, cut)

    def rows(self, table: str) -> tuple[list[Cell], bool]:
        """Return the cells of a table or index, and whether they are certainly all."""
        walk = self.walk(table)
        return [cell for number in walk.leaves for cell in self.cells_of(number)], walk.whole

    def authentic_rows(self, table: str) -> tuple[list[Cell], bool]:
        """Do the same for rows that no digest covers: of damaged pages none is taken, and none joined from two."""
        walk = self.walk(table)
        images = [image for number in walk.leaves if (image := self.newest(number)) is not None and image.authentic]
        behind: list[Image | None] = []

        def certain(number: int) -> Image | None:
            behind.append(self.certain(number))
            return behind[-1]

        found = [cell for image in images for cell in cells(image, certain)]
        return found, walk.whole and None not in behind

    def cells_of(self, number: int) -> Iterator[Cell]:
        """Yield the cells of one page's newest image."""
        image = self.newest(number)
        if image is not None:
            yield from cells(image, self.newest)

    def older_cells(self, numbers: Iterable[int] | None = None) -> Iterator[Cell]:
        """Yield the cells of every image of pages, by default of all that look like a table's leaves."""
        for number in list(self._images) if numbers is None else numbers:
            for image in self._images.get(number, []):
                if kind(image) == TABLE_LEAF:
                    yield from cells(image, self.newest)
                    yield from cells(image, self.oldest)
