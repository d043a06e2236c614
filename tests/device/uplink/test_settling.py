"""When an acknowledged record may be deleted."""

import pytest

from device.uplink.settling import ANSWERS, AT_ONCE, MOST, Settling


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class FakeConnection:
    """Answers when told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.answered_questions: list[int] = []
        self.gone = False

    def ask(self) -> int | None:
        if self.gone:
            return None
        self.asked += 1
        return self.asked

    def answer(self) -> None:
        self.answered_questions.append(self.asked)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settling(clock: Clock) -> Settling:
    return Settling(seconds=4, now=clock)


def test_nothing_is_asked_while_nothing_settles(settling: Settling) -> None:
    connection = FakeConnection()
    assert settling.next_question() is None
    assert settling.settle(connection) == ()
    assert connection.asked == 0


def test_a_record_settles_when_a_question_put_late_enough_is_answered(settling: Settling, clock: Clock) -> None:
    connection = FakeConnection()
    settling.acknowledged([1, 2])
    assert settling.next_question() == 4
    clock.now += 3
    settling.acknowledged([3])
    assert settling.settle(connection) == ()
    clock.now += 1
    assert settling.settle(connection) == ()
    assert connection.asked == 1
    assert settling.next_question() is None, "one question at a time"
    clock.now += 60
    assert settling.settle(connection) == (), "no answer, however long ago"
    for more in (2, 3):
        connection.answer()
        assert settling.settle(connection) == (), "one answer may come from a broker that had stood still all the while"
        assert connection.asked == more, "the next question is put after the answer to the last, and not before"
        assert settling.next_question() is None
    connection.answer()
    assert settling.settle(connection) == (1, 2), "record 3 was too young when the first question was put"
    assert list(settling.sequences) == [3]


def test_questions_are_spaced(settling: Settling, clock: Clock) -> None:
    connection = FakeConnection()
    for number in range(400):
        settling.acknowledged([number])
        settling.settle(connection)
        connection.answer()
        clock.now += 0.1
    assert connection.asked <= 40 * ANSWERS


def test_a_new_connection_starts_with_nothing_and_no_question(settling: Settling, clock: Clock) -> None:
    old, new = FakeConnection(), FakeConnection()
    settling.acknowledged([1])
    clock.now += 4
    settling.settle(old)
    settling.begin()
    assert len(settling) == 0
    settling.acknowledged([1])
    new.answered_questions.append(1)
    assert settling.settle(new) == ()


def test_a_connection_that_is_gone_settles_nothing(settling: Settling, clock: Clock) -> None:
    connection = FakeConnection()
    connection.gone = True
    settling.acknowledged([1])
    clock.now += 4
    assert settling.settle(connection) == settling.settle(connection) == ()
    assert len(settling) == 1


def test_a_connection_that_goes_between_two_answers_settles_nothing(settling: Settling, clock: Clock) -> None:
    connection = FakeConnection()
    settling.acknowledged([1])
    clock.now += 4
    settling.settle(connection)
    connection.answer()
    connection.gone = True
    assert settling.settle(connection) == settling.settle(connection) == ()
    assert settling.copy() == {1}


def test_there_is_a_bound(settling: Settling) -> None:
    settling.acknowledged(range(MOST - 1))
    assert not settling.full
    settling.acknowledged([MOST])
    assert settling.full


def settled_by(settling: Settling, connection: FakeConnection, clock: Clock, sequences: range) -> tuple[int, ...]:
    """Let records settle, and return the first of them that are handed out."""
    settling.acknowledged(sequences)
    clock.now += 4
    settling.settle(connection)
    for _ in range(ANSWERS - 1):
        connection.answer()
        settling.settle(connection)
    connection.answer()
    return settling.settle(connection)


def test_many_that_settle_are_handed_out_some_at_a_time(settling: Settling, clock: Clock) -> None:
    connection = FakeConnection()
    handed = settled_by(settling, connection, clock, range(2 * AT_ONCE + 1))
    assert handed == tuple(range(AT_ONCE))
    assert settling.due() == 0
    assert settling.sequences == set(range(AT_ONCE, 2 * AT_ONCE + 1)), "what is not handed out must not be sent again"
    assert settling.settle(connection) == tuple(range(AT_ONCE, 2 * AT_ONCE))
    assert settling.settle(connection) == (2 * AT_ONCE,)
    assert (len(settling), settling.due()) == (0, None)


def test_what_has_settled_stays_settled_on_a_new_connection(settling: Settling, clock: Clock) -> None:
    settled_by(settling, FakeConnection(), clock, range(AT_ONCE + 3))
    settling.acknowledged([900])
    settling.begin()
    assert settling.sequences == {AT_ONCE, AT_ONCE + 1, AT_ONCE + 2}
    assert settling.settle(FakeConnection()) == (AT_ONCE, AT_ONCE + 1, AT_ONCE + 2)


def test_every_record_is_handed_out_once_and_in_order(settling: Settling, clock: Clock) -> None:
    connection = FakeConnection()
    handed: list[int] = []
    for number in range(600):
        settling.acknowledged(range(20 * number, 20 * number + 20))
        clock.now += 0.5
        handed += settling.settle(connection)
        connection.answer()
    assert handed == list(range(len(handed)))
    assert len(handed) > 20 * 550
