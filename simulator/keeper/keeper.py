"""The simulator's record keeper: a department's, with a store in SQLite and in a thread of its own."""

import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from platepost.common.errors import PlatepostError
from platepost.common.signals import current, sleep
from platepost.department.custody.keeper import Keeper, KeeperSettings
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.errors import SubscriberError
from platepost.simulator.keeper.store import RecordStore
from platepost.wire.records import Keyring, Purpose

log = logging.getLogger(__name__)

STORE = "records.db"
RECEIPTS = "receipts"
INTERVAL_SECONDS = 0.2
"""Between two receipts of a chain: shorter than a department's, as a simulated day is."""
_START_LOOK_SECONDS = 0.01
_STOP_SECONDS = 30.0
"""For the present commit and receipts."""


class RecordKeeper(Keeper[RecordStore]):
    """One custodian of a fleet. A context manager: it works in a thread while it is open, once."""

    def __init__(
        self,
        fleet: Fleet,
        name: str,
        *,
        broker: str,
        further: Sequence[str] = (),
        folder: Path,
        receipts: Path | None = None,
        interval_seconds: float = INTERVAL_SECONDS,
        new_epoch: bool = False,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            fleet: whose custodian, with the public keys of its posts.
            name: the custodian's.
            broker: `host:port`; of a cluster several, with commas between, of which the first that answers is taken.
            further: the department's other brokers, if it has any: posts may deliver to each of them.
            folder: where its store lies; made if missing.
            receipts: its log of receipts; beside the store if None.
            interval_seconds: between two receipts of a chain.
            new_epoch: begin a new epoch in any case.

        Raises:
            ProvisioningError: there is no such custodian, or a broker is not `host:port`.

        """
        if name not in fleet.custodians():
            raise ProvisioningError(f"the fleet has no custodian {name!r}")
        keys = fleet.keys(Purpose.CUSTODY, name)
        terms = keys.terms()
        settings = KeeperSettings(
            name=name,
            agency=fleet.agency,
            identity=fleet.custodian(name),
            signing_key=keys.signing,
            brokers=(broker, *further),
            groups=terms.groups if terms else (),
            receipts=receipts or folder / RECEIPTS,
            interval_seconds=interval_seconds,
        )
        super().__init__(
            settings,
            lambda: RecordStore(folder / STORE, keys=self._keys),
            new_epoch=new_epoch,
            store_errors=(sqlite3.Error,),
        )
        self._fleet = fleet
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def name(self) -> str:
        """The custodian's."""
        return self.settings.name

    @property
    def subscribed(self) -> bool:
        """Whether every broker has granted its topics, and the connections stand."""
        return self.subscribed_at == frozenset(self.settings.brokers)

    @property
    def subscribed_at(self) -> frozenset[str]:
        """The brokers at which it is subscribed."""
        return frozenset(broker for broker, answer in self.answers.items() if answer is None)

    def start(self, *, timeout: float = 10.0) -> None:
        """Begin to work, and return once every broker has granted every topic.

        Raises:
            SubscriberError: it does not within `timeout` seconds, or something else hinders.

        """
        self._thread = threading.Thread(target=self._work, name=f"keeper {self.name}", daemon=True)
        self._thread.start()
        began = time.monotonic()
        while not self.subscribed:
            if self._failure is not None or time.monotonic() > began + current().limit(timeout):
                answers = {broker: answer for broker, answer in self.answers.items() if answer is not None}
                broker, answer = next(iter(answers.items()), (self.settings.brokers[0], "no answer"))
                self.stop()
                raise SubscriberError(f"keeper {self.name}, broker {broker}: {self._failure or answer}")
            sleep(_START_LOOK_SECONDS)

    def stop(self) -> None:
        """End after the present commit and receipts; the broker keeps the session."""
        super().stop()
        if self._thread is not None:
            self._thread.join(current().limit(_STOP_SECONDS))
            self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _work(self) -> None:
        try:
            self.run()
        except (PlatepostError, OSError) as error:
            log.warning("keeper %s: %s", self.name, error)
            self._failure = error
        except Exception as error:
            log.exception("keeper %s", self.name)
            self._failure = error

    def _keys(self, post: str) -> Keyring:
        path = self._fleet.record_key(post)
        return Keyring.from_files(path) if path.exists() else Keyring(())
