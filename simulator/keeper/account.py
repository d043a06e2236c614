"""What a custodian came to: how many of a post's records it holds, and how many it has signed for."""

from dataclasses import dataclass
from pathlib import Path

from department.custody.receipt_log import ReceiptLog
from device.records import Keyring
from simulator.keeper.keeper import RECEIPTS, STORE
from simulator.keeper.store import RecordStore


@dataclass(frozen=True, slots=True)
class KeeperAccount:
    """Of one post, all of its chains together."""

    kept: int
    """Records held."""
    receipted: int
    """Records that receipts of the present epoch cover."""


def account_of(folder: Path, post: str) -> KeeperAccount:
    """Count in the folder of a record keeper that has stopped.

    Raises:
        CustodyError: the log of receipts is damaged, or in use.
        sqlite3.Error: the store cannot be opened.

    """
    with (
        RecordStore(folder / STORE, keys=lambda _post: Keyring(())) as store,
        ReceiptLog(folder / RECEIPTS) as receipts,
    ):
        held = [run for chain in store.chains() if chain.post == post for run in store.holding(chain).runs]
        signed = [kept for chain, ranges in receipts.receipted.items() if chain.post == post for kept in ranges]
    return KeeperAccount(
        kept=sum(run.last - run.first + 1 for run in held),
        receipted=len({number for kept in signed for number in range(kept.first, kept.last + 1)}),
    )
