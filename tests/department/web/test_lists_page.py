"""Lists by web: an Amber alert from the keyboard to the posts, and off again, in a real browser over a real broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from platepost.simulator.brokers.mosquitto import mosquitto_path
from tests.browser import Visitor, accessibility_faults, pixels_too_wide
from tests.department.commands.installation import Commands, department
from tests.department.web.lists_site import ListsSite, enter_amber_alert, lists_site

__all__ = ["department"]
pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]


@pytest.fixture(scope="module")
def site(department: Commands) -> Iterator[ListsSite]:
    with lists_site(department, posts=2) as created:
        yield created


def fine(page: Page) -> None:
    assert accessibility_faults(page) == []
    assert "7XY" not in page.title() + page.url
    assert pixels_too_wide(page) == 0


def test_amber_alert_from_the_keyboard_to_the_posts_and_off_again(
    visitor: Visitor,
    site: ListsSite,
    department: Commands,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = visitor.open(f"{site.address}/log-in/")
    took = enter_amber_alert(page, site, "7XY?9*")
    fine(page)
    fields = page.inner_text("main")
    assert "amber alert, 1" in fields
    assert "white van" in fields
    # The posts may have the list before the signer has noted that it is published.
    site.until(lambda: "published in version" in page.request.get(page.url).text())
    page.reload()
    page.get_by_label("Because").fill("the child is safe")
    page.keyboard.press("Enter")
    site.until(lambda: not any(site.looks_for("7XYA912")))
    with capsys.disabled():
        print(f"\nAmber alert, from its saving to in force on two posts: {took:.2f} s")  # noqa: T201 - the figure
    file = tmp_path / "state.csv"
    file.write_text("plate,category\n7IMP001,stolen_vehicle\nNONE,stolen_vehicle\n")
    imported = department.json("lists import", file, "--source", "state")
    assert (imported["accepted"], imported["held"]) == (1, "the first file of this source")
    assert [row["line"] for row in imported["report"]] == [3]
    phone = visitor.open(f"{site.address}/log-in/", phone=True, scheme="dark")
    site.visit(phone, "/lists/", site.supervisor)
    fine(phone)
    phone.get_by_label("Because").fill("the state's own")
    with phone.expect_navigation():
        phone.keyboard.press("Enter")
    site.until(lambda: all(site.looks_for("7IMP001")))
    assert "NONE" not in phone.inner_text("body")
    for where in ("/lists/", "/lists/add/", "/lists/imports/", "/lists/imports/1/"):
        site.visit(phone, where, site.supervisor)
        fine(phone)
    assert visitor.complaints == []


def test_second_click_sends_nothing_again(visitor: Visitor, site: ListsSite) -> None:
    page = visitor.open(f"{site.address}/log-in/")
    site.visit(page, "/lists/", site.operator)
    sent: list[Route] = []
    page.route("**/lists/recovered/", lambda route: sent.append(route))  # noqa: PLW0108 - Playwright marks what it is given
    form = page.locator("form[action$='/lists/recovered/']")
    form.locator("[name=plate]").fill("7XYZ001")
    form.locator("[name=because]").fill("found by a patrol")
    form.get_by_role("button").focus()
    fetch = "onkeyup = pressed => pressed.key === 'End' && setTimeout(() => fetch('/static/web/redraw.js'))"
    page.evaluate(f"() => {{ {fetch}; }}")
    with page.expect_request("**/lists/recovered/"):
        page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # a click would wait for the answer to the one before
    with page.expect_request("**/redraw.js"):  # asked for after what the second would have sent
        page.keyboard.press("End")
    sent[0].continue_()
    page.get_by_text("Taken off: 0 entries").wait_for()
    assert len(sent) == 1
    assert visitor.complaints == []
