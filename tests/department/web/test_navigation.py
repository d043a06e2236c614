"""The navigation: each page that an app registers is offered to those who may open it, and to nobody else."""

import re

import pytest
from django.urls import resolve, reverse

from platepost.department.people.access import Open, access_of
from platepost.department.people.rights import GRANTS, DepartmentRole, Permission
from platepost.department.web.navigation import NavigationEntry, registered_entries
from tests.department.people.persons import client_of, new_person

LINKS = {
    DepartmentRole.DISPATCHER: (
        "Custody, Hits, History, Search, Lists, Holds, Evidence, Policy, Quality, Side doors, Training"
    ),
    DepartmentRole.RECORDS_MANAGER: (
        "Custody, Hits, History, Search, Holds, Evidence, Archive, Agencies, Partners, Requests, Breaches, Policy,"
        " Quality, Side doors, Training"
    ),
    DepartmentRole.SUPERVISOR: (
        "Custody, Hits, History, Rejections, Search, Lists, Holds, Evidence, Agencies, Policy, People, Quality,"
        " Side doors, Audits, Reviews, Training"
    ),
    DepartmentRole.AUDITOR: "Custody, Agencies, Policy, People, Ledger, Quality, Side doors, Audits, Training",
    DepartmentRole.ADMINISTRATOR: "Custody, Policy, People, Quality, Side doors, Training",
}
"""By role, the links that it gets, besides one's own log-in and log-out."""


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
    orders = [entry.order for entry in registered_entries()]
    assert len(orders) == len({*orders})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", LINKS)
def test_links_of_a_role(role: DepartmentRole) -> None:
    page = client_of(new_person("a.person", role)).get(reverse("policy")).content.decode()
    navigation = re.search(r"<nav .*?</nav>", page, re.DOTALL)
    assert navigation is not None
    assert re.findall(r">([^<]+)</a>", navigation[0]) == [*LINKS[role].split(", "), "a.person", "Log out"]
