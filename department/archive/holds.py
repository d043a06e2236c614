"""Holds: what no one may purge until someone has reviewed it.

A hold outlasts every purge, also one that is on its way: placing it waits for the part of the purge that is under way,
and what is left then is held. What is gone by then, the hold refuses to name.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from platepost.common.files import write_durably
from platepost.department.archive.errors import ArchiveRefusedError, refusals
from platepost.department.archive.models import Hold
from platepost.department.archive.operations import operation
from platepost.department.custody.projections import folded
from platepost.department.custody.reading import ShownRow
from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.direct_feeds import stored_register
from platepost.department.ledger.wording import require_words
from platepost.department.ledger.writing import enter
from platepost.department.search.places import Places

LONGEST = 10
"""Characters of a plate."""


@dataclass(frozen=True, slots=True)
class HoldScope:
    """What is held: records, or all that was or will be captured in a time, of posts or plates if any are given."""

    records: Sequence[int] = ()
    """By their ids. The reads, hits and withdrawals of the same passages are held with them."""
    posts: Sequence[str] = ()
    plates: Sequence[str] = ()
    """As in `plate_fold`. Without plates, what the posts said of themselves at that time is held too."""
    since: datetime | None = None
    until: datetime | None = None
    groups: Sequence[str] = field(default=())
    """The covert groups that the person is in: of others no record can be named."""


def folded_plates(text: str) -> list[str]:
    """Return plates as `HoldScope` takes them, of a text with one a line; spaces and hyphens count for nothing.

    Raises:
        ArchiveRefusedError: a line is no plate, of which nothing would be held.

    """
    lines = (folded("".join(line.upper().replace("-", " ").split())) for line in text.splitlines())
    plates = [plate for plate in lines if plate]
    if not all(plate.isascii() and plate.isalnum() and len(plate) <= LONGEST for plate in plates):
        raise ArchiveRefusedError(
            f"write plates one a line, each of at most {LONGEST} letters and digits", "archive_hold_plates"
        )
    return plates


def place_hold(*, person: str, kind: str, case: str, reason: str, review_on: date, scope: HoldScope) -> Hold:
    """Place a hold; it is in force on return.

    Args:
        person: who places it.
        kind: one of `Hold.KINDS`.
        case: the number of the case, the request or the action.
        reason: why.
        review_on: when someone is to look at it again; it does not end by itself.
        scope: what is held.

    Raises:
        ArchiveRefusedError: a record is not kept any more, nothing is known of a post, nothing is named, or the policy
            forbids what was written.

    """
    require_words(
        ArchiveRefusedError,
        person=person,
        what="hold",
        texts={"case number": case, "reason": reason},
    )
    fields = {"case": case, "until": review_on, "what": kind, "count": len(scope.records)}
    with operation(LedgerEvent.HOLD_PLACED, person=person, reason=reason, **fields) as entry:
        about = {"kind": kind, "case_number": case, "person": person, "reason": reason, "review_on": review_on}
        hold = Hold.objects.create(**about, **asdict(scope))
        unknown = sorted({*scope.posts} - _known_posts(scope.groups)) if scope.posts else []
        if unknown:
            raise ArchiveRefusedError(
                f"nothing is known of the post {', '.join(unknown)}: of it nothing would be held", "archive_hold_post"
            )
        entry["hold"] = hold.pk
    write_aside()
    return hold


def _known_posts(groups: Sequence[str]) -> set[str]:
    """Return the posts of the register and the map, and those that sent anything that these groups may see."""
    register = stored_register()
    sent = rows(
        "SELECT DISTINCT post FROM custody_tally WHERE covert_group IS NULL OR covert_group = ANY (%s)", [[*groups]]
    )
    named = {post.name for post in register.posts} if register is not None else set()
    return {*named, *Places.usable(settings.PLACES_FILE).posts, *(post for (post,) in sent)}


def holds_of(reads: Iterable[ShownRow]) -> dict[int, list[Hold]]:
    """Return the holds in force by the records that they keep, of some reads that an entry has shown."""
    active = [*Hold.objects.filter(lifted_at=None)]
    keeping = {read["record_id"]: [hold for hold in active if _keeps(hold, read)] for read in reads}
    return {record: holds for record, holds in keeping.items() if holds}


def _keeps(hold: Hold, read: ShownRow) -> bool:
    """Return whether a hold keeps a read, as `archive_kept` has it; a hidden character of a plate is not considered."""
    if read["record_id"] in hold.records or read["passage"] in hold.passages:
        return True
    if hold.since is None or hold.until is None or not hold.since <= read["captured_at"] < hold.until:
        return False
    is_at_post = not hold.posts or read["post"] in hold.posts
    return is_at_post and (not hold.plates or read["plate_fold"] in hold.plates)


def lift_hold(*, person: str, hold: int, because: str) -> None:
    """Lift a hold. What it held goes with the next purge whose term is over.

    Raises:
        ArchiveRefusedError: there is no such hold in force, or no reason is given.

    """
    with operation(LedgerEvent.HOLD_REMOVED, person=person, hold=hold, reason=because):
        changed = Hold.objects.filter(pk=hold, lifted_at=None).update(
            lifted_by=person, lifted_at=Now(), lifted_because=because
        )
        if not changed:
            raise ArchiveRefusedError(f"hold {hold} is not active", "archive_hold_final")
    write_aside()


def review_hold(*, person: str, hold: int, review_on: date) -> None:
    """Note that a hold was reviewed, and when it is to be again. Raises ArchiveRefusedError as `lift_hold` does."""
    with operation(LedgerEvent.HOLD_REVIEWED, person=person, hold=hold, until=review_on) as entry:
        placed = Hold.objects.select_for_update().filter(pk=hold, lifted_at=None).first()
        if placed is None:
            raise ArchiveRefusedError(f"hold {hold} is not active", "archive_hold_final")
        placed.review_on = review_on
        placed.save(update_fields=["review_on"])
        entry |= {"case": placed.case_number, "reason": placed.reason}
    write_aside()


def write_aside(*, whatever_comes: bool = True) -> None:
    """Write the holds in force where the log of receipts is, which is never restored.

    Args:
        whatever_comes: whether to go on where the disk does not take it; `nightly` says so then.

    """
    if settings.ARCHIVE_HOLDS is None:
        return
    with transaction.atomic():
        rows("SELECT pg_advisory_xact_lock(6203300982)::text")  # who comes last has seen all
        lines = [f"{line}\n".encode() for (line,) in rows("SELECT archive_holds_aside()::text")]
        try:
            write_durably(settings.ARCHIVE_HOLDS, lines)
        except OSError:
            if not whatever_comes:
                raise
            logging.getLogger(__name__).exception("holds are active, but were not written next to the log of receipts")


def place_again(person: str, file: Path) -> int:
    """Place the holds of a file that are not in force; return how many of their records are not here, or not yet.

    Raises:
        ArchiveRefusedError: a rule refuses one.
        OSError: the file cannot be read.

    """
    lacking = 0
    for line in file.read_text("utf-8").splitlines():
        payload = json.loads(line)
        fields = {
            "case": payload["case_number"],
            "reason": payload["reason"],
            "what": f"{payload['kind']}, placed again",
        }
        with refusals(), transaction.atomic():
            ((hold, missing),) = rows("SELECT hold, missing FROM archive_hold_again(%s)", [line])
            if hold is not None:
                enter(LedgerEvent.HOLD_PLACED, {"person": person, "hold": hold, **fields})
        lacking += missing
    return lacking
