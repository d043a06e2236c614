"""Requests from outside: a clock, one who decides, and no package but for what was granted."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.utils import timezone

from platepost.department.archive.errors import ArchiveRefusedError
from platepost.department.archive.holds import HoldScope
from platepost.department.archive.models import Hold
from platepost.department.database.roles import COMMAND, OWNER, WEB
from platepost.department.ledger.entries import open_entry
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from platepost.department.people.services import disable
from platepost.department.policy.policy import AccessPurpose
from platepost.department.sharing.agencies import end_agreement
from platepost.department.sharing.errors import SharingError, refusals
from platepost.department.sharing.models import SharingRelease, SharingRequest
from platepost.department.sharing.requests import (
    decide,
    extend,
    hold_for,
    note_release,
    recall,
    receive,
    require_granted,
)
from tests.department.emptying import empty, empty_ledger
from tests.department.people.persons import client_of, fresh_client_of, new_person
from tests.department.roles import as_role
from tests.department.sharing.conftest import agreed_with, sql

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_agency", "nothing_asked")]
DAY = date(2026, 11, 2)
SAID: dict[str, Any] = {
    "person": "r.manager",
    "requester": "R. Stone",
    "says": "reads of 1 November",
    "received_on": DAY,
}
HELD = HoldScope(since=datetime(2026, 11, 1, tzinfo=UTC), until=datetime(2026, 11, 2, tzinfo=UTC))
GRANTED = {"person": "r.manager", "decision": "granted", "because": "the court orders it"}


@pytest.fixture
def nothing_asked(superuser: psycopg.Connection, people: dict[str, DepartmentPerson]) -> None:
    empty(superuser, "sharing_release", "sharing_request", "archive_hold")


def asked(kind: str = "subpoena", **more: Any) -> SharingRequest:
    given = {"subpoena": {"order_number": "CV-9"}, "discovery": {"order_number": "26-CR-1"}}.get(kind, {})
    return receive(**SAID | {"kind": kind} | given | more)


def package() -> Any:
    recipient = SimpleNamespace(name="CN=R. Stone", sha256="ab")
    return SimpleNamespace(package=uuid4(), recipient=recipient, records=(1, 2))


def release(request: SharingRequest) -> SharingRelease:
    created = package()
    note_release(request, created, created.package.hex * 2, person="r.manager")
    return SharingRelease.objects.get(package=created.package)


def granted(kind: str = "subpoena", **more: Any) -> SharingRequest:
    decision = more.pop("decision", "granted")
    created = asked(kind, **more)
    decide(created, **GRANTED | {"decision": decision})
    return created


def second_package() -> None:
    created = granted()
    release(created)
    release(created)


def after_the_agreement() -> None:
    agreement = agreed_with("oakdale-pd")
    created = granted("agency", agency_id="oakdale-pd", purpose="stolen vehicle")
    release(created)
    end_agreement(agreement, person="r.manager")
    release(created)


def outside_the_agreement() -> None:
    agreed_with("oakdale-pd")
    granted("agency", agency_id="oakdale-pd", purpose="patrol")


def twice(change: Callable[[SharingRequest], object]) -> Callable[[], object]:
    def done() -> None:
        created = asked()
        change(created)
        created.refresh_from_db()
        change(created)

    return done


def taken_back() -> None:
    created = release(granted())
    for _ in range(2):
        recall(created, person="r.manager", because="the wrong person")


REFUSED: dict[str, tuple[str, Callable[[], object]]] = {
    "a subpoena without an order": ("sharing_request_order", lambda: asked(order_number="")),
    "no agency": ("sharing_request_agency", lambda: asked("agency")),
    "by an operator": ("sharing_role", lambda: asked(person="o.person")),
    "decided by an operator": ("sharing_role", lambda: decide(asked(), **GRANTED | {"person": "o.person"})),
    "decided twice": ("sharing_final", twice(lambda sharing_request: decide(sharing_request, **GRANTED))),
    "extended twice": ("sharing_final", twice(lambda one: extend(one, person="r.manager", because="many"))),
    "extended by hand": ("sharing_extended", lambda: sql(
        "UPDATE sharing_request SET due_on = due_on + 15, extended_because = 'x' WHERE id = %s", asked().pk)),
    "public records later than the law has it": ("sharing_request_law", lambda: asked(
        "public records", due_on=DAY + timedelta(days=11))),
    "not granted": ("sharing_not_granted", lambda: release(asked())),
    "no request": ("sharing_not_granted", lambda: require_granted(0)),
    "denied": ("sharing_not_granted", lambda: require_granted(granted().pk + 1)),
    "records for the public": ("sharing_to_the_public", lambda: release(granted("public records"))),
    "a second package": ("sharing_one_package", second_package),
    "another purpose": ("sharing_no_agreement", outside_the_agreement),
    "an agreement that ended": ("sharing_no_agreement", after_the_agreement),
    "recalled twice": ("sharing_final", taken_back),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, superuser: psycopg.Connection) -> None:
    rule, way = REFUSED[name]
    for role in (WEB, OWNER):
        empty(superuser, "sharing_release", "sharing_request", "ledger_sharing", "ledger_verification", "ledger_agency")
        with as_role(role), pytest.raises(SharingError) as refused, refusals():
            way()
        assert refused.value.rule == rule


def test_request_that_was_decided_holds_nothing() -> None:
    created = granted()
    for asked_of in (created, SharingRequest.objects.get(pk=created.pk)):
        with pytest.raises(SharingError):
            hold_for(asked_of, HELD, person="r.manager")
    assert not Hold.objects.exists(), "it was refused"


@pytest.mark.parametrize(("kind", "days"), [("public records", 10), ("subpoena", 15), ("discovery", 30)])
def test_clock(kind: str, days: int) -> None:
    created = asked(kind)
    assert created.due_on - DAY == timedelta(days=days)
    extend(created, person="r.manager", because="many records")
    created.refresh_from_db()
    assert created.due_on - DAY == timedelta(days=days + 14)
    assert created.is_late == (created.due_on < timezone.localdate())
    decide(created, **GRANTED | {"decision": "denied"})
    created.refresh_from_db()
    assert not created.is_late


def test_what_is_asked_for_is_held(superuser: psycopg.Connection) -> None:
    with as_role(COMMAND):
        created = asked("public records")
        hold_for(created, HELD, person="r.manager")
        with pytest.raises(ArchiveRefusedError):
            hold_for(created, HoldScope(posts=["post-1"]), person="r.manager")
    created.refresh_from_db()
    hold = Hold.objects.get()
    assert (created.hold_id, hold.kind, hold.case_number) == (hold.pk, "records request", f"request {created.pk}")


def test_from_receipt_to_recall_by_the_pages(people: dict[str, DepartmentPerson]) -> None:
    fields = {name: SAID[name] for name in ("requester", "says", "received_on")}
    with as_role(COMMAND):
        assert client_of(people["o"]).get("/requests/").status_code == 403
        manager = fresh_client_of(people["r"])
        page = manager.post("/requests/", {**fields, "kind": "subpoena"})
        assert (page.status_code, "name their order" in page.content.decode()) == (409, True)
        assert manager.post("/requests/", {**fields, "kind": "subpoena", "order_number": "CV-9"}).status_code == 302
        request = SharingRequest.objects.get()
        where = f"/requests/{request.pk}/"
        assert where in manager.get("/requests/").content.decode()
        manager.post(f"{where}extend/", {"because": "many records"})
        manager.post(f"{where}hold/", {"since": "2026-11-01T00:00", "until": "2026-11-02T00:00"})
        manager.post(f"{where}decide/", {"decision": "granted", "because": "the court orders it"})
        assert manager.post(f"{where}decide/", {"decision": "denied", "because": "no"}).status_code == 409
        request.refresh_from_db()
        sent = release(request)
        page = manager.get(where)
        assert "2 records to CN=R. Stone" in page.content.decode()
        refused = manager.post(f"{where}recall/", {"release": sent.pk, "because": "the wrong person, " * 40})
        assert (refused.status_code, refused.content.decode().count("the wrong person, " * 40)) == (409, 1)
        manager.post(f"{where}recall/", {"release": sent.pk, "because": "the wrong person"})
        assert "Recalled by r.manager" in manager.get(where).content.decode()
    events = [
        event for (event,) in sql("SELECT event FROM ledger_entry WHERE event ~ '^(request|release)' ORDER BY number")
    ]
    assert events[-6:] == [
        *("request_received", "request_extended", "request_held", "request_decided", "released", "release_recalled"),
    ]


def test_the_next_records_manager_goes_on(people: dict[str, DepartmentPerson]) -> None:
    created = asked("public records")
    second = new_person("q.manager", DepartmentRole.RECORDS_MANAGER)
    disable(people["r"])
    with as_role(COMMAND):
        extend(created, person="q.manager", because="the first one left")
        with pytest.raises(SharingError):
            decide(created, **GRANTED)
        decide(created, **GRANTED | {"person": second.login})


def test_public_records_are_answered_from_the_redacted_log(
    people: dict[str, DepartmentPerson], superuser: psycopg.Connection
) -> None:
    empty_ledger(superuser)
    created, client, today = asked("public records"), fresh_client_of(people["r"]), timezone.localdate()
    days = {"since": today, "until": today}
    looking: dict[str, Any] = {"person": "o.person", "agency": "riverside", "query": {"plate": "TEST123"}}
    with as_role(COMMAND):
        with open_entry(**looking, purpose=AccessPurpose("stolen vehicle", "26-00417")) as entry:
            entry.fetched(records=[1, 2], plates=["TEST123"])
        with open_entry(**looking, purpose=AccessPurpose("patrol"), groups=["narcotics"]) as entry:
            entry.fetched(records=[3], group="narcotics")
        early = client.post(f"/requests/{created.pk}/log/", days)
        assert (early.status_code, "that was granted" in early.content.decode()) == (409, True)
        decide(created, **GRANTED)
        assert "Download the log" in client.get(f"/requests/{created.pk}/").content.decode()
        answer = client.post(f"/requests/{created.pk}/log/", days)
        turned = client.post(f"/requests/{created.pk}/log/", days | {"until": today - timedelta(days=1)})
    assert (turned.status_code, "before the first one" in turned.content.decode()) == (409, True)
    lines = answer.content.decode().splitlines()
    assert lines[0] == "day,purpose,exigent,for,case given,records shown,plates shown"
    assert lines[1:] == [
        f"{today},withheld,False,the department,True,fewer than 5,fewer than 5",
        f"{today},withheld,False,the department,False,0,0",
    ], "as the public report of the month withholds them"
    with as_role(COMMAND):
        for each in range(7):
            with open_entry(**looking, purpose=AccessPurpose("patrol")) as entry:
                entry.fetched(records=range(each))
        lines = client.post(f"/requests/{created.pk}/log/", days).content.decode().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["withheld"] * 9, "nor by the others, by subtraction"
    with as_role(COMMAND):
        for _ in range(5):
            with open_entry(**looking, purpose=AccessPurpose("stolen vehicle", "26-00417")) as entry:
                entry.fetched(records=[1, 2])
        lines = client.post(f"/requests/{created.pk}/log/", days).content.decode().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["stolen vehicle", *["patrol"] * 8, *["stolen vehicle"] * 5]
    assert lines[9].endswith(",5,0"), "six, rounded"
    assert sql("SELECT count(*) FROM ledger_entry WHERE event = 'log_intent'") == [(3,)]
    with as_role(COMMAND):
        before = dict.fromkeys(days, today - timedelta(days=1))
        assert client.post(f"/requests/{created.pk}/log/", before).content.decode().splitlines() == lines[:1]
        denied = asked("public records")
        decide(denied, **GRANTED | {"decision": "denied"})
        answer = client.post(f"/requests/{denied.pk}/log/", days)
        assert (answer.status_code, "that was granted" in answer.content.decode()) == (409, True)
        with pytest.raises(SharingError) as refused:
            require_granted(denied.pk)
        assert refused.value.rule == "sharing_not_granted"
        assert require_granted(created.pk) == created
    with superuser.transaction():
        superuser.execute("ALTER TABLE ledger_body DISABLE TRIGGER ledger_body_ends_with_its_class")
        superuser.execute("DELETE FROM ledger_body")
        superuser.execute("ALTER TABLE ledger_body ENABLE ALWAYS TRIGGER ledger_body_ends_with_its_class")
    with as_role(COMMAND):
        erased = client.post(f"/requests/{created.pk}/log/", days).content.decode().splitlines()
    assert erased[1:] == [f"{today},erased,,,,,"] * 14, "nothing is said of what is not known any more"
