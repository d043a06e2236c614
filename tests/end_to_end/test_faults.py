"""The short fault campaign, as a process of its own: it may take mounts and a network for itself."""

from pathlib import Path

import pytest

from platepost.simulator.brokers.mosquitto import mosquitto_path
from tests.campaigns.faults.catalogue import CATALOGUE
from tests.campaigns.faults.extent import SHORT
from tests.campaigns.faults.week import DAILY, DAYS
from tests.campaigns.faults.week import NAME as WEEK
from tests.campaigns.running import campaign, run

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]


@pytest.mark.timeout(300)  # dozens of faults, and recovery from each is waited for
def test_nothing_is_lost_in_a_short_campaign(tmp_path: Path) -> None:
    outcome = campaign("faults", "--short", directory=tmp_path / "faults", timeout=240)

    assert outcome["problems"] == []
    inflicted = {row["name"]: row["count"] for row in outcome["by_fault"]}
    assert inflicted.pop(WEEK) == 1
    assert inflicted.pop(DAILY) == DAYS - 1
    assert sum(inflicted.values()) == SHORT.faults
    assert inflicted.keys() == {kind.name for kind in CATALOGUE} - outcome["not_inflicted"].keys()
    assert outcome["records"]["lost"] == 0
    assert outcome["records"]["stored"] >= SHORT.records


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    done = run("faults", directory=tmp_path, timeout=60)

    assert done.returncode != 0
    assert "choose another folder" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "precious"
