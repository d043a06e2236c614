"""What a person may follows from roles, certificates and training at the moment of the question."""

from datetime import timedelta

import pytest
from django.utils import timezone

from platepost.department.people.authorization import authorization_of, authorizations
from platepost.department.people.models import IDLE, DepartmentPerson, PersonCertificate, TrainingResult
from platepost.department.people.rights import Certification, DepartmentRole, Permission, TrainingTopic
from tests.department.people.persons import new_person

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def test_right_ends_in_the_second_in_which_a_certificate_ends() -> None:
    person = new_person("a.rivera", DepartmentRole.OPERATOR)
    end = timezone.now() + timedelta(days=1)
    PersonCertificate.objects.create(person=person, certification=Certification.DMV, expires_at=end)
    assert authorization_of(person, end - SECOND).may(Permission.SEARCH)
    after = authorization_of(person, end)
    assert not after.may(Permission.SEARCH)
    assert after.may(Permission.SEE_STATUS)


def test_right_ends_a_year_after_training() -> None:
    person = new_person("a.rivera", DepartmentRole.OPERATOR)
    held = TrainingResult.objects.filter(person=person).order_by("held_at").first()
    assert held is not None
    end = held.held_at + timedelta(days=365)
    far = timezone.now() + timedelta(days=1000)
    for certification in Certification:
        PersonCertificate.objects.create(person=person, certification=certification, expires_at=far)
    person.last_login = end
    assert authorization_of(person, end - SECOND).may(Permission.SEARCH)
    (lack,) = [lack for lack in authorization_of(person, end).lacks(Permission.SEARCH) if held.topic in lack.what]
    assert lack.ask == ("trainer",)


def test_training_that_was_failed_later_counts_no_more() -> None:
    person = new_person("a.rivera", DepartmentRole.OPERATOR)
    trainer = DepartmentPerson.objects.get(login="trainer")
    TrainingResult.objects.create(
        person=person, topic=TrainingTopic.POLICY, held_at=timezone.now(), passed=False, trainer=trainer
    )
    (lack,) = authorization_of(person).lacks(Permission.SEARCH)
    assert lack.what == "No policy training on file."


def test_90_days_without_a_log_on_suspend() -> None:
    person = new_person("a.rivera", DepartmentRole.TRAINER)
    new_person("the.administrator", DepartmentRole.ADMINISTRATOR)
    person.last_login = timezone.now() - IDLE + SECOND * 30
    assert person.is_active
    (lack,) = authorization_of(person, person.suspended_at).lacks(Permission.NOTE_TRAINING)
    assert lack.what.startswith("Access is suspended since")
    assert lack.ask == ("the.administrator",)
    assert not authorization_of(person, person.suspended_at).may(Permission.OWN_ACCOUNT)
    person.active_from = timezone.now()
    assert person.suspended_at > timezone.now() + timedelta(days=89)


def test_disabled_person_may_nothing() -> None:
    person = new_person("a.rivera", DepartmentRole.SUPERVISOR)
    person.disabled_at = timezone.now()
    assert authorization_of(person).permitted == frozenset()


def test_auditor_and_administrator_see_no_vehicle() -> None:
    seen = {Permission.SEARCH, Permission.SEE_PICTURES, Permission.ANSWER_HITS, Permission.EXPORT}
    for role in (DepartmentRole.AUDITOR, DepartmentRole.ADMINISTRATOR):
        assert authorization_of(new_person(role.value, role)).permitted & seen == set()


def test_many_people_cost_one_query(django_assert_num_queries: object) -> None:
    everybody = [new_person(f"p{number}", DepartmentRole.OPERATOR) for number in range(3)]
    with django_assert_num_queries(1):
        matches = authorizations(everybody)
    assert all(each.may(Permission.SEARCH) for each in matches)
