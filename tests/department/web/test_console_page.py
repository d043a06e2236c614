"""The console in a real browser, behind a broker and a keeper: by keyboard, on a phone, taken back, and over kills."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from department.database.cluster import installed_versions
from department.folder import DepartmentFolder
from device.records import Source
from device.records.contract.examples import CLOCK
from device.records.hit import HitWithdrawn
from device.records.recorder import Recorder
from device.records.signing import Signer
from provisioning.connection import Connection
from simulator.brokers.daemon import free_port
from simulator.brokers.mosquitto import mosquitto_path
from tests.browser import PATIENCE_SECONDS, Visitor, accessibility_faults
from tests.department.commands.keeping import Site, site
from tests.department.custody.posts import Post
from tests.department.web.alarms import seen, sessions
from tests.department.web.test_status_page import wait_until_served

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is not installed"),
    pytest.mark.skipif(not installed_versions(), reason="PostgreSQL IS NOT INSTALLED: apt-get install postgresql"),
]
PLATE = "7ABD123"
expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@dataclass
class Desk:
    """A department with a post, and two dispatchers at their consoles."""

    site: Site
    where: str
    keys: dict[str, str]
    post: Post = field(default_factory=Post)
    hits: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        signer = Signer.from_file(self.site.fleet.post("post-1") / "signing_key.pem")
        source = Source("riverside", "post-1")
        self.post.recorder = Recorder(self.post.store, signer, source, now=lambda: self.post.now)

    def hit(self, **more: object) -> str:
        """Have the post send a hit of now; return its identifier."""
        self.post.now = datetime.now(UTC)
        members = seen(PLATE, self.post.now, **more)  # type: ignore[arg-type]
        made = self.post.hit(**members)
        with self._connected() as connection:
            connection.publish(made.topic, made.body, retain=False)
        self.hits.append(str(members["hit"]))
        return self.hits[-1]

    def withdraw(self, hit: str) -> None:
        said = {"category": "Stolen Vehicle", "plate_read": "7A8D123", "plate_key": "7A8D123", "reason": "text_changed"}
        made = self.post.recorder.record(HitWithdrawn(clock=CLOCK, hit=hit, passage=self.hits[0], **said))  # type: ignore[arg-type]
        with self._connected() as connection:
            connection.publish(made.topic, made.body, retain=False)

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

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        with subprocess.Popen(self.site.department.line("serve", "--web", self.where)) as server:
            try:
                wait_until_served(f"http://{self.where}/log-in/", server)
                yield server
            finally:
                server.kill()


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with site() as made:
        made.add_post("post-1")
        made.init()
        folder = DepartmentFolder(made.department.folder)
        with made.keeping():
            people = ["a.rivera", "b.chen"]
            keys = sessions(folder, *(f"{login}:dispatcher:current" for login in people))
            yield Desk(made, f"127.0.0.1:{free_port()}", dict(zip(people, keys, strict=True)))


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


def test_from_a_hit_to_actionable_by_keyboard_and_taken_back(served: Desk, visitor: Visitor) -> None:
    served.hit()  # so that the post has been heard
    page, other = served.open(visitor, "a.rivera", "console/shift/"), served.open(visitor, "b.chen", phone=True)
    assert fine(page)
    picture(page, "shift")
    page.get_by_role("button", name="I have looked at the lists").press("Enter")
    page.wait_for_url("**/console/")
    page.keyboard.press("x")
    expect(page.locator("#sound")).to_have_text("Sound is on: try it")
    for each in (page, other):
        expect(each.locator("#hit")).to_have_attribute("data-state", "new")
        assert each.title().startswith("(1) to be taken")
        assert each.locator("#deaf").is_hidden()
        assert fine(each)
    picture(page, "new")
    picture(other, "phone")
    below = other.evaluate("document.querySelector('[data-picture=patch]').getBoundingClientRect().bottom")
    assert below <= 844, "on a phone the plate is seen without scrolling"
    page.keyboard.press("t")
    page.locator("#hit[data-eye=confirm]").wait_for()
    for _ in PLATE:
        page.keyboard.press("s")
    for _ in ("state", "vehicle"):
        page.keyboard.press("1")
    picture(page, "eye")
    assert fine(page)
    page.keyboard.press("Enter")
    page.locator("#hit[data-state=confirmed]").wait_for()
    assert fine(page)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    for each in (page, other):
        expect(each.locator("#hit")).to_have_attribute("data-state", "actionable")
    served.withdraw(served.hits[0])
    for each in (page, other):
        expect(each.locator("#back")).to_contain_text("TAKEN BACK")
        assert each.title().startswith("Taken back")
        assert fine(each)
    picture(page, "back")
    page.get_by_role("button", name="Show it").press("Enter")
    page.get_by_label("units sent").check()
    page.get_by_role("button", name="Say so").press("Enter")
    expect(other.locator("#queue button")).to_have_count(0)
    assert visitor.complaints == []


def test_none_is_lost_and_silence_is_said_over_kills(desk: Desk, visitor: Visitor) -> None:
    del desk.hits[:]
    with desk.serving() as server:
        page = desk.open(visitor, "b.chen", scheme="dark")
        desk.hit()
        deaf, rows = page.locator("#deaf"), page.locator("#queue button")
        expect(rows).to_have_count(1)

        desk.site.broker.kill()
        expect(deaf).to_contain_text("You hear nothing")
        expect(deaf).to_contain_text("The keeper does not hear the broker")
        assert page.title().startswith("You hear nothing")
        assert fine(page)
        picture(page, "deaf")
        desk.site.broker.start()
        desk.hit()
        expect(rows).to_have_count(2)
        expect(deaf).to_be_hidden()
        expect(page.locator("#refused")).to_contain_text("You heard nothing from")

        pid = desk.site.cluster.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        desk.hit()
        expect(rows).to_have_count(3)
        expect(deaf).to_be_hidden()

        server.send_signal(signal.SIGKILL)
        server.wait()
        expect(deaf).to_contain_text("This page hears nothing from its server")
        desk.hit()
    with desk.serving():
        expect(rows).to_have_count(4)
        expect(deaf).to_be_hidden()
        records = page.eval_on_selector_all("#queue button", "all => all.map(each => each.dataset.record)")
        assert len({*records}) == len(records) == len(desk.hits)
        page.close()
    visitor.forgive("Failed to load resource")
