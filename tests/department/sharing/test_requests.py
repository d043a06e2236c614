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
GRANTED: dict[str, Any] = {
    "person": "r.manager",
    "answers": [{"outcome": "granted", "because": "the court orders it"}],
}
DENIED = GRANTED | {"answers": [{"outcome": "denied", "because": "no such order"}]}


@pytest.fixture
def nothing_asked(superuser: psycopg.Connection, people: dict[str, DepartmentPerson]) -> None:
    empty(superuser, "sharing_release", "sharing_request", "archive_hold")


@pytest.fixture
def sender(settings: Any) -> None:
    settings.CONTACT, settings.DEPARTMENT_NAME = "records@riverside.example", "Riverside Police Department"


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
    created = asked(kind, **more)
    decide(created, **GRANTED)
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
    decide(created, **DENIED)
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
        manager.post(f"{where}decide/", {"outcome_1": "granted", "because_1": "the court orders it"})
        assert manager.post(f"{where}decide/", {"outcome_1": "denied", "because_1": "no"}).status_code == 409
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


def log_lines(answer: Any) -> list[str]:
    return answer.content.decode().splitlines()  # type: ignore[no-any-return]


@pytest.mark.usefixtures("sender")
def test_each_part_is_answered_in_the_letter(people: dict[str, DepartmentPerson]) -> None:
    parts = ["How often the cameras were searched", "The records of my own car", "Recordings of sound"]
    fields = {"kind": "public records", "requester": "Ann Reed", "address": "12 Elm Street\nRiverside"}
    answers = {
        "outcome_1": "granted with redactions",
        "because_1": "Small counts are withheld",
        "outcome_2": "denied",
        "because_2": "Civil Code section 1798.90.55 (b)",
        "outcome_3": "no such records",
        "because_3": "The cameras record no sound",
    }
    with as_role(COMMAND):
        manager = fresh_client_of(people["r"])
        received = {"received_on": "2026-12-02"}  # the deadline is a Saturday
        manager.post("/requests/", {**fields, **received, "says": "\n".join(parts)})
        request = SharingRequest.objects.get()
        where = f"/requests/{request.pk}/"
        page = manager.get(where).content.decode()
        assert "The deadline is 10 days after receipt, by Government Code section 7922.535 (a)" in page
        assert "It is a Saturday: answer by Dec 11, 2026" in page
        letter = manager.get(f"{where}letter/received/").content.decode()
        assert "12 Elm Street<br>Riverside" in letter
        assert "We will answer by December 11, 2026." in letter
        unexplained = manager.post(f"{where}decide/", answers | {"because_2": ""})
        assert (unexplained.status_code, "the letter needs it" in unexplained.content.decode()) == (409, True)
        assert manager.get(f"{where}letter/answer/").status_code == 404, "it is not decided"
        assert manager.post(f"{where}decide/", answers).status_code == 302
        letter = manager.get(f"{where}letter/answer/").content.decode()
    request.refresh_from_db()
    assert request.decision == "partly granted"
    for text in (
        "How often the cameras were searched<br><b>Granted, with parts redacted. Small counts are withheld.</b>",
        "The records of my own car<br><b>Denied. Civil Code section 1798.90.55 (b).</b>",
        "Recordings of sound<br><b>We have no such records. The cameras record no sound.</b>",
        "Government Code section 7922.540 requires",
    ):
        assert text in letter


def test_what_was_entered_is_corrected_until_it_is_decided(people: dict[str, DepartmentPerson]) -> None:
    created = asked("public records")
    fields = {"kind": "subpoena", "requester": "Ann Reed", "says": "reads of 1 November", "received_on": "2026-11-03"}
    with as_role(COMMAND):
        manager = fresh_client_of(people["r"])
        where = f"/requests/{created.pk}/"
        assert manager.post(f"{where}correct/", fields).status_code == 409, "a subpoena has a number"
        assert manager.post(f"{where}correct/", fields | {"order_number": "CV-9"}).status_code == 302
        created.refresh_from_db()
        assert (created.kind, created.requester, created.due_on) == ("subpoena", "Ann Reed", date(2026, 11, 18))
        late = fields | {"kind": "public records", "due_on": "2026-11-30"}
        assert manager.post(f"{where}correct/", late).status_code == 409, "the law's clock binds here, too"
        decide(created, **GRANTED)
        assert manager.post(f"{where}correct/", fields | {"order_number": "CV-8"}).status_code == 409
    ((before, after),) = sql(
        "SELECT min(value::text) FILTER (WHERE field = 'before'), min(value::text) FILTER (WHERE field = 'after')"
        " FROM ledger_body JOIN ledger_entry USING (entry) WHERE event = 'request_corrected'"
    )
    assert "R. Stone" in before
    assert "Ann Reed" in after


