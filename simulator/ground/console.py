"""The pages of a throw-away department, served on this machine, and a way in for people who have no passkey."""

import subprocess
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from platepost.common.signals import sleep
from platepost.department.people.rights import GRANTS, DepartmentRole, Permission
from platepost.provisioning.serving import PageServer
from platepost.simulator.brokers.daemon import free_port
from platepost.simulator.errors import SimulatorError
from platepost.simulator.ground.dispatchers import Dispatchers
from platepost.simulator.processes import end, platepost

LOOPBACK = "127.0.0.1"
PEOPLE = {
    "dispatcher": DepartmentRole.DISPATCHER,
    "colleague": DepartmentRole.DISPATCHER,
    "investigator": DepartmentRole.OPERATOR,
    "supervisor": DepartmentRole.SUPERVISOR,
    "auditor": DepartmentRole.AUDITOR,
}
"""Two dispatchers: no one alone goes on by a match that is not exact."""
_READY_SECONDS = 60.0
_STOP_SECONDS = 10.0
_CHECK_SECONDS = 0.05
_COOKIE = "sessionid"
"""Django's name of it."""


class DepartmentConsole:
    """As a context manager, `platepost department serve` runs in a process of its own, and `evidence` beside it.

    Opening one of the `entrances` logs in as that person: anyone on this machine can, and no one else. Each person has
    a host of their own below `localhost`, and so a session of their own in one browser.

    Args:
        folder: the department's, whose database runs.
        log: what these programs log goes there.

    """

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder, self._log = folder, log
        self._port = free_port()
        self._web = f"{LOOPBACK}:{self._port}"
        self._stack = ExitStack()
        self.entrances: dict[str, str] = {}
        """Addresses by person; none before it runs."""

    def __enter__(self) -> Self:
        with self._stack as stack:
            pages = self._started("serve", "--web", self._web)
            self._people = Dispatchers(self._folder, PEOPLE)
            stack.callback(self._people.close)
            self._await(pages)
            self._started("evidence")
            hosts = Middleware(TrustedHostMiddleware, allowed_hosts=[*map(_host, PEOPLE)])
            application = Starlette(routes=[Route("/", self._enter)], middleware=[hosts])
            port = free_port()
            entrance = PageServer(application, host=LOOPBACK, port=port)
            entrance.start()
            stack.callback(entrance.close)
            self.entrances = {person: f"http://{_host(person)}:{port}/" for person in PEOPLE}
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _started(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        """Run a program on the department until this ends."""
        command = platepost("department", name, str(self._folder), *options)
        with self._log.open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0)
        self._stack.callback(end, process, seconds=_STOP_SECONDS)
        return process

    async def _enter(self, request: Request) -> RedirectResponse:
        host = request.url.hostname or ""
        person = host.partition(".")[0]
        first = "console/" if Permission.ANSWER_HITS in GRANTS[PEOPLE[person]] else ""
        first = "search/" if PEOPLE[person] is DepartmentRole.OPERATOR else first
        answer = RedirectResponse(f"http://{host}:{self._port}/{first}", status_code=303)
        session = await run_in_threadpool(self._people.log_in, person)
        # One host, whatever the port: browsers send it to the pages.
        answer.set_cookie(_COOKIE, session, httponly=True, samesite="lax")
        return answer

    def _await(self, pages: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not _answers(self._web):
            if pages.poll() is not None or time.monotonic() > deadline:
                raise SimulatorError(f"the department's pages are not served; see {self._log}")
            sleep(_CHECK_SECONDS)


def _host(person: str) -> str:
    return f"{person}.localhost"


def _answers(web: str) -> bool:
    connection = HTTPConnection(web, timeout=_STOP_SECONDS)
    try:
        connection.request("HEAD", "/log-in/")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()
