# ruff: noqa: ANN401 - fixtures of conftest.py have no importable type, and JSON is of any type

import json
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import expect

from simulator.demo.live import LivePage
from tests.browser import Visitor


@pytest.fixture
def page() -> Any:
    made = LivePage()
    made.start()
    yield made
    made.close()


def events(page: LivePage, *, after: int | None = None) -> list[dict[str, Any]]:
    request = urllib.request.Request(page.address + "events")  # noqa: S310 - loopback only
    if after is not None:
        request.add_header("Last-Event-ID", str(after))
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        lines = answer.read().decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def test_page_opened_late_gets_everything_and_the_stream_ends(page: LivePage, post: Any) -> None:
    passage, hit = post.hits("7ABC123", 10, 15, category="stolen_vehicle")
    post.reads("7ABC123", 10, 40, passage=passage)
    post.withdraws(passage, hit, "7ABC128", "stolen_vehicle")
    post.stands("online")
    post.pulses(10.0, 5.0)
    post.boots()
    for arrival in post.arrivals:
        page.arrived(arrival)
    page.ended()

    received = events(page)

    assert [event["kind"] for event in received] == ["hit", "read", "withdrawn", "status", "health", "ended"]
    assert received[0]["plate"] == "7ABC123"
    assert received[0]["overview"].startswith("data:image/jpeg;base64,")
    assert received[2]["hit"] == received[0]["hit"] == hit


def test_page_that_lost_the_stream_goes_on_where_it_was(page: LivePage, post: Any) -> None:
    for text in ("7ABC123", "8XYZ900", "6DEF456"):
        post.reads(text, 10, 40)
        page.arrived(post.arrivals[-1])
    page.ended()
    assert [event.get("plate") for event in events(page, after=0)] == ["8XYZ900", "6DEF456", None]


def test_page_is_served_on_loopback_with_a_policy(page: LivePage) -> None:
    assert page.address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(page.address, timeout=10) as answer:  # noqa: S310
        policy = answer.headers["Content-Security-Policy"]
        text = answer.read().decode()
    assert "default-src 'none'" in policy
    assert "Possible match - unverified" in text


def test_a_hit_is_shown_in_the_record_s_own_words_with_what_makes_it_doubtful(
    page: LivePage, post: Any, visitor: Visitor
) -> None:
    post.hits("7ABC123", 10, 15, category="stolen_vehicle")
    event = post.arrivals[0].event
    changed = {"wording": "Words of the post alone.", "plate_matched": "7A8C123", "state_agreement": "contradicts"}
    page.arrived(replace(post.arrivals[0], event=event | {"data": event["data"] | changed}))
    card = visitor.open(page.address).locator("article.hit")
    expect(card.locator(".caution")).to_contain_text("Words of the post alone.")
    expect(card).to_contain_text("7A8C123")
    expect(card).to_contain_text("another state by its look")
    expect(card).to_contain_text("list version 1, 0.0 h old")


def test_a_hit_whose_withdrawal_came_first_is_shown_as_withdrawn(page: LivePage, post: Any, visitor: Visitor) -> None:
    passage, hit = post.hits("7ABC123", 10, 15, category="stolen_vehicle")
    post.withdraws(passage, hit, "7ABC128", "stolen_vehicle")
    for arrival in reversed(post.arrivals):
        page.arrived(arrival)
    expect(visitor.open(page.address).locator("article.hit [data-field=withdrawn]")).to_have_text(
        "withdrawn: text changed"
    )


def test_a_synthetic_hit_is_no_hit_and_shows_how_long_it_took(page: LivePage, post: Any, visitor: Visitor) -> None:
    post.hits("PLATEPOST", 10, 15, category="acceptance_test")
    event = post.arrivals[0].event
    page.arrived(replace(post.arrivals[0], event=event | {"data": event["data"] | {"synthetic": True}}))
    opened = visitor.open(page.address)
    expect(opened.locator("#path")).to_contain_text(event["data"]["wording"])
    expect(opened.locator("#hits")).to_have_text("0")


def test_the_page_says_when_it_hears_nothing(page: LivePage, visitor: Visitor) -> None:
    opened = visitor.open(page.address)
    page.close()
    expect(opened.locator("#state")).to_have_text("nothing is heard of the demonstration")
    visitor.forgive("ERR_")


def test_audit_is_not_for_the_page(page: LivePage, post: Any) -> None:
    post.boots()
    page.arrived(post.arrivals[0])
    page.ended()
    assert [event["kind"] for event in events(page)] == ["ended"]
