"""What a post's status means to those who watch the fleet, in the words of monitoring: OK, WARNING, CRITICAL, UNKNOWN.

The numbers are the exit codes of a monitoring plugin (Monitoring Plugins Development Guidelines; Nagios, Icinga).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

from pydantic import ValidationError

from platepost.common.errors import RecordError
from platepost.provisioning.fleet.layout import Layout
from platepost.provisioning.trust.key_files import key_label
from platepost.wire.faults import NO_CUSTODIAN, UNLISTED, severity
from platepost.wire.records import TYPES, Audit, Keyring, PerceivedSeverity, Status
from platepost.wire.records.base import milliseconds, read_known
from platepost.wire.records.canonical import canonical_bytes, parse
from platepost.wire.records.signing import KeyRefusedError

_ACTS = frozenset({"hotlist_build", "hotlist_export", "hotlist_publish"})


class Grade(IntEnum):
    """How bad it is."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From when on what is said is worth a warning."""

    certificate: timedelta = timedelta(days=30)
    """Left of the post's certificate."""
    certificate_grave: timedelta = timedelta(days=7)
    stale: timedelta = timedelta(hours=24)
    """Age of a list from which on it is too old."""
    unread: timedelta = timedelta(hours=24)
    """Since the last read."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One post."""

    post: str
    state: str
    """`online`, `degraded`, `offline` as the post says it; `unverified`; `silent` where nothing good is retained;
    `unknown` where the post's own status is not understood, as that of newer software."""
    grade: Grade
    remarks: tuple[str, ...] = ()
    status: Status | None = None
    sent_at: datetime | None = None
    """When the status was made."""

    @property
    def present(self) -> bool:
        """Whether the post is connected and its own status proves it."""
        return self.status is not None and self.state in {"online", "degraded"}

    def wire(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        data = None if self.status is None else self.status.wire()
        return {
            "post": self.post,
            "state": self.state,
            "grade": self.grade.name,
            "remarks": list(self.remarks),
            "said": None if self.sent_at is None else self.sent_at.isoformat(),
            "status": data,
        }


@dataclass(slots=True)
class _Remarks:
    grade: Grade = Grade.OK
    texts: list[str] = field(default_factory=list)

    def add(self, grade: Grade, text: str) -> None:
        self.grade = max(self.grade, grade)
        self.texts.append(text)


def record_keys(fleet: Layout, post: str) -> Keyring | None:
    """Return the key that a post's records are signed with; None where the fleet has none that can be read."""
    try:
        return Keyring.from_files(fleet.record_key(post))
    except KeyRefusedError:
        return None


def judge(
    post: str,
    body: bytes | None,
    keys: Keyring | None,
    *,
    limits: Thresholds | None = None,
    at: datetime | None = None,
    announced: Mapping[str, str] | None = None,
) -> CheckResult:
    """Judge one post by what the broker has retained of it.

    Args:
        post: its name.
        body: the retained message; None if there is none.
        keys: the post's record key; None if the fleet does not know it.
        limits: from when on to warn.
        at: now.
        announced: thumbprint of the key that posts are to go by, by its label: of lists and configuration where one was
            ever replaced, and of each required custodian.

    """
    at, limits = at or datetime.now(UTC), limits or Thresholds()
    if body is None:
        return CheckResult(post, "silent", Grade.CRITICAL, ("the broker has nothing of it",))
    try:
        event = parse(body)
        if keys is None:
            return CheckResult(post, "unverified", Grade.CRITICAL, ("the fleet has no record key of it",))
        keys.check(str(event["signature"]), canonical_bytes(event))
        if str(event["source"]).rpartition("/")[2] != post:
            return CheckResult(post, "unverified", Grade.CRITICAL, ("it is another post's",))
        sent_at = datetime.fromisoformat(str(event["time"]))
    except (RecordError, KeyError, ValueError) as error:
        return CheckResult(post, "unverified", Grade.CRITICAL, (f"not genuine: {error}"[:200],))
    try:
        status = _understood(event)
    except RecordError as error:
        return CheckResult(post, "unknown", Grade.UNKNOWN, (str(error)[:200],), sent_at=sent_at)
    remarks = _Remarks()
    silent = _age(status, remarks, sent_at, at)
    _state(status, remarks, will="chain" not in event)
    _list(status, remarks, limits, at)
    _certificate(status, remarks, limits, at)
    _reads(status, remarks, limits, at)
    _synthetic(status, remarks, sent_at)
    _keys(status, remarks, announced or {})
    return CheckResult(post, "silent" if silent else status.state, remarks.grade, tuple(remarks.texts), status, sent_at)


def _understood(event: Mapping[str, Any]) -> Status:
    """Read a genuine status, passing over what newer software added.

    Raises:
        RecordError: newer software says what this version has no word for.

    """
    if event.get("type") != TYPES[Status]:
        raise RecordError(f"genuine, of the unknown type {event.get('type')}")
    try:
        return read_known(Status, event.get("data"))
    except ValidationError as error:
        members = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors())
        raise RecordError(f"genuine, but not understood by this version: {members}") from error


