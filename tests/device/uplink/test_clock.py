"""TLS with a clock that no one vouches for: a real handshake, the broker's certificate at any age."""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from platepost.device.uplink.settings import UplinkSettings
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.certificates import BACKDATED, Issuance
from platepost.provisioning.trust.keys import new_key, private_pem
from platepost.wire.tls import connection_problem, tls_context

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


class Unbounded(Issuance):
    """Certificates that may outlive the authority's own."""

    def builder(self, *, ends: object = None, **more: Any) -> x509.CertificateBuilder:
        return super().builder(**more)


class Server:
    """A broker's TLS, with a certificate that is valid when it is told to be."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self.folder = folder
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._context: ssl.SSLContext | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def certify(self, name: str, begins: dt.datetime, ends: dt.datetime) -> None:
        issuance = Unbounded(now=lambda: begins + BACKDATED, valid=ends - begins)
        root = Authority.load(self.fleet.directory / "authority", issuance=issuance)
        key = new_key()
        (self.folder / "server.pem").write_bytes(root.issue_server((name,), key))
        (self.folder / "server.key").write_bytes(private_pem(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        self._context = context

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            assert self._context is not None
            try:
                with self._context.wrap_socket(plain, server_side=True) as secured:
                    secured.recv(1)
            except OSError:
                continue

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    fleet = Fleet.create(tmp_path_factory.mktemp("agency") / "fleet", agency="demo")
    fleet.add_post("post-1", PostSettings(brokers=("localhost:1",), camera="footage"))
    return fleet


@pytest.fixture
def server(fleet: Fleet, tmp_path: Path) -> Iterator[Server]:
    made = Server(fleet, tmp_path)
    yield made
    made.close()


def connect(server: Server, *, earliest: dt.datetime | None, fleet: Fleet | None = None) -> str | None:
    """Return why a post does not connect, None if it does."""
    folder = (fleet or server.fleet).post("post-1")
    settings = UplinkSettings(
        brokers=("localhost:1",),
        ca=folder / "ca.pem",
        certificate=folder / "certificate.pem",
        private_key=folder / "private_key.pem",
    )
    context = tls_context(settings, earliest=earliest)
    try:
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=60) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            assert secured.version() == "TLSv1.3"
    except OSError as error:
        return connection_problem(error)
    return None


# The clock of this machine is right; a certificate that is not valid now is what a right one is to a wrong clock.
CASES = {
    "right": (-DAY, DAY, None, None),
    "right, and nobody vouches": (-DAY, DAY, NOW, None),
    "clock behind, and somebody vouches": (DAY, 9 * DAY, None, "broker_certificate_not_yet_valid"),
    "clock behind": (DAY, 9 * DAY, NOW, None),
    "clock in 1970": (56 * 365 * DAY, 57 * 365 * DAY, NOW, None),
    "floor within": (-9 * DAY, 9 * DAY, NOW - 3 * DAY, None),
    "expired": (-9 * DAY, -DAY, None, "broker_certificate_expired"),
    "expired before the floor": (-9 * DAY, -DAY, NOW, "broker_certificate_expired"),
    "clock ahead, certificate good at the floor": (-9 * DAY, -DAY, NOW - 3 * DAY, None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_clock_that_is_behind_does_not_lock_the_post_out(server: Server, name: str) -> None:
    begins, ends, earliest, problem = CASES[name]
    server.certify("localhost", NOW + begins, NOW + ends)
    assert connect(server, earliest=earliest) == problem


def test_all_else_is_verified_as_ever(server: Server, tmp_path: Path) -> None:
    server.certify("other.example", NOW - DAY, NOW + DAY)
    assert connect(server, earliest=NOW) == "broker_certificate_of_another_name"
    other = Fleet.create(tmp_path / "other", agency="demo")
    other.add_post("post-1", PostSettings(brokers=("localhost:1",), camera="footage"))
    server.certify("localhost", NOW - DAY, NOW + DAY)
    assert connect(server, earliest=NOW, fleet=other) == "broker_certificate_refused"
