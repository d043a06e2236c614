"""When an acknowledged record may be deleted."""

import pytest

from device.uplink.settling import ANSWERS, MOST, Settling


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class FakeLink:
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
    link = FakeLink()
    assert settling.next_question() is None
    assert settling.settle(link) == ()
    assert link.asked == 0


def test_a_record_settles_when_a_question_put_late_enough_is_answered(settling: Settling, clock: Clock) -> None:
    link = FakeLink()
    settling.acknowledged([1, 2])
    assert settling.next_question() == 4
    clock.now += 3
    settling.acknowledged([3])
    assert settling.settle(link) == ()
    clock.now += 1
    assert settling.settle(link) == ()
    assert link.asked == 1
    assert settling.next_question() is None, "one question at a time"
    clock.now += 60
    assert settling.settle(link) == (), "no answer, however long ago"
    for more in (2, 3):
        link.answer()
        assert settling.settle(link) == (), "one answer may come from a broker that had stood still all the while"
        assert link.asked == more, "the next question is put after the answer to the last, and not before"
        assert settling.next_question() is None
    link.answer()
    assert settling.settle(link) == (1, 2), "record 3 was too young when the first question was put"
    assert list(settling.sequences) == [3]


def test_questions_are_spaced(settling: Settling, clock: Clock) -> None:
    link = FakeLink()
    for number in range(400):
        settling.acknowledged([number])
        settling.settle(link)
        link.answer()
        clock.now += 0.1
    assert link.asked <= 40 * ANSWERS


def test_a_new_connection_starts_with_nothing_and_no_question(settling: Settling, clock: Clock) -> None:
    old, new = FakeLink(), FakeLink()
    settling.acknowledged([1])
    clock.now += 4
    settling.settle(old)
    settling.begin()
    assert len(settling) == 0
    settling.acknowledged([1])
    new.answered_questions.append(1)
    assert settling.settle(new) == ()


def test_a_connection_that_is_gone_settles_nothing(settling: Settling, clock: Clock) -> None:
    link = FakeLink()
    link.gone = True
    settling.acknowledged([1])
    clock.now += 4
    assert settling.settle(link) == settling.settle(link) == ()
    assert len(settling) == 1


def test_a_connection_that_goes_between_two_answers_settles_nothing(settling: Settling, clock: Clock) -> None:
    link = FakeLink()
    settling.acknowledged([1])
    clock.now += 4
    settling.settle(link)
    link.answer()
    link.gone = True
    assert settling.settle(link) == settling.settle(link) == ()
    assert settling.copy() == {1}


def test_there_is_a_bound(settling: Settling) -> None:
    settling.acknowledged(range(MOST - 1))
    assert not settling.full
    settling.acknowledged([MOST])
    assert settling.full
