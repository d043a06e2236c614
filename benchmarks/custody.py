"""How many records a second the custodian keeps: judged, stored with their pictures, projected and committed.

::

    python benchmarks/custody.py                     20,000 records of 30 posts, in batches of 500
    python benchmarks/custody.py --records 200000    whether memory stays flat
    python benchmarks/custody.py --profile           where the keeper's time goes
    python benchmarks/custody.py --bucket            with pictures in a bucket, of rclone beside it: `make build/rclone`

A private PostgreSQL cluster with every commit durable, and one keeper: two processes, so two cores. The records are
signed, chained, and carry a picture of 2.9 KB; one read in fifty has a hit with an overview of 25 KB besides. They are
made beforehand, in parts, and the making is not counted.
"""

import argparse
import cProfile
import os
import pstats
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from joserfc.jwk import ECKey

from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.messages import ReceivedMessage
from platepost.department.custody.store import CustodyStore
from platepost.department.database.cluster import PrivateCluster
from platepost.department.database.roles import KEEPER
from platepost.department.folder import DepartmentFolder, DepartmentSettings
from platepost.department.session import set_up_apps
from platepost.wire.contract.examples import CLOCK, LIST, MemoryStore, example_sight
from platepost.wire.records import Hit, Keyring, Picture, Read, Recorder, Source, new_identifier
from platepost.wire.records.parts import Box, Character, Location, Point
from platepost.wire.records.signing import Signer
from tests.s3_store import Bucket, S3Store

POSTS = 30
PART = 5000
PATCH, OVERVIEW = 2900, 25_000
READS_A_HIT = 50


def seen(text: str, now: datetime) -> dict[str, object]:
    """Return what differs from passage to passage, drawn: a record of the same values each time would be smaller."""
    draw = random.uniform
    x, y, width, height = (random.randrange(*span) for span in ((0, 1100), (0, 650), (60, 180), (30, 70)))
    corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    began = now - timedelta(milliseconds=random.randrange(1500))
    return {
        "clock": CLOCK.model_copy(update={"estimated_error_seconds": round(draw(0, 0.001), 6)}),
        "confidence": round(draw(0.9, 1), 3),
        "characters": tuple(Character(value=value, confidence=round(draw(0.9, 1), 4)) for value in text),
        "location": Location(
            frame_width=1280,
            frame_height=720,
            box=Box(x=x, y=y, width=width, height=height),
            corners=tuple(Point(x=round(at + draw(0, 5), 1), y=round(to + draw(0, 5), 1)) for at, to in corners),
        ),
        "captured": began + timedelta(milliseconds=random.randrange(500)),
        "first_seen": began,
        "last_seen": now,
        "frames_seen": random.randrange(8, 20),
        "frames_agreeing": random.randrange(3, 8),
    }


class Post:
    """Makes signed records."""

    def __init__(self, number: int) -> None:
        signer = Signer(ECKey.generate_key("P-256"))
        self.name = f"post-{number}"
        self.public_key = signer.public_pem
        self.keys = Keyring.from_pem(self.public_key)
        self._store = MemoryStore(new_identifier())
        self._recorder = Recorder(self._store, signer, Source("demo", self.name))

    def records(self) -> Iterator[ReceivedMessage]:
        number = 0
        while True:
            number += 1
            passage, now = new_identifier(), datetime.now(UTC)
            text = "".join(random.choices("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", k=7))
            sight = example_sight(passage, text) | seen(text, now)
            jpeg = random.randbytes(random.randrange(PATCH - 500, PATCH + 501))
            patch = Picture.of("patch", jpeg, width=90, height=45)
            hits: tuple[str, ...] = ()
            if number % READS_A_HIT == 0:
                hits = (new_identifier(),)
                overview = Picture.of("overview", random.randbytes(OVERVIEW), width=640, height=360)
                said = {"hit": hits[0], "plate_matched": text, "match": "exact", "category": "stolen", "priority": 1}
                more = {"hotlist": LIST, "hotlist_stale": False, "pictures": (patch, overview)}
                yield self._made(Hit.model_validate(sight | said | more))
            hotlist = dict(LIST) | {"result": "match" if hits else "no_match"}
            yield self._made(Read.model_validate(sight | {"pictures": (patch,), "hotlist": hotlist, "hits": hits}))

    def _made(self, data: Read | Hit) -> ReceivedMessage:
        made = self._recorder.record(data)
        self._store.records.clear()
        return ReceivedMessage(made.topic, made.body)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process and of what it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def resident() -> float:
    """Return the resident memory of this process, MB."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(cluster: PrivateCluster, bucket: PictureBucket | None, *, records: int, batch: int, profile: bool) -> None:
    """Keep records and print what it took."""
    posts = [Post(number) for number in range(POSTS)]
    keys = {post.name: post.keys for post in posts}
    streams = [post.records() for post in posts]
    conninfo = f"host={cluster.folder} dbname=platepost user={KEEPER}"
    profiler = cProfile.Profile()
    wall = own = server = 0.0
    with CustodyStore(conninfo, keys=keys.__getitem__, bucket=bucket) as store:
        store.keep([])
        with psycopg.connect(conninfo) as asking:
            (backend,) = asking.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchone()
        for begin in range(0, records, PART):
            part = [next(stream) for _ in range(-(-min(PART, records - begin) // POSTS)) for stream in streams]
            began, own_began, server_began = time.perf_counter(), time.process_time(), cpu_of(backend)
            if profile:
                profiler.enable()
            for at in range(0, len(part), batch):
                store.keep(part[at : at + batch])
            profiler.disable()
            wall += time.perf_counter() - began
            own += time.process_time() - own_began
            server += cpu_of(backend) - server_began
            done = begin + len(part)
            print(
                f"{done:8,d} records  {done / wall:6,.0f}/s  keeper {own / done * 1e6:4.0f} us CPU a record, "
                f"its server process {server / done * 1e6:4.0f} us; memory {resident():4.0f} MB",
                flush=True,
            )
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def upgrade(folder: DepartmentFolder) -> None:
    """Make the tables of a new database, or bring those of an old one up to date."""
    set_up_apps()
    from platepost.department.config.upgrade import upgrade as apply  # noqa: PLC0415 - Django knows the apps now

    apply(folder)


@contextmanager
def throwaway_department() -> Iterator[tuple[DepartmentFolder, PrivateCluster]]:
    """Make a department's folder and database, and run its server; all goes in the end."""
    with tempfile.TemporaryDirectory(prefix="pp-", dir="/tmp") as name:  # short, for the path of a socket
        Path(name).chmod(0o711)
        folder = DepartmentFolder(Path(name))
        folder.write_settings(DepartmentSettings(agency="demo", custodian="records", brokers=("localhost:8883",)))
        folder.secret_key.write_text("no pages here", encoding="ascii")
        cluster = PrivateCluster(folder.cluster)
        cluster.initialize()
        with cluster.in_use():
            upgrade(folder)
            yield folder, cluster


def main() -> None:
    """Make a cluster, and keep records in it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=int, default=20_000)
    options.add_argument("--batch", type=int, default=500, help="messages a transaction")
    options.add_argument("--profile", action="store_true")
    options.add_argument("--bucket", action="store_true", help="pictures in a bucket")
    given = options.parse_args()
    with throwaway_department() as (folder, cluster), ExitStack() as stack:
        bucket = Bucket(stack.enter_context(S3Store(folder.path / "s3", touched=False))) if given.bucket else None
        run(cluster, bucket, records=given.records, batch=given.batch, profile=given.profile)


if __name__ == "__main__":
    main()
