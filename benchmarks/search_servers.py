"""Reads over three PostgreSQL servers, by hash of the plate, through postgres_fdw: whether and how fast that goes.

::

    python benchmarks/search.py /var/tmp/pp-1m --reads 1000000 --times 3      makes the parts
    python benchmarks/search_servers.py /var/tmp/pp-1m/reads-*.copy

Three private clusters on this machine, and the table of reads partitioned over them; the first one is asked. Beside it
the same reads in one table of the first server. What is asked is what a search asks once the dictionary has the plates.
"""

import argparse
import random
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from search_data import BEGAN, POSTS, WEEKS

from platepost.department.database.cluster import SUPERUSER, PrivateCluster

SERVERS = 3
COLUMNS = """(record_id bigint, class text, retained_from timestamptz, post text COLLATE "C", covert_group text,
    passage text, captured_at timestamptz, plate_read text, plate_key text, plate_fold text COLLATE "C",
    confidence float8, region text, region_confidence float8, direction text, camera text, lane text, site text,
    first_seen timestamptz, last_seen timestamptz, hits text[], vehicle text, color text)"""
"""As `search_data.py` writes them."""
INDEXES = "CREATE INDEX ON {0} (plate_fold, captured_at); CREATE INDEX ON {0} (post, captured_at); VACUUM ANALYZE {0}"
SEEN = "SELECT plate_fold, count(*), min(captured_at), max(captured_at) FROM {0} WHERE {1} GROUP BY plate_fold"


def load(connection: psycopg.Connection, table: str, parts: list[Path]) -> float:
    """Load the parts; return reads a second."""
    began, count = time.perf_counter(), 0
    for part in parts:
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy, part.open("rb") as file:
            while block := file.read(1 << 20):
                copy.write(block)
                count += block.count(b"\n")
    return count / (time.perf_counter() - began)


def ask(connection: psycopg.Connection, statement: str, values: list[list[Any]]) -> str:
    """Ask with each of the values; return p50 and p95 in milliseconds."""
    took = []
    for given in values:
        began = time.perf_counter()
        connection.execute(statement, given).fetchall()
        took.append(time.perf_counter() - began)
    return "{:8.1f} /{:8.1f}".format(*np.percentile(took[3:], [50, 95]) * 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", type=Path, nargs="+")
    parser.add_argument("--times", type=int, default=60)
    asked = parser.parse_args()
    with ExitStack() as stack:
        top = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pp-", dir="/var/tmp")))
        top.chmod(0o711)
        made = []
        for number in range(SERVERS):
            cluster = PrivateCluster(top / str(number))
            cluster.initialize()
            with (cluster.folder / "data" / "pg_ident.conf").open("a", encoding="utf-8") as file:
                file.write(f'department "{(cluster.folder / "data").owner()}" {SUPERUSER}\n')  # the first server asks
            stack.enter_context(cluster.in_use())
            where = {"host": str(cluster.folder), "user": SUPERUSER, "dbname": "postgres"}
            made.append(stack.enter_context(psycopg.connect(**where, autocommit=True)))
            made[-1].execute(f"CREATE TABLE here {COLUMNS}")
        front = made[0]
        front.execute(f"CREATE EXTENSION postgres_fdw; CREATE TABLE reads {COLUMNS} PARTITION BY HASH (plate_fold)")
        for number in range(SERVERS):
            front.execute(
                f"CREATE SERVER server_{number} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{top / str(number)}',"
                " dbname 'postgres', async_capable 'true', batch_size '1000', fetch_size '1000');"
                f" CREATE USER MAPPING FOR CURRENT_USER SERVER server_{number} OPTIONS (user '{SUPERUSER}');"
                f" CREATE FOREIGN TABLE reads_{number} PARTITION OF reads"
                f" FOR VALUES WITH (MODULUS {SERVERS}, REMAINDER {number})"
                f" SERVER server_{number} OPTIONS (table_name 'here')"
            )
        front.execute(f"CREATE TABLE alone {COLUMNS}")
        speed = load(front, "alone", asked.parts)
        began = time.perf_counter()
        count = front.execute("INSERT INTO reads SELECT * FROM alone").rowcount
        over_three = count / (time.perf_counter() - began)
        for table, connection in [("alone", front), *(("here", each) for each in made)]:
            for statement in INDEXES.format(table).split(";"):
                connection.execute(statement)
        print(
            f"{count:,} reads, without indexes: copied {speed:,.0f}/s, inserted over three {over_three:,.0f}/s",
            flush=True,
        )
        plates = [plate for (plate,) in front.execute("SELECT plate_fold FROM alone TABLESAMPLE SYSTEM (3)")]
        draw = random.Random(1)
        place = {
            number: [
                draw.sample([f"post-{post}" for post in range(POSTS)], 5),
                since := BEGAN + timedelta(seconds=draw.randrange(WEEKS * 7 * 86400)),
                since + timedelta(hours=24),
            ]
            for number in range(asked.times)
        }
        kinds = {
            "one plate": ("plate_fold = %s", [[draw.choice(plates)] for _ in place]),
            "26 plates": ("plate_fold = ANY (%s)", [[draw.sample(plates, 26)] for _ in place]),
            "1,000 plates": ("plate_fold = ANY (%s)", [[draw.sample(plates, 1000)] for _ in place]),
            "five posts, a day": (
                "post = ANY (%s) AND captured_at >= %s AND captured_at < %s",
                [*place.values()],
            ),
        }
        print(f"{'ms, p50 / p95':20}{'over three':>18}{'in one':>18}")
        for name, (condition, values) in kinds.items():
            one, other = (ask(front, SEEN.format(table, condition), values) for table in ("reads", "alone"))
            print(f"{name:20}{one}{other}", flush=True)
        plan = front.execute(f"EXPLAIN {SEEN.format('reads', kinds['26 plates'][0])}", kinds["26 plates"][1][0])
        print("\n".join(line for (line,) in plan))


if __name__ == "__main__":
    main()
