"""Changes of lists by people. Each is one transaction with one entry in the ledger, and a request to publish.

What the database refuses, no matter who asks, is in `sql/`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from django.db import transaction
from django.db.models.functions import Now

from platepost.department.custody.reading import under
from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.wording import require_words
from platepost.department.ledger.writing import acting_session, begin_by, entering
from platepost.department.lists.errors import WHY, ListRefusedError, refusals
from platepost.department.lists.imports import held_imports
from platepost.department.lists.models import ListEntry, ListImport, ListRecovery, ListRequest
from platepost.department.people.authorization import authorization_of
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.policy import AccessPurpose, ListRules, policy_in_force
from platepost.provisioning.hotlist.cleaning import clean_reference
from platepost.provisioning.hotlist.rows import RowRefusedError
from platepost.wire.hotlist.layout import MOST_PATTERNS

_NUMBER = re.compile(r"#(\d{1,18})$")
"""In `ListEntry.reference`, at its end."""
_LARGEST_NUMBER = 10**18 - 1
"""That `_NUMBER` takes."""


@contextmanager
def seeing(
    person: DepartmentPerson,
    *,
    numbers: Sequence[int] = (),
    plate: str | None = None,
    page: int | None = None,
    before: int | None = None,
) -> Iterator[None]:
    """Open a transaction in which a person sees entries, of covert ones those of their groups.

    That they are about to see them is entered in the ledger before.

    Args:
        person: who.
        numbers: of entries; other ones of the same plates are seen, too.
        plate: whose entries are seen, too.
        page: instead, how many entries a page of the list shows.
        before: on that page, only entries in force with smaller numbers.

    Raises:
        LedgerError: it cannot be entered.

    """
    opened = None
    if numbers or plate is not None or page is not None:
        opened = begin_by("lists_show", [acting_session(), person.login, [*numbers], plate, page, before])
    with refusals(), transaction.atomic():
        # The database asks whose session it is; a program says so itself.
        rows(
            "SELECT set_config('platepost.person', %s, true), set_config('platepost.session', %s, true),"
            " set_config('platepost.list_shown', %s, true)",
            [person.login, acting_session() or "", str(opened or "")],
        )
        yield


def listed_by(opened: OpenEntry, record: int, reference: str | None) -> ListEntry | None:
    """Return the entry that a hit names in its reference, if it is of the hit's very plate and group.

    A row of an import has a reference of its source's: one that looks like ours is of another plate.

    Args:
        opened: under which the hit is read.
        record: the hit's.
        reference: what it names.

    """
    named = _NUMBER.search(reference or "")
    if named is None:
        return None
    with suppress(LedgerError), under(opened):  # without it, a hit is shown all the same
        return next(iter(ListEntry.objects.raw("SELECT * FROM lists_of_hit(%s, %s)", [record, int(named[1])])), None)
    return None


def also_in(entry: ListEntry) -> list[int]:
    """Return the other entries that stand of the same plate, or pattern: to end one takes no car off the list.

    Call it within `seeing` of that entry: of covert groups only those of the person are among them.
    """
    covert_plates = rows(
        "SELECT id FROM lists_entry WHERE translate(plate, 'OI', '01') = translate(%s, 'OI', '01') AND id <> %s"
        " AND NOT safe AND ended_at IS NULL AND expires_at > clock_timestamp() ORDER BY id",
        [entry.plate, entry.pk],
    )
    return [number for (number,) in covert_plates]


def only_categories(by: DepartmentPerson) -> tuple[str, ...] | None:
    """Return the categories in which a dispatcher may enter plates; None for a person who may enter any."""
    free = {DepartmentRole.OPERATOR, DepartmentRole.SUPERVISOR} & authorization_of(by).roles
    return None if free else policy_in_force().lists.dispatchers


def _needs_second(entry: ListEntry, rules: ListRules, *, dispatcher: bool) -> bool:
    """Tell whether the policy asks for a second person's approval of an entry."""
    kinds = {
        "all": True,
        "dispatcher": dispatcher,
        entry.category: True,
        "covert": entry.distribution is not None,
        "safe": entry.safe,
        "partial": entry.partial,
    }
    return any(kinds.get(what, False) for what in rules.two_persons)


