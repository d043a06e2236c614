"""A purge: planned, approved by a second person, carried out part by part, certified.

A part is one partition of one class. Each goes in a transaction of its own, so a purge that was cut off goes on by the
same command. Before the first part the plan must still be what was approved; afterwards holds are honored as they come.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from joserfc.jwk import ECKey

from platepost.common.files import write_durably
from platepost.department.archive.classes import CLASSES
from platepost.department.archive.errors import ArchiveRefusedError
from platepost.department.archive.holds import HoldScope, place_hold
from platepost.department.archive.models import BackupRecord, PurgePlan, RetentionTerm
from platepost.department.archive.operations import operation, tried
from platepost.department.archive.retention import FIRST, due, due_rows
from platepost.department.custody.certificate import (
    PurgeCertificate,
    PurgedPart,
    certifying_keys,
    id_lines,
    range_lines,
    read_certificate,
    summed,
)
from platepost.department.custody.errors import CustodyError
from platepost.department.custody.pictures import delete_unnamed
from platepost.department.database.queries import rows
from platepost.department.folder import DepartmentSettings
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import append

LAST = "infinity"
FORGOTTEN_AT_ONCE = 10_000
"""Plates that search forgets in one transaction."""
ERASED_AT_ONCE = 10_000
"""Entries of the ledger whose bodies go in one transaction."""
RESTORED = "restored backup"
REVIEW = timedelta(days=30)
"""After which what a restored backup held is to be looked at."""


@dataclass(frozen=True, slots=True)
class PurgeAuthority:
    """By whose word records go. `california` asks for all of it."""

    resolution: str | None = None
    """Number of the legislative body's resolution."""
    resolution_date: date | None = None
    attorney: str | None = None
    """Who gave the agency's consent in writing."""
    consent_date: date | None = None


