"""An investigator's walk in a real browser: from three characters and a color to a package that a lawyer opens."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from platepost.department.archive.evidence_package import open_sealed, write_opened
from platepost.department.folder import DepartmentFolder
from platepost.department.session import running_database
from platepost.simulator.brokers.daemon import free_port
from platepost.wire.records import Read
from tests.age_keys import new_key
from tests.browser import Visitor, drawn_width, page_faults
from tests.department.commands.filled import fleet_post, keep
from tests.department.commands.installation import Commands, department, done_aside
from tests.department.status.test_status_page import wait_until_served
from tests.waiting import until

__all__ = ["department"]
pytestmark = pytest.mark.end_to_end
CAPTURED = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)
SIGNED_ON = """
import sys, time
from pathlib import Path
from platepost.department.session import set_up_django
from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
set_up_django(DepartmentFolder(Path(sys.argv[1])), OWNER)
from platepost.department.people.rights import DepartmentRole
from tests.department.people.persons import client_of, new_person
person = new_person("f.lund", DepartmentRole.OPERATOR)
session = client_of(person).session
shown = {"method": "mfa", "type": "totp", "at": time.time() + 3600, "reauthenticated": True}
session["account_authentication_methods"] = [shown]
session["account_authentication_methods_user"] = str(person.pk)
session.save()
print(session.session_key)
"""
MOST_CLICKS = 8
"""From the first search to the booked package; typing is not counted."""


@pytest.fixture(scope="module")
def site(department: Commands) -> Iterator[tuple[str, str, Commands]]:
    """Serve the pages of a department with twelve reads of its post; return address, session, and its commands."""
    folder, post = DepartmentFolder(department.folder), fleet_post(department)
    post.now = CAPTURED + timedelta(minutes=30)
    envelopes = []
    for number in range(12):
        made = fleet_post(department).read(text=f"7AB{number:03}", captured=CAPTURED + timedelta(minutes=number))
        vehicle = {"kind": "pickup", "colors": ["red" if number == 7 else "white"]}
        envelopes.append(post.recorder.record(Read.model_validate(made.event["data"] | {"vehicle": vehicle})))
    where = f"127.0.0.1:{free_port()}"
    with running_database(folder):
        keep(folder, envelopes)
        session = done_aside(SIGNED_ON, folder.path).splitlines()[-1]
        with department.start("serve", "--web", where) as server:
            try:
                wait_until_served(f"http://{where}/log-in/", server)
                yield f"http://{where}", session, department
                server.terminate()
                server.wait(30)
            finally:
                server.kill()


class Walk:
    """A page on which clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks, self.began = page, 0, time.monotonic()

    def click(self, what: str) -> None:
        self.clicks += 1
        self.page.click(what)


THUMBPRINTS = ("Thumbprint of the archive service's key", "Thumbprint of the key of the register of cameras")


def redact(page: Page) -> None:
    """Cover one area of the plate's picture by mouse, and one by keyboard; come back to the evidence."""
    page.get_by_role("link", name=re.compile("^Redact the pictures of")).click()
    part = page.get_by_role("region", name="The plate")
    expect(part.get_by_role("button", name="Add an area")).to_be_enabled()
    box = part.get_by_role("img").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.up()
    part.get_by_role("button", name="Add an area").press("Enter")
    area = part.get_by_role("button", name="Area 2", exact=True)
    expect(area).to_be_focused()
    before = area.bounding_box()
    area.press("ArrowUp")
    until(lambda: area.bounding_box() != before, "the area has moved")
    part.get_by_role("button", name="Add an area").press("Enter")
    part.get_by_role("button", name="Area 3", exact=True).press("Delete")
    expect(part.get_by_role("listitem")).to_have_count(2)
    part.get_by_label("Area 2").last.select_option("face")
    assert page_faults(page, "redact") == []
    part.get_by_role("button", name="Save the areas").click()
    expect(page.get_by_text("Saved: the package covers 2 areas of this picture.")).to_be_visible()
    expect(part.locator(".area")).to_have_count(2)
    page.get_by_role("link", name="Evidence, case 26-00417").click()
    expect(page.locator("td[data-label=Covered]")).to_contain_text("2 areas")


