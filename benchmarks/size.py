"""What a read takes on the custodian's disk: of the reads without a hit that a keeper has kept, table by table.

::

    python benchmarks/size.py                        30,000 reads of 30 posts in a fresh database
    python benchmarks/size.py --reads 100000

A private PostgreSQL cluster, and records as `custody.py` makes them. Then the indexes are rebuilt, as `nightly` does
once the week has ended, and the sizes are printed again.
"""

import argparse
import time
from datetime import UTC, datetime, timedelta
from itertools import islice

import psycopg
from custody import Post, throwaway_department

from platepost.department.custody.packing import pack_ended_weeks
from platepost.department.custody.store import CustodyStore
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import KEEPER
from platepost.department.folder import DATABASE_NAME

POSTS = 30
PART = 5000


def kept(conninfo: str, reads: int) -> float:
    """Keep reads, made in parts; return how many a second were kept, without their making."""
    posts = [Post(number) for number in range(POSTS)]
    keys = {post.name: post.keys for post in posts}
    streams = [post.records() for post in posts]
    took = 0.0
    with CustodyStore(conninfo, keys=keys.__getitem__) as store:
        store.keep([])
        for begin in range(0, reads, PART):
            many = min(PART, reads - begin)
            made = [*islice((next(streams[at % POSTS]) for at in range(many)), many)]
            began = time.perf_counter()
            for at in range(0, many, 500):
                store.keep(made[at : at + 500])
            took += time.perf_counter() - began
    return reads / took


def of_reads(connection: psycopg.Connection) -> None:
    """Print what one read takes on disk, of this week's reads without a hit that were kept by a keeper."""
    week = time.strftime("%G-%V", time.gmtime())
    ((monday,),) = connection.execute("SELECT to_char(to_date(%s, 'IYYY-IW'), 'YYYYMMDD')", [week]).fetchall()
    ((count,),) = connection.execute(
        f"SELECT count(*) FROM custody_read_no_hit_{monday} WHERE passage <> 'passage'"
    ).fetchall()
    sizes = {}
    for name in ("custody_record", "custody_read", "custody_picture", "custody_constants"):
        table = name if name == "custody_constants" else f"{name}_no_hit_{monday}"
        ((rows, aside, indexes),) = connection.execute(
            "SELECT pg_table_size(%(table)s) - aside, aside, pg_indexes_size(%(table)s) FROM (SELECT"
            " coalesce(pg_total_relation_size(nullif(reltoastrelid, 0)), 0) AS aside"
            " FROM pg_class WHERE oid = %(table)s::regclass) AS of_table",
            {"table": table},
        ).fetchall()
        parts = [size / count for size in (rows, aside, indexes)]
        sizes[name] = sum(parts)
        print("{:20}{:8.0f} rows{:8.0f} aside{:8.0f} indexes".format(name, *parts))
        for index, size in connection.execute(
            "SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index"
            " WHERE indrelid = %s::regclass ORDER BY 1",
            [table],
        ):
            print(f"    {index:50}{size / count:8.1f}")
    patch = sizes.pop("custody_picture")
    print(f"{count:,} reads: {sum(sizes.values()):.0f} bytes without patch, {sum(sizes.values()) + patch:.0f} with it")


def main() -> None:
    """Make a cluster, keep reads in it, and print sizes."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--reads", type=int, default=30_000)
    given = options.parse_args()
    with throwaway_department() as (folder, cluster):
        print(f"{kept(folder.conninfo(KEEPER), given.reads):,.0f} records/s")
        with psycopg.connect(host=str(cluster.folder), user=SUPERUSER, dbname=DATABASE_NAME, autocommit=True) as made:
            of_reads(made)
            pack_ended_weeks(made, today=datetime.now(UTC).date() + timedelta(weeks=1))
            of_reads(made)


if __name__ == "__main__":
    main()
