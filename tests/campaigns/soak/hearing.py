"""Whether the synthetic hit was heard every time it was due, by the wire and by when faults were at work.

A hit is due `every_minutes` after the one before, as the post's statuses say; the first, and the first after a start,
`FIRST_SECONDS` after it. One that is due while a fault is at work is excused then, and has to be heard afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from platepost.device.reporting.synthetic import FIRST_SECONDS
from platepost.simulator.ground.subscriber import Arrival
from platepost.wire.records import TYPES, Hit, Status

SLACK = timedelta(seconds=15)
"""What making and delivering one may take on a machine that is busy."""


@dataclass(frozen=True, slots=True)
class Inflicted:
    """A fault, from when it struck until what it does was ended."""

    name: str
    began: datetime
    ended: datetime
    restarts: bool = False
    """Whether the post was started again: its first hit is due later."""


@dataclass(slots=True)
class Hearing:
    """What came of the synthetic hits."""

    due: int = 0
    heard: int = 0
    """How many of those due were heard in time."""
    excused: int = 0
    """How many were due while a fault was at work, and were heard afterwards."""
    slowest_seconds: float = 0.0
    """From when one was made to when it was heard."""
    problems: list[str] = field(default_factory=list)


def judge_hearing(
    arrivals: Sequence[Arrival], faults: Sequence[Inflicted], *, started: datetime, ended: datetime, every: timedelta
) -> Hearing:
    """Judge what was heard of one post between two moments.

    Args:
        arrivals: all that was heard of it, in the order of arrival.
        faults: what was done to it, the earliest first.
        started: when the post was started.
        ended: when nothing was waited for any more.
        every: how often it is to make one.

    """
    found, first = Hearing(), timedelta(seconds=FIRST_SECONDS)
    hits = {
        arrival.data["hit"]: (datetime.fromisoformat(arrival.event["time"]), arrival.received)
        for arrival in reversed(arrivals)  # of repeats the first counts
        if arrival.kind == TYPES[Hit] and arrival.data["synthetic"]
    }
    made = sorted(hits.values())
    found.slowest_seconds = max(((heard - at).total_seconds() for at, heard in made), default=0.0)
    for arrival in arrivals:
        last = arrival.data.get("last_synthetic") if arrival.kind == TYPES[Status] else None
        if (
            last
            and last["hit"] not in hits
            and (gone := f"{last['hit']}, which a status names, was not heard") not in (found.problems)
        ):
            found.problems.append(gone)
    work = [(fault, _healed(fault, arrivals, ended)) for fault in faults]
    due = started + first
    for at, heard in [*made, (ended, ended)]:
        # Each hit that was due before this one was made: one of them is this one.
        late = at > due + SLACK
        excuse = [healed for fault, healed in work if fault.began <= (at if late else heard) and healed >= due]
        excuse += [fault.ended + first for fault in faults if fault.restarts and due - every <= fault.began <= at]
        until = max([due, *excuse]) + SLACK + (every if excuse else timedelta())
        if (at, heard) == (ended, ended):
            if ended > until:
                found.due += 1
                found.problems.append(f"the hit due at {due:%H:%M:%S} was not heard until the end")
            break
        found.due += 1
        if not late and heard <= at + SLACK:
            found.heard += 1
        elif excuse and heard <= until:
            found.excused += 1
        else:
            found.problems.append(f"the hit due at {due:%H:%M:%S} was made at {at:%H:%M:%S}, heard at {heard:%H:%M:%S}")
        due = at + every
    return found


def _healed(fault: Inflicted, arrivals: Sequence[Arrival], end: datetime) -> datetime:
    """Return when something was heard that was made after a fault had ended: then it was no longer at work."""
    fresh = (
        arrival.received
        for arrival in arrivals
        if arrival.received >= fault.ended and datetime.fromisoformat(arrival.event["time"]) >= fault.ended
    )
    return next(fresh, end)
