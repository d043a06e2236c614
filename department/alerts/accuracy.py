"""How many reads are wrong, by random reads of each post and week that two people label who do not know what was read.

Rejections of hits tell of hits alone, which misreads make likelier. Of these reads chance alone decides. What was never
read, no picture shows: that is not measured here.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from pydantic import ValidationError

from platepost.common.errors import RecordError
from platepost.department.alerts.errors import AlertError, refusals
from platepost.department.alerts.quality import RejectRate, reject_rate
from platepost.department.custody.errors import CustodyError
from platepost.department.custody.projections import folded
from platepost.department.custody.reading import picture, whole_records
from platepost.department.custody.record import PictureBytes, RecordRow
from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.ledger.writing import entering
from platepost.department.people.models import DepartmentPerson
from platepost.department.policy.policy import AccessPurpose, policy_in_force
from platepost.wire.records.envelope import read_event
from platepost.wire.records.read import Read

SPAN = timedelta(weeks=12)
"""Of which weeks a rate is made."""
_NEXT = """
SELECT id FROM alerts_sample AS sample WHERE week > %s AND NOT gone
AND NOT EXISTS (SELECT FROM alerts_settled WHERE sample_id = sample.id)
AND NOT EXISTS (SELECT FROM alerts_label WHERE sample_id = sample.id AND person = %s)
ORDER BY (SELECT count(*) FROM alerts_label WHERE sample_id = sample.id) DESC, week, id LIMIT 1
"""
_COUNTS = """
SELECT post, coalesce(verdict, 'open'), count(*) FROM alerts_sample AS sample
LEFT JOIN alerts_settled AS settled ON settled.sample_id = sample.id
WHERE week > %s AND (verdict IS NOT NULL OR NOT gone) GROUP BY 1, 2 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class SampledReads:
    """What two people agreed on about random reads."""

    wrong: RejectRate
    """`rejected` are wrong, `decided` are those that are legible."""
    illegible: int
    open: int
    """On which no two people agreed yet."""


def draw_samples() -> int:
    """Draw random reads for the last weeks that have none, as many as the policy says; return how many."""
    ((drawn,),) = rows("SELECT alerts_draw(%s)", [policy_in_force().accuracy_reads])
    return int(drawn)


def sampled_reads() -> dict[str, SampledReads]:
    """Return what was found of the last twelve weeks: of `all`, and by post."""
    counts: dict[str, dict[str, int]] = {"all": {}}
    for post, verdict, count in rows(_COUNTS, [_since()]):
        counts["all"][verdict] = counts["all"].get(verdict, 0) + count
        counts.setdefault(post, {})[verdict] = count
    return {name: _sampled(verdicts) for name, verdicts in counts.items()}


def next_sample(person: DepartmentPerson) -> int | None:
    """Return the number of a sample that someone has not labeled; None where there is none."""
    return next((number for (number,) in rows(_NEXT, [_since(), person.login])), None)


def sample_picture(sample: int, person: DepartmentPerson) -> PictureBytes | None:
    """Return the picture of a sample's plate, under an entry of the ledger; None if there is none.

    Raises:
        PurposeError: the policy lacks the purpose of audits.
        CustodyError: its bytes are damaged.
        LedgerError: it cannot be entered.

    """
    for (record,) in rows("SELECT record_id FROM alerts_sample WHERE id = %s", [sample]):
        with _opened(sample, person) as entry:
            return picture(entry, record, "patch")
    return None


def label_sample(sample: int, person: DepartmentPerson, text: str) -> None:
    """Note whether what a person sees matches the read, without telling them; the plate they type is not kept.

    Args:
        sample: its number.
        person: who.
        text: what the picture shows; empty where it is illegible.

    Raises:
        AlertError: they, or two others, have labeled it, or they may not; or the read is not kept any more.

    The other errors are those of `sample_picture`.
    """
    read = ""
    for (record,) in rows("SELECT record_id FROM alerts_sample WHERE id = %s", [sample]):
        with _opened(sample, person) as entry:
            records = whole_records(entry, records=[record], lacking={})
        if not records:
            raise AlertError("This read is not kept any more.", "alerts_unknown")
        read = _plate_of(records[0][0])
    seen = folded(re.sub(r"[^A-Z0-9]", "", text.upper()))
    verdict = "illegible" if not (seen and read) else "right" if seen == folded(read) else "wrong"
    fields = {"person": person.login, "sample": sample, "verdict": verdict}
    with refusals(), entering(LedgerEvent.READ_LABELED, fields), connection.cursor() as cursor:
        values: list[Any] = [sample, person.login, verdict]
        cursor.execute("INSERT INTO alerts_label (sample_id, person, verdict) VALUES (%s, %s, %s)", values)


def _plate_of(record: RecordRow) -> str:
    """Return the plate of a read; nothing where the record cannot be read, so that it counts as illegible."""
    try:
        data = read_event(record.restored().event or {}).data
    except (CustodyError, RecordError, ValidationError):
        return ""
    return data.plate_read if isinstance(data, Read) else ""


def _opened(sample: int, person: DepartmentPerson) -> OpenEntry:
    purpose = AccessPurpose(policy_in_force().misuse.purpose, reason="how many reads are wrong")
    return open_entry(person=person.login, agency=person.agency, purpose=purpose, query={"sample": sample})


def _sampled(verdicts: dict[str, int]) -> SampledReads:
    wrong, right = verdicts.get("wrong", 0), verdicts.get("right", 0)
    return SampledReads(reject_rate(wrong, wrong + right), verdicts.get("illegible", 0), verdicts.get("open", 0))


def _since() -> date:
    return (datetime.now(UTC) - SPAN).date()
