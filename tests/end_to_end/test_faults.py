"""The short fault campaign, as a process of its own: it may take mounts and a network for itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.simulator.lab.faults.catalogue import CATALOGUE
from platepost.simulator.lab.faults.extent import SHORT
from platepost.simulator.lab.faults.week import DAILY, DAYS
from platepost.simulator.lab.faults.week import NAME as WEEK

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]

PROGRAM = "import sys; from platepost.device.cli import main; sys.exit(main())"


def test_nothing_is_lost_in_a_short_campaign(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, "simulate", "faults", "--short", "--json"]
    done = subprocess.run(
        [*command, "--directory", str(tmp_path / "faults")], capture_output=True, timeout=300, check=False, text=True
    )

    assert done.stdout, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["failures"] == []
    assert done.returncode == 0
    inflicted = {row["name"]: row["count"] for row in outcome["by_fault"]}
    assert inflicted.pop(WEEK) == 1
    assert inflicted.pop(DAILY) == DAYS - 1
    assert sum(inflicted.values()) == SHORT.faults
    assert inflicted.keys() == {kind.name for kind in CATALOGUE} - outcome["not_inflicted"].keys()
    assert outcome["records"]["lost"] == 0
    assert outcome["records"]["stored"] >= SHORT.records


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    command = [sys.executable, "-c", PROGRAM, "simulate", "faults", "--directory", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, text=True)

    assert done.returncode != 0
    assert "name another folder" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "precious"
