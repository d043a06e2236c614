"""What an hour of a post's records costs its flash: bytes written and synchronisations, each counted as it is done.

::

    python benchmarks/outbox_writes.py                       600 reads an hour, 12 of them hits
    python benchmarks/outbox_writes.py --reads 6000 --outage delivered only when the hour is over

Counted by `tests/campaigns/powercut/disklog.c` under the outbox's own process; needs a C compiler. Every record is
delivered and deleted by itself, as it is where records come seconds apart.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from platepost.device.outbox.outbox import Outbox
from platepost.wire.contract.examples import LIST, ExampleSigner, example_sight
from platepost.wire.records import Hit, Picture, Read, Recorder, Source, new_identifier
from tests.campaigns.powercut.campaign import build, log_of
from tests.campaigns.powercut.disk import read_log
from tests.clocks import SteppedClock

PATCH, OVERVIEW = 3072, 25600
READS_A_HIT = 50


def work(path: Path, reads: int, *, outage: bool) -> None:
    """Record and deliver an hour's records."""
    sight = example_sight(new_identifier())
    patch = Picture.of("patch", b"\xff" * PATCH, width=90, height=45)
    overview = Picture.of("overview", b"\xff" * OVERVIEW, width=640, height=360)
    clock = SteppedClock()
    with Outbox(path, key=bytes(32), clock=clock) as outbox:
        recorder = Recorder(outbox, ExampleSigner(), Source("demo", "post-1"))
        for number in range(reads):
            clock.now += 3600 / reads
            read = sight | {"pictures": (patch,), "hotlist": dict(LIST) | {"result": "no_match"}}
            records = [recorder.record(Read.model_validate(read))]
            if number % READS_A_HIT == 0:
                hit = {"hit": new_identifier(), "plate_matched": "7ABC123", "match": "exact", "category": "stolen"}
                more = {"priority": 1, "hotlist": LIST, "hotlist_stale": False, "pictures": (patch, overview)}
                records.append(recorder.record(Hit.model_validate(sight | hit | more)))
            for record in () if outage else records:
                outbox.next(1)
                outbox.acknowledge([record.sequence])
        while outage and (batch := outbox.next(20)):
            outbox.acknowledge([record.sequence for record in batch])


def main() -> None:
    """Count and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--reads", type=int, default=600, help="reads an hour")
    options.add_argument("--outage", action="store_true", help="deliver nothing before the hour is over")
    options.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.work is not None:
        work(given.work / "outbox.db", given.reads, outage=given.outage)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "root"
        root.mkdir()
        command = [sys.executable, __file__, "--work", str(root), "--reads", str(given.reads)]
        log_of(root, build(folder), folder / "log", command + ["--outage"] * given.outage)
        operations = read_log(folder / "log")
        body = given.reads * (PATCH * 4 // 3) + -(-given.reads // READS_A_HIT) * ((PATCH + OVERVIEW) * 4 // 3)
    written = [done for done in operations if done.kind == "W"]
    total = sum(len(done.data) for done in written)
    synchronisations = sum(done.kind == "S" for done in operations)
    print(f"{given.reads} reads, every {READS_A_HIT}th a hit besides{', delivered at the end' if given.outage else ''}")
    print(f"{total / 1e6:10.1f} MB written, {total / body:.1f} times the pictures alone")
    for name in sorted({done.path for done in written}):
        print(f"{sum(len(done.data) for done in written if done.path == name) / 1e6:10.1f} MB of it to {name}")
    print(f"{synchronisations:10d} synchronisations")


if __name__ == "__main__":
    main()
