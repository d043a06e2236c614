"""What gives access has two persons: no one makes an account that searches, or takes one over, alone."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from platepost.department.database.roles import COMMAND, WEB
from platepost.department.people import services
from platepost.department.people.authorization import authorization_of
from platepost.department.people.errors import PersonError
from platepost.department.people.models import AccessRequest, DepartmentPerson
from platepost.department.people.rights import Certification, DepartmentRole, Permission, TrainingTopic
from tests.department.people.persons import fresh_client_of, new_person
from tests.department.roles import as_role

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LATER = NOW + timedelta(days=300)
People = dict[str, DepartmentPerson]


@pytest.fixture
def people() -> People:
    """Make an administrator, another, a supervisor and an auditor."""
    roles = {
        "admin": DepartmentRole.ADMINISTRATOR,
        "second": DepartmentRole.ADMINISTRATOR,
        "supervisor": DepartmentRole.SUPERVISOR,
        "auditor": DepartmentRole.AUDITOR,
    }
    return {name: new_person(name, role) for name, role in roles.items()}


def added(login: str, role: DepartmentRole, *, by: DepartmentPerson, sponsor: DepartmentPerson) -> DepartmentPerson:
    person = DepartmentPerson(login=login, name=login, agency="department", sponsor=sponsor)
    assert services.add_person(person, [role], by).half
    return person


def approve_all(person: DepartmentPerson, by: DepartmentPerson) -> list[str]:
    """Approve all that waits for someone; return the halves of codes."""
    created = [services.decide(each, by, approve=True) for each in person.requests.filter(decided_at=None)]
    return [invitation.code for invitation in created if invitation is not None]


def test_one_administrator_makes_nobody_who_searches(people: People) -> None:
    admin, supervisor = people["admin"], people["supervisor"]
    with as_role(WEB):
        trainer = added("no.body", DepartmentRole.TRAINER, by=admin, sponsor=supervisor)
        invented = added("in.vented", DepartmentRole.OPERATOR, by=admin, sponsor=supervisor)
        for certification in Certification:
            services.note_certificate(invented, certification, LATER, admin)
        for topic in TrainingTopic:
            with pytest.raises(PersonError, match="not a trainer"):
                services.note_training(invented, topic, held_at=NOW, passed=True, trainer=trainer)
        for each in invented.requests.all():
            for alone in (admin, invented, trainer):
                with pytest.raises(PersonError):
                    services.decide(each, alone, approve=True)
            with pytest.raises(PersonError, match="the sponsor approves"):
                services.decide(each, people["second"], approve=True)
    assert not authorization_of(invented).may(Permission.SEARCH)
    assert not authorization_of(invented).roles
    assert not invented.has_usable_password()
    with as_role(WEB):
        approve_all(trainer, supervisor)
        (half,) = approve_all(invented, supervisor)
        for topic in TrainingTopic:
            services.note_training(invented, topic, held_at=NOW, passed=True, trainer=trainer)
    assert authorization_of(invented).may(Permission.SEARCH)
    given = invented.grants.get()
    assert (given.given_by, given.approved_by) == (admin, supervisor)
    assert half


ASKED = "INSERT INTO people_request (id, person_id, kind, value, requested_by_id, requested_at"
DECIDED = "UPDATE people_request SET decided_at = now(), approved = true, decided_by_id = "
BY_HAND = (
    "INSERT INTO people_role (person_id, role, given_at, given_by_id) VALUES (:admin, 'operator', now(), :second)",
    (
        "INSERT INTO people_certificate (person_id, certification, expires_at, noted_at, noted_by_id)"
        " VALUES (:supervisor, 'dmv', now() + interval '1 day', now(), :admin)"
    ),
    ASKED + ", decided_by_id, decided_at, approved) VALUES (gen_random_uuid(), :supervisor, 'role', 'trainer', :admin,"
    " now(), :second, now(), true)",
    ASKED + ") VALUES (gen_random_uuid(), :supervisor, 'role', 'auditor', :admin, now())",
    ASKED + ") VALUES (gen_random_uuid(), :auditor, 'role', 'operator', :admin, now())",
    ASKED + ") VALUES (gen_random_uuid(), :second, 'invitation', '', :supervisor, now())",
    (
        "INSERT INTO people_person (password, login, name, badge, email, agency, made_at, made_by_id, active_from,"
        " sponsor_id) VALUES ('', 'in.vented', 'I', '', '', 'department', now(), :admin, now(), :admin)"
    ),
    "UPDATE people_person SET invited_until = now() + interval '1 day' WHERE id = :auditor",
    DECIDED + ":admin",
    DECIDED + ":auditor",
    DECIDED + ":supervisor",
    DECIDED + "NULL",
)
"""What gives access to someone without a second person, with a request of `admin` about `supervisor` waiting."""


def test_pages_give_nothing_by_hand(people: People) -> None:
    with as_role(WEB):
        services.give_role(people["supervisor"], DepartmentRole.OPERATOR, people["admin"])
        done = [statement for statement in BY_HAND if not refused(statement, people)]
        assert not refused(DECIDED + ":second", people), "the second person could"
    assert done == []


def refused(statement: str, people: People) -> bool:
    named = re.sub(r":(\w+)", lambda name: str(people[name[1]].pk), statement)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(named)
    except DatabaseError:
        return True
    return False


def test_account_of_an_auditor_is_recovered_by_two(people: People) -> None:
    auditor, admin, second = people["auditor"], people["admin"], people["second"]
    with as_role(WEB):
        first = services.invite(auditor, admin)
        assert (first.half, Authenticator.objects.filter(user=auditor).exists()) == (True, True)
        auditor.refresh_from_db()
        assert auditor.invited_until is None
        with pytest.raises(PersonError, match="waits for a second person"):
            services.invite(auditor, admin)
        (asked,) = auditor.requests.all()
        with pytest.raises(PersonError, match="another person"):
            services.decide(asked, admin, approve=True)
        other = services.decide(asked, second, approve=True)
    assert other is not None
    auditor.refresh_from_db()
    codes = (first.code, other.code, f"{other.code}-{first.code}", f"{first.code}-{other.code}")
    assert [auditor.check_password(code) for code in codes] == [False, False, False, True]
    assert not Authenticator.objects.filter(user=auditor).exists()


def test_rejected_request_gives_nothing_and_can_be_made_again(people: People) -> None:
    supervisor, admin, second = people["supervisor"], people["admin"], people["second"]
    with as_role(WEB):
        for approve in (False, True):
            services.give_role(supervisor, DepartmentRole.OPERATOR, admin)
            services.decide(supervisor.requests.get(decided_at=None), second, approve=approve)
            assert (DepartmentRole.OPERATOR in authorization_of(supervisor).roles) is approve
        with pytest.raises(PersonError, match="decided once"):
            services.decide(AccessRequest.objects.filter(approved=False).get(), second, approve=True)


def test_command_line_gives_alone_only_until_two_can_approve() -> None:
    created = [
        DepartmentPerson(login=login, name=login, agency="department") for login in ("a.one", "s.two", "o.three")
    ]
    first = services.add_person(created[0], [DepartmentRole.ADMINISTRATOR])
    second = services.add_person(created[1], [DepartmentRole.SUPERVISOR])
    third = services.add_person(created[2], [DepartmentRole.AUDITOR])
    assert (first.half, second.half, third.half) == (False, False, True)
    assert [[role.value for role in authorization_of(person).roles] for person in created] == [
        ["administrator"],
        ["supervisor"],
        [],
    ]
    assert created[0].check_password(first.code)
    services.note_certificate(created[1], Certification.DMV, LATER)
    assert not created[1].certificates.exists()
    with as_role(WEB):
        approve_all(created[2], created[1])
        approve_all(created[1], created[0])
    assert authorization_of(created[2]).roles == {DepartmentRole.AUDITOR}
    assert created[1].certificates.get().approved_by == created[0]


def test_first_role_of_a_provider_s_group_waits_for_the_sponsor(people: People) -> None:
    services.map_group("pd-patrol", DepartmentRole.OPERATOR)
    with as_role(WEB):
        person = added("n.ew", DepartmentRole.TRAINER, by=people["admin"], sponsor=people["supervisor"])
        for _ in range(2):
            services.take_groups(person, "county", ["pd-patrol"])
        assert not authorization_of(person).roles
        approve_all(person, people["supervisor"])
    assert authorization_of(person).roles == {DepartmentRole.OPERATOR, DepartmentRole.TRAINER}
    with as_role(WEB):
        services.take_groups(person, "county", [])
    assert authorization_of(person).roles == {DepartmentRole.TRAINER}


def test_pages_show_each_person_their_half(people: People) -> None:
    admin, supervisor = fresh_client_of(people["admin"]), fresh_client_of(people["supervisor"])
    fields = {"login": "n.ew", "name": "New", "agency": "department", "sponsor": people["supervisor"].pk}
    with as_role(WEB):
        payload = admin.post("/people/add/", fields | {"roles": ["operator"]}).content.decode()
        assert "Approve" not in payload, "nobody approves what they asked for"
        assert "n.ew" in supervisor.get("/people/").content.decode().partition("<table>")[0]
        person = services.person_of("n.ew")
        refused_by = admin.post("/people/person/n.ew/decide/", decision(person, "role"))
        assert refused_by.status_code == 422
        assert supervisor.post("/people/person/n.ew/decide/", decision(person, "role")).status_code == 302
        answer = supervisor.post("/people/person/n.ew/decide/", decision(person, "invitation")).content.decode()
        halves = [page.partition('<code id="code">')[2].partition("<")[0] for page in (payload, answer)]
    person.refresh_from_db()
    assert person.check_password("-".join(halves))


def decision(person: DepartmentPerson, kind: str) -> dict[str, object]:
    return {"request": person.requests.get(kind=kind).pk, "decision": "approve"}


Named = Callable[[People], DepartmentPerson]


@pytest.mark.parametrize("sponsor", [lambda people: people["admin"], lambda people: people["auditor"]])
def test_form_offers_another_sponsor_who_can_approve(people: People, sponsor: Named) -> None:
    fields = {"login": "n.ew", "name": "New", "agency": "department", "sponsor": sponsor(people).pk}
    with as_role(COMMAND):
        assert fresh_client_of(people["admin"]).post("/people/add/", fields).status_code == 422
    assert not DepartmentPerson.objects.filter(login="n.ew").exists()
