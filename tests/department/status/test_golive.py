"""What a department lacks before it goes live."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from platepost.department.people.rights import DepartmentRole
from platepost.department.status.nightly import NightlyReport, RestoreTest
from tests.department.people.persons import client_of, new_person

pytestmark = pytest.mark.django_db(transaction=True)


def rows(settings: Settings, tmp_path: Path) -> dict[str, bool]:
    """Return by its words whether each item is done, as the page shows it."""
    settings.STATUS_NIGHTLY = tmp_path / "nightly.json"
    page = client_of(new_person("b.chen", DepartmentRole.OPERATOR)).get("/go-live/").content.decode()
    lines = page.partition("<tbody>")[2].split("<tr>")[1:]
    return {line.partition("</th>")[0].rpartition('row">')[2]: ">done</td>" in line for line in lines}


def test_new_department_lacks_nearly_all(settings: Settings, tmp_path: Path) -> None:
    settings.TIME_ZONE = "UTC"
    items = rows(settings, tmp_path)
    assert not items["Time zone"]
    assert not items["Address with TLS"]
    assert not items["Backups to another disk"]
    assert {text for text in items if "/people/" in text and items[text]} == {'<a href="/people/">A trainer</a>'}
    assert '<a href="/lists/">Posts have the newest hot list</a>' in items


def test_what_is_set_is_done(settings: Settings, tmp_path: Path) -> None:
    settings.TIME_ZONE, settings.DEPARTMENT_NAME, settings.CONTACT = "America/Los_Angeles", "Riverside PD", "555"
    settings.GO_LIVE = {"hosts": ("plates.example",), "backups": "/mnt/backups", "witness": "https://tsa.example"}
    for role in (DepartmentRole.AUDITOR, DepartmentRole.ADMINISTRATOR, DepartmentRole.SUPERVISOR):
        new_person(role.value, role)
    items = rows(settings, tmp_path)
    for what in ("Name and contact", "Time zone", "Address with TLS", "Backups to another disk"):
        assert items[what]
    assert items['<a href="/people/">Two people who approve access</a>']
    assert items['<a href="/people/">An auditor</a>']
    assert not items['<a href="/people/">A records manager</a>']


@pytest.mark.parametrize("intact", [None, False, True], ids=["none yet", "wrong", "intact"])
def test_a_restore_test_is_done_once_its_result_is_good(
    settings: Settings, tmp_path: Path, *, intact: bool | None
) -> None:
    now = timezone.now()
    test = None if intact is None else RestoreTest(at=now, made=now - timedelta(hours=3), intact=intact)
    report = NightlyReport(at=now, steps={"backup": None}, restore=test)
    (tmp_path / "nightly.json").write_text(report.model_dump_json(), encoding="utf-8")
    items = rows(settings, tmp_path)
    assert items['<a href="/">The nightly job</a>']
    assert items['<a href="/">A backup restored as a test</a>'] is bool(intact)
