"""What the status page says of the nightly work."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from platepost.department.people.rights import DepartmentRole
from platepost.department.status.nightly import NightlyReport, nightly_problems
from tests.department.people.persons import client_of, new_person

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        (None, {"nightly": "it was never done: enable its timer"}),
        ("{", {"nightly": "nightly.json is damaged"}),
        (NightlyReport(at=NOW - timedelta(hours=6), steps={"seal": None, "backup": None}), {}),
        (
            NightlyReport(at=NOW - timedelta(hours=6), steps={"seal": None, "backup": "disk full"}),
            {"backup": "disk full"},
        ),
        (
            NightlyReport(at=NOW - timedelta(hours=54), steps={"seal": None}),
            {"nightly": "it was not done since Nov 25, 2026, 6:00 PM PST"},
        ),
    ],
)
def test_what_is_wrong(
    fields: NightlyReport | str | None, wrong: dict[str, str], tmp_path: Path, settings: Settings
) -> None:
    settings.TIME_ZONE = "America/Los_Angeles"
    path = tmp_path / "nightly.json"
    if fields is not None:
        path.write_text(fields if isinstance(fields, str) else fields.model_dump_json())
    assert nightly_problems(path, NOW) == wrong


@pytest.mark.django_db(transaction=True)
def test_status_page_says_what_failed(tmp_path: Path, settings: Settings) -> None:
    settings.STATUS_NIGHTLY = tmp_path / "nightly.json"
    page = client_of(new_person("b.chen", DepartmentRole.OPERATOR)).get("/").content.decode()
    assert "nightly: it was never done" in page
