"""Log-in by requests: failures and locks, invitations, sessions and their ends, fresh authentication."""

import json
import time
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import LazySettings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from platepost.department.database.roles import OWNER, WEB
from platepost.department.ledger.errors import LedgerError
from platepost.department.people import access, login, services
from platepost.department.people.authorization import authorization_of
from platepost.department.people.lockout import MOST, is_locked, note_failure, use_up
from platepost.department.people.models import DepartmentPerson, DispatchConsole, LoginLock, PersonCertificate, UsedCode
from platepost.department.people.rights import Certification, DepartmentRole, Permission
from tests.department.people.persons import client_of, new_person
from tests.department.roles import as_role

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "eleven otters in a rowing boat"
SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def person() -> DepartmentPerson:
    """Make a dispatcher with a password and an authenticator app."""
    created = new_person("b.chen", DepartmentRole.DISPATCHER, factor=False)
    created.set_password(PASSWORD)
    created.save()
    with_app(created)
    return created


def with_app(person: DepartmentPerson) -> None:
    secret = login.FactorAdapter().encrypt(SECRET)
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": secret})


def code() -> str:
    """Return the app's present code, as if it had not been used."""
    cache.clear()
    with as_role(OWNER):
        UsedCode.objects.all().delete()
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))


def wrong_code() -> str:
    """Return six digits that the app shows neither now nor in the minute before or after."""
    step = int(time.time()) // 30
    shown = {format_hotp_value(hotp_value(SECRET, step + away)) for away in range(-2, 3)}
    return next(digits for digits in map("{:06}".format, range(6)) if digits not in shown)


def password(client: Client, login: str = "b.chen", password: str = PASSWORD) -> str:
    """Type a password; return where it leads, or what is said."""
    with as_role(WEB):
        answer = client.post("/log-in/", {"login": login, "password": password})
    return answer.headers.get("Location") or (
        "wrong" if b"Wrong username" in answer.content else answer.content.decode()
    )


def log_in(client: Client) -> str:
    assert password(client) == "/log-in/code/"
    with as_role(WEB):
        assert "autofocus" in client.get("/log-in/code/").text, "the field of the code has the focus"
        return client.post("/log-in/code/", {"code": code()}).headers.get("Location", "wrong")


