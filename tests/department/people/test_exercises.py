"""Exercises are done one by one, and what came of them stands in the person's record and in the ledger."""

from pathlib import Path

import pytest
from django.test import override_settings

from platepost.department.database.roles import WEB
from platepost.department.people.exercise_file import Exercise, ExerciseSet
from platepost.department.people.models import ExerciseResult
from platepost.department.people.rights import DepartmentRole, TrainingTopic
from tests.department.people.persons import client_of, new_person, page_text
from tests.department.people.test_login import events
from tests.department.roles import as_role

pytestmark = pytest.mark.django_db(transaction=True)
SET = ExerciseSet(
    name="spring",
    exercises=(
        Exercise(topic=TrainingTopic.PRACTICAL, asks="Read it.", picture="iVBORw0K", answer="7ABC123"),
        Exercise(topic=TrainingTopic.PRACTICAL, asks="Read it too.", answer="TEST1"),
        Exercise(topic=TrainingTopic.POLICY, asks="May he?", choices=("refuse", "search"), answer="refuse"),
    ),
)


def test_set_is_done_by_whoever_has_lapsed_and_a_trainer_sees_it(tmp_path: Path) -> None:
    (tmp_path / "renamed.json").write_text(SET.model_dump_json())
    person = new_person("a.rivera", DepartmentRole.OPERATOR, current=False)
    client, trainer = client_of(person), client_of(new_person("t.trainer", DepartmentRole.TRAINER))
    with override_settings(TRAINING_FOLDER=tmp_path), as_role(WEB):
        assert "renamed" in client.get("/training/").content.decode()
        assert "Read it." in client.get("/training/renamed/").content.decode()
        assert client.get("/training/renamed/1.png").headers["Content-Type"] == "image/png"
        page = page_text(client.post("/training/renamed/", {"number": 1, "answer": "7abc 123"}))
        assert ("Right: 7ABC123" in page, "2 of 3" in page) == (True, True)
        assert "TEST1" not in page, "no answer before it is given"
        again = client.post("/training/renamed/", {"number": 1, "answer": "7abc 123"}).content.decode()
        assert "2 of 3" in again, "sent twice, it answers no other"
        assert (
            "Wrong: TEST1, not TEST7"
            in client.post("/training/renamed/", {"number": 2, "answer": "TEST7"}).content.decode()
        )
        assert ExerciseResult.objects.count() == 0
        assert "policy: 1 of 1" in client.post("/training/renamed/", {"number": 3, "answer": "refuse"}).content.decode()
        assert "1 of 3" in client.get("/training/renamed/").content.decode(), "and again from the first"
        assert "spring, practical: 1 of 2" in trainer.get("/people/person/a.rivera/").content.decode()
        for missing in ("/training/summer/", "/training/renamed/2.png", "/training/renamed/9.png"):
            assert client.get(missing).status_code == 404
        assert client.get("/search/").status_code == 403, "they give no right"
    assert [(each["person"], each["topic"], each["right"]) for each in events("exercises_done")] == [
        ("a.rivera", "policy", 1),
        ("a.rivera", "practical", 1),
    ]
