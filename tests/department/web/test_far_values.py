"""A number or a date that is no sensible one is refused by its form in words: no one sees a page of an error for it."""

from collections.abc import Mapping

import psycopg
import pytest
from django.test import Client

from platepost.department.database.roles import WEB
from platepost.department.people.rights import DepartmentRole
from platepost.department.sharing.requests import decide
from tests.department.archive.conftest import superuser
from tests.department.emptying import empty
from tests.department.people.persons import fresh_client_of, new_person
from tests.department.roles import as_role
from tests.department.sharing.conftest import no_agency
from tests.department.sharing.test_requests import GRANTED, asked

__all__ = ["no_agency", "superuser"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_agency")]
LAST, FIRST = "9999-12-31", "0001-01-01"
TIMES: dict[str, object] = {"since": f"{FIRST}T00:00", "until": f"{LAST}T23:59"}
HUGE = "9" * 30
LONG = "9" * 5000
SCENES: dict[str, object] = {"scene-TOTAL_FORMS": 1, "scene-INITIAL_FORMS": 0} | {
    f"scene-0-{name}": TIMES[name] for name in TIMES
}
WHY: dict[str, object] = {"purpose": "stolen vehicle", "case": "26-1", "plate": "7TST123"}
HOLD: dict[str, object] = {"kind": "evidence", "case": "26-1", "reason": "homicide", "review_on": "2027-01-01"}
REQUEST: dict[str, object] = {"kind": "subpoena", "requester": "R. Stone", "says": "reads", "order_number": "CV-9"}
INCIDENT: dict[str, object] = {"kind": "account", "subject": "r.manager", "says": "taken"}
PLAN: dict[str, object] = {
    "kind": "audit",
    "auditor": "a.person",
    "every_days": 30,
    "samples": 20,
    "days_to_finish": 14,
}
ENTRY: dict[str, object] = {
    "plate": "7TST123",
    "category": "stolen_vehicle",
    "case_number": "26-1",
    "reason": "x",
    "ends": "24",
}
SENT: tuple[tuple[str, str, Mapping[str, object]], ...] = (
    ("o", "/search/", WHY | TIMES),
    ("o", "/search/scenes/", WHY | SCENES),
    ("o", "/search/partners/", WHY | TIMES),
    ("o", "/lists/add/", ENTRY | {"characters": HUGE, "priority": HUGE, "purpose": "stolen vehicle"}),
    ("o", f"/lists/entry/{HUGE}/end/", {"because": "x"}),
    ("s", f"/lists/held/import/{HUGE}/", {"because": "x"}),
    ("s", f"/lists/held/list/{HUGE}/", {"because": "x"}),
    ("s", "/reviews/", {"record": HUGE, "revision": HUGE, "found": "x"}),
    ("r", "/holds/", HOLD | {"records": HUGE}),
    ("r", "/holds/", HOLD | {"records": LONG}),
    ("r", "/holds/", HOLD | TIMES),
    ("r", "/holds/", HOLD | {"review_on": LAST, "records": "1"}),
    ("r", f"/holds/{HUGE}/lift/", {"because": "x"}),
    ("r", f"/holds/{HUGE}/review/", {"review_on": "2027-01-01"}),
    ("r", "/archive/term/", {"retention": "hit", "days": HUGE}),
    ("r", "/archive/term/", {"retention": "hit", "days": "2000000000"}),
    ("r", "/archive/plan/", {"resolution_date": LAST, "consent_date": FIRST}),
    ("r", "/requests/", REQUEST | {"received_on": LAST}),
    ("r", "/requests/", REQUEST | {"received_on": "2026-11-02", "due_on": LAST}),
    ("r", "/requests/{request}/hold/", TIMES),
    ("r", "/requests/{request}/recall/", {"release": HUGE, "because": "x"}),
    ("r", "/requests/{granted}/log/", {"since": FIRST, "until": LAST}),
    ("r", "/incidents/", INCIDENT | TIMES | {"known_on": LAST}),
    ("r", "/agencies/verify/", {"agency": "oakdale-pd", "says": "x", "until": LAST}),
    ("r", "/agencies/end/", {"agreement": HUGE}),
    ("r", "/policy/publish/", {"hearing": LAST}),
    ("a", "/audits/plan/", PLAN | {"begins": LAST}),
    ("a", "/audits/plan/", PLAN | {"begins": FIRST, "every_days": HUGE}),
    ("a", f"/audits/plan/{HUGE}/end/", {}),
    ("a", "/audits/report/", {"month": "9999-12"}),
    ("a", "/audits/report/", {"month": "0001-01"}),
    ("a", "/ledger/", {"purpose": "audit", "since": FIRST, "until": LAST}),
    ("a", "/ledger/", {"purpose": "audit", "before": HUGE}),
    ("m", "/people/person/o.person/certificate/", {"certification": "dmv", "expires": LAST}),
)
"""Who sends what, to which page."""
ROLES = {
    "o": DepartmentRole.OPERATOR,
    "s": DepartmentRole.SUPERVISOR,
    "r": DepartmentRole.RECORDS_MANAGER,
    "a": DepartmentRole.AUDITOR,
    "m": DepartmentRole.ADMINISTRATOR,
}


def test_far_values_are_refused_in_words(superuser: psycopg.Connection) -> None:
    empty(superuser, "sharing_release", "sharing_request", "archive_hold", "sharing_incident")
    clients: dict[str, Client] = {}
    for who, role in ROLES.items():
        clients[who] = fresh_client_of(new_person({"r": "r.manager"}.get(who, f"{who}.person"), role))
        clients[who].raise_request_exception = False
    waiting, decided = asked(), asked("public records")
    decide(decided, **GRANTED)
    numbers = {"request": waiting.pk, "granted": decided.pk}
    with as_role(WEB):
        for who, address, fields in SENT:
            answer = clients[who].post(address.format(**numbers), fields)
            assert answer.status_code in {404, 409, 422}, (address, fields)
        for page in ("/holds/", "/requests/", "/incidents/", "/agencies/"):
            assert clients["r"].get(page).status_code == 200
