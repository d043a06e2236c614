"""The faults that a post names in its status: name, severity, cause, effect, what heals it, what a technician does.

`make contract` writes them as a table into docs/health.md.
"""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from device.records import HotListState, PerceivedSeverity, Reason


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
        "The pins of the board cannot be had, or do not obey; illuminator and switches do not work, plates are read.",
        "the board obeying again; where the pins could not be had, the next start",
        "See in the log what the library says, and with gpioinfo which program holds the pins.",
    ),
    Fault.BROKER_CERTIFICATE_EXPIRED: Description(
        CRITICAL,
        "The broker's certificate has expired by this post's clock, or the clock is ahead; nothing is delivered.",
        "the clock being set, or a new certificate at the broker",
        "Look at the clock: if it is right, renew the broker's certificate; if not, see clock_unsynchronised.",
        within="the next attempt to connect",
    ),
    Fault.CAMERA_BLACK: Description(
        CRITICAL,
        "The camera's pictures are black; nothing is read.",
        "the next picture with light in it",
        "Take off what covers the lens; at night look at the illuminator; replace the camera.",
        within="eleven seconds",
    ),
    Fault.CAMERA_FAILED: Description(
        CRITICAL,
        "The camera stopped or hangs, and is opened again; nothing is read.",
        "the camera delivering frames again",
        "Look at the log, check the ribbon cable, replace the camera.",
        within="a second, or eleven where it hangs",
    ),
    Fault.CAMERA_FROZEN: Description(
        CRITICAL,
        "The camera delivers the same frame again and again; nothing is read.",
        "the next frame that differs; the camera is opened again after ten seconds",
        "Check the ribbon cable, power-cycle the unit, replace the camera.",
        within="six seconds",
    ),
    Fault.CAMERA_GIVEN_UP: Description(
        CRITICAL,
        "Opening the camera again, its power and restarts of the software have not helped; nothing is read.",
        "the camera delivering frames again: it is tried every five minutes, and the unit reboots, ever more rarely",
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
        "The post's certificate ends within two weeks; after that no broker lets it in.",
        "a renewed certificate",
        "Renew the post's certificate, and see why that did not happen by itself.",
        within="five seconds",
    ),
    Fault.CHAIN_FORKED: Description(
        CRITICAL,
        "The broker knows later records of this post than its disk, restored, copied or failing; numbers recur.",
        "the next start",
        "Ask who restored the disk; if nobody did, look whether this unit is the right one, and replace its disk.",
        within="the connection after the start",
    ),
    Fault.CLOCK_AHEAD: Description(
        MAJOR,
        "The clock is later than it can be; the time of records goes on without it.",
        "the clock being right again, or synchronized for half a minute",
        "Check which time server the unit goes by; set the clock, and see who or what set it wrong.",
    ),
    Fault.CLOCK_BEHIND: Description(
        MAJOR,
        "The clock is earlier than it can be; the time of records goes on without it.",
        "the clock being right again, or synchronized for half a minute",
        "Check that the unit reaches its time server, and that its clock's battery is not empty.",
    ),
    Fault.CLOCK_UNSYNCHRONISED: Description(
        MINOR,
        "The clock is not synchronized; times of records are not to be relied on.",
        "the clock being synchronized",
        "Check that the unit reaches its time server.",
        within="a minute",
    ),
    Fault.CUSTODY_BEHIND: Description(
        MAJOR,
        "A record has waited too long for its receipts; the post keeps it and the disk fills.",
        "the receipts for what waits",
        "Ask for a self-test: it says whose receipts are required. See that these custodians run and reach the broker.",
        within="a minute after `custody.behind_hours`",
    ),
    Fault.CUSTODY_FORKED: Description(
        CRITICAL,
        "A custodian holds other records than this disk under the same numbers; those of that chain stay here.",
        "the next start, until a receipt says it again; for good, an outbox that begins a new chain",
        "Ask who restored or copied the disk. Save the outbox, then replace the unit or its disk.",
        within="the receipt",
    ),
    Fault.DISK_FULL: Description(
        CRITICAL,
        "The disk is full; pictures of reads and then reads are given up to keep the rest.",
        "a minute with room on the disk",
        "Find what fills the disk; check that the uplink delivers.",
    ),
    Fault.DOOR_OPEN: Description(
        CRITICAL,
        "The door of the cabinet is open; somebody may be at the unit's cables.",
        "the door being closed, for a minute or more if it opens again and again",
        "Go and look; a door or switch that opens again and again is loose: fasten it.",
    ),
    Fault.FALLING_BEHIND: Description(
        MAJOR,
        "Frames come faster than they can be evaluated; some are skipped.",
        "a minute without a skipped frame",
        "Check temperature and throttling; lower the camera's frame rate.",
    ),
    Fault.HITS_SURGING: Description(
        CRITICAL,
        "Far more hits of a category come than are believable, as of a list gone wrong; they are sent, marked as held.",
        "an hour in which no hit is held",
        "Look at the list: `hotlist rollback` sends the one before. If the hits are right, raise `hits_per_hour`.",
        within="the hit that is one too many",
    ),
    Fault.HOTLIST_MISSING: Description(
        CRITICAL,
        "No hot list has come yet; the post is not in service.",
        "a current list",
        "Check that the department publishes a list sealed to this post.",
    ),
    Fault.HOTLIST_STALE: Description(
        CRITICAL,
        "The hot list is older than allowed; hits say so, and a post that starts with it does not read yet.",
        "a current list",
        "Check the department's publishing of lists and the uplink.",
    ),
    Fault.IDENTITY_ELSEWHERE: Description(
        CRITICAL,
        "Another client connects with this post's certificate, a copied disk perhaps; each throws the other out.",
        "an hour without it",
        "Look whether this unit is the right one; replace it with `post invite --replace`, which revokes both.",
        within="a second, and told when the broker lets this post in again",
    ),
    Fault.LENS_BLOCKED: Description(
        CRITICAL,
        "Something covers much of the lens or its window; little is read.",
        "half a minute of the view as it was accepted",
        "Clean the window, cut the branch, take off what covers it; after a change on purpose accept the view again.",
        within="forty seconds",
    ),
    Fault.LENS_BLURRED: Description(
        MAJOR,
        "The picture is blurred against the view accepted at installation; plates are read worse or not at all.",
        "half a minute of a sharp picture, as when fog lifts",
        "Clean the window; focus the lens; accept the view again.",
        within="forty seconds",
    ),
    Fault.LENS_DAZZLED: Description(
        MAJOR,
        "A quarter of the picture or more is dazzled; plates there cannot be read.",
        "half a minute without it, as when the sun has moved on",
        "If it comes daily, turn the camera or shade it; look for a lamp that was pointed at it.",
        within="forty seconds",
    ),
    Fault.LENS_MOVED: Description(
        CRITICAL,
        "The camera does not look where it did at installation; plates are read worse, and elsewhere.",
        "half a minute of the view as it was accepted",
        "Aim the camera again and accept its view; look for damage to the pole.",
        within="forty seconds",
    ),
    Fault.MODEL_DAMAGED: Description(
        CRITICAL,
        "A model file is missing or damaged; nothing is read.",
        "the file as it was installed, within ten seconds",
        "Install the package again; replace the card if it happens again.",
        within="the start",
    ),
    Fault.NO_READS: Description(
        MAJOR,
        "No plate was read for longer than is usual at this hour; the post may be blind, though no picture tells.",
        "the next read",
        "Look at a still: is the road closed, or the view not what it was? Check the illuminator at night.",
        within="the time in which twenty reads are usual, at least fifteen minutes",
    ),
    Fault.NO_SUBSCRIBER: Description(
        CRITICAL,
        "The broker has nobody to give records of some kind to; they wait on the post.",
        "a subscriber, within a minute",
        "Check that the department's record keeper is connected or has a session at the broker.",
        within="the next record of the kind",
    ),
    Fault.NOT_ACCEPTED: Description(
        CRITICAL,
        "No technician has accepted this post; it is not in service and reads nothing.",
        "a signed acceptance",
        "Accept it at the unit: platepost accept.",
    ),
    Fault.OUTBOX_FAILED: Description(
        CRITICAL,
        "Records cannot be stored; reading waits until they can.",
        "the disk taking records again",
        "Check space and wear of the storage; replace it.",
    ),
    Fault.OUTBOX_SET_ASIDE: Description(
        MAJOR,
        "The outbox could not be used and was set aside; what can be read of it is kept, the rest is audited.",
        "the next start",
        "Fetch the file that was set aside, if it is there yet; check the storage and replace it if it happens again.",
        within="a second, or the start",
    ),
    Fault.PUBLISH_REFUSED: Description(
        CRITICAL,
        "The broker refuses records; they wait on the post.",
        "the broker taking them",
        "Check the rights of this post's certificate at the broker.",
        within="the next record",
    ),
    Fault.QUEUE_OLD: Description(
        MAJOR,
        "The oldest record has waited for more than an hour; the department learns late of what was seen.",
        "the delivery of what waits",
        "Check the network, the broker, and its rights; the post keeps everything until then.",
        within="five seconds after the hour",
    ),
    Fault.READS_FEWER: Description(
        MAJOR,
        "Less than a fifth of the plates are read that were before the configuration changed; the post may be blind.",
        "reads as before, or the configuration before; a configuration on trial is given back",
        "Look at a still, and at the settings of `vision` and `passages` against those before.",
        within="the time in which twenty reads came before, at most half an hour",
    ),
    Fault.RECORD_TOO_LARGE: Description(
        MAJOR,
        "The broker takes no record of this size; it waits on the post.",
        "a broker that takes it",
        "Raise the broker's largest packet to 64 KiB at least.",
        within="the first such record",
    ),
    Fault.RESTARTING_OFTEN: Description(
        CRITICAL,
        "The post died again and again soon after its start; it waits before it opens the camera.",
        "ten minutes without dying, the camera open",
        "Look at what the audit record `died` says, and at the log; replace camera or storage.",
        within="the fourth start",
    ),
    Fault.STORAGE_LOW: Description(
        MAJOR,
        "Less than a twentieth of the disk is free; a full disk costs pictures of reads, then reads.",
        "room on the disk",
        "Find what fills the disk; check that the uplink delivers.",
        within="five seconds",
    ),
    Fault.STORAGE_WORN: Description(
        MAJOR,
        "The storage is worn out or has had errors; it may soon take no records.",
        "a new card, or a file system that was checked",
        "Replace the card or module; the post delivers what it holds before.",
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
        "The synthetic hit has not arrived in time; real hits may not either.",
        "its arrival: the custodians' receipts, or the broker's acknowledgment where none is required",
        "Check the broker and the custodians; see publish_refused, queue_old and custody_behind.",
        within="ten minutes after the hit was made (reporting.synthetic_late_minutes)",
    ),
    Fault.TAMPER_OPEN: Description(
        CRITICAL,
        "The case is open; somebody may be at the unit.",
        "the case being closed, for a minute or more if it opens again and again",
        "Go and look; a switch that opens again and again is loose: fasten it.",
    ),
    Fault.THROTTLED: Description(
        MINOR,
        "The processor is slowed down, by heat or a weak supply; frames may be skipped.",
        "the processor running at full speed",
        "Check fan, heat sink, sun and power supply.",
        within="five seconds",
    ),
    Fault.TOO_HOT: Description(
        MINOR,
        "The processor is at 80 degrees Celsius or more; it slows down, and its life shortens.",
        "75 degrees or less",
        "Check fan, heat sink and the sun on the case.",
        within="five seconds",
    ),
    Fault.UNDER_VOLTAGE: Description(
        MAJOR,
        "The supply is below 4.63 V; the unit may fail or damage its card at any moment.",
        "a supply that holds",
        "Check power supply, cable and splices.",
        within="five seconds",
    ),
}
"""Every fault has its description."""


