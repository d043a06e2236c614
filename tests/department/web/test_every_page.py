"""Every page of a department and the public page in a real browser, after a month: by axe, on a desktop and a phone."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

import psycopg
import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse
from joserfc.jwk import ECKey
from playwright.sync_api import Page, expect

from platepost.department.database.cluster import SUPERUSER
from platepost.department.folder import DepartmentFolder
from platepost.department.session import running_database
from platepost.simulator.brokers.daemon import free_port
from tests.browser import Visitor, accessibility_faults, comes_again, page_faults, pixels_too_wide
from tests.department.commands.installation import Commands, department, done_aside
from tests.department.sharing.pdf_text import PdfText
from tests.department.status.test_status_page import wait_until_served
from tests.thorough import THOROUGH

__all__ = ["department"]
ROOT = Path(__file__).resolve().parents[3]
NAMED = """
name = "Riverside Police Department"
contact = "records@riverside.example, 555-0100"
public_cameras = ["Main Street at 3rd Avenue"]
"""
PREPARED = """
import json, sys, time
from pathlib import Path
from uuid import uuid4
from platepost.department.folder import DepartmentFolder
from tests.campaigns.month.cli import live_month
assert live_month(DepartmentFolder(Path(sys.argv[1])), seed=1, reads=4, every=10).passed
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from tests.department.people.persons import client_of, new_person
new_person("m.admin", DepartmentRole.ADMINISTRATOR)
new_person("t.trainer", DepartmentRole.TRAINER)
sessions = {}
for person in DepartmentPerson.objects.filter(disabled_at=None).exclude(login="trainer"):
    session = client_of(person).session
    shown = {"method": "mfa", "type": "totp", "at": time.time() + 3600, "reauthenticated": True}
    session["account_authentication_methods"] = [shown]
    session["account_authentication_methods_user"] = str(person.pk)
    session["people_form"] = {
        "person": person.login, "address": "/requests/", "page": "/requests/", "at": 0,
        "fields": [["kind", "public records"], ["says", "The log of searches"]],
    }
    session.save()
    sessions[person.login] = session.session_key
