"""What Prometheus gets: each figure that alerts and dashboard read, and nothing of a covert chain."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import Error, connection
from pytest_django.fixtures import Settings

from platepost.department.database.roles import METRICS
from platepost.department.folder import DepartmentFolder
from platepost.department.status import metrics
from platepost.department.status.metrics import DepartmentCollector, exposition, readiness
from platepost.department.status.nightly import NightlyReport, RestoreTest
from tests.department.planting import RECORD
from tests.department.roles import as_role
from tests.department.status.kept import NOW, put, put_covert

MONITORING = Path(__file__).parents[3] / "packaging/monitoring"


def execute(query: str, parameters: list[object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)


@pytest.fixture
def folder(tmp_path: Path) -> DepartmentFolder:
    folder = DepartmentFolder(tmp_path)
    receipts = Path("receipts")
    folder.__dict__["settings"] = SimpleNamespace(picture_bucket=None, receipts=receipts, database="private")
    return folder


def scraped(folder: DepartmentFolder) -> dict[str, float]:
    """Return the value of each series, as a scrape by the program's role has it."""
    with as_role(METRICS):
        lines = exposition(DepartmentCollector(folder)).decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def health(post: str, seconds: float, group: str | None = None) -> None:
    execute(RECORD, ["log", NOW, post, "platepost.health.v1"])
    execute(
        "INSERT INTO custody_health (record_id, class, retained_from, post, covert_group, at, frame_rate, queue_depth,"
        " unreleased_seconds) VALUES (currval('custody_record_id'), 'log', %s, %s, %s, %s, 10, 3, %s)",
        [NOW, post, group, NOW, seconds],
    )


def filled(folder: DepartmentFolder) -> None:
    """Put in a department of which everything is known."""
    put(execute)
    put_covert(execute)
    health("post-1", 4000.0)
    health("post-3", 9000.0, "narcotics")
    execute("UPDATE custody_status SET reasons = %s, list_version = 7, list_age = 60", [["camera_black"]])
    execute("INSERT INTO ledger_sent (destination, at, error) VALUES (%s, %s, %s)", ["syslog", NOW, "full"])
    execute("INSERT INTO archive_backup VALUES (%s, %s, %s)", ["0", "one.backup.age", NOW])
    restore = RestoreTest(at=NOW, made=NOW - timedelta(days=1), intact=False)
    ends = {"custodian": NOW + timedelta(days=20)}
    report = NightlyReport(at=NOW, steps={"verify": None, "backup": "full"}, certificates=ends, restore=restore)
    folder.nightly.write_text(report.model_dump_json())


def test_figures_are_those_of_the_department(db: None, folder: DepartmentFolder, settings: Settings) -> None:
    settings.BROKERS = ("broker.example:8883",)
    filled(folder)
    figures = scraped(folder)
    expected = {
        'platepost_post_silent{post="post-1"}': 1,
        'platepost_post_fault{fault="camera_black",post="post-1"}': 1,
        'platepost_post_oldest_unkept_seconds{post="post-1"}': 4000,
        'platepost_post_missing_records{post="post-1"}': 1,
        'platepost_post_odd_records{post="post-1",verdict="forged"}': 3,
        'platepost_broker_up{broker="broker.example:8883"}': 0,
        'platepost_checkpoint_failing{destination="syslog"}': 1,
        "platepost_database_up": 1,
        "platepost_ingest_up": 0,
        "platepost_backup_last_timestamp_seconds": NOW.timestamp(),
        "platepost_restore_test_intact": 0,
        'platepost_nightly_step_failed{step="backup"}': 1,
        'platepost_nightly_step_failed{step="verify"}': 0,
        'platepost_certificate_expiry_timestamp_seconds{certificate="custodian"}': (
            NOW + timedelta(days=20)
        ).timestamp(),
    }
    assert {name: figures.get(name) for name in expected} == expected
    assert not [name for name in figures if "post-3" in name], "it has covert records alone"
    assert "TEST" not in str(figures), "the plate of the synthetic hit"


@pytest.mark.parametrize("name", ["platepost.rules.yml", "grafana-dashboard.json"])
def test_what_alerts_and_dashboard_read_is_there(
    name: str, db: None, folder: DepartmentFolder, settings: Settings
) -> None:
    settings.BROKERS = ("broker.example:8883",)
    filled(folder)
    present = {series.partition("{")[0] for series in scraped(folder)}
    asked = set(re.findall(r"\bplatepost_\w+", (MONITORING / name).read_text(encoding="utf-8")))
    assert asked
    assert asked - present == set()


def test_a_database_that_is_away_is_a_figure(
    db: None, folder: DepartmentFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.nightly.write_text(NightlyReport(at=datetime.now(UTC), steps={}).model_dump_json())

    def away(*_: object, **__: object) -> None:
        raise Error("the server closed the connection")

    monkeypatch.setattr(metrics, "custody_status", away)
    monkeypatch.setattr(metrics, "listening_state", away)
    figures = scraped(folder)
    assert figures["platepost_database_up"] == 0
    assert "platepost_nightly_last_timestamp_seconds" in figures
    assert readiness() == "the database does not answer"


def test_a_department_that_receives_nothing_is_not_ready(db: None, settings: Settings) -> None:
    settings.BROKERS = ("broker.example:8883",)
    put(execute)
    with as_role(METRICS):
        assert str(readiness()).startswith("The archive service is not running")
