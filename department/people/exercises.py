"""Exercises of training: files that `platepost simulate exercises` makes, of drawn plates alone.

They are kept apart from all records, in the folder `training`, a file for each set. Anyone who can log in may do them,
also with training that has ended. What came of them goes into the person's record; a trainer signs off by it.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.db import transaction
from pydantic import ValidationError

from platepost.department.people.errors import PersonError
from platepost.department.people.exercise_file import ExerciseSet
from platepost.department.people.models import DepartmentPerson, ExerciseResult
from platepost.department.people.rights import TrainingTopic


def exercise_sets() -> Mapping[str, Path]:
    """Return the sets that there are, by name."""
    return {path.stem: path for path in sorted(settings.TRAINING_FOLDER.glob("*.json"))}


def exercise_set(name: str) -> ExerciseSet:
    """Return a set. Raises PersonError: there is none, or its file is damaged."""
    try:
        return ExerciseSet.model_validate_json(exercise_sets()[name].read_bytes())
    except (KeyError, OSError, ValidationError) as error:
        raise PersonError(f"no set of exercises {name!r}, or a damaged one") from error


def note_exercises(person: DepartmentPerson, done: ExerciseSet, answers: Mapping[int, str]) -> list[ExerciseResult]:
    """Note what came of a set that was done to its end, by topic; the database enters each in the ledger."""
    topics = Counter(exercise.topic for exercise in done.exercises)
    right = Counter(
        exercise.topic
        for place, exercise in enumerate(done.exercises)
        if exercise.is_answered_by(answers.get(place, ""))
    )
    with transaction.atomic():
        return [
            ExerciseResult.objects.create(
                person=person, exercises=done.name, topic=topic.value, asked=topics[topic], right=right[topic]
            )
            for topic in TrainingTopic
            if topics[topic]
        ]
