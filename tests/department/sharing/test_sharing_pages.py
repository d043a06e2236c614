"""The pages of sharing and the public page in a real browser, as they are installed: on a phone and by axe."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize

from department.config.upgrade import running_database
from department.folder import DepartmentFolder
from simulator.brokers.daemon import free_port
from tests.browser import PHONE, Visitor, accessibility_faults
from tests.department.commands.installation import Commands, department, done_beside
from tests.department.web.test_status_page import wait_until_served

__all__ = ["department"]
pytestmark = pytest.mark.end_to_end
WIDE: ViewportSize = {"width": 1280, "height": 900}
ROOT = Path(__file__).resolve().parents[3]
PREPARED = """
import sys
from pathlib import Path
from department.folder import DepartmentFolder
from simulator.lab.department.month_cli import live_month
assert live_month(DepartmentFolder(Path(sys.argv[1])), seed=1, reads=4, every=10)["passed"]
from department.people.models import DepartmentPerson
from tests.department.people.persons import client_of
print(client_of(DepartmentPerson.objects.get(login="r.stone")).cookies["sessionid"].value)
"""


@pytest.fixture(scope="module")
def site(department: Commands) -> Iterator[tuple[str, str, str]]:
    """Serve pages and public page of a department after a month; give their addresses and the manager's session."""
    folder = DepartmentFolder(department.folder)
    pages, public = (f"127.0.0.1:{free_port()}" for _ in range(2))
    with running_database(folder):
        said = done_beside(PREPARED, folder.path)
        assert department.json("public publish")["published"] is True
        assert department.json("contain", "1") == {
            "incident": 1, "codes": {}, "steps": {"Disable the account on its page; its sessions end with it": True}
        }  # fmt: skip
        one, other = department.start("serve", "--web", pages), department.start("public serve", "--web", public)
        with one, other:
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
        ("/partners/", "Name a partner, or change one"),
        ("/search/partners/", "No department is a partner"),
        ("/requests/", "the Courier"),
        ("/requests/2/", "Hold what it is about"),
        ("/incidents/", "Incident 1: account d.marsh"),
        ("/incidents/1/notice/affected/", "Notice of Data Breach"),
    ):
        page.set_viewport_size(WIDE)
        page.goto(f"{address}{where}")
        page.get_by_text(text).first.wait_for()
        if shots:
            page.screenshot(path=f"{shots}/{where.strip('/').replace('/', '-')}.png", full_page=True)
        assert where != "/policy/" or page.get_by_text("Not met").count() == 0, "20 of 20 after a month"
        assert is_fine(page), where
    page.goto(public)
    page.get_by_text("Signed copy of").wait_for()
    if shots:
        page.screenshot(path=f"{shots}/public.png", full_page=True)
    assert is_fine(page)
    policy = page.request.get(f"{public}/{page.get_by_role('link').first.get_attribute('href')}")
    assert policy.text() == (ROOT / "department" / "policy" / "default.toml").read_text("utf-8")
    assert page.request.get(f"{public}/department.toml").status == 404
