"""Who reads every read, why, and until when; and the subscribers whose rights no one has asked about yet."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.people.acts import checked_purpose
from platepost.provisioning.trust.keys import replace_private

READS_FILE = "reads.json"
"""In a subscriber's folder: its grant, or that it has none. A subscriber of an earlier version has no such file."""
LONGEST_DAYS = 366
"""How far ahead a grant may end: then someone has to say again why."""
AHEAD_DAYS = 14
"""From how many days before its end on a grant is worth a warning."""


@dataclass(frozen=True, slots=True)
class ReadsGrant:
    """That a subscriber hears reads and the audit trail, and not hits, status and health alone."""

    reason: str
    until: date
    """The last day, UTC."""

    @classmethod
    def of(cls, reason: str, until: date, *, today: date | None = None) -> Self:
        """Return a grant that an administrator may give.

        Raises:
            ProvisioningError: there is no reason, or it ends in the past or too far ahead.

        """
        days = (until - (today or datetime.now(UTC).date())).days
        if not 0 <= days <= LONGEST_DAYS:
            raise ProvisioningError(f"reads are granted for at most {LONGEST_DAYS} days: {until} is in {days} days")
        return cls(checked_purpose(reason), until)

    def is_over(self, at: datetime | None = None) -> bool:
        """Tell whether its last day has passed."""
        return (at or datetime.now(UTC)).astimezone(UTC).date() > self.until


def write_grant(folder: Path, grant: ReadsGrant | None) -> None:
    """Write what a subscriber has been granted into its folder."""
    content = None if grant is None else {"reason": grant.reason, "until": grant.until.isoformat()}
    replace_private(folder / READS_FILE, json.dumps({"reads": content}).encode() + b"\n")


def has_been_asked(folder: Path) -> bool:
    """Tell whether it is known of a subscriber if it needs reads; those of an earlier version read everything."""
    return (folder / READS_FILE).is_file()


def read_grant(folder: Path) -> ReadsGrant | None:
    """Return what a subscriber has been granted.

    Raises:
        ProvisioningError: the file is damaged.

    """
    path = folder / READS_FILE
    try:
        content = json.loads(path.read_bytes())["reads"]
        return None if content is None else ReadsGrant(str(content["reason"]), date.fromisoformat(content["until"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProvisioningError(f"{path}: damaged; `platepost provision subscriber reads` rewrites it") from error


def warning(
    subscribers: Collection[str],
    grants: Mapping[str, ReadsGrant | None],
    access_list: str,
    *,
    at: datetime | None = None,
) -> str | None:
    """Return what to say about those who receive every read; None if there is nothing.

    Args:
        subscribers: everyone's names.
        grants: what each was granted; without those about whom nothing is known.
        access_list: the rights that mosquitto was last given.
        at: now.

    """
    at = at or datetime.now(UTC)
    content = []
    if unasked := [name for name in subscribers if name not in grants]:
        content.append(f"without a reason or an end every read goes to: {', '.join(unasked)} (subscriber reads)")
    for name, grant in grants.items():
        if grant is None:
            continue
        left = (grant.until - at.astimezone(UTC).date()).days
        if 0 <= left <= AHEAD_DAYS:
            content.append(f"{name} loses its right to reads in {left + 1} days")
        rights = access_list.partition(f"user {name}\n")[2].partition("\n\n")[0]
        if left < 0 and "/+/read\n" in rights:
            content.append(f"{name} still receives reads, though its right ended on {grant.until} (broker rights)")
    return "; ".join(content) or None
