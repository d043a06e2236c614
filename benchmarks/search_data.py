"""Reads drawn from a seed, for `search.py` and `search_pages.py`: made in COPY's form, loaded into a department.

300 posts, 52 weeks, and cars of which a few come by every day and most seldom. One read in 200 has a hidden character,
one in 4,000 two.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
from custody import upgrade

from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import OWNER
from platepost.department.folder import DATABASE_NAME, DepartmentFolder, DepartmentSettings
from platepost.wire.records.vehicles import COLORS, KINDS

MEMORY = {"shared_buffers": "4GB", "effective_cache_size": "12GB", "max_wal_size": "8GB"}
"""Beside what the private cluster sets: PostgreSQL's own default is 128 MB, and checkpoints would be the measure."""
HIDDEN, HIDDEN_TWICE = 200, 20
"""Reads of which one has a hidden character, and such reads of which one has another."""
POSTS, WEEKS = 300, 52
BEGAN = datetime(2025, 6, 2, tzinfo=UTC)
PART = 500_000
LETTERS = np.array(list("ABCDEFGHJKLMNPQRSTUVWXYZ"))
SERIALS = 9 * 24**3 * 1000
SPREADS = (1_000_003, 48_271, 39_373)
"""Primes that mix the serials, so that cars have any of them, as where each is as likely."""
_COLUMNS = (
    "record_id, class, retained_from, post, covert_group, passage, captured_at, plate_read, plate_key, plate_fold,"
    " confidence, region, region_confidence, direction, camera, lane, site, first_seen, last_seen, hits, vehicle, color"
)
"""In the order of `lines`."""
_INDEXES = ("custody_read_plate", "custody_read_place", "search_plate_grams")
_STEPS = {
    "custody_read_plate": "CREATE INDEX custody_read_plate ON custody_read (plate_fold, captured_at)",
    "custody_read_place": (
        "CREATE INDEX IF NOT EXISTS custody_read_place ON custody_read (post, captured_at, plate_fold)"
    ),
    "dictionary": (
        "INSERT INTO search_plate SELECT plate_fold, array_agg(week ORDER BY week) FROM"
        " (SELECT DISTINCT plate_fold, search_week(retained_from) AS week FROM custody_read) AS seen"
        " GROUP BY plate_fold ORDER BY plate_fold"
    ),
    "search_plate_grams": (
        "CREATE INDEX search_plate_grams ON search_plate USING gin (search_grams(plate_fold))"
        " WITH (gin_pending_list_limit = 1024)"
    ),
    "vacuum": "VACUUM ANALYZE custody_read, search_plate",
}
"""After the parts: what the migrations made and the trigger does, at once for all reads; one by one it takes hours."""


