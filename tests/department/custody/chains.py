"""Chains of made-up digests, and a store of what is held that lives in memory."""

import hashlib
from collections.abc import Iterable

from platepost.department.custody.holding import ChainName, Fate, Holding
from platepost.wire.records.canonical import GENESIS

CHAIN = ChainName("post-1", "01890a5d-ac96-774b-bcce-b302099a8057")


def digest(number: int, branch: str = "") -> str:
    """Return the digest of a record; of number 0 what the first record names."""
    return hashlib.sha256(f"{branch}{number}".encode()).hexdigest() if number else GENESIS


class MemoryRecords:
    """What is held of several chains, and the digests under each number, the first of which counts."""

    def __init__(self) -> None:
        self.holdings: dict[ChainName, Holding] = {}
        self.stored: dict[tuple[ChainName, int], list[str]] = {}

    def chains(self) -> Iterable[ChainName]:
        return list(self.holdings)

    def holding(self, chain: ChainName) -> Holding:
        return self.holdings.get(chain, Holding())

    def digests(self, chain: ChainName, number: int) -> frozenset[str]:
        return frozenset(self.stored.get((chain, number), ()))

    def take(
        self, numbers: Iterable[int], *, branch: str = "", chain: ChainName = CHAIN, after: str = ""
    ) -> list[Fate]:
        """Hold records of a branch whose first one follows a record of the branch `after`."""
        holding = self.holdings.setdefault(chain, Holding())
        fates = []
        for number in numbers:
            mine = digest(number, branch)
            stored = self.stored.setdefault((chain, number), [])
            if mine not in stored:
                stored.append(mine)
            fates.append(holding.add(number, mine, digest(number - 1, branch), stored=stored[0]))
        return fates
