"""What a publisher made, as it wrote it down at its end."""

import pickle
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.campaigns.department.oddities import EXTRA, Oddity


@dataclass(frozen=True, slots=True)
class ChainPlan:
    """One chain of a post's own."""

    group: str | None
    last: int
    missing: frozenset[int]
    """Numbers that were never sent."""
    kept: frozenset[int]
    """Numbers that the post has not deleted."""
    digests: bytes
    """32 bytes for each number, from 1 on."""

    def digest(self, number: int) -> str:
        """Return a record's digest; empty of a number that there is not."""
        return self.digests[32 * (number - 1) : 32 * number].hex()

    @property
    def sent(self) -> frozenset[int]:
        """All other numbers."""
        return frozenset(range(1, self.last + 1)) - self.missing


@dataclass(frozen=True, slots=True)
class ExtraPlan:
    """A record beside those of the post's own chains."""

    post: str
    """Below whose name it comes."""
    chain: str | None
    """Chain and number that it says it has; None of what is no record."""
    number: int | None
    digest: str
    oddity: Oddity

    @property
    def verdict(self) -> str:
        """What a custodian must make of it."""
        return EXTRA[self.oddity]


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it."""

    whole: bool
    """Whether the publisher came to its end: every record was made, and is receipted."""
    chains: Mapping[tuple[str, str], ChainPlan]
    """By post and chain."""
    unknown: Mapping[str, int]
    """By post: records of a type that no one knows."""
    extras: tuple[ExtraPlan, ...]

    @property
    def posts(self) -> tuple[str, ...]:
        """The posts' names."""
        return tuple(dict.fromkeys(post for post, _ in self.chains))

    @property
    def records(self) -> int:
        """How many records were sent, each counted once."""
        return sum(len(chain.sent) for chain in self.chains.values()) + len(self.extras)

    @property
    def kept_by_posts(self) -> int:
        """How many records are still on their posts."""
        return sum(len(chain.kept) for chain in self.chains.values())

    def verdicts(self, post: str) -> dict[str, int]:
        """Return how many records of each verdict a custodian must show of a post: all but covert ones."""
        own = sum(len(each.sent) for (name, _), each in self.chains.items() if name == post and each.group is None)
        counts = Counter({"genuine": own - self.unknown[post], "unknown": self.unknown[post]})
        counts.update(extra.verdict for extra in self.extras if extra.post == post)
        return dict(+counts)

    def save(self, path: Path) -> None:
        """Write it to a file."""
        path.write_bytes(pickle.dumps(self))

    @classmethod
    def load(cls, path: Path) -> "Plan":
        """Read what `save` wrote. Raises OSError: there is no such file."""
        found: Plan = pickle.loads(path.read_bytes())  # noqa: S301 - this run's own publisher wrote it
        return found
