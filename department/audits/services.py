"""What people do in audits. Each is one transaction and one entry in the ledger; the database refuses what no one may.

A sample is drawn, and its searches are shown, under entries of the ledger: reading the log is logged.
"""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from platepost.department.audits.errors import AuditError, refusals
from platepost.department.audits.log import auditing
from platepost.department.audits.models import AuditFinding, AuditPlan, AuditSample, DrawnAudit, FindingAnswer
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.details import details
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.reading import cover_entries, covering, reading
from platepost.department.ledger.writing import entering
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import Permission
from platepost.department.policy.policy import policy_in_force
from platepost.department.web.moments import day

_NEAR = 5
"""One of so many samples is drawn from what has nearly a forbidden word, where there is any."""
_DRAWN = """
SELECT line.entry, person.value::json #>> '{}'
FROM ledger_entry AS line JOIN ledger_body AS person ON person.entry = line.entry AND person.field = 'person'
WHERE line.entry = ANY ((SELECT ledger_covered_entries())::uuid[])
ORDER BY sha256(convert_to(%s || ':' || line.number, 'UTF8'))
"""
_BODIES = """(
    SELECT coalesce(json_object_agg(body.field, body.value::json), '{}')::text
    FROM ledger_body AS body WHERE body.entry = %s.entry
)"""
_SEARCHES = f"""
SELECT line.number, line.entry, line.at, {_BODIES % "line"}, shown.number, {_BODIES % "shown"}
FROM ledger_entry AS line
LEFT JOIN ledger_entry AS shown ON shown.refers_to = line.entry AND shown.event IN ('shown', 'failed')
WHERE line.entry = ANY (%s) ORDER BY line.number
"""  # noqa: S608 - our own constants


@dataclass(frozen=True, slots=True)
class AuditedSearch:
    """A search as an auditor compares it with its case: why, what was asked, what was seen."""

    number: int
    entry: UUID
    at: datetime
    fields: Mapping[str, Any]
    """Of the intent: person, purpose, case, reason, query."""
    shown: Mapping[str, Any]
    """Records, pictures, plates; nothing where the program stopped in between."""
    case: Sequence[tuple[LedgerEvent, int, int]] = ()
    """What else the ledger has of the case: event, how many entries, of how many people."""

    @property
    def asked(self) -> str:
        """What was asked, in words; empty once it was erased."""
        return details(self.fields.get("query") or {})


@dataclass(frozen=True, slots=True)
class OverdueDuty:
    """What someone should have done by now."""

    what: str
    due_at: datetime
    finding: int | None = None
    audit: int | None = None


def plan_audits(plan: AuditPlan, *, person: str) -> AuditPlan:
    """Save a plan. Raises AuditError: the person is no auditor, or the one who is to audit may not."""
    fields = {name: getattr(plan, name) for name in ("kind", "auditor", "samples")}
    with _changing(LedgerEvent.AUDIT_PLANNED, {"person": person, **fields, "every": plan.every_days}) as entry:
        plan.made_by = person
        plan.save(force_insert=True)
        entry["plan"] = plan.pk
    return plan


def end_plan(plan: AuditPlan, *, person: str) -> None:
    """End a plan: it asks for no further audits. Raises AuditError: the person is no auditor, or it has ended."""
    with _changing(LedgerEvent.AUDIT_PLAN_ENDED, {"person": person, "plan": plan.pk}):
        AuditPlan.objects.filter(pk=plan.pk).update(ended_by=person, ended_at=timezone.now())


def begin_audit(plan: AuditPlan, *, person: DepartmentPerson) -> DrawnAudit:
    """Draw the samples of a plan's next audit, by a seed that stands in the ledger before anything is drawn.

    Raises:
        AuditError: the time is not over yet, or another audits by this plan.
        LedgerError: the ledger cannot be written.

    """
    since = plan.next_since
    until = plan.next_until
    seed = secrets.token_hex(16)
    if not plan.can_be_drawn:
        raise AuditError(f"the time that it is about ends on {day(until)}")
    scope: dict[str, Any] = {"purpose": plan.purpose, "agency": plan.agency, "samples": plan.samples, "seed": seed}
    query = {"audit": plan.pk, "since": since.isoformat(), "until": until.isoformat(), **scope}
    with auditing(person.login, person.agency, query) as log:
        searches = covering(log, "audits_cover_drawn(%s, %s)", [_NEAR])
        with reading(log) as cursor:
            cursor.execute(_DRAWN, [seed])
            drawn = cursor.fetchall()
    fields = {"person": person.login, "plan": plan.pk, "seed": seed, "samples": len(drawn)}
    with _changing(LedgerEvent.AUDIT_BEGUN, fields) as entry:
        values = {"since": since, "until": until, "seed": seed, "searches": searches, "due_at": plan.next_due}
        audit = DrawnAudit.objects.create(plan=plan, drawn_by=person.login, **values)
        AuditSample.objects.bulk_create(
            AuditSample(audit=audit, entry=search, subject=subject) for search, subject in drawn
        )
        entry["audit"] = audit.pk
    return audit


