import random
from itertools import pairwise

from platepost.device.outbox.custody import covers, intersection, union


def numbers(spans: list[tuple[int, int]]) -> set[int]:
    return {number for first, last in spans for number in range(first, last + 1)}


def test_they_are_what_sets_of_numbers_are() -> None:
    draw = random.Random(17)
    for _ in range(500):
        given = [
            [(first, first + draw.randrange(5)) for first in draw.choices(range(40), k=draw.randrange(6))] for _ in "ab"
        ]
        one, other = (union(spans) for spans in given)
        assert numbers(one) == numbers(given[0])
        assert all(after[0] > before[1] + 1 for before, after in pairwise(one))
        assert numbers(intersection(one, other)) == numbers(one) & numbers(other)
        assert {number for number in range(50) if covers(one, number)} == numbers(one)
