"""Requests from outside: each gets a clock, the records manager decides, and only a granted one releases a package.

A subpoena or discovery is no grant: it names its order or case, and releases one package to one recipient. No one of
the public gets records: they are answered from counts (`platepost.department.sharing.publication`) and from the
redacted log.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

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
_CLOCK_LAWS: Mapping[str, str] = {
    "public records": "Government Code section 7922.535 (a)",
    "subpoena": "Evidence Code section 1560 (b)",
    "discovery": "Penal Code section 1054.7",
}
"""Of California, by kind."""
EXTENSION_LAW = "Government Code section 7922.535 (b)"
EXTENSION = timedelta(days=14)
"""Gov. Code 7922.535 (b)."""
MOST_LINES = 20_000
"""Of the redacted log."""
_HELD_DAYS = 366
_SEARCHES = """
SELECT (line.at AT TIME ZONE %s)::date, coalesce(fields ->> 'purpose', 'erased'),
    CASE WHEN fields -> 'query' ?| '{opened,record,picture}' THEN 'look at a result'
        WHEN fields IS NOT NULL THEN 'search' END,
    CASE WHEN fields -> 'exigent' = 'true' THEN 'yes' WHEN fields IS NOT NULL THEN 'no' END,
    CASE WHEN fields ->> 'on_behalf_of' IS NOT NULL THEN 'another agency'
        WHEN fields IS NOT NULL THEN 'the department' END,
    CASE WHEN coalesce(fields ->> 'case', '') <> '' THEN 'yes' WHEN fields IS NOT NULL THEN 'no' END,
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
_COLUMNS = (
    *("Date", "Purpose", "Kind", "Life in danger (exigent)", "For", "Case number given"),
    *("Records shown", "Plates shown", "Searches"),
)
WITHHELD = "withheld"
"""A purpose of which so few searches were made that its count is not published."""


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
    due = due_on or due_by_rule(kind, received_on)
    with operation(
        LedgerEvent.REQUEST_RECEIVED, person=person, kind=kind, due=due, requester=fields["requester"]
    ) as entry:
        request = SharingRequest.objects.create(person=person, kind=kind, received_on=received_on, due_on=due, **fields)
        entry["request"] = request.pk
    return request


def due_by_rule(kind: str, received_on: date) -> date:
    """Return the deadline of a request that does not state a day itself; see `CLOCKS`."""
    return received_on + timedelta(days=CLOCKS[kind])


def clock_rule(request: SharingRequest) -> str:
    """Return the rule from which a request's deadline follows."""
    days = CLOCKS[request.kind]
    law = _CLOCK_LAWS.get(request.kind) if policy_in_force().law.state == "CA" else None
    rule = _("{days} days after receipt, by {law}").format(days=days, law=law or _("the department's own rule"))
    if request.extended_because:
        by_law = f", {EXTENSION_LAW}" if law and request.kind == "public records" else ""
        return _("{rule}; extended by 14 days{by_law}").format(rule=rule, by_law=by_law)
    if request.due_on != due_by_rule(request.kind, request.received_on):
        return _("the day that the request states")
    return rule


def correct(request: SharingRequest, *, person: str, due_on: date | None = None, **fields: Any) -> None:
    """Correct what was entered of a request; the entry of the ledger has what it was before.

    Args:
        request: neither extended nor decided.
        person: who corrects it.
        due_on: the day that it says itself.
        fields: as `receive` has them, with `kind` and `received_on`.

    Raises:
        SharingError: it was extended or decided, lacks what its kind needs, or the person is no records manager.

    """
    corrected = fields | {"due_on": due_on or due_by_rule(fields["kind"], fields["received_on"])}
    changed = {name: value for name, value in corrected.items() if value != getattr(request, name)}
    if not changed:
        return
    before = {name: str(getattr(request, name) or "") for name in changed}
    after = {name: str(value or "") for name, value in changed.items()}
    with operation(LedgerEvent.REQUEST_CORRECTED, person=person, request=request.pk, before=before, after=after):
        _change(request, **changed, corrected_by=person, corrected_at=Now())


