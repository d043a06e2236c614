"""Exercises are drawn from a seed, with an answer that is right."""

from pathlib import Path

import cv2
import numpy as np
from click.testing import CliRunner

from platepost.department.people.rights import TrainingTopic
from platepost.simulator.errors import SimulatorError
from platepost.simulator.exercises import drawn_exercises, exercises
from tests.device.nobody import NOBODY, needs_root, place_of_nobody


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


@needs_root
def test_what_root_makes_in_a_department_s_folder_is_the_department_s() -> None:
    with place_of_nobody() as folder:
        file = folder / "training" / "spring.json"
        result = CliRunner().invoke(exercises, [str(file), "--seed", "7", "--count", "3"])
        assert result.exit_code == 0, result.output
        assert {(path.stat().st_uid, path.stat().st_gid) for path in (file, file.parent)} == {(NOBODY, NOBODY)}
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(exercises, [str(tmp_path / "file" / "spring.json"), "--seed", "7", "--count", "3"])
    assert isinstance(result.exception, SimulatorError)
    assert "spring.json: cannot be written (File exists)" in str(result.exception)
