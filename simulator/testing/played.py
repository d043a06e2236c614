"""A scenario that was played, for a subscriber's own test: what came of it, and every record that arrived."""

import json
from pathlib import Path
from typing import Any

from simulator.scenario.load import find
from simulator.scenario.outcome import Outcome
from simulator.scenario.runner import Wishes, run_one


class Played:
    """What came of a scenario."""

    def __init__(self, outcome: Outcome, folder: Path) -> None:
        self.outcome = outcome
        self._folder = folder

    def __repr__(self) -> str:
        return f"<Played {self.outcome.name!r} {'passed' if self.passed else 'failed'}>"

    @property
    def passed(self) -> bool:
        """Whether every demand of the scenario was met."""
        return self.outcome.passed

    @property
    def failures(self) -> tuple[str, ...]:
        """What is wrong, in sentences."""
        return self.outcome.failures

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every record as the scenario's record keepers had it, in the order of arrival, broker by broker."""
        files = sorted(self._folder.glob("records-*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]

    def key(self, post: str) -> Path:
        """Return the public key by which a post's records are verified."""
        return self._folder / "fleet" / "records" / f"{post}.pem"


def play(name: str, directory: Path, *, seed: int = 1) -> Played:
    """Play a scenario as fast as this machine can, with the real recogniser on drawn footage.

    Args:
        name: of one that ships (`platepost simulate scenarios`), or a file.
        directory: where what was made is kept.
        seed: what chance depends on.

    Raises:
        ScenarioFileError: there is none of that name, or the file is not right.

    """
    path = find(name)
    outcome = run_one(path, Wishes(seed=seed, keep=directory))
    return Played(outcome, directory / path.stem / "0")
