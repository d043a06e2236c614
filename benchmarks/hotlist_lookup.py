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
from itertools import islice
from pathlib import Path
from time import perf_counter, thread_time_ns
from typing import TypeVar

from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.delta import build_delta
from platepost.provisioning.hotlist.held import open_held
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem
from platepost.wire.hotlist import Candidate, HotList, HotListStore, Query
from platepost.wire.hotlist.fingerprints import HotListEntry
from platepost.wire.hotlist.hashing import fingerprint
from platepost.wire.hotlist.keys import fold, normalize
from platepost.wire.hotlist.layout import Detail, PatternEntry
from platepost.wire.hotlist.overlay import Overlay, Row
from platepost.wire.hotlist.package import load_key
from platepost.wire.hotlist.settings import HotListSettings

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
    hotlist: HotList,
    reads: list[str],
    *,
    alternatives: tuple[Candidate, ...] = (),
    settings: HotListSettings | None = None,
) -> str:
    """Time each look-up by itself, in microseconds of the processor: the median, and what one in a hundred exceeds."""
    at = hotlist.built
    taken: list[int] = []
    for read in reads:
        query = Query(plate_read=read, alternatives=alternatives)
        begin = thread_time_ns()
        hotlist.consult(query, at=at, settings=settings)
        taken.append(thread_time_ns() - begin)
    taken.sort()
    median, hundredth = (taken[len(taken) * percent // 100] / 1000 for percent in (50, 99))
    return f"{median:8.1f} us a read, one in a hundred above {hundredth:6.1f} us"


def news(hotlist: HotList, count: int) -> tuple[list[Row], list[Row]]:
    """Return entries to add, of invented plates, and entries of the list to remove, `count` of each."""
    plates, detail = hotlist.listing.hash, Detail(category="felony_vehicle", priority=1, state="CA")
    additions = {
        (fingerprint(plates.digest(fold(text))), HotListEntry(plates.text_fingerprint(text), detail, 0, "NEWS"))
        for text in (normalize(f"Y{serial}") for serial in serials(count, 4))
    }
    return sorted(additions, key=lambda row: row[0]), list(islice(hotlist.listing.table, count))


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
    options.add_argument("--changes", type=int, default=10_000, help="entries that a delta brings, and that it takes")
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
        own = private_pem(posts[-1])
        store = HotListStore(Path(directory), agency="demo", issuer_key=public_pem(issuer), unseal_key=own)
        hotlist = timed("verify, unseal, store", lambda: store.install(package, at=built))
        timed("load at start", store.load)
        issuer_key, own_key = load_key(public_pem(issuer), private=False), load_key(own, private=True)
        list_held = open_held(package, None, issuer_key=issuer_key, unseal_key=own_key)
        additions, removals = news(hotlist, given.changes)
        delta = build_delta(
            list_held,
            Overlay().applied(list_held.complete.listing.table, removals=removals, additions=additions),
            patterns=patterns,
            issuer="benchmark",
            version=2,
            signing_key=private_pem(issuer),
            post_keys=[public_pem(post) for post in posts],
            unseal_key=own,
            built=built,
            size_jump=1.0,
        )
        what = f"delta, {len(additions):,} more, {len(removals):,} less"
        with_delta = timed(what, lambda: store.install(delta, at=built))
    body = hotlist.manifest.body_length
    print(f"package {len(package) / 1e6:.1f} MB, sealed to {given.posts} posts")
    print(f"in memory {body / 1e6:.1f} MB, {body / hotlist.entries:.1f} bytes an entry")
    absent = [f"Z{serial}" for serial in serials(given.reads, 3)]
    print(f"{'not listed':<34}{microseconds(hotlist, absent)}")
    print(f"{'listed':<34}{microseconds(hotlist, list(serials(given.reads, 1)))}")
    look_alikes = [serial[:4] + serial[4:].replace("0", "O").replace("1", "I") for serial in serials(given.reads, 1)]
    print(f"{'listed, read with O for 0, I for 1':<34}{microseconds(hotlist, look_alikes)}")
    others = tuple(Candidate(text, 0.2) for text in absent[:8])
    every = HotListSettings(
        directory=Path(),
        issuer_key=Path(),
        unseal_key=Path(),
        look_alike_pairs=("B8", "S5", "Z2", "G6"),
        look_alike_budget=2,
        near_alternatives=8,
    )
    print(
        f"{'not listed, with all its probes':<34}{microseconds(hotlist, absent, alternatives=others, settings=every)}"
    )
    print("with the delta")
    print(f"{'not listed':<34}{microseconds(with_delta, absent)}")
    print(f"{'listed':<34}{microseconds(with_delta, list(serials(given.reads, 1)))}")
    print(f"{'not listed, with all its probes':<34}", end="")
    print(microseconds(with_delta, absent, alternatives=others, settings=every))


if __name__ == "__main__":
    main()
