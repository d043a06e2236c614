from collections.abc import Iterator
from queue import Queue

import pytest

from device.uplink.inbox import Delivery, Inbox


@pytest.fixture
def handled() -> "Queue[Delivery]":
    return Queue()


def delivery(payload: bytes, *, topic: str = "a", mid: int = 1) -> Delivery:
    return Delivery(connection=1, mid=mid, qos=1, topic=topic, payload=payload)


class Handlers:
    def __init__(self) -> None:
        self.got: list[bytes] = []

    def a(self, payload: bytes) -> None:
        self.got.append(payload)
        if payload == b"bad":
            raise RuntimeError("cannot")


@pytest.fixture
def handlers() -> Handlers:
    return Handlers()


@pytest.fixture
def inbox(handlers: Handlers, handled: "Queue[Delivery]") -> Iterator[Inbox]:
    inbox = Inbox({"a": handlers.a}, handled=handled.put)
    inbox.start()
    yield inbox
    inbox.stop(timeout=5)


def test_a_handler_that_fails_ends_neither_thread_nor_acknowledgement(
    inbox: Inbox, handlers: Handlers, handled: "Queue[Delivery]"
) -> None:
    for payload in (b"bad", b"good"):
        inbox.put(delivery(payload))
    assert [handled.get(timeout=5).payload for _ in range(2)] == [b"bad", b"good"]
    assert handlers.got == [b"bad", b"good"]


def test_the_same_again_empty_or_unasked_is_only_acknowledged(
    inbox: Inbox, handlers: Handlers, handled: "Queue[Delivery]"
) -> None:
    sent = [delivery(b"one"), delivery(b"one", mid=2), delivery(b""), delivery(b"x", topic="other"), delivery(b"two")]
    for item in sent:
        inbox.put(item)
    assert [handled.get(timeout=5) for _ in sent] == sent
    assert handlers.got == [b"one", b"two"]