def enter_entry(entry: ListEntry, by: DepartmentPerson) -> None:
    """Save a new entry, and have it published unless a second person must approve it before.

    Raises:
        ListRefusedError: a rule forbids it, or there are as many partial plates as posts carry.
        LedgerError: it cannot be entered; nothing is done.

    """
    case = entry.case_number.strip()
    require_words(
        ListRefusedError,
        person=by.login,
        what="list entry",
        texts={
            "case number": case,
            "reason": entry.reason,
            "description of the vehicle": entry.vehicle,
            "instructions": entry.instructions,
        },
        # The department's own vehicle needs no case.
        purpose=AccessPurpose(entry.purpose, case or None, entry.reason, exigent=entry.safe),
        covert=entry.distribution is not None,
    )
    fields = {"person": by.login, "kind": _kind(entry), "until": entry.expires_at.isoformat()}
    with seeing(by), entering(LedgerEvent.LIST_ENTERED, fields) as noted:
        only = only_categories(by)
        if only is not None and entry.category not in only:
            raise ListRefusedError(WHY["lists_dispatcher"])
        _check_room(entry)
        _check_reference(entry)
        entry.author, entry.over_at = by.login, entry.expires_at
        entry.second_person = _needs_second(entry, policy_in_force().lists, dispatcher=only is not None)
        entry.save(force_insert=True)
        # The database may ask for more than the policy's file.
        entry.refresh_from_db(fields=["made_at", "second_person", "at_once"])
        if entry.at_once or not entry.second_person:
            ListRequest.objects.create(kind="delta", person=by.login)
        noted |= {"entry": entry.pk, "second_person": entry.second_person}


def approve_entry(entry: ListEntry, by: DepartmentPerson) -> None:
    """Approve another's entry, and have it published. Raises as `enter_entry` does."""
    with (
        seeing(by, numbers=[entry.pk]),
        entering(LedgerEvent.LIST_APPROVED, {"person": by.login, "entry": entry.pk}),
    ):
        _check_room(entry)
        waiting = ListEntry.objects.filter(pk=entry.pk, second_person=True, ended_at=None, approved_at=None)
        if not waiting.update(approved_by=by.login, approved_at=Now()):
            raise ListRefusedError("it waits for no approval")
        ListRequest.objects.create(kind="delta", person=by.login)


def end_entry(entry: ListEntry, because: str, by: DepartmentPerson) -> None:
    """End an entry, have it taken off the list, and take its open alerts back. Raises as `enter_entry` does."""
    why = because if entry.distribution is None else "covert"  # the entry has it, for its group
    with (
        seeing(by, numbers=[entry.pk]),
        entering(LedgerEvent.LIST_ENDED, {"person": by.login, "entry": entry.pk, "why": why}),
    ):
        _end([entry], because, by)
        ListRequest.objects.create(kind="delta", person=by.login)


def recover(plate: str, because: str, by: DepartmentPerson) -> list[ListEntry]:
    """Take a recovered car off the list: all entries that name its whole plate, and the rows of imports.

    Open alerts of that plate are withdrawn at once, before posts have the new list.

    Args:
        plate: as listed, A-Z and 0-9.
        because: what is known, such as who found it.
        by: who says so.

    Returns:
        The entries of people that ended.

    Raises as `enter_entry` does.
    """
    with seeing(by, plate=plate), entering(LedgerEvent.LIST_RECOVERED, {"person": by.login}) as noted:
        covert_plates = list(ListEntry.objects.filter(plate=plate, ended_at=None, safe=False))
        if covert_plates:
            _end(covert_plates, "recovered", by)
        withdraw_listed([plate], group=None, person=by.login)  # of a row of an import
        recovery = ListRecovery.objects.create(plate=plate, person=by.login, reason=because)
        ListRequest.objects.create(kind="delta", person=by.login)
        # The number of a covert entry is no plate, but that one was ended is its group's matter.
        noted |= {
            "recovery": recovery.pk,
            "entries": [entry.pk for entry in covert_plates if entry.distribution is None],
        }
    return covert_plates


