"""What the database refuses the pages, whatever they say, and that each change of rights is in the ledger."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from platepost.department.database.roles import OWNER, WEB
from platepost.department.people import services
from platepost.department.people.errors import PersonError
from platepost.department.people.models import DepartmentPerson, DispatchConsole, LoginLock, RoleGrant
from platepost.department.people.rights import CONSOLE_ONLY, SIDES, Certification, DepartmentRole, TrainingTopic
from tests.department.people.persons import fresh_client_of, new_person
from tests.department.roles import as_role

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def entries() -> list[tuple[str, dict[str, str]]]:
    """Return the events of the ledger that this test has made, with their fields."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT entry.event, json_object_agg(body.field, trim(both '\"' from body.value))::text"
            " FROM ledger_entry AS entry JOIN ledger_body AS body USING (entry)"
            " WHERE entry.transaction = pg_current_xact_id() GROUP BY entry.number, entry.event ORDER BY entry.number"
        )
        return [(event, json.loads(fields)) for event, fields in cursor.fetchall()]


@pytest.fixture
def people() -> dict[str, DepartmentPerson]:
    """Make one person of each role, and one of none."""
    created = {role.value: new_person(f"the-{role}".replace("_", "-"), role) for role in DepartmentRole}
    return {**created, "nobody": new_person("nobody")}


Change = Callable[[dict[str, DepartmentPerson]], object]
REFUSED: dict[str, Change] = {
    "gives himself a role": lambda of: services.give_role(
        of["administrator"], DepartmentRole.OPERATOR, of["administrator"]
    ),
    "gives by an operator": lambda of: services.give_role(of["dispatcher"], DepartmentRole.OPERATOR, of["operator"]),
    "names nobody who gives": lambda of: services.give_role(of["dispatcher"], DepartmentRole.OPERATOR),
    "makes an administrator": lambda of: services.give_role(
        of["nobody"], DepartmentRole.ADMINISTRATOR, of["administrator"]
    ),
    "makes an auditor": lambda of: services.give_role(of["nobody"], DepartmentRole.AUDITOR, of["administrator"]),
    "removes the auditor": lambda of: services.end_role(of["auditor"], DepartmentRole.AUDITOR, of["administrator"]),
    "lets the auditor search": lambda of: services.give_role(
        of["auditor"], DepartmentRole.OPERATOR, of["administrator"]
    ),
    "notes his own certificate": lambda of: services.note_certificate(
        of["administrator"], Certification.DMV, NOW, of["administrator"]
    ),
    "notes a certificate as an operator": lambda of: services.note_certificate(
        of["dispatcher"], Certification.DMV, NOW, of["operator"]
    ),
    "notes a certificate as a trainer": lambda of: services.note_certificate(
        of["dispatcher"], Certification.DMV, NOW, of["trainer"]
    ),
    "trains himself": lambda of: services.note_training(
        of["trainer"], TrainingTopic.POLICY, held_at=NOW, passed=True, trainer=of["trainer"]
    ),
    "trains without being a trainer": lambda of: services.note_training(
        of["operator"], TrainingTopic.POLICY, held_at=NOW, passed=True, trainer=of["dispatcher"]
    ),
    "notes training that is to come": lambda of: services.note_training(
        of["operator"], TrainingTopic.POLICY, held_at=NOW + timedelta(days=1), passed=True, trainer=of["trainer"]
    ),
    "disables as a dispatcher": lambda of: services.disable(of["operator"], of["dispatcher"]),
    "disables the auditor": lambda of: services.disable(of["auditor"], of["supervisor"]),
    "disables the auditor as an administrator": lambda of: services.disable(of["auditor"], of["administrator"]),
    "disables the administrator": lambda of: services.disable(of["administrator"], of["supervisor"]),
    "reinstates himself": lambda of: services.reinstate(of["administrator"], of["administrator"]),
    "reinstates as a supervisor": lambda of: services.reinstate(of["operator"], of["supervisor"]),
    "invites himself": lambda of: services.invite(of["administrator"], of["administrator"]),
    "adds a person as a supervisor": lambda of: services.add_person(
        DepartmentPerson(login="new", name="New", agency="department"), by=of["supervisor"]
    ),
    "takes a log-in that is taken": lambda of: services.add_person(
        DepartmentPerson(login="the-operator", name="New", agency="department"), by=of["administrator"]
    ),
    "takes a log-in in capitals": lambda of: services.add_person(
        DepartmentPerson(login="New", name="New", agency="department"), by=of["administrator"]
    ),
}