def _age(status: Status, remarks: _Remarks, sent_at: datetime, at: datetime) -> bool:
    """Tell whether a status is older than it is good for, by the clock of a post that knows what time it is.

    Of another post only the broker knows, which forgets a status in time.
    """
    recorded_at = sent_at - timedelta(seconds=status.clock.held_seconds or 0)
    if status.valid_seconds is None or at - recorded_at <= timedelta(seconds=status.valid_seconds):
        return False
    text = f"silent since {recorded_at:%Y-%m-%d %H:%M} UTC"
    if status.clock.synchronised:
        remarks.add(Grade.CRITICAL, text)
        return True
    remarks.add(Grade.WARNING, f"{text}, by its own clock, which is not set")
    return False


def _state(status: Status, remarks: _Remarks, *, will: bool) -> None:
    if status.state == "offline":
        # The will was signed when the connection began: when the post fell silent no one knows.
        what = "fell silent; had connected" if will else "offline since"
        remarks.add(Grade.CRITICAL, f"{what} {status.since:%Y-%m-%d %H:%M} UTC")
    for reason in sorted(status.reasons, key=severity):
        how_bad = severity(reason)
        grade = Grade.CRITICAL if how_bad is PerceivedSeverity.CRITICAL else Grade.WARNING
        remarks.add(grade, f"{reason.name} ({how_bad})")
    for notice in status.notices:
        # A fleet without a custodian, or without a test plate, is so by choice, and would never be well otherwise.
        remarks.add(Grade.OK if notice.name in {NO_CUSTODIAN, UNLISTED} else Grade.WARNING, notice.name)
    refused = status.configuration.refused if status.configuration is not None else None
    if refused is not None:
        remarks.add(Grade.WARNING, f"configuration {refused.version} refused: {refused.reason}")


def _list(status: Status, remarks: _Remarks, limits: Thresholds, at: datetime) -> None:
    """Say how old the list is by now: a post that fell silent cannot say that its list grew old."""
    built = status.hotlist.built
    if status.state == "offline" and built is not None and at - built > limits.stale:
        remarks.add(Grade.CRITICAL, f"its list was built {(at - built).total_seconds() / 3600:.0f} h ago")


def _certificate(status: Status, remarks: _Remarks, limits: Thresholds, at: datetime) -> None:
    if status.certificate_expires is None:
        return
    left = status.certificate_expires - at
    if left <= limits.certificate:
        grade = Grade.CRITICAL if left <= limits.certificate_grave else Grade.WARNING
        ended = left <= timedelta(0)
        remarks.add(grade, "certificate has ended" if ended else f"certificate ends in {left.days} days")


def _reads(status: Status, remarks: _Remarks, limits: Thresholds, at: datetime) -> None:
    if status.state == "offline" or status.last_read is None:
        return
    unread = at - status.last_read
    if unread > limits.unread:
        remarks.add(Grade.WARNING, f"nothing read for {unread.total_seconds() / 3600:.0f} h")


def _synthetic(status: Status, remarks: _Remarks, sent_at: datetime) -> None:
    """Say that synthetic hits have stopped: two are missed. Both times are the post's, whose clock may be wrong."""
    last = status.last_synthetic
    if status.state == "offline" or last is None:
        return
    since = sent_at - last.made
    if since > 2 * timedelta(minutes=last.every_minutes):
        remarks.add(Grade.WARNING, f"no synthetic hit for {since.total_seconds() / 3600:.1f} h")


def _keys(status: Status, remarks: _Remarks, announced: Mapping[str, str]) -> None:
    held = {key_label(key.purpose, key.custodian): key for key in status.keys}
    for label, thumbprint in sorted(announced.items()):
        if label not in held:
            remarks.add(Grade.WARNING, f"has no key for {label}")
        elif held[label].key != thumbprint:
            remarks.add(Grade.WARNING, f"goes by another key for {label}")
    for label, key in held.items():
        if key.refused is not None:
            number = f"{key.refused.era}.{key.refused.number}"
            remarks.add(Grade.WARNING, f"keys for {label}, statement {number}, refused: {key.refused.reason}")


def overall(rows: Sequence[CheckResult]) -> Grade:
    """Return how bad the fleet is: as its worst post, UNKNOWN if it has none; one that is unknown hides no other."""
    rising = (Grade.OK, Grade.UNKNOWN, Grade.WARNING, Grade.CRITICAL)
    return max((row.grade for row in rows), default=Grade.UNKNOWN, key=rising.index)


def unlogged_lists(acts: Iterable[Audit], rows: Iterable[CheckResult]) -> str | None:
    """Return a warning about lists that posts use and the admin log lacks; None if there are none.

    The log is in the office, where its end can be cut off, and lists can be made without it. What a post reports about
    its list is signed with the post's own key, and is at the broker.

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