def let_import_go(number: int, why: str, by: DepartmentPerson) -> None:
    """Let the rows of a held import count. Raises as `enter_entry` does."""
    fields = {"person": by.login, "what": "import", "number": number, "why": why}
    with seeing(by), entering(LedgerEvent.LIST_LET_GO, fields):
        if number not in {held_import.pk for held_import in held_imports()}:
            raise ListRefusedError("it is not held, or a later file of its source counts")
        held = ListImport.objects.filter(pk=number, let_go_at=None)
        if not held.update(let_go_by=by.login, let_go_at=Now()):
            raise ListRefusedError("it is not held")
        ListRequest.objects.create(kind="complete", person=by.login, override=why)


def let_request_go(number: int, why: str, by: DepartmentPerson) -> None:
    """Have a list published whose size is beyond belief, for a reason. Raises as `enter_entry` does."""
    fields = {"person": by.login, "what": "request", "number": number, "why": why}
    with seeing(by), entering(LedgerEvent.LIST_LET_GO, fields):
        held = ListRequest.objects.filter(pk=number, state="held").first()
        if held is None:
            raise ListRefusedError("it is not held")
        ListRequest.objects.filter(pk=number).update(state="let_go")
        ListRequest.objects.create(kind=held.kind, person=by.login, override=why)


def _end(entries: Sequence[ListEntry], because: str, by: DepartmentPerson) -> None:
    """End entries, and withdraw the open alerts of those that no other entry of people stands for."""
    ending = ListEntry.objects.filter(pk__in=[entry.pk for entry in entries], ended_at=None)
    if not ending.update(ended_by=by.login, ended_at=Now(), ended_because=because):
        raise ListRefusedError("it has ended already")
    for entry in entries:
        same = {"plate": entry.plate, "distribution": entry.distribution, "safe": False}
        list_entries = ListEntry.objects.filter(**same, ended_at=None, expires_at__gt=Now())
        if not list_entries.exclude(second_person=True, at_once=False, approved_at=None).exists():
            withdraw_listed([entry.plate], group=entry.distribution, person=by.login)


def _check_room(entry: ListEntry) -> None:
    """Raise ListRefusedError where posts carry as many partial plates already as they can."""
    if entry.partial and rows("SELECT lists_patterns()")[0][0] >= MOST_PATTERNS:
        raise ListRefusedError(f"posts carry {MOST_PATTERNS} partial plates: end one first")


def _check_reference(entry: ListEntry) -> None:
    """Raise ListRefusedError where no list could carry the case number: it would hold up everyone's entries."""
    try:
        clean_reference(f"{entry.case_number} #{_LARGEST_NUMBER}")
    except RowRefusedError as error:
        raise ListRefusedError(f"case number: {error}") from error


def _kind(entry: ListEntry) -> str:
    """Return what the ledger says an entry is; of a covert one no more than that."""
    if entry.distribution is not None:
        return "covert"
    return "safe" if entry.safe else f"partial {entry.category}" if entry.partial else entry.category


def withdraw_listed(listed: Iterable[str], *, group: str | None, person: str) -> list[int]:
    """Take back the open alerts of entries that left the list, as part of the caller's transaction; return which.

    Args:
        listed: as the list spells the plates, or patterns.
        group: the covert group of the entries.
        person: who took them off.

    """
    ((withdrawn,),) = rows("SELECT alerts_withdraw_listed(%s, %s, %s)", [[*listed], group, person])
    return list(withdrawn)
