"""The proxy does to connections what it says, and nothing when it says nothing."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from platepost.simulator.ground.event_loop_thread import EventLoopThread
from platepost.simulator.ground.proxy import Proxy

PATIENCE = 60.0


@dataclass
class Echo:
    """A server that answers every byte with itself, and keeps what it heard."""

    heard: bytearray = field(default_factory=bytearray)
    sockets: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(connection)
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        try:
            while data := connection.recv(65536):
                self.heard += data
                connection.sendall(data)
        except OSError:
            return

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed already
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.sockets:
            connection.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    loop = EventLoopThread()
    made = Proxy(loop, echo.port)
    yield made
    made.close()
    loop.close()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as connection:
        assert said(connection, b"hello") == b"hello"
        yield connection


def said(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    answer = b""
    while len(answer) < len(data):
        part = connection.recv(65536)
        if not part:
            break
        answer += part
    return answer


def drained(connection: socket.socket) -> None:
    while connection.recv(64):
        pass


def silent(connection: socket.socket) -> bool:
    connection.settimeout(0.2)
    try:
        return connection.recv(1) is None
    except TimeoutError:
        return True
    finally:
        connection.settimeout(PATIENCE)


def test_large_data_pass_unchanged(client: socket.socket, echo: Echo) -> None:
    data = bytes(range(256)) * 4000

    sender = threading.Thread(target=client.sendall, args=(data,))
    sender.start()
    answer = b""
    while len(answer) < len(data):
        answer += client.recv(65536)
    sender.join()

    assert answer == data


def test_a_reset_is_heard(proxy: Proxy, client: socket.socket) -> None:
    proxy.reset()

    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_an_end_in_good_order_is_heard(proxy: Proxy, client: socket.socket) -> None:
    proxy.end()

    assert client.recv(1) == b""


def test_a_reset_comes_after_so_many_bytes(proxy: Proxy, client: socket.socket, echo: Echo) -> None:
    before = len(echo.heard)
    proxy.reset_after(7)
    client.sendall(b"0123456789")

    with pytest.raises(ConnectionResetError):
        drained(client)
    assert bytes(echo.heard[before:]) in {b"0123456", b""}  # a reset may overtake what was sent


def test_what_is_swallowed_never_comes_and_a_new_connection_works(
    proxy: Proxy, client: socket.socket, echo: Echo
) -> None:
    before = len(echo.heard)
    proxy.blackhole()
    client.sendall(b"lost")

    assert silent(client)
    assert len(echo.heard) == before
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as another:
        assert said(another, b"again") == b"again"


def test_answers_alone_may_be_swallowed(proxy: Proxy, client: socket.socket, echo: Echo) -> None:
    proxy.blackhole(from_post=False)
    client.sendall(b"heard")

    assert silent(client)
    assert echo.heard.endswith(b"heard")


def test_what_is_held_back_comes_when_it_flows(proxy: Proxy, client: socket.socket) -> None:
    proxy.stall()
    client.sendall(b"later")
    assert silent(client)

    proxy.flow()

    assert client.recv(5) == b"later"


def test_what_is_down_refuses_until_it_is_up(proxy: Proxy, client: socket.socket) -> None:
    proxy.down()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", proxy.port))

    proxy.up()

    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as another:
        assert said(another, b"back") == b"back"


@pytest.mark.parametrize("interrupt", [Proxy.down, Proxy.reset, lambda proxy: proxy.forward_to(proxy.port)])
def test_a_connection_that_is_being_set_up_is_reset_too(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, interrupt: Callable[[Proxy], None]
) -> None:
    connect = asyncio.open_connection
    begun, go_on = threading.Event(), threading.Event()

    async def slow(*address: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        begun.set()
        await asyncio.to_thread(go_on.wait, PATIENCE)
        return await connect(*address)

    monkeypatch.setattr(asyncio, "open_connection", slow)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as connection:
        assert begun.wait(PATIENCE)
        monkeypatch.undo()
        interrupt(proxy)
        go_on.set()
        with pytest.raises(ConnectionResetError):
            said(connection, b"hello")


def test_it_leads_elsewhere(proxy: Proxy, client: socket.socket) -> None:
    other = Echo()
    proxy.forward_to(other.port)

    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as another:
        assert said(another, b"there") == b"there"
    assert bytes(other.heard) == b"there"
    other.close()


def test_a_target_that_is_gone_resets(proxy: Proxy, echo: Echo) -> None:
    echo.close()

    with (
        pytest.raises(ConnectionResetError),  # already while connecting, if the reset is quick
        socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as connection,
    ):
        connection.recv(1)
