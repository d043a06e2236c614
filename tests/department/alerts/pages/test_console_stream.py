"""What reaches the console in a real browser: over kills, sleep, thousands of hits, and ends of sessions."""

import os
import re
import signal
from contextlib import ExitStack, closing
from datetime import timedelta
from http.client import HTTPConnection

import pytest
from playwright.sync_api import Route, expect

from platepost.department.folder import DepartmentFolder
from platepost.department.session import POOL
from tests.browser import PATIENCE_SECONDS, Visitor
from tests.department.alerts.alarms import sessions
from tests.department.alerts.pages.desk import MARKS, PLATE, Desk, fine, picture

pytestmark = [pytest.mark.end_to_end, *MARKS]


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
