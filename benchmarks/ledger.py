"""How many entries of the ledger a department's database takes in a second, from one person and from many at once.

::

    python benchmarks/ledger.py                     # a private cluster of its own, with durable commits
    python benchmarks/ledger.py --rounds 6 --people 1 --people 8 --people 50

An access is two entries as the pages make them: `intent`, and `shown` with a page of ten records. Two ways alternate,
so that a busy machine slows both alike: the entry's transaction holds the chain until the disk has it (`together` off),
or lets go before and waits for the disk with the others (`together` on), as
`platepost.department.ledger.writing.append` does. Connections are threads of one process, so Python counts too. At the
end the chain is verified: no entry is lost.
"""

import json
import shutil
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import click
import psycopg
from custody import upgrade

from platepost.department.database.cluster import PrivateCluster
from platepost.department.database.roles import COMMAND, KEEPER
from platepost.department.folder import DepartmentFolder, DepartmentSettings
from platepost.department.ledger.verify import verify_ledger

SECONDS = 3.0
_APPEND = "SELECT ledger_append(%s, %s, %s)"
WAYS = {
    False: ("BEGIN", _APPEND, "COMMIT"),
    True: (f"{_APPEND}, set_config('synchronous_commit', 'off', true)", "SELECT ledger_flush()"),
}
INTENT = json.dumps(
    dict.fromkeys(("case", "reason", "on_behalf_of"))
    | {"person": "a.rivera", "agency": "demo", "purpose": "patrol", "exigent": False, "policy": "0" * 64}
    | {"query": {"plate": "7AB?12*"}, "groups": []}
)
SHOWN = json.dumps({"records": [*range(7000, 7010)], "pictures": [], "plates": ["TEST123"], "covert": {}})


def enter(connection: psycopg.Connection, values: list[object], *, way: bool) -> object:
    """Make an entry, and return it."""
    entry = None
    for statement in WAYS[way]:
        cursor = connection.execute(statement, values if "%s" in statement else None)
        if "%s" in statement:
            (entry, *_) = cursor.fetchone() or (None,)
    return entry


def accesses(folder: DepartmentFolder, people: int, *, way: bool) -> tuple[float, float]:
    """Return entries a second, and the 95th percentile of the milliseconds that one took."""
    taken: list[float] = []
    ends = time.monotonic() + SECONDS

    def work() -> None:
        with psycopg.connect(folder.conninfo(COMMAND), autocommit=True) as connection:
            while time.monotonic() < ends:
                begun = time.monotonic()
                entry = enter(connection, ["intent", None, INTENT], way=way)
                enter(connection, ["shown", entry, SHOWN], way=way)
                taken.append((time.monotonic() - begun) / 2)

    threads = [threading.Thread(target=work) for _ in range(people)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    slow = sorted(taken)[int(len(taken) * 0.95) - 1]
    return 2 * len(taken) / (time.monotonic() - begun), slow * 1000


@click.command()
@click.option("--rounds", default=3, show_default=True)
@click.option("--people", multiple=True, type=int, default=(1, 8, 50), show_default=True)
def main(rounds: int, people: tuple[int, ...]) -> None:
    top = Path(tempfile.mkdtemp(prefix="pp-", dir="/tmp"))
    top.chmod(0o711)
    folder = DepartmentFolder(top)
    folder.write_settings(DepartmentSettings(agency="demo", custodian="records", brokers=("localhost:8883",)))
    folder.secret_key.write_text("no pages here" * 5, "ascii")
    cluster = PrivateCluster(folder.cluster)
    cluster.initialize()
    try:
        with cluster.in_use():
            upgrade(folder)
            for count in people:
                found: dict[bool, list[tuple[float, float]]] = {way: [] for way in WAYS}
                for _ in range(rounds):
                    for way in WAYS:
                        found[way].append(accesses(folder, count, way=way))
                for way, figures in found.items():
                    rates, slow = zip(*figures, strict=True)
                    each = ", ".join(f"{rate:.0f}" for rate in rates)
                    who = f"{count:>3} people, {'together' if way else 'one by one'}"
                    print(f"{who}: {median(rates):.0f} entries/s ({each}), p95 {median(slow):.0f} ms", flush=True)
            with psycopg.connect(folder.conninfo(KEEPER)) as keeper:
                verdict = verify_ledger(keeper)
            print(f"{verdict.entries} entries, {len(verdict.problems)} problems")
    finally:
        shutil.rmtree(top)


if __name__ == "__main__":
    main()
