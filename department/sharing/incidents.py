"""Breaches: an incident opens a clock, and whom it affects is computed from the ledger and from what was kept.

Of an account or a browser the ledger says which records and plates were shown under it. Who hears every read, or has a
backup, could have seen all that was kept in a time.
"""

import csv
import io
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models.functions import Now

from platepost.department.archive.evidence_package import AFFECTED, AFFECTED_TABLE, LARGEST, RecipientKey, pack, seal
from platepost.department.archive.models import BackupRecord
from platepost.department.custody.projections import folded
from platepost.department.custody.reading import (
    MOST_ROWS,
    PlateSummary,
    ReadFilter,
    hits,
    kept_plates,
    reads,
    whole_records,
)
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.direct_feeds import stored_register
from platepost.department.ledger.entries import OpenEntry, open_entry, open_log
from platepost.department.ledger.models import Agency
from platepost.department.ledger.reading import cover_entries, reading
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.services import covert_groups, disable, invite
from platepost.department.policy.policy import AccessPurpose, policy_in_force
from platepost.department.sharing.errors import SharingError, operation
from platepost.department.sharing.models import BreachIncident
from platepost.department.web.moments import second

NOTICE = timedelta(days=30)
"""Civ. Code 1798.29 asks for notice without unreasonable delay; this is the department's longest."""
ATTORNEY_GENERAL = 500
"""Above so many the attorney general gets a copy: Civ. Code 1798.29 (e)."""
_PAGES, _PAGES_SECONDS = 9, 120.0
"""Of plates under one entry of the ledger, at most; it shows nothing any more after five minutes."""
_MOST_BYTES = LARGEST - 2**24
"""Of a list, that it can be opened: some five million plates."""
_MOST_TABLE_BYTES = 2**23
"""Of a list that has a table as well: some hundred thousand plates, more than a spreadsheet opens with ease."""
_PLATE = re.compile("[A-Z0-9]{2,10}")
"""A whole one, as the ledger has it."""
_SESSION = timedelta(hours=12)
_LOGGED_ON = """
SELECT who.value::json #>> '{}', line.at, (
    SELECT min(later.at) FROM ledger_entry AS later
    JOIN ledger_body AS off ON off.entry = later.entry AND off.field = 'person' AND off.value = who.value
    JOIN ledger_body AS there ON there.entry = later.entry AND there.field = 'device' AND there.value = device.value
    WHERE later.event = 'log_off' AND later.at > line.at
) FROM ledger_entry AS line
JOIN ledger_body AS device ON device.entry = line.entry AND device.field = 'device'
JOIN ledger_body AS who ON who.entry = line.entry AND who.field = 'person'
WHERE line.event = 'log_on' AND line.entry = ANY ((SELECT ledger_covered_entries())::uuid[]) ORDER BY line.number
"""
_SHOWN = """
SELECT body.field, body.value FROM ledger_entry AS opening
JOIN ledger_body AS who ON who.entry = opening.entry AND who.field = 'person' AND who.value = %s
JOIN ledger_entry AS shown ON coalesce(shown.refers_to, shown.entry) = opening.entry
    AND shown.event IN ('shown', 'failed', 'list_shown')
JOIN ledger_body AS body ON body.entry = shown.entry
    AND body.field IN ('records', 'pictures', 'plates', 'covert', 'entries')
WHERE opening.at >= %s AND opening.at < %s ORDER BY shown.number
"""
"""Records, entries of the hot list, and entries of the ledger itself."""
_READ = """
SELECT body.field, body.value FROM ledger_entry AS line JOIN ledger_body AS body ON body.entry = line.entry
WHERE line.number = ANY (%s) AND body.field IN ('query', 'plates', 'shown', 'covert')
"""
"""What entries of the ledger that were read say of plates."""
_JOURNALED = """
SELECT body.field, body.value FROM ledger_entry AS line
JOIN ledger_body AS who ON who.entry = line.entry AND who.field = 'person' AND who.value = %s
JOIN ledger_body AS noted ON noted.entry = line.entry AND noted.field = 'time'
JOIN ledger_body AS body ON body.entry = line.entry AND body.field IN ('shown', 'covert')
WHERE line.event = 'journaled' AND (noted.value::json #>> '{}')::timestamptz >= %s
AND (noted.value::json #>> '{}')::timestamptz < %s ORDER BY line.number
"""
"""Hits that were shown while the ledger could not be written."""


