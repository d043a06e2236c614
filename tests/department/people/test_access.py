"""Who may open which page: the table in the repository is what the code says, and what requests get."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from platepost.department.config.access_table import cell, pages
from platepost.department.database.roles import OWNER, WEB
from platepost.department.people.rights import DepartmentRole, Permission
from platepost.department.policy.policy import DEFAULT
from tests.department.people.persons import client_of, new_person
from tests.department.roles import as_role
from tests.thorough import THOROUGH

pytestmark = pytest.mark.django_db(transaction=True)
GIVEN = {"int": "1", "slug": "nobody", "str": "nobody", "uuid": "01890a5d-ac96-774b-bcce-b302099a8057"}
"""What is asked for, by the kind of a part of an address."""


def address(pattern: str) -> str:
    return re.sub(r"<(\w+):\w+>", lambda part: GIVEN[part[1]], pattern)


def outcome(client: Client, where: str, method: str) -> str:
    """Return what became of a request: let in, or refused, or asked for a fresh second factor."""
    answer = getattr(client, method)(where)
    to = answer.headers.get("Location", "")
    if "/account/fresh/" in to and not where.startswith("/account/fresh/"):
        return "fresh"
    sent_to_log_in = to.startswith("/log-in/?next=") and "/log-in" not in where
    fields = (b"<h1>You may not do this</h1>", b"<h1>You are logged out</h1>")
    refused = sent_to_log_in or any(each in answer.content for each in fields)
    return "refused" if refused else "let in"


def expected(text: str, *, current: bool) -> str:
    if not text or (text.startswith("current") and not current):
        return "refused"
    return "fresh" if "fresh" in text else "let in"


def numbered_pages() -> Iterator[tuple[str, object, int]]:
    """Yield each page with who may use it, and how many came before it for which the same is needed."""
    seen: Counter[object] = Counter()
    for pattern, access in pages():
        yield pattern, access, seen[access]
        seen[access] += 1


def requests_to_make(access: object, number: int, role: DepartmentRole | None, *, current: bool) -> tuple[str, ...]:
    """Return with which methods to ask for a page; each request costs some milliseconds.

    Who is not logged in asks for every page. What a role may do depends on the permission alone: of each, every role
    asks for one page, and for each of the others take turns one role that has it and one that lacks it.
    """
    if role is None:
        return ("get", "post") if isinstance(access, Permission) and access is not Permission.OWN_ACCOUNT else ("get",)
    granted = bool(cell(access, role))
    if not isinstance(access, Permission) or access is Permission.OWN_ACCOUNT:
        return ("get",) if current and (THOROUGH or role == in_turn_of(DepartmentRole, number)) else ()
    alike = [each for each in DepartmentRole if bool(cell(access, each)) == granted]
    asks = THOROUGH or number == 0 or role == in_turn_of(alike, number)
    if not current:  # who is refused anyway lacks no more than that
        return ("get",) if granted and (THOROUGH or number == 0) else ()
    sends = asks and (granted or role == in_turn_of(alike, number))
    return ("get", "post") if sends else ("get",) if asks else ()


def in_turn_of(roles: Iterable[DepartmentRole], number: int) -> DepartmentRole:
    every = [*roles]
    return every[number % len(every)]


@pytest.mark.parametrize("role", [None, *DepartmentRole])
def test_requests_get_what_the_table_says(role: DepartmentRole | None) -> None:
    wrong = []
    for current in (True, False) if role else (False,):
        person = role and new_person(f"{role}-{current}".lower(), role, current=current)
        client = None
        with as_role(WEB):  # once for all requests: to take it on costs as much as some pages
            for pattern, access, number in numbered_pages():
                for method in requests_to_make(access, number, role, current=current):
                    if client is None:
                        with as_role(OWNER):
                            client = client_of(person) if person else Client()
                    matches = outcome(client, address(pattern), method)
                    if matches != expected(cell(access, role), current=current) and not its_own(pattern, matches):
                        wrong.append((pattern, method, role, current, matches))
                client = None if pattern == "/log-out/" else client
    assert wrong == []


def its_own(pattern: str, text: str) -> bool:
    """Tell whether allauth itself asks for a fresh factor, as it does of anyone who changes how they log in."""
    return pattern.startswith("/account/") and text == "fresh"


def nameless(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("shown to anybody")


urlpatterns = [path("nameless/", nameless), path("log-in/", nameless, name="account_login")]


@pytest.mark.urls(__name__)
def test_view_that_names_nobody_answers_nobody() -> None:
    assert Client().get("/nameless/").status_code == 403


def test_refusal_keeps_the_menu() -> None:
    client = client_of(new_person("d.cole", DepartmentRole.DISPATCHER))
    with as_role(WEB):
        answer = client.get("/ledger/")
    assert answer.status_code == 403
    assert all(f'href="{place}"' in answer.text for place in ("/console/", "/search/"))


@pytest.mark.parametrize(
    ("role", "begins"),
    [
        (DepartmentRole.DISPATCHER, "/console/"),
        (DepartmentRole.OPERATOR, "/search/"),
        (DepartmentRole.RECORDS_MANAGER, "/requests/"),
        (DepartmentRole.AUDITOR, "/audits/"),
        (DepartmentRole.ADMINISTRATOR, "/"),
    ],
)
def test_person_who_signs_in_begins_with_their_work(role: DepartmentRole, begins: str) -> None:
    client = client_of(new_person("p.new", role))
    with as_role(WEB):
        assert Client().get("/").headers["Location"] == "/log-in/?next=/home/"
        answer = client.get("/home/")
    assert answer.headers["Location"] == begins


@pytest.mark.parametrize(
    ("form", "then"),
    [("http://testserver/people/?a=1", "/people/%3Fa%3D1"), ("http://elsewhere/people/", "/"), ("", "/")],
)
def test_form_that_came_after_the_session_leads_back_to_its_page(form: str, then: str) -> None:
    with as_role(WEB):
        answer = Client().post("/people/add/", headers={"Referer": form})
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.text
    assert f'href="/log-in/?next={then.replace("/", "%2F")}"' in answer.text


def test_unknown_address_is_refused() -> None:
    client = client_of(new_person("b.chen", DepartmentRole.SUPERVISOR))
    with as_role(WEB):
        assert client.get("/people/person/b.chen/everything/").status_code == 404
        assert Client().get("/admin/").status_code == 404


def test_page_says_what_the_policy_lacks(settings: Any, tmp_path: Path) -> None:
    client = client_of(new_person("a.novak", DepartmentRole.AUDITOR))
    settings.POLICY_FILE = tmp_path / "policy.toml"
    for text, fields in (
        (DEFAULT.read_text("utf-8").replace('"audit"', '"checks"'), "not a purpose"),
        ("law = 1", "law"),
    ):
        settings.POLICY_FILE.write_text(text)
        with as_role(WEB):
            answer = client.post("/audits/report/", {"month": "2026-03"}, follow=True)
        assert answer.status_code == 503
        assert "The policy file stops this page" in answer.text
        assert fields in answer.text
