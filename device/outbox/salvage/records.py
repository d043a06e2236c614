"""The records of a damaged outbox, and what is known of those that are lost.

A row is taken only if its seal, over all that was stored, fits: it may lie on several pages, and one of them may have
served another row since. Rows of former versions have none; of them digest, size and pictures must fit. Where no page
on the way to the rows is damaged but their own, nothing else is taken. Where one is, every page that looks like one of
rows is searched, and records that had been delivered already may be sent again.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from platepost.common.errors import RecordError
from platepost.device.outbox.database import Connection
from platepost.device.outbox.rows import COVERT, seal
from platepost.device.outbox.salvage.cells import Cell, cells
from platepost.device.outbox.salvage.finds import Finds, ReadableRecord
from platepost.device.outbox.salvage.forest import Forest, Spot
from platepost.device.outbox.salvage.wal import is_chain_row
from platepost.wire.records import ChainHead
from platepost.wire.records.canonical import canonical_bytes, digest_of, parse
from platepost.wire.records.parts import pictures_match

_COLUMNS = {11, 12, 13, 14}
"""One more since version 2, since version 5, and since version 6."""
_SEAL, _SENT = 12, 13


@dataclass(frozen=True, slots=True)
class SalvagedRecord:
    """One record as it was stored."""

    chain: str
    number: int
    previous: str
    place: int
    """Where it stood in the outbox: its number, or a negative one if it is of a former chain."""
    values: tuple[Any, ...]
    """Of `id` to `has_pictures`."""
    sent: bool
    """Whether a broker acknowledged it; not sealed, for if it is wrong the record is only sent again."""

    @property
    def digest(self) -> str:
        """Digest of the record."""
        return str(self.values[4])


@dataclass(slots=True)
class Salvaged:
    """What could be read of a damaged outbox."""

    finds: Finds
    """Where its records are."""
    forest: Forest
    """What they are read from."""
    covert_heads: list[tuple[Any, ...]] | None = None
    """The ends of the covert chains, as their table has them; None if they are not certain."""
    head: ChainHead | None = None
    """The end of the chain, if it is certain; otherwise the chain cannot go on."""
    lost: dict[str, list[int]] = field(default_factory=dict)
    """By chain: the numbers of records that were there and cannot be read."""
    complete: bool = True
    """Whether nothing else can be lost."""
    dropped: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Reads and pictures dropped, and of both what was not yet in the audit trail."""
    gaps: list[tuple[int, int]] = field(default_factory=list)
    losses: list[tuple[Any, ...]] = field(default_factory=list)
    """Losses before this that were not yet in the audit trail: chain, records, ranges, complete."""
    kept: list[tuple[Any, ...]] = field(default_factory=list)
    """What custodians have signed for: chain, custodian, first, last. None of it unless all of it is certain."""
    released: list[tuple[Any, ...]] = field(default_factory=list)
    """Digests of records that are gone: chain, number, digest."""

    def read(self, find: ReadableRecord) -> SalvagedRecord | None:
        """Read a record again; None, and it is lost, if the disk does not give it this time."""
        cell = self.forest.at(find.spot)
        row = None if cell is None else _row(cell)
        if row is None and find.place > COVERT:
            self.lost.setdefault(find.chain, []).append(find.number)
        return row


def salvage(forest: Forest, notes: Connection) -> Salvaged:
    """Find what can be read of a damaged outbox and its log; changes nothing there.

    Args:
        forest: its pages.
        notes: a database that has room for what is found.

    """
    result = Salvaged(Finds(notes), forest)
    walk = forest.walk("record")
    for spot, cell in forest.spots(walk.leaves):
        result.finds.know(cell.rowid)
        _take(result.finds, spot, cell)
    if walk.cut:
        older = forest.older_spots()
    else:
        older = forest.older_spots(n for n in walk.leaves if not walk.whole and forest.certain(n) is None)
    for spot, cell in older:
        _take(result.finds, spot, cell)
    _find_head(result)
    _find_lost(result, whole=walk.whole)
    _find_accounts(forest, result)
    return result


def _take(finds: Finds, spot: Spot, cell: Cell) -> None:
    row = _row(cell)
    if row is not None:
        finds.add(ReadableRecord(str(row.values[0]), row.chain, row.number, row.place, spot))


