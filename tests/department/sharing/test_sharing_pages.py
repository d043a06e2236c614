"""The pages of sharing and the public page in a real browser, as they are installed: on a phone and by axe."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize

from department.config.upgrade import running_database
from department.folder import DepartmentFolder
from simulator.brokers.daemon import free_port
from tests.browser import PHONE, Visitor, accessibility_faults
from tests.department.commands.installation import Commands, department
from tests.department.web.test_status_page import wait_until_served

__all__ = ["department"]
pytestmark = pytest.mark.end_to_end
WIDE: ViewportSize = {"width": 1280, "height": 900}
ROOT = Path(__file__).resolve().parents[3]
PREPARED = """
import sys
from datetime import date, datetime, UTC
from pathlib import Path
from department.config.start import set_up_django
from department.database.roles import OWNER
from department.folder import DepartmentFolder
set_up_django(DepartmentFolder(Path(sys.argv[1])), OWNER)
from department.people.rights import DepartmentRole
from department.sharing.clauses import publish_policy
from department.sharing.incidents import open_incident
from department.sharing.requests import receive
from tests.department.people.persons import client_of, made_person
from tests.department.sharing.conftest import agreed_with
person = made_person("r.manager", DepartmentRole.RECORDS_MANAGER)
publish_policy(person="r.manager", hearing=date(2026, 9, 8))
agreed_with("oakdale-pd")
receive(person="r.manager", kind="public records", requester="the Courier", says="counts", received_on=date(2026, 9, 8))
times = {"since": datetime(2026, 9, 1, tzinfo=UTC), "until": datetime(2026, 9, 2, tzinfo=UTC)}
about = {"says": "An account was abused.", "known_on": date(2026, 9, 8), "encrypted": False}
open_incident(person="r.manager", kind="account", subject="r.manager", **times, **about)
print(client_of(person).cookies["sessionid"].value)
"""


@pytest.fixture(scope="module")
def site(department: Commands) -> Iterator[tuple[str, str, str]]:
    """Serve a department's pages and its public page; give both addresses and the records manager's session."""
    folder = DepartmentFolder(department.folder)
    pages, public = (f"127.0.0.1:{free_port()}" for _ in range(2))
    with running_database(folder):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        command = [sys.executable, "-c", PREPARED, str(folder.path)]
        said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        assert department.json("public publish")["published"] is True
        lines = department.line("serve", "--web", pages), department.line("public serve", "--web", public)
        with subprocess.Popen(lines[0]) as one, subprocess.Popen(lines[1]) as other:
            try:
                wait_until_served(f"http://{pages}/log-in/", one)
                wait_until_served(f"http://{public}/", other)
                yield f"http://{pages}", f"http://{public}", said.split()[-1]
            finally:
                for server in (one, other):
                    server.terminate()
                    server.wait(30)


def is_fine(page: Page) -> bool:
    """Tell whether a page is accessible and fits a phone."""
    assert accessibility_faults(page) == [], page.url
    page.set_viewport_size(PHONE)
    return bool(page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"])


def test_pages(site: tuple[str, str, str], visitor: Visitor) -> None:
    address, public, session = site
    page = visitor.open(f"{address}/log-in/")
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
    shots = os.environ.get("SHARING_SHOTS")
    for where, text in (
        ("/policy/", "P19: Regular audits."),
        ("/agencies/", "oakdale-pd"),
        ("/requests/", "the Courier"),
        ("/requests/1/", "Hold what it is about"),
        ("/incidents/", "Incident 1: account r.manager"),
        ("/incidents/1/notice/affected/", "Notice of Data Breach"),
    ):
        page.set_viewport_size(WIDE)
        page.goto(f"{address}{where}")
        page.get_by_text(text).first.wait_for()
        if shots:
            page.screenshot(path=f"{shots}/{where.strip('/').replace('/', '-')}.png", full_page=True)
        assert is_fine(page), where
    page.goto(public)
    page.get_by_text("Signed copy of").wait_for()
    if shots:
        page.screenshot(path=f"{shots}/public.png", full_page=True)
    assert is_fine(page)
    policy = page.request.get(f"{public}/{page.get_by_role('link').first.get_attribute('href')}")
    assert policy.text() == (ROOT / "department" / "policy" / "default.toml").read_text("utf-8")
    assert page.request.get(f"{public}/department.toml").status == 404
