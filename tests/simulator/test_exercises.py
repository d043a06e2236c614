"""Exercises are drawn from a seed, with an answer that is right."""

import cv2
import numpy as np

from department.people.rights import TrainingTopic
from simulator.exercises import drawn_exercises


def test_same_seed_same_exercises_and_each_topic() -> None:
    made = drawn_exercises("spring", 7, 27)
    assert made == drawn_exercises("spring", 7, 27)
    assert made.exercises != drawn_exercises("spring", 8, 27).exercises
    assert {each.topic for each in made.exercises} == {*TrainingTopic}
    assert sum(each.answer == "refuse" for each in made.exercises) == 6
    for each in made.exercises:
        assert not each.choices or each.answer in each.choices
        if each.image is not None:
            drawn = cv2.imdecode(np.frombuffer(each.image, np.uint8), cv2.IMREAD_GRAYSCALE)
            assert drawn is not None
            assert drawn.std() > 3, "something is on it"
        if each.choices and each.image is not None:
            said, plate = each.asks.split()[3].rstrip("."), each.because.split()[3].rstrip(".")
            wrong = [str(at + 1) for at, (one, other) in enumerate(zip(said, plate, strict=True)) if one != other]
            assert wrong == ([] if each.answer == "none" else [each.answer])
