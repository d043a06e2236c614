"""The search pages and those of oversight in a real browser, as installed: by keyboard, on a phone, and by axe."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, TypeAlias
from urllib.parse import urljoin

import cv2
import numpy as np
import psycopg
import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from platepost.department.database.cluster import SUPERUSER
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from platepost.department.session import running_database
from platepost.simulator.brokers.daemon import free_port
from tests.browser import Visitor, accessibility_faults, drawn_width, page_faults, pixels_too_wide
from tests.department.commands.installation import Commands, department, done_aside
from tests.department.planting import planting
from tests.department.search.conftest import keep_record
from tests.department.status.test_status_page import wait_until_served

__all__ = ["department"]
pytestmark = pytest.mark.end_to_end
AT = datetime.now(UTC).replace(microsecond=0)
PLATES = ("7ABO123", "7ABD123", "7A8O128", "6ABC123")
FOLLOWER = "8QXZ999"
POSTS = {f"post-{number + 1}": [-121.56 + 0.06 * number, 38.52 + 0.03 * number] for number in range(3)}
LOGGED_IN = """
import sys
from pathlib import Path
from platepost.department.session import set_up_django
from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
set_up_django(DepartmentFolder(Path(sys.argv[1])), OWNER)
import json
from allauth.mfa.models import Authenticator
from platepost.department.ledger.entries import open_entry
from platepost.department.people.login import FactorAdapter
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.policy import AccessPurpose
from tests.department.people.persons import client_of, new_person
from tests.department.planting import planting
logins = {"operator": "a.rivera", "auditor": "i.auditor", "supervisor": "s.supervisor", "administrator": "m.admin"}
logins |= {"records_manager": "r.records"}
people = {role: new_person(login, DepartmentRole(role)) for role, login in logins.items()}
secret = FactorAdapter().encrypt(sys.argv[2])
Authenticator.objects.filter(user=people["administrator"]).update(data={"secret": secret})
purpose = AccessPurpose("criminal investigation", reason="child taken", exigent=True)
open_entry(person="a.rivera", agency="riverside", purpose=purpose, query={"plate": "TEST1"}).shown()
print(json.dumps({role: client_of(person).cookies["sessionid"].value for role, person in people.items()}))
"""
SECRET = "JBSWY3DPEHPK3PXP"
Site: TypeAlias = tuple[str, dict[str, str]]
"""The address, and by role a session of someone who logged on long ago."""


def feature(geometry: dict[str, object], **properties: object) -> dict[str, object]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def put(connection: psycopg.Connection) -> None:
    """Put in some reads of three posts, each with a patch."""
    connection.execute("SELECT custody_make_partitions(%s, %s)", [(AT - timedelta(days=9)).date(), AT.date()])
    for number in range(24):
        passage = number % 12
        at, plate = AT - timedelta(hours=17 * passage), PLATES[passage % 4 if passage < 4 else 0]
        if number != passage:  # another car is behind it each time
            at, plate = at + timedelta(seconds=20), FOLLOWER
        picture = np.full((64, 160), 225, np.uint8)
        cv2.putText(picture, plate, (6, 42), cv2.FONT_HERSHEY_SIMPLEX, 0.95, 40, 2)
        body = cv2.imencode(".png", picture)[1].tobytes()
        row = {
            "id": number,
            "at": at,
            "post": f"post-{passage % 3 + 1}",
            "plate": plate,
            "key": plate.replace("O", "0"),
        }
        connection.execute(
            "INSERT INTO custody_read VALUES (%(id)s, 'no_hit', %(at)s, %(post)s, NULL, 'p', %(at)s, %(plate)s,"
            " %(key)s, %(key)s, 0.93, 0.9, 'main', NULL, %(at)s, %(at)s, '{}', 'approaching', 'left', 'US-CA')",
            row,
        )
        keep_record(connection, number, at)
        connection.execute(
            "INSERT INTO custody_picture VALUES (%s, 'no_hit', %s, NULL, 'patch', 'image/png', 160, 64, %s, %s)",
            [number, at, hashlib.sha256(body).digest(), body],
        )


@pytest.fixture(scope="module")
def site(department: Commands) -> Iterator[Site]:
    """Serve the pages of a department with some reads."""
    folder = DepartmentFolder(department.folder)
    outline = [[-121.6, 38.5], [-121.4, 38.5], [-121.38, 38.6], [-121.5, 38.64], [-121.6, 38.5]]
    middle = [[-121.52, 38.54], [-121.44, 38.54], [-121.44, 38.62], [-121.52, 38.62], [-121.52, 38.54]]
    features = [
        feature({"type": "Polygon", "coordinates": [outline]}, outline=True),
        feature({"type": "Polygon", "coordinates": [middle]}, area="Downtown"),
        *(feature({"type": "Point", "coordinates": point}, post=post) for post, point in POSTS.items()),
    ]
    folder.places.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    where = f"127.0.0.1:{free_port()}"
    with running_database(folder):
        superuser = {"host": str(folder.cluster), "user": SUPERUSER, "dbname": DATABASE_NAME}
        with psycopg.connect(**superuser, autocommit=True) as connection, planting(connection):
            put(connection)
        fields = done_aside(LOGGED_IN, folder.path, SECRET)
        with department.start("serve", "--web", where) as server:
            try:
                wait_until_served(f"http://{where}/log-in/", server)
                yield f"http://{where}", json.loads(fields)
                server.terminate()
                server.wait(30)
            finally:
                server.kill()


def opened(visitor: Visitor, site: Site, role: str = "operator", path: str = "/search/", **more: object) -> Page:
    address, sessions = site
    page = visitor.open(f"{address}/log-in/", **more)  # type: ignore[arg-type]
    page.context.add_cookies([{"name": "sessionid", "value": sessions[role], "url": address}])
    page.goto(f"{address}{path}")
    return page


def tab_to(page: Page, what: str) -> None:
    """Press the tab key until what has the focus begins with some text, or is the field of that name."""
    message = "(e => [e.name || '', e.innerText || ''])(document.activeElement)"
    for _ in range(60):
        name, text = page.evaluate(message)
        if name == what or text.strip().startswith(what):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the tab key never came to {what}")


def fine(page: Page) -> bool:
    """Tell whether a page has no accessibility fault and needs no scrolling sideways."""
    assert accessibility_faults(page) == []
    assert "7A" not in page.title() + page.url
    return pixels_too_wide(page) == 0


def test_from_an_empty_page_to_a_picture_by_keyboard(visitor: Visitor, site: Site) -> None:
    page = opened(visitor, site)
    tab_to(page, "purpose")
    page.keyboard.type("criminal")
    tab_to(page, "case")
    page.keyboard.type("26-00417")
    tab_to(page, "plate")
    page.keyboard.type("7ab?12*")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_have_text("2 plates")
    expect(page.locator("tbody tr:first-child th")).to_have_text("7ABO123")
    assert fine(page)
    folder = os.environ.get("PLATEPOST_SCREENSHOTS")
    if folder:
        page.screenshot(path=f"{folder}/search.png", full_page=True)
    expect(page.locator(".thumbnail canvas").first).to_have_js_property("width", 160)
    tab_to(page, "9 reads")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Reads of a plate')")
    expect(page.locator("tbody tr")).to_have_count(9)
    assert page_faults(page) == []
    page.go_back()
    expect(page.locator("#found")).to_have_text("2 plates")
    page.go_forward()
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(9)
    tab_to(page, "Open")
    page.keyboard.press("Enter")
    assert drawn_width(page.locator(".pictures img")) == 160
    assert page_faults(page) == []
    tab_to(page, "correction")
    page.keyboard.type("7ab d123")
    page.keyboard.press("Enter")
    page.wait_for_selector("li:has-text('7ABD123 by a.rivera')")
    assert visitor.complaints == []


def printed_pictures(pdf: bytes) -> list[tuple[float, float, float]]:
    """Return where pictures begin from the left, how wide they are, and how wide their page is."""
    found: list[tuple[float, float, float]] = []
    for page in PdfReader(BytesIO(pdf)).pages:
        paper = float(page.mediabox.width)

        def noted(operator: bytes, _operands: object, matrix: Any, _text: object, paper: float = paper) -> None:
            if operator == b"Do":
                found.append((float(matrix[4]), float(matrix[0]), paper))

        page.extract_text(visitor_operand_before=noted)
    return found


def test_a_convoy_on_the_map(visitor: Visitor, site: Site) -> None:
    page = opened(visitor, site, maps=True)
    needed = page.get_by_text("A convoy needs reads of this plate at two or more posts.")
    for posts, reads in ((["post-1"], "3 reads"), ([], "9 reads")):
        page.goto(f"{site[0]}/search/")
        page.select_option("#id_purpose", "criminal investigation")
        page.fill("#id_case", "26-00417")
        page.fill("#id_plate", "7ABO123")
        for post in posts:
            page.locator(f"input[name=posts][value={post}]").check(force=True)
        page.click("button:text-is('Search')")
        page.click(f"tbody a:has-text('{reads}')")
        page.wait_for_selector("nav a:text-is('Convoy')")
        page.wait_for_load_state()
        assert needed.count() == len(posts), "of one post only"
    page.click("nav a:text-is('Convoy')")
    page.wait_for_selector(f"h2:has-text('Where it was together with {FOLLOWER}')")
    meetings = page.locator("street-map li:has-text('post-')")
    meetings.nth(8).wait_for(state="attached")  # each time that they passed together, and the posts
    first = (meetings.first.text_content() or "").strip()
    assert re.match(r"1: \w+ \d+, \d{4}, \d+:\d\d:\d\d [AP]M [A-Z]+, post-", first), "a time as on all pages"
    together = page.locator("table:has(caption:has-text('Where 7AB')) tbody tr")
    assert together.count() == 9
    assert re.search(r"\d+ s (later|earlier)", together.first.inner_text())
    expect(page.locator("street-map[data-drawn]")).to_be_visible()
    ((left, width, paper),) = printed_pictures(page.pdf(format="Letter"))
    assert width > paper / 2
    assert left > 0
    assert left + width < paper, "the whole map is on the paper"
    assert page_faults(page) == []
    page.click(f"tbody tr:has-text('{FOLLOWER}') button")
    expect(page.get_by_role("heading", name="Reads of a plate")).to_be_visible()
    expect(page.locator("code.plate")).to_have_text(FOLLOWER)
    assert visitor.complaints == []


def test_tables_fit_a_tablet(visitor: Visitor, site: Site) -> None:
    page = opened(visitor, site)
    page.set_viewport_size({"width": 800, "height": 1100})
    page.select_option("#id_purpose", "criminal investigation")
    page.fill("#id_case", "26-00417")
    page.fill("#id_plate", "7AB*")
    page.click("button:text-is('Search')")
    page.wait_for_selector("tbody tr >> nth=1")
    assert pixels_too_wide(page) == 0
    page.click("tbody a:has-text('9 reads')")
    page.wait_for_selector("h1:text-is('Reads of a plate')")
    assert pixels_too_wide(page) == 0


def test_phone_and_map(visitor: Visitor, site: Site) -> None:
    page = opened(visitor, site, phone=True, scheme="dark")
    assert fine(page)
    page.select_option("#id_purpose", "patrol")
    page.check("input[name=areas][value=Downtown]")
    page.click(".map [data-post=post-3] circle")
    expect(page.locator("input[name=posts][value=post-3]")).to_be_checked()
    for name, at in (("since", AT - timedelta(days=9)), ("until", AT + timedelta(hours=1))):
        page.fill(f"#id_{name}", f"{at:%Y-%m-%dT%H:%M}")
    page.click("button:text-is('Search')")
    expect(page.locator("#found")).to_contain_text("plates")
    page.wait_for_load_state()
    head = page.locator("thead").bounding_box()
    assert head is not None
    assert head["width"] <= 1, "each cell says what it is"
    assert fine(page)
    for view in ("Map", "Timeline"):
        page.click(f"nav a:text-is('{view}')")
        page.wait_for_selector(f"nav a:text-is('{view}')[aria-current=page]")
        assert page_faults(page) == []
        assert "7A" not in page.title() + page.url
    with page.expect_navigation():
        page.click("a:text-is('Several scenes')")
    assert fine(page)
    for number in range(3, 11):
        page.click("button:text-is('Add a scene')")
        expect(page.locator("fieldset.scene")).to_have_count(number)
    expect(page.locator("button:text-is('Add a scene')")).to_be_hidden()
    page.click("fieldset.scene:nth-of-type(3) .map [data-post=post-2] circle")
    expect(page.locator("input[name=scene-1-posts][value=post-2]")).to_be_checked()
    assert visitor.complaints == []


def test_pages_of_oversight_on_a_phone_in_the_dark(visitor: Visitor, site: Site) -> None:
    page = opened(visitor, site, "auditor", "/ledger/", phone=True, scheme="dark")
    page.select_option("#id_event", "intent")
    page.click("button:text-is('Show entries')")
    page.wait_for_selector("tbody tr:has-text('searched for records, exigent')")
    assert fine(page)
    page = opened(visitor, site, "supervisor", "/reviews/", phone=True, scheme="dark")
    assert fine(page)
    assert page.get_by_label("Outcome").input_value() == "", "nothing is answered by leaving it"
    page.get_by_label("Outcome").select_option("justified")
    page.get_by_label("Note").fill("the child was found")
    page.click("button:text-is('Enter the review')")
    page.wait_for_selector("text=None waits.")
    assert visitor.complaints == []


def test_change_waits_for_a_fresh_code_and_then_goes_on(visitor: Visitor, site: Site) -> None:
    page = opened(visitor, site, "administrator", "/people/person/a.rivera/")
    page.get_by_label("Role").select_option("dispatcher")
    page.click("button:text-is('Request this role')")
    page.wait_for_selector("h1:has-text('Confirm that it is you')")
    assert fine(page)
    step = page.evaluate("Math.floor(Date.now() / 30000)")
    page.get_by_label("Code").fill(format_hotp_value(hotp_value(SECRET, step)))
    page.click("button:text-is('Continue')")
    page.wait_for_selector("li:has-text('dispatcher'):has-text('requested by m.admin')")
    assert visitor.complaints == []


def test_holds_and_plans(visitor: Visitor, site: Site) -> None:
    page = opened(visitor, site, "records_manager", "/holds/", phone=True, scheme="dark")
    page.select_option("#id_kind", "evidence")
    for name, fields in (("case", "26-1"), ("reason", "homicide"), ("review_on", "2027-06-01")):
        page.fill(f"#id_{name}", fields)
    for name, at in (("since", AT - timedelta(days=9)), ("until", AT)):
        page.fill(f"#id_{name}", f"{at:%Y-%m-%dT%H:%M}")
    page.click("button:text-is('Place the hold')")
    page.wait_for_selector("h2:has-text('evidence, 26-1')")
    assert fine(page)
    page.goto(urljoin(page.url, "/archive/"))
    page.fill("#id_resolution", "2026-117")
    page.click("button:text-is('Plan the purge')")
    page.wait_for_selector("text=Refused: the law asks for a resolution and the attorney's consent")
    assert page_faults(page) == []
    visitor.forgive("409")
    assert visitor.complaints == []
