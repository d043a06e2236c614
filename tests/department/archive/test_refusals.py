"""Whatever the law, a hold or a second person's absence forbids is refused by the form, the service, the ORM and SQL.

The ORM and SQL act as the owner of the tables here, whom no grant binds: what refuses is a constraint or a trigger.
What a form or a service refuses is in the ledger.
"""

import html
import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client
from joserfc.jwk import ECKey

from platepost.department.archive.errors import ArchiveRefusedError, refusals
from platepost.department.archive.holds import HoldScope, lift_hold, place_hold
from platepost.department.archive.models import BackupRecord, Hold, PurgePlan, RetentionTerm
from platepost.department.archive.purge import Certifier, PurgeAuthority, approve_purge, carry_out, plan_purge
from platepost.department.archive.retention import due, set_term
from platepost.department.database.queries import rows
from platepost.department.database.roles import OWNER, PURGER, WEB
from platepost.department.folder import DepartmentSettings
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.writing import append
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.law import LAWS, NO_CEILING
from tests.department.emptying import empty
from tests.department.law import ANY, establish
from tests.department.people.persons import fresh_client_of, new_person
from tests.department.roles import as_role

pytestmark = pytest.mark.django_db(transaction=True)
Pages = Callable[..., HttpResponse]
"""Sends a form as someone: log-in, address, fields."""
SETTINGS = DepartmentSettings(agency="demo", custodian="records", brokers=("localhost:8883",))
OLD = datetime(2024, 1, 31, 18, tzinfo=UTC)
CONSENT = PurgeAuthority("2026-117", date(2026, 9, 8), "J. Ortiz", date(2026, 9, 15))
SCOPE = HoldScope(since=OLD, until=datetime(2024, 2, 2, tzinfo=UTC))
RECORD = (
    "INSERT INTO custody_record (id, class, retained_from, kept_at, topic, post, digest, type, verdict, reason, names,"
    " codec, body) VALUES (%s, 'no_hit', %s, %s, 't', 'post-1', sha256('a'), '', 'unreadable', '', false, 0, 'a')"
)
PART = "INSERT INTO archive_part (plan, class, begins, ends) VALUES (%s, %s, %s, %s)"
RUN = "SELECT archive_purge_part(%s, 'no_hit', '2024-01-29Z')"


def sql(query: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, values)


def plan(*, approved: bool = False) -> UUID:
    created = plan_purge("a.rivera", CONSENT).plan
    if approved:
        approve_purge("b.lee", created)
    return created


def hold(scope: HoldScope = SCOPE, person: str = "a") -> int:
    day = date(2027, 6, 1)
    created = place_hold(person=person, kind="litigation", case="CV-9", reason="claim", review_on=day, scope=scope)
    return int(created.pk)


def held_since(*, approved: bool = False) -> UUID:
    created = plan(approved=approved)
    hold()
    return created


def more_since() -> UUID:
    created = plan(approved=True)
    sql(RECORD, 2, OLD, OLD)
    return created


def lifted_since() -> UUID:
    number = hold()
    created = plan(approved=True)
    lift_hold(person="b", hold=number, because="closed")
    return created


def lifted() -> int:
    number = hold()
    lift_hold(person="b", hold=number, because="closed")
    return number


def longer_since() -> UUID:
    created = plan(approved=True)
    set_term("a", "no_hit", 20_000)
    return created


def old_plan() -> UUID:
    created = plan()
    with as_role(OWNER):
        sql("ALTER TABLE archive_plan DISABLE TRIGGER archive_plan_guarded")
        sql("UPDATE archive_plan SET planned_at = now() - interval '31 days'")
        sql("ALTER TABLE archive_plan ENABLE TRIGGER archive_plan_guarded")
    return created


def without_parts() -> UUID:
    return PurgePlan.objects.create(law="other", planned_by="a.rivera").plan


def certified_and_finished(uuid: UUID) -> None:
    sql("INSERT INTO custody_certificate VALUES (%s, NULL, 'x')", uuid)
    sql("SELECT archive_finish(%s)", uuid)


