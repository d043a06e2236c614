from collections import deque

import pytest

from platepost.device.uplink.refusals import Refusals
from platepost.device.uplink.subscriptions import Subscriptions

PACKAGE = "alpr/v1/demo/hotlist/package"
PART = f"{PACKAGE}/0"
KEYS = "alpr/v1/demo/keys/lists"


class FakeConnection:
    """A connection that remembers what was asked for."""

    def __init__(self) -> None:
        self.end: str | None = None
        self.asked: list[str] = []
        self.retained: list[str] = []
        self.left: list[str] = []
        self.answered_subscriptions: deque[tuple[str, str | None]] = deque()

    def subscribe(self, topic: str, *, retained_again: bool) -> None:
        self.asked.append(topic)
        if retained_again:
            self.retained.append(topic)

    def unsubscribe(self, topic: str) -> None:
        self.left.append(topic)


def connect(subscriptions: Subscriptions, *, refused: str | None = None) -> list[str]:
    """Run one connection, whose broker refuses one topic; return what was asked for."""
    return run(subscriptions, refused=refused).asked


def run(subscriptions: Subscriptions, *, refused: str | None = None) -> FakeConnection:
    """Run one connection, whose broker refuses one topic."""
    connection = FakeConnection()
    subscriptions.begin()
    subscriptions.fill(connection)  # type: ignore[arg-type]
    connection.answered_subscriptions.extend(
        (topic, "not_authorized" if topic == refused else None) for topic in connection.asked
    )
    subscriptions.settle(connection)  # type: ignore[arg-type]
    return connection


@pytest.mark.parametrize("late", [False, True])
def test_a_topic_that_is_wanted_no_more_is_not_told_as_refused(*, late: bool) -> None:
    subscriptions = Subscriptions((PACKAGE,), Refusals(first=30, most=60))
    subscriptions.want(PART)
    if not late:
        connect(subscriptions, refused=PART)
        assert subscriptions.refused == (f"{PART} not_authorized",)
        subscriptions.leave(PART)
        connect(subscriptions)
    else:
        connection = FakeConnection()
        subscriptions.fill(connection)  # type: ignore[arg-type]
        subscriptions.leave(PART)
        subscriptions.fill(connection)  # type: ignore[arg-type]
        connection.answered_subscriptions.append((PART, "not_authorized"))
        subscriptions.settle(connection)  # type: ignore[arg-type]
    assert subscriptions.refused == ()


def test_wanting_a_refused_topic_again_does_not_shorten_its_wait() -> None:
    now = 0.0
    subscriptions = Subscriptions((), Refusals(first=30, most=60, now=lambda: now))
    asked = []
    for _ in range(5):
        subscriptions.want(PART)
        asked += connect(subscriptions, refused=PART)
        subscriptions.leave(PART)
        connect(subscriptions)
    assert asked == [PART], "some brokers hang up at each"
    now += 31
    subscriptions.want(PART)
    assert connect(subscriptions) == [PART]
    assert subscriptions.refused == ()


@pytest.mark.parametrize("answered", [True, False])
def test_a_topic_that_was_left_while_the_connection_was_gone_is_left_in_the_session_too(*, answered: bool) -> None:
    subscriptions = Subscriptions((PACKAGE,), Refusals(first=30, most=60))
    subscriptions.want(PART)
    if answered:
        assert connect(subscriptions) == [PACKAGE, PART]
    else:
        subscriptions.fill(FakeConnection())  # type: ignore[arg-type]
    subscriptions.leave(PART)
    for left in ([PART], []):
        connection = FakeConnection()
        subscriptions.begin()
        subscriptions.fill(connection)  # type: ignore[arg-type]
        assert (connection.asked, connection.left) == ([PACKAGE], left)


def test_what_is_retained_on_a_small_topic_is_asked_for_until_it_has_come() -> None:
    subscriptions = Subscriptions((), Refusals(first=30, most=60))
    subscriptions.want(PACKAGE)
    subscriptions.want(KEYS, small=True)
    assert [run(subscriptions).retained for _ in range(3)] == [[PACKAGE, KEYS], [KEYS], [KEYS]]
    subscriptions.came(KEYS)
    assert run(subscriptions).retained == []
    subscriptions.want(KEYS, small=True)
    assert [run(subscriptions).retained for _ in range(2)] == [[KEYS], [KEYS]], "wanted again, it is to come again"
