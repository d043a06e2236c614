"""A real RabbitMQ cluster for a run: nodes as child processes on loopback, with a fleet's certificates and rights."""

import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from platepost.common.signals import sleep
from platepost.provisioning.brokers import rabbitmq, rabbitmq_nodes
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.daemon import Daemon, free_port
from platepost.simulator.errors import BrokerError

MISSING = "RabbitMQ 4 is not installed; on Debian: sudo apt-get install rabbitmq-server"
PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Debian's command of this name in the PATH changes the user and the folder, which a run of its own must not."""
_ERLANG = "+S 2:2 -start_epmd false"
CONTROL = PROGRAM.with_name("rabbitmqctl")


def rabbitmq_path() -> Path | None:
    """Return where RabbitMQ is, None if it is not installed."""
    return PROGRAM if PROGRAM.exists() else None


class PortMapper(Daemon):
    """Erlang's port mapper, of this run alone: nodes find each other through it."""

    program = "epmd"

    def _command(self) -> Sequence[str]:
        return (*self._epmd, "-address", "127.0.0.1")

    @property
    def _epmd(self) -> tuple[str, ...]:
        return ("epmd", "-port", str(self.port))

    def stop(self) -> None:
        """End it, and one that a node has started by itself in its place."""
        super().stop()
        if self._accepts():
            subprocess.run((*self._epmd, "-kill"), capture_output=True, check=False)