def test_from_three_characters_and_a_color_to_a_package_that_opens_offline(
    site: tuple[str, str, Commands], visitor: Visitor, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    address, session, commands = site
    public = new_key(tmp_path / "key.txt")
    page = visitor.open(f"{address}/log-in/")
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
    page.goto(f"{address}/search/")
    walk = Walk(page)
    page.select_option("#id_purpose", "criminal investigation")
    page.fill("#id_case", "26-00417")
    page.fill("#id_plate", "7ab*")
    page.select_option("#id_color", "red")
    walk.click("button:text-is('Search')")
    expect(page.locator("#found")).to_have_text("1 plate")
    assert page_faults(page) == []
    expect(page.locator("tbody td[data-label=Vehicle]")).to_have_text("red pickup")
    expect(page.locator(".thumbnail canvas")).to_be_visible()
    walk.click(".thumbnail")
    expect(page.locator("h1")).to_have_text(re.compile(r"Read \d+"))
    expect(page.get_by_text("valid: this post signed the record")).to_be_visible()
    assert page_faults(page) == []
    page.emulate_media(media="print")  # paper has what was read, its proof, and who printed it, and nothing to click
    expect(page.get_by_text("Printed from Platepost by")).to_be_visible()
    expect(page.get_by_role("heading", name="Proof")).to_be_visible()
    for each in ("header", "button", "h2:text-is('What to do with it')"):
        assert not page.locator(each).filter(visible=True).count(), each
    page.emulate_media(media="screen")
    for each in (page.go_back, page.go_forward, page.reload):
        each()
        assert "7AB" not in page.url + page.title()
    expect(page.locator("h1")).to_have_text(re.compile(r"Read \d+"))
    walk.click("button:text-is('Hold')")
    page.fill("#id_reason", "hit and run")
    page.fill("#id_review_on", f"{datetime.now(UTC) + timedelta(days=90):%Y-%m-%d}")
    walk.click("button:text-is('Place the hold')")
    expect(page.get_by_role("heading", name="evidence, 26-00417")).to_be_visible()
    page.go_back()
    page.go_back()
    walk.click("button:text-is('Add to evidence')")
    expect(page.locator("#state")).to_have_text("not ordered")
    expect(page.locator("td[data-label=Held]")).to_have_text("held")
    expect(page.locator(".thumbnail canvas")).to_be_visible()
    assert page_faults(page) == []
    redact(page)
    page.fill("#id_recipient", public)
    walk.click("button:text-is('Order the package')")
    expect(page.locator("#state")).to_have_attribute("data-state", "ordered")
    assert commands("evidence", "--once").returncode == 0
    expect(page.locator("#state")).to_have_attribute("data-state", "ready")
    assert page_faults(page) == []
    with page.expect_download() as download:
        walk.click("a:text-is('Download the package')")
    sealed = Path(download.value.path())
    thumbprints = {label: page.locator("dl div", has_text=label).locator("code").inner_text() for label in THUMBPRINTS}
    for name, text in (("receipt", "P-2026-118"), ("medium", "USB drive 17"), ("by", "M. Stone, DA")):
        page.fill(f"#id_{name}", text)
    page.set_input_files("#file", sealed)
    expect(page.locator("#id_digest")).to_have_value(re.compile("^[0-9a-f]{64}$"))
    with page.expect_navigation():
        walk.click("button:text-is('Save the booking')")
    assert page.locator(".bad").count() == 0
    record_property("clicks and seconds", f"{walk.clicks}, {time.monotonic() - walk.began:.0f}")
    assert walk.clicks <= MOST_CLICKS
    # The lawyer, on a laptop without the internet.
    write_opened(open_sealed(sealed.read_bytes(), (tmp_path / "key.txt").read_bytes()), tmp_path / "opened")
    page.context.set_offline(offline=True)
    page.goto((tmp_path / "opened" / "index.html").as_uri())
    expect(page.get_by_text("valid, by this post's key")).to_be_visible()
    expect(page.get_by_text("f.lund covered 2 areas (plate, face)")).to_be_visible()
    for picture in page.locator("figure img").all():
        assert drawn_width(picture) > 0
    assert page_faults(page, "evidence-package") == []
    page.get_by_role("link", name="check the package").click()
    page.set_input_files("#file", tmp_path / "opened" / "evidence.zip")
    for label, thumbprint in thumbprints.items():
        page.get_by_label(label).fill(thumbprint)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Nothing was changed. The package is signed with the keys of your letter.")).to_be_visible()
    expect(page.get_by_text("a copy in which f.lund covered 2 area(s)")).to_be_visible()
    assert visitor.complaints == []
