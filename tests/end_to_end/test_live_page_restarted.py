"""The live page in a real Chromium, whose server is ended and restarted at the same address."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from playwright.sync_api import expect

from platepost.provisioning.serving import PageServer
from platepost.simulator.brokers.daemon import free_port
from platepost.simulator.live.desk import Desk
from platepost.simulator.live.feed import Feed
from platepost.simulator.live.lists import Published
from platepost.simulator.live.posts import LivePost
from platepost.simulator.live.server import LiveApplication
from tests.browser import Visitor

pytestmark = pytest.mark.end_to_end


@contextmanager
def desk(port: int, post: str, *, happened: int) -> Iterator[None]:
    """Serve the page of a desk whose one post has no power, and where so much has happened."""
    feed = Feed()
    power = {"power": False, "network": True, "tamper": False, "board": {}, "failure": ""}
    state: dict[str, Any] = {
        "kind": "desk",
        "broker": True,
        "connected": True,
        "factor": 1.0,
        "paused": False,
        "posts": {post: power},
    }
    posts = {post: LivePost(post, Path("post.toml"), Path(f"{post}.mp4"), place="Street", log=Path("post.log"))}
    made = SimpleNamespace(
        feed=feed,
        posts=posts,
        first_list=Published(1, 3, (), "complete"),
        state=lambda: state,
        lists=None,
        console=SimpleNamespace(entrances={}),
    )
    live = LiveApplication(cast("Desk", made), local=True)
    server = PageServer(live.application, host="127.0.0.1", port=port)
    server.start()
    assert server.loop is not None
    asyncio.run_coroutine_threadsafe(live.bind(), server.loop).result(60)
    feed.state("desk", state)
    for number in range(happened):
        feed.happen({"kind": "audit", "post": post, "time": str(number), "action": f"of {post}", "outcome": "success"})
    try:
        yield
    finally:
        feed.end()
        server.close()


def test_the_page_is_that_of_the_server_that_answers_now(visitor: Visitor) -> None:
    port = free_port()
    with desk(port, "before", happened=9):
        page = visitor.open(f"http://127.0.0.1:{port}/")
        expect(page.locator("#audit li")).to_have_count(9)
    with desk(port, "after", happened=2):
        expect(page.locator(".post")).to_have_attribute("data-post", "after")
        expect(page.locator("#audit li")).to_have_count(2)
        expect(page.locator("#link")).to_have_text("Live")
    visitor.complaints.clear()  # of the server that was away
