"""How fast and how well a plate is found among many reads, from what a witness remembers.

::

    python benchmarks/search.py /var/tmp/pp-search                          200,000 reads, a minute
    python benchmarks/search.py /var/tmp/pp-20m --reads 20000000 --cars 5000000 --memory 1000 --beside 30
    python benchmarks/search.py /var/tmp/pp-1m --reads 1000000 --scan 10000   against a plain scan
    python benchmarks/search.py /var/tmp/pp-1m --reads 1000000 --beside 12000 --people 50 --kept 200
                                                    50 people at once, each a search a second, beside 200 records/s
    python benchmarks/search.py /var/tmp/pp-search --monthly                the dictionary by month beside the one

The reads (`search_data.py`) are written as parts in COPY's form, and loaded part by part: what is there is not made
again, so a run that was cut off goes on. Twenty million take some 20 GB of disk and 8 GB of memory. The folder's path
must be short: the database's socket is in it.

Each pattern is asked many times, for cars that are there, by `find_plates` under a ledger entry, as the role of the
pages does. `ledger` is what both entries take.
"""

import argparse
import multiprocessing
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from custody import Post
from search_data import BEGAN, POSTS, WEEKS, archive, serial, serials
from size import of_reads

from platepost.department.custody.store import CustodyStore
from platepost.department.database.roles import COMMAND, KEEPER
from platepost.department.folder import DepartmentFolder
from platepost.department.search.misreads import look_alikes, misread
from platepost.department.search.patterns import PlatePattern
from platepost.department.session import set_up_django

RATE = 50
"""Searches a second beside which records are kept."""


