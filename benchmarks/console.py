"""How soon a hit is on the consoles, and whether each gets each hit once.

::

    PYTHONPATH=. python benchmarks/console.py                   20 consoles, 100 hits a minute, two minutes
    PYTHONPATH=. python benchmarks/console.py --consoles 40 --minutes 10
    PYTHONPATH=. python benchmarks/console.py --sign-ins 30 --searches 30    beside strangers and one busy person
    PYTHONPATH=. python benchmarks/console.py --open 10000 --rate 6          a most urgent hit after 10,000 others

A department is made in a temporary folder and served by its command. The consoles are people of their own who hold the
stream, one of them a real Chromium. An archive service keeps signed hits with both pictures, at random moments. The
time runs from before the archive service checks and commits the hit to the last byte of the event at each console, and
in Chromium to when the hit is in the page and to its sound. The consoles share this machine: see that it has nothing
else to do.
"""

import argparse
import http.client
import random
import re
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import Pipe, Process
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode

import psycopg
from playwright.sync_api import sync_playwright

from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import KEEPER
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from platepost.department.session import running_database
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.register import write_register
from platepost.simulator.brokers.daemon import free_port
from tests.browser import chromium_path
from tests.department.alerts.alarms import brokers_heard, seen, sessions
from tests.department.commands.filled import fleet_post
from tests.department.commands.installation import Commands, commands, new_folder
from tests.department.custody.posts import deliveries
from tests.department.planting import planting
from tests.department.status.test_status_page import wait_until_served

_TOKEN = "t" * 32
_GUESS = urlencode({"login": "person.1", "password": "eleven wrong otters"})
_SEARCH = urlencode({"purpose": "criminal investigation", "case": "26-00417", "plate": "7AB?12*"})
WATCH = """() => {
  window.shown = {};
  window.sounds = [];
  const { start } = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function (...when) { sounds.push(Date.now() / 1000); start.apply(this, when); };
  new MutationObserver(() => {
    const now = Date.now() / 1000;
    for (const each of document.querySelectorAll("#queue button")) shown[each.dataset.record] ??= now;
  }).observe(document.getElementById("queue"), { childList: true });
}"""
_EVENT = re.compile(rb"(?:id: (?P<id>\S+)\n)?event: (?P<event>\w+)\n")
_RECORD = re.compile(rb'"record": (\d+)')


class Stream:
    """Receives what one console is sent, and notes when each hit had come."""

    def __init__(self, where: str, session: str) -> None:
        host, port = where.split(":")
        self._address, self._session = (host, int(port)), session
        self._last, self._buffer = b"", bytearray()
        self.arrived: dict[int, list[float]] = {}

    def connect(self) -> socket.socket:
        """Ask for what follows the last change that has come. By HTTP 1.0 it comes without marks of chunks."""
        connection = socket.create_connection(self._address)
        asked = f"GET /console/events/ HTTP/1.0\r\nAccept: text/event-stream\r\nCookie: sessionid={self._session}\r\n"
        connection.sendall(asked.encode() + b"Last-Event-ID: " + self._last + b"\r\n\r\n")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        self._buffer.clear()
        return connection

    def take(self, received: bytes, at: float) -> None:
        """Take what has come."""
        self._buffer += received
        while (end := self._buffer.find(b"\n\n")) >= 0:
            message = _EVENT.match(self._buffer)
            assert message is not None  # noqa: S101 - the server sends no other lines
            self._last = message["id"] or self._last
            if message["event"] == b"hit" and (record := _RECORD.search(self._buffer, 0, end)):
                self.arrived.setdefault(int(record[1]), []).append(at)
            del self._buffer[: end + 2]