def searches_of(log: OpenEntry, entries: Sequence[UUID]) -> list[AuditedSearch]:
    """Return searches with what they brought, and what else there is of their cases. Raises ClosedEntryError."""
    cover_entries(log, entries=[*entries], closing=True)
    with reading(log) as cursor:
        cursor.execute(_SEARCHES, [[*entries]])
        rows: list[Any] = [(*row[:3], json.loads(row[3]), row[4], json.loads(row[5] or "{}")) for row in cursor]
        cases: dict[str, list[tuple[LedgerEvent, int, int]]] = {}
        cursor.execute("SELECT * FROM audits_with_cases()")
        for case, event, count, people in cursor.fetchall():
            cases.setdefault(case, []).append((LedgerEvent(event), count, people))
    return [
        AuditedSearch(number, entry, at, fields, shown, cases.get(fields.get("case") or "", ()))
        for number, entry, at, fields, _, shown in rows
    ]


def judge(sample: AuditSample, *, person: str, outcome: str, note: str) -> None:
    """Say of a sample whether it is in order; what is not becomes a finding.

    Raises:
        AuditError: it is the person's own search, another's to judge, or judged.

    """
    fields = {"person": person, "audit": sample.audit_id, "outcome": outcome, "note": note}
    with _changing(LedgerEvent.SAMPLE_JUDGED, fields) as entry:
        now = timezone.now()
        AuditSample.objects.filter(pk=sample.pk).update(outcome=outcome, note=note, judged_by=person, judged_at=now)
        if outcome != AuditSample.OUTCOMES[0]:
            month = timezone.localdate(sample.audit.since).replace(day=1)
            finding = AuditFinding.objects.create(
                rule=AuditFinding.SAMPLE, sample=sample, says=f"{outcome}: {note}", **_about(sample.subject, month),
                entries=[sample.entry],
            )  # fmt: skip
            entry["finding"] = finding.pk


def finish_audit(audit: DrawnAudit, *, person: str) -> None:
    """Say that an audit is done. Raises AuditError: a sample has no outcome, or another audits by this plan."""
    with _changing(LedgerEvent.AUDIT_FINISHED, {"person": person, "audit": audit.pk}):
        DrawnAudit.objects.filter(pk=audit.pk).update(finished_by=person, finished_at=timezone.now())


def note_finding(rule: str, subject: str, *, month: date, says: str, entries: Sequence[UUID]) -> AuditFinding | None:
    """Keep what a rule has found; None where it was found before of this person, in this month."""
    fields = {"rule": rule, "subject": subject, "month": f"{month}"}
    if AuditFinding.objects.filter(rule=rule, subject=subject, month=month).exists():
        return None
    with _changing(LedgerEvent.FINDING_MADE, fields) as entry:
        finding = AuditFinding.objects.create(rule=rule, says=says, entries=[*entries], **_about(subject, month))
        entry["finding"] = finding.pk
    return finding


def answer_finding(finding: AuditFinding, *, person: str, says: str) -> None:
    """Answer a finding as its subject or a supervisor. Raises AuditError: the person is neither."""
    with _changing(LedgerEvent.FINDING_ANSWERED, {"person": person, "finding": finding.pk, "says": says}):
        FindingAnswer.objects.create(finding=finding, person=person, says=says)


def close_finding(finding: AuditFinding, *, person: str, outcome: str, note: str) -> None:
    """Close a finding as an auditor. Raises AuditError: the person is its subject, or no auditor; it is closed."""
    fields = {"person": person, "finding": finding.pk, "outcome": outcome, "note": note}
    with _changing(LedgerEvent.FINDING_CLOSED, fields):
        values = {"outcome": outcome, "note": note, "closed_by": person, "closed_at": timezone.now()}
        AuditFinding.objects.filter(pk=finding.pk).update(**values)


def overdue_duties(person: str, permitted: frozenset[Permission]) -> list[OverdueDuty]:
    """Return what someone should have done by now: audits of theirs, answers, and findings that no one closed."""
    now = timezone.now()
    duties = []
    for plan in AuditPlan.objects.filter(auditor=person, ended_at=None):
        begun = plan.audits.filter(finished_at=None, due_at__lt=now)
        duties += [OverdueDuty(f"Finish the {plan.kind}", audit.due_at, audit=audit.pk) for audit in begun]
        if plan.next_due < now:
            duties.append(OverdueDuty(f"Begin the {plan.kind}", plan.next_due))
    supervises = Permission.REVIEW_SEARCHES in permitted and Permission.AUDIT not in permitted
    late = Q() if supervises else Q(subject=person)
    for finding in AuditFinding.objects.filter(late, closed_at=None, answers=None, answer_by__lt=now):
        duties.append(OverdueDuty("Answer a finding", finding.answer_by, finding=finding.pk))
    if Permission.AUDIT in permitted:
        for finding in AuditFinding.objects.filter(closed_at=None, close_by__lt=now).exclude(subject=person):
            duties.append(OverdueDuty("Close a finding", finding.close_by, finding=finding.pk))
    return duties


def open_findings(person: str) -> list[AuditFinding]:
    """Return the findings about someone that no one has closed."""
    return list(AuditFinding.objects.filter(subject=person, closed_at=None))


def _about(subject: str, month: date) -> dict[str, Any]:
    rules, now = policy_in_force().misuse, timezone.now()
    dates = {"answer_by": now + timedelta(days=rules.answer_days), "close_by": now + timedelta(days=rules.close_days)}
    return {"subject": subject, "month": month, **dates}


@contextmanager
def _changing(event: LedgerEvent, fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    with refusals(), entering(event, fields) as entry:
        yield entry
