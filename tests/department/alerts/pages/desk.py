"""A department with a post that sends hits, and dispatchers who answer them in a real browser."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from playwright.sync_api import Page

from platepost.department.database.cluster import SUPERUSER, installed_versions
from platepost.department.database.roles import OWNER
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from platepost.provisioning.connection import Connection
from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.wire.contract.examples import CLOCK
from platepost.wire.records import Source
from platepost.wire.records.hit import HitWithdrawn
from platepost.wire.records.recorder import Recorder
from platepost.wire.records.signing import Signer
from tests.browser import DESKTOP, OF_LOOKS, PATIENCE_SECONDS, Visitor, accessibility_faults, pixels_too_wide
from tests.department.alerts.alarms import seen
from tests.department.commands.forked import Started
from tests.department.commands.keeping import Site
from tests.department.custody.posts import Post
from tests.department.emptying import empty
from tests.department.planting import planting
from tests.department.status.test_status_page import wait_until_served
from tests.thorough import THOROUGH, in_turn
from tests.waiting import until

MARKS = [
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
    pytest.mark.skipif(not installed_versions(), reason="PostgreSQL is missing: make tools"),
]
"""Of each file of tests that uses it, besides `end_to_end`."""
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

    def hit(self, group: str | None = None, **more: Any) -> str:
        """Have the post send a hit of now; return its identifier."""
        self.post.now = datetime.now(UTC)
        members = seen(PLATE, self.post.now, **more)
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
        fields: dict[str, Any] = {
            "category": "Stolen Vehicle",
            "plate_read": "7A8D123",
            "plate_key": "7A8D123",
            "reason": "text_changed",
        }
        created = self.post.recorder.record(HitWithdrawn(clock=CLOCK, hit=hit, passage=self.hits[0], **fields))
        with self._connected() as connection:
            connection.publish(created.topic, created.body, retain=False)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with Connection(self.site.fleet.post("post-1"), broker=self.site.broker.address, topics=[]) as connection:
            yield connection

    def open(self, visitor: Visitor, login: str, path: str = "console/", **more: Any) -> Page:
        address = f"http://{self.where}"
        page = visitor.open(f"{address}/log-in/", **more)
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


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("PLATEPOST_SCREENSHOTS")
    if folder:
        page.screenshot(path=f"{folder}/console-{name}.png")


def fine(page: Page) -> bool:
    """Tell whether a page has no accessibility fault, no plate in its title, and needs no scrolling sideways."""
    assert accessibility_faults(page) == []
    assert "7A" not in page.title() + page.url
    return pixels_too_wide(page) == 0


def fine_in_each_look(page: Page) -> bool:
    """Tell whether a page is fine on a wall, a desk, a tablet and a phone, by day and by night."""
    assert fine(page)
    size = page.viewport_size
    for (width, height), scheme in in_turn(SIZES, ("dark", "light")):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
        assert accessibility_faults(page, rules=() if THOROUGH else OF_LOOKS) == [], f"{width} pixels wide, {scheme}"
        assert pixels_too_wide(page) == 0, f"{width} pixels wide"
    page.set_viewport_size(size or DESKTOP)
    page.emulate_media(color_scheme="light")
    return True


def answer(page: Page, keys: str) -> None:
    """Press keys one after another; "as listed" once a character has been under the loupe for long enough."""
    for key in keys:
        if key == "s":
            page.locator("#under-loupe[data-seen]").wait_for(state="attached")
        page.keyboard.press(key)


@contextmanager
def pressed(page: Page, key: str) -> Iterator[None]:
    """Hold a key down for as long as the context lasts."""
    page.keyboard.down(key)
    yield
    page.keyboard.up(key)
