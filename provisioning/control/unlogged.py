"""Whether the log of acts has the lists that posts go by: what posts say, signed, is held against it.

The log lies in the office, where its end can be cut off, and lists can be made without it. What a post says of its
list is signed with the post's own key, and stands at the broker.
"""

from collections.abc import Iterable
from datetime import datetime

from platepost.provisioning.control.status import CheckResult
from platepost.wire.records import Audit
from platepost.wire.records.base import milliseconds

_ACTS = frozenset({"hotlist_build", "hotlist_export", "hotlist_publish"})


def unlogged_lists(acts: Iterable[Audit], rows: Iterable[CheckResult]) -> str | None:
    """Return what is to be said of lists that posts go by and the log of acts knows nothing of; None if there are none.

    Lists that are older than the first in the log, or of a fleet whose log has none, were made before acts with lists
    were logged.
    """
    known = {list_ for act in acts if (list_ := _list_of(act)) is not None}
    first = min((version for version, _ in known), default=None)
    if first is None:
        return None
    missing: dict[int, list[str]] = {}
    for row in rows:
        held = None if row.status is None else row.status.hotlist
        if held is None or held.version is None or held.built is None or held.version < first:
            continue
        if (held.version, held.built) not in known:
            missing.setdefault(held.version, []).append(row.post)
    if not missing:
        return None
    text = ", ".join(f"{version} ({', '.join(posts[:3])})" for version, posts in sorted(missing.items())[:3])
    return f"posts use lists that are not in the log of acts: {text}; was its end cut off?"


def _list_of(act: Audit) -> tuple[int, datetime] | None:
    """Return version and time of the list that an act was done with; None where it was done with none."""
    if act.action not in _ACTS:
        return None
    try:
        return int(act.object or ""), milliseconds(datetime.fromisoformat(str(act.details.get("built"))))
    except ValueError:
        return None
