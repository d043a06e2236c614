from collections.abc import Collection, Mapping

import pytest

from platepost.device.uplink.resends import Resends
from platepost.device.uplink.settings import UplinkTiming
from platepost.wire.records import Envelope


class FakeOutbox:
    """Notes what it is to send once more, by the time of the test."""

    def __init__(self) -> None:
        self.now = 0.0
        self.oldest: dict[str, int] = {}
        self.probes: list[tuple[float, list[int]]] = []
        self.rounds: list[float] = []

    def oldest_sent(self) -> Mapping[str, int]:
        return self.oldest

    def send_again(self, places: Collection[int]) -> None:
        self.probes.append((self.now, list(places)))

    def send_left_out(self) -> int:
        self.rounds.append(self.now)
        return 0

    def next(
        self, limit: int, *, excluding: Collection[int] = (), holding: Collection[str] = (), repeating: bool = False
    ) -> tuple[Envelope, ...]:
        raise NotImplementedError

    def acknowledge(self, places: Collection[int]) -> int:
        raise NotImplementedError

    def present(self, places: Collection[int]) -> frozenset[int]:
        raise NotImplementedError


@pytest.fixture
def outbox() -> FakeOutbox:
    return FakeOutbox()


@pytest.fixture
def resends(outbox: FakeOutbox) -> Resends:
    resends = Resends(outbox, UplinkTiming(), now=lambda: outbox.now)
    resends.begin("a:1")
    return resends


def until(resends: Resends, outbox: FakeOutbox, seconds: float) -> None:
    while outbox.now < seconds:
        outbox.now += 5
        resends.poll()


def test_the_oldest_is_sent_after_a_minute_then_ever_more_rarely_up_to_an_hour(
    resends: Resends, outbox: FakeOutbox
) -> None:
    resends.poll()
    outbox.oldest = {"chain": 7}
    until(resends, outbox, 5 * 3600)
    assert {tuple(places) for _, places in outbox.probes} == {(7,)}
    times = [at for at, _ in outbox.probes]
    gaps = [round((after - before) / 60) for before, after in zip([0.0, *times], times, strict=False)]
    assert gaps == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_one_that_receipts_release_in_time_is_never_sent(resends: Resends, outbox: FakeOutbox) -> None:
    for number in range(1, 100):
        outbox.oldest = {"chain": number}
        until(resends, outbox, outbox.now + 30)
    assert outbox.probes == []


def test_another_broker_gets_it_at_once_and_the_same_does_not(resends: Resends, outbox: FakeOutbox) -> None:
    outbox.oldest = {"open": 7, "covert": -9}
    until(resends, outbox, 600)
    before = len(outbox.probes)
    resends.begin("a:1")
    resends.poll()
    assert len(outbox.probes) == before
    resends.begin("b:1")
    assert resends.due() == 0.0
    resends.poll()
    assert outbox.probes[before:] == [(600.0, [7, -9])]


def test_what_receipts_leave_out_is_looked_for_every_five_minutes(resends: Resends, outbox: FakeOutbox) -> None:
    until(resends, outbox, 3600)
    assert outbox.rounds == list(range(305, 3600, 300))