def removed_backup(days: int) -> None:
    sql("INSERT INTO archive_backup VALUES ('b', 'x', now() - %s * interval '1 day')", days)


def approve_by_form(login: str) -> Callable[[Pages, UUID], HttpResponse]:
    return lambda pages, created: pages(login, f"/archive/plan/{created}/approve/")


def place_by_form(pages: Pages, **scope: str) -> HttpResponse:
    why = {"kind": "evidence", "case": "26-1", "reason": "b", "review_on": "2027-01-01"}
    return pages("d.fox", "/holds/", **why, **scope)


PROPOSED = {"resolution": "2026-117", "resolution_date": "2026-09-08", "attorney": "J. Ortiz"}


def approve_by_orm(number: UUID, by: object) -> None:
    PurgePlan.objects.filter(plan=number).update(approved_by=by, approved_at=Now())


APPROVE = "UPDATE archive_plan SET approved_by = %s, approved_at = now() WHERE plan = %s"


class Refused(NamedTuple):
    """What is tried, in up to four ways, after something was made ready."""

    rule: str
    law: str = "california"
    ready: Callable[[], Any] = lambda: None
    form: Callable[[Pages, Any], HttpResponse] | None = None
    service: Callable[[Any], object] | None = None
    orm: Callable[[Any], object] | None = None
    sql: Callable[[Any], object] | None = None
    by: str = WEB


def run(number: UUID) -> None:
    carry_out(number, Certifier(SETTINGS, ECKey.generate_key("P-256"), Path("/nowhere")))


def by_hand(number: UUID) -> None:
    sql(RUN, number)


