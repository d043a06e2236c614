"""Requests that go through the other process are those that came, and its answers those that it gave."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platepost.department.web import pages_process
from platepost.department.web.admission import BusyError
from platepost.department.web.pages_process import PagesProcess
from platepost.simulator.brokers.daemon import free_port
from tests.department.commands.installation import Commands, department
from tests.department.status.test_status_page import wait_until_served

__all__ = ["department"]
SCOPE: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/search/é/",
    "raw_path": b"/search/%C3%A9/",
    "query_string": b"a=%FF",
    "root_path": "",
    "client": ["192.0.2.1", 4711],
    "server": ["127.0.0.1", 8600],
    "headers": [(b"cookie", b"sessionid=\xe9"), (b"x-two", b"1"), (b"x-two", b"2")],
}


class Asked:
    """An application that keeps what it was asked, and answers in three parts."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}
        self.body = b""
        self.gone = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        message: dict[str, Any] = {"more_body": True}
        while message["more_body"]:
            message = await receive()
            self.body += message["body"]
        await send({"type": "http.response.start", "status": 201, "headers": [(b"x-name", b"\xe9")]})
        for part in (b"one", bytes(2**20)):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        if scope["method"] == "GET":
            assert (await receive())["type"] == "http.disconnect"
            self.gone.set()
            return
        await send({"type": "http.response.body", "body": b"three"})


def asking(path: Path, steps: Callable[[Asked, PagesProcess], Any]) -> None:
    async def run() -> None:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        ends_with, held = os.pipe()
        application = Asked()
        serving = asyncio.create_task(pages_process._serve(application, listening, ends_with))
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            await steps(application, PagesProcess(path, os.getpid()))
            os.close(held)
            await serving
        os.close(ends_with)

    asyncio.run(run())


def test_request_and_answer_are_what_they_were(tmp_path: Path) -> None:
    async def steps(application: Asked, others: PagesProcess) -> None:
        parts = [{"type": "http.request", "body": body, "more_body": body != b"end"} for body in (bytes(2**20), b"end")]
        answers: list[Any] = []

        async def receive() -> Any:
            return parts.pop(0) if parts else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            answers.append(message)

        await others(SCOPE, receive, send)
        assert application.scope == SCOPE
        assert application.body == bytes(2**20) + b"end"
        start, *bodies = answers
        assert start == {"type": "http.response.start", "status": 201, "headers": [(b"x-name", b"\xe9")]}
        assert [each["body"] for each in bodies] == [b"one", bytes(2**20), b"three"]
        assert [each["more_body"] for each in bodies] == [True, True, False]

    asking(tmp_path / "pages", steps)


def test_browser_that_goes_away_is_no_longer_answered(tmp_path: Path) -> None:
    async def steps(application: Asked, others: PagesProcess) -> None:
        parts: list[Any] = [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]

        async def receive() -> Any:
            return parts.pop(0) if parts else await asyncio.Event().wait()

        async def send(_: Any) -> None:
            pass

        asked = asyncio.create_task(others({**SCOPE, "method": "GET"}, receive, send))
        await application.gone.wait()
        with pytest.raises(asyncio.IncompleteReadError):
            await asked

    asking(tmp_path / "pages", steps)


def test_process_that_is_not_there_answers_nothing(tmp_path: Path) -> None:
    async def nothing(*_: object) -> Any:
        pytest.fail("it was not asked")

    with pytest.raises(BusyError):
        asyncio.run(PagesProcess(tmp_path / "none", os.getpid())(SCOPE, nothing, nothing))


def test_pages_end_with_the_process_that_answers_them(department: Commands) -> None:
    where = f"127.0.0.1:{free_port()}"
    server = department.start("serve", "--web", where)
    try:
        wait_until_served(f"http://{where}/log-in/", server)
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        command = Path(f"/proc/{server.pid}/cmdline").read_bytes()
        (child,) = [int(pid) for pid in children if Path(f"/proc/{pid}/cmdline").read_bytes() == command]
        os.kill(child, signal.SIGTERM)  # which systemd sends to both: the parent says when
        wait_until_served(f"http://{where}/log-in/", server)
        os.kill(child, signal.SIGKILL)
        assert server.wait(60) != 0
    finally:
        server.kill()
        server.wait(60)