print(json.dumps(sessions))
"""
PAGES = {
    "": (
        ("/log-in/suspended/", "suspended"),
        ("/log-in/cancelled/", "The identity provider did not log you in"),
        ("/log-in/failed/", "The identity provider did not log you in"),
        ("/log-in/", "Log in"),
    ),
    "r.stone": (
        ("/policy/", "P19: Regular audits."),
        ("/policy/text/", "What is prohibited"),
        ("/agencies/", "oakdale-pd"),
        ("/partners/", "Name a partner, or change one"),
        ("/search/partners/", "No department is a partner"),
        ("/requests/", "the Courier"),
        ("/requests/2/", "Hold what it is about"),
        ("/requests/2/letter/received/", "We received your request"),
        ("/incidents/", "Incident 1: account d.marsh"),
        ("/incidents/1/", "Compute whom it affects"),
        ("/incidents/1/notice/affected/", "Notice of Data Breach"),
        ("/archive/", "Archive"),
        ("/holds/", "evidence"),
        ("/evidence/", "Collect reads from a search"),
        ("/direct-feeds/", "No one receives every read"),
        ("/quality/", "Quality"),
        ("/", "System status"),
        ("/help/", "Whom to ask"),
        ("/form/", "Send it now"),
        ("/account/", "authenticator"),
        ("/account/passkeys/", "Passkeys"),
        ("/account/passkeys/add/", "passkey"),
        ("/account/authenticator/remove/", "authenticator"),
        ("/account/recovery-codes/new/", "codes"),
        ("/account/password/set/", "password"),
        ("/account/fresh/code/", "Code"),
        ("/log-out/", "Log out"),
    ),
    "c.frey": (("/console/", "Hits"), ("/console/shift/", "shift"), ("/history/", "History of hits")),
    "f.lund": (
        ("/search/", "Search"),
        ("/search/scenes/", "scenes"),
        ("/evidence/", "You have collected nothing yet"),
        ("/lists/", "Lists"),
        ("/lists/add/", "entry"),
        ("/lists/imports/", "Imports"),
        ("/lists/entry/1/", "List entry"),
        ("/training/", "Training"),
        ("/quality/label/", "Label"),
    ),
    "s.avila": (("/reviews/", "Reviews"), ("/history/rejections/", "priority 1")),
    "a.dunn": (
        ("/ledger/", "Ledger"),
        ("/audits/", "Plans"),
        ("/audits/1/", "Audit"),
        ("/audits/report/", "Count"),
        ("/household/", "plates"),
    ),
    "m.admin": (
        ("/people/", "People"),
        ("/people/add/", "Add"),
        ("/people/import/", "Columns"),
        ("/go-live/", "Before the department goes live"),
        ("/admissions/", "No records are admitted"),
        ("/people/consoles/", "console"),
        ("/people/person/f.lund/", "F.Lund"),
        ("/holds/", "You may not do this"),
    ),
    "t.trainer": (("/people/trained/", "From a list"),),
}
"""By who looks at it: each page, and what it says."""
AT_ONCE = 9
"""Of these pages, how many one test opens: on a machine that is busy, each takes seconds."""
FORGIVEN = {"": ["401"], "m.admin": ["403"]}
"""Of these pages, what the browser notes as an error and is none."""
ELSEWHERE = {
    "evidence_cart": "web/test_every_page.py, in the investigator's walk",
    "evidence_redact": "commands/test_investigator.py",
    "exercise": "people/test_people_pages.py",
    "mfa_activate_totp": "people/test_people_pages.py",
    "mfa_view_recovery_codes": "people/test_people_pages.py",
    "mfa_authenticate": "people/test_people_pages.py",
    "finding": "audits/test_audit_pages.py",
    "ledger_entries": "search/test_search_page.py",
    "list_import": "web/test_lists_page.py",
    "search_change": "search/test_search_page.py",
    "search_plate": "search/test_search_page.py",
    "search_results": "search/test_search_page.py",
    "search_partner_results": "federation/test_two_departments.py, but not in a browser",
    "search_scene_results": "search/test_search_page.py",
    "search_read": "search/test_search_page.py",
}
"""Pages that need more than a month, and the file of the test that looks at them."""
NONE = {
    "account_change_password": "as `account_set_password`, with the password that was",
    "archive_plan": "tables as in `archive`, once records are past their term",
    "console_events": "a stream",
    "console_waiting": "what waits, for the line that every page shows; see `alerts/pages`",
    "evidence_letter": "a file",
    "evidence_package": "a file",
    "exercise_picture": "a picture",
    "history_picture": "a picture",
    "home": "leads on to the page of one's work",
    "incident_notice_pdf": "a file",
    "policy_pdf": "a file",
    "request_letter_pdf": "a file",
    "mfa_login_webauthn": "what a passkey is to sign",
    "mfa_reauthenticate_webauthn": "as `mfa_reauthenticate`, with a passkey",
    "mfa_remove_webauthn": "as `mfa_deactivate_totp`, of a passkey",
    "openid_connect_callback": "on the way back from the identity provider",
    "people_list": "`test_list_of_people` below",
    "provider_ended": "what the identity provider is answered",
    "openid_connect_login": "on the way to the identity provider",
    "quality_sample": "a picture",
    "search_picture": "a picture",
    "search_thumbnails": "pictures",
    "search_tile": "a tile of the map",
}
"""What answers a browser with no page, or with one like another's."""
EXAMPLES = {
    "batch": uuid4(),
    "plan": uuid4(),
    "query": uuid4(),
    "cart": uuid4(),
    "saved": uuid4(),
    "ticket": uuid4(),
    "name": "spring",
    "what": "end",
    "login": "f.lund",
}
"""Of what an address names, where it is no number."""


@dataclass(frozen=True)
class Site:
    """A department after a month."""

    pages: str
    public: str
    sessions: dict[str, str]


@pytest.fixture(scope="module")
def site(department: Commands) -> Iterator[Site]:
    """Serve pages and public page of a department after a month."""
    settings = department.folder / "department.toml"
    settings.write_text(f"{NAMED}{settings.read_text()}")
    folder = DepartmentFolder(department.folder)
    pages, public = (f"127.0.0.1:{free_port()}" for _ in range(2))
    with running_database(folder):
        fields = done_aside(PREPARED, folder.path)
        assert department.json("public publish")["published"] is True
        assert department.json("contain", "1") == {
            "incident": 1, "codes": {}, "steps": {"Disable the account on its page; its sessions end with it": True}
        }  # fmt: skip
        one, other = department.start("serve", "--web", pages), department.start("public serve", "--web", public)
        with one, other:
            try:
                wait_until_served(f"http://{pages}/log-in/", one)
                wait_until_served(f"http://{public}/", other)
                yield Site(f"http://{pages}", f"http://{public}", json.loads(fields.splitlines()[-1]))
            finally:
                for server in (one, other):
                    server.terminate()
                    server.wait(30)


