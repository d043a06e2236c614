"""The Merkle trees behind checkpoints: one over the entries of the ledger, one over the records (RFC 6962, 2.1).

A leaf is the digest of an entry, or of a record that belongs to no covert group, in the order of their coming. The
hashes of whole blocks of 256 leaves, and of the nodes above them, are stored, so that root and proofs are a few reads
however large the tree is, and so that records can be purged and the tree stays. Leaves that were altered or deleted
below a stored hash contradict it: `odd_blocks`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from psycopg import Connection

from platepost.wire.monitor import EMPTY_ROOT, leaf_hash, node_hash

ENTRIES, RECORDS = "entries", "records"
BLOCK_LEVEL = 8
BLOCK = 1 << BLOCK_LEVEL
"""Leaves of a block."""


class MerkleLog:
    """One tree, as the database has it now.

    Args:
        connection: of the keeper's role, or the public page's.
        tree: `ENTRIES` or `RECORDS`.

    """

    def __init__(self, connection: Connection[Any], tree: str) -> None:
        self._connection = connection
        self.name = tree
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._blocks: dict[int, list[tuple[int, bytes]]] = {}

    def extend(self) -> int:
        """Store the hashes of blocks that have become whole; return how many leaves there are.

        Raises:
            psycopg.Error: the database refuses.

        """
        count = self._whole_blocks()
        while len(leaves := self._block(count)) == BLOCK:
            root = subtree([leaf for _, leaf in leaves])
            place = count
            level = BLOCK_LEVEL
            last = leaves[-1][0]
            with self._connection.transaction():
                self._store(level, place, root, last)
                while place & 1:
                    root = node_hash(self._node(level, place - 1), root)
                    level, place = level + 1, place >> 1
                    self._store(level, place, root, last)
            self._blocks.clear()
            count += 1
        return count * BLOCK + len(leaves)

    def root(self, size: int) -> bytes:
        """Return the root of the tree of the first `size` leaves. Raises LookupError: there are not so many."""
        return self._range(0, size) if size else EMPTY_ROOT

    def proof(self, first: int, second: int) -> list[bytes]:
        """Return the proof that the tree of `second` leaves begins with that of `first`.

        Raises:
            LookupError: there are not so many leaves, or those next to the first tree's end were purged.

        """
        if not 0 < first < second:
            return []
        return self._subproof(first, 0, second, whole=True)

    def odd_blocks(self, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield the blocks whose leaves are not those of the stored hash: the place, how many leaves, and the last id.

        Args:
            begin: the first block.
            end: the one behind the last.

        """
        for place in range(begin, min(end, self._whole_blocks())):
            last = self._last(place)
            leaves = [leaf for number, leaf in self._block(place) if number <= last]
            if len(leaves) != BLOCK or subtree(leaves) != self._node(BLOCK_LEVEL, place):
                yield place, len(leaves), last
            self._blocks.clear()

    def blocks(self) -> int:
        """Return how many blocks are whole."""
        return self._whole_blocks()

    def _subproof(self, first: int, begin: int, size: int, *, whole: bool) -> list[bytes]:
        if first == size:
            return [] if whole else [self._range(begin, begin + size)]
        half = _half(size)
        if first <= half:
            return [*self._subproof(first, begin, half, whole=whole), self._range(begin + half, begin + size)]
        rest = self._subproof(first - half, begin + half, size - half, whole=False)
        return [*rest, self._range(begin, begin + half)]

    def _range(self, begin: int, end: int) -> bytes:
        """Return the hash of the leaves from `begin` up to `end`, which is not among them."""
        size = end - begin
        if size >= BLOCK and size & (size - 1) == 0:
            level = size.bit_length() - 1
            return self._node(level, begin >> level)
        if size < BLOCK:  # a power of two divides `begin`, and it is no smaller: they lie in one block
            offset = begin % BLOCK
            leaves = [leaf for _, leaf in self._block(begin >> BLOCK_LEVEL)[offset : offset + size]]
            if len(leaves) < size:
                raise LookupError(f"there are no leaves {begin + 1} to {end} of the tree of {self.name}")
            return subtree(leaves)
        half = _half(size)
        return node_hash(self._range(begin, begin + half), self._range(begin + half, end))

    def _node(self, level: int, place: int) -> bytes:
        if (level, place) not in self._nodes:
            select = "SELECT hash FROM ledger_node WHERE tree = %s AND level = %s AND place = %s"
            row = self._connection.execute(select, [self.name, level, place]).fetchone()
            if row is None:
                raise LookupError(f"there is no node {place} at level {level} of the tree of {self.name}")
            self._nodes[level, place] = bytes(row[0])
        return self._nodes[level, place]

    def _store(self, level: int, place: int, root: bytes, last: int) -> None:
        insert = "INSERT INTO ledger_node (tree, level, place, hash, last) VALUES (%s, %s, %s, %s, %s)"
        self._connection.execute(insert, [self.name, level, place, root, last])
        self._nodes[level, place] = root

    def _whole_blocks(self) -> int:
        select = "SELECT coalesce(max(place) + 1, 0) FROM ledger_node WHERE tree = %s AND level = %s"
        ((count,),) = self._connection.execute(select, [self.name, BLOCK_LEVEL]).fetchall()
        return int(count)

    def _last(self, place: int) -> int:
        """Return the id of a block's last leaf; 0 before the first."""
        if place < 0:
            return 0
        select = "SELECT last FROM ledger_node WHERE tree = %s AND level = %s AND place = %s"
        row = self._connection.execute(select, [self.name, BLOCK_LEVEL, place]).fetchone()
        if row is None:
            raise LookupError(f"there is no block {place} of the tree of {self.name}")
        return int(row[0])

    def _block(self, place: int) -> list[tuple[int, bytes]]:
        """Return ids and digests of a block's leaves, as many as there are."""
        if place not in self._blocks:
            parameters = [self.name, self._last(place - 1), BLOCK]
            rows = self._connection.execute("SELECT * FROM ledger_leaves(%s, %s, %s)", parameters).fetchall()
            self._blocks[place] = [(number, bytes(digest)) for number, digest in rows]
        return self._blocks[place]


def subtree(leaves: Sequence[bytes]) -> bytes:
    """Return the hash of a list of leaves, MTH of RFC 6962."""
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    if not leaves:
        return EMPTY_ROOT
    half = _half(len(leaves))
    return node_hash(subtree(leaves[:half]), subtree(leaves[half:]))


def _half(size: int) -> int:
    """Return the largest power of two below a size of two or more."""
    return 1 << (size - 1).bit_length() - 1
