"""People in bulk: a list with errors, its two persons, its training, and the pages of it."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.utils import timezone
from pytest_django.fixtures import Settings

from platepost.department.database.roles import OWNER, WEB
from platepost.department.people import bulk
from platepost.department.people.authorization import authorization_of, authorizations
from platepost.department.people.errors import PersonError
from platepost.department.people.models import AccessRequest, DepartmentPerson
from platepost.department.people.rights import Certification, DepartmentRole, Permission
from tests.department.people.persons import client_of, fresh_client_of, new_person, page_text
from tests.department.people.test_login import events
from tests.department.roles import as_role
from tests.thorough import THOROUGH

pytestmark = pytest.mark.django_db
AGENCY = "department"
OFFICERS = 200 if THOROUGH else 40
"""Rows of a list, as a department has that begins; each costs the database thirty statements."""
LATER = (timezone.localdate() + timedelta(days=200)).isoformat()
HELD = (timezone.localdate() - timedelta(days=3)).isoformat()
HEAD = "login,name,badge,email,roles,clets,dmv,trained\n"
GOOD = f"{HEAD}b.chen,Bo Chen,4711,b.chen@riverside.example,dispatcher,{LATER},{LATER},{HELD}\n"
People = dict[str, DepartmentPerson]


@pytest.fixture
def people() -> People:
    """Make an administrator, the supervisor who sponsors, another, and a trainer."""
    roles = {
        "admin": DepartmentRole.ADMINISTRATOR,
        "sponsor": DepartmentRole.SUPERVISOR,
        "other": DepartmentRole.SUPERVISOR,
        "t.lee": DepartmentRole.TRAINER,
    }
    return {name: new_person(name, role) for name, role in roles.items()}


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("B Chen,Bo,,,dispatcher,,,", "login:"),
        ("b.chen,,,,dispatcher,,,", "name:"),
        ("b.chen,Bo,,no address,dispatcher,,,", "email: Enter a valid email address"),
        ("b.chen,Bo,,,boss,,,", "'boss' is not a role"),
        ("b.chen,Bo,,,administrator,,,", "given on the command line alone"),
        ("b.chen,Bo,,,dispatcher,soon,,", "clets: 'soon' is not a day"),
        ("b.chen,Bo,,,dispatcher,2001-01-01,,", "clets: 2001-01-01 is over"),
        (f"b.chen,Bo,,,dispatcher,,,{LATER}", "is to come"),
        ("admin,Ada,,,dispatcher,,,", "duties are apart"),
        ("b.chen,Bo,,,dispatcher", "has 5 fields, and the header 8"),
    ],
)
def test_row_with_an_error_says_which(people: People, row: str, error: str) -> None:
    del people
    (listed,) = bulk.read_people(f"{HEAD}{row}\n", agency=AGENCY)
    assert error in "; ".join(listed.errors)
    assert bulk.read_people(GOOD, agency=AGENCY)[0].errors == ()


def test_log_in_that_stands_twice_counts_once() -> None:
    rows = bulk.read_people(GOOD + GOOD.removeprefix(HEAD), agency=AGENCY)
    assert [row.errors for row in rows] == [(), ("the username is also in line 2 already",)]


@pytest.mark.parametrize("text", ["", HEAD, "name\nBo\n", "login,plate\nb.chen,7ABC123\n", 'login\n"b.chen\n'])
def test_file_that_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(PersonError):
        bulk.read_people(text, agency=AGENCY)


def test_spreadsheet_s_own_separators_and_days_are_read() -> None:
    end = timezone.localdate() + timedelta(days=99)
    text = f"\ufeffLogin;Name;Roles;CLETS\r\nb.chen;Chen, Bo;records manager;{end:%m/%d/%Y}\r\n".replace(
        "records manager", "records-manager"
    )
    (row,) = bulk.read_people(text, agency=AGENCY)
    assert (row.name, row.roles, row.errors) == ("Chen, Bo", (DepartmentRole.RECORDS_MANAGER,), ())
    assert row.certificates == {Certification.CLETS: end}


def test_list_gives_nothing_until_its_sponsor_approves_it_as_one(people: People, settings: Settings) -> None:
    settings.EMAIL_HOST = "mail.riverside.example"
    with as_role(WEB):
        rows = bulk.read_people(GOOD, agency=AGENCY)
        with pytest.raises(PersonError, match="someone else"):
            bulk.ask_for_people(rows, sponsor=people["admin"], by=people["admin"])
        outcome = bulk.ask_for_people(rows, sponsor=people["sponsor"], by=people["admin"])
    (invited,) = outcome.invited
    person = invited.person
    assert (outcome.asked, dict(outcome.rejected)) == (4, {})
    assert not authorization_of(person).roles
    for by, why in (("admin", "another person"), ("other", "sponsor"), ("t.lee", "needs one of these roles")):
        with as_role(WEB), pytest.raises(PersonError, match=why):
            bulk.decide_list(outcome.batch, people[by], approve=True)
        assert AccessRequest.objects.filter(decided_at=None).count() == 4, "all of it, or nothing"
    with as_role(WEB):
        (second,) = bulk.decide_list(outcome.batch, people["sponsor"], approve=True)
        assert bulk.send_invitations(outcome.batch, "https://plates.example/log-in/") == (1, [])
    person.refresh_from_db()
    assert person.check_password(f"{invited.invitation.code}-{second.invitation.code}")
    assert invited.invitation.code in mail.outbox[0].body
    assert second.invitation.code not in mail.outbox[0].body
    assert mail.outbox[0].to == ["b.chen@riverside.example"]
    current = authorization_of(person)
    assert (current.roles, set(current.certificates)) == ({DepartmentRole.DISPATCHER}, set(Certification))
    assert not current.may(Permission.SEARCH), "not trained yet"
    with as_role(WEB):
        assert bulk.record_trainings(rows, people["t.lee"]) == (4, {})
        assert bulk.record_trainings(rows, people["t.lee"]) == (0, {}), "it is on file"
        with pytest.raises(PersonError, match="not a trainer"):
            bulk.record_trainings([bulk.ListedPerson(2, "b.chen", trained=timezone.localdate())], people["admin"])
    assert authorization_of(person).may(Permission.SEARCH)
    assert {events(each)[-1]["approved_by"] for each in ("role_given", "certificate_noted")} == {"sponsor"}


def test_second_list_adds_what_people_on_file_lack(people: People) -> None:
    known = new_person("b.chen", DepartmentRole.DISPATCHER)
    text = f"login,roles,clets\nb.chen,dispatcher operator,{LATER}\n"
    with as_role(WEB):
        rows = bulk.read_people(text, agency=AGENCY)
        outcome = bulk.ask_for_people(rows, sponsor=people["sponsor"], by=people["admin"])
        assert (outcome.asked, outcome.invited) == (2, [])
        bulk.decide_list(outcome.batch, people["other"], approve=True)
        again = bulk.ask_for_people(
            bulk.read_people(text, agency=AGENCY), sponsor=people["sponsor"], by=people["admin"]
        )
    assert authorization_of(known).roles == {DepartmentRole.DISPATCHER, DepartmentRole.OPERATOR}
    assert again.asked == 0


def test_rejected_list_gives_nothing(people: People) -> None:
    with as_role(WEB):
        rows = bulk.read_people(GOOD, agency=AGENCY)
        outcome = bulk.ask_for_people(rows, sponsor=people["sponsor"], by=people["admin"])
        assert bulk.decide_list(outcome.batch, people["other"], approve=False) == []
        with pytest.raises(PersonError, match="nothing of this list waits"):
            bulk.decide_list(outcome.batch, people["sponsor"], approve=True)
    assert not authorization_of(outcome.invited[0].person).roles


def test_command_line_gives_a_list_alone_only_while_nobody_can_approve() -> None:
    with as_role(OWNER):
        outcome = bulk.ask_for_people(bulk.read_people(GOOD, agency=AGENCY), sponsor=None)
        (invited,) = outcome.invited
        assert not invited.invitation.half
        assert authorization_of(invited.person).roles == {DepartmentRole.DISPATCHER}
        for name in ("s.mori", "a.rivera"):
            new_person(name, DepartmentRole.SUPERVISOR)
        with pytest.raises(PersonError, match="name the sponsor"):
            bulk.ask_for_people(bulk.read_people(GOOD.replace("b.chen", "c.chen"), agency=AGENCY), sponsor=None)


def test_officers_with_9_bad_rows_come_in_by_four_forms_of_three_people(people: People) -> None:
    rows, right = OFFICERS, OFFICERS - 9
    good = [f"o.{n:03d},Officer {n},{n},,dispatcher,{LATER},{LATER},{HELD}" for n in range(right)]
    bad = [f"o.{n:03d},Officer {n},{n},,boss,{LATER},{LATER},{HELD}" for n in range(right, rows)]
    text = HEAD + "\n".join([*good[:10], *bad, *good[10:]])

    def file() -> SimpleUploadedFile:
        return SimpleUploadedFile("officers.csv", text.encode(), "text/csv")

    admin, sponsor, trainer = (fresh_client_of(people[name]) for name in ("admin", "sponsor", "t.lee"))
    with as_role(WEB):
        preview = page_text(admin.post("/people/import/", {"file": file(), "sponsor": people["sponsor"].pk}))
        assert f"Of {rows} rows, {right} can be imported ({right} new people) and 9 have errors" in preview
        assert preview.count("is not a role") == 9
        assert not DepartmentPerson.objects.filter(login__startswith="o.").exists(), "nothing is saved yet"
        form = {"text": text, "sponsor": people["sponsor"].pk, "import": "on"}
        imported = page_text(admin.post("/people/import/", form))
        assert f"{right} people added. {4 * right} roles, certifications, and invitations wait for Sponsor" in imported
        first = codes(imported)
        (where,) = set(re.findall(r"/people/lists/[0-9a-f-]+/", imported))
        assert f"A list of {right} people from Admin waits for approval" in page_text(sponsor.get("/people/"))
        assert "Approve all" not in page_text(admin.get(where))
        assert f"Approve all for {right} people" in page_text(sponsor.get(where))
        approved = page_text(sponsor.post(f"{where}decide/", {"decision": "approve"}))
        second = codes(approved)
        recorded = page_text(trainer.post("/people/trained/", {"file": file(), "list": "on"}))
        assert f"{4 * right} results recorded" in recorded
        assert "no one has the username" in recorded, "those that were left out"
        people_page = page_text(admin.get("/people/?text=o.019&which=never"))
        assert "1 of" in people_page
    assert len(first) == len(second) == right
    officers = DepartmentPerson.objects.filter(login__startswith="o.").order_by("login")
    assert len(officers) == right
    assert all(each.may(Permission.ANSWER_HITS) for each in authorizations(officers))
    for place in (0, right - 1):
        assert officers[place].check_password(f"{first[place]}-{second[place]}")
    assert AccessRequest.objects.filter(decided_at=None).count() == 0


def codes(page: str) -> list[str]:
    return re.findall(r"<code>([a-z2-7-]+)</code>", page)


def test_people_are_found_by_name_role_and_what_they_lack(people: People) -> None:
    new_person("b.chen", DepartmentRole.DISPATCHER, current=False)
    client = client_of(people["admin"])
    with as_role(WEB):
        for query, found in (
            ("", True),
            ("text=chen", True),
            ("text=sponsor", False),
            ("role=dispatcher", True),
            ("role=trainer", False),
            ("which=lacks", True),
            ("which=never&text=b.chen", True),
            ("which=disabled", False),
            ("role=nonsense", True),
        ):
            assert ("/people/person/b.chen/" in page_text(client.get(f"/people/?{query}"))) == found, query


def test_trainer_records_training_of_people_whom_they_choose(people: People) -> None:
    officers = [new_person(f"o.{n}", DepartmentRole.DISPATCHER, current=False) for n in range(3)]
    trainer = fresh_client_of(people["t.lee"])

    def sent(*chosen: DepartmentPerson, held: str = HELD) -> HttpResponse:
        numbers = [person.pk for person in chosen]
        form = {"people": numbers, "topics": ["policy", "security"], "held": held, "chosen": "on"}
        return trainer.post("/people/trained/", form)

    with as_role(WEB):
        assert "4 results recorded" in page_text(sent(*officers[:2]))
        assert sent().status_code == 422
        own = page_text(sent(people["t.lee"]))
        assert "no one changes their own rights" in own
        assert "training is noted once it was held" in page_text(sent(officers[2], held=LATER))
    assert not [lack.what for lack in authorization_of(officers[0]).lacks_for_duty() if "policy" in lack.what]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"login\n", b"", b"x" * (2**18 + 1)])
def test_file_that_cannot_be_read_is_refused_with_the_reason(people: People, body: bytes) -> None:
    client = fresh_client_of(people["admin"])
    file = SimpleUploadedFile("officers.csv", body)
    with as_role(WEB):
        answer = client.post("/people/import/", {"file": file, "sponsor": people["sponsor"].pk})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
