"""A custodian of a scenario: a record keeper that may be away, and come back with an old copy of its store."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from platepost.department.custody.receipt_log import ReceiptLog
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.keeper.keeper import RECEIPTS, STORE, RecordKeeper
from platepost.simulator.keeper.store import RecordStore
from platepost.simulator.scenario.course import HeldByCustodian
from platepost.wire.records import Keyring

INTERVAL_SECONDS = 0.02
"""Between two receipts of a chain, in real time: a scenario's day takes seconds."""


class ScenarioCustodian:
    """One custodian through its lives, at all brokers.

    Args:
        fleet: whose custodian.
        name: its name.
        brokers: the department's; all of them run at its first start.
        folder: where its store and its log of receipts lie.

    """

    def __init__(self, fleet: Fleet, name: str, brokers: Sequence[Broker], folder: Path) -> None:
        self.name = name
        self._fleet = fleet
        self._brokers = tuple(brokers)
        self._folder = folder
        self._backup = folder.with_name(f"{folder.name}-backup")
        self._keeper: RecordKeeper | None = None

    def __repr__(self) -> str:
        return f"<ScenarioCustodian {self.name} {'running' if self.running else 'away'}>"

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        return self._keeper is not None

    def reaches_all(self) -> bool:
        """Say whether it is connected to every broker that runs, or away."""
        running = {broker.address for broker in self._brokers if broker.running}
        return self._keeper is None or running <= self._keeper.subscribed_at

    def start(self) -> None:
        """Go to work; does nothing if it is.

        Raises:
            SubscriberError: a broker refuses it, or does not run.

        """
        if self._keeper is None:
            first, *further = (broker.address for broker in self._brokers)
            keeper = RecordKeeper(
                self._fleet,
                self.name,
                broker=first,
                further=further,
                folder=self._folder,
                interval_seconds=INTERVAL_SECONDS,
            )
            keeper.start()
            self._keeper = keeper

    def stop(self) -> None:
        """End, with what it has on disk."""
        if self._keeper is not None:
            self._keeper.stop()
            self._keeper = None

    def close(self) -> None:
        """End, as `stop` does."""
        self.stop()

    def back_up(self) -> None:
        """Copy the store; the log of receipts is on another disk, and is never restored."""
        working = self.running
        self.stop()
        shutil.rmtree(self._backup, ignore_errors=True)
        self._backup.mkdir()
        for path in self._folder.glob(f"{STORE}*"):
            shutil.copy(path, self._backup)
        if working:
            self.start()

    def restore(self) -> None:
        """Lose the store, and go to work with the copy: what was receipted since is not held any more."""
        self.stop()
        for path in self._folder.glob(f"{STORE}*"):
            path.unlink()
        if self._backup.is_dir():
            for path in self._backup.iterdir():
                shutil.copy(path, self._folder)
        self.start()

    def account(self, post: str) -> HeldByCustodian:
        """Return what it has of a post; it must have stopped."""
        with ReceiptLog(self._folder / RECEIPTS) as log:
            named = sum(gap.last - gap.first + 1 for gap in log.incidents if gap.post == post)
        with RecordStore(self._folder / STORE, keys=lambda _post: Keyring(())) as store:
            held = [run for chain in store.chains() if chain.post == post for run in store.holding(chain).runs]
        return HeldByCustodian(self.name, sum(run.last - run.first + 1 for run in held), named)
