"""How soon the page of a search's results is there, as its list and as its map, among many reads.

::

    PYTHONPATH=. python benchmarks/search_pages.py /var/tmp/pp-search                  200,000 reads
    PYTHONPATH=. python benchmarks/search_pages.py /var/tmp/pp-20m --reads 20000000 --cars 5000000

The archive is that of `search.py`, whose folder it may share. The pages are served by `platepost department serve`, and
asked over HTTP by one investigator who is signed in: the form is sent, and then its results are fetched, as a list and
as a map. About 1,000 plates match each search but the exact one. `wall` is until the last byte; `pages` and `database`
are the CPU time that the processes of the pages and of PostgreSQL took for it, which other work on the machine changes
little. A search is timed when it is asked first: what it finds was not read before.
"""

import argparse
import http.client
import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import psycopg
from search_data import BEGAN, POSTS, WEEKS, archive, serial

from platepost.department.folder import DepartmentFolder
from platepost.simulator.brokers.daemon import free_port
from tests.department.alerts.alarms import sessions
from tests.department.commands.installation import Commands
from tests.department.status.test_status_page import wait_until_served

WARM = 6
"""Searches of a kind before those that are timed: each session of the database learns of all partitions first."""
RESULTS = 1000
"""Plates that a search is to find."""
_WHY = {"purpose": "criminal investigation", "case": "26-00417"}
_TICKS = os.sysconf("SC_CLK_TCK")
_TOKEN = "t" * 32


