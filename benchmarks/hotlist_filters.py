"""Our Bloom filter beside two that can be installed: bits a key, building, looking up, false positives.

::

    pip install -e '.[benchmarks]'                           needs a C compiler: pybloomfiltermmap3 has no wheels
    python benchmarks/hotlist_filters.py                     a million keys, all filters promising 1e-9
    python benchmarks/hotlist_filters.py 5000000 --rate 1e-6

The two others hash with a key too where they let us: rbloom takes a hash function, and gets the very HMAC that ours is
placed by; pybloomfiltermmap3 hashes for itself, 32 bits at a time. Neither lays down its bytes for another program,
another language or a microcontroller to read, which is why a post runs neither. Times are of one core and of CPython.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from time import process_time
from typing import Any

import numpy as np
from hotlist_lookup import serials

from device.hotlist import bloom
from device.hotlist.hashing import PlateHash
from device.hotlist.keys import PlateKey, plate_key
from provisioning.hotlist.table import filter_bits

PLATES = PlateHash(bytes(range(32)))
COARSE_RATE = 1e-3


@dataclass
class Filter:
    """One filter under test: how many bits it takes and how to ask it."""

    bits: int
    contains: Callable[[PlateKey], bool]


def ours(keys: list[PlateKey], rate: float) -> Filter:
    """Build as the department does, ask as the post does."""
    words = np.frombuffer(b"".join(map(PLATES.digest, keys)), dtype="<u8").reshape(-1, 4)
    log2_bits, probes = bloom.shape_for(len(keys), rate)
    bits = memoryview(filter_bits(words, log2_bits, probes))
    return Filter(1 << log2_bits, lambda key: bloom.contains(bits, log2_bits, probes, PLATES.digest(key)))


def rbloom_with(hashing: Callable[[PlateKey], int] | None) -> Callable[[list[PlateKey], float], Filter]:
    """Give a builder of rbloom's filter with a hash function, or with its own."""
    import rbloom  # noqa: PLC0415 - optional

    def build(keys: list[PlateKey], rate: float) -> Filter:
        built: Any = rbloom.Bloom(len(keys), rate, hashing) if hashing else rbloom.Bloom(len(keys), rate)
        built.update(keys)
        return Filter(built.size_in_bits, built.__contains__)

    return build


def hmac_128(key: PlateKey) -> int:
    """Return a signed number of 128 bits, which is what rbloom wants, from our digest."""
    return int.from_bytes(PLATES.digest(key)[8:24], "little", signed=True)


def pybloomfilter(keys: list[PlateKey], rate: float) -> Filter:
    """Build pybloomfiltermmap3's filter, in memory."""
    from pybloomfilter import BloomFilter  # noqa: PLC0415 - optional

    built = BloomFilter(len(keys), rate)
    built.update(keys)
    return Filter(built.num_bits, built.__contains__)


def contenders() -> dict[str, Callable[[list[PlateKey], float], Filter]]:
    """Return those that are installed; say which are not."""
    found = {"platepost, HMAC-SHA-256": ours}
    if find_spec("rbloom"):
        found["rbloom, HMAC-SHA-256"] = rbloom_with(hmac_128)
        found["rbloom, hash() (64 bits)"] = rbloom_with(None)
    if find_spec("pybloomfilter"):
        found["pybloomfiltermmap3, 32 bits"] = pybloomfilter
    if len(found) < 4:
        print("not all are installed: pip install -e '.[benchmarks]'", file=sys.stderr)
    return found


def microseconds(built: Filter, keys: list[PlateKey]) -> float:
    """Return the fastest of five rounds, in microseconds of this process a look-up."""
    contains = built.contains
    rounds = []
    for _ in range(5):
        begin = process_time()
        for key in keys:
            contains(key)
        rounds.append(process_time() - begin)
    return min(rounds) / len(keys) * 1e6


def main() -> None:
    """Build each filter from the same keys and print what it costs and keeps."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("entries", type=int, nargs="?", default=1_000_000)
    options.add_argument("--rate", type=float, default=1e-9, help="false positives that each filter promises")
    options.add_argument("--coarse-probes", type=int, default=1_000_000, help="absent keys to measure these with")
    given = options.parse_args()
    listed = sorted({plate_key(serial) for serial in serials(given.entries, 1)})
    absent = [PlateKey(f"Z{plate_key(serial)}") for serial in serials(given.coarse_probes, 2)]
    print(f"{len(listed):,} keys, promised {given.rate:g}; false positives promised {COARSE_RATE:g}, ", end="")
    print(f"measured with {given.coarse_probes:,} absent keys, two standard deviations")
    print(f"{'':<28}{'bits a key':>11}{'build':>9}{'absent':>11}{'listed':>11}{'false positives':>24}")
    for name, build in contenders().items():
        begin = process_time()
        built = build(listed, given.rate)
        took = process_time() - begin
        if not all(map(built.contains, listed[:: max(1, len(listed) // 50_000)])):
            raise SystemExit(f"{name} misses what it holds")
        coarse = build(listed, COARSE_RATE)
        passed = sum(map(coarse.contains, absent))
        print(f"{name:<28}{built.bits / len(listed):>11.1f}{took:>7.2f} s", end="")
        print(f"{microseconds(built, absent[:50_000]):>8.2f} us{microseconds(built, listed[:50_000]):>8.2f} us", end="")
        spread = 2 * passed**0.5 / given.coarse_probes
        print(f"{passed / given.coarse_probes:>13.2e} ± {spread:.0e}")


if __name__ == "__main__":
    main()