def reasons(faults: Iterable[Fault]) -> tuple[Reason, ...]:
    """Return present faults as a status record names them, in the order of their names."""
    said = ((fault, DESCRIPTIONS[fault]) for fault in sorted(set(faults)))
    return tuple(Reason(name=fault.value, message=one.message, severity=one.severity) for fault, one in said)


def severity(reason: Reason) -> PerceivedSeverity:
    """Return how bad a reason is: as its post says; by its name where an older post does not; else `major`."""
    if reason.severity is not None:
        return reason.severity
    known = reason.name in set(Fault)
    return DESCRIPTIONS[Fault(reason.name)].severity if known else MAJOR


def worst(said: Iterable[Reason]) -> PerceivedSeverity | None:
    """Return how bad the worst of some reasons is; None if there are none."""
    return min(map(severity, said), default=None)


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
    said = []
    if not custody:
        message = "No custodian is configured: a broker's acknowledgment releases records."
        said.append(Reason(name=NO_CUSTODIAN, message=message))
    if comparing:
        message = "Reads are being compared with those before the configuration changed; a trial lasts until then."
        said.append(Reason(name=COMPARED, message=message))
    if unusual:
        keys = textwrap.shorten(", ".join(unusual), LONGEST_LIST, placeholder=" ...")
        said.append(Reason(name="settings_unusual", message=f"Far from what holds without setting: {keys}."))
    if hotlist.state == "warning":
        said.append(Reason(name="hotlist_warning", message="The hot list grows old: a newer one should have come."))
    if hotlist.near_alternatives:
        message = (
            f"Near matching is on: {hotlist.near_alternatives} other readings of a plate are looked up; most are wrong."
        )
        said.append(Reason(name="near_matching", message=message))
    if broker_certificate_days is not None:
        message = (
            f"The broker's certificate ends in {broker_certificate_days} days; after that nothing is delivered: "
            "renew it at the broker."
        )
        said.append(Reason(name="broker_certificate_expiring", message=message))
    if unlisted:
        message = (
            "The hot list lacks reporting.synthetic_plate with the category acceptance_test: no synthetic hit shows "
            "that hits arrive."
        )
        said.append(Reason(name=UNLISTED, message=message))
    return tuple(said)


PAGE = "docs/health.md"
BEGIN, END = "<!-- faults: written by `make contract` -->\n", "<!-- end of faults -->\n"
"""Between these lines of the page stands the table."""


def table() -> str:
    """Return all faults as a table in Markdown."""
    rows = [
        "| reason | severity | cause | effect | named within | healed by | if it stays |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| `{fault}` | {said.severity} | {said.cause} | {said.effect} "
            f"| {said.within} | {said.healed_by} | {said.remedy} |"
            for fault, said in sorted(DESCRIPTIONS.items())
        ),
    ]
    return "\n".join(rows) + "\n"


def with_table(page: str) -> str:
    """Return the text of the page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    path = Path(PAGE)
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
