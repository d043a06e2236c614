# ruff: noqa: ANN401 - fixtures of conftest.py have no importable type, and JSON is of any type

import json
import urllib.request
from typing import Any

import pytest

from device.faults.fault import Fault, reasons
from simulator.demo.live import LivePage, page_event


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


def test_the_page_is_told_how_bad_a_fault_is(post: Any) -> None:
    post.stands("degraded", *reasons({Fault.CLOCK_UNSYNCHRONISED, Fault.CAMERA_SILENT}))
    event = page_event(post.arrivals[0])
    assert event is not None
    assert event["severity"] == "critical"
    assert event["reasons"] == ["camera silent (critical)", "clock unsynchronised (minor)"]


def test_audit_is_not_for_the_page(post: Any) -> None:
    post.boots()
    assert page_event(post.arrivals[0]) is None
