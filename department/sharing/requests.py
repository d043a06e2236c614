"""Requests from outside: each gets a clock, the records manager decides, and only a granted one releases a package.

A subpoena or discovery is no grant: it names its order or case, and releases one package to one recipient. No one of
the public gets records: they are answered from counts (`platepost.department.sharing.publication`) and from the
redacted log.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from platepost.department.archive.evidence_package import EvidenceManifest
from platepost.department.archive.holds import HoldScope, place_hold
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import open_log
from platepost.department.ledger.reading import cover_entries, reading
from platepost.department.ledger.wording import require_words
from platepost.department.people.models import DepartmentPerson
from platepost.department.policy.policy import AccessPurpose, policy_in_force
from platepost.department.sharing.errors import SharingError, operation
from platepost.department.sharing.models import SharingRelease, SharingRequest
from platepost.department.sharing.publication import STEP, disclosed, month_after

CLOCKS: Mapping[str, int] = {
    "public records": 10,  # Gov. Code 7922.535 (a)
    "subpoena": 15,  # Evid. Code 1560 (b), unless the subpoena says a day
    "discovery": 30,  # Penal Code 1054.7
    "agency": 30,  # the department's own
}
"""Days from receipt, by kind."""
EXTENSION = timedelta(days=14)
"""Gov. Code 7922.535 (b)."""
MOST_LINES = 20_000
"""Of the redacted log."""
_HELD_DAYS = 366
_SEARCHES = """
SELECT (line.at AT TIME ZONE %s)::date, coalesce(fields ->> 'purpose', 'erased'),
    fields -> 'exigent' = 'true',
    CASE WHEN fields ->> 'on_behalf_of' IS NOT NULL THEN 'another agency'
        WHEN fields IS NOT NULL THEN 'the department' END,
    CASE WHEN fields IS NOT NULL THEN coalesce(fields ->> 'case', '') <> '' END,
    CASE WHEN fields IS NOT NULL THEN jsonb_array_length(coalesce(shown -> 'records', '[]')) END,
    CASE WHEN fields IS NOT NULL THEN jsonb_array_length(coalesce(shown -> 'plates', '[]')) END
