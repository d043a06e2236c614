"""The console in a real browser, behind a broker and a keeper: by keyboard, on a phone, taken back, and over kills."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from playwright.sync_api import Page, Route, expect

from platepost.department.database.cluster import SUPERUSER, installed_versions
from platepost.department.database.roles import OWNER
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from platepost.department.session import POOL
from platepost.provisioning.connection import Connection
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.simulator.brokers.daemon import free_port
from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.simulator.live.town import write_town
from platepost.wire.contract.examples import CLOCK
from platepost.wire.records import Source
from platepost.wire.records.hit import HitWithdrawn
from platepost.wire.records.keys import CustodianTerms, Purpose
from platepost.wire.records.parts import Character, ClockQuality, Place
from platepost.wire.records.recorder import Recorder
from platepost.wire.records.signing import Signer
from tests.browser import DESKTOP, OF_LOOKS, PATIENCE_SECONDS, Visitor, accessibility_faults, page_faults
from tests.department.alerts.alarms import seen, sessions
from tests.department.commands.forked import Started
from tests.department.commands.installation import Installed
from tests.department.commands.keeping import Site, site
from tests.department.custody.posts import GROUP, Post
from tests.department.emptying import empty
from tests.department.planting import planting
from tests.department.status.test_status_page import wait_until_served
from tests.thorough import THOROUGH, in_turn
from tests.waiting import until

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
    pytest.mark.skipif(not installed_versions(), reason="PostgreSQL is missing: make tools"),
]
PLATE = "7ABD123"
TAXI = {"plate_read": "8TXJ204", "plate_key": "8TXJ204", "plate_matched": "8TXJ204"}
"""Of a hit of another vehicle."""
TOKEN = "t" * 32
SIZES = ((1920, 1080), (820, 1180), (390, 844))
"""Of windows on a wall, a tablet and a phone, in CSS pixels; a desk's is the one that pages are opened in."""
LAPSE = """
INSERT INTO people_certificate (person_id, certification, expires_at, noted_at)
SELECT id, 'clets', now(), now() FROM people_person WHERE login = %s
"""
HELD = ClockQuality(source="unknown", synchronised=False, held_seconds=-90.0)
expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@dataclass
class Desk:
    """A department with a post, and two dispatchers at their consoles."""

    site: Site
    where: str
    keys: dict[str, str]
    post: Post = field(default_factory=Post)
    hits: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """What the pages' server says."""
        return self.site.top / "serve.log"

    def __post_init__(self) -> None:
        signer = Signer.from_file(self.site.fleet.post("post-1") / "signing_key.pem")
        source = Source("riverside", "post-1")
        self.post.recorder = Recorder(self.post.store, signer, source, now=lambda: self.post.now)

    def hit(self, group: str | None = None, **more: object) -> str:
        """Have the post send a hit of now; return its identifier."""
        self.post.now = datetime.now(UTC)
        members = seen(PLATE, self.post.now, **more)  # type: ignore[arg-type]
        created = self.post.hit(group, **members)
        with self._connected() as connection:
            connection.publish(created.topic, created.body, retain=False)
        self.hits.append(str(members["hit"]))
        return self.hits[-1]

    def draw_read(self) -> None:
        """Have the post send a read of the week before this one, and draw it to be labeled."""
        created = self.post.read(captured=self.post.now - timedelta(days=self.post.now.weekday() + 3))
        with self._connected() as connection:
            connection.publish(created.topic, created.body, retain=False)
        until(lambda: self.asked("SELECT FROM custody_read"), "the read")
        assert self.site.department("quality", "--draw").stdout.startswith("1 read")

    def withdraw(self, hit: str) -> None:
        fields = {
            "category": "Stolen Vehicle",
            "plate_read": "7A8D123",
            "plate_key": "7A8D123",
            "reason": "text_changed",
        }
        created = self.post.recorder.record(HitWithdrawn(clock=CLOCK, hit=hit, passage=self.hits[0], **fields))  # type: ignore[arg-type]
        with self._connected() as connection:
            connection.publish(created.topic, created.body, retain=False)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with Connection(self.site.fleet.post("post-1"), broker=self.site.broker.address, topics=[]) as connection:
            yield connection

    def open(self, visitor: Visitor, login: str, path: str = "console/", **more: object) -> Page:
        address = f"http://{self.where}"
        page = visitor.open(f"{address}/log-in/", **more)  # type: ignore[arg-type]
        page.context.add_cookies([{"name": "sessionid", "value": self.keys[login], "url": address}])
        page.goto(f"{address}/{path}")
        return page

    def forget_alerts(self) -> None:
        """Leave no alert to the next test, and no acknowledgment of a shift: the console shows both."""
        with psycopg.connect(**self._database) as superuser:
            empty(superuser, "alerts_step", "alerts_alert", "alerts_acknowledgment")

    def superuser(self, statements: str, *values: object) -> None:
        """Do something as the database's superuser."""
        with psycopg.connect(**self._database, autocommit=True) as superuser:
            superuser.execute(statements, values or None)

    def plant(self, statements: str) -> None:
        """Add rows without a record, which the database refuses to everyone."""
        with psycopg.connect(**self._database) as superuser, planting(superuser):
            superuser.execute(statements)

    @property
    def _database(self) -> dict[str, Any]:
        return {"host": str(self.site.cluster.folder), "dbname": DATABASE_NAME, "user": SUPERUSER}

    def step(self, login: str, hit: str, step: str, **more: str) -> int:
        """Make a step by hand, as someone and on no page, with the right revision; return the status."""
        cookies = f"sessionid={self.keys[login]}; csrftoken={TOKEN}"
        headers = {"Cookie": cookies, "X-CSRFToken": TOKEN, "Content-Type": "application/x-www-form-urlencoded"}
        ((revision,),) = self.asked("SELECT revision FROM alerts_alert WHERE record_id = %s", hit)
        connection = HTTPConnection(self.where, timeout=PATIENCE_SECONDS)
        answers = urlencode({"hit": hit, "step": step, "revision": revision, "reason": "stop", **more})
        connection.request("POST", "/console/step/", answers, headers)
        with closing(connection):
            return connection.getresponse().status

    def lapse(self, login: str) -> None:
        """End someone's certificate, as the clock does."""
        with psycopg.connect(DepartmentFolder(self.site.department.folder).conninfo(OWNER)) as connection:
            connection.execute(LAPSE, [login])

    def asked(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(psycopg.connect(DepartmentFolder(self.site.department.folder).conninfo(OWNER))) as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def serving(self) -> Iterator[Started]:
        department = self.site.department
        with self.log.open("wb") as log, department.start("serve", "--web", self.where, stderr=log.fileno()) as server:
            try:
                wait_until_served(f"http://{self.where}/log-in/", server)
                yield server
            finally:
                server.kill()


@pytest.fixture(scope="module")
def shared_desk(installed: Installed) -> Iterator[Desk]:
    with site() as created:
        keys = KeyFiles(Purpose.CUSTODY, created.fleet.custodian("records"), "records")
        keys.write_terms(CustodianTerms(name="records", groups=(GROUP,), required=True))
        created.fleet.write_access_list()
        created.add_post("post-1")
        created.init(installed)
        folder = DepartmentFolder(created.department.folder)
        with created.keeping():
            people = {"a.rivera": "dispatcher:current", "b.chen": "dispatcher:current"}
            people |= {"c.lapsed": "dispatcher:lapsed", "d.okafor": "auditor:current", "e.novak": "dispatcher:current"}
            people |= {"f.vale": "dispatcher:current"}
            cookies = sessions(folder, *(f"{login}:{fields}" for login, fields in people.items()))
            assert created.department("person covert", "a.rivera", GROUP).returncode == 0
            yield Desk(created, f"127.0.0.1:{free_port()}", dict(zip(people, cookies, strict=True)))


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    """Give the desk as every test may expect it: a broker that runs, and no hit of another test."""
    shared_desk.hits.clear()
    if not shared_desk.site.broker.running:
        shared_desk.site.broker.start()
    shared_desk.forget_alerts()
    return shared_desk


@pytest.fixture
def served(desk: Desk) -> Iterator[Desk]:
    with desk.serving():
        yield desk


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("PLATEPOST_SCREENSHOTS")
    if folder:
        page.screenshot(path=f"{folder}/console-{name}.png")


def fine(page: Page) -> bool:
    """Tell whether a page has no accessibility fault, no plate in its title, and needs no scrolling sideways."""
    assert accessibility_faults(page) == []
    assert "7A" not in page.title() + page.url
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def fine_in_each_look(page: Page) -> bool:
    """Tell whether a page is fine on a wall, a desk, a tablet and a phone, by day and by night."""
    assert fine(page)
    size = page.viewport_size
    for (width, height), scheme in in_turn(SIZES, ("dark", "light")):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert accessibility_faults(page, rules=() if THOROUGH else OF_LOOKS) == [], f"{width} pixels wide, {scheme}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{width} pixels wide"
    page.set_viewport_size(size or DESKTOP)
    page.emulate_media(color_scheme="light")
    return True


@contextmanager
def pressed(page: Page, key: str) -> Iterator[None]:
    """Hold a key down for as long as the context lasts."""
    page.keyboard.down(key)
    yield
    page.keyboard.up(key)


WEIGHT = """() => performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
  .filter((each) => each.initiatorType !== "fetch" && !each.name.includes("maplibre"))
  .reduce((sum, each) => sum + each.encodedBodySize, 0)"""
"""Bytes of the page, its styles, scripts and icons, as they travel, without the library of the map."""


@pytest.mark.timeout(300)  # software draws the map, of which each picture takes seconds
def test_past_hit_and_map(served: Desk, visitor: Visitor) -> None:
    """Drawn by WebGL under the pages' content security policy, from the department's own tiles; else a list."""
    write_town(served.site.department.folder, ["post-1", "post-2", "post-3"])
    served.post.now = datetime.now(UTC)
    created = served.post.read(text=PLATE, captured=served.post.now - timedelta(minutes=7))
    with served._connected() as connection:
        connection.publish(created.topic, created.body, retain=False)
    here = Place(site="Main St at Cedar Ave", heading_degrees=90.0)  # without coordinates: the map has its post's
    served.hit(place=here)
    page = served.open(visitor, "a.rivera", "console/")
    expect(page.locator("#facts street-map[data-drawn]")).to_be_visible()
    picture(page, "map")
    assert fine(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"http://{served.where}/history/")
    page.get_by_role("button", name="Open the hit of").click()
    page.get_by_role("button", name="reads of the 60 minutes before").click()
    page.get_by_text("Places on the map").press("Enter")
    expect(page.get_by_text("Read before at")).to_be_visible()
    expect(page.locator("street-map[data-drawn]")).to_be_visible()
    expect(page.get_by_text("Main St at Cedar Ave").first).to_be_visible()
    assert page_faults(page, "history-hit") == []
    assert all(each.startswith(f"http://{served.where}/") for each in asked), "nothing from elsewhere"
    tiles = [page.request.get(each).body() for each in asked if "/search/tiles/" in each]
    assert any(b"Main St" in each for each in tiles)
    assert page.request.get(f"http://{served.where}/search/tiles/22/1/1/").body() == b""
    page.get_by_label("Zoom in").press("Enter")
    page.get_by_label("Map of the posts").press("ArrowLeft")
    page.context.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(f"http://{served.where}/history/")
    page.get_by_role("button", name="Open the hit of").click()
    expect(page.get_by_text("This browser can't draw the map")).to_be_visible()
    expect(page.get_by_text("Main St at Cedar Ave").first).to_be_visible()


def test_from_a_hit_to_actionable_by_keyboard_and_taken_back(served: Desk, visitor: Visitor) -> None:
    served.hit(alternatives=(), characters=tuple(Character(value=each, confidence=0.99) for each in PLATE))
    page, other = (
        served.open(visitor, "a.rivera", "console/shift/"),
        served.open(visitor, "b.chen", phone=True, scheme="dark"),
    )
    assert fine_in_each_look(page)
    picture(page, "shift")
    page.get_by_role("button", name="I have reviewed the lists").press("Enter")
    page.wait_for_url("**/console/")
    page.keyboard.press("x")
    expect(page.locator("#sound")).to_have_text("Sound is on: try it")
    for each in (page, other):
        expect(each.locator("#hit")).to_have_attribute("data-state", "new")
        expect(each).to_have_title(re.compile(r"^\(1\) to take"))
        expect(each.locator("#deaf")).to_be_hidden()
        assert fine(each)
        expect(each.locator("#line")).to_have_text(
            re.compile(rf"^{PLATE} CA Stolen Vehicle, Bridge Street, [\d:]+ \S+, UNVERIFIED$")
        )
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("c")
    expect(page.locator("#copy[data-copied]")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#line").inner_text()
    picture(page, "new")
    picture(other, "phone")
    below = other.evaluate("document.getElementById('plate').getBoundingClientRect().bottom")
    assert below <= 844, "on a phone the plate is seen without scrolling"
    whole = page.evaluate("parseFloat(plate.style.width) / plate.width")
    assert whole == int(whole) >= 2, "each of the picture's pixels is as large as the others"
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("button", name="Send a test hit").click()
    expect(page.locator("#tested")).to_contain_text("TEST, not a hit")
    page.get_by_role("button", name="Dismiss").click()
    weight = page.evaluate(WEIGHT)
    assert weight < 60_000, weight
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next hit")
    assert fine(page)
    page.keyboard.press("Escape")
    page.keyboard.press("t")  # the first of six keys
    page.locator("#hit[data-eye=confirm]").wait_for()
    expect(other.locator(".whose")).to_have_text("Assigned to a.rivera.")
    expect(other.get_by_role("button", name="Confirmed by eye")).to_be_hidden()
    expect(other.get_by_role("link", name="review the posts' lists")).to_be_visible()
    end = page.evaluate("document.querySelector('.confirm button').getBoundingClientRect().bottom + scrollY")
    assert end <= 800, "the first decision needs no scrolling"
    with pressed(page, "s"):
        expect(page.locator("#loupe")).to_contain_text("Listed: B")
        expect(page.get_by_role("radio", name="1 matches").first).to_be_focused()
    expect(page.locator(".compared input:checked")).to_have_count(len(PLATE))
    for _ in ("state", "vehicle"):
        page.keyboard.press("1")
    picture(page, "eye")
    assert fine_in_each_look(page)
    page.keyboard.press("Enter")
    page.locator("#hit[data-state=confirmed]").wait_for()
    assert fine(page)
    page.keyboard.press("a")  # a touch is no answer
    expect(page.locator(".holding")).to_have_count(0)
    expect(page.locator("#hit")).to_have_attribute("data-state", "confirmed")
    with pressed(page, "a"):
        page.locator("#hit[data-state=actionable]").wait_for()
    for each in (page, other):
        expect(each.locator("#hit")).to_have_attribute("data-state", "actionable")
        expect(each.locator("#line")).to_contain_text("VERIFIED by eye and in CLETS/NCIC")
    picture(page, "actionable")
    served.withdraw(served.hits[0])
    for each in (page, other):
        expect(each.locator("#back")).to_contain_text("WITHDRAWN")
        expect(each).to_have_title(re.compile(r"^Withdrawn"))
    assert fine(other)
    assert fine_in_each_look(page)
    picture(page, "back")
    page.get_by_role("button", name="Show hit").press("Enter")
    expect(page.locator(".gone")).to_contain_text("Disregard this hit: the plate was misread")
    page.get_by_label("units sent").check()
    page.get_by_role("button", name="Save").press("Enter")
    expect(other.locator("#queue button")).to_have_count(0)
    served.draw_read()
    page.goto(f"http://{served.where}/quality/")
    assert fine_in_each_look(page)
    page.get_by_role("link", name="Label reads").click()
    expect(page.get_by_role("button", name="I cannot read it")).to_be_visible()
    assert fine_in_each_look(page)
    assert visitor.complaints == []


@dataclass(frozen=True)
class Stop:
    """A likely wrong stop, and what someone does who looks."""

    says: str
    """What the page says, where only the person can prevent it."""
    members: dict[str, Any] = field(default_factory=dict)
    """Of the hit, where they are not those of an exact match."""
    keys: str = "s" * 7 + "11"
    """What they answer: each character, the state, the vehicle."""
    then: str = "rejected"
    """What it is after Enter: `taken` where an answer speaks against it."""
    reason: str = "misread"
    """For which they reject it; `cleared` where the state's system says so."""
    group: str | None = None


STOPS = {
    "a D for a 0": Stop("A D for a 0", keys="sssd0sss11", then="taken"),
    "another state's": Stop(
        "The state doesn't match: listed CA, seen other",
        {"region": "other", "state_agreement": "contradicts"},
        keys="s" * 7 + "21",
        then="taken",
        reason="other state",
    ),
    "stale by an hour": Stop("The list was too old", {"hotlist_stale": True}, then="confirmed", reason="cleared"),
    "recovered yesterday": Stop("with the state's system before acting", then="confirmed", reason="cleared"),
    "a pattern": Stop("A pattern, not a plate", {"plate_matched": "7AB?12*", "match": "partial"}, then="waiting"),
    "stacked letters": Stop(
        "stacked or small letters", {"plate_matched": "7ABD123M", "match": "near"}, keys="s" * 7 + "d11", then="taken"
    ),
    "swapped plates": Stop("Vehicle: not described", keys="s" * 7 + "12", then="taken", reason="other vehicle"),
    "a near match": Stop("A second person must look", {"plate_matched": "7A8D123", "match": "near"}, then="waiting"),
    "withdrawn while they drive up": Stop("Possible match", then="confirmed", reason=""),
    "a wrong clock": Stop("clock was wrong", {"clock": HELD}, then="confirmed", reason="cleared"),
    "a picture on a truck": Stop("not a picture on one", keys="i" + "s" * 6 + "11", then="taken", reason="illegible"),
    "covert": Stop("Covert: for vice only", keys="s" * 7 + "12", then="taken", reason="other vehicle", group=GROUP),
}
TRY = """async ([steps, said]) => {
  const page = document.getElementById("console"), hit = document.getElementById("hit"), got = [];
  const token = page.querySelector("input[name=csrfmiddlewaretoken]").value;
  const record = document.querySelector(".eye").elements.hit.value;
  for (const step of steps) {
    const body = new URLSearchParams({ hit: record, revision: hit.dataset.revision, step, ...said });
    got.push((await fetch(page.dataset.step, { method: "POST", body, headers: { "X-CSRFToken": token } })).status);
  }
  return [record, got];
}"""
ALL_SEEN = {f"character{place}": "s" for place in range(8)} | {"region": "same", "vehicle": "same"}


@dataclass
class Shortcuts:
    """Tries what leads past the steps of an alert, and notes what was not refused."""

    desk: Desk
    page: Page
    name: str = ""
    reached: list[object] = field(default_factory=list)

    def by_hand(self, *steps: str, **text: str) -> str:
        """Send steps from the page by a script, each with the revision that it shows; return the alert."""
        record, got = self.page.evaluate(TRY, [steps, text])
        if {*got} - {409, 422}:
            self.reached.append((self.name, steps, got))
        return str(record)

    def by_others(self, alert: str, step: str, *others: str) -> None:
        """Send a step as who has lapsed, as an auditor, and as others."""
        got = {login: self.desk.step(login, alert, step) for login in ("c.lapsed", "d.okafor", *others)}
        if {*got.values()} - {403, 422}:
            self.reached.append((self.name, step, got))

    def state(self, state: str) -> None:
        self.page.locator(f"#hit[data-state={state}]").wait_for()

    def compare(self, stop: Stop, alert: str) -> None:
        """Take it by a double click, try to go on without looking, and answer as someone who looks."""
        self.by_hand("confirm", "active", "outcome", "withdraw", "second", "substitute", reason="stop", **ALL_SEEN)
        self.by_others(alert, "take", *(["b.chen"] if stop.group else []))
        self.page.get_by_role("button", name="Take (t)").dblclick()
        self.page.locator("#hit[data-eye=confirm][data-revision='1']").wait_for()
        assert stop.says.lower() in self.page.locator("#hit").inner_text().lower(), self.name
        self.by_hand("take", "active", "confirm", "outcome", reason="stop")
        self.by_hand("confirm", **{**ALL_SEEN, "vehicle": ""})
        self.by_holding()
        self.page.locator(".compared input").first.focus()
        for key in stop.keys:
            self.page.keyboard.press(key)
        self.page.keyboard.press("Enter")
        if stop.then == "taken":
            expect(self.page.locator("#refused")).to_contain_text("To confirm, compare every character")
            expect(self.page.locator(".mismatch")).to_be_visible()
        expect(self.page.locator(".instead")).to_be_visible(visible="d" in stop.keys)
        self.state(stop.then)
        if stop.then != "confirmed":
            expect(self.page.locator("[data-decides]:visible")).to_have_count(0)
            self.page.keyboard.press("a")
            self.state(stop.then)
        self.by_others(alert, "active", "b.chen")

    def by_holding(self) -> None:
        """Hold "same" down: it stops where someone must look closely, and nothing behind that is answered."""
        first = self.page.evaluate(
            "[...document.querySelectorAll('.compared fieldset')].findIndex((e) => 'close' in e.dataset)"
        )
        with pressed(self.page, "s"):
            expect(self.page.locator("#hit")).not_to_have_class(re.compile("passing"))
            if self.page.locator(".compared input:checked").count() != first:
                self.reached.append((self.name, "held past", first))

    def end(self, stop: Stop, hit: str) -> None:
        """End it as is right; what was actionable is taken back meanwhile."""
        if stop.reason not in {"", "cleared"}:
            self.by_hand("second", "active", "not_practical", **ALL_SEEN, note="the terminal is down")
            self.page.keyboard.press("r")
            self.page.get_by_role("radio", name=re.compile(rf"^\d {stop.reason}$")).check()
            self.page.get_by_role("button", name="Reject", exact=True).click()
            return self.state("rejected")
        if stop.members.get("hotlist_stale"):
            self.by_hand("not_practical", note="the terminal is down")
        self.page.get_by_label("cleared: the" if stop.reason else "active: the").check()
        self.page.get_by_role("button", name="Save answer").click()
        if stop.reason:
            return self.state("rejected")
        self.state("actionable")
        self.desk.withdraw(hit)
        self.state("withdrawn")
        expect(self.page.locator(".unverified")).to_be_hidden()
        self.by_hand("outcome", "active", "take", "confirm", reason="stop", **ALL_SEEN)
        expect(self.page.locator("#back")).to_contain_text("Record what was done.")
        self.page.get_by_label("units sent").check()
        self.page.get_by_role("button", name="Save").click()
        expect(self.page.locator("#back")).to_be_hidden()  # it is recorded
        return self.state("accounted")


def test_twelve_wrong_stops_by_every_shortcut(served: Desk, visitor: Visitor) -> None:
    page, screen = served.open(visitor, "a.rivera", "console/shift/"), served.open(visitor, "b.chen")
    page.get_by_role("button", name="I have reviewed the lists").press("Enter")
    page.wait_for_url("**/console/")
    shortcuts = Shortcuts(served, page)
    for name, stop in STOPS.items():
        shortcuts.name = name
        hit = served.hit(stop.group, **stop.members)
        shortcuts.state("new")
        assert not stop.group or screen.locator("#queue button").count() == 0, "an open screen does not show it"
        shortcuts.compare(stop, page.locator(".eye [name=hit]").input_value())
        shortcuts.end(stop, hit)
    assert shortcuts.reached == []
    pairs = served.asked("SELECT pairs FROM alerts_step WHERE pairs <> '{}'")
    assert pairs == [(["D0"],)], "what was misread goes along with the rejection"
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Earlier passages").click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Search")
    visitor.forgive("Failed to load resource")


MORE = """async () => {
  const at = (name) => import(`/static/alerts/${name}.js`);
  const [{ takeHit }, { hits }, { present }] = await Promise.all(["console", "hits", "hit"].map(at));
  const hit = hits.get(present.record);
  takeHit({ ...hit, facts: `${hit.facts}<p>More is known</p>` });
}"""
AT_WORK = """() => ({
  panels: [...document.querySelectorAll("#steps details")].map((each) => each.open),
  answers: [...document.querySelectorAll("#hit input:checked")].map((each) => each.name + "=" + each.value),
  typed: [...document.querySelectorAll("#hit input:not([type])")].map((each) => each.value).filter(Boolean),
  caret: document.activeElement.name + " at " + document.activeElement.selectionStart,
  scrolled: scrollY,
  folded: document.querySelector("#queue details")?.open,
})"""
"""What a person has begun on the page."""


def test_updates_take_nothing_away_from_who_works(served: Desk, visitor: Visitor) -> None:
    served.hit()
    page = served.open(visitor, "b.chen", "console/shift/")
    page.get_by_role("button", name="I have reviewed the lists").press("Enter")
    hit = page.locator("#hit")
    page.get_by_role("button", name="Take (t)").click()
    page.locator("#hit[data-eye=confirm][data-revision='1']").wait_for()
    for times in (1, 2):
        served.hit()
        expect(page.locator("#queue > li")).to_have_count(1)
        expect(page.locator("#queue .again li")).to_have_count(times)
    page.locator("#queue summary").click()

    page.locator(".compared input").first.focus()
    for key in "ssd0":
        page.keyboard.press(key)
    page.locator("summary", has_text="Reject").click()
    page.get_by_role("radio", name="3 other vehicle").check()
    page.locator("summary", has_text="Hand off").click()
    page.get_by_label("To (username)").fill("a.rivera")
    page.keyboard.press("ArrowLeft")
    page.evaluate("scrollTo(0, 120)")
    begun = page.evaluate(AT_WORK)
    assert begun["panels"] == [True, True]
    assert begun["answers"] == ["reason=other_vehicle", "character0=s", "character1=s", "character2=d"]
    assert begun["typed"] == ["a.rivera", "0"]
    assert begun["caret"] == "to_person at 7"
    assert begun["folded"]
    record = page.locator(".eye [name=hit]").input_value()
    for revision in range(2, 14):
        to = ("a.rivera", "e.novak")[revision % 2]
        assert served.step("b.chen", record, "offer", to_person=to) == 204
        page.locator(f"#hit[data-revision='{revision}']").wait_for()
        expect(page.locator("#steps")).to_contain_text(f"offered to {to}")
        assert page.evaluate(AT_WORK) == begun, "of this alert"
    served.hit()
    expect(page.locator("#queue .again li")).to_have_count(3)
    assert page.evaluate(AT_WORK) == begun, "of another alert"
    page.evaluate(MORE)
    expect(hit).to_contain_text("More is known")
    assert page.evaluate(AT_WORK) == begun, "of the facts"

    reject = page.get_by_role("button", name="Reject", exact=True)
    reject.hover()
    page.mouse.down()
    assert served.step("b.chen", record, "offer", to_person="a.rivera") == 204
    page.locator("#hit[data-revision='14']").wait_for()
    page.mouse.up()
    page.locator("#hit[data-state=rejected]").wait_for()
    assert served.asked("SELECT reason FROM alerts_step WHERE step = 'reject'") == [("other_vehicle",)]
    expect(page.locator("#queue button")).to_have_count(0)
    answered = served.asked("SELECT state, count(*) FROM alerts_alert GROUP BY 1 ORDER BY 1")
    assert answered == [("rejected", 1), ("repeated", 3)], "with one decision, those that were shown"
    served.hit()
    expect(page.locator("#steps .note")).to_contain_text("decided at")
    expect(page.locator("#queue button")).to_contain_text("Rejected: other vehicle")


def test_lone_dispatcher_s_second_person_is_an_officer_on_a_phone(served: Desk, visitor: Visitor) -> None:
    """Of a look-alike: the phone sounds when it is wanted, and the officer compares for themselves, by touch."""
    page = served.open(visitor, "a.rivera", "console/shift/")
    page.get_by_role("button", name="I have reviewed the lists").press("Enter")
    phone = served.open(visitor, "b.chen", "console/shift/", phone=True, scheme="dark")
    phone.get_by_role("button", name="I have reviewed the lists").tap()
    phone.locator("#sound").tap()
    sure = tuple(Character(value=each, confidence=0.99) for each in PLATE)
    served.hit(plate_matched="7A8D123", match="near", alternatives=(), characters=sure)
    page.locator("#hit[data-state=new]").wait_for()
    page.keyboard.press("t")
    page.locator("#hit[data-eye=confirm]").wait_for()
    expect(phone).to_have_title(re.compile("^Hits"))
    for key in "s" * len(PLATE) + "11":
        page.locator("#hit[data-eye=confirm] .compared input:focus, #hit .questions input:focus").wait_for()
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.locator("#hit[data-state=waiting]").wait_for()
    expect(page.locator("#steps")).to_contain_text("Someone other than a.rivera must compare it now")
    expect(page).to_have_title(re.compile("^Hits"))

    expect(phone).to_have_title(re.compile(r"^\(1\) to take"))
    expect(phone.locator("#steps")).to_contain_text("You can be the second person")
    assert fine(phone)
    picture(phone, "phone-second")
    finger = phone.context.new_cdp_session(phone)
    hold = phone.get_by_role("button", name="Hold (s)")
    hold.scroll_into_view_if_needed()
    box = hold.bounding_box()
    assert box is not None
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    expect(phone.locator(".compared input:checked")).to_have_count(2)
    expect(phone.locator("#hit")).not_to_have_class(re.compile("passing"))
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(phone.locator("#loupe")).to_be_in_viewport(ratio=1)
    picture(phone, "phone-loupe")
    for each in phone.get_by_role("radio", name="same").all()[2:]:
        each.tap()
    for each in phone.get_by_role("radio", name="1 matches").all():
        each.tap()
    phone.get_by_role("button", name="Confirmed by eye").tap()
    for each in (page, phone):
        each.locator("#hit[data-state=confirmed]").wait_for()
    expect(phone.get_by_role("button", name="Save answer")).to_be_hidden()
    with pressed(page, "a"):
        page.locator("#hit[data-state=actionable]").wait_for()
    compared = served.asked("SELECT eye_by, second_by FROM alerts_alert")
    assert compared == [("a.rivera", "b.chen")]


def test_second_click_of_a_double_click_is_not_for_what_came_in_its_place(served: Desk, visitor: Visitor) -> None:
    served.hit()
    page = served.open(visitor, "b.chen", "console/shift/")
    page.get_by_role("button", name="I have reviewed the lists").press("Enter")
    page.get_by_role("button", name="Take (t)").hover()
    page.mouse.down()
    page.mouse.up()
    page.locator("#hit[data-revision='1']").wait_for()
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    summary = page.locator("summary", has_text="Reject")
    assert not page.locator("#steps details[open]").count()
    summary.click()
    expect(page.locator("#steps details[open]")).to_have_count(1)


def test_page_stays_at_the_hit_over_the_review_of_the_lists(served: Desk, visitor: Visitor) -> None:
    served.hit(priority=3)
    page = served.open(visitor, "b.chen")
    expect(page.locator("#hit")).to_contain_text(PLATE)
    served.hit(priority=1, **TAXI)
    expect(page.locator("#queue > li").first).to_contain_text(TAXI["plate_read"])
    page.get_by_role("link", name="review the posts' lists").click()
    page.get_by_role("button", name="I have reviewed the lists").click()
    expect(page.locator("#queue > li")).to_have_count(2)
    expect(page.locator("#hit-name .plate")).to_have_text(PLATE)
    page.keyboard.press("t")
    page.locator("#hit[data-state=taken]").wait_for()
    page.keyboard.press("n")
    expect(page.locator("#hit-name .plate")).to_have_text(TAXI["plate_read"])


def test_page_without_one_of_its_scripts_does_not_look_like_one_that_waits(served: Desk, visitor: Visitor) -> None:
    page = served.open(visitor, "b.chen", "account/")
    for part in ("console", "hits"):
        page.route(f"**/alerts/{part}.js", lambda route: route.abort())
        page.goto(f"http://{served.where}/console/")
        expect(page.locator("#incomplete")).to_be_visible()
        page.unroute_all()
    assert fine_in_each_look(page)
    picture(page, "incomplete")
    page.goto(f"http://{served.where}/console/")
    expect(page.locator("#waiting")).not_to_have_text("Connecting...")
    expect(page.locator("#incomplete")).to_have_count(0)
    visitor.forgive("Failed to load resource")


def test_none_is_lost_and_silence_is_said_over_kills(desk: Desk, visitor: Visitor) -> None:
    with desk.serving() as server:
        page = desk.open(visitor, "b.chen", scheme="dark")
        desk.hit()
        deaf, rows = page.locator("#deaf"), page.locator("#queue button")
        expect(rows).to_have_count(1)

        desk.site.broker.kill()
        expect(deaf).to_contain_text("NOT RECEIVING HITS")
        expect(deaf).to_contain_text("The archive service is not connected to the broker")
        expect(page).to_have_title(re.compile(r"^NOT RECEIVING HITS"))
        assert fine(page)
        picture(page, "deaf")
        desk.site.broker.start()
        desk.hit()
        expect(rows).to_have_count(2)
        expect(deaf).to_be_hidden()
        expect(page.locator("#refused")).to_contain_text("No hits were received from")

        pid = desk.site.cluster.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        desk.hit()
        expect(rows).to_have_count(3)
        expect(deaf).to_be_hidden()

        server.send_signal(signal.SIGKILL)
        server.wait()
        expect(deaf).to_contain_text("Connection lost. Reconnecting")
        desk.hit()
    with desk.serving() as last:
        expect(rows).to_have_count(4)
        expect(page.locator("#queue > li")).to_have_count(1)
        expect(page.locator("#queue summary")).to_contain_text("Same plate: 3 more hits")
        expect(page).to_have_title(re.compile(r"^\(1\) to take"))
        expect(deaf).to_be_hidden()
        records = page.eval_on_selector_all("#queue button", "all => all.map(each => each.dataset.record)")
        assert len({*records}) == len(records) == len(desk.hits)
        last.terminate()
        assert last.wait(PATIENCE_SECONDS) == 0
        assert desk.log.read_text("utf-8") == "", "the streams ended in order, and nobody waited for them"
        expect(deaf).to_contain_text("Connection lost. Reconnecting")
        page.close()
    visitor.forgive("Failed to load resource")


BEAT = """async () => {
  const { clock, showNotice } = await import("/static/alerts/page.js");
  const { receiving } = await import("/static/alerts/receiving.js");
  showNotice("");
  return clock(receiving.received);
}"""
"""When the server last could send hits, as the page shows it; takes the former message away."""


def test_stream_that_fell_silent_is_asked_for_again(served: Desk, visitor: Visitor) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        held.append(route)

    page = served.open(visitor, "b.chen", "account/")
    page.clock.install()
    page.route("**/console/events/", hold_the_first)
    with page.expect_request("**/console/events/"):
        page.goto(f"http://{served.where}/console/")
    expect(page.locator("#waiting")).to_have_text("Connecting...")
    hit = served.hit()
    page.clock.fast_forward(20_000)
    expect(page.locator("#hit")).to_contain_text(PLATE)
    expect(page.locator("#deaf")).to_be_hidden()
    assert (len(held), served.hits[-1]) == (2, hit)
    # A browser that slept: the next beat may be one that the server sent long before.
    beat = page.evaluate(BEAT)
    page.clock.fast_forward(90_000)
    message = page.locator("#refused", has_text="No hits were received from")
    message.wait_for()
    times = re.findall(r"(\d+):(\d\d):(\d\d)", f"{beat} {message.inner_text()}")
    received, since, ended = (timedelta(hours=int(h), minutes=int(m), seconds=int(s)) for h, m, s in times)
    assert (ended - since) % timedelta(days=1) >= timedelta(seconds=90)
    assert (since - received) % timedelta(days=1) < timedelta(seconds=60), "in the server's time"


MANY = """
SET LOCAL session_replication_role = replica;
INSERT INTO alerts_alert (record_id, retained_from, post, hit, captured_at, arrived_at, category, priority, match,
    hotlist_stale, held, second_needed, changed_at)
SELECT -number, now(), 'post-1', 'hit ' || number, now(), now() - number * interval '1 second', 'stolen_vehicle', 2,
    'exact', false, false, false, now()
FROM generate_series(1, 3000) AS number;
NOTIFY alerts;
"""


def test_thousands_of_open_hits_hide_no_new_one(served: Desk, visitor: Visitor) -> None:
    page = served.open(visitor, "b.chen")
    expect(page.locator("#waiting")).to_have_text("No hits")
    served.plant(MANY)
    expect(page.locator("#waiting")).to_contain_text("3000 open")
    expect(page.locator("#unanswered")).to_contain_text("OVERDUE: 29")
    rows = page.locator("#queue > li")
    expect(rows).to_have_count(30)
    page.locator("#more").scroll_into_view_if_needed()
    expect(rows).to_have_count(60)
    picture(page, "many")
    page.evaluate("scrollTo(0, 0)")
    served.hit(priority=1)
    expect(rows.first).to_contain_text(PLATE)
    expect(rows.first).to_contain_text("Priority 1")
    page.keyboard.press("n")
    expect(page.locator("#hit .compared b.listed").first).to_have_text(f"listed {PLATE[0]}")
    page.goto(page.url)
    expect(page.locator("#hit")).to_contain_text(PLATE)
    expect(page.locator("#waiting")).to_contain_text("3001 open")


def test_session_that_ends_is_announced_and_kept(served: Desk, visitor: Visitor) -> None:
    page = served.open(visitor, "e.novak")
    served.hit()  # a post that never reported anything is silence, not peace
    expect(page.locator("#hit")).to_contain_text(PLATE)
    expect(page.locator("#session")).to_be_hidden()
    page.evaluate(
        "import('/static/alerts/session.js').then(({ sessionIs }) =>"
        " sessionIs({ idle: true, ends: new Date(Date.now() + 60_000).toISOString() }))"
    )
    expect(page.locator("#session")).to_contain_text("You will be signed out at")
    assert fine(page)
    picture(page, "session")
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator("#session")).to_be_hidden()
    stored = "left(encode(sha256(convert_to(%s, 'UTF8')), 'hex'), 40)"
    served.superuser(f"DELETE FROM django_session WHERE session_key = {stored}", served.keys["e.novak"])
    expect(page.locator("#deaf h2")).to_contain_text("SIGNED OUT")
    expect(page.locator("#waiting")).to_have_text("Signed out: hits are not shown here")
    expect(page).to_have_title(re.compile("^SIGNED OUT"))
    expect(page.get_by_role("link", name="Sign in again")).to_be_visible()
    assert fine(page)
    picture(page, "signed-out")


