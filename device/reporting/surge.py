"""Hits that come in a surge: more of one category within an hour than is believable, as when a list went wrong.

A post cannot tell a wrong list from a large search, and a hit that it kept to itself might be the one that counts. So
every hit of a surge is recorded and published like any other, and says `held`: a person looks at the list before
anybody is alarmed. Whether it is one post or the whole city, the department sees, and the post does not.

Counted are different plates, so that a vehicle which stands before the camera is one hit. What is usual is learned from
the 23 hours before the last one, without what was held; after a start nothing is usual, and the bound of the settings
holds.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

HOUR_SECONDS = 3600.0
USUAL_HOURS = 23
"""Hours before the last one that tell what is usual."""
JUMP = 10.0
"""How many times as many hits as usual are beyond belief."""


@dataclass(frozen=True, slots=True)
class Surge:
    """A surge that began: of which category, how many plates within the hour, and how many are usual in one."""

    category: str
    plates: int
    usual: float


@dataclass(slots=True)
class _Kind:
    """Hits of one category and group of people."""

    plates: dict[str, float] = field(default_factory=dict)
    """When each plate of the last hour hit last; in memory alone, as the passages are."""
    believed: deque[float] = field(default_factory=deque)
    """When plates hit that were not held, for a day."""
    held_at: float = float("-inf")


class HitSurge:
    """Counts hits. One thread at a time."""

    def __init__(self, steady: Callable[[], float] = monotonic) -> None:
        self._steady = steady
        self._kinds: dict[tuple[str, str | None], _Kind] = {}
        self._begun: list[Surge] = []

    def count(self, plate_key: str, category: str, group: str | None, *, least: int) -> bool:
        """Count a hit, and say whether it is held.

        Args:
            plate_key: what was read.
            category: of the entry.
            group: the distribution group of a covert entry.
            least: so many plates within an hour are believed whatever is usual.

        """
        now = self._steady()
        kind = self._kinds.setdefault((category, group), _Kind())
        kind.plates = {plate: at for plate, at in kind.plates.items() if now - at < HOUR_SECONDS}
        known = plate_key in kind.plates
        kind.plates[plate_key] = now
        while kind.believed and now - kind.believed[0] >= (USUAL_HOURS + 1) * HOUR_SECONDS:
            kind.believed.popleft()
        usual = sum(now - at >= HOUR_SECONDS for at in kind.believed) / USUAL_HOURS
        if len(kind.plates) <= max(least, JUMP * usual):
            if not known:
                kind.believed.append(now)
            return False
        if now - kind.held_at >= HOUR_SECONDS and group is None:
            self._begun.append(Surge(category, len(kind.plates), round(usual, 2)))
        kind.held_at = now
        return True

    @property
    def present(self) -> bool:
        """Whether an open hit was held within the last hour: nobody else is to learn of covert ones."""
        now = self._steady()
        return any(now - kind.held_at < HOUR_SECONDS for (_, group), kind in self._kinds.items() if group is None)

    def take_begun(self) -> tuple[Surge, ...]:
        """Return, once, the surges of open hits that began."""
        begun, self._begun = tuple(self._begun), []
        return begun