class StreamingConsoles(Process):
    """Holds the streams of many consoles, in a process of its own that does nothing else."""

    def __init__(self, where: str, sessions: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self._streams = [Stream(where, session) for session in sessions]
        self._mine, self._theirs = Pipe()

    def run(self) -> None:
        ready = selectors.DefaultSelector()
        ready.register(self._theirs, selectors.EVENT_READ)
        for stream in self._streams:
            ready.register(stream.connect(), selectors.EVENT_READ, stream)
        while True:
            for key, _ in ready.select():
                if key.data is None:
                    self._theirs.send([stream.arrived for stream in self._streams])
                    return
                connection: socket.socket = key.fileobj  # type: ignore[assignment]
                received = connection.recv(1 << 20)
                if received:
                    key.data.take(received, time.time())
                    continue
                ready.unregister(connection)
                connection.close()
                ready.register(key.data.connect(), selectors.EVENT_READ, key.data)

    def end(self) -> list[dict[int, list[float]]]:
        """End them; return of each console when each hit had come."""
        if not self.is_alive():
            raise SystemExit("The consoles have ended before the hits: see above.")
        self._mine.send("end")
        arrived: list[dict[int, list[float]]] = self._mine.recv()
        self.kill()
        return arrived


class Requests(threading.Thread):
    """Sends one request after the other, and keeps how long each took, by status."""

    def __init__(self, where: str, line: str, session: str = "", *, form: str = "", pause: float = 0.0) -> None:
        super().__init__(daemon=True)
        self._where, self._line, self._session, self._form, self._pause = where, line, session, form, pause
        self.took: list[tuple[int, float]] = []
        self.over = threading.Event()

    def run(self) -> None:
        method, path = self._line.split()
        cookies = f"csrftoken={_TOKEN}" + (f"; sessionid={self._session}" if self._session else "")
        headers = {"Cookie": cookies, "X-CSRFToken": _TOKEN, "Content-Type": "application/x-www-form-urlencoded"}
        while not self.over.wait(self._pause):
            connection = http.client.HTTPConnection(self._where, timeout=60)
            began = time.monotonic()
            try:
                connection.request(method, path, self._form, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 302:  # a search leads to its results
                    connection.request("GET", answer.headers["Location"], headers=headers)
                    answer = connection.getresponse()
                    answer.read()
                self.took.append((answer.status, time.monotonic() - began))
            except OSError:
                self.took.append((0, time.monotonic() - began))
            finally:
                connection.close()

    @staticmethod
    def report(name: str, took: list[tuple[int, float]]) -> None:
        statuses = dict(sorted(Counter(status for status, _ in took).items()))
        good = [seconds for status, seconds in took if status in {200, 204}]
        print(figures(name, good), f"by status {statuses}")


class Others(Process):
    """Requests besides the streams, by what they are, from a process of their own."""

    def __init__(self, requests: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        super().__init__(daemon=True)
        self._requests = requests
        self._mine, self._theirs = Pipe()

    def run(self) -> None:
        groups = [[Requests(**each) for each in asked] for asked in self._requests.values()]
        for each in (each for group in groups for each in group):
            each.start()
        self._theirs.recv()
        self._theirs.send([[took for each in group for took in each.took] for group in groups])

    def end(self) -> dict[str, list[tuple[int, float]]]:
        """End them; return the status of each, and how long it took."""
        self._mine.send("end")
        took = self._mine.recv()
        self.kill()
        return dict(zip(self._requests, took, strict=True))


def figures(name: str, seconds: Sequence[float]) -> str:
    if len(seconds) < 2:
        return f"{name}: {len(seconds)}"
    cut = quantiles(seconds, n=100, method="inclusive")
    return f"{name}: median {cut[49] * 1000:.0f} ms, p95 {cut[94] * 1000:.0f} ms, worst {max(seconds) * 1000:.0f} ms"


@dataclass
class Measured:
    """When each hit was somewhere, by its record; of the clock that all processes share."""

    begun: dict[int, float] = field(default_factory=dict)
    committed: dict[int, float] = field(default_factory=dict)
    """When it was committed."""
    arrived: list[dict[int, list[float]]] = field(default_factory=list)
    """Of each console that is no browser."""
    shown: dict[int, float] = field(default_factory=dict)
    """When it was in Chromium's page."""
    sounds: list[float] = field(default_factory=list)
    """When Chromium began to sound, whatever for."""

    def sounded(self) -> dict[int, float]:
        """Return when each hit sounded: at last before its row was drawn, which the page does next."""
        last = {
            record: [at for at in self.sounds if self.begun[record] < at <= shown]
            for record, shown in self.shown.items()
        }
        return {record: times[-1] for record, times in last.items() if times}

    def report(self) -> bool:
        """Print it; tell whether each console got each hit once."""
        begun = self.begun
        print(f"{len(begun)} hits, {len(self.arrived) + 1} consoles")
        print(figures("checked and committed", [self.committed[record] - at for record, at in begun.items()]))
        each = [[times[0] - begun[record] for record, times in one.items() if record in begun] for one in self.arrived]
        print(figures("at a console", [late for one in each for late in one]))
        last = {record: max(one[record][0] for one in self.arrived if record in one) for record in begun}
        print(figures("at the last of the consoles", [at - begun[record] for record, at in last.items()]))
        print(figures("in Chromium's page", [at - begun[record] for record, at in self.shown.items()]))
        print(figures("with its sound", [at - begun[record] for record, at in self.sounded().items()]))
        lost = sum(len(begun.keys() - one.keys()) for one in (*self.arrived, self.shown))
        twice = sum(len(times) > 1 for one in self.arrived for times in one.values())
        print(f"lost {lost}, twice {twice}, without sound {len(begun) - len(self.sounded())}")
        return not lost and not twice


@contextmanager
def department() -> Iterator[Commands]:
    top = new_folder()
    fleet = Fleet.create(top / "fleet", agency="riverside", custodian="records")
    fleet.add_post("post-1", PostSettings(brokers=("localhost:8883",)))
    write_register(fleet)
    made = commands(top)
    done = made("init", made.identity)
    if done.returncode:
        raise SystemExit(done.stderr)
    try:
        yield made
    finally:
        subprocess.run(["rm", "-rf", str(top)], check=False)


def keep_hits(folder: DepartmentFolder, made: Commands, measured: Measured, count: int, rate: float) -> None:
    """Keep hits at random moments; note of each when it came to the archive service, and when it was committed."""
    from platepost.department.custody.register import KeyRegister  # noqa: PLC0415 - only here
    from platepost.department.custody.store import CustodyStore  # noqa: PLC0415

    post, known = fleet_post(made), 0
    register = KeyRegister(
        folder.register_file, folder.register_key, agency="riverside", state_file=folder.stored_register
    )
    with CustodyStore(folder.conninfo(KEEPER), keys=register.keys) as store, brokers_heard(folder) as asking:
        for _ in range(count):
            time.sleep(random.expovariate(rate))
            post.now = datetime.now(UTC)
            # A vehicle of its own each: repeats are folded. The drawing is not counted.
            message = deliveries(post.hit(**seen(f"{random.randrange(10**7):07}", post.now, priority=1)))
            began = time.time()
            store.keep(message)
            committed = time.time()
            for (record,) in asking.execute("SELECT record_id FROM custody_hit WHERE record_id > %s", [known]):
                measured.begun[record] = began
                measured.committed[record] = committed
                known = record


def leave_open(folder: DepartmentFolder, count: int) -> None:
    """Have hits be open that no one has answered, without records of their own."""
    database = {"host": str(folder.cluster), "dbname": DATABASE_NAME, "user": SUPERUSER}
    with psycopg.connect(**database) as superuser, planting(superuser):
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute(
            "INSERT INTO alerts_alert (record_id, retained_from, post, hit, captured_at, arrived_at, category,"
            " priority, match, hotlist_stale, held, second_needed, changed_at) SELECT -number, now(), 'post-1',"
            " 'h' || number,"
            " now(), now() - number * interval '1 second', 'stolen_vehicle', 2, 'exact', false, false, false,"
            " now() - number * interval '1 second'"
            " FROM generate_series(1, %s) AS number",
            [count],
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--consoles", type=int, default=20)
    parser.add_argument("--rate", type=float, default=100.0, help="hits a minute")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--sign-ins", type=int, default=0, help="strangers who try passwords all the time")
    parser.add_argument("--searches", type=int, default=0, help="searches that one person has at once, all the time")
    parser.add_argument("--open", type=int, default=0, help="hits that are open before")
    options = parser.parse_args()
    where = f"127.0.0.1:{free_port()}"
    with department() as made:
        folder = DepartmentFolder(made.folder)
        with running_database(folder), made.start("serve", "--web", where) as server:
            try:
                keys = sessions(folder, *(f"person.{each}:dispatcher:current" for each in range(options.consoles)))
                (searcher,) = sessions(folder, "o.perez:operator:current")
                wait_until_served(f"http://{where}/log-in/", server)
                if options.open:
                    leave_open(folder, options.open)
                guess = {"where": where, "line": "POST /log-in/", "form": _GUESS, "pause": 0.2}
                search = {"where": where, "line": "POST /search/", "session": searcher, "form": _SEARCH, "pause": 0.05}
                # What consoles ask for themselves: hits, steps, and to stay signed in.
                stay = {"where": where, "line": "POST /console/stay/", "pause": 1.0}
                others = Others(
                    {
                        "strangers' passwords": [guess] * options.sign_ins,
                        "searches of one person": [search] * options.searches,
                        "a console's own requests": [{**stay, "session": key} for key in keys[1:6]],
                    }
                )
                others.start()
                measured = measure(folder, made, where, keys, options)
                beside = others.end()
            finally:
                server.terminate()
                server.wait(30)
    is_whole = measured.report()
    for name, took in beside.items():
        if took:
            Requests.report(name, took)
    sys.exit(not is_whole)


def measure(
    folder: DepartmentFolder, made: Commands, where: str, keys: Sequence[str], options: argparse.Namespace
) -> Measured:
    """Keep hits while the consoles are open, and return when each was where."""
    measured, consoles = Measured(), StreamingConsoles(where, keys[1:])
    consoles.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        context = browser.new_context()
        context.add_cookies([{"name": "sessionid", "value": keys[0], "url": f"http://{where}"}])
        page = context.new_page()
        page.goto(f"http://{where}/console/")
        page.locator("#sound").click()
        page.evaluate(WATCH)
        page.wait_for_timeout(3000)
        count = int(options.rate * options.minutes)
        work = threading.Thread(target=lambda: keep_hits(folder, made, measured, count, options.rate / 60))
        work.start()
        while work.is_alive():
            page.wait_for_timeout(500)
        page.wait_for_timeout(3000)
        shown, measured.sounds = page.evaluate("[shown, sounds]")
        measured.shown = {int(record): at for record, at in shown.items() if int(record) in measured.begun}
        browser.close()
    measured.arrived = consoles.end()
    return measured


if __name__ == "__main__":
    main()
