"""The faults that a post names in its status: name, severity, cause, effect, what heals it, what a technician does.

`make docs` shows them as a table on docs/health.md.
"""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce

from platepost.common.language import Phrase
from platepost.wire.records import HotListState, PerceivedSeverity, Reason


class Fault(StrEnum):
    """Why a post is `degraded`, as its status says it."""

    BOARD_FAILED = "board_failed"
    BROKER_CERTIFICATE_EXPIRED = "broker_certificate_expired"
    CAMERA_BLACK = "camera_black"
    CAMERA_FAILED = "camera_failed"
    CAMERA_FROZEN = "camera_frozen"
    CAMERA_GIVEN_UP = "camera_given_up"
    CAMERA_SILENT = "camera_silent"
    CERTIFICATE_EXPIRING = "certificate_expiring"
    CHAIN_FORKED = "chain_forked"
    CLOCK_AHEAD = "clock_ahead"
    CLOCK_BEHIND = "clock_behind"
    CLOCK_UNSYNCHRONISED = "clock_unsynchronised"
    CUSTODY_BEHIND = "custody_behind"
    CUSTODY_FORKED = "custody_forked"
    DISK_FULL = "disk_full"
    DOOR_OPEN = "door_open"
    FALLING_BEHIND = "falling_behind"
    HARDENING_MISSING = "hardening_missing"
    HITS_SURGING = "hits_surging"
    HOTLIST_MISSING = "hotlist_missing"
    HOTLIST_STALE = "hotlist_stale"
    IDENTITY_ELSEWHERE = "identity_elsewhere"
    LENS_BLOCKED = "lens_blocked"
    LENS_BLURRED = "lens_blurred"
    LENS_DAZZLED = "lens_dazzled"
    LENS_MOVED = "lens_moved"
    MODEL_DAMAGED = "model_damaged"
    NO_READS = "no_reads"
    NO_SUBSCRIBER = "no_subscriber"
    NOT_ACCEPTED = "not_accepted"
    OUTBOX_FAILED = "outbox_failed"
    OUTBOX_SET_ASIDE = "outbox_set_aside"
    PUBLISH_REFUSED = "publish_refused"
    QUEUE_OLD = "queue_old"
    READS_FEWER = "reads_fewer"
    RECORD_TOO_LARGE = "record_too_large"
    RESTARTING_OFTEN = "restarting_often"
    STORAGE_LOW = "storage_low"
    STORAGE_WORN = "storage_worn"
    SUBSCRIPTION_REFUSED = "subscription_refused"
    SYNTHETIC_HIT_LATE = "synthetic_hit_late"
    TAMPER_OPEN = "tamper_open"
    THROTTLED = "throttled"
    TOO_HOT = "too_hot"
    UNDER_VOLTAGE = "under_voltage"
    UPDATE_FAILED = "update_failed"
    VIEW_DAMAGED = "view_damaged"


@dataclass(frozen=True, slots=True)
class Description:
    """What a fault means to people."""

    severity: PerceivedSeverity
    message: str
    """One line for the status record: "Cause; effect." """
    healed_by: str
    remedy: str
    """What a technician does if it does not heal."""
    within: str = "a second"
    """How soon after the cause it is named."""

    @property
    def cause(self) -> str:
        """What is wrong."""
        return self.message.partition("; ")[0].rstrip(".") + "."

    @property
    def effect(self) -> str:
        """What comes of it."""
        effect = self.message.partition("; ")[2]
        return effect[:1].upper() + effect[1:]


CRITICAL, MAJOR, MINOR = PerceivedSeverity