class RabbitNode(Daemon):
    """One node. It keeps its port, its name and its state over `stop` or `kill` and a new `start`."""

    program = "rabbitmq"
    start_seconds = 180.0

    def __init__(
        self,
        name: str,
        directory: Path,
        *,
        configuration: str,
        environment: str,
        cookie: str,
        mapper: int,
        port: int,
        advanced: str,
    ) -> None:
        """Write the configuration; nothing runs yet.

        Args:
            name: the node's name, `name@host`.
            directory: where its configuration, state and log lie; made if missing.
            configuration: the text of rabbitmq.conf.
            environment: the text of rabbitmq-env.conf.
            cookie: the secret that the nodes of a cluster share.
            mapper: the port of Erlang's port mapper.
            port: the port of MQTT.
            advanced: the text of advanced.config.

        """
        super().__init__(directory, port=port)
        self.name = name
        self._mapper = mapper
        self._distribution = free_port()
        for file, text in (
            ("rabbitmq.conf", configuration),
            (rabbitmq_nodes.ENVIRONMENT_FILE, environment),
            ("advanced.config", advanced),
            ("enabled_plugins", rabbitmq.PLUGINS),
            (".erlang.cookie", cookie),
        ):
            path = self.directory / file
            path.unlink(missing_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o400)

    def await_start(self) -> None:
        """Wait until it answers a TLS handshake, which a busy node does long after its port is open.

        Raises:
            BrokerError: it did not start; the message carries the end of its log.

        """
        super().await_start()
        deadline = time.monotonic() + self.start_seconds
        while not self._shakes_hands():
            if time.monotonic() > deadline:
                self.kill()
                raise BrokerError(f"{self.program} finishes no TLS handshake:\n{self.log_tail()}")

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl for this node and return what it says.

        Raises:
            BrokerError: it failed.

        """
        done = subprocess.run(
            (str(CONTROL), "--quiet", "-n", self.name, *arguments),
            env={**self._environment(), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise BrokerError(f"rabbitmqctl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def _shakes_hands(self) -> bool:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), timeout=5) as plain,
                context.wrap_socket(plain),
            ):
                return True
        except OSError:
            sleep(0.1)
            return False

    def _command(self) -> Sequence[str]:
        program = rabbitmq_path()
        if program is None:
            raise BrokerError(MISSING)
        return (str(program),)

    def _environment(self) -> Mapping[str, str]:
        return {
            "HOME": str(self.directory),  # where the cookie is looked for
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_CONF_ENV_FILE": str(self.directory / rabbitmq_nodes.ENVIRONMENT_FILE),
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.directory / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "state"),
            "RABBITMQ_LOG_BASE": str(self.directory),
            "RABBITMQ_PID_FILE": str(self.directory / "pid"),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_CTL_ERL_ARGS": "-start_epmd false",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
            # Else the start script stays between, and to kill it would leave the node alive.
            "RUNNING_UNDER_SYSTEMD": "true",
            "ERL_EPMD_PORT": str(self._mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }


class RabbitCluster:
    """Nodes of RabbitMQ that make one broker; any of them takes any client.

    What is acknowledged is on a majority of the nodes. It does not simulate: nodes far from each other.
    """

    def __init__(self, fleet: Fleet, directory: Path, *, size: int = 3) -> None:
        """Write the configuration; nothing runs yet.

        Args:
            fleet: whose certificates and rights.
            directory: where everything lies; made if missing.
            size: how many nodes.

        """
        directory = directory.absolute()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fleet = fleet
        self._definitions = directory / "definitions.json"
        self.write_definitions()
        self._mapper = PortMapper(directory / "epmd")
        files = rabbitmq.NodeFiles(
            authority=fleet.broker.authority,
            certificate=fleet.broker.certificate,
            private_key=fleet.broker.private_key,
            definitions=self._definitions,
            revoked_folder=fleet.broker.revoked_folder,
        )
        run = secrets.token_hex(4)
        names = [f"platepost-{run}-{number}@localhost" for number in range(1, size + 1)]
        cookie = secrets.token_hex(16)
        distribution = directory / rabbitmq_nodes.DISTRIBUTION_FILE
        name = rabbitmq_nodes.host_name(fleet.broker_names)
        distribution.write_text(rabbitmq_nodes.distribution_options(files, name=name), encoding="utf-8")
        environment = rabbitmq_nodes.environment(
            dict.fromkeys(names, "127.0.0.1") if size > 1 else {}, distribution=distribution
        )
        nodes = []
        for name in names:
            port = free_port()
            text = rabbitmq.configuration(files, address="127.0.0.1", port=port, nodes=names if size > 1 else ())
            folder = directory / name.partition("@")[0]
            nodes.append(
                RabbitNode(
                    name,
                    folder,
                    configuration=text,
                    environment=environment,
                    cookie=cookie,
                    mapper=self._mapper.port,
                    port=port,
                    advanced=rabbitmq.advanced(files),
                )
            )
        self.nodes = tuple(nodes)

    def __repr__(self) -> str:
        up = sum(node.running for node in self.nodes)
        return f"<RabbitCluster {', '.join(self.addresses)}, {up} of {len(self.nodes)} nodes run>"

    @property
    def address(self) -> str:
        """`host:port` of the first node."""
        return self.nodes[0].address

    @property
    def addresses(self) -> tuple[str, ...]:
        """`host:port` of every node."""
        return tuple(node.address for node in self.nodes)

    @property
    def running(self) -> bool:
        """Whether a majority of the nodes runs; without one nothing is acknowledged."""
        return sum(node.running for node in self.nodes) * 2 > len(self.nodes)

    def start(self) -> None:
        """Start every node that does not run, and wait until all accept connections.

        Raises:
            BrokerError: RabbitMQ is not installed, or a node did not start.

        """
        if rabbitmq_path() is None:
            raise BrokerError(MISSING)
        self._mapper.start()
        waiting = [node for node in self.nodes if not node.running]
        try:
            for node in waiting:
                node.launch()
            for node in waiting:
                node.await_start()
        except BaseException:  # Ctrl-C too
            self.stop()
            raise

    def stop(self) -> None:
        """Ask every node to end, and wait for them."""
        for node in self.nodes:
            node.stop()
        self._mapper.stop()

    def kill(self) -> None:
        """End every node at once, as a power cut would."""
        for node in self.nodes:
            node.kill()

    def reload(self) -> None:
        """Give the rights of the fleet as it is now to the running cluster.

        Raises:
            BrokerError: no node runs, or it refused them.

        """
        self.write_definitions()
        running = next((node for node in self.nodes if node.running), None)
        if running is None:
            raise BrokerError("no node of the cluster runs")
        running.control("await_startup")  # a node serves clients a little before it takes definitions
        running.control("import_definitions", str(self._definitions))

    def log_tail(self) -> str:
        """Return the last lines of every node's log."""
        return "\n".join(f"{node.name}:\n{node.log_tail()}" for node in self.nodes)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def write_definitions(self) -> None:
        """Write the rights of the fleet as it is now; nodes that start later go by them."""
        text = rabbitmq.definitions(self._fleet.agency, self._fleet.clients(), groups=self._fleet.groups())
        self._definitions.write_text(text, encoding="utf-8")
        self._definitions.chmod(0o600)
