"""The pages of audits in a real browser, as they are installed: by keyboard, on a phone, in the dark, and by axe."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from platepost.department.folder import DepartmentFolder
from platepost.department.session import running_database
from platepost.simulator.brokers.daemon import free_port
from tests.browser import PHONE, Visitor, accessibility_faults, pixels_too_wide
from tests.department.commands.installation import Commands, department, done_aside
from tests.department.status.test_status_page import wait_until_served

__all__ = ["department"]
pytestmark = pytest.mark.end_to_end
PREPARED = """
import json, sys
from datetime import timedelta
from pathlib import Path
from platepost.department.session import set_up_django
from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
set_up_django(DepartmentFolder(Path(sys.argv[1])), OWNER)
from django.utils import timezone
from platepost.department.audits.models import AuditPlan
from platepost.department.audits.services import plan_audits
from platepost.department.ledger.entries import open_entry
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.policy import AccessPurpose
from tests.department.people.persons import client_of, new_person
people = [new_person(f"{role.value[0]}.person", role) for role in (DepartmentRole.AUDITOR, DepartmentRole.OPERATOR)]
for number in range(2):
    purpose = AccessPurpose("stolen vehicle", "26-00417", "at the mall")
    with open_entry(person="o.person", agency="riverside", purpose=purpose, query={"plate": "TEST123"}) as entry:
        entry.fetched(plates=["TEST123"])
begins = timezone.now() - timedelta(days=1)
more = {"every_days": 1, "samples": 1, "days_to_finish": 5, "begins": begins}
plan_audits(AuditPlan(kind="audit", auditor="a.person", **more), person="a.person")
print(json.dumps([client_of(person).cookies["sessionid"].value for person in people]))
"""


@pytest.fixture(scope="module")
def site(department: Commands) -> Iterator[tuple[str, list[str]]]:
    """Serve the pages of a department with a plan that is due; give their address and two people's sessions."""
    folder = DepartmentFolder(department.folder)
    where = f"127.0.0.1:{free_port()}"
    with running_database(folder):
        fields = done_aside(PREPARED, folder.path)
        with department.start("serve", "--web", where) as server:
            try:
                wait_until_served(f"http://{where}/log-in/", server)
                yield f"http://{where}", json.loads(fields)
                server.terminate()
                server.wait(30)
            finally:
                server.kill()


def opened(visitor: Visitor, site: tuple[str, list[str]], who: int, **more: object) -> Page:
    address, sessions = site
    page = visitor.open(f"{address}/log-in/", **more)  # type: ignore[arg-type]
    page.context.add_cookies([{"name": "sessionid", "value": sessions[who], "url": address}])
    page.goto(address)
    return page


def fine(page: Page) -> bool:
    """Tell whether a page is accessible, fits a phone, and names no plate where it must not."""
    assert accessibility_faults(page) == []
    assert "TEST123" not in page.title() + page.url
    before = page.viewport_size
    page.set_viewport_size(PHONE)
    wide = pixels_too_wide(page)
    page.set_viewport_size(before or PHONE)
    return wide == 0


def test_audit_from_its_plan_to_a_finding_that_is_closed(
    site: tuple[str, list[str]], visitor: Visitor, department: Commands
) -> None:
    page = opened(visitor, site, 0)
    page.get_by_role("link", name="Audits").press("Enter")
    page.get_by_role("heading", name="Plans", exact=True).wait_for()
    assert fine(page)
    page.get_by_role("button", name="Begin audit 1").press("Enter")
    expect(page.get_by_text("Looked for records", exact=False).or_(page.get_by_text("26-00417")).first).to_be_visible()
    assert page.get_by_label("Outcome").input_value() == "", "nothing is answered by leaving it"
    page.get_by_label("Outcome").select_option("needs an answer")
    assert fine(page)
    page.get_by_label("Note").fill("The case is closed since May.")
    page.get_by_label("Note").press("Enter")
    page.get_by_role("button", name="Finish this audit").press("Enter")

    asked = opened(visitor, site, 1, phone=True, scheme="dark")
    asked.get_by_role("link", name="sample").press("Enter")
    asked.get_by_label("Answer").wait_for()
    assert fine(asked)
    asked.get_by_label("Answer").fill("It was opened again.")
    asked.get_by_role("button", name="Answer").press("Enter")
    expect(asked.get_by_text("It was opened again.")).to_be_visible()

    page.get_by_role("link", name="Finding 1").press("Enter")
    page.get_by_label("Outcome").select_option("in order")
    page.get_by_label("Because").fill("The case file says so.")
    page.get_by_role("button", name="Close the finding").press("Enter")
    expect(page.get_by_role("heading", name="Closed")).to_be_visible()
    assert fine(page)
    page.goto(f"{site[0]}/audits/report/")
    page.get_by_role("button", name="Count").press("Enter")
    expect(page.get_by_role("rowheader", name="stolen vehicle")).to_be_visible()
    assert fine(page)

    assert department.json("audit household", "o.person", "--consent", "taken back")["plates"] == 0
    document = department.json("audit misuse")
    assert (document["searches"], document["findings"], document["households"]) == (2, [], True)