REFUSED = {
    "below the floor": Refused(
        "archive_floor",
        form=lambda pages, _: pages("a.rivera", "/archive/term/", retention="no_hit", days="365"),
        service=lambda _: set_term("a", "no_hit", 365),
        orm=lambda _: RetentionTerm.objects.filter(retention="no_hit").update(kept_days=365),
        sql=lambda _: sql("UPDATE archive_term SET kept_days = 365 WHERE class = 'no_hit'"),
    ),
    "above the ceiling": Refused(
        "archive_ceiling",
        law="california_highway_patrol",
        form=lambda pages, _: pages("a.rivera", "/archive/term/", retention="hit", days="60"),
        service=lambda _: set_term("a", "hit", 60),
        orm=lambda _: RetentionTerm.objects.filter(retention="hit").update(kept_days=60),
        sql=lambda _: sql("UPDATE archive_term SET kept_days = 60 WHERE class = 'hit'"),
    ),
    "floor and ceiling of another law": Refused(
        "archive_lawful",
        sql=lambda _: sql("UPDATE archive_term SET floor_days = 0 WHERE class = 'no_hit'"),
    ),
    "term not over": Refused(
        "archive_floor",
        ready=plan,
        sql=lambda uuid: sql(PART, uuid, "no_hit", datetime(2030, 1, 7, tzinfo=UTC), datetime(2030, 1, 14, tzinfo=UTC)),
    ),
    "no consent": Refused(
        "archive_consent",
        form=lambda pages, _: pages("a.rivera", "/archive/plan/", **PROPOSED),
        service=lambda _: plan_purge("a.rivera", PurgeAuthority("2026-117", date(2026, 9, 8), "J. Ortiz", None)),
        orm=lambda _: PurgePlan.objects.create(law="california", planned_by="a.rivera"),
        sql=lambda _: sql("INSERT INTO archive_plan (law, planned_by) VALUES ('california', 'a.rivera')"),
    ),
    "another law's plan": Refused(
        "archive_floor",
        sql=lambda _: sql(
            "WITH created AS (INSERT INTO archive_plan (law, planned_by) VALUES ('other', 'a.rivera') RETURNING plan)"
            " INSERT INTO archive_part (plan, class, begins, ends)"
            " SELECT plan, 'no_hit', '2024-01-29Z', '2024-02-05Z' FROM created"
        ),
    ),
    "one person alone": Refused(
        "archive_two_persons",
        ready=plan,
        form=approve_by_form("a.rivera"),
        service=lambda uuid: approve_purge("A.Rivera", uuid),
        orm=lambda uuid: approve_by_orm(uuid, F("planned_by")),
        sql=lambda uuid: sql(APPROVE, "a.rivera", uuid),
    ),
    "planned by an operator": Refused(
        "archive_manager",
        form=lambda pages, _: pages("d.fox", "/archive/plan/", **PROPOSED, consent_date="2026-09-15"),
        service=lambda _: plan_purge("d.fox", CONSENT),
        orm=lambda _: PurgePlan.objects.create(law="other", planned_by="d.fox"),
        sql=lambda _: sql("INSERT INTO archive_plan (law, planned_by) VALUES ('other', 'nobody')"),
    ),
    "approved by an operator": Refused(
        "archive_manager",
        ready=plan,
        form=approve_by_form("d.fox"),
        service=lambda uuid: approve_purge("d.fox", uuid),
        orm=lambda uuid: approve_by_orm(uuid, "d.fox"),
        sql=lambda uuid: sql(APPROVE, "nobody", uuid),
    ),
    "not approved": Refused(
        "archive_approved",
        ready=plan,
        by=PURGER,
        service=run,
        orm=lambda uuid: PurgePlan.objects.filter(plan=uuid).update(begun_at=Now()),
        sql=by_hand,
    ),
    "bodies of no plan": Refused(
        "archive_approved",
        ready=plan,
        sql=lambda uuid: sql("SELECT archive_sweep(%s, 'ledger_access', 0, 9)", uuid),
    ),
    "bodies of this year": Refused(
        "archive_floor",
        ready=plan,
        form=lambda pages, _: pages("a.rivera", "/archive/term/", retention="ledger_access", days="365"),
        sql=lambda uuid: sql(PART, uuid, "ledger_access", "-infinity", datetime.now(UTC)),
    ),
    "the end of a plan that nobody certified": Refused(
        "archive_unfinished",
        ready=without_parts,
        sql=lambda uuid: sql("SELECT archive_finish(%s)", uuid),
    ),
    "the end of a plan before its parts went": Refused(
        "archive_unfinished",
        ready=lambda: plan(approved=True),
        sql=certified_and_finished,
    ),
    "a hold in between": Refused(
        "archive_stale",
        ready=held_since,
        form=approve_by_form("b.lee"),
        service=lambda uuid: approve_purge("b.lee", uuid),
        orm=lambda uuid: approve_by_orm(uuid, "b.lee"),
        sql=lambda uuid: sql(APPROVE, "b.lee", uuid),
    ),
    "a plan of last month": Refused(
        "archive_stale",
        ready=old_plan,
        form=approve_by_form("b.lee"),
        service=lambda uuid: approve_purge("b.lee", uuid),
        orm=lambda uuid: approve_by_orm(uuid, "b.lee"),
        sql=lambda uuid: sql(APPROVE, "b.lee", uuid),
    ),
    "a hold after the approval": Refused(
        "archive_stale",
        ready=lambda: held_since(approved=True),
        by=PURGER,
        service=run,
        sql=by_hand,
    ),
    "a hold lifted": Refused("archive_stale", ready=lifted_since, by=PURGER, service=run, sql=by_hand),
    "other records": Refused("archive_stale", ready=more_since, by=PURGER, service=run, sql=by_hand),
    "a longer term": Refused("archive_stale", ready=longer_since, by=PURGER, service=run, sql=by_hand),
    "doubtful without review": Refused(
        "archive_review",
        ready=plan,
        sql=lambda uuid: sql(PART, uuid, "doubtful", "-infinity", datetime(2024, 2, 5, tzinfo=UTC)),
    ),
    "no such part": Refused(
        "archive_no_part",
        ready=plan,
        sql=lambda uuid: sql(PART, uuid, "no_hit", datetime(2024, 1, 30, tzinfo=UTC), datetime(2024, 2, 6, tzinfo=UTC)),
    ),
    "more for an approved plan": Refused(
        "archive_plan_final",
        ready=lambda: plan(approved=True),
        form=approve_by_form("c.kim"),
        service=lambda uuid: approve_purge("c.kim", uuid),
        orm=lambda uuid: PurgePlan.objects.filter(plan=uuid).update(approved_by="c.kim"),
        sql=lambda uuid: sql(PART, uuid, "hit", datetime(2024, 1, 29, tzinfo=UTC), datetime(2024, 2, 5, tzinfo=UTC)),
    ),
    "another resolution": Refused(
        "archive_plan_final",
        ready=plan,
        orm=lambda uuid: PurgePlan.objects.filter(plan=uuid).update(resolution="x"),
        sql=lambda uuid: sql("DELETE FROM archive_plan WHERE plan = %s", uuid),
    ),
    "a record that is gone": Refused(
        "archive_hold_gone",
        form=lambda pages, _: place_by_form(pages, records="1, 999"),
        service=lambda _: hold(HoldScope(records=[1, 999])),
        orm=lambda _: Hold.objects.create(kind="evidence", case_number="1", person="a", reason="b",
                                          review_on=date(2027, 1, 1), records=[999]),
        sql=lambda _: sql("INSERT INTO archive_hold (kind, case_number, person, reason, review_on, records)"
                          " VALUES ('evidence', '1', 'a', 'b', '2027-01-01', '{999}')"),
    ),
    "a record of a covert group that they are not in": Refused(
        "archive_hold_gone",
        ready=lambda: sql("UPDATE custody_record SET covert_group = 'vice'"),
        form=lambda pages, _: place_by_form(pages, records="1"),
        service=lambda _: hold(HoldScope(records=[1])),
        orm=lambda _: Hold.objects.create(kind="evidence", case_number="1", person="a", reason="b",
                                          review_on=date(2027, 1, 1), records=[1], groups=["narcotics"]),
    ),
    "a hold of nothing": Refused(
        "archive_hold_something",
        form=lambda pages, _: place_by_form(pages, posts="post-1"),
        service=lambda _: hold(HoldScope(posts=["post-1"])),
    ),
    "a hold for no case": Refused(
        "archive_hold_case_number_check",
        service=lambda _: place_hold(person="a", kind="evidence", case="", reason="b", review_on=date(2027, 1, 1),
                                     scope=SCOPE),
    ),
    "a hold lifted for no reason": Refused(
        "archive_hold_lifted", ready=hold, service=lambda uuid: lift_hold(person="b", hold=uuid, because="")
    ),
    "a hold lifted by whoever placed it": Refused(
        "archive_hold_another",
        ready=lambda: hold(person="a.rivera"),
        form=lambda pages, uuid: pages("a.rivera", f"/holds/{uuid}/lift/", because="closed"),
        service=lambda uuid: lift_hold(person="A.Rivera", hold=uuid, because="closed"),
        orm=lambda uuid: Hold.objects.filter(pk=uuid).update(
            lifted_by="a.rivera", lifted_at=Now(), lifted_because="closed"
        ),
        sql=lambda uuid: sql(
            "UPDATE archive_hold SET lifted_by = person, lifted_at = now(), lifted_because = 'x' WHERE id = %s", uuid
        ),
    ),
    "a hold of an unknown post": Refused(
        "archive_hold_post",
        form=lambda pages, _: place_by_form(
            pages, posts="post-1, psot-1", since="2024-01-31T00:00", until="2024-02-02T00:00"
        ),
        service=lambda _: hold(HoldScope(posts=["psot-1"], since=SCOPE.since, until=SCOPE.until)),
    ),
    "a backup of last week": Refused(
        "archive_floor",
        ready=lambda: removed_backup(29),
        orm=lambda _: BackupRecord.objects.update(removed_at=Now()),
        sql=lambda _: sql("UPDATE archive_backup SET removed_at = now()"),
    ),
    "another hold": Refused(
        "archive_hold_final",
        ready=hold,
        form=lambda pages, _: pages("a.rivera", "/holds/999/lift/", because="x"),
        service=lambda _: lift_hold(person="a", hold=999, because="x"),
        orm=lambda uuid: Hold.objects.filter(pk=uuid).update(until=datetime(2024, 2, 1, tzinfo=UTC)),
        sql=lambda uuid: sql("DELETE FROM archive_hold WHERE id = %s", uuid),
    ),
    "a lifted hold": Refused(
        "archive_hold_final",
        ready=lifted,
        service=lambda uuid: lift_hold(person="b", hold=uuid, because="for another reason"),
        orm=lambda uuid: Hold.objects.filter(pk=uuid).update(lifted_because="for another reason"),
        sql=lambda uuid: sql("UPDATE archive_hold SET review_on = '2030-01-01' WHERE id = %s", uuid),
    ),
}  # fmt: skip