def refused(change: Callable[[], object], error: type[Exception]) -> bool:
    try:
        with transaction.atomic():
            change()
    except error:
        return True
    return False


def test_pages_are_refused(people: dict[str, DepartmentPerson]) -> None:
    before = entries()
    new = RoleGrant.objects.count()
    with as_role(WEB):
        done = [name for name, change in REFUSED.items() if not refused(partial(change, people), PersonError)]
    assert done == []
    assert RoleGrant.objects.count() == new
    assert entries() == before


def test_one_s_own_lock_is_released_by_another(people: dict[str, DepartmentPerson]) -> None:
    supervisor = people["supervisor"]
    with as_role(WEB):
        LoginLock.objects.create(person=supervisor)
        with pytest.raises(PersonError):
            services.release(supervisor, supervisor)
        with pytest.raises(PersonError):
            services.release(supervisor, people["operator"])
        assert services.release(supervisor, people["administrator"]) == 1
    assert [event for event, _ in entries()[-2:]] == ["log_on_locked", "log_on_released"]


def test_command_line_disables_an_auditor_at_once(people: dict[str, DepartmentPerson]) -> None:
    services.disable(people["auditor"])
    assert entries()[-1][0] == "person_disabled"
    assert DepartmentPerson.objects.get(login="the-auditor").disabled_at is not None


@pytest.mark.parametrize(
    "end", [services.disable, lambda person: services.end_role(person, DepartmentRole.ADMINISTRATOR)]
)
def test_administrator_who_was_disabled_or_is_none_any_more_gives_nothing(
    people: dict[str, DepartmentPerson], end: Callable[[DepartmentPerson], None]
) -> None:
    end(people["administrator"])
    with as_role(WEB), pytest.raises(PersonError):
        services.give_role(people["dispatcher"], DepartmentRole.OPERATOR, people["administrator"])


def test_end_of_a_role_stays_as_it_was_entered(people: dict[str, DepartmentPerson]) -> None:
    services.end_role(people["operator"], DepartmentRole.OPERATOR)
    ended = RoleGrant.objects.filter(person=people["operator"])
    for at in (None, timezone.now()):
        assert refused(lambda at=at: ended.update(ended_at=at), DatabaseError)  # type: ignore[misc]


def test_pages_change_nothing_by_hand(people: dict[str, DepartmentPerson]) -> None:
    statements = (
        "UPDATE people_role SET role = 'administrator'",
        "UPDATE people_role SET ended_at = NULL",
        "DELETE FROM people_role",
        "UPDATE people_training SET passed = true",
        "UPDATE people_certificate SET expires_at = 'infinity'",
        "UPDATE people_person SET login = 'other'",
        "DELETE FROM people_failure",
        "UPDATE people_lock SET device = NULL",
        "ALTER TABLE people_role DISABLE TRIGGER ALL",
    )
    with as_role(WEB), connection.cursor() as cursor:
        done = [statement for statement in statements if not refused(partial(cursor.execute, statement), DatabaseError)]
    assert done == []


def test_duties_are_apart_for_the_command_line_too() -> None:
    with as_role(OWNER):
        for first in DepartmentRole:
            for second in DepartmentRole:
                apart = not any({first, second} <= side for side in SIDES)
                person = new_person(f"{first}-{second}".replace("_", "-"), first)
                if first is second:
                    continue
                if apart:
                    with pytest.raises(PersonError, match="duties are apart"):
                        services.give_role(person, second)
                else:
                    services.give_role(person, second)
    assert frozenset.union(*SIDES[:2]) == CONSOLE_ONLY