@dataclass(slots=True)
class BreachExposure:
    """Whom an incident affects."""

    lines: bytearray = field(default_factory=bytearray)
    """A line of JSON for each plate: its text; and its reads by record, each with its post and when it was captured, or
    only how many there are, the first and the last."""
    plates: int = 0
    reads: int = 0
    """Reads and hits of all plates."""
    pictures: set[tuple[int, str]] = field(default_factory=set)
    """That were shown: record and kind."""
    gone: set[int] = field(default_factory=set)
    """Records that were shown and are not kept any more."""

    def add(self, plate: str, count: int, /, **fields: Any) -> None:
        """Add a plate with so many reads."""
        self.lines += json.dumps({"plate": plate, **fields}, default=str).encode() + b"\n"
        self.plates, self.reads = self.plates + 1, self.reads + count
        if len(self.lines) > _MOST_BYTES:
            raise SharingError(f"the list is larger than {_MOST_BYTES} bytes", "sharing_most")

    def list(self, incident: BreachIncident) -> bytes:
        """Return the list for the records manager: a line of JSON for the incident, and one for each plate."""
        about = {
            "incident": incident.pk, "kind": incident.kind, "subject": incident.subject, "since": incident.since,
            "until": incident.until, "encrypted": incident.encrypted, "plates": self.plates,
            "pictures": sorted(self.pictures), "gone": sorted(self.gone),
        }  # fmt: skip
        return json.dumps(about, default=str).encode() + b"\n" + self.lines

    def table(self) -> bytes:
        """Return the list as CSV: a line for each plate, its times in the department's time zone."""
        written = io.StringIO()
        table = csv.writer(written)
        table.writerow(("Plate", "Reads shown", "First read", "Last read", "Cameras"))
        for line in self.lines.splitlines():
            plate = json.loads(line)
            of_plate = plate.get("reads", {}).values()
            times = sorted(at for _, at in of_plate) or [plate.get("first"), plate.get("last")]
            count = plate.get("count", len(of_plate))
            cameras = "; ".join(sorted({post for post, _ in of_plate}))
            table.writerow((plate["plate"], count, _local(times[0]), _local(times[-1]), cameras))
        return written.getvalue().encode()


def _local(at: str | None) -> str:
    return "" if at is None else second(datetime.fromisoformat(at))


def open_incident(*, person: str, **fields: Any) -> BreachIncident:
    """Enter an incident; its clock runs from the day on which it became known.

    Raises:
        SharingError: its time ends before it begins, or the person is no records manager.

    """
    due = fields["known_on"] + NOTICE
    named = {"person": person, "kind": fields["kind"], "subject": fields["subject"], "due": due}
    with operation(LedgerEvent.INCIDENT_OPENED, **named) as entry:
        incident = BreachIncident.objects.create(person=person, notify_by=due, **fields)
        entry["incident"] = incident.pk
    return incident


def exposure(incident: BreachIncident, *, person: DepartmentPerson) -> BreachExposure:
    """Compute whom an incident affects, under entries of the ledger. Of covert groups, what the person may see.

    Raises:
        SharingError: it is too much for one incident.
        LedgerError: it cannot be entered.

    """
    asked: dict[str, Any] = {
        "person": person.login,
        "agency": person.agency,
        "purpose": AccessPurpose(policy_in_force().misuse.purpose, f"incident {incident.pk}"),
        "query": {"incident": incident.pk},
        "groups": covert_groups(person),
    }
    breach_exposure = BreachExposure()
    if incident.kind in {"subscriber", "backup"}:
        for stored in _kept(asked, incident):
            breach_exposure.add(
                stored.spelled, stored.count, count=stored.count, first=stored.first_seen, last=stored.last_seen
            )
        return breach_exposure
    records: set[int] = set()
    plates: dict[str, tuple[str, dict[int, tuple[str, datetime]]]] = {}
    """By the plate with O as 0 and I as 1, its text and its reads."""
    with open_log(**asked) as log:
        for fields in _shown(log, incident):
            records |= {*fields.get("records", ()), *(record for record, _ in fields.get("pictures", ()))}
            breach_exposure.pictures |= {(record, kind) for record, kind in fields.get("pictures", ())}
            for plate in fields.get("plates", ()):
                plates.setdefault(folded(plate), (plate, {}))
    shown_records = sorted(records)
    with open_entry(**asked) as entry:
        for query in (reads, hits):
            for part in _parts(shown_records):
                for row in query(entry, ReadFilter(records=part)):
                    _, reads_of_plate = plates.setdefault(row["plate_fold"], (row["plate_read"], {}))
                    reads_of_plate[row["record_id"]] = row["post"], row["captured_at"]
                    records.discard(row["record_id"])
        # What is left is of no plate, such as a post's status, or is not kept any more.
        for part in _parts(sorted(records)):
            records -= {stored.id for stored, _ in whole_records(entry, records=part, lacking={})}
    for _, (plate, reads_of_plate) in sorted(plates.items()):
        breach_exposure.add(plate, len(reads_of_plate), reads=reads_of_plate)
    breach_exposure.gone = records
    return breach_exposure


