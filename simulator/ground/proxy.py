"""A TCP proxy between a post and its broker that does to the connection what networks do.

It runs everywhere, without rights. Not simulated: packets lost below TCP (where nftables and network namespaces are to
be had, `tests.campaigns.faults.packets` loses those), and a peer whose kernel is silent: the proxy's own always
answers.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from platepost.common.signals import current
from platepost.simulator.brokers.daemon import hold_port

T = TypeVar("T")

CHUNK = 4096
_CLOSE_SECONDS = 10.0
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends a reset and forgets what is unsent."""


class Loop:
    """An event loop in a thread of its own, to be used from others."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the loop and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30.0)

    def close(self) -> None:
        """End the loop with all that runs in it."""
        if not self._thread.is_alive():
            return
        seconds = current().limit(_CLOSE_SECONDS)
        cancelled = asyncio.run_coroutine_threadsafe(self._cancel(), self._loop)
        with contextlib.suppress(TimeoutError):
            cancelled.result(seconds)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(seconds)
        if not self._thread.is_alive():  # otherwise it ends with the process
            self._loop.close()

    @staticmethod
    async def _cancel() -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Pair:
    """One connection through the proxy."""

    def __init__(self, post: asyncio.StreamWriter, broker: asyncio.StreamWriter) -> None:
        self.post = post
        self.broker = broker
        self.swallow_up = False
        self.swallow_down = False
        self.budget: int | None = None
        """Bytes that still pass from the post before the connection is reset."""

    def reset(self) -> None:
        for writer in (self.post, self.broker):
            _reset(writer)

    def end(self) -> None:
        for writer in (self.post, self.broker):
            writer.close()


class Proxy:
    """One listener on loopback, and the connections through it. Every method may be called from any thread.

    Its port is its own until it is closed, also while it is down.
    """

    def __init__(self, loop: Loop, target: int) -> None:
        """Listen on a free port and hand every connection on to port `target` of loopback."""
        self._loop = loop
        self._target = target
        self._pairs: set[_Pair] = set()
        self._resets = 0
        self._delay = 0.0
        self._server: asyncio.Server | None = None
        self._held = hold_port()
        self.port: int = self._held.getsockname()[1]
        loop.do(self._prepare())
        self.up()

    # --- the listener

    def up(self) -> None:
        """Accept connections."""
        self._loop.do(self._listen())

    def down(self) -> None:
        """Refuse connections, and reset those that there are."""
        self._loop.do(self._deafen())

    @property
    def listening(self) -> bool:
        """Whether it accepts connections."""
        return self._server is not None

    def lead_to(self, target: int) -> None:
        """Lead every connection to another port, resetting those that there are."""
        self._target = target
        self.reset()

    # --- what happens to connections

    def reset(self) -> None:
        """Reset every connection: both sides get a TCP reset."""
        self._loop.do(self._reset_all())

    def end(self) -> None:
        """End every connection in good order, as an idle firewall would not."""
        self._each(_Pair.end)

    def reset_after(self, size: int) -> None:
        """Let `size` more bytes of each connection pass from the post, then reset it: most likely inside a packet."""
        self._each(lambda pair: setattr(pair, "budget", size))

    def swallow(self, *, up: bool = True) -> None:
        """Let the present connections fall silent forever: bytes are taken and passed to no one.

        Without `up`, what the post sends still arrives.
        """

        def silence(pair: _Pair) -> None:
            pair.swallow_up, pair.swallow_down = up, True

        self._each(silence)

    def stall(self) -> None:
        """Hold back every byte until `flow`."""
        self._loop.do(self._gate(open_=False))

    def flow(self) -> None:
        """Let all that was held back go on, without delay."""
        self._delay = 0.0
        self._loop.do(self._gate(open_=True))

    def delay(self, seconds: float) -> None:
        """Hold every chunk of bytes for so long; with little in a chunk this is a narrow band too."""
        self._delay = seconds

    def close(self) -> None:
        """End for good."""
        self._loop.do(self._deafen())
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

    def _each(self, work: Callable[[_Pair], object]) -> None:
        async def all_of_them() -> None:
            for pair in list(self._pairs):
                work(pair)

        self._loop.do(all_of_them())

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, reuse_address=True)

    async def _deafen(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        await self._reset_all()

    async def _reset_all(self) -> None:
        self._resets += 1
        for pair in list(self._pairs):
            pair.reset()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        resets = self._resets
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)
            return
        pair = _Pair(writer, back)
        if self._server is None or self._resets != resets:  # reset while it was being set up
            pair.reset()
            return
        self._pairs.add(pair)
        try:
            ways = [
                asyncio.ensure_future(self._relay(reader, back, pair, up=True)),
                asyncio.ensure_future(self._relay(there, writer, pair, up=False)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._pairs.discard(pair)
            pair.end()

    async def _relay(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, pair: _Pair, *, up: bool) -> None:
        try:
            while data := await source.read(CHUNK):
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._flowing.wait()
                if pair.swallow_up if up else pair.swallow_down:
                    continue
                if up and pair.budget is not None:
                    data, pair.budget = data[: pair.budget], pair.budget - len(data)
                sink.write(data)
                await sink.drain()
                if up and pair.budget is not None and pair.budget <= 0:
                    await asyncio.sleep(0)
                    pair.reset()
                    return
        except OSError:
            pair.reset()


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
