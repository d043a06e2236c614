"""A broker with identities for all that a test needs: a throw-away fleet and a real mosquitto on loopback."""

from pathlib import Path

from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.ground.site import READS, Site, throwaway_fleet
from platepost.simulator.testing.post import SimulatedPost
from platepost.wire.records.topics import ROOT

AGENCY = "demo"
READY = ("console", "dispatch", "keeper")
"""Subscribers that are there from the start."""


class SimulatedSite(Site[Broker]):
    """A running broker and its fleet; a context manager that ends everything that it made.

    The fleet has no custodian: it is for tests of subscribers, and its posts let go of a record once the broker has
    acknowledged it.
    """

    def __init__(self, directory: Path) -> None:
        """Make the fleet; nothing runs yet.

        Args:
            directory: where everything lies; must not hold a fleet already.

        """
        self.agency = AGENCY
        fleet = throwaway_fleet(directory / "fleet", agency=AGENCY, subscribers=READY)
        super().__init__(directory, fleet, Broker(fleet, directory / "broker"))

    @property
    def address(self) -> str:
        """`host:port` of the broker: MQTT 5 over mutual TLS 1.3."""
        return self.broker.address

    @property
    def keys(self) -> Path:
        """The folder of the posts' public keys."""
        return self.fleet.directory / "records"

    @property
    def host(self) -> str:
        """The broker's host, by which its certificate is good."""
        return self.broker.host

    @property
    def port(self) -> int:
        """The broker's port."""
        return self.broker.port

    @property
    def topics(self) -> str:
        """Everything that a subscriber may read lies below: `alpr/v1/{agency}`."""
        return f"{ROOT}/{self.agency}"

    def identity(self, name: str, *, groups: tuple[str, ...] = ()) -> Path:
        """Return the folder of a subscriber's `certificate.pem`, `private_key.pem` and `ca.pem`, made if missing.

        Those of `READY` are there from the start. To take the rights of another, the broker is restarted: anyone who
        is connected has to connect again.

        Args:
            name: the subscriber's, and its client id.
            groups: whose covert hits it reads too; of effect when it is made.

        Raises:
            BrokerError: the broker did not start again.

        """
        if name in self.fleet.subscribers():
            return self.fleet.subscriber(name)
        folder = self.fleet.add_subscriber(name, groups=groups, reads=READS)
        if self.broker.running:
            self.broker.reload()
        return folder

    def post(self, name: str = "post-1", *, site: str = "Simulated street") -> SimulatedPost:
        """Add a post and start it.

        Raises:
            SimulatorError: it could not connect.

        """
        network = self.proxy()
        folder = self.add_post(name, site=site, through=(network,))
        post = SimulatedPost(folder / "post.toml", network=network, public_key=self.fleet.record_key(name))
        return self._stack.enter_context(post)

    def stop(self) -> None:
        """Stop the broker; what was acknowledged is kept."""
        self.broker.stop()

    def start(self) -> None:
        """Start the broker again."""
        self.broker.start()