@pytest.mark.end_to_end
@pytest.mark.parametrize(
    ("login", "first"), [(who, at) for who, all_ in PAGES.items() for at in range(0, len(all_), AT_ONCE)]
)
def test_pages(site: Site, visitor: Visitor, login: str, first: int) -> None:
    page = visitor.open(f"{site.pages}/log-in/")
    if login:
        page.context.add_cookies([{"name": "sessionid", "value": site.sessions[login], "url": site.pages}])
    for where, text in PAGES[login][first : first + AT_ONCE]:
        page.goto(f"{site.pages}{where}")
        page.locator("main").get_by_text(text).first.wait_for()
        assert where != "/policy/" or page.get_by_text("Not met").count() == 0, "20 of 20 after a month"
        assert page_faults(page) == [], where
    for status in FORGIVEN.get(login, ()):
        visitor.forgive(status)


@pytest.mark.end_to_end
def test_list_of_people(site: Site, visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "officers.csv"
    file.write_text("login,name,badge,roles,clets\nn.new,Nia New,12,dispatcher,2099-01-31\nbad,,,boss,soon\n")
    page = visitor.open(f"{site.pages}/log-in/")
    page.context.add_cookies([{"name": "sessionid", "value": site.sessions["m.admin"], "url": site.pages}])
    page.goto(f"{site.pages}/people/import/")
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_label("Sponsor").select_option("s.avila")
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("Of 2 rows, 1 can be imported (1 new people) and 1 have errors").wait_for()
    assert page_faults(page) == []
    page.get_by_role("button", name="Import 1 row").click()
    page.get_by_text("1 people added").wait_for()
    assert page_faults(page) == []
    page.get_by_role("link", name="The list").click()
    page.get_by_role("heading", name="List of people").wait_for()
    assert page_faults(page) == []
    page.context.add_cookies([{"name": "sessionid", "value": site.sessions["s.avila"], "url": site.pages}])
    page.reload()
    page.get_by_role("button", name="Approve all").click()
    page.get_by_role("heading", name="Second halves of the codes").wait_for()
    assert page_faults(page) == []


@pytest.mark.end_to_end
def test_public_page(site: Site, visitor: Visitor) -> None:
    page = visitor.open(site.public)
    page.get_by_text("Signed copy of").first.wait_for()
    assert page_faults(page, "public") == []
    link = page.get_by_role("link", name=re.compile("^file of ")).first
    policy = page.request.get(f"{site.public}/{link.get_attribute('href')}")
    assert policy.text() == (ROOT / "department" / "policy" / "default.toml").read_text("utf-8")
    assert page.request.get(f"{site.public}/department.toml").status == 404


@dataclass
class Walk:
    """What a person does on the pages, as they would: each step is something that they see and use."""

    page: Page
    steps: int = 0

    def click(self, kind: Literal["link", "button"], name: str) -> None:
        self.steps += 1
        former = self.page.url
        self.page.get_by_role(kind, name=name).first.click()
        self.page.wait_for_load_state()  # the next step takes the last of its fields, which a page has once it is whole
        if THOROUGH and self.page.url != former:
            comes_again(self.page)

    def fill(self, label: str, text: str) -> None:
        self.steps += 1
        field = self.page.get_by_label(label, exact=True).last
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(text)
        else:
            field.fill(text)

    def file(self, kind: Literal["link", "button"], name: str) -> bytes:
        with self.page.expect_download() as download:
            self.click(kind, name)
        return Path(download.value.path()).read_bytes()

    def sees(self, text: str) -> None:
        self.page.locator("main").get_by_text(text).first.wait_for()
        assert accessibility_faults(self.page) == []


def walk(site: Site, visitor: Visitor, login: str) -> Walk:
    page = visitor.open(f"{site.pages}/log-in/")
    page.context.add_cookies([{"name": "sessionid", "value": site.sessions[login], "url": site.pages}])
    page.goto(site.pages)
    return Walk(page)


@pytest.mark.end_to_end
def test_a_records_request_from_letter_to_answer(site: Site, visitor: Visitor) -> None:
    manager = walk(site, visitor, "r.stone")
    manager.click("link", "Requests")
    assert manager.page.get_by_label("Kind", exact=True).input_value() == "", "nothing is answered by leaving it"
    manager.fill("Kind", "public records")
    manager.fill("Who asks", "Ann Reed")
    manager.fill("Address", "12 Elm Street")
    manager.fill("What is asked", "How often the cameras were searched last week, and for what")
    today = manager.page.evaluate("new Date().toLocaleDateString('sv')")
    manager.fill("Received", today)
    manager.click("button", "Enter the request")
    manager.sees("Ann Reed")
    manager.click("link", "Letter that it was received")
    manager.sees("We will answer by")
    assert PdfText(manager.file("link", "The letter as PDF")).faults == []
    manager.page.go_back()
    manager.click("button", "The letter that it was received was sent")
    part = "Part 1: How often the cameras were searched last week, and for what"
    manager.fill(part, "denied")
    manager.fill("Part 1: what is given, redacted, or withheld, and why", "There are none")
    manager.click("button", "Record the decision")
    manager.click("button", "Take the decision back")
    manager.fill(part, "granted")
    manager.click("button", "Record the decision")
    manager.fill("First day", "2026-01-01")
    manager.fill("Last day", "2026-01-07")
    assert manager.file("button", "Download the log").startswith(b"Date,Purpose,")
    manager.page.get_by_text("Made for Jan 1, 2026 to Jan 7, 2026.").wait_for()
    manager.click("link", "Letter with the answer")
    manager.sees("Granted.")
    manager.sees("searched the records 0 times")
    manager.page.go_back()
    manager.click("button", "The answer was sent")
    manager.sees("The decision is final.")
    assert manager.page.get_by_role("button", name="Take the decision back").count() == 0
    assert manager.steps <= 25


@pytest.mark.end_to_end
@pytest.mark.timeout(300)  # eleven pages, three of them laid out as files
def test_an_audit_from_plan_to_pdf(site: Site, visitor: Visitor) -> None:
    auditor = walk(site, visitor, "a.dunn")
    auditor.click("link", "Audits")
    auditor.fill("Kind", "audit")
    auditor.fill("Every (days)", "1")
    auditor.fill("Searches to look at", "1")
    auditor.fill(
        "First day that is audited", auditor.page.evaluate("new Date(Date.now() - 3 * 864e5).toLocaleDateString('sv')")
    )
    auditor.click("button", "Make this plan")
    auditor.page.get_by_role("button", name=re.compile("^Begin audit")).last.click()
    auditor.page.get_by_role("heading", name=re.compile("^Audit ")).wait_for()
    while (judge := auditor.page.get_by_role("button", name=re.compile("^Enter the outcome"))).count():
        auditor.fill("Outcome", "in order")
        judge.first.click()
        auditor.page.wait_for_load_state()
    auditor.click("button", "Finish this audit")
    auditor.page.get_by_role("heading", name="Finished").wait_for()
    auditor.page.get_by_role("table").filter(has_text="Finished").get_by_role("link").first.click()
    auditor.sees("Finished ")
    read = PdfText(auditor.file("button", "Download as PDF"))
    assert read.faults == []
    assert {"H1", "Table", "TH", "TD"} <= {*read.tags}
    assert "Findings and follow-up" in read.text
    assert auditor.file("button", "Download as CSV").startswith(b"table,Entry,")
    auditor.click("link", "Audits")
    auditor.click("link", "Searches of a month")
    auditor.click("button", "Count")
    auditor.sees("Who searched")
    assert page_faults(auditor.page) == []
    auditor.click("link", "Ledger")
    auditor.fill("Event", "intent")
    auditor.click("button", "Show entries")
    auditor.page.get_by_role("button", name=re.compile("^What entry .* showed")).first.click()
    auditor.page.locator("tbody").get_by_text("was shown").first.wait_for()
    assert auditor.file("button", "Download as CSV").startswith(b"Entry,When,Who")


@pytest.mark.end_to_end
def test_a_breach_from_report_to_notices(site: Site, visitor: Visitor) -> None:
    lead = walk(site, visitor, "r.stone")
    lead.click("link", "Breaches")
    lead.fill("Kind", "account")
    lead.fill("Which account, device, subscriber, or backup", "f.lund")
    lead.fill("What happened", "A stranger used an officer's account.")
    lead.fill("From", "2026-01-01T00:00")
    lead.fill("Until", "2999-01-01T00:00")
    lead.fill("Known since", lead.page.evaluate("new Date().toLocaleDateString('sv')"))
    lead.click("button", "Open it")
    lead.sees("Contain it")
    key = ECKey.generate_key("P-256").as_pem(private=False).decode()
    lead.fill("Your public key", key)
    assert lead.file("button", "Compute it, and download the list")
    lead.page.get_by_role("link", name=re.compile("^Notice of incident")).click()  # there once the page came again
    lead.sees("Ask the records manager of Riverside Police Department: records@riverside.example, 555-0100.")
    read = PdfText(lead.file("link", "As PDF"))
    assert "Riverside Police Department" in read.text
    assert read.faults == []
    lead.page.go_back()
    lead.page.get_by_role("button", name=re.compile("were notified$")).click()
    lead.sees("The people affected were notified on")
    assert page_faults(lead.page) == []


@pytest.mark.end_to_end
def test_a_resident_finds_out_who_may_search(site: Site, visitor: Visitor) -> None:
    page = visitor.open(site.public, phone=True)
    page.get_by_role("link", name="Who may search, and for what").click()
    page.get_by_text("Only personnel of the department").wait_for()
    expect(page.get_by_role("row", name=re.compile("^Stolen vehicle")).first).to_be_visible()
    page.get_by_role("link", name=re.compile("^Policy of")).first.click()
    page.get_by_role("heading", name="3. For what records may be used").wait_for()
    assert page_faults(page, "public-policy") == []
    pdf = page.request.get(f"{site.public}/{page.get_by_role('link', name='The policy as PDF').get_attribute('href')}")
    read = PdfText(pdf.body())
    assert read.faults == []
    assert read.about["Author"] == "Riverside Police Department"
    page.go_back()
    page.get_by_role("link", name="Ask for your own records").click()
    page.get_by_text("records@riverside.example").wait_for()


@pytest.mark.end_to_end
def test_a_long_word_fits_the_smallest_phone(site: Site, visitor: Visitor, department: Commands) -> None:
    """An address, or the number of a court, may have no space, and a page may be magnified four times (WCAG 1.4.10)."""
    with psycopg.connect(DepartmentFolder(department.folder).conninfo(SUPERUSER), autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for table, column in (
            *(("sharing_request", "says"), ("sharing_incident", "says"), ("archive_hold", "reason")),
            *(("people_person", "name"), ("ledger_verification", "says"), ("audits_sample", "note")),
        ):
            superuser.execute(f"UPDATE {table} SET {column} = repeat('W', 120)")
    for login in ("r.stone", "a.dunn", "m.admin"):
        page = visitor.open(f"{site.pages}/log-in/")
        page.set_viewport_size({"width": 320, "height": 640})
        page.context.add_cookies([{"name": "sessionid", "value": site.sessions[login], "url": site.pages}])
        for where, _ in PAGES[login]:
            page.goto(f"{site.pages}{where}")
            assert pixels_too_wide(page) == 0, where
    visitor.forgive("403")


@pytest.mark.end_to_end
def test_no_page_is_left_out(site: Site, visitor: Visitor) -> None:
    """Whatever answers a browser is looked at here or elsewhere; acts take a form alone."""
    seen = {resolve(where).url_name for pages in PAGES.values() for where, _ in pages}
    page = visitor.open(f"{site.pages}/log-in/")
    for each in patterns(get_resolver()):
        if each.name not in seen | {*ELSEWHERE} | {*NONE}:
            given = {name: EXAMPLES.get(name, 1) for name in each.pattern.converters}
            address = f"{site.pages}{reverse(each.name, kwargs=given)}"
            assert 405 in statuses(page, address, site.sessions.values()), each.name


def statuses(page: Page, address: str, sessions: Iterable[str]) -> Iterator[int]:
    """Ask for an address as one person after another; who may not do an act is not told of its method."""
    for session in sessions:
        yield page.request.get(address, headers={"Cookie": f"sessionid={session}"}).status


def patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield each
        else:
            yield from patterns(each)
