"""A supervisor ends an auditor's access in an incident of that account alone, for a day, and it is back by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from platepost.department.database.roles import WEB
from platepost.department.people import services
from platepost.department.people.authorization import authorization_of
from platepost.department.people.errors import PersonError
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole, Permission
from platepost.department.sharing.incidents import open_incident
from tests.department.people.persons import new_person
from tests.department.roles import as_role
from tests.department.sharing.conftest import sql

pytestmark = pytest.mark.django_db
People = dict[str, DepartmentPerson]


def incident(subject: str, person: str) -> None:
    now = timezone.now()
    open_incident(
        kind="account", subject=subject, says="Searches that nobody explains.", person=person, encrypted=False,
        since=now - timedelta(days=1), until=now, known_on=timezone.localdate(),
    )  # fmt: skip


def test_supervisor_disables_an_auditor_in_an_incident_for_a_day(
    people: People, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor, auditor = people["s"], people["a"]
    administrator = new_person("an.admin", DepartmentRole.ADMINISTRATOR)
    with as_role(WEB):
        incident("o.person", "r.manager")  # of another account
        for by in (supervisor, administrator):
            with pytest.raises(PersonError, match="on the command line"):
                services.disable(auditor, by)
        incident("a.person", "r.manager")
        incident("an.admin", "r.manager")
        for who, by in ((auditor, administrator), (auditor, people["o"]), (administrator, supervisor)):
            with pytest.raises(PersonError):
                services.disable(who, by)
        services.disable(auditor, supervisor)
        assert "s.person disabled the auditor a.person until" in caplog.text
        auditor.refresh_from_db()
        assert auditor.disabled_until is not None
        assert auditor.disabled_until - timezone.now() > timedelta(hours=23)
        services.end_disabled()
        auditor.refresh_from_db()
        assert not auditor.is_active
        assert not authorization_of(auditor).may(Permission.READ_LEDGER)
        with pytest.raises(PersonError):
            services.reinstate(auditor, supervisor)
    with as_role("postgres"):
        sql("SET LOCAL session_replication_role = replica")
        sql("UPDATE people_person SET disabled_until = now() - interval '1 minute' WHERE login = 'a.person'")
        sql("UPDATE sharing_incident SET at = now() - interval '1 day'")
        sql("SET LOCAL session_replication_role = origin")
    auditor.refresh_from_db()
    assert auditor.is_active
    with as_role(WEB):
        services.end_disabled()
        auditor.refresh_from_db()
        assert auditor.disabled_at is None
        with pytest.raises(PersonError):
            services.disable(auditor, supervisor)  # once an incident