def _kept(asked: Mapping[str, Any], incident: BreachIncident) -> Iterator[PlateSummary]:
    """Yield the plates of what was kept within the incident's time; of a backup, of all that was kept before it."""
    read_filter = ReadFilter(
        kept_since=incident.since if incident.kind == "subscriber" else None, kept_until=incident.until
    )
    behind, more = "", True
    while more:
        with open_entry(**asked) as entry:
            end = time.monotonic() + _PAGES_SECONDS
            for _ in range(_PAGES):
                page, more = kept_plates(entry, read_filter, behind=behind, limit=MOST_ROWS)
                yield from page
                if not more or time.monotonic() > end:
                    break
                behind = page[-1].plate


def _shown(log: OpenEntry, incident: BreachIncident) -> Iterator[dict[str, Any]]:
    """Yield each part of what was shown under an account, or to anyone who was logged on from a browser."""
    spans = [(incident.subject, incident.since, incident.until)]
    if incident.kind == "device":
        device = {"device": [json.dumps(incident.subject)]}
        since = incident.since - _SESSION
        cover_entries(log, fields=device, events=["log_on"], since=since, until=incident.until)
        cover_entries(log, fields=device, events=["log_off"], since=since, until=incident.until + _SESSION)
        with reading(log) as cursor:
            cursor.execute(_LOGGED_ON)
            spans = [
                (person, max(at, incident.since), min(off or at + _SESSION, at + _SESSION, incident.until))
                for person, at, off in cursor.fetchall()
            ]
    for person, since, until in spans:
        of_person: dict[str, Any] = {"fields": {"person": [json.dumps(person)]}}
        opening = ["intent", "log_intent", "list_shown"]
        cover_entries(log, **of_person, events=opening, since=since, until=until, closing=True)
        cover_entries(log, **of_person, events=["journaled"], since=since)
        with reading(log) as cursor:
            cursor.execute(_SHOWN, [json.dumps(person), since, until])
            shown = [(name, json.loads(value)) for name, value in cursor.fetchall()]
            cursor.execute(_JOURNALED, [json.dumps(person), since, until])
            journaled = [(name, json.loads(value)) for name, value in cursor.fetchall()]
        entries = list[int]()
        for name, payload in shown:
            for part in payload.values() if name == "covert" else [{name: payload}]:
                yield part
                entries += part.get("entries", ())
        for name, payload in journaled:
            for part in payload.values() if name == "covert" else [payload]:
                yield {"plates": [part["plate"]] if "plate" in part else []}
        if entries:
            cover_entries(log, numbers=entries)
            with reading(log) as cursor:
                cursor.execute(_READ, [entries])
                yield {"plates": _plates_in(cursor.fetchall())}


def _plates_in(bodies: Sequence[tuple[str, str]]) -> list[str]:
    """Return the plates that entries of the ledger have, by their bodies; a pattern is none."""
    distinct: dict[str, None] = {}
    for name, value in bodies:
        payload = json.loads(value)
        for part in (
            [*payload.values()] if name == "covert" else [payload if name in {"query", "shown"} else {name: payload}]
        ):
            plates = [part.get("plate"), *part.get("plates", ())] if isinstance(part, Mapping) else []
            distinct |= dict.fromkeys(plate for plate in plates if isinstance(plate, str) and _PLATE.fullmatch(plate))
    return [*distinct]


def _parts(records: Sequence[int]) -> Iterator[Sequence[int]]:
    return (records[first : first + MOST_ROWS] for first in range(0, len(records), MOST_ROWS))


