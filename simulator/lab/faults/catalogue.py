"""Every kind of fault that a campaign inflicts, and the plan of one."""

from collections.abc import Sequence
from random import Random

from simulator.lab.faults.brokers import BrokerFrozen, BrokerKilled, BrokerRestarted, KeeperAway, KeeperAwayBrokerKilled
from simulator.lab.faults.certificates import CertificateExpired, CertificateForeign
from simulator.lab.faults.clock import ClockStepped
from simulator.lab.faults.disk import DiskFull, PageCorrupted, WritesFail
from simulator.lab.faults.injection import Injection
from simulator.lab.faults.network import (
    AnswersLost,
    ConnectionEnded,
    ConnectionReset,
    CutAmidPacket,
    HalfOpen,
    NetworkDown,
    Slow,
    Stalled,
)
from simulator.lab.faults.packets import PacketsLost, Unplugged
from simulator.lab.faults.processes import PostFrozen, PostKilled, PostKilledAtStart
from simulator.lab.faults.refusals import ConnectionRefused, HangsUp, NotAuthorised, PublishRefused

FAMILIES: tuple[type[Injection], ...] = (
    PostKilled,
    PostKilledAtStart,
    PostFrozen,
    BrokerKilled,
    BrokerRestarted,
    BrokerFrozen,
    KeeperAway,
    KeeperAwayBrokerKilled,
    ConnectionReset,
    ConnectionEnded,
    CutAmidPacket,
    HalfOpen,
    AnswersLost,
    Stalled,
    Slow,
    NetworkDown,
    PacketsLost,
    Unplugged,
    NotAuthorised,
    ConnectionRefused,
    PublishRefused,
    HangsUp,
    CertificateExpired,
    CertificateForeign,
    DiskFull,
    WritesFail,
    PageCorrupted,
    ClockStepped,
)


def shares(families: Sequence[Injection], count: int) -> list[Injection]:
    """Return `count` faults, each kind as often as its weight says, and at least once if `count` allows.

    Method of the largest remainder, after one of each.
    """
    first = list(families)[:count]
    left = count - len(first)
    total = sum(fault.weight for fault in families)
    exact = [left * fault.weight / total for fault in families]
    numbers = [int(share) for share in exact]
    behind = sorted(range(len(families)), key=lambda index: numbers[index] - exact[index])
    for index in behind[: left - sum(numbers)]:
        numbers[index] += 1
    more = [fault for fault, number in zip(families, numbers, strict=True) for _ in range(number)]
    return first + more


def plan(
    families: Sequence[Injection], *, count: int, posts: int, seed: int
) -> tuple[list[list[Injection]], list[Injection]]:
    """Return which faults befall each post one after another, and which befall all at once; the same for a seed."""
    draw = Random(seed)
    faults = shares(families, count)
    draw.shuffle(faults)
    broad = [fault for fault in faults if fault.broad]
    own = [fault for fault in faults if not fault.broad]
    return [own[number::posts] for number in range(posts)], broad
