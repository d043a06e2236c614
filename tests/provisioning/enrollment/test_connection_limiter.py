"""Strangers at the port keep neither units from enrolling nor posts from renewing."""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from platepost.device import config
from platepost.device.enrollment.renewal import Renewal
from platepost.device.enrollment.unit import UnitEnrollment
from platepost.provisioning.enrollment import connection_limiter
from platepost.provisioning.enrollment.connection_limiter import MAX_CONNECTIONS, ConnectionLimiter
from platepost.provisioning.errors import ProvisioningError
from tests.provisioning.enrollment.conftest import Department

IDLE = MAX_CONNECTIONS + 16


@pytest.fixture
def post(department: Department) -> UnitEnrollment:
    unit = department.unit("unit")
    department.enroll(unit, "post-17", department.invite("post-17"))
    return unit


@contextlib.contextmanager
def idle(port: int, *, tls: bool, address: str = "127.0.0.1", count: int = IDLE) -> Iterator[list[socket.socket]]:
    """Hold connections that ask for nothing, from one address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.ExitStack() as held:
        sockets = []
        for _ in range(count):
            plain = socket.create_connection(("127.0.0.1", port), 5, source_address=(address, 0))
            sockets.append(held.enter_context(context.wrap_socket(plain) if tls else plain))
        yield sockets


def is_hung_up_on(stranger: socket.socket) -> bool:
    """Tell whether the server ends a connection within five seconds, without an answer."""
    try:
        return stranger.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:  # the end came without TLS's own word for it
        return True


def renewed(unit: UnitEnrollment) -> bool:
    read = config.load(unit.directory / "post.toml")
    before = unit.certificate_path.read_bytes()
    no_audit: Any = None
    renewal = Renewal.of(read.enrollment, read.uplink, name="post-17", audit=no_audit, now=lambda: datetime.now(UTC))
    assert renewal is not None
    renewal.renew()
    return unit.certificate_path.read_bytes() != before


@pytest.mark.parametrize("tls", [True, False], ids=["TLS", "TCP"])
def test_a_stranger_who_holds_every_connection_stops_neither_enrollment_nor_renewal(
    department: Department, post: UnitEnrollment, *, tls: bool
) -> None:
    with idle(department.port, tls=tls, address="127.0.0.9"):
        assert renewed(post)
        department.enroll(department.unit("other"), "post-18", department.invite("post-18"))


def test_who_asks_for_nothing_is_let_go_of(department: Department, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limiter, "REQUEST_SECONDS", 0.3)
    for tls in (True, False):
        with idle(department.port, tls=tls, count=1) as (stranger,):
            begun = time.monotonic()
            assert is_hung_up_on(stranger)
            assert time.monotonic() - begun > 0.1


def test_who_sends_a_request_drop_by_drop_is_let_go_of(department: Department, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limiter, "ANSWER_SECONDS", 0.3)
    with idle(department.port, tls=True, count=1) as (stranger,):
        stranger.sendall(b"POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n")
        stranger.sendall(b"Authorization: Basic cG9zdC0xNzowMDAwLTAwMDAtMDAwMC0wMDAw\r\n\r\n1")
        assert is_hung_up_on(stranger)


def test_one_request_is_answered_and_the_connection_closed(department: Department) -> None:
    with idle(department.port, tls=True, count=1) as (stranger,):
        stranger.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        said = b"".join(iter(lambda: stranger.recv(4096), b""))
    assert said.startswith(b"HTTP/1.1 404")


class Visitors:
    """Connections that come through a door, each from an address of our choosing."""

    def __init__(self, most: int) -> None:
        self.limiter = ConnectionLimiter(maximum=most)
        self.ports = 1000
        self.ends: list[socket.socket] = []

    def come(self, host: str, *, certified: bool = False) -> socket.socket:
        """Let one in; return its own end."""
        ours, theirs = socket.socketpair()
        self.ports += 1
        self.limiter.admit(theirs, (host, self.ports))
        if certified:
            self.limiter.request_received((host, self.ports), certified=True)
        ours.setblocking(False)
        self.ends.append(ours)
        return ours

    @staticmethod
    def is_open(end: socket.socket) -> bool:
        try:
            return end.recv(1) != b""
        except BlockingIOError:
            return True


@pytest.fixture
def visitors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitors]:
    monkeypatch.setattr(connection_limiter.Connection, "set_deadline", lambda *_: None)
    made = Visitors(4)
    yield made
    for end in made.ends:
        end.close()


def test_who_holds_most_loses_the_oldest(visitors: Visitors) -> None:
    unit = visitors.come("192.0.2.1")
    held = [visitors.come("2001:db8::1"), visitors.come("2001:db8::2"), visitors.come("2001:db8:0:0:ff::3")]
    newcomer = visitors.come("192.0.2.7")
    assert [visitors.is_open(one) for one in (unit, *held, newcomer)] == [True, False, True, True, True]


def test_connections_from_one_port_to_two_addresses_both_count(visitors: Visitors) -> None:
    held = []
    for _ in range(4):
        visitors.ports = 1000
        held.append(visitors.come("192.0.2.1"))
    newcomer = visitors.come("192.0.2.7")
    assert [visitors.is_open(one) for one in (*held, newcomer)] == [False, True, True, True, True]


def test_a_post_that_renews_goes_after_all_strangers(visitors: Visitors) -> None:
    posts = [visitors.come("192.0.2.1", certified=True) for _ in range(3)]
    for number in range(10):
        visitors.come(f"198.51.100.{number}")
    assert all(visitors.is_open(post) for post in posts)


def test_what_cannot_be_listened_at_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ProvisioningError, match=r"cannot listen on 127\.0\.0\.1"):
            ConnectionLimiter().listeners("127.0.0.1", taken.getsockname()[1])