def sealed_list(incident: BreachIncident, recipient: RecipientKey, *, person: DepartmentPerson) -> bytes:
    """Compute an incident's exposure, note how much it is, and return the list, encrypted to the recipient.

    Errors are those of `exposure`.
    """
    breach_exposure = exposure(incident, person=person)
    files = {AFFECTED: breach_exposure.list(incident)}
    if len(breach_exposure.lines) <= _MOST_TABLE_BYTES:
        files[AFFECTED_TABLE] = breach_exposure.table()
    sealed = seal(pack(files), recipient)
    counts = {"plates": breach_exposure.plates, "reads": breach_exposure.reads, "gone": len(breach_exposure.gone)}
    digest = sha256(sealed).hexdigest()
    with operation(LedgerEvent.EXPOSURE_COMPUTED, person=person.login, incident=incident.pk, digest=digest, **counts):
        BreachIncident.objects.filter(pk=incident.pk).update(computed_at=Now(), digest=digest, **counts)
    return sealed


@dataclass(frozen=True, slots=True)
class BreachStep:
    """A step of whoever leads the response to a breach, in order."""

    name: str
    """Of the step, for the page."""
    done: bool
    needed: bool = True
    """Whether it applies to this incident."""


def lead_steps(incident: BreachIncident) -> list[BreachStep]:
    """Return what the lead does, from containing the breach to recording that people were notified."""
    owed = not incident.encrypted
    many = (incident.plates or 0) > ATTORNEY_GENERAL
    return [
        BreachStep("contain", all(done for _, done in containment(incident))),
        BreachStep("compute", incident.computed_at is not None),
        BreachStep("owners", incident.notified_at is not None, owed),
        BreachStep("notices", incident.notified_at is not None, owed),
        BreachStep("attorney_general", incident.notified_at is not None, owed and many),
        BreachStep("notified", incident.notified_at is not None, owed),
    ]


def note_notices(incident: BreachIncident, *, person: str) -> None:
    """Note that the affected were told. Raises SharingError: it was noted, or no one has computed who they are."""
    with operation(LedgerEvent.BREACH_NOTIFIED, person=person, incident=incident.pk, plates=incident.plates):
        BreachIncident.objects.filter(pk=incident.pk).update(notified_by=person, notified_at=Now())


def containment(incident: BreachIncident) -> list[tuple[str, bool]]:
    """Return what is to be done at once, each with whether the department's records say that it was done."""
    if incident.kind == "account" and (agency := incident.subject.partition("@")[2]):
        answered = Agency.objects.filter(name=agency, allowed=True).exists()
        return [(f"Have {agency} disable the account; until it has, let no agreement with it count", not answered)]
    if incident.kind == "account":
        disabled = DepartmentPerson.objects.filter(login=incident.subject).exclude(disabled_at=None).exists()
        return [("Disable the account on its page; its sessions end with it", disabled)]
    if incident.kind == "device":
        logged = DepartmentPerson.objects.filter(devices__device=_uuid(incident.subject), disabled_at=None)
        done = all(not _factors_before(person, incident) for person in logged)
        return [("Invite again, or disable, each person who logged on there: their factors and sessions end", done)]
    if incident.kind == "subscriber":
        register = stored_register()
        hears = any(holder.name == incident.subject for holder in (register and register.readers) or ())
        return [("Take the reads from the subscriber, revoke its certificate, and export the register", not hears)]
    removed = BackupRecord.objects.filter(sha256=incident.subject).exclude(removed_at=None).exists()
    return [("Destroy what is left of the backup, and name another key in backup_keys", removed)]


def contain(incident: BreachIncident) -> dict[str, str]:
    """Do what the department can do by itself, as its owner: disable an account; invite who logged on from a browser.

    Returns:
        By log-in, the code with which someone logs in once to set factors up.

    """
    if incident.kind == "account":
        for person in DepartmentPerson.objects.filter(login=incident.subject, disabled_at=None):
            disable(person)
    if incident.kind != "device":
        return {}
    logged = DepartmentPerson.objects.filter(devices__device=_uuid(incident.subject), disabled_at=None).distinct()
    return {person.login: invite(person, alone=True).code for person in logged if _factors_before(person, incident)}


def _factors_before(person: DepartmentPerson, incident: BreachIncident) -> bool:
    return bool(Authenticator.objects.filter(user=person, created_at__lt=incident.at).exists())


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)  # of no browser