class PlannedPart(NamedTuple):
    """A part of a plan."""

    retention: str
    begins: str
    ends: str
    shown: dict[str, Any]
    """`records`, `held`, `first_day`, `last_day`, without covert ones."""
    dropped: bool

    @property
    def label(self) -> str:
        """How people call the class."""
        return CLASSES.get(self.retention, self.retention.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Certifier:
    """Who signs certificates, and where they are kept beside the database."""

    settings: DepartmentSettings
    key: ECKey
    """The custodian's, private."""
    folder: Path

    def keys(self) -> list[ECKey]:
        """Return the public keys that certificates were signed with, and the present one."""
        return [self.key, *certifying_keys(self.folder)]


def plan_purge(
    person: str,
    authority: PurgeAuthority,
    *,
    classes: Sequence[str] = (),
    review: str | None = None,
    backups: Sequence[str] = (),
) -> PurgePlan:
    """Plan the purge of all whose term is over.

    Args:
        person: who plans it.
        authority: by whose word.
        classes: of these only; of all if empty.
        review: what came of looking at the doubtful records; without it they stay.
        backups: which have what is to go, beside those that `backup` made and that are not removed yet.

    Raises:
        ArchiveRefusedError: a rule refuses it, or nothing is due.

    """
    terms = {term.retention: term for term in RetentionTerm.objects.all()}
    parts = [part[:3] for part in due() if part.begins != FIRST and (not classes or part.retention in classes)]
    if review is not None and "doubtful" in terms:
        until = datetime.now(UTC) - timedelta(days=terms["doubtful"].kept_days)
        parts.append(("doubtful", FIRST, until.isoformat()))
    parts += [(retention, FIRST, ends) for retention, ends in due_rows() if not classes or retention in classes]
    records = BackupRecord.objects.filter(removed_at=None).values_list("name", flat=True)
    named = list(dict.fromkeys([*backups, *records]))
    return _planned(person, authority, [*parts, ("held", FIRST, LAST)], review=review, backups=named)


def _planned(person: str, authority: PurgeAuthority, parts: Sequence[tuple[str, str, str]], **more: Any) -> PurgePlan:
    term = RetentionTerm.objects.first()
    if term is None:
        raise ArchiveRefusedError(
            "no law is configured: set `law` in policy.toml, then run `upgrade`", "archive_lawful"
        )
    with operation(LedgerEvent.PURGE_PLANNED, person=person) as entry:
        plan = PurgePlan.objects.create(
            law=term.law,
            planned_by=person,
            **asdict(authority),
            **more,
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO archive_part (plan, class, begins, ends) VALUES (%s, %s, %s, %s)",
                [(plan.plan, *part) for part in parts],
            )
        counted = planned_parts(plan.plan)
        going = sum(part.shown["records"] - part.shown["held"] for part in counted)
        # Partitions may go though they are empty.
        if not going and {part.retention for part in counted} <= {"held", *_kinds()}:
            raise ArchiveRefusedError("nothing is due", "archive_no_part")
        entry |= {"plan": str(plan.plan), "what": [part[:3] for part in counted], "count": going}
    return plan


def planned_parts(plan: UUID) -> list[PlannedPart]:
    """Return the parts of a plan, in the order in which they go."""
    fetched = rows(
        "SELECT class, begins::text, ends::text, shown, dropped_at IS NOT NULL FROM archive_part WHERE plan = %s"
        " ORDER BY begins, class",
        [plan],
    )
    return [
        PlannedPart(retention, begins, ends, json.loads(shown), dropped)
        for retention, begins, ends, shown, dropped in fetched
    ]


def stale_because(plan: UUID) -> str | None:
    """Return why a plan is not to be carried out any more, None where nothing speaks against it."""
    ((why,),) = rows("SELECT archive_stale(%s)", [plan])
    return None if why is None else str(why)


def approve_purge(person: str, plan: UUID) -> None:
    """Approve a plan.

    Raises:
        ArchiveRefusedError: the person planned it, it is stale, or it was approved already.

    """
    with operation(LedgerEvent.PURGE_APPROVED, person=person, plan=plan):
        plans = PurgePlan.objects.filter(plan=plan, approved_at=None)
        if not plans.update(approved_by=person, approved_at=Now()):
            raise ArchiveRefusedError("there is no such plan that waits for approval", "archive_plan_final")


def approved_plans() -> Iterator[UUID]:
    """Yield the plans that are approved, not stale by then, and not carried out to their end, the oldest first."""
    plans = PurgePlan.objects.exclude(approved_at=None).filter(done_at=None)
    yield from (plan.plan for plan in plans if plan.begun_at is not None or stale_because(plan.plan) is None)


def carry_out(
    plan: UUID,
    certifier: Certifier,
    *,
    person: str | None = None,
    progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> None:
    """Carry out an approved plan, or the rest of one, and certify it.

    Args:
        plan: which.
        certifier: who signs.
        person: who gives the command.
        progress: told how many of how many parts are gone.

    Raises:
        ArchiveRefusedError: it is not approved, or stale.
        PictureStoreError: pictures are in a bucket that does not answer; it may be called again.
        django.db.OperationalError: someone reads these records without an end; it may be called again.

    """
    kinds = _kinds()
    # Records first: with the first of them the plan begins, if it is not stale.
    parts = sorted(planned_parts(plan), key=lambda part: part.retention in kinds)
    for done, part in enumerate(parts):
        with tried(LedgerEvent.PURGED, person=person, plan=plan):
            if part.retention in kinds:
                _sweep(plan, part)
            elif not part.dropped:
                with transaction.atomic():
                    rows("SELECT archive_purge_part(%s, %s, %s)", [plan, part.retention, part.begins])
        progress(done + 1, len(parts))
    _forget(plan)
    delete_unnamed(connection.connection, settings.PICTURE_BUCKET)
    purge_plan = PurgePlan.objects.get(plan=plan)
    if purge_plan.done_at is not None:
        return
    with operation(LedgerEvent.PURGED, plan=plan, person=person) as entry:
        certificates = [_certified(purge_plan, group, certifier) for group in _groups(plan)]
        opened = certificates[0]
        public = certifier.key.as_pem(private=False)
        write_durably(certifier.folder / f"{certifier.key.thumbprint()}.pem", public)
        name = f"{opened.content.done_at:%Y%m%d}-{plan}.jsonl"
        write_durably(
            certifier.folder / name, (line + b"\n" for certificate in certificates for line in certificate.lines())
        )
        for certificate in certificates:
            with connection.cursor() as cursor:
                values = [plan, certificate.content.covert_group, certificate.signed]
                cursor.execute("INSERT INTO custody_certificate VALUES (%s, %s, %s)", values)
        rows("SELECT archive_finish(%s)", [plan])
        count = sum(part.records for part in opened.content.parts)
        entry |= {"what": opened.content.law, "count": count, "certificate": summed([opened.signed.encode()]).sha256}


def certificate(plan: UUID) -> Iterator[bytes]:
    """Yield the certificate of a plan, of all that is not covert, and the lines beside it; within a transaction.

    Raises:
        ArchiveRefusedError: it is not done.

    """
    fetched = rows("SELECT certificate FROM custody_certificate WHERE plan = %s AND covert_group IS NULL", [plan])
    if not fetched:
        raise ArchiveRefusedError("there is no such plan that was carried out", "archive_unfinished")
    yield json.dumps({"certificate": fetched[0][0]}).encode()
    yield from range_lines(connection.connection, plan, None)


def replay(person: str, certifier: Certifier) -> list[UUID]:
    """Plan again, as approved, to purge what a restored backup brought back although a certificate says it is gone.

    What had been held when a purge went is held again, to be reviewed.

    Raises:
        CustodyError: a certificate is not signed by the custodian, or its lines were changed.
        ArchiveRefusedError: a rule refuses it.

    """
    certificates = []
    for path in sorted(certifier.folder.glob("*.jsonl")):
        filed = list(_read_filed(path, certifier.keys()))
        opened = filed[0][0]
        known = PurgePlan.objects.filter(approved_by__isnull=False)
        if opened.replays or known.filter(plan=opened.plan).exists() or known.filter(replays=opened.plan).exists():
            continue
        there = {part[:2] for part in due()}
        parts = [
            (part.retention, part.begins, part.ends)
            for part in opened.parts
            if part.begins == FIRST or (part.retention, _in_database_form(part.begins)) in there
        ]
        held = sorted({number for _, ids in filed for number in ids})
        if held:
            reason = f"held when purge {opened.plan} went, before the backup was restored"
            about = {"kind": RESTORED, "case": str(opened.plan), "reason": reason}
            day = timezone.localdate() + REVIEW
            place_hold(person=person, review_on=day, scope=HoldScope(records=held), **about)
        authority = PurgeAuthority(opened.resolution, opened.resolution_date, opened.attorney, opened.consent_date)
        plan = _planned(opened.planned_by, authority, parts, review=opened.review, replays=opened.plan)
        approve_purge(opened.approved_by, plan.plan)
        certificates.append(plan.plan)
    return certificates


def _kinds() -> set[str]:
    """Return the classes whose rows go one by one."""
    return {kind for (kind,) in rows("SELECT class FROM archive_kind")}


def _in_database_form(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%S+00")


def _read_filed(path: Path, keys: Sequence[ECKey]) -> Iterator[tuple[PurgeCertificate, list[int]]]:
    """Yield the certificates of a file, each with the ids of what was held."""
    with path.open("rb") as file:
        while line := file.readline():
            purge_certificate = read_certificate(str(json.loads(line)["certificate"]), keys)
            ranges = summed(file.readline().rstrip(b"\n") for _ in range(purge_certificate.ranges.count))
            ids = [int(file.readline()) for _ in range(purge_certificate.held.count)]
            if (ranges, summed(id_lines(ids))) != (purge_certificate.ranges, purge_certificate.held):
                raise CustodyError(f"{path}: the lines of the certificate were changed")
            yield purge_certificate, ids


def _sweep(plan: UUID, part: PlannedPart) -> None:
    """Have rows go one by one, those of the ledger once it says so."""
    if part.dropped:
        return
    ledger, _, bodies = part.retention.partition("ledger_")
    if not ledger:
        until = datetime.fromisoformat(part.ends).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        append(LedgerEvent.ERASED, {"class": bodies, "until": until, "plan": str(plan)})
    behind: int | None = 0
    while behind is not None:
        with transaction.atomic():
            ((behind,),) = rows("SELECT archive_sweep(%s, %s, %s, %s)", [plan, part.retention, behind, ERASED_AT_ONCE])


def _forget(plan: UUID) -> None:
    """Have search forget what went, a page of plates after the other."""
    ((weeks,),) = rows(
        "SELECT array_agg(DISTINCT week ORDER BY week) FROM archive_part, unnest(weeks) AS week WHERE plan = %s", [plan]
    )
    behind: str | None = "" if weeks else None
    while behind is not None:
        ((behind,),) = rows("SELECT search_forget(%s::smallint[], %s, %s)", [weeks, behind, FORGOTTEN_AT_ONCE])


def _groups(plan: UUID) -> list[str | None]:
    """Return of what there is a certificate: None first, for all that is not covert."""
    groups = rows(
        "SELECT DISTINCT covert_group FROM archive_outcome WHERE plan = %s AND covert_group IS NOT NULL ORDER BY 1",
        [plan],
    )
    return [None, *(group for (group,) in groups)]


@dataclass(frozen=True, slots=True)
class _Certificate:
    """A certificate and what stands beside it."""

    content: PurgeCertificate
    signed: str
    plan: UUID
    held: list[int]

    def lines(self) -> Iterator[bytes]:
        yield json.dumps({"certificate": self.signed}).encode()
        yield from range_lines(connection.connection, self.plan, self.content.covert_group)
        yield from id_lines(self.held)


def _certified(asked: PurgePlan, group: str | None, certifier: Certifier) -> _Certificate:
    """Make a certificate of what went of a covert group, or of all else."""
    stamp = 'CASE WHEN isfinite(p.{0}) THEN to_char(p.{0}, \'YYYY-MM-DD"T"HH24:MI:SS"Z"\') ELSE p.{0}::text END'
    fetched = rows(
        f"SELECT p.class, {stamp.format('begins')}, {stamp.format('ends')}, o.counts, o.held FROM archive_part p"  # noqa: S608 - our own columns
        " LEFT JOIN archive_outcome o ON (o.plan, o.class, o.begins) = (p.plan, p.class, p.begins)"
        " AND o.covert_group IS NOT DISTINCT FROM %s WHERE p.plan = %s AND (o.plan IS NOT NULL OR %s::text IS NULL)"
        " ORDER BY p.begins, p.class",
        [group, asked.plan, group],
    )
    held = sorted({number for row in fetched for number in row[4] or ()})
    zero = dict.fromkeys(("records", "reads", "hits", "pictures", "held"), 0)
    plan = PurgeCertificate(
        plan=asked.plan,
        replays=asked.replays,
        agency=certifier.settings.agency,
        custodian=certifier.settings.custodian,
        law=asked.law,
        covert_group=group,
        planned_by=asked.planned_by,
        approved_by=asked.approved_by or "",
        resolution=asked.resolution,
        resolution_date=asked.resolution_date,
        attorney=asked.attorney,
        consent_date=asked.consent_date,
        review=asked.review,
        begun_at=asked.begun_at or asked.planned_at,
        done_at=datetime.now(UTC),
        parts=tuple(
            PurgedPart(retention=retention, begins=begins, ends=ends, **zero | json.loads(counts or "{}"))
            for retention, begins, ends, counts, _ in fetched
        ),
        ranges=summed(range_lines(connection.connection, asked.plan, group)),
        held=summed(id_lines(held)),
    )
    return _Certificate(plan, plan.signed(certifier.key), asked.plan, held)
