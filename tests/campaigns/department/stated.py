"""What a department's commands say of its custody: `status --json` and `verify --json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from platepost.department.custody.holding import Span
from platepost.simulator.ground.department import DUPLICATE


@dataclass(frozen=True, slots=True)
class ChainStatement:
    """What is held of one chain."""

    first: int
    last: int
    kept: int
    gaps: tuple[Span, ...]
    """The newest of them."""
    missing: int
    forks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CustodyStatement:
    """All of it."""

    chains: Mapping[tuple[str, str], ChainStatement]
    """By post and chain, those that are not covert."""
    verdicts: Mapping[str, Mapping[str, int]]
    """By post: how many records of each verdict are kept, covert ones left out."""
    records: int
    """How many records are kept, covert ones too."""
    problems: tuple[str, ...]
    """What the department itself finds wrong with its custody."""

    @classmethod
    def read(cls, status: Mapping[str, Any], verified: Mapping[str, Any]) -> "CustodyStatement":
        """Read what the two commands said. Raises KeyError: they said something else."""
        chains = {
            (post["post"], chain["chain"]): ChainStatement(
                chain["first"],
                chain["last"],
                chain["kept"],
                tuple((first, last) for first, last in chain["gaps"]),
                chain["missing"],
                tuple(chain["forks"]),
            )
            for post in status["posts"]
            for chain in post["chains"]
        }
        verdicts = {
            post["post"]: {verdict: count for verdict, count in post["odd"].items() if verdict != DUPLICATE}
            | {"genuine": post["kept"]}
            for post in status["posts"]
        }
        problems = [f"verify: {_words(problem)}" for problem in verified["problems"]]
        if verified.get("more"):
            problems.append(f"verify: {verified['more']} problems more")
        return cls(chains, verdicts, verified["records"], tuple(problems))


def _words(problem: Mapping[str, Any] | str) -> str:
    if isinstance(problem, str):
        return problem
    named = (f"{name} {problem[name]}" for name in ("post", "chain", "number", "record") if problem.get(name))
    return f"{', '.join(named)}: {problem['kind']}: {problem['message']}"
