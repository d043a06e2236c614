"""Which requests are answered at once: the console does not wait for searches, nor anyone for strangers who sign in.

The pages run in two processes, one of them for the console (see `pages_process`). The threads of a process share the
interpreter and a pool of database sessions. Without limits, twenty searches of one person, or twenty wrong passwords,
take all of both. So requests wait in lanes, before Django
sees them: one for the console, one for people who are signed in, and two for strangers, of which one checks passwords
one after the other. Within a lane each session, or each address of a stranger, has a few at once, and its others wait
behind them. A request comes into a lane with all of its form: who sends slowly takes no slot.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

log = logging.getLogger(__name__)

WAIT_SECONDS = 20.0
"""After which a request that waits is refused."""
SIGN_INS, SIGN_INS_SECONDS = 30, 60.0
"""Passwords and codes that one address, or one known browser, may try at once, and in which time so many more."""
_FORM_BYTES, _FORM_SECONDS = 2**20, 10.0
"""Of a form, how much is taken in before it waits for a slot, and within which time."""
_MOST_KEYS = 10_000
_LOG_SECONDS = 60.0
_BUSY = "The server is busy. Nothing was done. Try again in a few seconds."
_STOPPING = "The server is stopping. Check whether your last change was made before you repeat it."
_TOO_MANY = "Too many attempts to sign in from here. Nothing was checked. Wait a minute, and try again."


class BusyError(Exception):
    """A request can't be answered now."""


@dataclass(slots=True)
class _Turn:
    """The requests of one session, or of one address."""

    at_once: asyncio.Semaphore
    count: int = 0
    """Those that wait and those that are being answered."""


@dataclass(slots=True)
class Lane:
    """Requests that share slots."""

    slots: int
    """Requests that are answered at once."""
    per_client: int
    """Of them, those of one session or address."""
    most: int = 40
    """Requests of one session or address that wait or are being answered; more are refused."""
    _free: asyncio.Semaphore = field(init=False)
    _waiting: set[asyncio.Task[Any]] = field(default_factory=set)
    _closed: bool = False
    _turns: dict[str, _Turn] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.slots)

    async def enter(self, key: str) -> Callable[[], None]:
        """Wait for a slot; return what gives it back, which may be called twice.

        Raises:
            BusyError: too many wait, or it took too long.

        """
        turn = self._turns.setdefault(key, _Turn(asyncio.Semaphore(self.per_client)))
        if turn.count >= self.most:
            raise BusyError
        turn.count += 1
        taken: list[asyncio.Semaphore] = []
        left = False

        def leave() -> None:
            nonlocal left
            if left:
                return
            left = True
            for semaphore in taken:
                semaphore.release()
            turn.count -= 1
            if not turn.count:
                del self._turns[key]

        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._waiting.add(task)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                for semaphore in (turn.at_once, self._free):
                    await semaphore.acquire()
                    taken.append(semaphore)
        except BaseException as error:
            leave()
            if self._closed or isinstance(error, TimeoutError):
                raise BusyError from error
            raise
        finally:
            self._waiting.discard(task)
        return leave

    def close(self) -> None:
        """Refuse those that wait: the program ends."""
        self._closed = True
        for task in [*self._waiting]:
            task.get_loop().call_soon_threadsafe(task.cancel)


@dataclass(slots=True)
class RateLimit:
    """So many at once, and so many more in a time, for each key."""

    amount: int
    seconds: float
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def allows(self, key: str) -> bool:
        """Count one more; tell whether it is within the limit."""
        now = time.monotonic()
        left, at = self._left.pop(key, (float(self.amount), now))
        left = min(float(self.amount), left + (now - at) * self.amount / self.seconds)
        self._left[key] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > _MOST_KEYS:
            del self._left[next(iter(self._left))]  # that which has been away for longest
        return left >= 1


