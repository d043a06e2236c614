"""Where simulated posts report: a throw-away fleet, a real broker, and whatever connects to it."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from platepost.common.signals import check
from platepost.provisioning.connection import Connection
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.reads import ReadsGrant
from platepost.provisioning.trust.certificates import ORDINARY, Issuance
from platepost.simulator.errors import SimulatorError
from platepost.simulator.ground.event_loop_thread import EventLoopThread
from platepost.simulator.ground.proxy import Proxy
from platepost.simulator.ground.subscriber import Arrival, Subscriber
from platepost.wire.records import hotlist_package

READS = ReadsGrant("simulated records", date.max)
"""What every subscriber of a simulated fleet is granted: anyone who tries a subscriber tries it with every record."""


class AnyBroker(Protocol):
    """A broker as a site needs it: one daemon, or a cluster."""

    @property
    def address(self) -> str:
        """The `host:port` that clients try first."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of them."""

    @property
    def running(self) -> bool:
        """Whether it takes records."""

    def __enter__(self) -> Self:
        """Start it; it accepts connections on return."""

    def __exit__(self, *_: object) -> None:
        """End it."""


BrokerT = TypeVar("BrokerT", bound=AnyBroker)


def throwaway_fleet(
    folder: Path,
    *,
    agency: str,
    subscribers: Iterable[str] = (),
    custodian: str | None = None,
    issuance: Issuance = ORDINARY,
) -> Fleet:
    """Return the fleet in a folder, made if missing, with an identity for each subscriber.

    Args:
        folder: which.
        agency: whose.
        subscribers: their names.
        custodian: of one that is made, whose receipts its posts need; a broker's acknowledgment releases without one.
        issuance: where the keys and times of one that is made come from.

    Raises:
        SimulatorError: it is another agency's, or cannot be written.

    """
    try:
        if (folder / "fleet.json").exists():  # not where a former run was ended while it made one
            fleet = Fleet.load(folder)
        else:
            fleet = Fleet.create(folder, agency=agency, custodian=custodian, issuance=issuance)
    except OSError as error:
        raise SimulatorError(f"{folder}: cannot be written ({error.strerror})") from error
    if fleet.agency != agency:
        raise SimulatorError(f"{folder} is a fleet of {fleet.agency}, not of {agency}")
    for name in subscribers:
        if name not in fleet.subscribers():
            fleet.add_subscriber(name, reads=READS)
    return fleet


class Site(Generic[BrokerT]):
    """A fleet with its brokers, and what runs with them: a context manager that runs it while open.

    On exit, or if the start fails half-way, everything that was started is stopped in reverse order. A site that needs
    more overrides `_make` and gives what it starts to `_stack`.

    Not to be confused with the `site` of a post's configuration: the words for where it stands.
    """

    def __init__(self, directory: Path, fleet: Fleet, *brokers: BrokerT) -> None:
        """Keep what is given; nothing runs yet.

        Args:
            directory: where files besides those of the fleet are made.
            fleet: whose posts and subscribers.
            brokers: the department's, the preferred one first.

        """
        self.directory = directory.absolute()
        self.fleet = fleet
        self.brokers = list(brokers)
        self._stack = ExitStack()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.fleet.agency!r} in {self.directory}>"

    @property
    def broker(self) -> BrokerT:
        """The preferred broker."""
        return self.brokers[0]

    @cached_property
    def loop(self) -> EventLoopThread:
        """The event loop of all proxies; started on first use."""
        loop = EventLoopThread()
        self._stack.callback(loop.close)
        return loop

    def proxy(self, broker: BrokerT | None = None) -> Proxy:
        """Return a proxy to a broker, by default to the preferred one, that can disturb the connection."""
        proxy = Proxy(self.loop, int((broker or self.broker).address.rpartition(":")[2]))
        self._stack.callback(proxy.close)
        return proxy

    def add_post(self, name: str, *, through: Sequence[Proxy] = (), **settings: Any) -> Path:
        """Make a post's folder and return it.

        Args:
            name: the post's.
            through: its proxies to the brokers; without any, it connects to the brokers themselves.
            settings: those of `PostSettings`; by default it has no camera.

        Raises:
            Stopped: the process was asked to end.

        """
        check()  # keys and files of a dozen posts take seconds on a busy machine
        brokers = tuple(f"localhost:{proxy.port}" for proxy in through)
        brokers = brokers or tuple(address for broker in self.brokers for address in broker.addresses)
        return self.fleet.add_post(name, PostSettings(**{"brokers": brokers, "camera": "none"} | settings))

    def subscriber(
        self,
        name: str,
        archive: Path,
        *,
        broker: str | None = None,
        listener: Callable[[Arrival], None] | None = None,
        **more: Any,
    ) -> Subscriber:
        """Return a subscriber of the fleet's, not connected yet.

        Args:
            name: its name.
            archive: where what it receives is kept.
            broker: `host:port`; the preferred one where None.
            listener: called with each arrival, in the network's thread.
            more: what else `Subscriber` takes.

        """
        identity = self.fleet.subscriber(name)
        subscriber = Subscriber(
            identity, agency=self.fleet.agency, broker=broker or self.broker.address, archive=archive, **more
        )
        if listener is not None:
            subscriber.listeners.append(listener)
        return subscriber

    def keep(self, name: str, archive: Path, **more: Any) -> Subscriber:
        """Return a subscriber that is connected as long as the site is open: the record keeper."""
        return self._stack.enter_context(self.subscriber(name, archive, **more))

    def publish(self, package: bytes) -> None:
        """Publish a complete hot list at every broker that runs, retained.

        Raises:
            ProvisioningError: a broker does not take it.

        """
        for broker in self.brokers:
            if broker.running:
                with Connection(self.fleet.publisher, broker=broker.address) as connection:
                    connection.publish(hotlist_package(self.fleet.agency), package, retain=True)

    def _make(self) -> None:
        """Start what runs."""
        for broker in self.brokers:
            self._stack.enter_context(broker)

    def __enter__(self) -> Self:
        with self._stack:
            self._make()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