BY_OWNER = {"other records", "a backup of last week", "a record of a covert group that they are not in"}
"""Of these the owner makes ready what is tried."""


@pytest.fixture
def pages(empty: None) -> Pages:
    """Make people, of whom each is logged in with a second factor of this minute."""
    clients: dict[str, Client] = {}
    for login in ("a.rivera", "b.lee", "c.kim", "d.fox"):
        role = DepartmentRole.OPERATOR if login == "d.fox" else DepartmentRole.RECORDS_MANAGER
        clients[login] = fresh_client_of(new_person(login, role))
    return lambda login, address, **fields: clients[login].post(address, fields)


def last_entry(superuser: psycopg.Connection) -> dict[str, Any]:
    """Return the fields of the ledger's last entry, with its event."""
    matches = superuser.execute(
        "SELECT event, field, value FROM ledger_entry JOIN ledger_body USING (entry)"
        " WHERE number = (SELECT max(number) FROM ledger_entry)"
    ).fetchall()
    return {"event": matches[0][0]} | {field: json.loads(value) for _, field, value in matches}


def test_review_of_a_hold_is_entered_as_one(pages: Pages, superuser: psycopg.Connection) -> None:
    sql("SELECT custody_make_partitions('2024-01-31', '2024-01-31')")
    with as_role(WEB):
        number = hold()
        assert last_entry(superuser)["event"] == "hold_placed"
        pages("b.lee", f"/holds/{number}/review/", review_on="2027-09-01")
    assert last_entry(superuser) == {
        "event": "hold_reviewed", "person": "b.lee", "hold": number, "case": "CV-9", "reason": "claim",
        "until": "2027-09-01",
    }  # fmt: skip


