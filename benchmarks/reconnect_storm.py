"""A fleet loses its broker and comes back: how many attempts a second the broker sees, and when all are back.

A simulation of the uplink's own choice of waits (`platepost.device.uplink.brokers`), without a network. The broker is
away for a while; then it finishes so many handshakes a second, in the order in which they came, and a post that has
waited ten seconds for its own gives up and tries again.

::

    python benchmarks/reconnect_storm.py
    python benchmarks/reconnect_storm.py --posts 2000 --handshakes 300
"""

import argparse
import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from platepost.device.uplink.brokers import Backoff, Brokers
from platepost.device.uplink.refusals import Refusals
from platepost.device.uplink.settings import BrokerAddress, UplinkSettings, UplinkTiming

OUTAGES = (0.2, 10.0, 60.0, 600.0)
"""Seconds: a restart, an update, a reboot, a failed power supply."""
STEP = 0.01
_TIMING = UplinkTiming()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the broker saw, and the fleet."""

    peak: int
    """Most attempts that reached the broker within one second, once it was back."""
    attempts: float
    """Attempts that reached it, a post."""
    half: float
    """Seconds after the broker's return until half of the fleet was connected."""
    nearly_all: float
    """The same for 99 of 100."""


def simulate(*, posts: int, outage: float, handshakes: int, seed: int, jitter: bool = True) -> Outcome:
    """Run one fleet until nearly all are back."""
    draw = random.Random(seed).uniform if jitter else _most
    fleet = [brokers(draw) for _ in range(posts)]
    due = [(0.0 + post.failed("connection_lost"), number) for number, post in enumerate(fleet)]
    heapq.heapify(due)
    waiting: deque[tuple[float, int]] = deque()
    arrivals: list[float] = []
    done: list[float] = []
    now, budget = 0.0, 0.0
    while len(done) < posts * 0.99:
        now += STEP
        while due and due[0][0] <= now:
            at, number = heapq.heappop(due)
            if at < outage:
                heapq.heappush(due, (at + fleet[number].failed("connection_refused"), number))
            else:
                arrivals.append(at)
                waiting.append((at, number))
        budget = min(budget + handshakes * STEP, handshakes) if now >= outage else 0.0
        while waiting and (budget >= 1 or now - waiting[0][0] > _TIMING.connect_timeout_seconds):
            at, number = waiting.popleft()
            if now - at > _TIMING.connect_timeout_seconds:
                heapq.heappush(due, (now + fleet[number].failed("timeout"), number))
            else:
                budget -= 1
                done.append(now - outage)
    return Outcome(busiest(arrivals), len(arrivals) / posts, done[posts // 2], done[-1])


def brokers(draw: Callable[[float, float], float]) -> Brokers:
    """Make one post's choice of brokers, with the defaults of a post."""
    first, most = UplinkSettings.model_fields["reconnect_seconds"].default, _TIMING.max_backoff_seconds
    return Brokers(
        [BrokerAddress("broker", 8883)],
        backoff=Backoff(first=first, most=most, draw=draw),
        refusals=Refusals(first=30, most=900, draw=draw),
        preferred_broker_check_seconds=600,
        draw=draw,
    )


def busiest(times: list[float]) -> int:
    """Return the most events within any second."""
    window: deque[float] = deque()
    most = 0
    for time in sorted(times):
        window.append(time)
        while window[0] <= time - 1.0:
            window.popleft()
        most = max(most, len(window))
    return most


def _most(_low: float, high: float) -> float:
    return high


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=10_000)
    parser.add_argument("--handshakes", type=int, default=500, help="that the broker finishes in a second")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"{arguments.posts} posts, {arguments.handshakes} handshakes a second")
    print("| broker away | waits | most attempts in a second | attempts a post | half back | 99 of 100 back |")
    print("|---|---|---|---|---|---|")
    for outage in OUTAGES:
        for jitter in (True, False):
            seen = simulate(
                posts=arguments.posts,
                outage=outage,
                handshakes=arguments.handshakes,
                seed=arguments.seed,
                jitter=jitter,
            )
            name = "drawn" if jitter else "alike"
            print(
                f"| {outage:g} s | {name} | {seen.peak} | {seen.attempts:.1f} |"
                f" {seen.half:.1f} s | {seen.nearly_all:.1f} s |"
            )


if __name__ == "__main__":
    main()
