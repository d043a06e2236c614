from collections.abc import Iterator
from dataclasses import replace
from queue import Queue

import pytest

from platepost.device.uplink.inbox import Delivery, Inbox


@pytest.fixture
def handled() -> "Queue[Delivery]":
    return Queue()


def delivery(payload: bytes, *, topic: str = "a", mid: int = 1, qos: int = 1, retained: bool = False) -> Delivery:
    return Delivery(connection=1, mid=mid, qos=qos, topic=topic, payload=payload, retained=retained)


class Handlers:
    def __init__(self) -> None:
        self.got: list[bytes] = []

    def a(self, delivery: Delivery) -> None:
        self.got.append(delivery.payload)
        if delivery.payload == b"bad":
            raise RuntimeError("cannot")


@pytest.fixture
def handlers() -> Handlers:
    return Handlers()


@pytest.fixture
def inbox(handlers: Handlers, handled: "Queue[Delivery]") -> Iterator[Inbox]:
    inbox = Inbox({"a": handlers.a, "command/+": handlers.a}, handled=handled.put)
    inbox.start()
    yield inbox
    inbox.stop(timeout=60)


def test_a_handler_that_fails_ends_neither_thread_nor_acknowledgment(
    inbox: Inbox, handlers: Handlers, handled: "Queue[Delivery]"
) -> None:
    for payload in (b"bad", b"good"):
        inbox.put(delivery(payload))
    assert [handled.get(timeout=60).payload for _ in range(2)] == [b"bad", b"good"]
    assert handlers.got == [b"bad", b"good"]


def test_the_same_retained_again_empty_or_unasked_is_only_acknowledged(
    inbox: Inbox, handlers: Handlers, handled: "Queue[Delivery]"
) -> None:
    sent = [
        delivery(b"one"),
        delivery(b"one", mid=2, retained=True),
        delivery(b""),
        delivery(b"x", topic="other"),
        delivery(b"two"),
    ]
    for item in sent:
        inbox.put(item)
    assert [handled.get(timeout=60) for _ in sent] == sent
    assert handlers.got == [b"one", b"two"]


def test_a_filter_hears_each_of_its_topics_and_every_repetition(
    inbox: Inbox, handlers: Handlers, handled: "Queue[Delivery]"
) -> None:
    sent = [delivery(b"x", topic="command/a"), delivery(b"x", topic="command/b"), delivery(b"x", topic="command/b")]
    for item in sent:
        inbox.put(item)
    assert [handled.get(timeout=60) for _ in sent] == sent
    assert handlers.got == [b"x", b"x", b"x"]


def test_a_flood_that_the_broker_cannot_hold_back_does_not_pile_up(
    handlers: Handlers, handled: "Queue[Delivery]"
) -> None:
    waiting = Inbox({"a": handlers.a}, handled=handled.put)
    for number in range(1000):
        waiting.put(delivery(str(number).encode(), qos=0))
    waiting.put(delivery(b"asked for"))
    waiting.start()
    waiting.stop(timeout=60)
    assert len(handlers.got) == 65
    assert handlers.got[-1] == b"asked for"


def test_what_comes_again_over_new_connections_waits_once_and_is_acknowledged_over_the_last(
    handlers: Handlers, handled: "Queue[Delivery]"
) -> None:
    waiting = Inbox({"a": handlers.a}, handled=handled.put)
    for connection in range(1, 100):
        for mid, payload in enumerate((b"one", b"same", b"same", b"two"), start=1):
            waiting.put(replace(delivery(payload, mid=mid), connection=connection))
    waiting.start()
    waiting.stop(timeout=60)
    assert handlers.got == [b"one", b"same", b"same", b"two"]
    assert [(each.connection, each.mid) for each in handled.queue] == [(99, 1), (99, 2), (99, 3), (99, 4)]


def test_what_is_asked_for_again_while_it_is_handled_is_handled_again(
    inbox: Inbox, handlers: Handlers, handled: "Queue[Delivery]"
) -> None:
    def asks_again(delivery: Delivery) -> None:
        inbox.handle("a", handlers.a)
        handlers.a(delivery)

    inbox.handle("a", asks_again)
    for mid in (1, 2):
        inbox.put(delivery(b"list", mid=mid, retained=True))
        handled.get(timeout=60)
    assert handlers.got == [b"list", b"list"]
