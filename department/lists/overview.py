"""The state of the lists: which list each post has and how old it is; which changes wait, are held, or are out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, Max

from platepost.department.lists.imports import hand_built, held_imports, in_force
from platepost.department.lists.models import ListEntry, ListImport, ListRequest
from platepost.department.lists.posts import post_reports

SHOWN = 200
"""Entries of one page."""


def published_to() -> datetime | None:
    """Return when the newest request was made that has been published."""
    newest: datetime | None = ListRequest.objects.filter(state="published").aggregate(newest=Max("at"))["newest"]
    return newest


def _with_former(held: ListImport) -> tuple[ListImport, int, int]:
    """Return a held import, how many rows it takes the place of, and how many more there would be."""
    former = in_force(held.source) or hand_built()
    before = 0 if former is None else former.accepted
    return held, before, held.accepted - before


def overview(*, before: int | None = None) -> Mapping[str, Any]:
    """Return what the lists' page shows; call it within `services.seeing`.

    Args:
        before: of what is on the list, only entries with smaller numbers; all where None.

    """
    entries = ListEntry.objects.annotate(lead_count=Count("leads")).order_by("-pk")
    now = datetime.now(UTC)
    unapproved = {"second_person": True, "approved_at": None}
    on_list = entries.filter(ended_at=None, expires_at__gt=now).exclude(**unapproved, at_once=False)
    listed_entries = list((on_list if before is None else on_list.filter(pk__lt=before))[: SHOWN + 1])
    listed = listed_entries[:SHOWN]
    published = published_to()
    newest = ListRequest.objects.aggregate(newest=Max("version"))["newest"] or 0
    return {
        "waiting": list(entries.filter(ended_at=None, expires_at__gt=now, **unapproved)[:SHOWN]),
        "entries": listed,
        "older": listed[-1].pk if len(listed_entries) > SHOWN else None,
        "left_out": [entry.pk for entry in listed if entry.was_left_out(published)],
        "held": ListRequest.held(),
        "held_since": ListRequest.held_since(),
        "held_imports": [_with_former(held_import) for held_import in held_imports()],
        "hand_built": hand_built(),
        "requests": list(ListRequest.objects.order_by("-pk")[:5]),
        "posts": [(report, (report.list_version or 0) < newest) for report in post_reports(now)],
    }
