"""The long forms of two tests: mutated packages by the hundred thousand, and a post killed again and again.

::

    python benchmarks/hotlist_campaign.py fuzz                       200,000 mutated packages: minutes
    python benchmarks/hotlist_campaign.py fuzz --count 1000000 --seed 7
    python benchmarks/hotlist_campaign.py kill                       200 kills during installations

Ends with an error that names the mutated package, or the round, that showed a fault.
"""

import argparse
import sys
import tempfile
from collections import Counter
from multiprocessing import Pool
from pathlib import Path
from time import perf_counter

from tests.device.hotlist.department import Department
from tests.device.hotlist.fuzzing import Found, campaign
from tests.device.hotlist.killed import kill_again_and_again

AT_ONCE = 5_000


def fuzz_some(numbers: tuple[int, int]) -> Found:
    """Fuzz with the mutated packages of a range of numbers."""
    with tempfile.TemporaryDirectory() as directory:
        return campaign(range(*numbers), directory=Path(directory) / "store")


def fuzz(count: int, seed: int, processes: int) -> None:
    """Fuzz, and print what became of the mutated packages."""
    first = seed * 1_000_000_000
    pieces = [(start, min(start + AT_ONCE, first + count)) for start in range(first, first + count, AT_ONCE)]
    found = Found()
    with Pool(processes) as pool:
        for some in pool.imap_unordered(fuzz_some, pieces):
            found.add(some)
            print(f"{found.count:>12,}", file=sys.stderr)
    reasons: Counter[str] = Counter()
    for (_, reason), times in found.refused.items():
        reasons[reason] += times
    print(
        f"{found.count:,} mutated packages: {found.refused.total():,} refused, none without a name or with an effect:"
    )
    for reason, times in reasons.most_common():
        print(f"    {reason:<20}{times:>10,}")
    print(f"{found.taken.total():,} were lists after all: the genuine one, or one that the issuer signed so:")
    for kind, times in found.taken.most_common():
        print(f"    {kind:<20}{times:>10,}")


def kill(rounds: int, seed: int) -> int:
    """Kill, and print what was left."""
    with tempfile.TemporaryDirectory() as directory:
        outcome = kill_again_and_again(Department(), Path(directory), rounds=rounds, seed=seed)
    print(f"{outcome.rounds} kills: the old list whole {outcome.old} times, the new one {outcome.new} times;", end=" ")
    print(f"{outcome.half_written} times a file was half written, and {outcome.begun} times the list not yet in force")
    print("\n".join(outcome.faults) or "no fault")
    return len(outcome.faults)


def main() -> int:
    """Run one campaign; the exit status is 0 only if it showed no fault."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("campaign", choices=("fuzz", "kill"))
    options.add_argument("--count", type=int, help="mutated packages (200,000), or kills (200)")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--processes", type=int, default=2, help="for fuzz")
    given = options.parse_args()
    begin = perf_counter()
    faults = 0
    if given.campaign == "fuzz":
        fuzz(given.count or 200_000, given.seed, given.processes)
    else:
        faults = kill(given.count or 200, given.seed)
    print(f"{perf_counter() - begin:.0f} s, seed {given.seed}")
    return min(1, faults)


if __name__ == "__main__":
    sys.exit(main())
