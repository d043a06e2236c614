"""What people see of records: rows made of a genuine record, and of nothing else.

The keeper projects a record when it keeps it, `rebuild` all of them again: the same function makes the same rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from platepost.department.custody.read_fields import READ_FIELDS
from platepost.wire.records.audit import Audit
from platepost.wire.records.envelope import AnyEvent
from platepost.wire.records.health import Health
from platepost.wire.records.hit import Hit, HitWithdrawn
from platepost.wire.records.read import Read, Sight
from platepost.wire.records.status import Status

Row: TypeAlias = tuple[Any, ...]
_PLACED = ("record_id", "class", "retained_from", "post", "covert_group")
_FOLDED = str.maketrans("OI", "01")
ACCESS = frozenset(
    {
        "technician_session",
        "view_accepted",
        "acceptance",
        "recording_started",
        "recording_ended",
        "recording_refused",
        "recording_deleted",
    }
)
"""Audit actions by which someone saw what a post sees, took it along, or tried to."""
_COMMANDS = frozenset({"command_executed", "command_refused"})
_SEEING = frozenset({"still"})
"""Commands that show what a post sees."""


@dataclass(frozen=True, slots=True)
class Projection:
    """A table of what people see."""

    table: str
    columns: tuple[str, ...]
    """Those after `record_id`, `class`, `retained_from`, `post`, `covert_group`."""

    @property
    def all_columns(self) -> tuple[str, ...]:
        """Every column of the table."""
        return _PLACED + self.columns


READ = Projection(
    "custody_read",
    (
        *("passage", "captured_at", "plate_read", "plate_key", "plate_fold", "confidence", "region_confidence"),
        *("camera", "site", "first_seen", "last_seen", "hits"),
        *READ_FIELDS,
    ),
)
HIT = Projection(
    "custody_hit",
    (
        *("hit", "passage", "captured_at", "plate_read", "plate_key", "plate_fold", "plate_matched", "match"),
        *("category", "priority", "distribution", "list_version", "list_age", "hotlist_stale", "synthetic", "held"),
        "state_agreement",
    ),
)
WITHDRAWAL = Projection("custody_withdrawal", ("hit", "passage", "at", "category", "reason"))
STATUS = Projection(
    "custody_status",
    (
        *("at", "state", "since", "reasons", "software", "list_version", "list_age", "last_read"),
        *("synthetic_hit", "synthetic_made", "synthetic_every_minutes"),
    ),
)
AUDIT = Projection("custody_audit", ("kind", "at", "person", "outcome", "reason"))
HEALTH = Projection(
    "custody_health",
    ("at", "frame_rate", "queue_depth", "unreleased_seconds", "disk_free_bytes", "temperature_celsius"),
)
ACCESSES = Projection("custody_access", ("kind", "at", "person", "outcome", "object"))
PROJECTIONS = (READ, HIT, WITHDRAWAL, STATUS, AUDIT, HEALTH, ACCESSES)


def folded(plate: str) -> str:
    """Return a plate as `plate_fold` has it: O and 0 are one character, as are I and 1."""
    return plate.translate(_FOLDED)


def project(event: AnyEvent) -> Iterator[tuple[Projection, Row]]:
    """Yield the rows of one genuine record: the values of each projection's `columns`."""
    data, at = event.data, event.time
    match data:
        case Read():
            yield READ, _shown(*_seen(data), *_read(data))
        case Hit():
            yield HIT, _shown(data.hit, *_seen(data), *_hit(data))
        case HitWithdrawn():
            yield WITHDRAWAL, _shown(data.hit, data.passage, at, data.category, data.reason)
        case Status():
            test_hit = data.last_synthetic
            synthetic = (
                (test_hit.hit, test_hit.made, test_hit.every_minutes) if test_hit is not None else (None, None, None)
            )
            reasons = [reason.name for reason in data.reasons]
            known = (data.versions.software, data.hotlist.version, data.hotlist.age_seconds, data.last_read)
            yield STATUS, _shown(at, data.state, data.since, reasons, *known, *synthetic)
        case Audit():
            values = (data.action, data.occurred, data.identity, data.outcome)
            yield AUDIT, _shown(*values, data.reason)
            if data.action in ACCESS or (data.action in _COMMANDS and data.object in _SEEING):
                yield ACCESSES, _shown(*values, data.object)
        case Health():
            queue = data.queue
            waiting = (queue.depth, queue.oldest_unreleased_age_seconds)
            yield HEALTH, (at, data.frame_rate, *waiting, data.disk_free_bytes, data.temperature_celsius)


def _seen(sight: Sight) -> Row:
    return sight.passage, sight.captured, sight.plate_read, sight.plate_key, folded(sight.plate_key)


def _read(read: Read) -> Row:
    place_and_time = (read.camera, read.place.site, read.first_seen, read.last_seen)
    fields = (field.value_in(read) for field in READ_FIELDS.values())
    return read.confidence, read.region_confidence, *place_and_time, list(read.hits), *fields


def _hit(hit: Hit) -> Row:
    listed = (hit.plate_matched, hit.match, hit.category, hit.priority, hit.distribution)
    state = (hit.hotlist.version, hit.hotlist.age_seconds, hit.hotlist_stale)
    return *listed, *state, hit.synthetic, hit.held, hit.state_agreement


def _shown(*values: object) -> Row:
    """Return values as PostgreSQL takes them: it has no text with a NUL."""
    return tuple(
        value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value for value in values
    )
