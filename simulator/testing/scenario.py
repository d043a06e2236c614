"""A scenario played for a subscriber's test, and what came of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platepost.simulator.scenario.load import find
from platepost.simulator.scenario.runner import RunOptions, run_one


@dataclass(frozen=True)
class PlayedScenario:
    """The result of a scenario, and its files."""

    name: str
    passed: bool
    failures: tuple[str, ...]
    """What is wrong, in sentences."""
    folder: Path
    """Its fleet, its archives and its logs."""

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every record as the scenario's archive services received it, in the order of arrival, broker by broker."""
        files = sorted(self.folder.glob("records-*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]

    def key(self, post: str) -> Path:
        """Return the public key that verifies a post's records."""
        return self.folder / "fleet" / "records" / f"{post}.pem"


def play_scenario(name: str, directory: Path, *, seed: int = 1) -> PlayedScenario:
    """Play a scenario as fast as this machine can, with the real recognizer on drawn footage.

    Args:
        name: of one that ships (`platepost simulate scenarios`), or a file.
        directory: where its files are kept.
        seed: of everything random in it.

    Raises:
        SimulatorError: no scenario has this name, or the file is invalid.

    """
    path = find(name)
    outcome = run_one(path, RunOptions(seed=seed, keep=directory))
    return PlayedScenario(outcome.name, outcome.passed, tuple(outcome.failures), directory / path.stem / "0")