def test_refused(pages: Pages, superuser: psycopg.Connection) -> None:
    for name, case in REFUSED.items():
        emptied = ("archive_part", "archive_plan", "archive_outcome", "archive_hold", "archive_term", "archive_backup")
        empty(superuser, *emptied, "custody_record")
        establish(ANY if case.law == ANY.name else LAWS[case.law])
        sql("SELECT custody_make_partitions('2024-01-31', '2024-01-31')")
        sql(RECORD, 1, OLD, OLD)
        with nullcontext() if name in BY_OWNER else as_role(WEB):
            created = case.ready()
        if case.form is not None:
            with as_role(WEB):
                answer = case.form(pages, created)
            entered, text = last_entry(superuser), html.unescape(answer.content.decode())
            if entered["event"] == "access_refused":  # who may not do it at all sees no form
                assert (answer.status_code, "This is for: records manager" in text) == (403, True), name
            else:
                assert (entered["event"], answer.status_code) == ("archive_refused", 409), (name, entered, text)
                assert f"Refused: {entered['why']}." in text, name
        tried = 0
        for way in (case.service, case.orm, case.sql):
            if way is None:
                continue
            tried += 1
            by_service = way is case.service
            with (
                pytest.raises(ArchiveRefusedError) as refused,
                as_role(case.by) if by_service else transaction.atomic(),
                refusals(),
            ):
                way(created)
            assert refused.value.rule == case.rule, (name, way)
            if by_service:
                fields = last_entry(superuser)
                assert (fields["event"], fields["why"]) == ("archive_refused", str(refused.value)), name
                assert "constraint" not in str(refused.value), name
        assert tried, name


