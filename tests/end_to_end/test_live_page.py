"""Every control of the live page, in a real Chromium, on whole posts behind a real mosquitto."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from platepost.department.database.cluster import installed_versions
from platepost.device.config import load
from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.simulator.demo.clip import find_clip
from platepost.simulator.live.desk import CUSTODIAN
from platepost.simulator.live.serve import serving
from tests.browser import Visitor, accessibility_faults, pixels_too_wide
from tests.footage import PASSES

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.timeout(300),  # the first of them with the start of a whole desk: a department, a broker, two posts
    pytest.mark.usefixtures("databases_lent"),
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
    pytest.mark.skipif(not installed_versions(), reason="PostgreSQL is missing: make tools"),
]

LISTED = [passage["text"] for passage in json.loads(PASSES.with_name("pass.truth.json").read_text())["passages"]]
IN_SERVICE = re.compile("online|degraded")


@dataclass(frozen=True)
class Desk:
    """A desk with two posts, of which the first one's street brings two plates of the hot list every seven seconds."""

    address: str
    visitor: Visitor

    def open(self, **options: Any) -> Page:
        page = self.visitor.open(self.address, **options)
        expect(page.locator("#link")).to_have_text("Live")
        expect(badge(page, "post-1")).to_have_text(IN_SERVICE)
        expect(badge(page, "post-2")).to_have_text(IN_SERVICE)
        return page


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, sparse_clip: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("live")
    clips = [folder / "north_gate.mp4", folder / "south_gate.mp4"]
    for clip in clips:
        shutil.copy(sparse_clip, clip)
    (folder / "north_gate.hotlist.csv").write_text(export(*LISTED) + "7ABC123,CA,tax,1,CASE-9\n")
    with serving([find_clip(clip) for clip in clips], folder / "desk") as served:
        post = load(folder / "desk" / "fleet" / "posts" / "post-1" / "post.toml")
        assert [custodian.name for custodian in post.custody.custodians] == [CUSTODIAN]
        yield served


@pytest.fixture
def desk(address: str, visitor: Visitor) -> Desk:
    return Desk(address, visitor)


def export(*plates: str) -> str:
    rows = [f"{plate},CA,stolen_vehicle,1,CASE-{number}\n" for number, plate in enumerate(plates)]
    return "plate,state,category,priority,reference\n" + "".join(rows)


def badge(page: Page, post: str) -> Locator:
    return page.locator(f".post[data-post={post}] [data-field=state]")


def switch(page: Page, name: str) -> Locator:
    return page.get_by_role("switch", name=name)


def version(page: Page) -> int:
    """Return the version of the list that the shown post has, once it says one."""
    shown = page.locator("[data-pulse=list]")
    expect(shown).to_have_text(re.compile(r"^version \d+$"))
    return int(shown.inner_text().removeprefix("version "))


