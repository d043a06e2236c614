"""Every kind of fault that a campaign inflicts, and the plan of one."""

from collections.abc import Sequence
from random import Random

from tests.campaigns.faults import brokers, certificates, disk, network, packets, processes, refusals
from tests.campaigns.faults.injection import Injection

CATALOGUE: tuple[Injection, ...] = (
    *processes.INJECTIONS,
    *brokers.INJECTIONS,
    *network.INJECTIONS,
    *packets.INJECTIONS,
    *refusals.INJECTIONS,
    *certificates.INJECTIONS,
    *disk.INJECTIONS,
    processes.CLOCK,
)


def shares(kinds: Sequence[Injection], count: int) -> list[Injection]:
    """Return `count` faults, each kind as often as its weight says, and at least once if `count` allows.

    Method of the largest remainder, after one of each.
    """
    first = list(kinds)[:count]
    left = count - len(first)
    total = sum(kind.weight for kind in kinds)
    exact = [left * kind.weight / total for kind in kinds]
    numbers = [int(share) for share in exact]
    behind = sorted(range(len(kinds)), key=lambda index: numbers[index] - exact[index])
    for index in behind[: left - sum(numbers)]:
        numbers[index] += 1
    more = [kind for kind, number in zip(kinds, numbers, strict=True) for _ in range(number)]
    return first + more


def plan(
    kinds: Sequence[Injection], *, count: int, posts: int, seed: int
) -> tuple[list[list[Injection]], list[Injection]]:
    """Return which faults hit each post one after another, and which hit all at once; the same for a seed."""
    draw = Random(seed)
    injections = shares(kinds, count)
    draw.shuffle(injections)
    broad = [kind for kind in injections if kind.broad]
    own = [kind for kind in injections if not kind.broad]
    return [own[number::posts] for number in range(posts)], broad