def _row(cell: Cell) -> SalvagedRecord | None:
    values = cell.values
    if len(values) not in _COLUMNS or not isinstance(values[8], bytes):
        return None
    try:
        event = parse(values[8])
        digest = digest_of(canonical_bytes(event))
    except RecordError:
        return None
    chain, number, previous = event.get("chain"), event.get("sequence"), event.get("previous")
    if digest != values[5] or not (isinstance(chain, str) and isinstance(number, int) and isinstance(previous, str)):
        return None
    if not _is_whole(cell, event):
        return None
    sent = values[_SENT:] == (1,)
    return SalvagedRecord(chain, number, previous, cell.rowid, tuple(values[1:11]), sent)


def _is_whole(cell: Cell, event: dict[str, Any]) -> bool:
    values = cell.values
    if len(values) > _SEAL and values[_SEAL] is not None:
        try:
            return seal(cell.rowid, values[1:_SEAL]) == values[_SEAL]
        except (TypeError, ValueError, OverflowError):
            return False
    body = values[8]
    return isinstance(body, bytes) and len(body) == values[9] and event.get("id") == values[1] and pictures_match(event)


def _find_head(result: Salvaged) -> None:
    forest = result.forest
    image = forest.certain(forest.root("chain"))
    row = (
        next((cell.values for cell in cells(image, forest.newest) if is_chain_row(cell.values)), None)
        if image
        else None
    )
    if row is None:
        return
    _, chain, number, digest, key, time = (*row, None, None)[:6]
    head = ChainHead(
        str(chain),
        int(str(number)),
        str(digest),
        None if key is None else str(key),
        None if time is None else datetime.fromtimestamp(float(str(time)), UTC),
    )
    # A power cut beside the damage may have kept the record and not the chain's end.
    for find in result.finds.later(head.chain, head.sequence):
        cell = forest.at(find.spot)
        later = None if cell is None else _row(cell)
        if later is None or later.number != head.sequence + 1 or later.previous != head.digest:
            return
        head = ChainHead(head.chain, later.number, later.digest, head.key, head.time)
    result.head = head


def _find_lost(result: Salvaged, *, whole: bool) -> None:
    """Ask the table and both indices which records there were; each alone would know. `whole` is about the table."""
    finds, forest = result.finds, result.forest
    chain = result.head.chain if result.head else finds.last_chain()
    complete = whole
    for table, lengths in (("sqlite_autoindex_record_1", {2}), ("record_order", {4, 5})):  # one more since version 6
        walk = forest.walk(table)
        complete |= walk.whole
        for cell in forest.cells(walk):
            if len(cell.values) in lengths and isinstance(place := cell.values[-1], int):
                finds.know(place)
    # Of covert records nobody is told here; their own chain tells those who may know.
    gone = finds.gone()
    numbers = [place for place in gone if place > 0]
    if chain is not None and numbers:
        result.lost[chain] = numbers
    # Of a record of a former chain nothing but its text says the number.
    result.complete = complete and len(numbers) == len(gone)


def _find_accounts(forest: Forest, result: Salvaged) -> None:
    rows, _ = forest.authentic_rows("dropped")
    counts = [cell.values[1:] for cell in rows if len(cell.values) == 5]
    if counts and all(isinstance(value, int) for value in counts[0]):
        reads, pictures, reads_pending, pictures_pending = (int(str(value)) for value in counts[0])
        result.dropped = (reads, pictures, reads_pending, pictures_pending)
    covert, covert_whole = forest.authentic_rows("covert_chain")
    if covert_whole or not forest.root("covert_chain"):
        result.covert_heads = [cell.values for cell in covert if len(cell.values) == 6]
    gaps, gaps_whole = forest.authentic_rows("gap")
    result.gaps = [
        (cell.rowid, cell.values[1]) for cell in gaps if len(cell.values) == 2 and isinstance(cell.values[1], int)
    ]
    losses, losses_whole = forest.authentic_rows("loss")
    result.losses = [cell.values[1:] for cell in losses if len(cell.values) == 5 and isinstance(cell.values[1], str)]
    result.complete &= gaps_whole and (losses_whole or not forest.root("loss"))
    kept, kept_whole = forest.authentic_rows("kept")
    if kept_whole:
        result.kept = [cell.values for cell in kept if len(cell.values) == 4]
    released, _ = forest.authentic_rows("released")
    result.released = [cell.values for cell in released if len(cell.values) == 3]
