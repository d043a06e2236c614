"""The pages of people and strangers in a process of their own, so that the console has its interpreter to itself.

Of the threads of one Python process only one runs at a time: each answer of the database to the thread that sends hits
would wait for those that draw pages. So `serve` forks before it has any thread. The first process listens, admits
requests, and answers the console; it passes all others on, each over a connection of its own to a socket that only its
user can reach, in frames: a length (4 bytes, big-endian), a kind (1 byte), and so many bytes.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn

from platepost.department.web.admission import Application, BusyError, Message, Receive, Send

_BACKLOG = 128
_END_SECONDS = 20.0
"""For the process to end, and the database too if it started that."""
_REQUESTS_SECONDS = 3.0
"""For requests that are being answered when the process is to end."""
_STEP_SECONDS = 0.05
_NICENESS = 5
"""Of the other process: hits come first."""
_TEXTS = ("type", "asgi", "http_version", "method", "scheme", "path", "root_path", "client", "server")
_BYTES = ("raw_path", "query_string")
_SCOPE, _PART, _LAST, _GONE, _START = b"s", b"p", b"l", b"g", b"r"


class PagesProcess:
    """The other process, as the first one has it: an ASGI application."""

    def __init__(self, path: Path, child: int) -> None:
        self._path, self._child = path, child
        self.has_ended = False
        """Whether it has ended, asked to or not."""

    def watch(self, on_end: Callable[[], object]) -> None:
        """Have something be called, in another thread, when the process ends."""

        def wait() -> None:
            # Leaves the exit status for whoever waits for the process.
            os.waitid(os.P_PID, self._child, os.WEXITED | os.WNOWAIT)
            self.has_ended = True
            on_end()

        Thread(target=wait, name="pages process", daemon=True).start()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Have the process answer a request. Raises BusyError: it does not take it."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._path))
        except OSError as error:
            raise BusyError from error
        forwarding = None
        try:
            await _write(writer, _SCOPE, _written(scope))
            forwarding = asyncio.create_task(_forward(receive, writer))
            more = True
            while more:
                kind, payload = await _read(reader)
                if kind == _START:
                    await send(_start(payload))
                else:
                    more = kind == _PART
                    await send({"type": "http.response.body", "body": payload, "more_body": more})
        except (ConnectionError, asyncio.IncompleteReadError):
            if not self.has_ended:
                raise
        finally:
            if forwarding is not None:
                forwarding.cancel()
            writer.close()


@contextmanager
def pages_process(answer: Callable[[Callable[[Application], None]], None]) -> Iterator[PagesProcess]:
    """Have another process answer requests while this is open. Call it while there is one thread.

    Args:
        answer: runs in the other process, and calls what it is given with the application. That returns when the
            process is to end.

    """
    top = Path(tempfile.mkdtemp(prefix="platepost-"))
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(top / "pages"))
    listening.listen(_BACKLOG)
    ends_with, held = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        os.close(held)
        _answer_and_exit(answer, listening, ends_with)
    os.close(ends_with)
    listening.close()
    try:
        yield PagesProcess(top / "pages", child)
    finally:
        os.close(held)
        _wait(child)
        shutil.rmtree(top, ignore_errors=True)


def _answer_and_exit(
    answer: Callable[[Callable[[Application], None]], None], listening: socket.socket, ends_with: int
) -> NoReturn:
    """Answer in the new process, which must not return into what its parent has open."""
    status = 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # the parent says when; programs that it starts do not inherit this
    os.nice(_NICENESS)
    try:
        answer(lambda application: asyncio.run(_serve(application, listening, ends_with)))
        status = 0
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent ends with it
        sys.stderr.write(f"The process for pages has failed: {error}\n")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _wait(child: int) -> None:
    """Wait until a process ends, and kill it if that takes too long."""
    latest = time.monotonic() + _END_SECONDS
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > latest:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return
        time.sleep(_STEP_SECONDS)


async def _serve(application: Application, listening: socket.socket, ends_with: int) -> None:
    """Answer until the parent has closed its end of a pipe, which it also does by dying."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(ends_with, ended.set)
    answering: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        answering.add(task)
        try:
            await _answer(application, reader, writer)
        finally:
            answering.discard(task)

    server = await asyncio.start_unix_server(answer, sock=listening)
    await ended.wait()
    server.close()
    if answering:
        await asyncio.wait(answering, timeout=_REQUESTS_SECONDS)


async def _answer(application: Application, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def receive() -> Message:
        try:
            kind, payload = await _read(reader)
        except (ConnectionError, asyncio.IncompleteReadError):
            kind, payload = _GONE, b""
        if kind == _GONE:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": payload, "more_body": kind == _PART}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in message["headers"]]
            await _write(writer, _START, json.dumps({"status": message["status"], "headers": headers}).encode())
        else:
            await _write(writer, _PART if message.get("more_body") else _LAST, message.get("body", b""))

    try:
        _, payload = await _read(reader)
        await application(_scope(payload), receive, send)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # the browser has gone
    finally:
        writer.close()


async def _forward(receive: Receive, writer: asyncio.StreamWriter) -> None:
    """Pass on what the browser sends, and that it has gone."""
    with suppress(ConnectionError):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                await _write(writer, _GONE, b"")
                return
            await _write(writer, _PART if message.get("more_body") else _LAST, message.get("body", b""))


def _written(scope: MutableMapping[str, Any]) -> bytes:
    fields = {name: scope[name] for name in _TEXTS if name in scope}
    fields |= {name: scope[name].decode("latin-1") for name in _BYTES if scope.get(name) is not None}
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    return json.dumps({**fields, "headers": headers}).encode()


def _scope(payload: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(payload)
    fields |= {name: fields[name].encode("latin-1") for name in _BYTES if name in fields}
    return {**fields, "headers": _headers(fields["headers"])}


def _start(payload: bytes) -> Message:
    fields = json.loads(payload)
    headers = _headers(fields["headers"])
    return {"type": "http.response.start", "status": fields["status"], "headers": headers}


def _headers(pairs: list[list[str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


async def _write(writer: asyncio.StreamWriter, kind: bytes, payload: bytes) -> None:
    writer.write(len(payload).to_bytes(4) + kind + payload)
    await writer.drain()


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[4:], await reader.readexactly(int.from_bytes(head[:4]))