def patterns(draw: np.random.Generator, cars: int) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return, by pattern, what makes a query of it: the arguments of `PlateQuery`, a pattern as text and budget."""

    def like(form: str, budget: int = 0) -> Callable[[], dict[str, Any]]:
        # In a form, `=` is the car's own character, and `<` those from the end.
        def made() -> dict[str, Any]:
            plate = serial(int(cars * draw.random() ** 2))
            if form.startswith("*"):
                return {"text": f"*{plate[-4:]}", "budget": budget}
            own = (character if kind == "=" else kind for kind, character in zip(form, plate.ljust(8), strict=False))
            return {"text": "".join(own).strip(), "budget": budget}

        return made

    def placed(posts: int, span: timedelta, text: str) -> Callable[[], dict[str, Any]]:
        def made() -> dict[str, Any]:
            since = BEGAN + timedelta(seconds=int(draw.integers(0, (WEEKS * 7 - 2) * 86400)))
            chosen = [f"post-{post}" for post in draw.choice(POSTS, posts, replace=False)]
            return {"text": text, "budget": 0, "posts": chosen, "since": since, "until": since + span}

        return made

    def some_time(form: str) -> Callable[[], dict[str, Any]]:
        made = like(form)
        since = BEGAN + timedelta(days=100)
        return lambda: made() | {"since": since, "until": since + timedelta(days=100)}

    return {
        "exact": like("======="),
        "one look-alike": like("=======", 1),
        "two look-alikes": like("=======", 2),
        "7AB?12*": like("===?==*"),
        "7AB?12*, of 100 days": some_time("===?==*"),
        "7A??12?": like("==??==?"),
        "7?B?12?": like("=?=?==?"),
        "7?B?12?, one look-alike": like("=?=?==?", 1),
        "?A?C?1?": like("?=?=?=?"),
        "*C123": like("*"),
        "5 posts, one hour": placed(5, timedelta(hours=1), ""),
        "10 posts, 24 h, 7A*": placed(10, timedelta(hours=24), "7A*"),
    }


def ask(
    text: str,
    *,
    budget: int = 0,
    slip: bool = False,
    limit: int = 25,
    **said: Any,
) -> tuple[Any, float, float]:
    """Search as the pages do. Returns the page, and the seconds of the search and of the two ledger entries."""
    from platepost.department.ledger.entries import open_entry  # noqa: PLC0415 - after Django was set up
    from platepost.department.policy.policy import AccessPurpose  # noqa: PLC0415
    from platepost.department.search.plates import PlateQuery, find_plates  # noqa: PLC0415

    query = PlateQuery(PlatePattern.parse(text, budget=budget, slip=slip) if text else None, **said)
    began = time.perf_counter()
    entry = open_entry(person="b", agency="b", purpose=AccessPurpose("drill", "D-1"), query=query.asked(text))
    opened = time.perf_counter()
    try:
        page = find_plates(entry, query, limit=limit)
    finally:
        ended = time.perf_counter()
        entry.shown()
    return page, ended - opened, opened - began + time.perf_counter() - ended


def milliseconds(seconds: list[float]) -> str:
    """Return p50 and p95."""
    return "{:7.1f} /{:7.1f}".format(*np.percentile(seconds, [50, 95]) * 1000)


def search(cars: int, times: int, seed: int) -> None:
    """Ask each pattern, and print how long it took: the first time, and warm, with what it needs in memory."""
    from platepost.department.search.errors import TooManyPlatesError  # noqa: PLC0415 - after Django was set up

    print(f"{'ms, p50 / p95':26}{'first':>16}{'warm':>16}{'ledger':>16}   plates on the first page")
    for name, made in patterns(np.random.default_rng(seed), cars).items():
        asked = [made() for _ in range(times)]
        try:
            ask(**asked[0])  # the session plans it
            first, warm = ([ask(**said) for said in asked] for _ in range(2))
        except TooManyPlatesError as refused:
            print(f"{name:26}{refused}", flush=True)
            continue
        found = np.mean([len(page.plates) for page, *_ in warm])
        figures = (milliseconds([row[at] for row in took]) for took, at in ((first, 1), (warm, 1), (warm, 2)))
        print(f"{name:26}{''.join(figures)}   {found:.1f}", flush=True)


def scan(connection: psycopg.Connection[Any], seed: int, count: int) -> None:
    """Ask random patterns, and hold each answer against a plain scan of all reads, whose plates have one length.

    Raises:
        AssertionError: an answer is another.

    """
    from platepost.department.custody import reading  # noqa: PLC0415 - after Django was set up
    from platepost.department.search.errors import TooManyPlatesError  # noqa: PLC0415
    from platepost.department.search.plates import MOST_PLATES  # noqa: PLC0415

    reading.TIMEOUT_SECONDS = 300  # a page of thousands of plates, which no one asks for
    connection.execute("SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off")
    counted = connection.execute("SELECT plate_fold, count(*) FROM custody_read GROUP BY 1 ORDER BY 1").fetchall()
    plates, seen = np.array([plate for plate, _ in counted]), np.array([number for _, number in counted])
    characters = np.ascontiguousarray(plates.view("U1").reshape(len(plates), -1).T)
    places = {character: characters == character for character in "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ?"}
    hiding = places["?"].any(axis=0)
    clear, hidden = ({one: where[:, rows] for one, where in places.items()} for rows in (~hiding, hiding))
    draw, tried, began = random.Random(seed), Counter[str](), time.perf_counter()
    while tried.total() < count:
        text, budget, slip = drawn(draw, str(draw.choice(plates))), draw.choice([0, 0, 1, 2]), draw.random() < 0.1
        if not PlatePattern.parse(text, budget=budget, slip=slip).searchable:
            continue
        fits = np.zeros(len(plates), dtype=bool)
        fits[~hiding] = scanned(text, clear, budget, slip)
        fits[hiding] = scanned(text, hidden, budget, slip, most_hidden=max(0, known(text) - 3))
        try:
            page, *_ = ask(text, budget=budget, slip=slip, limit=MOST_PLATES)
        except TooManyPlatesError:
            if fits.sum() <= MOST_PLATES:
                raise AssertionError(f"too many: {text} {budget} {slip}") from None
            tried["too many"] += 1
            continue
        found = {plate.seen.plate: plate.seen.count for plate in page.plates}
        if found != dict(zip(plates[fits].tolist(), seen[fits].tolist(), strict=True)):
            raise AssertionError(f"another answer: {text} {budget} {slip}")
        tried["none" if not found else "some"] += 1
        if not tried.total() % 500:
            print(f"{tried.total():,} patterns {dict(tried)}, {time.perf_counter() - began:.0f} s", flush=True)
    print(
        f"{count:,} patterns against a scan of {seen.sum():,} reads: every answer is the same; {dict(tried)}",
        flush=True,
    )


def drawn(draw: random.Random, plate: str) -> str:
    """Return a pattern that a plate fits, or nearly."""
    parts = list(plate)
    for at, character in enumerate(plate):
        kind = draw.random()
        if kind < 0.3:
            parts[at] = "?"
        elif kind < 0.4 and character != "?":
            parts[at] = f"[{character}{draw.choice('8B5S0D')}]"
        elif kind < 0.5 and character != "?":
            parts[at] = draw.choice(look_alikes(character) or character)
    if draw.random() < 0.4:
        begin = draw.randrange(6)
        parts[begin : draw.randrange(begin + 1, 8)] = "*"
    return "".join(parts)


def known(text: str) -> int:
    """Return how many characters of a pattern are known."""
    return sum(character not in "?*" for character in re.sub(r"\[\w*\]", "A", text))


def scanned(text: str, places: dict[str, np.ndarray], budget: int, slip: int, *, most_hidden: int = 0) -> np.ndarray:
    """Tell which plates fit, by walking all of them through the pattern; it shares nothing with search.

    Args:
        text: the pattern.
        places: for each character, whether it stands there: a row a place, a column a plate.
        budget: how many characters may be look-alikes.
        slip: how many may be wrong.
        most_hidden: how many may be hidden and wrong, where any is hidden.

    """
    length, rows = places["0"].shape
    # By look-alikes used, whether the wrong one is used, hidden ones, place: which rows can have come there.
    ways = np.zeros((budget + 1, slip + 1, most_hidden + 1, length + 1, rows), dtype=bool)
    ways[0, 0, 0, 0] = True
    while text:
        if text[0] == "[":
            several, _, text = text[1:].partition("]")
        else:
            several, text = text[0], text[1:]
        if several == "*":
            ways = np.logical_or.accumulate(ways, axis=3)
            continue
        chosen = set(several)
        fits = np.full((length, rows), "?" in chosen)
        for character in chosen - {"?"}:
            fits |= places[character]
        after = np.zeros_like(ways)
        after[..., 1:, :] = ways[..., :-1, :] & fits
        for other in look_alikes(*chosen) if budget and len(chosen) == 1 else ():
            after[1:, ..., 1:, :] |= ways[:-1, ..., :-1, :] & places[other]
        if slip:
            after[:, 1:, :, 1:] |= ways[:, :-1, :, :-1] & ~fits & ~places["?"]
        if "?" not in chosen:
            after[:, :, 1:, 1:] |= ways[:, :, :-1, :-1] & places["?"]
        ways = after
    ends = ways[..., length, :].any(axis=0)
    wrongs, hiddens = np.indices(ends.shape[:2])
    return ends[(hiddens == 0) | (wrongs + hiddens <= most_hidden)].any(axis=0)


def memory(connection: psycopg.Connection, cars: int, seed: int, count: int) -> None:
    """Have cars pass that the reader misreads as often as it does, and look for them by what a witness remembers.

    They are found if the plate as it was read is among the first ten.
    """
    from platepost.department.search.errors import TooManyPlatesError  # noqa: PLC0415 - after Django was set up

    draw = random.Random(seed)
    seen = []
    for truth in serials(np.arange(cars, cars + count)).tolist():  # none has passed before
        at = BEGAN + timedelta(seconds=draw.randrange(86400, WEEKS * 7 * 86400 - 86400))
        seen.append((truth, passed(draw, truth), f"post-{draw.randrange(POSTS)}", at))
    first = 2**40
    passed_before = {
        id_ for (id_,) in connection.execute("SELECT record_id FROM custody_read WHERE record_id >= %s", [first])
    }
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO custody_read VALUES (%(id)s, 'no_hit', %(at)s, %(post)s, NULL, 'p', %(at)s, %(read)s,"
            " %(read)s, %(read)s, 0.9, NULL, 'main', NULL, %(at)s, %(at)s, '{}', 'approaching')",
            [
                {"id": id_, "read": read, "post": post, "at": at}
                for id_, (_, read, post, at) in enumerate(seen, first)
                if id_ not in passed_before
            ],
        )
    misread_ = sum(truth != read for truth, read, *_ in seen)
    print(f"{count:,} cars passed, {misread_:,} misread; the right one among the first ten, of 100:")
    print(f"{'remembered':36}{'plate alone':>14}{'ten posts, a day':>20}")
    for kind, remembered in KINDS.items():
        found: Counter[bool] = Counter()
        for truth, read, post, at in seen:
            posts = [post, *(f"post-{other}" for other in draw.sample(range(POSTS), 9))]
            day = {"posts": posts, "since": at - timedelta(hours=12), "until": at + timedelta(hours=12)}
            said = remembered(draw, truth)
            for place in ({}, day):
                try:
                    page, *_ = ask(**said, **place, limit=10)
                except TooManyPlatesError:
                    continue
                found[bool(place)] += read in {plate.seen.plate for plate in page.plates}
        print(f"{kind:36}{found[False] / count * 100:14.1f}{found[True] / count * 100:20.1f}", flush=True)


def passed(draw: random.Random, truth: str) -> str:
    """Return what the reader makes of a plate: each character by `misreads.json`, all as likely beforehand."""
    read = ""
    for character in truth:
        taken = {other: shares[character] for other, shares in misread().items() if character in shares}
        right = max(0.0, 1 - sum(misread().get(character, {}).values()))
        (seen,) = draw.choices([character, *taken], [right, *taken.values()])
        read += seen
    return read


def _gone(draw: random.Random, plate: str) -> dict[str, Any]:
    missing = draw.sample(range(len(plate)), 2)
    return {"text": "".join("?" if at in missing else one for at, one in enumerate(plate)), "budget": 1}


def _wrong(draw: random.Random, plate: str) -> dict[str, Any]:
    at = draw.randrange(len(plate))
    others = "0123456789" if plate[at].isdigit() else "ABCDEFGHJKLMNPQRSTUVWXYZ"
    return {
        "text": plate[:at] + draw.choice(others.replace(plate[at], "")) + plate[at + 1 :],
        "budget": 1,
        "slip": True,
    }


def _taken(draw: random.Random, plate: str) -> dict[str, Any]:
    at = draw.choice([at for at, one in enumerate(plate) if look_alikes(one)])
    return {"text": plate[:at] + draw.choice(look_alikes(plate[at])) + plate[at + 1 :], "budget": 2}


KINDS: dict[str, Callable[[random.Random, str], dict[str, Any]]] = {
    "all of it": lambda _, plate: {"text": plate, "budget": 2},
    "two characters missing, anywhere": _gone,
    "the first two missing": lambda _, plate: {"text": f"*{plate[2:]}", "budget": 1},
    "the last two missing": lambda _, plate: {"text": f"{plate[:5]}*", "budget": 1},
    "one wrong, any other of its kind": _wrong,
    "one wrong, a look-alike": _taken,
}
"""What a witness remembers of a plate, and how one asks then; a misread of the camera may come to it."""


def keep(
    conninfo: str,
    asked: tuple[int, int | None],
    ready: Any,
    go: Any,
    told: Any,
) -> None:
    """Make records of 30 posts, wait for `go`, keep them as fast as it goes, and tell how many a second that were.

    Args:
        conninfo: as the keeper.
        asked: how many records, and how many come a second; all at once where None.
        ready: set when the store is open.
        go: waited for.
        told: takes the figure.

    """
    records, rate = asked
    posts = [Post(number) for number in range(30)]
    streams = [post.records() for post in posts]
    made = [next(streams[number % len(streams)]) for number in range(records)]
    keys = {post.name: post.keys for post in posts}
    with CustodyStore(conninfo, keys=keys.__getitem__) as store:
        store.keep([])
        ready.set()
        go.wait()
        began = time.perf_counter()
        step = 500 if rate is None else max(1, rate // 10)
        for at in range(0, records, step):
            if rate is not None:
                time.sleep(max(0.0, began + at / rate - time.perf_counter()))
            store.keep(made[at : at + step])
        told.put(records / (time.perf_counter() - began))


def beside(
    folder: DepartmentFolder,
    connection: psycopg.Connection,
    asked: argparse.Namespace,
    cars: int,
) -> None:
    """Keep records while searches come at a rate of their own, and print what both took, and what a read takes on disk.

    The searches are of all kinds, by so many threads, each at its time or as soon as there is a thread.

    Raises:
        AssertionError: a search has not both its entries in the ledger.

    """
    from django.db import connections  # noqa: PLC0415 - after Django was set up

    spawned = multiprocessing.get_context("spawn")
    ready, go, told = spawned.Event(), spawned.Event(), spawned.Queue()
    keeper = spawned.Process(target=keep, args=(folder.conninfo(KEEPER), (asked.beside, asked.kept), ready, go, told))
    keeper.start()
    ready.wait()
    draw = np.random.default_rng(asked.seed + 1)
    kinds = [made for name, made in patterns(draw, cars).items() if "?B?" not in name and "?A?" not in name]
    before = entries(connection)
    lock, took, late = threading.Lock(), list[float](), list[float]()
    began, number = time.perf_counter(), iter(range(10**9))

    def asking() -> None:
        with closing(connections["default"]):
            while keeper.is_alive():
                with lock:
                    due = began + next(number) / RATE
                    said = kinds[int(draw.integers(len(kinds)))]()
                time.sleep(max(0.0, due - time.perf_counter()))
                late.append(time.perf_counter() - due)
                _, searched, entered = ask(**said)
                took.append(searched + entered)

    threads = [threading.Thread(target=asking) for _ in range(asked.people)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    go.set()
    kept = told.get()
    keeper.join()
    for thread in threads:
        thread.join()
    lasted = time.perf_counter() - began
    print(
        f"beside {len(took) / lasted:.0f} searches/s ({milliseconds(took)} ms with the ledger, begun"
        f"{milliseconds(late)} ms late): {kept:,.0f} records/s kept"
    )
    entered = [now - then for now, then in zip(entries(connection), before, strict=True)]
    print(f"{len(took)} searches by {asked.people} people, {entered[0]} intents, {entered[1]} shown")
    if entered != [len(took)] * 2:
        raise AssertionError("an entry was lost")
    of_reads(connection)


def entries(connection: psycopg.Connection) -> list[int]:
    """Return how many intents and answers the ledger has."""
    counted = "SELECT count(*) FROM ledger_entry WHERE event = %s"
    return [connection.execute(counted, [event]).fetchall()[0][0] for event in ("intent", "shown")]


def monthly(connection: psycopg.Connection, cars: int, seed: int) -> None:
    """Hold a dictionary of a partition a month against the one: size, and time of the grams alone."""
    from platepost.department.search.patterns import PlatePattern  # noqa: PLC0415 - after Django was set up

    if connection.execute("SELECT to_regclass('bench_monthly')").fetchone() == (None,):
        connection.execute(
            'CREATE TABLE bench_monthly (month int, plate_fold text COLLATE "C", PRIMARY KEY (plate_fold, month))'
            " PARTITION BY LIST (month)"
        )
        for month in range(12):
            connection.execute(f"CREATE TABLE bench_monthly_{month} PARTITION OF bench_monthly FOR VALUES IN ({month})")
        connection.execute(
            "INSERT INTO bench_monthly SELECT DISTINCT least(11, extract(epoch FROM captured_at - %s)::int / 2635200),"
            " plate_fold FROM custody_read",
            [BEGAN],
        )
        connection.execute("CREATE INDEX ON bench_monthly USING gin (search_grams(plate_fold))")
        connection.execute("VACUUM ANALYZE bench_monthly")
    ((rows, size),) = connection.execute(
        "SELECT (SELECT count(*) FROM bench_monthly), (SELECT sum(pg_total_relation_size(inhrelid))::bigint"
        " FROM pg_inherits WHERE inhparent = 'bench_monthly'::regclass)"
    ).fetchall()
    ((one,),) = connection.execute("SELECT pg_total_relation_size('search_plate')").fetchall()
    print(f"by month: {rows:,} rows, {size / 1e6:.0f} MB; one: {one / 1e6:.0f} MB")
    connection.execute("SET enable_seqscan = off")
    for name in ("7AB?12*", "7A??12?", "7?B?12?", "?A?C?1?", "*C123"):
        took: dict[str, list[float]] = {"search_plate": [], "bench_monthly": []}
        made = patterns(np.random.default_rng(seed), cars)[name]
        for _ in range(60):
            pattern = PlatePattern.parse(made()["text"])
            grams = [group[0] for group in pattern.grams]
            for table, times in took.items():
                began = time.perf_counter()
                connection.execute(
                    f"SELECT DISTINCT plate_fold FROM {table} WHERE search_grams(plate_fold) @> %s::integer[]"
                    " AND plate_fold ~ %s LIMIT 5001",
                    [grams, pattern.regex],
                ).fetchall()
                times.append(time.perf_counter() - began)
        figures = (
            f"{table} {np.percentile(times, 50) * 1000:.1f} / {np.percentile(times, 95) * 1000:.1f} ms"
            for table, times in took.items()
        )
        print(f"{name}: {', '.join(figures)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reads", type=int, default=200_000)
    parser.add_argument("--cars", type=int, help="that there are; by default a quarter of the reads")
    parser.add_argument("--times", type=int, default=100, help="that each pattern is asked")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--monthly", action="store_true", help="hold a dictionary by month against the one")
    parser.add_argument("--scan", type=int, metavar="N", help="hold N random patterns against a plain scan")
    parser.add_argument("--memory", type=int, metavar="N", help="look for N cars by what witnesses remember")
    parser.add_argument("--beside", type=int, metavar="N", help=f"keep N records beside {RATE} searches a second")
    parser.add_argument("--people", type=int, default=4, metavar="N", help="who search beside, at once")
    parser.add_argument("--kept", type=int, metavar="N", help="records that come a second; by default all at once")
    asked = parser.parse_args()
    cars = asked.cars or max(1000, asked.reads // 4)
    with archive(asked.folder, (asked.reads, cars, asked.seed)) as (folder, made):
        set_up_django(folder, COMMAND)
        if asked.scan:
            scan(made, asked.seed, asked.scan)
            return
        search(cars, asked.times, asked.seed)
        if asked.beside:
            beside(folder, made, asked, cars)
        if asked.memory:
            memory(made, cars, asked.seed, asked.memory)
        if asked.monthly:
            monthly(made, cars, asked.seed)


if __name__ == "__main__":
    main()
