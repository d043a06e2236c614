"""What a hot list costs: time and memory to build, to install and to look up.

::

    python benchmarks/hotlist_lookup.py                      a million entries
    python benchmarks/hotlist_lookup.py 300000 --posts 200
"""

import argparse
import random
import resource
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, thread_time_ns
from typing import TypeVar

from device.hotlist import Alternative, HotList, HotListStore, Query, Rules
from device.hotlist.layout import PatternEntry
from provisioning.hotlist import HotListRow, build_package
from provisioning.keys import new_key, private_pem, public_pem

LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
Result = TypeVar("Result")
CATEGORIES = ("stolen_vehicle", "stolen_plate", "felony_vehicle")


def serials(count: int, seed: int) -> Iterator[str]:
    """Yield invented serials of California's passenger form."""
    draw = random.Random(seed)
    for _ in range(count):
        letters = "".join(draw.choices(LETTERS, k=3))
        yield f"{draw.randrange(1, 10)}{letters}{draw.randrange(1000):03d}"


def rows(count: int) -> Iterator[HotListRow]:
    """Yield a list of that many rows, each with a reference of its own."""
    for number, serial in enumerate(serials(count, 1)):
        yield HotListRow(serial, CATEGORIES[number % 3], 1 + number % 3, "CA", None, f"ENTRY-{number:09d}")


def microseconds(
    hotlist: HotList, reads: list[str], *, alternatives: tuple[Alternative, ...] = (), rules: Rules | None = None
) -> str:
    """Time each look-up by itself, in microseconds of the processor: the median, and what one in a hundred exceeds."""
    at = hotlist.built
    taken: list[int] = []
    rules = rules or Rules()
    for read in reads:
        query = Query(plate_read=read, alternatives=alternatives)
        begin = thread_time_ns()
        hotlist.consult(query, at=at, rules=rules)
        taken.append(thread_time_ns() - begin)
    taken.sort()
    median, hundredth = (taken[len(taken) * percent // 100] / 1000 for percent in (50, 99))
    return f"{median:8.1f} us a read, one in a hundred above {hundredth:6.1f} us"


def peak_megabytes() -> float:
    """Return the most memory that this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def timed(what: str, work: Callable[[], Result]) -> Result:
    """Do some work and print how long it took, and the most memory held so far."""
    begin = perf_counter()
    result = work()
    print(f"{what:<34}{perf_counter() - begin:8.2f} s      peak {peak_megabytes():6.0f} MB")
    return result


def main() -> None:
    """Build, install and look up, and print what each cost."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("entries", type=int, nargs="?", default=1_000_000)
    options.add_argument("--posts", type=int, default=1, help="posts that the list is sealed to")
    options.add_argument("--patterns", type=int, default=50, help="partial plates on the list")
    options.add_argument("--reads", type=int, default=50_000, help="look-ups of each sort")
    given = options.parse_args()

    built = datetime(2026, 11, 1, tzinfo=UTC)
    issuer, posts = new_key(), [new_key() for _ in range(given.posts)]
    patterns = [
        PatternEntry(
            pattern=f"{serial[:4]}*",
            category="felony_vehicle",
            priority=1,
            case="C-1",
            author="Sample",
            expires=built + timedelta(days=1),
        )
        for serial in serials(given.patterns, 2)
    ]
    package = timed(
        f"build {given.entries:,} entries",
        lambda: build_package(
            rows(given.entries),
            agency="demo",
            issuer="benchmark",
            version=1,
            signing_key=private_pem(issuer),
            post_keys=[public_pem(post) for post in posts],
            patterns=patterns,
            built=built,
        ),
    )
    with tempfile.TemporaryDirectory() as directory:
        store = HotListStore(
            Path(directory), agency="demo", issuer_key=public_pem(issuer), unseal_key=private_pem(posts[-1])
        )
        hotlist = timed("verify, unseal, store", lambda: store.install(package, at=built))
        timed("load at start", store.load)
    body = hotlist.manifest.body_length
    print(f"package {len(package) / 1e6:.1f} MB, sealed to {given.posts} posts")
    print(f"in memory {body / 1e6:.1f} MB, {body / hotlist.entries:.1f} bytes an entry")
    absent = [f"Z{serial}" for serial in serials(given.reads, 3)]
    print(f"{'not listed':<34}{microseconds(hotlist, absent)}")
    print(f"{'listed':<34}{microseconds(hotlist, list(serials(given.reads, 1)))}")
    look_alikes = [serial[:4] + serial[4:].replace("0", "O").replace("1", "I") for serial in serials(given.reads, 1)]
    print(f"{'listed, read with O for 0, I for 1':<34}{microseconds(hotlist, look_alikes)}")
    others = tuple(Alternative(text, 0.2) for text in absent[:8])
    every = Rules(near_budget=8, pairs=("B8", "S5", "Z2", "G6"), look_alike_budget=2)
    print(f"{'not listed, with all its probes':<34}{microseconds(hotlist, absent, alternatives=others, rules=every)}")


if __name__ == "__main__":
    main()
