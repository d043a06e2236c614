"""A department keeps each record once: keeper killed, broker and database restarted, its disk filled."""

from pathlib import Path
from typing import Any

import pytest

from platepost.department.database.cluster import installed_versions
from platepost.simulator.brokers.mosquitto import mosquitto_path
from tests.campaigns.department.oddities import EXTRA
from tests.campaigns.running import campaign

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.timeout(300),  # three kills, a restart and a full disk, and recovery from each is waited for
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
    pytest.mark.skipif(not installed_versions(), reason="PostgreSQL is missing: make tools"),
]
RECORDS = 1500
COURSE = ("--records", str(RECORDS), "--posts", "4", "--kills", "3", "--restarts", "1", "--fills", "1", "--seed", "7")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "run"


@pytest.fixture(scope="module")
def outcome(folder: Path) -> dict[str, Any]:
    return campaign("department", *COURSE, "--window", "1000", directory=folder, timeout=240)


def test_every_record_is_kept_once_judged_right_and_receipted(outcome: dict[str, Any]) -> None:
    assert outcome["problems"] == []
    assert outcome["records"] > RECORDS
    assert {*EXTRA.values(), "genuine", "unknown"} == set(outcome["verdicts"])
    assert outcome["receipts"] > 10


def test_all_that_can_happen_to_a_department_did(outcome: dict[str, Any]) -> None:
    inflicted = outcome["inflicted"] | dict.fromkeys(outcome["not_inflicted"], 1)
    assert inflicted == {
        "keeper killed": 3,
        "broker killed": 1,
        "database killed": 1,
        "database's disk full": 1,
        "register renewed": 1,
    }


def test_the_outcome_tells_how_much_memory_the_keeper_had(outcome: dict[str, Any]) -> None:
    assert all(20 < megabytes < 500 for megabytes in outcome["keeper_megabytes"])


def test_no_process_of_it_is_left(outcome: dict[str, Any], folder: Path) -> None:
    assert outcome
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(folder) in _words(path)]


def _words(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
