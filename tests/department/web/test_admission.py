"""Lanes of requests: each waits for its own kind, and who sends too much is refused without being asked."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvicorn

from platepost.department.web import admission
from platepost.department.web.admission import Admission, Lane, RateLimit
from platepost.provisioning.serving import StoppableServer
from platepost.simulator.brokers.daemon import free_port

HEADERS = [(b"Content-Type", b"text/html")]


class Pages:
    """An application that answers when it is told to, and knows how many it was asked at once."""

    def __init__(self) -> None:
        self.present: list[str] = []
        self.go = asyncio.Event()
        self.headers = HEADERS

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.present.append(scope["path"])
        body = (await receive())["body"] if scope["method"] == "POST" else b""
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        await self.go.wait()
        await send({"type": "http.response.body", "body": body})
        self.present.remove(scope["path"])


class Visits:
    """Requests to pages behind their limits."""

    def __init__(self) -> None:
        self.pages = Pages()
        self.admission = Admission(self.pages, "sessionid", known=lambda cookies: cookies.get("browser"))
        self.answers: list[tuple[int, bytes]] = []
        self.tasks: list[asyncio.Task[None]] = []

    def ask(
        self,
        path: str,
        cookie: str = "",
        *,
        method: str = "GET",
        address: str = "192.0.2.1",
        form: asyncio.Event | None = None,
    ) -> None:
        scope: dict[str, Any] = {"type": "http", "path": path, "method": method, "client": (address, 1)}
        scope["headers"] = [(b"cookie", cookie.encode())]
        self.tasks.append(asyncio.ensure_future(self._asked(scope, form)))

    async def _asked(self, scope: dict[str, Any], form: asyncio.Event | None) -> None:
        async def receive() -> dict[str, Any]:
            if form is not None:
                await form.wait()
            return {"type": "http.request", "body": b"said", "more_body": False}

        fields: list[Any] = []

        async def send(message: Any) -> None:
            fields.append(message)

        await self.admission(scope, receive, send)
        self.answers.append((fields[0]["status"], fields[1]["body"]))

    async def present(self, count: int) -> list[str]:
        """Return which requests the pages have, once there is nothing more to do but to answer."""
        for _ in range(20 * (count + 1)):
            await asyncio.sleep(0)
        assert len(self.pages.present) == count
        return self.pages.present

    async def end(self) -> list[tuple[int, bytes]]:
        self.pages.go.set()
        await asyncio.gather(*self.tasks)
        return self.answers


def visiting(test: Callable[[Visits], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        async def visited() -> None:
            await test(Visits())

        asyncio.run(visited())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@visiting
async def test_searches_of_one_person_leave_room_for_others_and_the_console(visits: Visits) -> None:
    for _ in range(30):
        visits.ask("/search/", "sessionid=one")
    assert await visits.present(2) == ["/search/"] * 2
    visits.ask("/lists/", "sessionid=other")
    visits.ask("/lists/", "a=b; sessionid=third")
    for each in range(4):
        visits.ask("/console/step/", f"sessionid={each}", method="POST")
    assert sorted(await visits.present(8)) == ["/console/step/"] * 4 + ["/lists/"] * 2 + ["/search/"] * 2
    answers = await visits.end()
    assert len(answers) == 36
    assert {status for status, _ in answers} == {200}, "those that waited, too"
    assert answers.count((200, b"said")) == 4, "with their forms"


@visiting
async def test_strangers_try_one_password_after_the_other_and_only_so_many(visits: Visits) -> None:
    for _ in range(40):
        visits.ask("/log-in/", "sessionid=made-up", method="POST")
    await visits.present(1)
    visits.ask("/log-in/", "browser=known", method="POST")
    visits.ask("/log-in/")
    visits.ask("/", address="192.0.2.2")
    assert await visits.present(3) == ["/log-in/", "/log-in/", "/"]
    statuses = [status for status, _ in await visits.end()]
    assert (statuses.count(200), statuses.count(429)) == (33, 10)


@visiting
async def test_no_one_waits_for_a_form_that_comes_slowly(visits: Visits) -> None:
    never = asyncio.Event()
    for _ in range(9):
        visits.ask("/log-in/", method="POST", form=never)
    await visits.present(0)
    visits.ask("/log-in/", method="POST", address="192.0.2.2")
    await visits.present(1)
    never.set()
    assert {status for status, _ in await visits.end()} == {200}


@visiting
async def test_a_stream_leaves_its_slot_when_it_begins(visits: Visits) -> None:
    visits.pages.headers = [(b"Content-Type", b"text/event-stream; charset=utf-8")]
    for each in range(50):
        visits.ask("/console/events/", f"sessionid={each}")
    await visits.present(50)
    await visits.end()


@visiting
async def test_more_than_may_wait_are_refused_and_so_is_a_path_that_is_none(visits: Visits) -> None:
    visits.admission.people = Lane(1, 1, most=3)
    for _ in range(5):
        visits.ask("/search/", "sessionid=one")
    visits.ask("/people/person/\0/", "sessionid=one")
    visits.ask("/static/style.css")
    await visits.present(2)
    assert sorted(status for status, _ in visits.answers) == [400, 503, 503]
    assert sorted(status for status, _ in await visits.end()) == [200] * 4 + [400, 503, 503]


def test_who_waits_too_long_is_refused_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "WAIT_SECONDS", 0.01)

    async def wait() -> None:
        visits = Visits()
        visits.admission.people = Lane(1, 1)
        for cookie in ("one", "one", "other"):
            visits.ask("/search/", f"sessionid={cookie}")
        await visits.tasks[1]
        await visits.tasks[2]
        assert [status for status, _ in visits.answers] == [503, 503]
        await visits.end()
        visits.ask("/search/", "sessionid=other")
        assert (await visits.end())[-1] == (200, b"")
        assert visits.admission.people._turns == {}

    asyncio.run(wait())


@visiting
async def test_what_waits_when_the_program_ends_is_refused(visits: Visits) -> None:
    for _ in range(5):
        visits.ask("/search/", "sessionid=one")
    await visits.present(2)
    visits.admission.close()
    assert sorted(status for status, _ in await visits.end()) == [200, 200, 503, 503, 503]


def test_what_is_answered_when_the_server_ends_is_refused_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def pages(scope: Any, _: Any, send: Any) -> None:
        if scope["path"] == "/begun/":
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await send({"type": "http.response.body", "body": b"part", "more_body": True})
        waiting.release()
        await asyncio.Event().wait()

    class Server(StoppableServer):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set()

    async def answer_to(path: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nCookie: sessionid={path}\r\n\r\n".encode())
        try:
            return await reader.read()
        finally:
            writer.close()

    async def run() -> list[bytes]:
        cut_off: dict[str, Any] = {"lifespan": "off", "log_config": None, "timeout_graceful_shutdown": 0}
        server = Server(uvicorn.Config(Admission(pages, "sessionid"), port=port, **cut_off))
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve())
            await started.wait()
            answers = [tasks.create_task(answer_to(path)) for path in ("/waits/", "/begun/")]
            await waiting.acquire()
            await waiting.acquire()
            server.should_exit = True
            await serving
        return [task.result() for task in answers]

    waiting, started, port = asyncio.Semaphore(0), asyncio.Event(), free_port()
    refused, begun = asyncio.run(run())
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert begun.endswith(b"4\r\npart\r\n")
    assert [record.getMessage() for record in caplog.records] == [
        "Cancel 2 running task(s), timeout graceful shutdown exceeded"
    ]


def test_limit_comes_back_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    limit = RateLimit(3, 60.0)
    assert [limit.allows("a") for _ in range(4)] == [True, True, True, False]
    assert limit.allows("b")
    now[0] += 20
    assert [limit.allows("a") for _ in range(2)] == [True, False]
