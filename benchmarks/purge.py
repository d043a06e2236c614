"""How long a purge takes beside ingest, and whether it loses what is held or leaves what is not.

::

    python benchmarks/purge.py /var/tmp/pp-purge                      30,000 reads: a minute
    python benchmarks/purge.py /var/tmp/pp-purge --reads 1500000      a month of 30 posts; some 6 GB of disk
    ... --replay                                                      and the same again in a restored database

A month of reads is made from a seed and loaded by COPY: 30 posts, each with its chain; one read in fifty has a hit. The
records are linked and not signed. Then `platepost department purge plan`, `approve` and `run` are given as two
persons would, of the reads without a hit. Meanwhile a keeper stores signed records, and someone places and lifts
holds on records of that month. In the end nothing held may be lost, nothing else may remain, and the remaining chains,
the receipts and the certificate must verify. The folder is made again; its path must be short, because the socket is in
it.
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count, islice
from multiprocessing.synchronize import Event
from pathlib import Path

import psycopg
from custody import Post

from platepost.department.custody.certificate import certifying_keys
from platepost.department.custody.check import CustodyVerification
from platepost.department.custody.check_report import CheckState
from platepost.department.custody.projections import READ
from platepost.department.custody.read_fields import READ_FIELDS
from platepost.department.custody.store import CustodyStore
from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import KEEPER, WEB
from platepost.department.folder import DATABASE_NAME, SETTINGS, DepartmentFolder, DepartmentSettings
from platepost.provisioning.trust.keys import new_key, private_pem
from platepost.wire.records import Keyring

POSTS, READS_A_HIT, PART, CARS = 30, 50, 50_000, 2_000_000
BEGAN, MONTH = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=31)
INGEST_BATCH, INGEST_SECONDS = 35, 0.5
"""What the keeper stores beside: 70 records a second, a city's peak."""
GENESIS = "00" * 32
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
FIELDS = {"region": "US-CA", "direction": "approaching"}
COLUMNS = {READ.table: f"{READ.table} ({', '.join(READ.all_columns)})"}
TABLES = ("custody_record", "custody_read", "custody_hit", "custody_picture")
PLACE = (
    "INSERT INTO archive_hold (kind, case_number, person, reason, review_on, records)"
    " VALUES ('evidence', 'B-1', 'bench', 'bench', '2030-01-01', %s) RETURNING id"
)
BOOKS = f"""
INSERT INTO custody_holding SELECT post, chain, NULL, jsonb_build_array(jsonb_build_array(
    1, max(sequence), '{GENESIS}', encode((array_agg(digest ORDER BY sequence DESC))[1], 'hex'))), '[]', '[]', '[]'
FROM custody_record WHERE post LIKE 'old-%' GROUP BY post, chain ON CONFLICT DO NOTHING
"""
RESTORED = f"""
DELETE FROM custody_record WHERE post LIKE 'old-%';
DELETE FROM custody_read WHERE post LIKE 'old-%';
DELETE FROM custody_hit;
DELETE FROM custody_picture WHERE retained_from < '{BEGAN + MONTH}';
TRUNCATE archive_plan, archive_part, archive_outcome, archive_hold, custody_purged, custody_purged_tally,
    custody_certificate
"""
"""What the purge left goes, so that the month can be loaded again."""
CURRENT = """
INSERT INTO people_certificate (person_id, certification, expires_at, noted_at)
SELECT id, certification, now() + interval '1 year', now() FROM people_person,
    unnest('{clets,dmv}'::text[]) AS certification;
INSERT INTO people_training (person_id, topic, held_at, passed, trainer_id, noted_at)
SELECT person.id, topic, now(), true, (SELECT min(id) FROM people_person AS other WHERE other.id <> person.id), now()
FROM people_person AS person, unnest('{authorities,policy,security,practical}'::text[]) AS topic
"""
"""SQL, for the owner: of everyone certificates and training are noted, as administrators and trainers do."""
LIFT = "UPDATE archive_hold SET lifted_by = 'bench', lifted_at = now(), lifted_because = 'x' WHERE id = %s"


def digest(post: int, number: int) -> str:
    """Return the digest of a record; of number 0 what the first one names."""
    return sha256(f"{post}:{number}".encode()).hexdigest() if number else GENESIS