def serials(cars: np.ndarray) -> np.ndarray:
    """Return cars' plates: California's form, another one for each car."""
    serial = cars.astype(np.int64)
    for spread in SPREADS:
        high, low = np.divmod(serial * spread % SERIALS, 24 * 1000)
        serial = low * (SERIALS // 24_000) + high
    left, number = np.divmod(serial, 1000)
    digits = [left // 24**3 + 1, number // 100, number // 10 % 10, number % 10]
    letters = [LETTERS[left // 24**2 % 24], LETTERS[left // 24 % 24], LETTERS[left % 24]]
    text = [digits[0].astype("U1"), *letters, *(digit.astype("U1") for digit in digits[1:])]
    return np.stack(text, axis=1).view("U7")[:, 0]


def serial(car: int) -> str:
    """Return one car's plate."""
    return str(serials(np.array([car]))[0])


def lines(number: int, reads: int, cars: int, seed: int) -> Iterator[str]:
    """Yield the lines of one part, in order of time."""
    draw = np.random.default_rng([seed, number])
    count = min(PART, reads - number * PART)
    seconds = WEEKS * 7 * 86400
    times = np.sort(draw.integers(number * PART * seconds // reads, (number * PART + count) * seconds // reads, count))
    # Few cars come by often: the hundredth part of them makes a tenth of the reads.
    plates = serials((cars * draw.random(count) ** 2).astype(np.int64)).tolist()
    posts, sure = draw.integers(0, POSTS, count).tolist(), draw.integers(700, 1000, count).tolist()
    stamps = (np.datetime64(BEGAN.replace(tzinfo=None), "s") + times.astype("timedelta64[s]")).astype("U").tolist()
    ids = range(number * PART + 1, number * PART + count + 1)
    vehicles, colors = draw.integers(0, len(KINDS), count).tolist(), draw.integers(0, len(COLORS), count).tolist()
    hidden = draw.integers(0, [HIDDEN * 7, HIDDEN_TWICE * 7], (count, 2)).tolist()
    drawn = zip(ids, plates, stamps, posts, sure, vehicles, colors, hidden, strict=True)
    for id_, car, when, post, sureness, vehicle, color, hides in drawn:
        kind = "hit" if sureness == 999 else "no_hit"
        plate = car
        if hides[0] < len(car):
            plate = "".join("?" if at in hides else character for at, character in enumerate(car))
        yield (
            f"{id_}\t{kind}\t{when}Z\tpost-{post}\t\\N\tpassage\t{when}Z\t{plate}\t{plate}\t{plate}\t0.{sureness}"
            f"\tUS-CA\t0.9\tapproaching\tmain\t\\N\t\\N\t{when}Z\t{when}Z\t{{}}"
            f"\t{KINDS[vehicle]}\t{COLORS[color]}\n"
        )


def load_part(socket: Path, path: Path, number: int, asked: tuple[int, int, int]) -> float:
    """Make a part that is missing, and load it; in a process of its own. Returns the reads a second of loading."""
    reads = asked[0]
    if not path.exists():
        with path.with_suffix(".new").open("w", encoding="ascii") as file:
            file.writelines(lines(number, *asked))
        path.with_suffix(".new").rename(path)
    began = time.perf_counter()
    with psycopg.connect(host=str(socket), user=SUPERUSER, dbname=DATABASE_NAME) as connection:
        # Without triggers: the dictionary is made at the end.
        connection.execute("SET session_replication_role = replica")
        with connection.cursor() as cursor:
            with cursor.copy(f"COPY custody_read ({_COLUMNS}) FROM STDIN") as copy, path.open("rb") as file:
                while block := file.read(1 << 20):
                    copy.write(block)
            cursor.execute("INSERT INTO bench_done VALUES (%s)", [f"part {number}"])
    return min(PART, reads - number * PART) / (time.perf_counter() - began)


def load(connection: psycopg.Connection, socket: Path, folder: Path, asked: tuple[int, int, int]) -> None:
    """Make and load what is missing; what is done is done, so a run that was cut off goes on.

    Args:
        connection: the superuser's, with autocommit.
        socket: the folder of the database's socket.
        folder: of the parts.
        asked: number of reads, number of cars, seed.

    """
    # The owner's, as all tables are to an upgrade.
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS bench_done (step text PRIMARY KEY); ALTER TABLE bench_done OWNER TO {OWNER}"
    )
    done = {step for (step,) in connection.execute("SELECT step FROM bench_done")}
    parts = {
        number: folder / f"reads-{'-'.join(map(str, asked))}-{number}.copy" for number in range(-(-asked[0] // PART))
    }
    missing = [number for number in parts if f"part {number}" not in done]
    if not done:
        last = (BEGAN + timedelta(weeks=WEEKS)).date()
        connection.execute("SELECT custody_make_partitions(%s, %s)", [BEGAN.date(), last])
        with connection.transaction():
            connection.execute(f"DROP INDEX {', '.join(_INDEXES)}")
            connection.execute("INSERT INTO bench_done VALUES ('indexes dropped')")
    # Reads without records, which a department's database refuses.
    connection.execute("ALTER TABLE custody_read DISABLE TRIGGER custody_recorded")
    began = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        speeds = pool.map(load_part, *zip(*((socket, parts[number], number, asked) for number in missing), strict=True))
        for number, speed in zip(missing, speeds if missing else (), strict=True):
            print(f"part {number}: {speed:,.0f} reads/s, {time.perf_counter() - began:.0f} s", flush=True)
    connection.execute(
        "SET maintenance_work_mem = '2GB'; SET work_mem = '1GB'; SET max_parallel_maintenance_workers = 2"
    )
    for step, statement in _STEPS.items():
        if step not in done:
            with nullcontext() if step == "vacuum" else connection.transaction():
                connection.execute(statement)
                connection.execute("INSERT INTO bench_done VALUES (%s)", [step])
            print(f"{step}: {time.perf_counter() - began:.0f} s", flush=True)
    connection.execute("RESET maintenance_work_mem; RESET work_mem")


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


@contextmanager
def archive(
    top: Path, asked: tuple[int, int, int], *, memory: str = MEMORY["shared_buffers"]
) -> Iterator[tuple[DepartmentFolder, psycopg.Connection]]:
    """Run the database of a department with so many reads, made as far as they are missing.

    Args:
        top: the department's folder; a short path, as the database's socket is in it.
        asked: number of reads, number of cars, seed.
        memory: the database's shared buffers, where it is made now.

    """
    folder = DepartmentFolder(top)
    cluster = PrivateCluster(folder.cluster)
    if not cluster.exists:
        top.mkdir(mode=0o711, parents=True, exist_ok=True)
        folder.write_settings(DepartmentSettings(agency="demo", custodian="records", brokers=("localhost:8883",)))
        folder.secret_key.write_text("for no pages but a benchmark's, on this machine alone", encoding="ascii")
        cluster.initialize()
        with (cluster.folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in (MEMORY | {"shared_buffers": memory}).items())
    with cluster.in_use():
        # In a process of its own: Django knows one role.
        subprocess.run([sys.executable, __file__, str(top)], check=True)
        with psycopg.connect(host=str(cluster.folder), user=SUPERUSER, dbname=DATABASE_NAME, autocommit=True) as made:
            load(made, cluster.folder, top, asked)
            sizes(made)
            yield folder, made


if __name__ == "__main__":
    upgrade(DepartmentFolder(Path(sys.argv[1])))