FROM ledger_entry AS line CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(body.field, body.value::jsonb) AS fields FROM ledger_body AS body
    WHERE body.entry = line.entry
) AS asked LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(body.field, body.value::jsonb) AS shown FROM ledger_body AS body JOIN ledger_entry AS later
    ON later.entry = body.entry WHERE later.refers_to = line.entry AND later.event = 'shown'
) AS brought ON true
WHERE line.event = 'intent' AND line.entry = ANY ((SELECT ledger_covered_entries())::uuid[])
AND NOT coalesce(fields -> 'query', '{}') ? 'console' ORDER BY line.number
"""


def receive(*, person: str, kind: str, received_on: date, due_on: date | None = None, **fields: Any) -> SharingRequest:
    """Enter a request.

    Args:
        person: who enters it.
        kind: one of `SharingRequest.KINDS`.
        received_on: its clock runs from then.
        due_on: the day that it says itself.
        fields: `requester`, `says`, and by kind `order_number`, or `agency_id` and `purpose`.

    Raises:
        SharingError: it lacks what its kind needs, or the person is no records manager.

    """
    due = due_on or received_on + timedelta(days=CLOCKS[kind])
    with operation(
        LedgerEvent.REQUEST_RECEIVED, person=person, kind=kind, due=due, requester=fields["requester"]
    ) as entry:
        request = SharingRequest.objects.create(person=person, kind=kind, received_on=received_on, due_on=due, **fields)
        entry["request"] = request.pk
    return request


def extend(request: SharingRequest, *, person: str, because: str) -> None:
    """Have a request decided two weeks later. Raises SharingError: it was extended or decided."""
    due = request.due_on + EXTENSION
    with operation(LedgerEvent.REQUEST_EXTENDED, person=person, request=request.pk, due=due, because=because):
        _change(request, due_on=due, extended_because=because)


def hold_for(request: SharingRequest, scope: HoldScope, *, person: str) -> None:
    """Hold what a request is about from every purge.

    Raises:
        ArchiveRefusedError: nothing is named, or it is not kept any more.
        SharingError: the request was decided.

    """
    if not SharingRequest.objects.filter(pk=request.pk, decided_at=None).exists():
        raise SharingError("the request was decided", "sharing_final")
    compelled = request.kind in {"subpoena", "discovery"}
    hold = place_hold(
        person=person,
        kind="litigation" if compelled else "records request",
        case=request.order_number or f"request {request.pk}",
        reason=f"asked for in request {request.pk}",
        review_on=request.due_on + timedelta(days=_HELD_DAYS),
        scope=scope,
    )
    with operation(LedgerEvent.REQUEST_HELD, person=person, request=request.pk, hold=hold.pk):
        _change(request, hold=hold)


def decide(request: SharingRequest, *, person: str, decision: str, because: str) -> None:
    """Decide a request.

    Raises:
        SharingError: it was decided, the person is no records manager, no agreement lets the agency have it, or it
            names what the policy forbids: deny it, or enter it again in other words.

    """
    if decision != "denied" and request.kind != "public records":
        asked = {"description": request.says, "requester": request.requester, "order number": request.order_number}
        require_words(SharingError, person=person, what="grant of a request", texts=asked)
    with operation(LedgerEvent.REQUEST_DECIDED, person=person, request=request.pk, decision=decision, because=because):
        _change(request, decision=decision, because=because, decided_by=person, decided_at=Now())


def take_back(request: SharingRequest, *, person: str) -> None:
    """Take a decision back before its answer is sent. Raises SharingError: it was sent, or records were released."""
    with operation(LedgerEvent.REQUEST_REOPENED, person=person, request=request.pk):
        undecided = dict.fromkeys(("decision", "because", "decided_by", "decided_at"))
        changed = SharingRequest.objects.filter(pk=request.pk, sent_at=None).exclude(decided_at=None)
        if not changed.update(**undecided, reopened_by=person, reopened_at=Now()):
            raise SharingError("the answer was sent, or the request is not decided", "sharing_final")


def note_sent(request: SharingRequest, *, person: str) -> None:
    """Note that the answer was sent: the decision is final. Raises SharingError: it is not decided, or was sent."""
    with operation(LedgerEvent.REQUEST_SENT, person=person, request=request.pk):
        decided = SharingRequest.objects.filter(pk=request.pk, sent_at=None).exclude(decided_at=None)
        if not decided.update(sent_by=person, sent_at=Now()):
            raise SharingError("the request is not decided, or its answer was sent already", "sharing_final")


def require_granted(number: int) -> SharingRequest:
    """Return a request for which a package may be made. Raises SharingError: it is none, or was not granted."""
    request = SharingRequest.objects.filter(pk=number).first()
    if request is None or request.decision in {None, "denied"}:
        raise SharingError("the records manager has not granted this request", "sharing_not_granted")
    return request


def note_release(request: SharingRequest, manifest: EvidenceManifest, digest: str, *, person: str) -> None:
    """Note that a package goes to its recipient; before it is there.

    Raises:
        SharingError: the request does not let it: not granted, another package went, the agreement has ended.

    """
    recipient = manifest.recipient
    fields = {"what": manifest.package, "digest": digest, "recipient": recipient.name, "count": len(manifest.records)}
    with operation(LedgerEvent.RELEASED, person=person, request=request.pk, **fields):
        SharingRelease.objects.create(
            request=request, recipient=recipient.name, recipient_key=recipient.sha256, package=manifest.package,
            digest=digest, records=len(manifest.records), person=person,
        )  # fmt: skip


def redacted_log(request: SharingRequest, since: date, until: date, *, person: DepartmentPerson) -> str:
    """Return the searches of some days as CSV: day, purpose and how much was shown; no person, plate, case or hour.

    It withholds what the public report of the month withholds: a purpose whose count is not published there, and
    numbers below 5; others are rounded as they are there.

    A search by a member of a covert group is there as any other is; what it showed of the group is not counted. Of one
    whose bodies were purged there is the day alone.

    Args:
        request: of public records, and granted.
        since: the first day, in the department's time zone.
        until: the last day.
        person: the records manager.

    Raises:
        SharingError: it is not granted, of another kind, too long a time, or one that ends before it begins.
        LedgerError: it cannot be entered that the log is read.

    """
    if request.kind != "public records" or request.decision in {None, "denied"}:
        raise SharingError(
            "the redacted log answers a request of public records that was granted", "sharing_not_granted"
        )
    if until < since:
        raise SharingError("the last day is before the first one", "sharing_most")
    begins, ends = _midnight(since), _midnight(until + timedelta(days=1))
    asked = {"request": request.pk, "since": since.isoformat(), "until": until.isoformat()}
    purpose = AccessPurpose(policy_in_force().misuse.purpose, f"request {request.pk}")
    with open_log(person=person.login, agency=person.agency, purpose=purpose, query=asked) as log:
        cover_entries(log, events=["intent"], since=begins, until=ends, most=MOST_LINES + 1, closing=True)
        with reading(log) as cursor:
            cursor.execute(_SEARCHES, [settings.TIME_ZONE])
            exported = cursor.fetchall()
            if len(exported) > MOST_LINES:
                raise SharingError(f"more than {MOST_LINES} searches: give fewer days", "sharing_most")
            whole = [_midnight(since.replace(day=1)), _midnight(month_after(until))]
            cursor.execute("SELECT * FROM sharing_purposes(%s, %s, %s)", [*whole, settings.TIME_ZONE])
            months: dict[date, dict[str, int]] = defaultdict(dict)
            for month, name, count in cursor.fetchall():
                months[month][name] = count
    public = {month: disclosed(counts) for month, counts in months.items()}
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(("day", "purpose", "exigent", "for", "case given", "records shown", "plates shown"))
    for day, asked_for, *facts, records, plates in exported:
        named = asked_for if public[day.replace(day=1)][asked_for] is not None else "withheld"
        lines.writerow((day, named, *facts, _rounded(records), _rounded(plates)))
    return written.getvalue()


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def _rounded(count: int | None) -> str:
    """Return a number as the public report would have it."""
    return "" if count is None else f"fewer than {STEP}" if 0 < count < STEP else str(STEP * round(count / STEP))


def recall(release: SharingRelease, *, person: str, because: str) -> None:
    """Note that the recipient was told to destroy a package. Raises SharingError: that was done."""
    with operation(LedgerEvent.RELEASE_RECALLED, person=person, what=release.package, because=because):
        SharingRelease.objects.filter(pk=release.pk).update(
            recalled_by=person, recalled_at=Now(), recalled_because=because
        )


def _change(request: SharingRequest, **fields: Any) -> None:
    if not SharingRequest.objects.filter(pk=request.pk, decided_at=None).update(**fields):
        raise SharingError("the request was decided", "sharing_final")
