import random
from itertools import pairwise

import pytest

from device.board.debounce import Debounced


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
    bounce = random.Random(seed).choices([True, False], k=20)
    rest = [True] * 20
    answers = play(Debounced(rest_seconds=0.06), [False] * 10 + bounce + rest + bounce + [False] * 20)
    changes = [now for before, now in pairwise(answers) if now != before]
    assert changes[-2:] == [True, False]
    assert answers[-1] is False


def test_an_opening_that_nobody_asked_about_meanwhile_is_told_once() -> None:
    switch = Debounced(rest_seconds=0.06)
    for number, is_open in enumerate([False] * 5 + [True] * 6 + [False] * 10):
        switch.sample(is_open=is_open, now=number * 0.02)
    assert switch.ask()
    assert not switch.ask()
