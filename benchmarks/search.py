"""How fast a plate is found among many reads, from what a witness remembers.

::

    python benchmarks/search.py /var/tmp/pp-search                        200,000 reads
    python benchmarks/search.py /var/tmp/pp-search-20m --reads 20000000   a large city's year; hours, some 30 GB
    python benchmarks/search.py /var/tmp/pp-search --monthly              the dictionary by month beside the one

The reads are drawn from a seed: 300 posts, 52 weeks, and cars of which a few come by every day and most seldom. They
are written as parts in COPY's form, and loaded part by part: what is there is not made again, so a run that was cut off
goes on. The folder's path must be short: the database's socket lies in it.

Each pattern is asked many times, for cars that are there, by `find_plates` under a ledger entry, as the role of the
pages does. `ledger` is what both entries take.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from department.config.start import set_up_django
from department.config.upgrade import upgrade
from department.database.cluster import SUPERUSER, PrivateCluster
from department.database.roles import WEB
from department.folder import DATABASE_NAME, DepartmentFolder, DepartmentSettings

POSTS, WEEKS = 300, 52
BEGAN = datetime(2025, 6, 2, tzinfo=UTC)
PART = 500_000
LETTERS = np.array(list("ABCDEFGHJKLMNPQRSTUVWXYZ"))
SPREAD = 1_000_003
"""Prime: consecutive cars get serials far apart."""
SERIALS = 9 * 24**3 * 1000


def serial(car: int) -> str:
    """Return a car's plate: California's form, another one for each car."""
    left, number = divmod(car * SPREAD % SERIALS, 1000)
    left, third = divmod(left, 24)
    left, second = divmod(left, 24)
    digit, first = divmod(left, 24)
    return f"{digit + 1}{LETTERS[first]}{LETTERS[second]}{LETTERS[third]}{number:03d}"


def part_of(number: int, reads: int, cars: int, seed: int) -> Iterator[str]:
    """Yield the lines of one part, in order of time."""
    draw = np.random.default_rng([seed, number])
    count = min(PART, reads - number * PART)
    seconds = WEEKS * 7 * 86400
    times = np.sort(draw.integers(number * PART * seconds // reads, (number * PART + count) * seconds // reads, count))
    # Few cars come by often: the hundredth part of them makes a tenth of the reads.
    seen = (cars * draw.random(count) ** 2).astype(np.int64)
    posts, sure = draw.integers(0, POSTS, count), draw.integers(700, 1000, count)
    for at in range(count):
        when = (BEGAN + timedelta(seconds=int(times[at]))).isoformat()
        plate = serial(int(seen[at]))
        kind = "hit" if sure[at] == 999 else "no_hit"
        yield (
            f"{number * PART + at + 1}\t{kind}\t{when}\tpost-{posts[at]}\t\\N\tpassage\t{when}\t{plate}\t{plate}"
            f"\t{plate}\t0.{sure[at]}\tUS-CA\t0.9\tapproaching\tmain\t\\N\t\\N\t{when}\t{when}\t{{}}\n"
        )


def load(connection: psycopg.Connection, folder: Path, reads: int, cars: int, seed: int) -> None:
    """Make and load what is missing."""
    connection.execute("CREATE TABLE IF NOT EXISTS bench_part (part int PRIMARY KEY)")
    done = {part for (part,) in connection.execute("SELECT part FROM bench_part")}
    connection.execute(
        "SELECT custody_make_partitions(%s, %s)", [BEGAN.date(), (BEGAN + timedelta(weeks=WEEKS)).date()]
    )
    for number in range(-(-reads // PART)):
        path = folder / f"reads-{seed}-{reads}-{cars}-{number}.copy"
        if not path.exists():
            with path.with_suffix(".new").open("w", encoding="ascii") as file:
                file.writelines(part_of(number, reads, cars, seed))
            path.with_suffix(".new").rename(path)
        if number in done:
            continue
        began = time.perf_counter()
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy("COPY custody_read FROM STDIN") as copy, path.open("rb") as file:
                while block := file.read(1 << 20):
                    copy.write(block)
            cursor.execute("INSERT INTO bench_part VALUES (%s)", [number])
        count = min(PART, reads - number * PART)
        print(f"part {number}: {count / (time.perf_counter() - began):,.0f} reads/s", flush=True)
    connection.execute("VACUUM ANALYZE custody_read")
    connection.execute("VACUUM ANALYZE search_plate")


def sizes(connection: psycopg.Connection) -> None:
    """Print how much there is, and what it takes on disk."""
    ((reads, plates),) = connection.execute(
        "SELECT (SELECT count(*) FROM custody_read), (SELECT count(*) FROM search_plate)"
    ).fetchall()
    ((of_reads, dictionary, grams),) = connection.execute(
        "SELECT sum(pg_total_relation_size(oid)) FILTER (WHERE relname LIKE 'custody_read%'),"
        " pg_table_size('search_plate'), pg_relation_size('search_plate_grams') FROM pg_class"
        " WHERE relkind = 'r' AND (relname LIKE 'custody_read%' OR relname = 'search_plate')"
    ).fetchall()
    print(
        f"{reads:,} reads, {of_reads / reads:.0f} bytes each with indexes; {plates:,} plates,"
        f" {dictionary / plates:.0f} bytes each and {grams / plates:.0f} of grams"
    )


def patterns(draw: np.random.Generator, cars: int) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return, by pattern, what makes a query of it: the arguments of `PlateQuery`, a pattern as text and budget."""

    def like(form: str, budget: int = 0) -> Callable[[], dict[str, Any]]:
        # In a form, `=` is the car's own character, and `<` those from the end.
        def made() -> dict[str, Any]:
            plate = serial(int(cars * draw.random()))
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

    return {
        "exact": like("======="),
        "look-alikes, two": like("=======", 2),
        "7AB?12*": like("===?==*"),
        "7A??12?": like("==??==?"),
        "7?B?12?": like("=?=?==?"),
        "7?B?12?, one look-alike": like("=?=?==?", 1),
        "?A?C?1?": like("?=?=?=?"),
        "*C123": like("*"),
        "5 posts, one hour": placed(5, timedelta(hours=1), ""),
        "10 posts, 24 h, 7A*": placed(10, timedelta(hours=24), "7A*"),
    }


