"""How often the filter lets through a plate that is not listed: measured, against the formula and the promise.

::

    python benchmarks/hotlist_false_positives.py                      1e8 probes: minutes on two cores
    python benchmarks/hotlist_false_positives.py --probes 2000000
    python benchmarks/hotlist_false_positives.py --drawn --probes 10000000000

The probes are serials of California's passenger form under the list's own HMAC; the list holds serials that begin with
9, the probes those that begin with 1 to 8, without I and O, so that none is listed and none is asked twice. Each probe
is asked of a filter for each promised rate, over the very bytes of a body. A rate of 1e-9 cannot be measured with 1e8
probes: a tenth of a hit is the most that is expected, and none or one is all that can honestly be seen. What it can
refute is a rate fifty times the promise; the filters for 1e-5 to 1e-7, built and asked by the same code, are there to
test the formula.
`--drawn` draws the digests instead, random as an HMAC's are to who has not its key, and asks only the filter for 1e-9:
a hundred times as many probes in the same time, enough for 1e-9 itself.
"""

import argparse
import math
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from multiprocessing import Pool
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platepost.provisioning.hotlist.columns import RowSource
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.provisioning.hotlist.table import build_table
from platepost.wire.hotlist import bloom
from platepost.wire.hotlist.hashing import PlateHash
from platepost.wire.hotlist.keys import PlateKey
from platepost.wire.hotlist.layout import decode

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
RATES = (1e-5, 1e-6, 1e-7, 1e-9)
BLOCK = 1000
CHECKED = 50
"""Of each block of probes, as many are asked of the scalar function too."""


@dataclass(frozen=True)
class Shape:
    """One filter's bytes, and what was promised of it."""

    promised: float
    log2_bits: int
    probes: int
    bits: NDArray[np.uint8]


