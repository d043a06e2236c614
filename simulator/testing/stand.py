"""A broker with identities for whoever a test needs: a throw-away fleet and a real mosquitto on loopback."""

import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from device.records.topics import ROOT
from provisioning.client import secured_client
from provisioning.fleet import Fleet
from provisioning.post_file import PostSettings
from simulator.broker import Broker
from simulator.errors import BrokerError
from simulator.faults.proxy import Loop, Proxy
from simulator.testing.post import SimulatedPost

AGENCY = "demo"
RIGHTS_SECONDS = 10.0


class Stand:
    """A running broker and its fleet; a context manager that ends everything that it made."""

    def __init__(self, directory: Path, *, agency: str = AGENCY) -> None:
        """Make the fleet; nothing runs yet.

        Args:
            directory: where everything lies; must not hold a fleet already.
            agency: as in the topics.

        """
        self.agency = agency
        self.fleet = Fleet.create(directory / "fleet", agency=agency)
        self.broker = Broker(self.fleet, directory / "broker")
        self._stack = ExitStack()
        self._loop: Loop | None = None

    def __repr__(self) -> str:
        return f"<Stand {self.agency!r} at {self.address}>"

    @property
    def address(self) -> str:
        """`host:port` of the broker: MQTT 5 over mutual TLS 1.3."""
        return self.broker.address

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

        Args:
            name: the subscriber's, and its client id.
            groups: whose covert hits it reads too; of effect when it is made.

        Raises:
            BrokerError: the running broker did not take its rights.

        """
        if name in self.fleet.subscribers():
            return self.fleet.subscriber(name)
        folder = self.fleet.add_subscriber(name, groups=groups)
        if self.broker.running:
            self.broker.reload()
            self._await_subscription(folder, "+/read")
        return folder

    def post(self, name: str = "post-1", *, site: str = "Simulated street") -> SimulatedPost:
        """Add a post and start it.

        Raises:
            SimulatorError: it could not connect.

        """
        folder = self.fleet.add_post(name, PostSettings(brokers=(self.address,), site=site, camera="none"))
        if self._loop is None:
            self._loop = Loop()
            self._stack.callback(self._loop.close)
        network = Proxy(self._loop, self.port)
        post = SimulatedPost(folder / "post.toml", network=network, public_key=self.fleet.record_key(name))
        return self._stack.enter_context(post)

    def stop(self) -> None:
        """Stop the broker; what was acknowledged is kept."""
        self.broker.stop()

    def start(self) -> None:
        """Start the broker again."""
        self.broker.start()
        # Its port is open before it heeds signals: SIGHUP would end it until it answers its first client.
        self._await_subscription(self.fleet.publisher, "+/status")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self.broker.stop()

    def _await_subscription(self, identity: Path, topic: str) -> None:
        """Wait until the broker grants a subscription: it reads its rights when it comes to it."""
        deadline = time.monotonic() + RIGHTS_SECONDS
        while not self._granted(identity, topic):
            if time.monotonic() > deadline or not self.broker.running:
                raise BrokerError(f"the broker does not let {identity.name} subscribe:\n{self.broker.log_tail()}")

    def _granted(self, identity: Path, topic: str) -> bool:
        answers: list[ReasonCode] = []
        client = secured_client(identity)
        client.on_connect = lambda client, *_: client.subscribe(f"{self.topics}/{topic}", 1)
        client.on_subscribe = lambda _client, _data, _mid, reasons, _properties: answers.extend(reasons)
        try:
            client.connect(self.host, self.port, clean_start=True)
            while not answers and client.loop(0.2) == mqtt.MQTT_ERR_SUCCESS:
                pass
            client.disconnect()
        except OSError:
            return False
        return bool(answers) and not answers[0].is_failure