DESCRIPTIONS: dict[Fault, Description] = {
    Fault.BOARD_FAILED: Description(
        MAJOR,
        "The board's pins are in use or do not respond; illuminator and switches do not work, but plates are still "
        "read.",
        "the board responding again; if the pins were in use, the next start",
        "Check the log for the library's error, and use gpioinfo to find the program that holds the pins.",
    ),
    Fault.BROKER_CERTIFICATE_EXPIRED: Description(
        CRITICAL,
        "The broker's certificate has expired by this post's clock, or the clock is ahead; nothing is delivered.",
        "the clock being set, or a new certificate at the broker",
        "Check the clock: if it is right, renew the broker's certificate; if not, see clock_unsynchronised.",
        within="the next attempt to connect",
    ),
    Fault.CAMERA_BLACK: Description(
        CRITICAL,
        "The camera's pictures are black; nothing is read.",
        "the next picture with light in it",
        "Uncover the lens; at night, check the illuminator; replace the camera.",
        within="eleven seconds",
    ),
    Fault.CAMERA_FAILED: Description(
        CRITICAL,
        "The camera stopped or hangs and is being reopened; nothing is read.",
        "the camera delivering frames again",
        "Check the log and the ribbon cable; replace the camera.",
        within="a second, or eleven if it hangs",
    ),
    Fault.CAMERA_FROZEN: Description(
        CRITICAL,
        "The camera delivers the same frame again and again; nothing is read.",
        "the next frame that differs; the camera is reopened after ten seconds",
        "Check the ribbon cable, power-cycle the unit, replace the camera.",
        within="six seconds",
    ),
    Fault.CAMERA_GIVEN_UP: Description(
        CRITICAL,
        "Reopening the camera, cycling its power and restarting the software did not help; nothing is read.",
        "the camera delivering frames again: the post retries every five minutes and reboots at growing intervals",
        "Replace the ribbon cable, then the camera, then the unit.",
        within="seven minutes",
    ),
    Fault.CAMERA_SILENT: Description(
        CRITICAL,
        "The camera delivers no frames; nothing is read.",
        "the next frame",
        "Check the ribbon cable, power-cycle the unit, replace the camera.",
        within="six seconds",
    ),
    Fault.CERTIFICATE_EXPIRING: Description(
        MAJOR,
        "The post's certificate expires within two weeks; then brokers will refuse the post.",
        "a renewed certificate",
        "Renew the post's certificate, and find out why it was not renewed automatically.",
        within="five seconds",
    ),
    Fault.CHAIN_FORKED: Description(
        CRITICAL,
        "The broker has later records than this post's disk, which was restored or copied or is failing; record "
        "numbers repeat.",
        "the next start",
        "Find out who restored the disk; if no one did, check that this is the right unit, and replace its disk.",
        within="the first connection after the start",
    ),
    Fault.CLOCK_AHEAD: Description(
        MAJOR,
        "The clock is impossibly far ahead; records are timed without it.",
        "the clock being right again, or synchronized for half a minute",
        "Check which time server the unit uses; set the clock, and find out what set it wrong.",
    ),
    Fault.CLOCK_BEHIND: Description(
        MAJOR,
        "The clock is impossibly far behind; records are timed without it.",
        "the clock being right again, or synchronized for half a minute",
        "Check that the unit reaches its time server, and that the clock's battery is good.",
    ),
    Fault.CLOCK_UNSYNCHRONISED: Description(
        MINOR,
        "The clock is not synchronized; times of records are not reliable.",
        "the clock being synchronized",
        "Check that the unit reaches its time server.",
        within="a minute",
    ),
    Fault.CUSTODY_BEHIND: Description(
        MAJOR,
        "A record has waited too long for its receipts; the post keeps it, and the disk fills up.",
        "the receipts for the waiting records",
        "Run a self-test to see whose receipts are required. Check that these custodians run and reach the broker.",
        within="a minute after `custody.behind_hours`",
    ),
    Fault.CUSTODY_FORKED: Description(
        CRITICAL,
        "A custodian holds different records under the same numbers; records of that chain stay on this post.",
        "the next start, until a receipt shows it again; permanently, by an outbox that starts a new chain",
        "Find out who restored or copied the disk. Save the outbox, then replace the unit or its disk.",
        within="the receipt",
    ),
    Fault.DISK_FULL: Description(
        CRITICAL,
        "The disk is full; pictures of reads, then reads, are dropped to keep the rest.",
        "a minute with free space on the disk",
        "Find out what fills the disk; check that the uplink delivers.",
    ),
    Fault.DOOR_OPEN: Description(
        CRITICAL,
        "The cabinet door is open; someone may have access to the unit's cables.",
        "a closed door, for a minute or more if it opens repeatedly",
        "Go and look. If the door or switch opens repeatedly, it is loose: fasten it.",
    ),
    Fault.FALLING_BEHIND: Description(
        MAJOR,
        "Frames arrive faster than they can be processed; some are skipped.",
        "a minute without a skipped frame",
        "Check temperature and throttling; lower the camera's frame rate.",
    ),
    Fault.HARDENING_MISSING: Description(
        MAJOR,
        "The firewall or another protection that the card set up is missing; strangers on the unit's network may "
        "reach it.",
        "the protection working again; a firewall that is gone is loaded again within five minutes",
        "Run a self-test, which shows what is missing. If the rules were edited, correct them; or prepare a new card.",
        within="five minutes",
    ),
    Fault.HITS_SURGING: Description(
        CRITICAL,
        "Implausibly many hits of a category, as from a faulty list; further ones are sent marked as held.",
        "an hour without a held hit, or a list without the faulty entries",
        "Check the list: `hotlist rollback` restores the previous one. If the hits are right, raise `hits_per_hour`.",
        within="the first hit above the limit",
    ),
    Fault.HOTLIST_MISSING: Description(
        CRITICAL,
        "No hot list has arrived yet; the post is not in service.",
        "a current list",
        "Check that the department publishes a list encrypted to this post.",
    ),
    Fault.HOTLIST_STALE: Description(
        CRITICAL,
        "The hot list is too old; hits state this, and a post that starts with it waits for a newer one.",
        "a current list",
        "Check that the department publishes lists, and check the uplink.",
    ),
    Fault.IDENTITY_ELSEWHERE: Description(
        CRITICAL,
        "Another client, perhaps with a copied disk, uses this post's certificate; they disconnect each other.",
        "an hour without it",
        "Check that this is the right unit; replace it with `post invite --replace`, which revokes both.",
        within="a second, and reported when the broker lets this post in again",
    ),
    Fault.LENS_BLOCKED: Description(
        CRITICAL,
        "Something covers much of the lens or its window; few plates are read.",
        "half a minute of the accepted view",
        "Clean the window, cut the branch, remove what covers it; after an intended change, accept the view again.",
        within="forty seconds",
    ),
    Fault.LENS_BLURRED: Description(
        MAJOR,
        "The picture is blurrier than the accepted view; plates are read poorly or not at all.",
        "half a minute of a sharp picture, for example when fog lifts",
        "Clean the window; focus the lens; accept the view again.",
        within="forty seconds",
    ),
    Fault.LENS_DAZZLED: Description(
        MAJOR,
        "At least a quarter of the picture is overexposed by glare; plates there cannot be read.",
        "half a minute without it, for example when the sun has moved on",
        "If it happens daily, turn or shade the camera; look for a lamp pointed at it.",
        within="forty seconds",
    ),
    Fault.LENS_MOVED: Description(
        CRITICAL,
        "The camera no longer points where it did at installation; plates are read poorly, or on another road.",
        "half a minute of the accepted view",
        "Aim the camera again and accept the view; look for damage to the pole.",
        within="forty seconds",
    ),
    Fault.MODEL_DAMAGED: Description(
        CRITICAL,
        "A model file is missing or damaged; nothing is read.",
        "the original file, within ten seconds",
        "Reinstall the package; if it happens again, replace the card.",
        within="the start",
    ),
    Fault.NO_READS: Description(
        MAJOR,
        "No plate was read for longer than usual at this hour; the post may be blind although the picture looks "
        "normal.",
        "the next read",
        "Look at a still: is the road closed, or has the view changed? At night, check the illuminator.",
        within="the time that twenty reads usually take, even an hour earlier or later; at least fifteen minutes",
    ),
    Fault.NO_SUBSCRIBER: Description(
        CRITICAL,
        "The broker has no subscriber for some kind of record; those records wait on the post.",
        "a subscriber, within a minute",
        "Check that the department's archive service is connected or has a session at the broker.",
        within="the next record of that kind",
    ),
    Fault.NOT_ACCEPTED: Description(
        CRITICAL,
        "No technician has accepted this post; it is not in service and reads nothing.",
        "a signed acceptance",
        "Run `platepost accept` at the unit.",
    ),
    Fault.OUTBOX_FAILED: Description(
        CRITICAL,
        "Records cannot be stored; reading is paused until they can.",
        "the disk accepting records again",
        "Check the storage's free space and wear; replace it.",
    ),
    Fault.OUTBOX_SET_ASIDE: Description(
        MAJOR,
        "The outbox was unusable and was set aside; what can be read is kept, and the audit trail lists the rest.",
        "the next start",
        "Save the file that was set aside, if it is still there; check the storage, and replace it if it happens "
        "again.",
        within="a second, or the start",
    ),
    Fault.PUBLISH_REFUSED: Description(
        CRITICAL,
        "The broker refuses records; they wait on the post.",
        "the broker accepting them",
        "Check the rights of this post's certificate at the broker.",
        within="the next record",
    ),
    Fault.QUEUE_OLD: Description(
        MAJOR,
        "The oldest record has waited for more than an hour; the department gets reads and hits late.",
        "the delivery of the waiting records",
        "Check the network, the broker, and the post's rights at the broker; the post keeps everything until then.",
        within="five seconds after the hour",
    ),
    Fault.READS_FEWER: Description(
        MAJOR,
        "Reads have fallen below a fifth of those before the configuration changed; the post may be blind.",
        "reads as before, or the previous configuration; a configuration on trial is reverted",
        "Look at a still, and compare the settings of `vision` and `passages` with the previous ones.",
        within="the time that twenty reads took before, at most half an hour",
    ),
    Fault.RECORD_TOO_LARGE: Description(
        MAJOR,
        "The broker refuses records of this size; they wait on the post.",
        "a broker that accepts it",
        "Raise the broker's maximum packet size to at least 64 KiB.",
        within="the first such record",
    ),
    Fault.RESTARTING_OFTEN: Description(
        CRITICAL,
        "The post keeps crashing soon after it starts; it waits before it opens the camera.",
        "ten minutes without a crash, with the camera open",
        "Check the audit record `died` and the log; replace the camera or the storage.",
        within="the fourth start",
    ),
    Fault.STORAGE_LOW: Description(
        MAJOR,
        "Less than 5% of the disk is free; when it is full, pictures of reads, then reads, are dropped.",
        "free space on the disk",
        "Find out what fills the disk; check that the uplink delivers.",
        within="five seconds",
    ),
    Fault.STORAGE_WORN: Description(
        MAJOR,
        "The storage is worn out or has had errors; it may soon stop storing records.",
        "a new card, or a checked file system",
        "Let the post deliver its records, then replace the card or module.",
        within="five seconds",
    ),
    Fault.SUBSCRIPTION_REFUSED: Description(
        MAJOR,
        "The broker refuses a subscription; the post misses its hot list, its keys or its receipts.",
        "the next connection with the right granted",
        "Check the rights of this post's certificate at the broker.",
        within="the next connection",
    ),
    Fault.SYNTHETIC_HIT_LATE: Description(
        MAJOR,
        "A synthetic hit did not arrive in time; real hits may not, either.",
        "its arrival: the custodians' receipts, or the broker's acknowledgment if none is required",
        "Check the broker and the custodians; see publish_refused, queue_old and custody_behind.",
        within="ten minutes after the hit was made (reporting.synthetic_late_minutes)",
    ),
    Fault.TAMPER_OPEN: Description(
        CRITICAL,
        "The case is open; someone may have access to the unit.",
        "a closed case, for a minute or more if it opens repeatedly",
        "Go and look. If the switch opens repeatedly, it is loose: fasten it.",
    ),
    Fault.THROTTLED: Description(
        MINOR,
        "The processor is throttled because of heat or a weak power supply; frames may be skipped.",
        "the processor running at full speed",
        "Check the fan, the heat sink, the sun on the case, and the power supply.",
        within="five seconds",
    ),
    Fault.TOO_HOT: Description(
        MINOR,
        "The processor is at 80 °C (176 °F) or more; it slows down and wears out faster.",
        "75 °C (167 °F) or less",
        "Check the fan, the heat sink, and whether the sun shines on the case.",
        within="five seconds",
    ),
    Fault.UNDER_VOLTAGE: Description(
        MAJOR,
        "The supply voltage is below 4.63 V; the unit may fail or damage its card at any moment.",
        "a stable supply",
        "Check the power supply, cable and splices.",
        within="five seconds",
    ),
    Fault.UPDATE_FAILED: Description(
        MINOR,
        "Software that the department ordered could not be installed; the post runs the former version.",
        "its installation, which is tried again every hour, or another order",
        "See the audit action update_failed, which has the reason: the network, the signature, or an older version.",
        within="an hour",
    ),
    Fault.VIEW_DAMAGED: Description(
        MAJOR,
        "The accepted view cannot be read; a camera that is moved, or a window that grows dirty, may go unnoticed.",
        "a view that can be read",
        "Aim the camera again and accept the view; if it happens again, replace the card.",
        within="five seconds",
    ),
}
"""Every fault has its description."""


