"""Hits that come in a surge: more of one category within an hour than is believable, as when a list went wrong.

A post cannot tell a wrong list from a large search, and a hit that it kept to itself might be the one that counts. So
every hit of a surge is recorded and published like any other, and says `held`: a person looks at the list before
anyone acts. Whether it is one post or the whole city, the department sees, and the post does not.

Counted are different plates, so that a vehicle which stands before the camera is one hit. What is usual is learned from
the 23 hours before the last one, without what was held; after a start nothing is usual, and the bound of the settings
holds. A plate that was reported without a hold within the last day is never held. A list without the wrong entries ends
the surge at once: their plates no longer count.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

HOUR_SECONDS = 3600.0
DAY_SECONDS = 24 * HOUR_SECONDS
USUAL_HOURS = 23
"""Hours before the last one that tell what is usual."""
JUMP = 10.0
"""How many times as many hits as usual are beyond belief."""

StillListed = Callable[[str, str, str | None], bool]
"""Whether the active list still has a plate, in a category and a group of people."""


@dataclass(frozen=True, slots=True)
class Surge:
    """A surge that began: of which category, how many plates within the hour, and how many are usual in one."""

    category: str
    plates: int
    usual: float


@dataclass(frozen=True, slots=True)
class _Plate:
    """A plate that hit within the last hour."""

    at: float
    listed: str
    """The plate of the entry."""


@dataclass(slots=True)
class _Kind:
    """Hits of one category and group of people; in memory alone, as the passages are."""

    plates: dict[str, _Plate] = field(default_factory=dict)
    """Those of the last hour."""
    reported: dict[str, float] = field(default_factory=dict)
    """When each plate that was not held hit last, for a day."""
    believed: deque[float] = field(default_factory=deque)
    """When plates hit that were not held, for a day."""
    held_at: float = float("-inf")

    def forget(self, now: float) -> None:
        """Drop what is too old to count."""
        self.plates = {key: plate for key, plate in self.plates.items() if now - plate.at < HOUR_SECONDS}
        self.reported = {key: at for key, at in self.reported.items() if now - at < DAY_SECONDS}
        while self.believed and now - self.believed[0] >= DAY_SECONDS:
            self.believed.popleft()

    def usual(self, now: float) -> float:
        """Return how many plates hit in an hour of the day before the last hour."""
        return sum(now - at >= HOUR_SECONDS for at in self.believed) / USUAL_HOURS

    def is_surge(self, now: float, least: int) -> bool:
        """Return whether more plates hit within the hour than is believable."""
        return len(self.plates) > max(least, JUMP * self.usual(now))


class HitSurge:
    """Counts hits. One thread at a time."""

    def __init__(self, steady: Callable[[], float] = monotonic) -> None:
        self._steady = steady
        self._kinds: dict[tuple[str, str | None], _Kind] = {}
        self._begun: list[Surge] = []

    def count(self, plate_key: str, listed: str, category: str, group: str | None, *, least: int) -> bool:
        """Count a hit, and return whether it is held.

        Args:
            plate_key: what was read.
            listed: the plate of the entry.
            category: of the entry.
            group: the distribution group of a covert entry.
            least: so many plates within an hour are believed whatever is usual.

        """
        now = self._steady()
        kind = self._kinds.setdefault((category, group), _Kind())
        kind.forget(now)
        known = plate_key in kind.plates
        kind.plates[plate_key] = _Plate(now, listed)
        if plate_key not in kind.reported and kind.is_surge(now, least):
            if now - kind.held_at >= HOUR_SECONDS and group is None:
                self._begun.append(Surge(category, len(kind.plates), round(kind.usual(now), 2)))
            kind.held_at = now
            return True
        kind.reported[plate_key] = now
        if not known:
            kind.believed.append(now)
        return False

    def recount(self, still_listed: StillListed, *, least: int) -> None:
        """Stop counting plates that another list no longer has: the surge ends if the rest is believable."""
        now = self._steady()
        for (category, group), kind in self._kinds.items():
            kind.forget(now)
            kind.plates = {
                key: plate for key, plate in kind.plates.items() if still_listed(plate.listed, category, group)
            }
            if not kind.is_surge(now, least):
                kind.held_at = float("-inf")

    @property
    def present(self) -> bool:
        """Whether an open hit was held within the last hour: no one else may learn of covert ones."""
        now = self._steady()
        return any(now - kind.held_at < HOUR_SECONDS for (_, group), kind in self._kinds.items() if group is None)

    def take_begun(self) -> tuple[Surge, ...]:
        """Return, once, the surges of open hits that began."""
        begun, self._begun = tuple(self._begun), []
        return begun
