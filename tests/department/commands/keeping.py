"""A department whose keeper runs as a process, at a real broker, with a database of its own."""

import json
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from platepost.department.database.cluster import PrivateCluster
from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
from platepost.provisioning.connection import Connection
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.register import write_register
from platepost.simulator.brokers.mosquitto import Broker
from platepost.wire.records import Source
from platepost.wire.records.signing import Signer
from tests.department.commands.installation import Commands, Installed
from tests.department.custody.sender import Sender
from tests.memory_disk import new_folder
from tests.waiting import until

SECONDS = 90.0


class KeeperService:
    """`platepost department keep`, as a service manager runs it."""

    def __init__(self, commands: Commands, **environment: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.process = commands.start("keep", "--json", stdout=subprocess.PIPE, **environment)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def until(self, event: str, *, count: int = 1) -> dict[str, Any]:
        """Return an event when it has happened so often."""

        def found() -> list[dict[str, Any]]:
            assert self.process.poll() is None or self._reader.is_alive(), self.events
            return [one for one in self.events if one["event"] == event][count - 1 :]

        return until(found, event, report=lambda: self.events)[0]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code


class Site:
    """A fleet, its broker, and the folder of its department."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.fleet = Fleet.create(top / "fleet", agency="riverside", custodian="records")
        self.register = top / "register.jws"
        self.broker = Broker(self.fleet, top / "broker")
        self.department = Commands(top / "vault", self.fleet.custodian("records"))

    def add_post(self, name: str) -> None:
        self.fleet.add_post(name, PostSettings(brokers=("localhost:1",)))
        if self.broker.running:
            self.broker.reload()

    def export(self) -> None:
        """Do what an administrator does for a keeper that has no access to the fleet."""
        path, _ = write_register(self.fleet)
        shutil.copy(path, self.register)

    def init(self, installed: Installed) -> None:
        self.export()
        installed.lend_database(self.department.folder)
        where = ("--register", self.register, "--broker", self.broker.address)
        done = self.department("init", self.department.identity, *where)
        assert done.returncode == 0, done.stderr
        self.register = self.department.folder / "register.jws"

    @contextmanager
    def post(self, name: str) -> Iterator[Sender]:
        """Give a post that signs with its own key."""
        source = Source("riverside", name)
        with Connection(self.fleet.post(name), broker=self.broker.address, topics=[source.receipt("+")]) as connection:
            signer = Signer.from_file(self.fleet.post(name) / "signing_key.pem")
            yield Sender(self.fleet, connection, signer, source=source)

    def hearing(self, topic: str) -> Connection:
        """Connect as a subscriber that was added under the name `neighbor`."""
        return Connection(self.fleet.subscriber("neighbor"), broker=self.broker.address, topics=[topic])

    @contextmanager
    def keeping(self, **environment: str) -> Iterator[KeeperService]:
        service = KeeperService(self.department, **environment)
        try:
            service.until("subscribed")
            yield service
        finally:
            service.kill()

    @property
    def cluster(self) -> PrivateCluster:
        return PrivateCluster(self.department.folder / "database")

    def verdicts(self, post: str) -> Mapping[tuple[int, str], str]:
        """Return the last verdict on each record of a post, by number and digest; the database must run."""
        query = "SELECT sequence, encode(digest, 'hex'), verdict FROM custody_judged WHERE post = %s"
        with psycopg.connect(DepartmentFolder(self.department.folder).conninfo(OWNER)) as connection:
            rows = connection.execute(query, [post]).fetchall()
        assert len({row[:2] for row in rows}) == len(rows), "each record once"
        return {(number, digest): verdict for number, digest, verdict in rows}

    def until(self, holds: Callable[[], bool]) -> float:
        """Wait until something holds; return the seconds that it took."""
        began = time.monotonic()
        until(holds)
        return time.monotonic() - began


@contextmanager
def site() -> Iterator[Site]:
    """Give a place for all of it, short enough for a socket's path."""
    top = new_folder()
    created = Site(top)
    try:
        with created.broker:
            yield created
    finally:
        if created.cluster.exists:
            created.cluster.kill()
        shutil.rmtree(top)