def acknowledge(request: SharingRequest, *, person: str) -> None:
    """Note that the letter that a request was received was sent. Raises SharingError: it was noted already."""
    with operation(LedgerEvent.REQUEST_ACKNOWLEDGED, person=person, request=request.pk):
        waiting = SharingRequest.objects.filter(pk=request.pk, acknowledged_at=None)
        if not waiting.update(acknowledged_by=person, acknowledged_at=Now()):
            raise SharingError("it is recorded already that this request was acknowledged", "sharing_final")


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


def decision_of(outcomes: Collection[str]) -> str:
    """Return how a request is decided whose parts have these outcomes."""
    if set(outcomes) == {"granted"}:
        return "granted"
    given = {"granted", "granted with redactions"}.intersection(outcomes)
    return "partly granted" if given else "denied"


def decide(request: SharingRequest, *, person: str, answers: Sequence[Mapping[str, str]]) -> None:
    """Decide a request.

    Args:
        request: not decided yet.
        person: who decides.
        answers: by part of what is asked, its `outcome`, one of `SharingRequest.OUTCOMES`, and `because`: what is
            given, redacted, or withheld, and why. The letter states both.

    Raises:
        SharingError: it was decided, the person is no records manager, no agreement lets the agency have it, or it
            names what the policy forbids: deny it, or enter it again in other words.

    """
    if len(answers) != len(request.parts):
        raise SharingError("each part of what is asked needs an answer", "sharing_parts")
    decision = decision_of([answer["outcome"] for answer in answers])
    because = "; ".join(answer["because"] or answer["outcome"] for answer in answers)
    if decision != "denied" and request.kind != "public records":
        asked = {"description": request.says, "requester": request.requester, "order number": request.order_number}
        require_words(SharingError, person=person, what="grant of a request", texts=asked)
    with operation(LedgerEvent.REQUEST_DECIDED, person=person, request=request.pk, decision=decision, because=because):
        _change(request, decision=decision, because=because, answers=[*answers], decided_by=person, decided_at=Now())


def take_back(request: SharingRequest, *, person: str) -> None:
    """Take a decision back before its answer is sent. Raises SharingError: it was sent, or records were released."""
    with operation(LedgerEvent.REQUEST_REOPENED, person=person, request=request.pk):
        undecided = dict.fromkeys(("decision", "because", "decided_by", "decided_at"))
        no_log = dict.fromkeys(("log_since", "log_until", "log_totals"))
        changed = SharingRequest.objects.filter(pk=request.pk, sent_at=None).exclude(decided_at=None)
        if not changed.update(**undecided, **no_log, answers=[], reopened_by=person, reopened_at=Now()):
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

    Searches of a day of which all of this is the same are one line, with their number. Each day has a line, and the
    last lines are totals by purpose, which the request keeps for its letter.

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
    searches = Counter[tuple[date, tuple[str, ...]]]()
    totals = Counter[str]()
    for day, purpose, *facts, records, plates in exported:
        shown_purpose = purpose if public[day.replace(day=1)][purpose] is not None else WITHHELD
        line = (shown_purpose, *(fact or "" for fact in facts), _rounded(records), _rounded(plates))
        searches[day, line] += 1
        totals[shown_purpose] += 1
    SharingRequest.objects.filter(pk=request.pk, sent_at=None).update(
        log_since=since, log_until=until, log_totals=dict(totals.most_common())
    )
    return _written_log(searches, totals, since, until)


def _written_log(
    searches: Mapping[tuple[date, tuple[str, ...]], int], totals: "Counter[str]", since: date, until: date
) -> str:
    by_day: dict[date, list[tuple[str, ...]]] = defaultdict(list)
    for day, line in searches:
        by_day[day].append(line)
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(_COLUMNS)
    empty = [""] * (len(_COLUMNS) - 3)
    for number in range((until - since).days + 1):
        day = since + timedelta(days=number)
        for line in sorted(by_day[day]):
            lines.writerow((day, *line, searches[day, line]))
        if not by_day[day]:
            lines.writerow((day, "none", *empty, 0))
    for purpose, count in totals.most_common():
        lines.writerow(("Total", purpose, *empty, count))
    lines.writerow(("Total", "all purposes", *empty, totals.total()))
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
