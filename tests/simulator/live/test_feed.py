import asyncio
from typing import Any

from platepost.simulator.live.feed import KEPT, Feed


async def told(feed: Feed, count: int, *, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
    found: list[tuple[int, dict[str, Any]]] = []
    async for item in feed.tail(after):
        found.append(item)
        if len(found) == count:
            break
    return found


def test_a_late_page_gets_what_is_kept_and_the_newest_state_in_order() -> None:
    async def run() -> list[tuple[int, dict[str, Any]]]:
        feed = Feed()
        feed.bind()
        feed.state("health", {"rate": 1})
        feed.happen({"hit": 1})
        feed.state("health", {"rate": 2})
        feed.happen({"hit": 2})
        await asyncio.sleep(0)
        return await asyncio.wait_for(told(feed, 3), 10)

    assert [event for _, event in asyncio.run(run())] == [{"hit": 1}, {"rate": 2}, {"hit": 2}]


def test_a_page_that_lost_the_stream_goes_on_where_it_was() -> None:
    async def run() -> list[tuple[int, dict[str, Any]]]:
        feed = Feed()
        feed.bind()
        for number in range(5):
            feed.happen({"hit": number})
        await asyncio.sleep(0)
        return await asyncio.wait_for(told(feed, 2, after=3), 10)

    assert asyncio.run(run()) == [(4, {"hit": 3}), (5, {"hit": 4})]


def test_a_page_of_a_server_that_was_here_before_gets_everything() -> None:
    async def run(mark: str) -> list[tuple[int, dict[str, Any]]]:
        feed = Feed()
        feed.bind()
        feed.state("desk", {"broker": True})
        feed.happen({"hit": 1})
        await asyncio.sleep(0)
        return await asyncio.wait_for(told(feed, 2, after=feed.number(mark)), 10)

    for mark in (Feed().mark(900), "900", "", "-", "nonsense-9", "-" + "9" * 9000):
        assert asyncio.run(run(mark)) == [(1, {"broker": True}), (2, {"hit": 1})]


def test_a_mark_stands_for_its_number() -> None:
    feed = Feed()
    assert feed.number(feed.mark(3)) == 3


def test_what_is_kept_is_bounded_however_long_it_goes_on() -> None:
    async def run() -> list[tuple[int, dict[str, Any]]]:
        feed = Feed()
        feed.bind()
        for number in range(3 * KEPT):
            feed.happen({"hit": number})
            feed.state("health", {"rate": number})
        await asyncio.sleep(0.01)
        return await asyncio.wait_for(told(feed, KEPT + 1), 10)

    found = asyncio.run(run())
    assert found[0][1] == {"hit": 2 * KEPT}
    assert found[-1][1] == {"rate": 3 * KEPT - 1}


def test_every_stream_ends_with_the_feed() -> None:
    async def run() -> list[tuple[int, dict[str, Any]]]:
        feed = Feed()
        feed.bind()
        stream = asyncio.create_task(told(feed, 99))
        feed.end()
        return await asyncio.wait_for(stream, 10)

    assert asyncio.run(run()) == []


def test_what_is_told_before_anybody_serves_is_dropped_without_complaint() -> None:
    Feed().happen({"hit": 1})