def body(record: int, size: int) -> bytes:
    """Return bytes, the same for the same record."""
    return (sha256(b"body %d" % record).digest() * (size // 32 + 1))[:size]


def parts(reads: int, picture: int) -> Iterator[dict[str, list[str]]]:
    """Yield the month's rows by table, in COPY's form, part by part."""
    made = count(1)
    sequence = [0] * POSTS
    for begin in range(0, reads, PART):
        rows: dict[str, list[str]] = {table: [] for table in TABLES}
        for number in range(begin, min(begin + PART, reads)):
            post, turn = number % POSTS, number // POSTS
            when = (BEGAN + MONTH * number / reads).isoformat()
            # Some cars come by often, most seldom.
            car = int.from_bytes(sha256(b"car %d" % number).digest()[:8]) ** 2 // (1 << 64) * CARS >> 64
            serial, first = divmod(car * 1_000_003 % 9_000_000_000, 10)
            serial, digits = divmod(serial, 1000)
            letters = "".join(LETTERS[serial // 23**place % 23] for place in range(3))
            text = f"{first}{letters}{digits:03}"
            kinds = ("hit", "read") if turn % READS_A_HIT == 0 else ("read",)
            retention = "no_hit" if len(kinds) == 1 else "hit"
            for kind in kinds:
                record, sequence[post] = next(made), sequence[post] + 1
                at = sequence[post]
                rows["custody_record"].append(
                    f"{record}\t{retention}\t{when}\t{when}\tt\told-{post}\tchain-{post}\t{at}\t\\\\x{digest(post, at)}"
                    f"\t\\\\x{digest(post, at - 1)}\tplatepost.{kind}.v1\tgenuine\tkey\t\tf\t\\N\t0"
                    f"\t\\\\x{body(record, 280).hex()}\t\\N\n"
                )
                placed = f"{record}\t{retention}\t{when}\told-{post}\t\\N\t"
                seen = f"passage-{number}\t{when}\t{text}\t{text}\t{text}"
                if kind == "hit":
                    listed = f"{text}\texact\tstolen\t1\t\\N\t1\t60\tf\tf\tf\tagree"
                    rows["custody_hit"].append(f"{placed}hit-{number}\t{seen}\t{listed}\n")
                else:
                    place = f"0.9\t0.9\tmain\t\\N\t{when}\t{when}\t{{}}"
                    fields = "\t".join(FIELDS.get(name, "\\N") for name in READ_FIELDS)
                    rows["custody_read"].append(f"{placed}{seen}\t{place}\t{fields}\n")
                shot = body(record, picture)
                rows["custody_picture"].append(
                    f"{record}\t{retention}\t{when}\t\\N\tpatch\timage/jpeg\t90\t45\t\\\\x{sha256(shot).hexdigest()}"
                    f"\t\\\\x{shot.hex()}\t\\N\n"
                )
        yield rows


def load(connection: psycopg.Connection, reads: int, picture: int) -> None:
    """Load the month, and what the keeper's books say of it."""
    connection.execute("SELECT custody_make_partitions(%s, %s)", [BEGAN.date(), (BEGAN + MONTH).date()])
    for rows in parts(reads, picture):
        for table, lines in rows.items():
            with connection.cursor() as cursor, cursor.copy(f"COPY {COLUMNS.get(table, table)} FROM STDIN") as copy:
                copy.write("".join(lines))
    connection.execute("SELECT setval('custody_record_id', (SELECT max(id) FROM custody_record))")
    connection.execute(BOOKS)
    connection.execute("VACUUM ANALYZE")


def receipts(connection: psycopg.Connection, path: Path) -> None:
    """Write the log of receipts for all that is held."""
    lines: list[dict[str, object]] = [{"epoch": 1, "lost": []}]
    for number, (post, chain, runs) in enumerate(
        connection.execute("SELECT post, chain, runs FROM custody_holding"), 1
    ):
        ranges = [[first, last, end] for first, last, _, end in runs]
        lines.append({"post": post, "chain": chain, "epoch": 1, "number": number, "ranges": ranges})
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines), "ascii")


def ingest(conninfo: str, ready: Event, over: Event) -> None:
    """Keep records as they would come, until it is over; print how long a batch took at most."""
    posts = [Post(number) for number in range(4)]
    keys: dict[str, Keyring] = {post.name: post.keys for post in posts}
    streams = [post.records() for post in posts]
    longest = total = 0.0
    kept = 0
    with CustodyStore(conninfo, keys=keys.__getitem__) as store:
        while not over.is_set():
            batch = list(islice(streams[kept % 4], INGEST_BATCH))
            began = time.perf_counter()
            store.keep(batch)
            took = time.perf_counter() - began
            kept, total = kept + len(batch), total + took
            if ready.is_set():
                longest = max(longest, took)
            ready.set()
            time.sleep(max(0.0, INGEST_SECONDS - took))
    print(f"beside: {kept:,} records kept, {total / kept * INGEST_BATCH * 1000:.0f} ms a batch of {INGEST_BATCH},"
          f" the longest {longest * 1000:,.0f} ms")  # fmt: skip


class Holder(threading.Thread):
    """Places and lifts holds on records of the month until it is over."""

    def __init__(self, conninfo: str, records: int) -> None:
        super().__init__()
        self.over = threading.Event()
        self.ever: set[int] = set()
        """Records that a hold named, lifted or not."""
        self.held: set[int] = set()
        """Records that a hold names that is in force."""
        self.refused = self.lifted = 0
        self._conninfo = conninfo
        self._draw = random.Random(records)
        self._records = records

    def run(self) -> None:
        """Place up to twenty holds a second on what goes last, and lift one of three."""
        placed: list[tuple[int, set[int]]] = []
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            while not self.over.wait(0.05):
                wanted = {self._draw.randint(self._records // 2, self._records) for _ in range(2)}
                try:
                    ((number,),) = connection.execute(PLACE, [sorted(wanted)]).fetchall()
                except psycopg.errors.CheckViolation:
                    self.refused += 1  # one of them is gone
                else:
                    placed.append((number, wanted))
                    self.ever |= wanted
                    if len(placed) % 3 == 2:
                        number, _ = placed.pop(self._draw.randrange(len(placed)))
                        connection.execute(LIFT, [number])
                        self.lifted += 1
        self.held = {record for _, wanted in placed for record in wanted}


PERSONS = {"root": "0", "planner": "70001", "approver": "70002"}
"""The system user of each person, as sudo names it."""


def command(folder: Path, person: str, *line: str) -> str:
    """Give a command of `platepost department` as a person; return what it says."""
    code = "from platepost.device.cli import main; main()"
    name, *more = line
    parts = [name, *more[:1], str(folder), *more[1:]] if name in {"purge", "person"} else [name, str(folder), *more]
    done = subprocess.run(
        [sys.executable, "-c", code, "department", *parts],
        env=os.environ | {"SUDO_UID": PERSONS[person]}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def judged(connection: psycopg.Connection, holder: Holder, picture: int) -> list[str]:
    """Say what is wrong with what is left of the reads without a hit."""
    left = {number for (number,) in connection.execute(
        "SELECT id FROM custody_record WHERE post LIKE 'old-%%' AND class IN ('no_hit', 'held')")}  # fmt: skip
    for table in ("custody_read", "custody_picture"):
        query = f"SELECT record_id FROM {table} WHERE class IN ('no_hit', 'held') AND retained_from < %s"
        also = {number for (number,) in connection.execute(query, [BEGAN + MONTH])}
        if also != left:
            return [f"{table} has {len(also - left)} rows more and {len(left - also)} fewer than there are records"]
    hits = {number for (number,) in connection.execute("SELECT id FROM custody_record WHERE class = 'hit'")}
    wrong = []
    if lost := holder.held - left - hits:
        wrong.append(f"{len(lost)} records were held and are lost")
    if more := left - holder.ever:
        wrong.append(f"{len(more)} records remain that no one held")
    altered = [number for number, verbatim, shot in connection.execute(
        "SELECT r.id, r.body, p.body FROM custody_record r JOIN custody_picture p ON p.record_id = r.id"
        " WHERE r.class = 'held'") if (verbatim, shot) != (body(number, 280), body(number, picture))]  # fmt: skip
    if altered:
        wrong.append(f"{len(altered)} held records are not what they were")
    return wrong


def verified(folder: DepartmentFolder) -> list[str]:
    """Hold chains, receipts and certificates against one another, as `verify` does after the records."""
    with psycopg.connect(folder.conninfo(KEEPER), autocommit=True) as keeper:
        keeper.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        check = CustodyVerification(
            keeper, keys=lambda _: Keyring(()), receipts=folder.receipts,
            certifiers=certifying_keys(folder.purges), state=folder.checked,
        )  # fmt: skip
        ((upto,),) = keeper.execute("SELECT max(id) FROM custody_record").fetchall()
        state = CheckState()
        check._chains(state, upto)  # noqa: SLF001 - the records of the month are not signed
        return [str(problem) for problem in state.problems]


def purge(folder: DepartmentFolder, superuser: psycopg.Connection, reads: int, picture: int) -> None:
    """Purge the month beside a keeper and someone who holds."""
    records = superuser.execute("SELECT count(*) FROM custody_record WHERE post LIKE 'old-%'").fetchone()
    holder = Holder(folder.conninfo(WEB), int(records[0]) if records else 0)
    ready, over = multiprocessing.Event(), multiprocessing.Event()
    keeper = multiprocessing.Process(target=ingest, args=(folder.conninfo(KEEPER), ready, over))
    keeper.start()
    ready.wait()
    consent = (
        "--resolution",
        "2026-1",
        "--resolution-date",
        "2026-01-01",
        "--attorney",
        "J. Doe",
        "--consent-date",
        "2026-01-02",
    )
    planned = json.loads(command(folder.path, "planner", "purge", "plan", *consent, "--class", "no_hit", "--json"))
    plan = planned[0]["plan"]
    command(folder.path, "approver", "purge", "approve", plan)
    began = time.perf_counter()
    running = threading.Thread(target=command, args=(folder.path, "approver", "purge", "run", plan))
    running.start()
    begun = "SELECT begun_at IS NOT NULL FROM archive_plan WHERE plan = %s"
    while superuser.execute(begun, [plan]).fetchone() != (True,) and running.is_alive():
        time.sleep(0.05)
    holder.start()
    running.join()
    took = time.perf_counter() - began
    holder.over.set()
    holder.join()
    over.set()
    keeper.join()
    ((went,),) = superuser.execute(
        "SELECT sum((counts ->> 'records')::bigint) FROM archive_outcome WHERE plan = %s", [plan]
    ).fetchall()
    ((ranges,),) = superuser.execute("SELECT count(*) FROM custody_purged WHERE plan = %s", [plan]).fetchall()
    print(
        f"purge: {went or 0:,} records of {reads:,} reads went in {took:.1f} s, in {ranges:,} runs;"
        f" {len(holder.held)} held, {holder.lifted} holds lifted, {holder.refused} refused as gone"
    )
    began = time.perf_counter()
    wrong = [*judged(superuser, holder, picture), *verified(folder)]
    print(f"verified in {time.perf_counter() - began:.1f} s: {'; '.join(wrong[:5]) or 'nothing is wrong'}")
    if wrong or not went:
        sys.exit(1)


def main() -> None:
    """Make a database, load a month, purge it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--reads", type=int, default=30_000)
    options.add_argument("--picture", type=int, default=2900, help="bytes of a picture")
    options.add_argument("--replay", action="store_true", help="load the month again, as from a backup, and replay")
    given = options.parse_args()
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(mode=0o711)
    folder = DepartmentFolder(given.folder)
    folder.write_settings(DepartmentSettings(agency="demo", custodian="records", brokers=("localhost:8883",)))
    with (given.folder / SETTINGS).open("a", encoding="utf-8") as settings:
        settings.write("trust_sudo = true\n[persons]\n")
        settings.writelines(f'"{user}" = "{person}"\n' for person, user in PERSONS.items())
    folder.__dict__.pop("settings", None)  # read again
    folder.secret_key.write_text("no pages here", encoding="ascii")
    folder.identity.mkdir(mode=0o700)
    folder.custody_key.write_bytes(private_pem(new_key()))
    cluster = PrivateCluster(folder.cluster)
    cluster.initialize()
    with cluster.in_use():
        command(folder.path, "root", "upgrade")
        for login in ("planner", "approver"):
            command(folder.path, "root", "person", "add", login, "--name", login, "--role", "records_manager")
        where = f"host={folder.cluster} dbname={DATABASE_NAME} user={SUPERUSER}"
        with psycopg.connect(where, autocommit=True) as superuser:
            superuser.execute(CURRENT)
            began = time.perf_counter()
            load(superuser, given.reads, given.picture)
            receipts(superuser, folder.receipts)
            print(f"loaded in {time.perf_counter() - began:.0f} s", flush=True)
            purge(folder, superuser, given.reads, given.picture)
            if given.replay:
                replay(folder, superuser, given.reads, given.picture)


def replay(folder: DepartmentFolder, superuser: psycopg.Connection, reads: int, picture: int) -> None:
    """Bring the month back as of before the purge, and purge it by its certificate."""
    what = "SELECT (SELECT count(*) FROM custody_record WHERE post LIKE 'old-%'), (SELECT count(*) FROM custody_purged)"
    before = superuser.execute(what).fetchone()
    superuser.execute(RESTORED)
    ((last,),) = superuser.execute("SELECT last_value FROM custody_record_id").fetchall()
    load(superuser, reads, picture)
    superuser.execute("SELECT setval('custody_record_id', %s)", [last])
    began = time.perf_counter()
    for each in json.loads(command(folder.path, "root", "purge", "replay", "--json")):
        command(folder.path, "root", "purge", "run", each["plan"])
    after, wrong = superuser.execute(what).fetchone(), verified(folder)
    print(
        f"replayed in {time.perf_counter() - began:.1f} s: {before} and {after} records and runs; {wrong or 'verified'}"
    )
    if wrong or before != after:
        sys.exit(1)


if __name__ == "__main__":
    main()
