"""Where a department is put to the test: a fleet, a broker, a recorder of receipts, and a department of its own."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.ground.department import ThrowawayDepartment, department_folder
from platepost.simulator.ground.site import Site, throwaway_fleet
from platepost.simulator.processes import end_forked, forking
from platepost.wire.records import Purpose
from platepost.wire.records.topics import ROOT
from tests.campaigns.custody.wire import WireLog
from tests.campaigns.department.publisher import PublisherCount, PublisherSettings, publish
from tests.campaigns.faults.namespaces import Namespaces, own_disk

AGENCY = "lab"
CUSTODIAN = "records"
GROUP = "narcotics"
RECORDER = "recorder"
EMPTY_MEGABYTES, LOG_MEGABYTES = 200, 1100
"""Of the database's disk, where it is one of its own: what an empty cluster needs, and its log at most."""
RECORD_KILOBYTES, LOGGED_KILOBYTES = 9, 20
"""What a record may need of it: its row, its picture, its projection; and in the log until that is cut."""


_STOP_SECONDS = 30.0


class DepartmentSite(Site[Broker]):
    """As a context manager, running while it is open; its publisher is started by the one who opened it."""

    def __init__(self, directory: Path, *, posts: int, records: int, namespaces: Namespaces) -> None:
        """Make the fleet; nothing runs yet.

        Args:
            directory: where everything is made; empty.
            posts: how many there are. The department learns the key of the last one later.
            records: how many there will be, for the size of the database's disk.
            namespaces: whether that disk can be had.

        """
        fleet = throwaway_fleet(directory / "fleet", agency=AGENCY, subscribers=(RECORDER,))
        fleet.add_custodian(CUSTODIAN, groups=(GROUP,), required=True)
        with fleet.broker.access_list.open("a") as rights:
            rights.write(f"\nuser {RECORDER}\ntopic read {ROOT}/{AGENCY}/+/receipt/+\n")
        super().__init__(directory, fleet, Broker(fleet, directory / "broker"))
        self.namespaces = namespaces
        self.wire_log = directory / "receipts.jsonl"
        self.plan = directory / "plan.pickle"
        self.publisher_log = directory / "publisher.log"
        self.custodian_key = fleet.keys(Purpose.CUSTODY, CUSTODIAN).verifying
        self.department = ThrowawayDepartment(
            self._stack.enter_context(department_folder()),
            fleet,
            CUSTODIAN,
            brokers=[self.broker.address],
            log=directory / "keeper.log",
            receipts=directory / "signed",
        )
        self._context = forking("tests.campaigns.department.publisher", "tests.campaigns.custody.wire")
        kept, logged = (records * size // 1024 for size in (RECORD_KILOBYTES, LOGGED_KILOBYTES))
        self._megabytes = EMPTY_MEGABYTES + kept + min(LOG_MEGABYTES, logged)
        self._posts = [f"post-{number}" for number in range(1, posts + 1)]
        self.late = self._posts[-1]
        """The post whose key the department learns later."""
        self.counts = self._context.Array("q", len(PublisherCount))
        """What the publisher tells, by `PublisherCount`."""

    @contextlib.contextmanager
    def publisher(self, *, records: int, odd: int, window: int, seed: int) -> Iterator[None]:
        """Run the publisher while this is open; on leaving it, it has written its plan. The rest is its settings'."""
        settings = PublisherSettings(
            agency=AGENCY,
            posts=tuple(self.fleet.post(name) for name in self._posts),
            broker=self.broker.address,
            custodian_key=self.custodian_key,
            group=GROUP,
            records=records,
            odd=odd,
            window=window,
            seed=seed,
            plan=self.plan,
        )
        arguments = {"settings": settings, "counts": self.counts, "log_file": self.publisher_log}
        process = self._context.Process(target=publish, kwargs=arguments, name="publisher")
        process.start()
        try:
            yield
        finally:
            end_forked(process, sent=signal.SIGTERM, seconds=_STOP_SECONDS)

    def _make(self) -> None:
        for name in self._posts[:-1]:
            self.add_post(name)
        super()._make()
        wire = WireLog(
            self.fleet.subscriber(RECORDER),
            agency=AGENCY,
            broker=self.broker.address,
            path=self.wire_log,
            context=self._context,
            topics="+/receipt/+",
        )
        self._stack.callback(wire.close)
        disk = self.department.database.folder
        disk.mkdir(parents=True)
        self._stack.enter_context(own_disk(disk, self.namespaces, megabytes=self._megabytes))
        self.department.initialize()
        self.add_post(self.late)  # its key is not in the department's register yet
        self._stack.enter_context(self.department)