def test_each_change_is_in_the_ledger_by_who_asked(people: dict[str, DepartmentPerson]) -> None:
    administrator, trainer, who = people["administrator"], people["trainer"], people["dispatcher"]
    before = len(entries())
    with as_role(WEB):
        supervisor = people["supervisor"]
        person = DepartmentPerson(login="new", name="New", agency="department", sponsor=supervisor)
        code = services.add_person(person, [DepartmentRole.OPERATOR], administrator).code
        services.decide(person.requests.get(kind="role"), supervisor, approve=True)
        services.end_role(person, DepartmentRole.OPERATOR, administrator)
        services.note_certificate(person, Certification.DMV, NOW, administrator)
        services.decide(person.requests.get(kind="certification"), supervisor, approve=True)
        services.note_training(person, TrainingTopic.POLICY, held_at=NOW, passed=False, trainer=trainer)
        services.disable(who, people["supervisor"])
        services.reinstate(who, administrator)
        services.invite(who, administrator)
        services.decide(who.requests.get(), supervisor, approve=True)
    matches = entries()[before:]
    assert [(event, fields.get("person", fields.get("login", fields.get("user")))) for event, fields in matches] == [
        ("person_added", "new"),
        ("access_requested", "new"),
        ("access_requested", "new"),
        ("role_given", "new"),
        ("access_decided", "new"),
        ("role_ended", "new"),
        ("access_requested", "new"),
        ("certificate_noted", "new"),
        ("access_decided", "new"),
        ("training_noted", "new"),
        ("person_disabled", who.login),
        ("person_reinstated", who.login),
        ("access_requested", who.login),
        ("access_decided", who.login),
        ("factor_removed", who.login),
        ("password_set", who.login),
    ]
    message = dict(matches)
    assert (message["role_given"]["given_by"], message["role_given"]["approved_by"]) == (
        administrator.login,
        "the-supervisor",
    )
    assert message["person_disabled"]["changed_by"] == people["supervisor"].login
    assert (message["training_noted"]["trainer"], message["training_noted"]["passed"]) == (trainer.login, "false")
    assert code not in str(matches)
    assert "pbkdf2" not in str(matches)


def test_access_that_was_suspended_comes_back_with_an_entry(people: dict[str, DepartmentPerson]) -> None:
    with as_role(WEB):
        services.reinstate(people["operator"], people["administrator"])
    event, fields = entries()[-1]
    assert (event, fields["login"], fields["changed_by"]) == ("person_reinstated", "the-operator", "the-administrator")


def test_ledger_names_who_gave_a_command_and_the_pages_name_nobody_so(people: dict[str, DepartmentPerson]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('platepost.console', 'j.doe', true)")
    services.give_role(people["nobody"], DepartmentRole.OPERATOR)
    with as_role(WEB):
        services.decide(people["nobody"].requests.get(), people["administrator"], approve=True)
        services.end_role(people["nobody"], DepartmentRole.OPERATOR, people["administrator"])
    assert [fields.get("console") for _, fields in entries()[-4:]] == ["j.doe", None, None, None]


def test_covert_groups_are_joined_on_the_command_line_alone(people: dict[str, DepartmentPerson]) -> None:
    operator = people["operator"]
    services.join_covert(operator, "narcotics")
    assert services.covert_groups(operator) == ["narcotics"]
    for change in (lambda: services.join_covert(operator, "narcotics"), lambda: services.join_covert(operator, "A b")):
        with pytest.raises(PersonError):
            change()
    with as_role(WEB):
        assert services.covert_groups(operator) == ["narcotics"]
        with pytest.raises(PersonError, match="permission denied"):
            services.join_covert(operator, "homicide")
    services.join_covert(operator, "narcotics", end=True)
    assert services.covert_groups(operator) == []
    with pytest.raises(PersonError, match="is not in"):
        services.join_covert(operator, "narcotics", end=True)
    ours = [fields | {"event": event} for event, fields in entries() if event.startswith("covert")]
    assert [(message["event"], message["person"], message["group"]) for message in ours] == [
        ("covert_joined", "the-operator", "narcotics"),
        ("covert_left", "the-operator", "narcotics"),
    ]


def test_console_is_ended_and_another_of_its_name_goes_on() -> None:
    supervisor = new_person("s.mori", DepartmentRole.SUPERVISOR)
    one, other = (uuid4() for _ in range(2))
    for device in (one, other):
        services.name_console(device, "Desk 1", supervisor)
    client = fresh_client_of(supervisor)
    with as_role(WEB):
        page = client.get("/people/consoles/").content.decode()
        assert client.post("/people/consoles/", {"end": "Desk 1"}).status_code == 200
        ended = client.post("/people/consoles/", {"end": re.findall('name="end" value="([^"]*)"', page)[0]})
    assert ended.status_code == 302
    assert [*DispatchConsole.objects.filter(ended_at=None).values_list("device", flat=True)] in ([one], [other])