def test_stream_ends_when_its_person_lapses(served: Desk, visitor: Visitor) -> None:
    served.hit()
    page, other = served.open(visitor, "f.vale"), served.open(visitor, "b.chen")
    for each in (page, other):
        expect(each.locator("#hit")).to_contain_text(PLATE)
    served.lapse("f.vale")
    expect(page.locator("#deaf")).to_contain_text("You are signed out, or your access to hits has ended.")
    assert PLATE not in page.inner_text("body")
    expect(other.locator("#hit")).to_contain_text(PLATE)
    expect(other.locator("#deaf")).to_be_hidden()
    served.withdraw(served.hits[-1])
    expect(other.locator("#back")).to_contain_text("WITHDRAWN")
    assert PLATE not in page.inner_text("body")


def test_more_people_listen_than_the_database_has_sessions_for(served: Desk) -> None:
    people = (f"p.{number}:dispatcher:current" for number in range(int(POOL["max_size"]) + 2))
    keys = sessions(DepartmentFolder(served.site.department.folder), *people)

    def asked(path: str, key: str, accept: str = "text/html") -> int:
        connection = stack.enter_context(closing(HTTPConnection(served.where, timeout=PATIENCE_SECONDS)))
        connection.request("GET", path, headers={"Accept": accept, "Cookie": f"sessionid={key}"})
        return connection.getresponse().status

    with ExitStack() as stack:
        assert {asked("/console/events/", key, "text/event-stream") for key in keys} == {200}
        assert asked("/console/", keys[0]) == 200
