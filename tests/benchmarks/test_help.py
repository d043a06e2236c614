"""The benchmarks that no other test runs can at least be begun: what they import is there."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize("name", ["delivery", "footage", "frugality", "live_memory", "recogniser"])
def test_a_benchmark_explains_itself(name: str) -> None:
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "usage:" in done.stdout) == (0, True), done.stderr
