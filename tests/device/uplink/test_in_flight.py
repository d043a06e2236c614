"""What brokers do that mosquitto does not: hang up at a publication, refuse for a quota, learn of sizes late."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from paho.mqtt.packettypes import PacketTypes

from platepost.device.outbox.custody import Requirements
from platepost.device.outbox.outbox import Outbox
from platepost.device.uplink.connection import publish_properties
from platepost.device.uplink.in_flight import (
    LEAST_EXPIRY_SECONDS,
    MOST_EXPIRY_SECONDS,
    InFlight,
    expiry_seconds,
    packet_size,
)
from platepost.device.uplink.reasons import NOBODY
from platepost.device.uplink.refusals import EVERYTHING, Refusals
from platepost.wire.contract.examples import (
    LIST,
    ExampleSigner,
    example_audit,
    example_sight,
    example_status,
    identifiers,
)
from platepost.wire.records import TYPES, Envelope, Picture, Read, Recorder, Source
from tests.clocks import SteppedClock

AUDIT = "alpr/v1/demo/post-1/audit"


class FakeConnection:
    """A connection that takes publications and answers when told."""

    def __init__(self) -> None:
        self.answers: deque[tuple[int, str | None]] = deque()
        self.end: str | None = None
        self.receive_maximum = 65535
        self.maximum_packet_size: int | None = None
        self.sent: list[Envelope] = []
        self.retained: list[bool] = []

    def publish(self, envelope: Envelope, *, expiry_seconds: int | None, retain: bool) -> int | None:
        if self.end is not None:
            return None
        self.retained.append(retain)
        self.sent.append(envelope)
        return len(self.sent)

    def answer(self, reason: str | None = None) -> None:
        answered = {mid for mid, _ in self.answers}
        self.answers.extend((mid, reason) for mid in range(1, len(self.sent) + 1) if mid not in answered)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox.db", key=bytes(32)) as box:
        yield box


@pytest.fixture
def recorder(outbox: Outbox) -> Recorder:
    return Recorder(outbox, ExampleSigner(), Source("demo", "post-1"))


@pytest.fixture
def in_flight(outbox: Outbox) -> InFlight:
    return InFlight(outbox, Refusals(first=30, most=60), window=8)


def turn(in_flight: InFlight, connection: FakeConnection, reason: str | None = None) -> int:
    """Fill, answer all, settle; return how many went out."""
    before = len(connection.sent)
    in_flight.fill(connection)  # type: ignore[arg-type]
    for mid in range(before + 1, len(connection.sent) + 1):
        connection.answers.append((mid, reason))
    in_flight.settle(connection)  # type: ignore[arg-type]
    return len(connection.sent) - before


def test_the_window_opens_with_acknowledgments(in_flight: InFlight, recorder: Recorder, outbox: Outbox) -> None:
    for _ in range(30):
        recorder.record(example_audit("boot"))
    in_flight.begin()
    connection = FakeConnection()
    assert [turn(in_flight, connection) for _ in range(5)] == [1, 2, 8, 8, 8]
    connection.receive_maximum = 2
    assert turn(in_flight, connection) == 2
    in_flight.settle(connection)  # type: ignore[arg-type]
    assert outbox.depth() == 1


def test_a_status_that_waited_for_longer_than_it_is_good_is_not_retained(outbox: Outbox, recorder: Recorder) -> None:
    for waited, retained in ((659, [True, True]), (661, [False, True])):
        recorder.record(example_status("online", next(identifiers())).model_copy(update={"valid_seconds": 660}))
        recorder.record(example_status("offline", next(identifiers())))
        later = SteppedClock(datetime.now(UTC).timestamp() + waited)
        flight = InFlight(outbox, Refusals(first=30, most=60), window=8, utc=later.utc)
        flight.begin()
        connection = FakeConnection()
        assert [turn(flight, connection) for _ in range(2)] == [1, 1]
        assert connection.retained == retained


def test_what_was_sent_is_not_sent_again_over_another_connection(
    in_flight: InFlight, recorder: Recorder, outbox: Outbox
) -> None:
    outbox.require(Requirements(in_force=True, open=frozenset({"records"})))
    recorder.record(example_audit("boot"))
    for _ in range(2):
        in_flight.begin()
        turn(in_flight, connection := FakeConnection())
    assert connection.sent == []
    backlog = outbox.backlog()
    assert (backlog.depth, backlog.sent) == (0, 1)


def test_what_is_sent_once_more_waits_for_what_was_never_sent(
    in_flight: InFlight, recorder: Recorder, outbox: Outbox
) -> None:
    outbox.require(Requirements(in_force=True, open=frozenset({"records"})))
    first = recorder.record(example_status("online", next(identifiers())))
    in_flight.begin()
    connection = FakeConnection()
    turn(in_flight, connection)
    outbox.send_again(outbox.oldest_sent().values())
    assert not in_flight.owes(), "a stop does not wait for it"
    later = [recorder.record(example_audit("boot")) for _ in range(8)]
    while turn(in_flight, connection):
        pass
    assert [envelope.id for envelope in connection.sent] == [first.id, *(made.id for made in later), first.id]
    assert (connection.retained[0], connection.retained[-1]) == (True, False), "a later status stays retained"


def test_a_record_that_reached_nobody_is_kept_and_its_topic_held(
    in_flight: InFlight, recorder: Recorder, outbox: Outbox
) -> None:
    recorder.record(example_audit("boot"))
    recorder.record(example_status("online", next(identifiers())))
    in_flight.begin()
    connection = FakeConnection()
    turn(in_flight, connection, NOBODY)
    assert [(refusal.topic, refusal.reason) for refusal in in_flight.refusals.all()] == [(AUDIT, NOBODY)]
    turn(in_flight, connection)
    turn(in_flight, connection)
    assert [envelope.topic for envelope in outbox.next(9)] == [AUDIT]


def test_kinds_whose_receivers_are_optional_are_delivered_to_nobody(recorder: Recorder, outbox: Outbox) -> None:
    in_flight = InFlight(outbox, Refusals(first=30, most=60), window=8, optional_receivers=("audit",))
    recorder.record(example_audit("boot"))
    in_flight.begin()
    connection = FakeConnection()
    turn(in_flight, connection, NOBODY)
    turn(in_flight, connection)
    assert outbox.depth() == 0
    assert in_flight.refusals.all() == ()


def test_what_is_under_way_is_not_sent_twice(in_flight: InFlight, recorder: Recorder, outbox: Outbox) -> None:
    recorder.record(example_audit("boot"))
    in_flight.begin()
    connection = FakeConnection()
    for _ in range(3):
        in_flight.fill(connection)  # type: ignore[arg-type]
    assert len(connection.sent) == len(in_flight) == 1
    assert outbox.depth() == 1, "not before the answer"


def test_status_goes_one_at_a_time(in_flight: InFlight, recorder: Recorder) -> None:
    for boot, _ in zip(identifiers(), range(3), strict=False):
        recorder.record(example_audit("boot"))
        recorder.record(example_status("online", boot))
    in_flight.begin()
    connection = FakeConnection()
    sent = [turn(in_flight, connection) for _ in range(5)]
    assert sent == [1, 2, 1, 1, 1]


def test_a_refusal_holds_the_topic_and_keeps_the_records(
    in_flight: InFlight, recorder: Recorder, outbox: Outbox
) -> None:
    for _ in range(3):
        recorder.record(example_audit("boot"))
    in_flight.begin()
    connection = FakeConnection()
    assert turn(in_flight, connection, "not_authorized") == 1
    assert turn(in_flight, connection) == 0
    assert outbox.depth() == 3
    assert [(refusal.topic, refusal.reason) for refusal in in_flight.refusals.all()] == [(AUDIT, "not_authorized")]


def test_a_quota_holds_everything(in_flight: InFlight, recorder: Recorder) -> None:
    recorder.record(example_audit("boot"))
    recorder.record(example_status("online", next(identifiers())))
    in_flight.begin()
    connection = FakeConnection()
    turn(in_flight, connection, "quota_exceeded")
    assert turn(in_flight, connection) == 0
    assert [refusal.topic for refusal in in_flight.refusals.all()] == [EVERYTHING]


def test_a_broker_that_hangs_up_at_a_publication_is_found_out(in_flight: InFlight, recorder: Recorder) -> None:
    recorder.record(example_audit("boot"))
    recorder.record(example_status("online", next(identifiers())))
    for _ in range(3):
        assert in_flight.refusals.all() == ()
        in_flight.begin()
        connection = FakeConnection()
        in_flight.fill(connection)  # type: ignore[arg-type]
        assert [envelope.topic for envelope in connection.sent] == [AUDIT]
        in_flight.lost("connection_lost")
    assert [refusal.reason for refusal in in_flight.refusals.all()] == ["connection_lost_on_publish"]
    in_flight.begin()
    connection = FakeConnection()
    turn(in_flight, connection)
    assert [envelope.topic for envelope in connection.sent] == ["alpr/v1/demo/post-1/status"], "the others go on"


def test_a_reason_given_with_the_hanging_up_is_believed_at_once(in_flight: InFlight, recorder: Recorder) -> None:
    recorder.record(example_audit("boot"))
    in_flight.begin()
    in_flight.fill(FakeConnection())  # type: ignore[arg-type]
    in_flight.lost("not_authorized")
    assert [(refusal.topic, refusal.reason) for refusal in in_flight.refusals.all()] == [(AUDIT, "not_authorized")]


def test_connections_that_deliver_may_be_lost_as_often_as_they_like(in_flight: InFlight, recorder: Recorder) -> None:
    for _ in range(40):
        recorder.record(example_audit("boot"))
    for _ in range(6):
        in_flight.begin()
        connection = FakeConnection()
        turn(in_flight, connection)
        in_flight.settle(connection)  # type: ignore[arg-type]
        in_flight.fill(connection)  # type: ignore[arg-type]
        in_flight.lost("connection_lost")
    assert in_flight.refusals.all() == ()


def converse(in_flight: InFlight, *, hangs_up: Callable[[Envelope], bool]) -> FakeConnection:
    """Run one connection until nothing more is sent, or a record comes at which the broker hangs up."""
    in_flight.begin()
    connection = FakeConnection()
    answered, idle = 0, 0
    while idle < 3:
        in_flight.fill(connection)  # type: ignore[arg-type]
        idle = 0 if len(connection.sent) > answered else idle + 1
        while answered < len(connection.sent) and connection.end is None:
            answered += 1
            if hangs_up(connection.sent[answered - 1]):
                connection.end = "connection_lost"
            else:
                connection.answers.append((answered, None))
        in_flight.settle(connection)  # type: ignore[arg-type]
        if connection.end is not None:
            in_flight.lost(connection.end)
            break
    return connection


def test_a_topic_refused_by_hanging_up_is_found_out_though_others_are_taken(
    in_flight: InFlight, recorder: Recorder, outbox: Outbox
) -> None:
    for boot, _ in zip(identifiers(), range(4), strict=False):
        recorder.record(example_audit("boot"))
        recorder.record(example_status("online", boot))
    links = [converse(in_flight, hangs_up=lambda envelope: envelope.topic.endswith("/status")) for _ in range(4)]
    assert [connection.end for connection in links] == ["connection_lost"] * 3 + [None]
    assert [refusal.topic for refusal in in_flight.refusals.all()] == ["alpr/v1/demo/post-1/status"]
    assert {envelope.topic for envelope in outbox.next(99)} == {"alpr/v1/demo/post-1/status"}


def test_one_record_that_makes_a_broker_hang_up_is_left_out_and_the_others_go(
    in_flight: InFlight, recorder: Recorder, outbox: Outbox
) -> None:
    records = [recorder.record(example_audit("boot")) for _ in range(11)]
    bad = records[5]
    links = [converse(in_flight, hangs_up=lambda envelope: envelope.id == bad.id) for _ in range(5)]
    assert [connection.end for connection in links].count(None) >= 1
    assert [refusal.topic for refusal in in_flight.refusals.all()] == [f"{AUDIT} record {bad.sequence}"]
    assert [envelope.id for envelope in outbox.next(99)] == [bad.id]


def test_the_oldest_record_of_a_topic_cannot_hold_up_the_others_for_good(recorder: Recorder, outbox: Outbox) -> None:
    now = 0.0
    refusals = Refusals(first=30, most=60, now=lambda: now)
    in_flight = InFlight(outbox, refusals, window=8)
    bad, *_ = [recorder.record(example_audit("boot")) for _ in range(5)]
    for _ in range(7):
        converse(in_flight, hangs_up=lambda envelope: envelope.id == bad.id)
        if [refusal.topic for refusal in refusals.all()] == [AUDIT]:
            now += 31
    assert [envelope.id for envelope in outbox.next(99)] == [bad.id]
    assert [refusal.topic for refusal in refusals.all()] == [f"{AUDIT} record {bad.sequence}"]


def test_a_size_refused_is_learned(in_flight: InFlight, recorder: Recorder, outbox: Outbox) -> None:
    large = recorder.record(example_audit("boot", details={"padding": "x" * 5000}))
    small = recorder.record(example_audit("boot"))
    in_flight.begin()
    in_flight.fill(FakeConnection())  # type: ignore[arg-type]
    in_flight.lost("packet_too_large")
    in_flight.begin()
    connection = FakeConnection()
    for _ in range(3):
        turn(in_flight, connection)
    assert [envelope.id for envelope in connection.sent] == [small.id]
    assert in_flight.too_large == 1
    assert [envelope.id for envelope in outbox.next(9)] == [large.id]


def refuse_size(in_flight: InFlight, *, broker: str = "a:1", said: int | None = None) -> None:
    """Have a broker refuse the size of whatever is next."""
    in_flight.begin(broker)
    connection = FakeConnection()
    connection.maximum_packet_size = said
    turn(in_flight, connection, "packet_too_large")


@pytest.mark.parametrize(
    ("broker", "said", "sent"),
    [("a:1", 6000, 0), ("a:1", 2**28 - 1, 1), ("a:1", None, 1), ("b:1", 6000, 1)],
    ids=["the same", "it says more", "it says no limit any more", "another broker"],
)
def test_a_size_learned_is_of_one_broker_and_of_what_it_said(
    in_flight: InFlight, recorder: Recorder, *, broker: str, said: int | None, sent: int
) -> None:
    recorder.record(example_audit("boot", details={"padding": "x" * 4000}))
    refuse_size(in_flight, said=6000)
    in_flight.begin(broker)
    connection = FakeConnection()
    connection.maximum_packet_size = said
    assert [turn(in_flight, connection), turn(in_flight, connection)] == [sent, 0]
    assert in_flight.too_large == 1 - sent


def test_a_size_learned_is_doubted_ever_more_rarely_and_forgotten_when_more_is_taken(
    recorder: Recorder, outbox: Outbox
) -> None:
    now = 0.0
    in_flight = InFlight(
        outbox,
        Refusals(first=30, most=900, now=lambda: now, draw=max),
        window=8,
        now=lambda: now,
    )
    small = recorder.record(example_audit("boot", details={"padding": "x" * 5000}))
    refuse_size(in_flight)
    large = [recorder.record(example_audit("boot", details={"padding": "x" * 9000})) for _ in range(3)]
    in_flight.begin("a:1")
    connection = FakeConnection()
    tried = []
    for _ in range(24 * 3600 * 3 // 60):
        if turn(in_flight, connection, "packet_too_large"):
            tried.append(now)
        assert in_flight.too_large == 4, "what is tried is no less too large"
        now += 60.0
    assert {envelope.id for envelope in connection.sent} == {small.id}, "what the broker takes first if it takes more"
    waits = [round(after - before) for before, after in pairwise(tried)]
    assert waits[:3] == [1800, 3600, 7200]
    assert max(waits) <= 86_400
    assert len(tried) < 10
    now += 86_400.0
    for _ in range(8):
        turn(in_flight, connection)
    assert {envelope.id for envelope in connection.sent} == {envelope.id for envelope in (small, *large)}
    assert (in_flight.too_large, outbox.depth()) == (0, 0)


def test_pictures_left_out_for_a_learned_size_are_tried_again(recorder: Recorder, outbox: Outbox) -> None:
    now = 0.0
    in_flight = InFlight(outbox, Refusals(first=30, most=60, now=lambda: now), window=8, now=lambda: now)
    values = example_sight("01a20eee-0349-756c-a767-c205969791ee") | {
        "pictures": (Picture.of("overview", bytes(3000), width=1, height=1),),
        "hotlist": LIST.model_dump() | {"result": "no_match"},
    }
    recorder.record(Read.model_validate(values))
    refuse_size(in_flight)
    in_flight.begin("a:1")
    connection = FakeConnection()
    for reads in (1, 2):
        turn(in_flight, connection)
        for _ in range(reads):
            recorder.record(Read.model_validate(values))
    now += 60.0
    in_flight.fill(connection)  # type: ignore[arg-type]
    recorder.record(Read.model_validate(values))
    turn(in_flight, connection)
    connection.answers.extend((mid, None) for mid in (3, 4))
    in_flight.settle(connection)  # type: ignore[arg-type]
    recorder.record(Read.model_validate(values))
    turn(in_flight, connection)
    with_picture = [len(envelope.body) > 3000 for envelope in connection.sent]
    assert with_picture == [False, False, True, False, False, True], "one at a time is tried"
    assert in_flight.pictures_left_out == 4


def test_records_too_large_do_not_keep_a_small_one_waiting(in_flight: InFlight, recorder: Recorder) -> None:
    for _ in range(40):
        recorder.record(example_audit("boot", details={"padding": "x" * 5000}))
    small = recorder.record(example_audit("boot"))
    in_flight.begin()
    connection = FakeConnection()
    connection.maximum_packet_size = 4000
    assert turn(in_flight, connection) == 1
    assert [envelope.id for envelope in connection.sent] == [small.id]
    assert (in_flight.too_large, in_flight.owes()) == (40, False)


def test_what_is_noted_of_a_record_goes_with_it(in_flight: InFlight, recorder: Recorder, outbox: Outbox) -> None:
    records = [recorder.record(example_audit("boot")) for _ in range(11)]
    bad = records[5]
    for _ in range(5):
        converse(in_flight, hangs_up=lambda envelope: envelope.id == bad.id)
    large = recorder.record(example_audit("boot", details={"padding": "x" * 5000}))
    in_flight.begin()
    connection = FakeConnection()
    connection.maximum_packet_size = 4000
    turn(in_flight, connection)
    assert [refusal.topic for refusal in in_flight.refusals.all()] == [f"{AUDIT} record {bad.sequence}"]
    assert (in_flight.too_large, in_flight.owes()) == (1, False)
    assert outbox.acknowledge([envelope.place for envelope in outbox.next(9)]) == len((bad, large))
    in_flight._compared = float("-inf")
    turn(in_flight, connection)
    assert (in_flight.refusals.all(), in_flight.too_large) == ((), 0)


def test_what_waits_beside_a_topic_that_is_refused_is_owed(in_flight: InFlight, recorder: Recorder) -> None:
    recorder.record(example_audit("boot"))
    in_flight.begin()
    connection = FakeConnection()
    turn(in_flight, connection, "not_authorized")
    assert not in_flight.owes()
    recorder.record(example_status("online", next(identifiers())))
    assert in_flight.owes()
    in_flight.fill(connection)  # type: ignore[arg-type]
    in_flight.refusals.refuse("alpr/v1/demo/post-1/status", NOBODY)
    assert in_flight.owes(), "what is under way is, whatever became of its topic"
    connection.answers.append((2, "quota_exceeded"))
    in_flight.settle(connection)  # type: ignore[arg-type]
    assert not in_flight.owes()


def test_expiry_is_what_is_left_but_never_nothing_and_never_years(recorder: Recorder) -> None:
    envelope = recorder.record(example_audit("boot"))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert expiry_seconds(envelope, now=now) is None
    for left, expected in (
        (7200, 7200),
        (5, LEAST_EXPIRY_SECONDS),
        (-(10**6), LEAST_EXPIRY_SECONDS),
        (10**9, MOST_EXPIRY_SECONDS),
    ):
        expiring = replace(envelope, expires=now + timedelta(seconds=left))
        assert expiry_seconds(expiring, now=now) == expected


def test_a_broker_keeps_a_read_for_a_while_and_an_audit_record_for_ever(recorder: Recorder) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    audit = recorder.record(example_audit("boot"))
    read = replace(audit, type=TYPES[Read])
    assert expiry_seconds(audit, now=now, reads=3600) is None
    assert expiry_seconds(read, now=now, reads=3600) == 3600


def test_packet_size_is_an_upper_bound(recorder: Recorder) -> None:
    envelope = recorder.record(example_audit("boot"))
    properties = publish_properties(PacketTypes.PUBLISH, expiry_seconds=86_400).pack()
    header, topic_length, packet_identifier = 5, 2, 2
    exact = header + topic_length + len(envelope.topic) + packet_identifier + len(properties) + len(envelope.body)
    assert exact <= packet_size(envelope)