def upload(page: Page, content: str, *, reason: str = "") -> None:
    page.get_by_label("CSV export or signed package").set_input_files(
        {"name": "export.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.get_by_label("Reason, if the list is of another size").fill(reason)
    page.get_by_role("button", name="Publish to all posts").click()
    # The answer also empties the form, in which the next file would be lost.
    expect(page.get_by_role("button", name="Publish to all posts")).to_be_enabled()


@pytest.mark.parametrize(("phone", "scheme"), [(False, "light"), (True, "dark")], ids=["desktop", "phone"])
def test_the_page_is_fit_for_everybody(desk: Desk, scheme: Any, phone: bool) -> None:  # noqa: FBT001
    page = desk.open(phone=phone, scheme=scheme)
    expect(page.locator("#view")).to_have_attribute("src", re.compile("calm"))
    assert pixels_too_wide(page) == 0
    assert accessibility_faults(page) == []


def test_a_post_whose_status_is_no_longer_good_is_not_shown_as_online(desk: Desk) -> None:
    page = desk.open()
    page.evaluate("{ const real = Date.now; Date.now = () => real() + 700_000; }")
    expect(badge(page, "post-1")).to_have_text(re.compile("^silent since "))


def entered(page: Page, person: str) -> Page:
    with page.expect_popup() as opened:
        page.get_by_role("link", name=f"Log in as the {person}").click()
    return opened.value


def test_hits_come_to_two_dispatchers_in_one_browser(desk: Desk) -> None:
    page = desk.open()
    consoles = {person: entered(page, person) for person in ("dispatcher", "colleague")}
    for person, console in consoles.items():
        expect(console.locator("#queue button").first).to_contain_text("stolen vehicle")
        console.get_by_role("link", name="Start of shift").click()
        console.get_by_role("button", name="show hits").click()
        waiting = console.locator("#queue button[data-state=new]").first  # the one that is shown may be taken by now
        expect(waiting).to_be_attached()
        console.locator("#queue").evaluate(
            "queue => queue.querySelectorAll('details').forEach(each => each.open = true)"
        )
        waiting.click()
        console.get_by_role("button", name="Take (t)").click()
        expect(console.locator("#done")).to_contain_text(f"taken by {person}")


def test_a_supervisor_and_an_auditor_are_logged_in_too(desk: Desk) -> None:
    page = desk.open()
    supervisor, auditor = entered(page, "supervisor"), entered(page, "auditor")
    for each in (supervisor, auditor):
        each.get_by_role("link", name="Oversight").click()
    supervisor.get_by_role("link", name="Reviews").click()
    expect(supervisor.locator("h1")).to_have_text("Reviews")
    auditor.get_by_role("link", name="Ledger").click()
    auditor.get_by_role("button", name="Show entries").click()
    expect(auditor.locator("tbody")).to_contain_text("hot list alarm")


def test_the_view_moves_and_stands_still(desk: Desk) -> None:
    page = desk.open(still=False)
    digest = (
        "(async () => { const answer = await fetch('/posts/post-1/still.jpg');"
        " const sum = await crypto.subtle.digest('SHA-256', await answer.arrayBuffer());"
        " return new Uint8Array(sum).join(); })()"
    )
    page.wait_for_function("() => document.getElementById('view').naturalWidth > 0")
    assert "calm" not in str(page.locator("#view").get_attribute("src"))
    page.get_by_role("button", name="Pause").click()
    going = page.get_by_role("button", name="Go on")
    expect(going).to_have_attribute("aria-pressed", "true")
    page.wait_for_function(f"async () => (await {digest}) === (await {digest})")
    going.press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "false")
    page.wait_for_function(f"async () => (await {digest}) !== (await {digest})")


def test_the_street_goes_at_the_pace_that_was_chosen(desk: Desk) -> None:
    page, other = desk.open(), desk.open()
    for pace in ("4", "1", "0.25"):  # the slowest stays: the posts leave the machine to the tests that follow
        page.locator(f"input[name=pace][value^='{pace}']").check(force=True)
        # Anyone else who looks at the desk sees it too: the desk says it, not the page that asked.
        expect(other.locator(f"input[name=pace][value^='{pace}']")).to_be_checked()


def test_another_post_is_shown_by_keyboard(desk: Desk) -> None:
    page = desk.open()
    page.locator("input[name=post][value=post-1]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#board-title")).to_have_text("Board of post-2")
    expect(page.locator("#view")).to_have_attribute("src", re.compile("/posts/post-2/view"))
    expect(page.locator("#view")).to_have_attribute("alt", re.compile("What post-2 sees"))


def test_an_opened_case_is_seen_heard_of_and_closed_again(desk: Desk) -> None:
    page = desk.open()
    page.get_by_role("button", name="Open the case").click()
    expect(page.locator("[data-word=tamper]")).to_have_text("case open")
    expect(page.locator("#reasons")).to_contain_text("tamper open", ignore_case=True)
    expect(page.locator("#audit")).to_contain_text("tamper opened", ignore_case=True)
    expect(page.locator("[data-word=status_light]")).to_have_text("degraded")
    page.get_by_role("button", name="Close the case").click()
    expect(page.locator("[data-word=tamper]")).to_have_text("case closed")
    expect(page.locator("#reasons")).not_to_contain_text("tamper open", ignore_case=True)


def test_a_post_without_network_is_offline_until_it_has_it_back(desk: Desk) -> None:
    page = desk.open()
    switch(page, "Network of the post").click()
    expect(switch(page, "Network of the post")).to_have_attribute("aria-checked", "false")
    expect(badge(page, "post-1")).to_have_text("offline")
    expect(badge(page, "post-2")).to_have_text(IN_SERVICE)
    switch(page, "Network of the post").press("Space")
    expect(badge(page, "post-1")).to_have_text(IN_SERVICE)