def explained(names: Iterable[str]) -> Phrase:
    """Say what is wrong and what to do for each fault, in the reader's language; repeat names that are not faults."""
    texts = [_explained(name) for name in names]
    return reduce(lambda before, text: Phrase("{first} {second}", first=before, second=text), texts)


def _explained(name: str) -> Phrase:
    description = {fault.value: description for fault, description in DESCRIPTIONS.items()}.get(name)
    if description is None:
        return Phrase("{said}.", said=name)
    return Phrase(
        "{cause} {remedy} ({name})", cause=Phrase(description.cause), remedy=Phrase(description.remedy), name=name
    )


def reasons(faults: Iterable[Fault]) -> tuple[Reason, ...]:
    """Return present faults as a status record names them, in the order of their names."""
    described = ((fault, DESCRIPTIONS[fault]) for fault in sorted(set(faults)))
    return tuple(Reason(name=fault.value, message=one.message, severity=one.severity) for fault, one in described)


def severity(reason: Reason) -> PerceivedSeverity:
    """Return how bad a reason is: as its post says; by its name where an older post does not; else `major`."""
    if reason.severity is not None:
        return reason.severity
    known = reason.name in set(Fault)
    return DESCRIPTIONS[Fault(reason.name)].severity if known else MAJOR


def worst(reasons: Iterable[Reason]) -> PerceivedSeverity | None:
    """Return how bad the worst of some reasons is; None if there are none."""
    return min(map(severity, reasons), default=None)