def test_a_request_is_acknowledged_once(people: dict[str, DepartmentPerson]) -> None:
    created = asked("public records")
    with as_role(COMMAND):
        manager = fresh_client_of(people["r"])
        where = f"/requests/{created.pk}/"
        assert manager.post(f"{where}acknowledged/").status_code == 302
        assert "as r.manager recorded" in manager.get(where).content.decode()
        assert manager.post(f"{where}acknowledged/").status_code == 409


@pytest.mark.usefixtures("sender")
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
    lines = log_lines(answer)
    columns = "Date,Purpose,Kind,Life in danger (exigent),For,Case number given,Records shown,Plates shown,Searches"
    assert lines[0] == columns
    assert lines[1:] == [
        f"{today},withheld,search,no,the department,no,0,0,1",
        f"{today},withheld,search,no,the department,yes,fewer than 5,fewer than 5,1",
        "Total,withheld,,,,,,,2",
        "Total,all purposes,,,,,,,2",
    ], "as the public report of the month withholds them"
    with as_role(COMMAND):
        for each in range(7):
            with open_entry(**looking, purpose=AccessPurpose("patrol")) as entry:
                entry.fetched(records=range(each))
        lines = log_lines(client.post(f"/requests/{created.pk}/log/", days))
    assert {line.split(",")[1] for line in lines[1:-1]} == {"withheld"}, "nor by the others, by subtraction"
    assert sum(int(line.split(",")[-1]) for line in lines[1:-2]) == 9
    with as_role(COMMAND):
        opened = looking | {"query": {"plate": "TEST123", "opened": "TEST123"}}
        for _ in range(5):
            with open_entry(**opened, purpose=AccessPurpose("stolen vehicle", "26-00417")) as entry:
                entry.fetched(records=[1, 2])
        lines = log_lines(client.post(f"/requests/{created.pk}/log/", days))
    assert lines[1:] == [
        f"{today},patrol,search,no,the department,no,0,0,2",
        f"{today},patrol,search,no,the department,no,5,0,2",
        f"{today},patrol,search,no,the department,no,fewer than 5,0,4",
        f"{today},stolen vehicle,look at a result,no,the department,yes,fewer than 5,0,5",
        f"{today},stolen vehicle,search,no,the department,yes,fewer than 5,fewer than 5,1",
        "Total,patrol,,,,,,,8",
        "Total,stolen vehicle,,,,,,,6",
        "Total,all purposes,,,,,,,14",
    ], "lines that are the same are one"
    created.refresh_from_db()
    assert (created.log_since, created.log_totals) == (today, {"patrol": 8, "stolen vehicle": 6})
    answer = client.get(f"/requests/{created.pk}/letter/answer/").content.decode()
    assert "searched the records 14 times: patrol 8; stolen vehicle 6." in answer
    assert sql("SELECT count(*) FROM ledger_entry WHERE event = 'log_intent'") == [(3,)]
    with as_role(COMMAND):
        before = dict.fromkeys(days, today - timedelta(days=1))
        assert log_lines(client.post(f"/requests/{created.pk}/log/", before))[1:] == [
            f"{today - timedelta(days=1)},none,,,,,,,0",
            "Total,all purposes,,,,,,,0",
        ], "a day without a search has a line"
        denied = asked("public records")
        decide(denied, **DENIED)
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
        erased = log_lines(client.post(f"/requests/{created.pk}/log/", days))
    assert erased[1] == f"{today},erased,,,,,,,14", "nothing is said of what is not known any more"
