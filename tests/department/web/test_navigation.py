"""The navigation: each page that an app registers is offered to those who may open it, and to no one else."""

import re

import pytest
from django.urls import resolve, reverse

from platepost.department.people.access import Open, access_of
from platepost.department.people.rights import GRANTS, DepartmentRole, Permission
from platepost.department.web.navigation import NavigationEntry, registered_entries
from tests.department.people.persons import client_of, new_person

_HELP = "Help: Help, Training"
GROUPS = {
    DepartmentRole.DISPATCHER: (
        "Dispatch: Hits, History",
        "Investigate: Search, Holds, Evidence",
        "Lists: Hot list, New entry, Imports",
        "Oversight: System status, Policy, Direct feeds, Admitted records, Quality",
        _HELP,
    ),
    DepartmentRole.RECORDS_MANAGER: (
        "Dispatch: Hits, History",
        "Investigate: Search, Holds, Evidence",
        (
            "Oversight: System status, Requests, Breaches, Archive, Policy, Agencies, Partners, Direct feeds,"
            " Admitted records, Quality"
        ),
        _HELP,
    ),
    DepartmentRole.SUPERVISOR: (
        "Dispatch: Hits, History, Rejections",
        "Investigate: Search, Holds, Evidence",
        "Lists: Hot list, New entry, Imports",
        "Oversight: System status, Audits, Reviews, Policy, Agencies, Direct feeds, Admitted records, People, Quality",
        _HELP,
    ),
    DepartmentRole.AUDITOR: (
        "Oversight: System status, Audits, Ledger, Policy, Agencies, Direct feeds, Admitted records, People, Quality",
        _HELP,
    ),
    DepartmentRole.ADMINISTRATOR: (
        "Oversight: System status, Policy, Direct feeds, Admitted records, People, Quality",
        _HELP,
    ),
}
"""By role, the groups that it gets with their pages, besides one's own account and the log-out."""


@pytest.mark.parametrize("entry", registered_entries(), ids=lambda entry: entry.route)
def test_entry_has_the_permission_of_its_page(entry: NavigationEntry) -> None:
    access = access_of(resolve(reverse(entry.route)).func)
    if entry.permission is None:
        assert (
            isinstance(access, Open)
            or access is Permission.OWN_ACCOUNT
            or all(access in granted for granted in GRANTS.values())
        )
    else:
        assert access == entry.permission


def test_no_two_entries_have_the_same_place() -> None:
    orders = [(entry.group, entry.order) for entry in registered_entries()]
    assert len(orders) == len({*orders})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", GROUPS)
def test_groups_of_a_role(role: DepartmentRole) -> None:
    page = client_of(new_person("a.person", role)).get(reverse("policy")).content.decode()
    navigation = re.search(r"<nav .*?</nav>", page, re.DOTALL)
    assert navigation is not None
    groups, own = [], []
    for kind, text in re.findall(r'<a( class="group")? href="[^"]*"[^>]*>([^<]+)</a>', navigation[0]):
        if kind:
            groups.append((text, list[str]()))
        elif text in {"a.person", "Log out"}:
            own.append(text)
        else:
            groups[-1][1].append(text)
    assert tuple(f"{group}: {', '.join(pages)}" for group, pages in groups) == GROUPS[role]
    assert own == ["a.person", "Log out"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("where", "marked"),
    [
        ("/policy/", [("Oversight", "true"), ("Policy", "page")]),
        ("/help/", [("Help", "true"), ("Help", "page")]),
        ("/lists/imports/", [("Lists", "true"), ("Imports", "page")]),
        ("/search/scenes/", [("Investigate", "true"), ("Search", "true")]),
        ("/account/passkeys/", [("a.person", "true")]),
    ],
)
def test_the_page_that_is_shown_is_marked(where: str, marked: list[tuple[str, str]]) -> None:
    page = client_of(new_person("a.person", DepartmentRole.SUPERVISOR)).get(where).content.decode()
    found = re.findall(r'<a[^>]* aria-current="(\w+)">([^<]+)</a>', page)
    assert [(text, state) for state, text in found] == marked


@pytest.mark.django_db(transaction=True)
def test_help_names_each_page_that_one_may_open_and_whom_to_ask() -> None:
    new_person("s.mori", DepartmentRole.SUPERVISOR)
    page = client_of(new_person("a.person", DepartmentRole.DISPATCHER)).get("/help/").content.decode()
    content = page[page.index("<main") :]
    assert all(f">{label}</a>" in content for label in ("Hits", "Search", "New entry", "Policy"))
    assert ">Requests</a>" not in content
    assert "<b>Supervisor</b>: S.Mori" in content
    assert "immigration enforcement" in content