def test_a_post_whose_plug_was_pulled_comes_back(desk: Desk) -> None:
    page = desk.open()
    page.locator("input[name=post][value=post-2]").check(force=True)
    switch(page, "Power of the post").click()
    expect(page.locator("#dark")).to_have_text("The post has no power")
    expect(badge(page, "post-2")).to_have_text("no power")
    expect(page.locator("[data-word=status_light]")).to_have_text("dark")
    switch(page, "Power of the post").click()
    expect(page.locator("#dark")).to_be_hidden()
    expect(badge(page, "post-2")).to_have_text(IN_SERVICE)
    expect(page.locator("#audit li", has_text="boot").filter(has_text="post-2")).to_have_count(2)


def test_the_broker_is_stopped_and_started(desk: Desk) -> None:
    page = desk.open()
    switch(page, "Broker").click()
    expect(switch(page, "Broker")).to_have_attribute("aria-checked", "false")
    expect(page.locator("#link")).to_have_text("Hears nothing: no connection to the broker")
    switch(page, "Broker").click()
    expect(switch(page, "Broker")).to_have_attribute("aria-checked", "true")
    expect(page.locator("#link")).to_have_text("Live")
    expect(badge(page, "post-1")).to_have_text(IN_SERVICE)


def test_a_list_is_built_published_and_in_force_and_its_bad_rows_are_told(desk: Desk) -> None:
    page = desk.open()
    before = version(page)
    upload(page, export(LISTED[0], LISTED[1]) + "not a plate at all,CA,stolen_vehicle,1,X\n")
    answer = page.locator("#list-answer")
    expect(answer).to_contain_text(f"Version {before + 1} with 3 entries is on the broker")
    expect(answer).to_contain_text("Line 4: ")
    expect(page.locator("[data-pulse=list]")).to_have_text(f"version {before + 1}")
    expect(page.locator("#audit")).to_contain_text(f"version {before + 1}")


def test_a_row_that_the_first_list_could_not_take_is_told(desk: Desk) -> None:
    answer = desk.open().locator("#list-answer")
    expect(answer).to_contain_text("1 rows were refused.")
    expect(answer).to_contain_text(f"Line {len(LISTED) + 2}: category 'tax' is not on the allow-list")


def test_a_list_of_another_size_wants_a_reason(desk: Desk) -> None:
    page = desk.open()
    before = version(page)
    many = export(*LISTED, *(f"7ZZZ{number}" for number in range(100, 140)))
    upload(page, many)
    expect(page.locator("#list-answer")).to_contain_text("more than")
    expect(page.locator("#list-answer")).to_have_class("bad")
    upload(page, many, reason="the county's list was added")
    expect(page.locator("[data-pulse=list]")).to_have_text(f"version {before + 1}")
    upload(page, export(*LISTED), reason="and taken away again")
    expect(page.locator("[data-pulse=list]")).to_have_text(f"version {before + 2}")
    desk.visitor.forgive("400 (Bad Request)")


def test_a_file_that_is_no_list_is_refused_with_words(desk: Desk) -> None:
    page = desk.open()
    upload(page, "color,size\nred,3\n")
    expect(page.locator("#list-answer")).to_contain_text("no column 'plate'")
    upload(page, "eyJhbGciOiJFUzI1NiJ9.e30.AAAA\nsomething")
    expect(page.locator("#list-answer")).to_have_class("bad")
    desk.visitor.forgive("400 (Bad Request)")


def test_everything_is_reached_by_keyboard_and_shows_it(desk: Desk) -> None:
    page = desk.open()
    rings = """() => {
        const at = document.activeElement, shown = at.matches("[type=radio]") ? at.nextElementSibling : at;
        const style = getComputedStyle(shown);
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    }"""
    wanted = ["skip", "pace", "pause", "broker", "post", "tamper", "network", "power", "file", "reason", "publish"]
    reached: list[str] = []
    while "publish" not in reached and len(reached) < 2 * len(wanted):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("() => (at => at.id || at.name || at.className || at.tagName)(document.activeElement)")
        )
        assert page.evaluate(rings), f"nothing shows that {reached[-1]} has the focus"
    assert [name for name in reached if name in wanted] == wanted
