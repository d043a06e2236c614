"""An account whose sponsor and trainer were added by the one who added it is found, once a month."""

import pytest
from django.utils import timezone

from platepost.department.audits.models import AuditFinding
from platepost.department.audits.nightly import RULE, detect_misuse
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import COMMAND, MISUSE
from platepost.department.people.models import DepartmentPerson, TrainingResult
from platepost.department.people.rights import DepartmentRole
from tests.department.emptying import empty_ledger
from tests.department.lasting import Lasting
from tests.department.people.persons import fresh_client_of, new_person
from tests.department.roles import as_role

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_entries(connect: Lasting) -> None:
    with connect(SUPERUSER) as superuser:
        empty_ledger(superuser)


def made_by(maker: str, *people: str) -> None:
    DepartmentPerson.objects.filter(login__in=people).update(made_by=DepartmentPerson.objects.get(login=maker))


def findings() -> list[str]:
    with as_role(MISUSE):
        detect_misuse(person="nightly", agency="department", key=None)
    return [finding.says for finding in AuditFinding.objects.filter(rule=RULE, subject="an.admin")]


def test_account_sponsor_and_trainer_of_one_maker() -> None:
    new_person("an.admin", DepartmentRole.ADMINISTRATOR)
    auditor = new_person("an.auditor", DepartmentRole.AUDITOR)
    sponsor = new_person("s.ponsor", DepartmentRole.SUPERVISOR)
    for login in ("in.vented", "another"):
        new_person(login, DepartmentRole.OPERATOR)
    DepartmentPerson.objects.filter(login__in=("in.vented", "another")).update(sponsor=sponsor)
    made_by("an.admin", "in.vented", "another", "s.ponsor")
    assert findings() == [], "the command line added the trainer"
    made_by("an.admin", "trainer")
    TrainingResult.objects.filter(person__login="another").delete()
    says = findings()
    assert len(says) == 1
    assert says[0].startswith("Added in.vented, and also the sponsor and a trainer of each.")
    assert findings() == says, "once a month"
    number = AuditFinding.objects.get(rule=RULE).pk
    with as_role(COMMAND):
        page = fresh_client_of(auditor).get(f"/findings/{number}/")
    assert "Added in.vented" in page.content.decode()
    assert AuditFinding.objects.get(rule=RULE).month == timezone.localdate().replace(day=1)