def search(cars: int, times: int, seed: int) -> None:
    """Ask each pattern, and print how long it took."""
    from department.ledger.entries import open_entry  # noqa: PLC0415 - after Django was set up
    from department.policy.policy import AccessPurpose  # noqa: PLC0415 - after Django was set up
    from department.search.patterns import PlatePattern  # noqa: PLC0415
    from department.search.plates import PlateQuery, find_plates  # noqa: PLC0415

    print(f"{'ms, p50 / p95':26}{'search':>16}{'ledger':>16}   plates on the first page")
    for name, made in patterns(np.random.default_rng(seed), cars).items():
        searched, entered, found = [], [], []
        for number in range(times + 3):
            said = made()
            text, budget = said.pop("text"), said.pop("budget")
            query = PlateQuery(PlatePattern.parse(text, budget=budget) if text else None, **said)
            begins = time.perf_counter()
            entry = open_entry(person="b", agency="b", purpose=AccessPurpose("drill", "1"), query=query.asked(text))
            opened = time.perf_counter()
            page = find_plates(entry, query)
            ends = time.perf_counter()
            entry.shown()
            if number >= 3:  # warm
                searched.append(ends - opened)
                entered.append(opened - begins + time.perf_counter() - ends)
                found.append(len(page.plates))
        (fast, slow), (low, high) = (np.percentile(all_of, [50, 95]) * 1000 for all_of in (searched, entered))
        print(f"{name:26}{fast:7.1f} /{slow:7.1f}{low:7.1f} /{high:7.1f}   {np.mean(found):.1f}", flush=True)


def monthly(connection: psycopg.Connection, cars: int, seed: int) -> None:
    """Hold a dictionary of a partition a month against the one: size, and time of the grams alone."""
    from department.search.patterns import PlatePattern  # noqa: PLC0415 - after Django was set up

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
                    f"SELECT DISTINCT plate_fold FROM {table} WHERE search_grams(plate_fold) @> %s::integer[]"  # noqa: S608
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
    parser.add_argument("--upgrade", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    folder = DepartmentFolder(asked.folder)
    if asked.upgrade:  # in a process of its own: Django knows one role
        upgrade(folder)
        return
    cluster = PrivateCluster(folder.cluster)
    if not cluster.exists:
        asked.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        folder.write_settings(DepartmentSettings(agency="demo", custodian="records", brokers=("localhost:8883",)))
        folder.secret_key.write_text("no pages here", encoding="ascii")
        cluster.initialize()
    cars = asked.cars or max(1000, asked.reads // 4)
    with cluster.in_use():
        subprocess.run([sys.executable, __file__, str(asked.folder), "--upgrade"], check=True)
        with psycopg.connect(host=str(cluster.folder), user=SUPERUSER, dbname=DATABASE_NAME, autocommit=True) as made:
            load(made, asked.folder, asked.reads, cars, asked.seed)
            sizes(made)
            set_up_django(folder, WEB)
            search(cars, asked.times, asked.seed)
            if asked.monthly:
                monthly(made, cars, asked.seed)


if __name__ == "__main__":
    main()