@dataclass(slots=True)
class Admission:
    """An ASGI application that lets requests through to another one, in lanes."""

    application: Application
    session_cookie: str
    others: Application | None = None
    """Answers what is not the console's; None: `application` does, too."""
    known: Callable[[dict[str, str]], str | None] = lambda _: None
    """Returns by its cookies the browser from which someone has signed in before; one has its own limit of sign-ins."""
    console: Lane = field(default_factory=lambda: Lane(6, 3))
    people: Lane = field(default_factory=lambda: Lane(4, 2))
    strangers: Lane = field(default_factory=lambda: Lane(2, 1))
    passwords: Lane = field(default_factory=lambda: Lane(1, 1))
    sign_ins: RateLimit = field(default_factory=lambda: RateLimit(SIGN_INS, SIGN_INS_SECONDS))
    _logged_at: float = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, by the application or by a refusal."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith("/static/"):
            await self.application(scope, receive, send)
            return
        if "\0" in path:
            await _refuse(send, 400, "There is no such page.")
            return
        lane, key = self._lane(scope)
        if lane is self.passwords and not self.sign_ins.allows(key):
            self._log(key)
            await _refuse(send, 429, _TOO_MANY)
            return
        try:
            received = [] if scope["method"] in {"GET", "HEAD"} else await _form(receive)
            leave = await lane.enter(key)
        except TimeoutError:
            await _refuse(send, 408, "The form did not arrive in time. Nothing was done.")
            return
        except BusyError:
            await _refuse(send, 503, _BUSY)
            return

        application = self.application if lane is self.console else self.others or self.application
        try:
            await _answer(application, scope, received=received, receive=receive, send=send, leave=leave)
        finally:
            leave()

    def close(self) -> None:
        """Refuse what waits; from a signal's handler."""
        for lane in (self.console, self.people, self.strangers, self.passwords):
            lane.close()

    def _lane(self, scope: Scope) -> tuple[Lane, str]:
        """Return a request's lane, and of whom it is."""
        cookies, path = _cookies(scope), scope["path"]
        address = (scope.get("client") or ("",))[0]
        session = cookies.get(self.session_cookie)
        if path.startswith("/log-in/"):
            is_tried = scope["method"] == "POST"
            return self.passwords if is_tried else self.strangers, self.known(cookies) or address
        if session:
            return self.console if path.startswith("/console/") else self.people, session
        return self.strangers, address

    def _log(self, key: str) -> None:
        if time.monotonic() > self._logged_at + _LOG_SECONDS:
            self._logged_at = time.monotonic()
            log.warning("too many attempts to sign in from %s: more are not checked for now", key)


def _cookies(scope: Scope) -> dict[str, str]:
    sent = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(sent.decode("latin-1")).items()}
    except CookieError:
        return {}


async def _answer(
    application: Application,
    scope: Scope,
    *,
    received: list[Message],
    receive: Receive,
    send: Send,
    leave: Callable[[], None],
) -> None:
    """Have a request answered of which a part was received; `leave` gives its slot back."""
    begun = False

    async def again() -> Message:
        return received.pop(0) if received else await receive()

    async def sent(message: Message) -> None:
        nonlocal begun
        begun = True
        # A stream lasts, and asks the database for nothing more.
        if message["type"] == "http.response.start" and _streams(message):
            leave()
        await send(message)

    try:
        await application(scope, again, sent)
    except BusyError:
        await _refuse(send, 503, _BUSY)
    except asyncio.CancelledError:  # the server ends, and has waited as long as it does
        if begun:
            raise
        await _refuse(send, 503, _STOPPING)


async def _form(receive: Receive) -> list[Message]:
    """Receive a form, or the first part of a large one. Raises TimeoutError."""
    messages: list[Message] = []
    size, more = 0, True
    async with asyncio.timeout(_FORM_SECONDS):
        while more and size < _FORM_BYTES:
            messages.append(await receive())
            size += len(messages[-1].get("body", b""))
            more = messages[-1].get("more_body", False)
    return messages


def _streams(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream") for name, value in start["headers"]
    )


async def _refuse(send: Send, status: int, why: str) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"retry-after", b"10"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": why.encode()})