def events(*names: str) -> list[dict[str, object]]:
    """Return the fields of the latest entries of these events, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT json_object_agg(body.field, body.value::json)::text FROM ledger_entry AS entry"
            " JOIN ledger_body AS body USING (entry) WHERE entry.event = ANY (%s)"
            " GROUP BY entry.number ORDER BY entry.number DESC LIMIT 20",
            [list(names)],
        )
        return [json.loads(fields) for (fields,) in cursor.fetchall()][::-1]


def test_password_needs_a_code_and_the_ledger_has_it(person: DepartmentPerson) -> None:
    client = Client()
    assert password(client) == "/log-in/code/"
    assert client.get("/").headers["Location"].startswith("/log-in/")
    with as_role(WEB):
        assert client.post("/log-in/code/", {"code": wrong_code()}).status_code == 200
        assert client.post("/log-in/code/", {"code": code()}).headers["Location"] == "/home/"
        assert client.get("/").status_code == 200
        client.post("/log-out/")
    assert events("log_on")[-1]["methods"] == ["password", "totp"]
    assert events("log_on_failed")[-1] == {"person": "b.chen", "method": "code", "known": False}
    device = events("log_on")[-1]["device"]
    assert events("log_off")[-1] == {"person": "b.chen", "device": device}


def test_code_works_once_in_all_processes(person: DepartmentPerson) -> None:
    first, second = Client(), Client()
    assert password(first) == password(second) == "/log-in/code/"
    seen = code()
    with as_role(WEB):
        assert first.post("/log-in/code/", {"code": seen}).headers["Location"] == "/home/"
        cache.clear()  # what another process does not have
        assert b"it was used before" in second.post("/log-in/code/", {"code": f"{seen[:3]} {seen[3:]}"}).content
    assert events("log_on_failed")[-1]["method"] == "code"


def test_code_is_used_once_in_five_minutes_whenever_they_begin(person: DepartmentPerson) -> None:
    UsedCode.objects.create(person=person, code="123456", used_at=timezone.now() - timedelta(minutes=4), period=0)
    assert not use_up(person, "123 456")
    UsedCode.objects.update(used_at=timezone.now() - timedelta(minutes=6))
    assert use_up(person, "123 456")


def test_failures_from_before_a_release_do_not_lock_again(person: DepartmentPerson) -> None:
    for _ in range(MOST):
        note_failure(person, None)
    assert is_locked(person, None)
    services.release(person)
    note_failure(person, None)
    assert not is_locked(person, None)


def test_stranger_locks_strangers_out_and_nobody_else(person: DepartmentPerson) -> None:
    console, stranger = Client(), Client()
    assert log_in(console) == "/home/"
    with as_role(WEB):
        console.post("/log-out/")
    for _ in range(MOST):
        assert password(stranger, password="guessed") == "wrong"
    assert password(stranger) == "wrong", "the right one too"
    assert password(Client()) == "wrong", "from any unknown device"
    assert log_in(console) == "/home/", "but not where the person is known"
    assert len(events("log_on_failed")) >= MOST
    new_person("the.supervisor", DepartmentRole.SUPERVISOR)
    assert services.release(person, DepartmentPerson.objects.get(login="the.supervisor")) == 1
    assert log_in(Client()) == "/home/"


def test_device_that_is_known_is_locked_by_its_own_failures_alone(person: DepartmentPerson) -> None:
    console = Client()
    assert log_in(console) == "/home/"
    with as_role(WEB):
        console.post("/log-out/")
    for _ in range(MOST):
        password(console, password="guessed")
    assert password(console) == "wrong"
    assert password(Client()) == "/log-in/code/"


def test_wrong_codes_lock_too(person: DepartmentPerson) -> None:
    client = Client()
    assert password(client) == "/log-in/code/"
    with as_role(WEB):
        for _ in range(MOST):
            client.post("/log-in/code/", {"code": wrong_code()})
        assert client.post("/log-in/code/", {"code": code()}).status_code == 200
    assert LoginLock.objects.get().person == person


def test_failures_of_a_quarter_of_an_hour_ago_do_not_count(person: DepartmentPerson) -> None:
    for _ in range(MOST - 1):
        password(Client(), password="guessed")
    person.failures.update(at=timezone.now() - timedelta(minutes=16))
    password(Client(), password="guessed")
    assert not LoginLock.objects.exists()


def test_what_was_typed_for_a_log_in_that_nobody_has_is_not_entered() -> None:
    assert password(Client(), "my secret words", "guessed") == "wrong"
    assert events("log_on_failed")[-1] == {"person": None, "method": "password", "known": False}


def test_invitation_is_good_once_and_for_setting_up_alone() -> None:
    department_person = DepartmentPerson(login="n.ew", name="New", agency="department")
    given = services.add_person(department_person, [DepartmentRole.OPERATOR]).code
    client = Client()
    assert password(client, "n.ew", given) == "/home/"
    with as_role(WEB):
        assert client.get("/").headers["Location"] == "/account/"
        assert client.get("/account/").status_code == 200
        assert client.get("/account/recovery-codes/").headers["Location"] == "/account/"
        for weak in ("fourteen chars", "123456789123456789"):
            assert client.post("/account/password/set/", {"password1": weak, "password2": weak}).status_code == 200
        assert client.post("/account/password/set/", {"password1": PASSWORD, "password2": PASSWORD}).status_code == 302
        page = client.get("/account/authenticator/").content.decode()
        assert client.session["mfa.totp.secret"] in page
    assert password(Client(), "n.ew", given) == "wrong"


def test_invitation_ends() -> None:
    given = services.add_person(DepartmentPerson(login="n.ew", name="New", agency="department")).code
    DepartmentPerson.objects.update(invited_until=timezone.now() - timedelta(seconds=1))
    assert "invitation has expired" in password(Client(), "n.ew", given)


def test_session_ends_when_idle_but_not_at_a_dispatch_console(
    person: DepartmentPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, supervisor = Client(), new_person("the.supervisor", DepartmentRole.SUPERVISOR)
    log_in(client)
    device = events("log_on")[-1]["device"]
    later = timezone.now() + timedelta(minutes=20)
    monkeypatch.setattr(access.timezone, "now", lambda: later)

    def is_in(*, minutes: float, **headers: str) -> bool:
        nonlocal later
        later += timedelta(minutes=minutes)
        with as_role(WEB):
            return client.get("/", headers=headers).status_code == 200

    assert is_in(minutes=0)
    assert is_in(minutes=29)
    assert is_in(minutes=29, **{"Platepost-Refresh": "1"})
    assert not is_in(minutes=2), "a page that refreshes itself is no use"
    log_in(client)
    DispatchConsole.objects.create(device=device, name="Desk 1", named_by=supervisor)
    assert is_in(minutes=11 * 60)
    assert not is_in(minutes=61), "12 hours end it anywhere"


def may_search(person: DepartmentPerson) -> bool:
    return authorization_of(DepartmentPerson.objects.get(pk=person.pk)).may(Permission.SEARCH)


def test_disabled_person_is_out_at_the_next_request_and_the_next_event(person: DepartmentPerson) -> None:
    client = Client()
    log_in(client)
    assert may_search(person)
    services.disable(DepartmentPerson.objects.get(pk=person.pk))
    assert not may_search(person)
    with as_role(WEB):
        assert client.get("/").headers["Location"].startswith("/log-in/")
    assert password(Client()) == "/log-in/suspended/"


def test_lapse_in_the_middle_of_a_stream_ends_it(person: DepartmentPerson) -> None:
    assert may_search(person)
    PersonCertificate.objects.create(person=person, certification=Certification.CLETS, expires_at=timezone.now())
    assert not may_search(person)


def test_refusal_names_what_is_missing_and_whom_to_ask_and_is_entered() -> None:
    new_person("the.administrator", DepartmentRole.ADMINISTRATOR)
    client = client_of(new_person("b.chen", DepartmentRole.OPERATOR))
    with as_role(WEB):
        answer = client.get("/people/")
    assert answer.status_code == 403
    text = answer.content.decode()
    assert "This is for: administrator, auditor, supervisor, trainer." in text
    assert "Ask the.administrator." in text
    assert events("access_refused")[-1]["permission"] == "see_people"


def test_change_of_people_asks_for_a_fresh_code_and_then_goes_on() -> None:
    administrator = new_person("the.administrator", DepartmentRole.ADMINISTRATOR, factor=False)
    administrator.set_password(PASSWORD)
    administrator.save()
    with_app(administrator)
    who = new_person("b.chen", DepartmentRole.DISPATCHER)
    client = Client()
    assert password(client, "the.administrator") == "/log-in/code/"
    with as_role(WEB):
        client.post("/log-in/code/", {"code": code()})
        asked = client.post(f"/people/person/{who.login}/role/", {"role": "operator"})
        assert asked.headers["Location"].startswith("/account/fresh/code/?next=")
        assert not who.requests.exists()
        client.post(asked.headers["Location"], {"code": code(), "next": f"/people/person/{who.login}/role/"})
    assert who.requests.get().requested_by == administrator


def test_nobody_logs_on_while_the_ledger_cannot_be_written(
    person: DepartmentPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    assert password(client) == "/log-in/code/"

    def fails(*_: object, **__: object) -> None:
        raise LedgerError("the ledger cannot be written")

    monkeypatch.setattr(login, "append", fails)
    with as_role(WEB):
        answer = client.post("/log-in/code/", {"code": code()})
        assert (answer.status_code, b"log cannot be written" in answer.content) == (503, True)
        assert client.get("/").status_code == 302


def test_secret_of_an_app_is_not_in_the_database(person: DepartmentPerson) -> None:
    assert SECRET not in json.dumps(Authenticator.objects.get(user=person).data)


def test_log_in_opened_by_an_address_says_that_no_passkey_works_there(settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    fields = {}
    with as_role(WEB):
        for host in ("localhost:8600", "127.0.0.1:8600", "[::1]:8600"):
            fields[host] = "by its name" in Client().get("/log-in/", HTTP_HOST=host).text
    assert fields == {"localhost:8600": False, "127.0.0.1:8600": True, "[::1]:8600": True}


def test_banner_is_the_department_s_own_where_it_has_one(settings: LazySettings) -> None:
    with as_role(WEB):
        assert b"restricted system with criminal justice information" in Client().get("/log-in/").content
        settings.PEOPLE_BANNER = "Sheriff's business only."
        assert b"Sheriff&#x27;s business only." in Client().get("/log-in/").content


def test_page_of_a_confirmation_has_its_field_in_focus_and_no_message_of_the_log_in(person: DepartmentPerson) -> None:
    client = Client()
    log_in(client)
    with as_role(WEB):
        page = client.get("/account/fresh/code/").text
    assert "autofocus" in page
    assert "Confirm that it is you" in page
    assert 'class="note"' not in page


def test_a_form_sent_too_late_is_offered_to_its_sender_and_to_no_one_else(
    person: DepartmentPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    log_in(client)
    with as_role(WEB):
        assert client.get("/").status_code == 200
    real = access.timezone.now
    monkeypatch.setattr(access.timezone, "now", lambda: real() + timedelta(minutes=31))
    fields = {"kind": "evidence", "reason": "a robbery", "plates": "8ZZZ999\n8ZZZ998"}
    with as_role(WEB):
        answer = client.post("/holds/", fields, headers={"Referer": "http://testserver/holds/"})
    monkeypatch.undo()
    assert answer.status_code == 403
    assert "/log-in/?next=%2Fform%2F" in answer.text
    assert "8ZZZ999" not in answer.text, "whoever is at the keyboard now"
    with as_role(WEB):
        assert "after 30 minutes without use" in client.get("/log-in/?next=/form/").text
    other, same = Client(), Client()
    for each in (other, same):
        each.cookies.load(client.cookies)
    assert password(same) == "/log-in/code/"
    with as_role(WEB):
        same.post("/log-in/code/", {"code": code()})
        offered = same.get("/form/").text
        assert 'action="/holds/"' in offered
        assert "8ZZZ999" in offered
        assert "after 30 minutes" not in same.get("/log-in/").text
        assert same.post("/form/").headers["Location"] == "/holds/"
        assert same.get("/form/").headers["Location"] == "/home/"


def test_another_person_does_not_get_a_form_that_waits(person: DepartmentPerson) -> None:
    client = Client()
    session = client.session
    session["people_ended"] = ["someone.else", "idle"]
    session["people_form"] = {
        "person": "someone.else", "address": "/holds/", "page": "/holds/", "at": 0, "fields": [["plates", "8ZZZ999"]],
    }  # fmt: skip
    session.save()
    log_in(client)
    assert "people_form" not in client.session
    with as_role(WEB):
        assert client.get("/form/").headers["Location"] == "/home/"


def test_a_file_comes_on_its_own_page_once_its_reader_is_confirmed() -> None:
    manager = new_person("r.stone", DepartmentRole.RECORDS_MANAGER, factor=False)
    manager.set_password(PASSWORD)
    manager.save()
    with_app(manager)
    client = Client()
    assert password(client, "r.stone") == "/log-in/code/"
    with as_role(WEB):
        client.post("/log-in/code/", {"code": code()})
        page = {"Referer": "http://testserver/history/"}
        asked = client.post("/history/csv/", {"since": "2026-01-01"}, headers=page)
        assert asked.headers["Location"] == "/account/fresh/code/?next=/history/"
        assert 'id="waiting-file"' not in client.get("/history/").text, "not confirmed yet"
        confirmed = client.post(asked.headers["Location"], {"code": code(), "next": "/history/"})
        assert confirmed.headers["Location"] == "/history/"
        back = client.get("/history/").text
        assert 'id="waiting-file"' in back
        assert '<input type="hidden" name="since" value="2026-01-01">' in back
        assert 'id="waiting-file"' not in client.get("/history/").text, "once"


def test_a_failed_sign_in_says_what_happened_and_keeps_the_page_that_was_wanted(person: DepartmentPerson) -> None:
    client = Client()
    with as_role(WEB):
        failed = client.post("/log-in/passkey/", {"credential": "{}", "next": "/holds/"})
        assert failed.headers["Location"] == "/log-in/?next=%2Fholds%2F"
        assert "This passkey was not accepted" in client.get(failed.headers["Location"]).text
        assert client.post("/log-in/code/", {"code": "123456"}).headers["Location"] == "/log-in/"
        assert "has expired" in client.get("/log-in/").text
    assert password(client) == "/log-in/code/"
    with as_role(WEB):
        assert "check that the phone" in client.post("/log-in/code/", {"code": wrong_code()}).text
    for _ in range(MOST):
        note_failure(person, None)
    with as_role(WEB):
        assert "Codes are locked" in client.post("/log-in/code/", {"code": code()}).text