def contains_all(bits: NDArray[np.uint8], log2_bits: int, probes: int, words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Answer as `bloom.contains` does, for each digest, given as four little-endian words."""
    mask = np.uint64((1 << log2_bits) - 1)
    a, b, c = (words[:, column] & mask for column in (1, 2, 3))
    left = np.arange(len(words))
    for _ in range(probes):
        here = (bits[a >> np.uint64(3)] >> (a & np.uint64(7)).astype(np.uint8)) & 1 != 0
        left, a, b, c = left[here], a[here], b[here], c[here]
        a = (a + b) & mask
        b = (b + c) & mask
    answers = np.zeros(len(words), dtype=np.bool_)
    answers[left] = True
    return answers


def blocks(first: str) -> Iterator[str]:
    """Yield what stands before the last three digits of every serial, in a fixed order."""
    for number, letters in product(first, product(LETTERS, repeat=3)):
        yield number + "".join(letters)


class Ask:
    """Asks every filter for a block of serials; made once in each process."""

    def __init__(self, key: bytes, shapes: tuple[Shape, ...]) -> None:
        self._hash = PlateHash(key)
        self._shapes = shapes

    def __call__(self, block: str) -> list[int]:
        """Return how many of a block's serials each filter let through; raises if the scalar function differs."""
        digests = [self._hash.digest(PlateKey(f"{block}{number:03d}")) for number in range(BLOCK)]
        words = np.frombuffer(b"".join(digests), dtype="<u8").reshape(-1, 4)
        passed = []
        for shape in self._shapes:
            answers = contains_all(shape.bits, shape.log2_bits, shape.probes, words)
            passed.append(int(answers.sum()))
            for index in {*range(0, BLOCK, BLOCK // CHECKED), *np.flatnonzero(answers)}:
                one = bloom.contains(memoryview(shape.bits), shape.log2_bits, shape.probes, digests[index])
                if one != answers[index]:
                    raise SystemExit("the vectorized function is not the scalar one")
        return passed


class Draw:
    """Asks every filter for a block of digests that a seeded generator draws."""

    size = 1 << 18

    def __init__(self, seed: int, shapes: tuple[Shape, ...]) -> None:
        self._seed, self._shapes = seed, shapes

    def __call__(self, block: int) -> list[int]:
        """Return how many of a block's digests each filter let through; raises if the scalar function differs."""
        words = np.random.Generator(np.random.SFC64([self._seed, block])).integers(0, 2**64, (self.size, 4), np.uint64)
        passed = []
        for shape in self._shapes:
            answers = contains_all(shape.bits, shape.log2_bits, shape.probes, words)
            passed.append(int(answers.sum()))
            for index in np.flatnonzero(answers):
                digest = words[index].astype("<u8").tobytes()
                if not bloom.contains(memoryview(shape.bits), shape.log2_bits, shape.probes, digest):
                    raise SystemExit("the vectorized function is not the scalar one")
        return passed


_ask: Ask | Draw


def _start(ask: Ask | Draw) -> None:
    global _ask  # noqa: PLW0603 - what a process of the pool works with
    _ask = ask


def _run(block: Any) -> list[int]:
    return _ask(block)


def shapes(entries: int, key: bytes, seed: int) -> Iterator[Shape]:
    """Build a list for each rate, and yield its filter as it is in the body."""
    places = list(islice(blocks("9"), 24**3))
    numbers = random.Random(seed).sample(range(len(places) * BLOCK), entries)
    for rate in RATES:
        rows = (HotListRow(f"{places[number // BLOCK]}{number % BLOCK:03d}", "local", 5) for number in numbers)
        body, _ = build_table(RowSource(rows).columns(key), patterns=(), hash_key=key, false_positive_rate=rate)
        header, columns = decode(memoryview(body))
        bits = np.frombuffer(columns["filter"], dtype=np.uint8)
        shape = Shape(rate, header.filter.log2_bits, header.filter.probes, bits)
        listed = [PlateHash(key).digest(PlateKey(f"{places[n // BLOCK]}{n % BLOCK:03d}")) for n in numbers[:20_000]]
        words = np.frombuffer(b"".join(listed), dtype="<u8").reshape(-1, 4)
        if not contains_all(bits, shape.log2_bits, shape.probes, words).all():
            raise SystemExit("the filter misses what it holds")
        yield shape


def upper_limit(passed: int) -> float:
    """Return the mean that a Poisson count would exceed with 97.5 %: Wilson and Hilferty, exact enough from 0 on."""
    degrees = 2 * (passed + 1)
    return degrees / 2 * (1 - 2 / (9 * degrees) + 1.96 * math.sqrt(2 / (9 * degrees))) ** 3


def main() -> int:
    """Measure, print, and end with 1 if a rate is more than twice what was promised."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("entries", type=int, nargs="?", default=1_000_000)
    options.add_argument("--probes", type=int, default=100_000_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--drawn", action="store_true", help="random digests instead of hashed serials")
    given = options.parse_args()
    key = random.Random(given.seed).randbytes(32)
    built = tuple(shapes(given.entries, key, given.seed))
    if given.drawn:
        built = built[-1:]
    ask = Draw(given.seed, built) if given.drawn else Ask(key, built)
    size = Draw.size if given.drawn else BLOCK
    count = -(-given.probes // size)
    asked = range(count) if given.drawn else list(islice(blocks("12345678"), count))
    total = np.zeros(len(built), dtype=np.int64)
    begin = perf_counter()
    with Pool(given.processes, _start, (ask,)) as pool:
        for done, passed in enumerate(pool.imap_unordered(_run, asked, chunksize=10), start=1):
            total += passed
            if done % (count // 20 or 1) == 0:
                print(f"{done * size:>15,} probes, {perf_counter() - begin:.0f} s, {total.tolist()}", file=sys.stderr)
    made = len(asked) * size
    print(f"{given.entries:,} entries, {made:,} probes, seed {given.seed}, {perf_counter() - begin:.0f} s;", end=" ")
    print("all that passed" if given.drawn else f"all that passed, and {CHECKED} of every {BLOCK},", end=" ")
    print("got the same answer one by one")
    print(
        f"{'promised':>10}{'bits':>7}{'probes':>8}{'formula':>11}{'expected':>10}{'passed':>8}{'measured':>11}  at most"
    )
    for shape, passed in zip(built, total.tolist(), strict=True):
        formula = bloom.expected_rate(given.entries, shape.log2_bits, shape.probes)
        print(f"{shape.promised:>10.0e}{'2^' + str(shape.log2_bits):>7}{shape.probes:>8}{formula:>11.2e}", end="")
        print(f"{formula * made:>10.2f}{passed:>8}{passed / made:>11.2e}", end="")
        print(f"{upper_limit(passed) / made:>9.1e} (97.5 %)")
    return int(any(count > 2 * shape.promised * made + 1 for shape, count in zip(built, total.tolist(), strict=True)))


if __name__ == "__main__":
    sys.exit(main())
