"""Audits as objects: who may plan, draw, judge, answer and close, and that the database holds it."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.test import override_settings
from django.utils import timezone

from platepost.common.files import StateFile
from platepost.department.audits import services
from platepost.department.audits.errors import AuditError
from platepost.department.audits.models import AuditFinding, AuditPlan
from platepost.department.audits.reports import month_report, post_accesses
from platepost.department.database.roles import COMMAND, OWNER
from platepost.department.ledger.entries import open_entry
from platepost.department.people.models import CovertMember, DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.policy import AccessPurpose
from platepost.provisioning.fleet.register import FeedHolder, PostKeyRegister
from tests.department.ledger.conftest import Damaging, damaging, empty_ledger
from tests.department.people.persons import client_of, new_person
from tests.department.planting import planting
from tests.department.roles import as_role

__all__ = ["Damaging", "damaging", "empty_ledger"]


@pytest.fixture(autouse=True)
def no_audits(connect: Callable[[str], psycopg.Connection]) -> None:
    with connect(OWNER) as owner:
        owner.execute("TRUNCATE audits_plan, audits_audit, audits_sample, audits_finding, audits_answer")


@pytest.fixture
def people() -> dict[str, DepartmentPerson]:
    roles = {"a": DepartmentRole.AUDITOR, "s": DepartmentRole.SUPERVISOR}
    return {who: new_person(f"{who}.person", roles.get(who, DepartmentRole.OPERATOR)) for who in "asox"}


@pytest.fixture
def searched(people: dict[str, DepartmentPerson], damaging: Damaging) -> Iterator[None]:
    """Have the operator and the supervisor search, ten days ago."""
    for number in range(6):
        for who in "os":
            purpose = AccessPurpose("patrol") if number else AccessPurpose("stolen vehicle", "26-00417", "at the mall")
            with open_entry(
                person=f"{who}.person", agency="riverside", purpose=purpose, query={"plate": "TEST123"}
            ) as entry:
                entry.fetched(records=[7], plates=["TEST123"])
    # What comes to a console by itself is no search.
    alarm = AccessPurpose("hot list alarm")
    with open_entry(person="o.person", agency="riverside", purpose=alarm, query={"console": [8]}) as entry:
        entry.fetched(records=[8])
    with damaging() as superuser:
        superuser.execute("UPDATE ledger_entry SET at = at - interval '10 days'")
    with as_role(COMMAND):
        yield


def planned(
    kind: str = "audit", auditor: str = "a.person", samples: int = 5, days: int = 7, ago: int = 14
) -> AuditPlan:
    begins = timezone.now() - timedelta(days=ago)
    fields = {"every_days": days, "samples": samples, "days_to_finish": 5, "begins": begins}
    return services.plan_audits(AuditPlan(kind=kind, auditor=auditor, **fields), person="a.person")


def by_hand(*statements: str) -> list[Any]:
    """Do something as the owner, whom neither grants nor row security bind; return what the last statement gives."""
    with as_role(OWNER), connection.cursor() as cursor, planting(cursor):
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def events() -> list[str]:
    query = "SELECT event FROM ledger_entry WHERE at > now() - interval '1 day' ORDER BY number"
    return [event for (event,) in by_hand(query)]


@pytest.mark.parametrize("change", ["2026-03-08", "2026-11-01"])
def test_a_week_of_reviews_ends_at_midnight_when_clocks_change_too(db: None, change: str) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    sunday = datetime.fromisoformat(change).replace(tzinfo=zone)
    plan = AuditPlan(pk=1, every_days=7, days_to_finish=5, begins=sunday.astimezone(UTC))
    with timezone.override(zone):
        assert (plan.next_until, plan.next_due) == (sunday + timedelta(days=7), sunday + timedelta(days=12))
        assert plan.next_until - plan.begins == timedelta(days=7, hours=-1 if change < "2026-06" else 1)


@pytest.mark.usefixtures("searched")
def test_audit_is_of_a_time_that_is_over_and_judged_by_who_may_audit_still(people: dict[str, DepartmentPerson]) -> None:
    sample = services.begin_audit(planned(), person=people["a"]).samples.first()
    assert sample is not None
    with pytest.raises(DatabaseError, match="audits_over"):
        by_hand("UPDATE audits_audit SET drawn_at = until - interval '1 s'")
    by_hand("UPDATE people_person SET disabled_at = now() WHERE login = 'a.person'")
    with pytest.raises(AuditError, match="this is for: auditor"):
        services.judge(sample, person="a.person", outcome="in order", note="")


@pytest.mark.usefixtures("searched")
def test_what_has_nearly_a_forbidden_word_is_drawn_sooner_and_reported_to_nobody(
    people: dict[str, DepartmentPerson], damaging: Damaging
) -> None:
    """Of five samples one; the others are drawn as ever. Here one of 13 searches, whatever the seed."""
    fields = {"person": "o.person", "agency": "riverside", "query": {"plate": "TEST123"}}
    with open_entry(**fields, purpose=AccessPurpose("patrol", reason="suspect slipped on ice")) as near:
        pass
    with damaging() as superuser:
        superuser.execute("UPDATE ledger_entry SET at = at - interval '10 days' WHERE entry = %s", [near.entry])
    audit = services.begin_audit(planned(), person=people["a"])
    assert audit.searches == 13
    assert near.entry in [sample.entry for sample in audit.samples.all()]
    assert audit.samples.count() == 5
    assert not AuditFinding.objects.exists()


@pytest.mark.usefixtures("searched")
def test_audit_from_a_plan_to_findings_that_are_closed(people: dict[str, DepartmentPerson]) -> None:
    audit = services.begin_audit(planned(), person=people["a"])
    samples = list(audit.samples.all())
    assert audit.searches == 12
    # Drawn again from the seed alone, by anyone who has the ledger.
    intents = by_hand(
        "SELECT number, entry FROM ledger_entry AS line JOIN ledger_body AS query USING (entry)"
        " WHERE line.event = 'intent' AND query.field = 'query' AND query.value LIKE '%TEST123%'"
    )
    by_digest = sorted(intents, key=lambda row: hashlib.sha256(f"{audit.seed}:{row[0]}".encode()).digest())
    assert [sample.entry for sample in samples] == [entry for _, entry in by_digest[:5]]
    with pytest.raises(AuditError, match="not every sample"):
        services.finish_audit(audit, person="a.person")
    with pytest.raises(AuditError, match="say what is not in order"):
        services.judge(samples[0], person="a.person", outcome="misuse", note="")
    with pytest.raises(AuditError, match="another person audits"):
        services.judge(samples[0], person="s.person", outcome="in order", note="")
    for number, sample in enumerate(samples):
        outcome = "in order" if number else "needs an answer"
        services.judge(sample, person="a.person", outcome=outcome, note="which case?")
    with pytest.raises(AuditError, match="an answer cannot be changed"):
        services.judge(samples[0], person="a.person", outcome="in order", note="after all")
    with pytest.raises(AuditError, match="another person audits"):
        services.finish_audit(audit, person="s.person")
    services.finish_audit(audit, person="a.person")
    finding = AuditFinding.objects.get()
    assert finding.says == "needs an answer: which case?"
    assert finding.entries == [samples[0].entry]
    other = {"o.person": "s.person", "s.person": "o.person"}[finding.subject]
    services.answer_finding(finding, person=finding.subject, says="26-00417")
    if other == "o.person":
        with pytest.raises(AuditError, match="this is for: supervisor"):
            services.answer_finding(finding, person=other, says="never mind")
    for who in (finding.subject, other):
        with pytest.raises(AuditError, match="this is for: auditor"):
            services.close_finding(finding, person=who, outcome="in order", note="answered")
    by_hand("UPDATE audits_finding SET subject = 'a.person'")
    with pytest.raises(AuditError, match="someone else must close"):
        services.close_finding(finding, person="a.person", outcome="in order", note="it was me")
    by_hand("UPDATE audits_finding SET subject = 'o.person'")
    services.close_finding(finding, person="a.person", outcome="coached", note="answered")
    with pytest.raises(AuditError, match="an answer cannot be changed"):
        services.close_finding(finding, person="a.person", outcome="in order", note="after all")
    with pytest.raises(AuditError, match="this is for: supervisor"):
        services.answer_finding(finding, person="o.person", says="after all")
    assert events() == [
        *("audit_planned", "log_intent", "shown", "audit_begun", *["sample_judged"] * 5, "audit_finished"),
        *("finding_answered", "finding_closed"),
    ]


@pytest.mark.usefixtures("searched")
def test_supervisor_reviews_each_week_and_never_the_own_searches(people: dict[str, DepartmentPerson]) -> None:
    with pytest.raises(AuditError, match="each 7 days"):
        planned("weekly review", "s.person", days=14)
    for kind, auditor in (("audit", "s.person"), ("weekly review", "o.person")):
        with pytest.raises(AuditError, match="this is for"):
            planned(kind, auditor)
    plan = planned("weekly review", "s.person", samples=50)
    with pytest.raises(AuditError, match="another person audits"):
        services.begin_audit(plan, person=people["a"])
    audit = services.begin_audit(plan, person=people["s"])
    assert {sample.subject for sample in audit.samples.all()} == {"o.person"}
    services.begin_audit(plan, person=people["s"])
    with pytest.raises(AuditError, match="ends on"):
        services.begin_audit(plan, person=people["s"])
    sample = audit.samples.first()
    by_hand("UPDATE audits_sample SET subject = 's.person'")
    with pytest.raises(AuditError, match="no one audits their own"):
        services.judge(sample, person="s.person", outcome="in order", note="")
    services.end_plan(plan, person="a.person")
    assert AuditPlan.objects.get().ended_by == "a.person"


@pytest.mark.usefixtures("searched")
def test_what_is_overdue_is_red_on_the_first_page_of_those_who_answer_for_it(
    people: dict[str, DepartmentPerson],
) -> None:
    planned(ago=30)
    weekly = services.begin_audit(planned("weekly review", "s.person", ago=14), person=people["s"])
    finding = services.note_finding(
        "volume",
        "o.person",
        month=timezone.localdate().replace(day=1),
        says="Much.",
        entries=[weekly.samples.first().entry],
    )
    pages = {who: client_of(person) for who, person in people.items()}
    assert "Answer by" in pages["o"].get(f"/findings/{finding.pk}/").content.decode()
    assert "sample 5" in pages["s"].get(f"/audits/{weekly.pk}/").content.decode()
    first = pages["o"].get("/").content.decode()
    assert "Findings about you are open" in first
    assert "Overdue" not in first
    by_hand(
        "UPDATE audits_audit SET due_at = now() - interval '1 hour'",
        "UPDATE audits_finding SET answer_by = now() - interval '1 day', close_by = now() - interval '1 hour'",
    )
    seen = {who: page.get("/").content.decode() for who, page in pages.items()}
    red = {
        who: [
            what
            for what in ("Begin the audit", "Finish the weekly review", "Answer a finding", "Close a finding")
            if what in text
        ]
        for who, text in seen.items()
    }
    assert red == {
        "a": ["Begin the audit", "Close a finding"],
        "s": ["Finish the weekly review", "Answer a finding"],
        "o": ["Answer a finding"],
        "x": [],
    }
    assert pages["o"].post(f"/findings/{finding.pk}/answer/", {"says": "A busy month."}).status_code == 302
    assert "Answer a finding" not in pages["s"].get("/").content.decode()
    assert (
        pages["a"].post(f"/findings/{finding.pk}/close/", {"outcome": "in order", "note": "was told"}).status_code
        == 302
    )
    assert client_of(people["x"]).get(f"/findings/{finding.pk}/").status_code == 404


@pytest.mark.usefixtures("searched")
def test_what_was_shown_of_a_covert_group_its_members_see_who_audit(people: dict[str, DepartmentPerson]) -> None:
    asked = {"person": "o.person", "agency": "riverside", "purpose": AccessPurpose("patrol"), "query": {"plate": "T?"}}
    with open_entry(**asked, groups=["narcotics"]) as entry:
        entry.fetched(records=[8, 9], group="narcotics")
    finding = services.note_finding(
        "volume", "o.person", month=timezone.localdate().replace(day=1), says="Much.", entries=[entry.entry]
    )
    assert finding is not None
    with as_role(OWNER):
        CovertMember.objects.create(person=people["s"], group="narcotics")
    fields = {who: client_of(people[who]).get(f"/findings/{finding.pk}/").content.decode() for who in "as"}
    assert ["of narcotics 0 plates, 2 records" in fields[who] for who in "as"] == [False, True]
    assert "narcotics" not in fields["a"]


@pytest.mark.usefixtures("searched")
def test_side_doors_that_nobody_answers_for_are_red(people: dict[str, DepartmentPerson], tmp_path: Path) -> None:
    register = PostKeyRegister(
        agency="riverside",
        number=1,
        issued=timezone.now(),
        posts=(),
        readers=(FeedHolder(name="analysis", reason="order 31", until=None),),
    )
    StateFile(tmp_path / "register.json", PostKeyRegister, about="it").write(register)
    page = client_of(people["a"])
    with override_settings(STORED_REGISTER=tmp_path / "none.json"):
        first = page.get("/audits/").content.decode()
    assert "No one accessed a post directly in the last 30 days" in first
    assert "needs an agreement, and two people" in first
    by_hand(
        "SELECT custody_make_partitions(current_date - 50, current_date)",
        "INSERT INTO custody_access SELECT number, 'log', at, 'post-1', of, kind, at, who, outcome, object FROM (VALUES"
        " (1, 1, 'command_executed', 'O.Person', 'success', 'still', NULL), (2, 1, 'command_refused', 'o.person',"
        " 'failure', 'still', NULL), (3, 2, 'technician_session', 't.stranger', 'success', NULL, NULL),"
        " (4, 2, 'technician_session', 'o.person', 'success', NULL, 'narcotics'),"
        " (5, 40, 'acceptance', 'o.person', 'success', NULL, NULL), (6, 3, 'recording_ended', 'post-1', 'success',"
        " 'r1', NULL)) AS given (number, days, kind, who, outcome, object, of),"
        " LATERAL (SELECT now() - days * interval '1 day' AS at) AS seen",
    )
    with override_settings(STORED_REGISTER=tmp_path / "register.json"):
        text = page.get("/audits/").content.decode()
    assert "analysis receives every read: the fleet granted it without an end; no agreement" in text
    counts = [
        (each.kind, each.times, each.strangers, each.failed)
        for each in post_accesses(timezone.now() - timedelta(days=30))
    ]
    assert counts == [("recording ended", 1, 0, 0), ("still", 2, 0, 1), ("technician session", 1, 1, 0)]
    assert '<td data-label="By people outside the department" class="bad">1</td>' in text
    by_hand("TRUNCATE custody_access")


@pytest.mark.usefixtures("searched")
def test_report_counts_purposes_and_ages_and_names_nobody() -> None:
    by_hand(
        "TRUNCATE custody_read",
        "SELECT custody_make_partitions(current_date - 20, current_date)",
        "INSERT INTO custody_read SELECT 7, 'no_hit', line.at - interval '3 days', 'post-1', NULL, 'p',"
        " line.at - interval '3 days', 'TEST123', 'TEST123', 'TEST123', 0.9, 0.9, 'main', NULL, line.at,"
        " line.at, '{}', 'approaching', 'left', 'US-CA' FROM ledger_entry AS line WHERE line.number = 1",
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audits_ages('-infinity', 'infinity')")
        assert cursor.fetchone() == (0,), "nothing without an entry"
    month = timezone.localdate(timezone.now() - timedelta(days=10))
    fields = month_report(month, person="a.person", agency="riverside").summary()
    assert [(each["purpose"], each["searches"], each["people"]) for each in fields["searches"]] == [
        ("patrol", 10, 2),
        ("stolen vehicle", 2, 2),
    ], "a hit that came to a console is no search"
    assert {age: reads for age, reads in fields["ages"].items() if reads} == {"up to 7 days": 12}, "no hit is a read"
    assert "person" not in str(fields)
    assert "TEST123" not in str(fields)
    by_hand("TRUNCATE custody_read")