NO_CUSTODIAN = "no_custodian"
"""The notice of a post whose records leave it on a broker's acknowledgment alone."""
UNLISTED = "synthetic_unlisted"
"""The notice of a post whose list has no plate for a synthetic hit."""
COMPARED = "reads_compared"
"""The notice of a post that compares its reads with those before the configuration changed."""
LONGEST_LIST = 120
"""Characters of a notice that names keys."""


def notices(
    hotlist: HotListState,
    unusual: Sequence[str] = (),
    *,
    custody: bool = True,
    comparing: bool = False,
    broker_certificate_days: int | None = None,
    unlisted: bool = False,
) -> tuple[Reason, ...]:
    """Return what a person should know though it is no fault.

    Args:
        hotlist: the list in force.
        unusual: keys of the configuration that are far from what holds without them.
        custody: whether any custodian's receipt is required.
        comparing: whether reads are being compared with those before a change of the configuration.
        broker_certificate_days: left of the broker's certificate, where it ends soon.
        unlisted: whether the list lacks the test plate, so that no synthetic hit can be made.

    """
    present = []
    if not custody:
        message = "No custodian is configured: the post deletes records on a broker's acknowledgment."
        present.append(Reason(name=NO_CUSTODIAN, message=message))
    if comparing:
        message = (
            "Reads are being compared with those before the configuration changed; the trial lasts until that is done."
        )
        present.append(Reason(name=COMPARED, message=message))
    if unusual:
        keys = textwrap.shorten(", ".join(unusual), LONGEST_LIST, placeholder=" ...")
        present.append(Reason(name="settings_unusual", message=f"Settings far from their defaults: {keys}."))
    if hotlist.state == "warning":
        present.append(
            Reason(name="hotlist_warning", message="The hot list is getting old: a newer one should have arrived.")
        )
    if hotlist.near_alternatives:
        message = (
            f"Near matching is on: {hotlist.near_alternatives} alternative readings of each plate are looked up; most "
            f"of them are wrong."
        )
        present.append(Reason(name="near_matching", message=message))
    if broker_certificate_days is not None:
        message = (
            f"The broker's certificate ends in {broker_certificate_days} days; after that nothing is delivered: "
            "renew it at the broker."
        )
        present.append(Reason(name="broker_certificate_expiring", message=message))
    if unlisted:
        message = (
            "The hot list lacks reporting.synthetic_plate with the category acceptance_test: no synthetic hit shows "
            "that hits arrive."
        )
        present.append(Reason(name=UNLISTED, message=message))
    return tuple(present)


CONFIGURATION_FAULTS = frozenset(
    {
        Fault.CAMERA_BLACK,
        Fault.CAMERA_FAILED,
        Fault.CAMERA_SILENT,
        Fault.FALLING_BEHIND,
        Fault.HOTLIST_STALE,
        Fault.READS_FEWER,
        Fault.RECORD_TOO_LARGE,
    }
)
"""Faults that a configuration can cause; the network's and the clock's come and go by themselves."""


def table() -> str:
    """Return all faults as a table in Markdown."""
    rows = [
        "| reason | severity | cause | effect | named within | healed by | if it stays |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| `{fault}` | {described.severity} | {described.cause} | {described.effect} "
            f"| {described.within} | {described.healed_by} | {described.remedy} |"
            for fault, described in sorted(DESCRIPTIONS.items())
        ),
    ]
    return "\n".join(rows) + "\n"
