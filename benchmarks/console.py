"""How soon a hit is on the consoles, and whether each gets each hit once.

::

    PYTHONPATH=. python benchmarks/console.py                   20 consoles, 100 hits a minute, two minutes
    PYTHONPATH=. python benchmarks/console.py --consoles 40 --minutes 10
    PYTHONPATH=. python benchmarks/console.py --sign-ins 30 --searches 30    beside strangers and one busy person
    PYTHONPATH=. python benchmarks/console.py --open 10000                   beside a night of unanswered hits

A department is made in a temporary folder and served by its command. The consoles are people of their own who hold the
stream, one of them a real Chromium. A keeper keeps signed hits with both pictures, at random moments. The time runs
from before the commit to the last byte of the event at each console, and in Chromium to when the hit is in the page.
"""

import argparse
import http.client
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from multiprocessing import Pipe, Process
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode

import psycopg
from playwright.sync_api import sync_playwright

from platepost.department.database.cluster import SUPERUSER
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
  window.came = {};
  new MutationObserver(() => {
    const now = Date.now() / 1000;
    for (const each of document.querySelectorAll("#queue button")) window.came[each.dataset.record] ??= now;
  }).observe(document.getElementById("queue"), { childList: true });
}"""


class StreamingConsole(threading.Thread):
    """Holds the stream, and notes when each hit was there."""

    def __init__(self, where: str, session: str) -> None:
        super().__init__(daemon=True)
        self._where, self._session = where, session
        self.came: dict[int, list[float]] = {}

    def run(self) -> None:
        with suppress(OSError, http.client.HTTPException):  # the server has ended
            self._listen()

    def _listen(self) -> None:
        last = ""
        while True:
            connection = http.client.HTTPConnection(self._where)
            headers = {"Accept": "text/event-stream", "Cookie": f"sessionid={self._session}", "Last-Event-ID": last}
            connection.request("GET", "/console/events/", headers=headers)
            answer, event = connection.getresponse(), {}
            for line in answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                event[name] = value
                if not name and event:
                    at = time.time()
                    last = event.get("id", last)
                    if event.get("event") == "hit":
                        self.came.setdefault(json.loads(event["data"])["record"], []).append(at)
                    event = {}


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
        print(said(name, good) if len(good) > 1 else name, f"by status {statuses}")


class Others(Process):
    """Others' requests, from a process of their own: the consoles' times are not those of this interpreter."""

    def __init__(self, *lines: tuple[str, dict[str, Any], int]) -> None:
        super().__init__(daemon=True)
        self._lines = lines
        self._mine, self._theirs = Pipe()

    def run(self) -> None:
        groups = [[Requests(**given) for _ in range(count)] for _, given, count in self._lines]
        for each in (each for group in groups for each in group):
            each.start()
        self._theirs.recv()
        self._theirs.send([[took for each in group for took in each.took] for group in groups])

    def end(self) -> list[tuple[str, list[tuple[int, float]]]]:
        self._mine.send("end")
        found = self._mine.recv()
        self.kill()
        return [(name, took) for (name, _, _), took in zip(self._lines, found, strict=True)]


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


def keep_hits(folder: DepartmentFolder, made: Commands, count: int, rate: float) -> dict[int, float]:
    """Keep hits at random moments; return when each was about to be kept, by its record."""
    from platepost.department.custody.register import KeyRegister  # noqa: PLC0415 - only here
    from platepost.department.custody.store import CustodyStore  # noqa: PLC0415
    from platepost.department.database.roles import KEEPER  # noqa: PLC0415

    post, begun, known = fleet_post(made), {}, set()
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
            records = {number for (number,) in asking.execute("SELECT record_id FROM custody_hit")}
            begun |= dict.fromkeys(records - known, began)
            known = records
    return begun


def leave_open(folder: DepartmentFolder, count: int) -> None:
    """Have hits be open that nobody has answered, without records of their own."""
    database = {"host": str(folder.cluster), "dbname": DATABASE_NAME, "user": SUPERUSER}
    with psycopg.connect(**database) as superuser, planting(superuser):
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute(
            "INSERT INTO alerts_alert (record_id, retained_from, post, hit, captured_at, arrived_at, category,"
            " priority, match, hotlist_stale, held, second_needed, changed_at) SELECT -number, now(), 'post-1',"
            " 'h' || number,"
            " now(), now() - number * interval '1 second', 'stolen_vehicle', 2, 'exact', false, false, false, now()"
            " FROM generate_series(1, %s) AS number",
            [count],
        )


def said(name: str, seconds: list[float]) -> str:
    cut = quantiles(seconds, n=100, method="inclusive")
    return f"{name}: median {cut[49] * 1000:.0f} ms, p95 {cut[94] * 1000:.0f} ms, worst {max(seconds) * 1000:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--consoles", type=int, default=20)
    parser.add_argument("--rate", type=float, default=100.0, help="hits a minute")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--sign-ins", type=int, default=0, help="strangers who try passwords all the time")
    parser.add_argument("--searches", type=int, default=0, help="searches that one person has at once, all the time")
    parser.add_argument("--open", type=int, default=0, help="hits that are open before")
    given = parser.parse_args()
    where = f"127.0.0.1:{free_port()}"
    with department() as made:
        folder = DepartmentFolder(made.folder)
        with running_database(folder), made.start("serve", "--web", where) as server:
            try:
                keys = sessions(folder, *(f"person.{each}:dispatcher:current" for each in range(given.consoles)))
                (searcher,) = sessions(folder, "o.perez:operator:current")
                wait_until_served(f"http://{where}/log-in/", server)
                if given.open:
                    leave_open(folder, given.open)
                guess = {"where": where, "line": "POST /log-in/", "form": _GUESS, "pause": 0.2}
                search = {"where": where, "line": "POST /search/", "session": searcher, "form": _SEARCH, "pause": 0.05}
                others = Others(
                    ("strangers' passwords", guess, given.sign_ins), ("searches of one person", search, given.searches)
                )
                others.start()
                # What consoles ask for themselves: hits, steps, and to stay signed in.
                asking = [Requests(where, "POST /console/stay/", key, pause=1.0) for key in keys[1:6]]
                for each in asking:
                    each.start()
                begun, came, drawn = measure(folder, made, where, keys, given)
                beside = others.end()
                for each in asking:
                    each.over.set()
            finally:
                server.terminate()
                server.wait(30)
    late = [at - begun[record] for one in came for record, (at, *_) in one.items() if record in begun]
    print(f"{len(begun)} hits, {len(came) + 1} consoles")
    print(said("at a console", late))
    beside.append(("a console's own requests", [took for each in asking for took in each.took]))
    for name, took in beside:
        if took:
            Requests.report(name, took)
    print(said("in Chromium's page", [at - begun[record] for record, at in drawn.items() if record in begun]))
    lost = sum(len(begun.keys() - one.keys()) for one in came) + len(begun.keys() - drawn.keys())
    twice = sum(len(times) > 1 for one in came for times in one.values())
    print(f"lost {lost}, twice {twice}")
    sys.exit(bool(lost or twice))


def measure(
    folder: DepartmentFolder, made: Commands, where: str, keys: list[str], given: argparse.Namespace
) -> tuple[dict[int, float], list[dict[int, list[float]]], dict[int, float]]:
    """Return when each hit began, when it came to each console, and when it was in Chromium's page."""
    consoles = [StreamingConsole(where, key) for key in keys[1:]]
    for console in consoles:
        console.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        context = browser.new_context()
        context.add_cookies([{"name": "sessionid", "value": keys[0], "url": f"http://{where}"}])
        page = context.new_page()
        page.goto(f"http://{where}/console/")
        page.evaluate(WATCH)
        page.wait_for_timeout(3000)
        begun: dict[int, float] = {}
        count = int(given.rate * given.minutes)
        work = threading.Thread(target=lambda: begun.update(keep_hits(folder, made, count, given.rate / 60)))
        work.start()
        while work.is_alive():
            page.wait_for_timeout(500)
        page.wait_for_timeout(3000)
        drawn = {int(record): at for record, at in page.evaluate("window.came").items()}
        browser.close()
    return begun, [console.came for console in consoles], drawn


if __name__ == "__main__":
    main()
