"""Looks back: where a vehicle of a new entry was, as a search of the author's with a purpose.

What is found are leads. They raise no alarm, and are kept for a term of their own; a lead is a number, and what the
read says is read again, under an entry of the ledger, by anyone who opens it.
"""

from datetime import UTC, datetime, timedelta

from platepost.department.custody.reading import ReadFilter, ShownRow, reads
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.lists.errors import ListRefusedError
from platepost.department.lists.models import ListEntry, ListLead
from platepost.department.lists.services import seeing
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.services import covert_groups
from platepost.department.policy.policy import AccessPurpose, policy_in_force
from platepost.department.search.patterns import PlatePattern
from platepost.department.search.plates import PlateQuery, find_plates, in_time
from platepost.wire.hotlist.keys import PlateText, fold

MOST_LEADS = 500
"""Of one entry, the latest."""
MOST_PLATES = 100
"""That an entry is looked for as, the likeliest."""


def look_back(entry: ListEntry, purpose: AccessPurpose, by: DepartmentPerson) -> int:
    """Search the past for a new entry, and keep the leads; return how many there are.

    Raises:
        ListRefusedError: no one else has approved a covert entry yet.
        PurposeError: the policy does not allow it for this purpose.
        SearchError: the partial plate says too little, or it took too long.
        LedgerError: it cannot be entered.

    """
    now = datetime.now(UTC)
    policy = policy_in_force()
    back = {name: days for name, days in policy.lists.look_back.items() if days}
    since = {name: now - timedelta(days=days) for name, days in back.items()}
    if not since or entry.safe:
        return 0
    # No auditor outside the group sees for which plate: no one may search so alone, whatever the policy allows.
    if entry.distribution is not None and entry.approved_at is None:
        raise ListRefusedError("the past is searched for a covert entry once someone else has approved it")
    first = min(since.values())
    # The same each time: where a supervisor approves searches, that is the search that was approved.
    with _opened(entry, purpose, by, days=back) as opened:
        plates = _plates(opened, entry, first)
        with in_time():
            past_reads = reads(opened, ReadFilter(plates=plates, since=first), limit=MOST_LEADS) if plates else []
    leads = [row for row in past_reads if row["class"] in since and row["captured_at"] >= since[row["class"]]]
    with seeing(by, numbers=[entry.pk]):
        ListLead.objects.bulk_create(
            [ListLead(entry=entry, record_id=row["record_id"], plate_fold=row["plate_fold"]) for row in leads],
            ignore_conflicts=True,
        )
    return len(leads)


def open_leads(entry: ListEntry, purpose: AccessPurpose, by: DepartmentPerson) -> list[ShownRow]:
    """Return the reads that an entry's leads name and that are kept still, the latest first. Raises as `look_back`."""
    with seeing(by, numbers=[entry.pk]):
        leads = list(ListLead.objects.filter(entry=entry).values_list("record_id", "plate_fold"))
    if not leads:
        return []
    with _opened(entry, purpose, by, leads=len(leads)) as opened, in_time():
        plates = sorted({plate for _, plate in leads})
        return reads(opened, ReadFilter(records=[record for record, _ in leads], plates=plates), limit=MOST_LEADS)


def _opened(entry: ListEntry, purpose: AccessPurpose, by: DepartmentPerson, **asked: object) -> OpenEntry:
    # Of a covert entry the ledger has the number: what it is, why, and what was found, its group can see.
    covert = entry.distribution is not None
    query = {"list_entry": entry.pk, **({} if covert else {"plate": entry.plate}), **asked}
    opened = open_entry(
        person=by.login,
        agency=by.agency,
        purpose=purpose,
        query=query,
        groups=covert_groups(by),
        instead_of_case=f"#{entry.pk}" if covert else "",
    ).all_of(entry.distribution)
    if covert:
        opened.fetched(steps=[{"case": purpose.case, "reason": purpose.reason}])
    return opened


def _plates(opened: OpenEntry, entry: ListEntry, since: datetime) -> list[str]:
    """Return the plates, as read, that may be the entry's: the whole plate, and reads with a hidden character."""
    query = PlateQuery(pattern=PlatePattern.parse(entry.plate), since=since)
    fitting = [match.seen.plate for match in find_plates(opened, query, limit=MOST_PLATES).plates]
    # Reads that only a group may see are not in the dictionary that is searched.
    whole = [] if entry.partial else [fold(PlateText(entry.plate))]
    return [*{*whole, *(plate for plate in fitting if entry.characters in {None, len(plate)})}]