@pytest.mark.parametrize(
    "gone",
    [
        "UPDATE people_person SET disabled_at = now() WHERE login = 'c.kim'",
        "UPDATE people_role SET ended_at = now() FROM people_person AS p WHERE p.id = person_id AND login = 'c.kim'",
    ],
    ids=["disabled", "role ended"],
)
@pytest.mark.usefixtures("pages")
def test_former_manager_plans_and_approves_nothing(gone: str) -> None:
    establish(ANY)
    with as_role(OWNER):
        sql(gone)
    created = PurgePlan.objects.create(law="other", planned_by="a.rivera").plan
    for way in (
        lambda: approve_by_orm(created, "c.kim"),
        lambda: PurgePlan.objects.create(law="other", planned_by="c.kim"),
    ):
        with pytest.raises(ArchiveRefusedError) as refused, transaction.atomic(), refusals():
            way()
        assert refused.value.rule == "archive_manager"


@pytest.mark.usefixtures("pages")
def test_bodies_may_go_up_to_the_time_of_the_plan_and_no_later() -> None:
    establish(ANY)
    created = PurgePlan.objects.create(law="other", planned_by="a.rivera").plan
    sql(PART, created, "ledger_access", "-infinity", datetime(2024, 1, 1, tzinfo=UTC))
    approve_by_orm(created, "b.lee")
    PurgePlan.objects.filter(plan=created).update(begun_at=Now())
    with as_role(PURGER):
        with pytest.raises(LedgerError, match="no second person has approved it"):
            append(LedgerEvent.ERASED, {"class": "access", "until": "2024-01-01T00:00:01Z"})
        append(LedgerEvent.ERASED, {"class": "access", "until": "2024-01-01T00:00:00Z"})


def test_partition_is_due_once_the_youngest_record_that_it_can_have_is() -> None:
    establish(LAWS["california"])
    floor, today = timedelta(days=366), datetime.now(UTC)
    with transaction.atomic():
        for day in (today - floor, today - floor - timedelta(days=14)):
            sql("SELECT custody_make_partitions(%s::date, %s::date)", day, day)
        ends = [datetime.fromisoformat(part.ends) for part in due() if part.retention == "no_hit"]
        transaction.set_rollback(True)
    assert max(ends) + floor <= today < max(ends) + floor + timedelta(days=14)


def test_reason_that_is_refused_stands_in_its_form_again(pages: Pages) -> None:
    establish(LAWS["california"])
    with as_role(WEB):
        created, other = hold(), hold()
        payload = pages("a.rivera", f"/holds/{created}/lift/", because="closed, " * 80).content.decode()
    assert payload.count("closed, " * 80) == 1
    assert (
        payload.index(f"Keep hold {created}") < payload.index("closed, closed") < payload.index(f"Lift hold {created}")
    )
    assert f"Lift hold {other}" in payload


def test_classes_follow_the_law(empty: None) -> None:
    matches = {}
    for name, law in LAWS.items():
        establish(law)
        matches[name] = {
            class_: each
            for class_, *each in rows("SELECT class, floor_days, ceiling_days, kept_days FROM archive_term")
        }
    for name, law in LAWS.items():
        assert matches[name]["no_hit"][:2] == [law.keep_at_least_days, law.keep_at_most_days], name
        assert matches[name]["ledger_access"][:2] == [366, NO_CEILING], name
        for least, most, stored in matches[name].values():
            assert least <= stored < most, name
    assert matches["california"]["backup"][:2] == [30, 366]
    assert matches["california_highway_patrol"]["saved_work"][:2] == [30, 60]
    assert matches["virginia"]["no_hit"][2] == 20, "a partition goes whole, a day later"


def test_law_of_the_same_name_may_say_something_else(empty: None) -> None:
    establish(ANY)
    assert establish(ANY.model_copy(update={"keep_at_least_days": 30, "keep_at_most_days": 90}))
    assert rows("SELECT floor_days, ceiling_days, kept_days FROM archive_term WHERE class = 'hit'") == [(30, 90, 30)]
