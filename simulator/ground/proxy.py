"""A TCP proxy between a post and its broker that does to the connection what networks do.

It needs no privileges. It does not simulate packet loss below TCP (`tests.campaigns.faults.packets` does, with nftables
and network namespaces), or a peer whose kernel no longer answers: the proxy's own always does.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

from platepost.simulator.brokers.daemon import hold_port
from platepost.simulator.ground.event_loop_thread import EventLoopThread

CHUNK = 4096
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends a reset and forgets what is unsent."""


class _Connection:
    """One connection through the proxy."""

    def __init__(self, post: asyncio.StreamWriter, broker: asyncio.StreamWriter) -> None:
        self.post = post
        self.broker = broker
        self.drops_from_post = False
        self.drops_from_broker = False
        self.bytes_before_reset: int | None = None
        """Bytes that still pass from the post before the connection is reset."""

    def reset(self) -> None:
        for writer in (self.post, self.broker):
            _reset(writer)

    def reset_after(self, size: int) -> None:
        self.bytes_before_reset = size

    def end(self) -> None:
        for writer in (self.post, self.broker):
            writer.close()


class Proxy:
    """One listener on loopback, and the connections through it. Every method may be called from any thread.

    It keeps its port until `close`, even while it is down.
    """

    def __init__(self, loop: EventLoopThread, target: int) -> None:
        """Listen on a free port and forward every connection to port `target` of loopback."""
        self._loop = loop
        self._target = target
        self._connections: set[_Connection] = set()
        self._resets = 0
        self._delay = 0.0
        self._server: asyncio.Server | None = None
        self._held = hold_port()
        self.port: int = self._held.getsockname()[1]
        loop.run(self._prepare())
        self.up()

    # --- the listener

    def up(self) -> None:
        """Accept connections."""
        self._loop.run(self._listen())

    def down(self) -> None:
        """Refuse connections, and reset those that there are."""
        self._loop.run(self._stop_listening())

    @property
    def listening(self) -> bool:
        """Whether it accepts connections."""
        return self._server is not None

    def forward_to(self, target: int) -> None:
        """Forward new connections to another port, and reset the present ones."""
        self._target = target
        self.reset()

    # --- what happens to connections

    def reset(self) -> None:
        """Reset every connection: both sides get a TCP reset."""
        self._loop.run(self._reset_all())

    def end(self) -> None:
        """Close every connection in order, with FIN."""
        self._each(_Connection.end)

    def reset_after(self, size: int) -> None:
        """Let `size` more bytes of each connection pass from the post, then reset it.

        The reset comes most likely inside an MQTT packet.
        """
        self._each(lambda connection: connection.reset_after(size))

    def blackhole(self, *, from_post: bool = True) -> None:
        """Drop all further bytes of the present connections, without closing them.

        With `from_post=False` what the post sends still arrives.
        """

        def drop(connection: _Connection) -> None:
            connection.drops_from_post = from_post
            connection.drops_from_broker = True

        self._each(drop)

    def stall(self) -> None:
        """Hold back every byte until `flow`."""
        self._loop.run(self._gate(open_=False))

    def flow(self) -> None:
        """Release what `stall` held back, and end any delay."""
        self._delay = 0.0
        self._loop.run(self._gate(open_=True))

    def delay(self, seconds: float) -> None:
        """Hold every chunk of bytes for so long; since a chunk is small, this also limits the bandwidth."""
        self._delay = seconds

    def close(self) -> None:
        """Reset all connections and release the port."""
        self._loop.run(self._stop_listening())
        self._held.close()

    # --- in the loop

    async def _prepare(self) -> None:
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def _gate(self, *, open_: bool) -> None:
        if open_:
            self._flowing.set()
        else:
            self._flowing.clear()

    def _each(self, work: Callable[[_Connection], object]) -> None:
        async def all_of_them() -> None:
            for connection in list(self._connections):
                work(connection)

        self._loop.run(all_of_them())

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, reuse_address=True)

    async def _stop_listening(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        await self._reset_all()

    async def _reset_all(self) -> None:
        self._resets += 1
        for connection in list(self._connections):
            connection.reset()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        resets = self._resets
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)
            return
        connection = _Connection(writer, back)
        if self._server is None or self._resets != resets:  # reset while it was being set up
            connection.reset()
            return
        self._connections.add(connection)
        try:
            ways = [
                asyncio.ensure_future(self._relay(reader, back, connection, from_post=True)),
                asyncio.ensure_future(self._relay(there, writer, connection, from_post=False)),
            ]
            # The first end of either direction ends both.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._connections.discard(connection)
            connection.end()

    async def _relay(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, connection: _Connection, *, from_post: bool
    ) -> None:
        try:
            while data := await source.read(CHUNK):
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._flowing.wait()
                if connection.drops_from_post if from_post else connection.drops_from_broker:
                    continue
                left = connection.bytes_before_reset if from_post else None
                if left is not None:
                    data = data[:left]
                    left -= len(data)
                    connection.bytes_before_reset = left
                sink.write(data)
                await sink.drain()
                if left == 0:
                    await asyncio.sleep(0)  # the transport writes before the reset
                    connection.reset()
                    return
        except OSError:
            connection.reset()


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
