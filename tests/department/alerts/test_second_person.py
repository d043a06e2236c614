"""Whether `check` notices that no one can be the second person for a look-alike."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from platepost.department.alerts import second_person
from platepost.department.alerts.second_person import second_person_gaps
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.policy import policy_in_force
from tests.department.alerts.conftest import Dispatch
from tests.department.alerts.test_wrong_stops import STATED

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def began(dispatch: Dispatch, login: str, at: datetime) -> None:
    """Have someone have begun a shift."""
    dispatch.act("SET session_replication_role = replica")
    dispatch.act("INSERT INTO alerts_acknowledgment (person, at) VALUES (%s, %s)", login, at)
    dispatch.act("SET session_replication_role = DEFAULT")


def test_one_dispatcher_has_no_second_person(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    DepartmentPerson.objects.update(disabled_at=NOON)
    assert second_person_gaps(NOON) is None, "nobody is there yet"
    dispatch.person("a.rivera", begun=False)
    dispatch.person("d.okafor", DepartmentRole.AUDITOR, begun=False)
    gaps = second_person_gaps(NOON)
    assert gaps is not None
    assert gaps.able == 1
    policy = policy_in_force()
    stated = policy.model_copy(update={"alerts": policy.alerts.model_copy(update=STATED)})
    monkeypatch.setattr(second_person, "policy_in_force", lambda: stated)
    assert second_person_gaps(NOON) is None, "the policy states what stands in"


def test_hours_of_the_night_with_one_person_alone(dispatch: Dispatch) -> None:
    DepartmentPerson.objects.update(disabled_at=NOON)
    for login in ("a.rivera", "b.next"):
        dispatch.person(login, begun=False)
    assert second_person_gaps(NOON) is None
    yesterday = NOON - timedelta(days=1)
    began(dispatch, "a.rivera", yesterday)
    began(dispatch, "b.next", yesterday + timedelta(hours=1))  # and no one from 1 a.m. on
    gaps = second_person_gaps(NOON)
    assert gaps is not None
    assert gaps.able == 2
    hours = {(hour + 24 - _offset()) % 24 for hour in gaps.alone}
    assert hours == {12, 0}, "before the second one came, and after the first one had gone"


def _offset() -> int:
    """Return how many hours the department's clock is ahead of UTC."""
    offset = timezone.localtime(NOON).utcoffset()
    return int(offset.total_seconds() // 3600) if offset else 0


def test_hours_for_people() -> None:
    gaps = second_person.SecondPersonGaps(2, (0, 1, 2, 5, 23))
    assert gaps.hours == "00:00 to 03:00, 05:00 to 06:00, 23:00 to 24:00"