@dataclass(frozen=True, slots=True)
class Cost:
    """What an answer took, in milliseconds."""

    wall: float
    pages: float
    database: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the pages answered, and what that took."""

    cost: Cost
    status: int
    location: str
    """Where it leads; empty where it leads nowhere."""
    text: str


class Investigator:
    """Someone who is signed in, and searches."""

    def __init__(self, where: str, session: str, processes: tuple[int, int]) -> None:
        self._where, self._processes = where, processes
        cookie = f"sessionid={session}; csrftoken={_TOKEN}"
        self._headers = {"Cookie": cookie, "X-CSRFToken": _TOKEN, "Content-Type": "application/x-www-form-urlencoded"}

    def ask(self, path: str, form: dict[str, object] | None = None) -> Answer:
        """Fetch a page, or send a form."""
        connection = http.client.HTTPConnection(self._where, timeout=120)
        before, began = [*map(used, self._processes)], time.perf_counter()
        body = urlencode(form, doseq=True) if form is not None else None
        connection.request("GET" if form is None else "POST", path, body, self._headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        wall = (time.perf_counter() - began) * 1000
        pages, database = (now - then for now, then in zip(map(used, self._processes), before, strict=True))
        connection.close()
        cost = Cost(wall, pages, database)
        return Answer(cost, answer.status, answer.headers.get("Location", ""), text)


def used(top: int) -> float:
    """Return the CPU time of a process and of those that it has started, in milliseconds."""
    parents = {}
    ticks = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents[int(stat.parent.name)], ticks[int(stat.parent.name)] = int(fields[1]), sum(map(int, fields[11:13]))
    family = {top}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(ticks.get(pid, 0) for pid in family) / _TICKS * 1000


def kinds(draw: np.random.Generator, reads: int, cars: int) -> dict[str, Callable[[], dict[str, object]]]:
    """Return, by what it is, what makes the fields of a form."""
    # So many posts and so long that about as many vehicles pass; none that comes by often.
    posts = 10
    span = timedelta(seconds=RESULTS / reads * WEEKS * 7 * 86400 * POSTS / posts)

    def plate(form: str) -> str:
        car = serial(int(cars * draw.random() ** 2))
        return "".join(own if kind == "=" else kind for kind, own in zip(form, car, strict=False))

    def passed() -> dict[str, object]:
        since = BEGAN + timedelta(seconds=int(draw.integers(0, (WEEKS * 7 - 31) * 86400)))
        chosen = [f"post-{post}" for post in draw.choice(POSTS, posts, replace=False)]
        times = {name: f"{at:%Y-%m-%dT%H:%M}" for name, at in (("since", since), ("until", since + span))}
        return {"posts": chosen, **times}

    return {
        "a whole plate": lambda: {"plate": plate("=======")},
        "three characters": lambda: {"plate": plate("===*")},
        "three characters and a color": lambda: {"plate": plate("===*"), "color": "red"},
        "10 posts and a time": passed,
    }


def plotted(folder: DepartmentFolder) -> None:
    """Write a map with all posts, in a square."""
    side = math.ceil(POSTS**0.5)
    features = [
        {
            "type": "Feature",
            "properties": {"post": f"post-{post}", "address": f"Street {post % side} at {post // side}"},
            "geometry": {"type": "Point", "coordinates": [-121.9 + post % side / 100, 37.2 + post // side / 100]},
        }
        for post in range(POSTS)
    ]
    folder.places.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="ascii")


def tally(connection: psycopg.Connection) -> None:
    """Count the reads as the keeper does, by post and day."""
    connection.execute(
        "INSERT INTO custody_tally SELECT 'post-' || post, day, kind, 'genuine', NULL, 1, day FROM"
        " generate_series(0, %s) AS post, generate_series(%s::date, %s::date, interval '1 day') AS day,"
        " unnest('{read,hit}'::text[]) AS kind ON CONFLICT DO NOTHING",
        [POSTS - 1, BEGAN, BEGAN + timedelta(weeks=WEEKS)],
    )


@contextmanager
def investigator(folder: DepartmentFolder) -> Iterator[Investigator]:
    """Serve the pages, and sign someone in."""
    (session,) = sessions(folder, f"person.{time.time_ns()}:operator:current")
    where = f"127.0.0.1:{free_port()}"
    commands = Commands(folder.path, folder.path)
    with commands.start("serve", "--web", where) as server:
        try:
            wait_until_served(f"http://{where}/log-in/", server)
            database = int((folder.cluster / "data" / "postmaster.pid").read_text().split()[0])
            yield Investigator(where, session, (server.pid, database))
        finally:
            server.terminate()
            server.wait(30)


def report(name: str, costs: list[Cost]) -> str:
    walls = np.percentile([cost.wall for cost in costs], [50, 95])
    pages, database = (np.mean([getattr(cost, kind) for cost in costs]) for kind in ("pages", "database"))
    return f"{name:38}{walls[0]:8.0f} /{walls[1]:6.0f}{pages:10.0f}{database:10.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reads", type=int, default=200_000)
    parser.add_argument("--cars", type=int, help="that there are; by default a quarter of the reads")
    parser.add_argument("--times", type=int, default=20, help="that each kind of search is made")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory", default="4GB", help="the database's shared buffers, where it is made now")
    asked = parser.parse_args()
    cars = asked.cars or max(1000, asked.reads // 4)
    with archive(asked.folder, (asked.reads, cars, asked.seed), memory=asked.memory) as (folder, made):
        tally(made)
        plotted(folder)
        with investigator(folder) as person:
            print(f"{'ms':38}{'wall p50 / p95':>16}{'pages':>10}{'database':>10}   load {os.getloadavg()[0]:.1f}")
            for name, form in kinds(np.random.default_rng(asked.seed), asked.reads, cars).items():
                costs: dict[str, list[Cost]] = {}
                found: list[int] = []
                for number in range(-WARM, asked.times):
                    sent = person.ask("/search/", _WHY | form())
                    answers = {
                        "form": sent,
                        "list": person.ask(sent.location),
                        "list again": person.ask(sent.location),
                        "map": person.ask(f"{sent.location}?view=map"),
                    }
                    if answers["list"].status != 200:
                        raise SystemExit(f"{name}: status {answers['list'].status}")
                    found += [int(each) for each in re.findall(r'id="found"[^>]*>(\d+) plates?<', answers["list"].text)]
                    if number < 0:
                        continue
                    for kind, answer in answers.items():
                        costs.setdefault(kind, []).append(answer.cost)
                print(f"{name}: {np.mean(found or [0]):,.0f} plates", flush=True)
                for kind, each in costs.items():
                    print(report(f"    {kind}", each), flush=True)


if __name__ == "__main__":
    main()
