"""Campaigns as processes of their own: as root they take mounts and a network for themselves."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """Return one in which a process finds the tests, whatever its folder."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def run(*words: str, directory: Path, timeout: float) -> "subprocess.CompletedProcess[str]":
    """Run a campaign in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tests.campaigns", *words, "--json", "--directory", str(directory)],
        capture_output=True,
        timeout=timeout,
        check=False,
        text=True,
        env=environment(),
    )


def campaign(*words: str, directory: Path, timeout: float = 200.0) -> dict[str, Any]:
    """Run a campaign, and return its outcome."""
    done = run(*words, directory=directory, timeout=timeout)
    assert done.stdout, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    assert outcome["passed"] == (done.returncode == 0)
    assert outcome["passed"] == (outcome["problems"] == [])
    return outcome
