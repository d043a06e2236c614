import random
from itertools import pairwise

import pytest

from platepost.device.board.rpi import Debounced


def play(switch: Debounced, contact: list[bool], *, step: float = 0.02) -> list[bool]:
    answers = []
    for number, is_open in enumerate(contact):
        switch.sample(is_open=is_open, now=number * step)
        answers.append(switch.ask())
    return answers


def test_contacts_that_bounce_are_not_believed() -> None:
    assert not any(play(Debounced(rest_seconds=0.06), [True, False] * 200))


@pytest.mark.parametrize("seed", range(5))
def test_one_opening_that_bounces_is_one_opening(seed: int) -> None:
    draw = random.Random(seed)
    # Never at rest: in 0.06 s there are four samples, 0.02 s apart.
    bounce = [number % 2 == 0 for number in range(14) for _ in range(draw.randint(1, 3))]
    answers = play(Debounced(rest_seconds=0.06), [False] * 10 + bounce + [True] * 20 + bounce + [False] * 20)
    assert [now for before, now in pairwise(answers) if now != before] == [True, False]


@pytest.mark.parametrize("is_open", [True, False])
def test_how_it_stands_is_known_once_it_has_rested(*, is_open: bool) -> None:
    switch = Debounced(rest_seconds=0.06)
    known = []
    for number in range(6):
        switch.sample(is_open=is_open, now=number * 0.02)
        known.append(switch.known)
    assert known == [False] * 3 + [True] * 3
    assert switch.ask() == is_open


def test_how_it_stands_is_not_known_while_it_bounces() -> None:
    switch = Debounced(rest_seconds=0.06)
    for number in range(3):
        switch.sample(is_open=number % 2 == 0, now=number * 0.02)
    assert not switch.known
    for number in range(3, 12):
        switch.sample(is_open=True, now=number * 0.02)
    assert switch.known
    assert switch.ask()


def test_an_opening_that_nobody_asked_about_meanwhile_is_told_once() -> None:
    switch = Debounced(rest_seconds=0.06)
    for number, is_open in enumerate([False] * 5 + [True] * 6 + [False] * 10):
        switch.sample(is_open=is_open, now=number * 0.02)
    assert switch.ask()
    assert not switch.ask()
