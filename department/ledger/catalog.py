"""The catalog of what is entered in the ledger: one line for each kind of event. Nothing here knows a database.

A new kind is a line here and nothing else: `migrate` brings the table `ledger_event` up to date.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from functools import cache
from typing import Any, Final, Self

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from platepost.department.database.roles import (
    AUDITOR,
    COMMAND,
    FEDERATION,
    KEEPER,
    MISUSE,
    OWNER,
    PURGER,
    SIGNER,
    WEB,
    WEBHOOK,
)


class BodyClass(Enum):
    """How long the bodies of an entry are kept. The entry itself, with its commitments, stays for good."""

    ACCESS = "access"
    """What names persons, plates and records: until the purger enters `erased`."""
    RIGHTS = "rights"
    """Who had which role, certificate and training: until the purger enters `erased`."""
    PERMANENT = "permanent"
    """What tells how the ledger and the archive were dealt with, and names no plate and no record."""


LEAST = dict.fromkeys((BodyClass.ACCESS, BodyClass.RIGHTS), timedelta(days=366))
"""How long bodies of a class stay at least: a year by CJIS AU-11. Those of a class that is not here stay for good."""


_TYPES: Final[dict[str, Any]] = {
    "": str,
    "int": int,
    "flag": bool,
    "date": date,
    "time": AwareDatetime,
    "texts": list[str],
    "ints": list[int],
    "list": list[Any],
    "object": dict[str, Any],
}
"""Types of fields, by their names here. Dates and times are texts as in ISO 8601, times with their offset."""
_CHECKS: Final = {name: TypeAdapter(type_) for name, type_ in _TYPES.items()}


@dataclass(frozen=True, slots=True)
class EntryField:
    """A field of an entry."""

    name: str
    type: str
    """One of `_TYPES`; a text where it is empty."""
    may_be_null: bool

    @classmethod
    def parse(cls, words: str) -> "EntryField":
        """Read a field as a kind declares it: `person`, `case?`, `hold:int`, `newest:int?`."""
        name, _, type_ = words.removesuffix("?").partition(":")
        if type_ not in _TYPES:
            raise ValueError(f"{words}: {type_} is not a type of a field")
        return cls(name, type_, words.endswith("?"))

    def fits(self, value: str | bytes) -> bool:
        """Tell whether a value, in JSON, is of the field's type."""
        if self.may_be_null and value in {"null", b"null"}:
            return True
        try:
            _CHECKS[self.type].validate_json(value, strict=True)
        except ValidationError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class EventKind:
    """What there is to know of one kind of event."""

    name: str
    label: str
    """For people, in a list of entries: `a.rivera looked for records`."""
    carries: str
    """The fields that each entry has, with spaces between; what a trigger enters has the row's columns besides. A field
    is a text, or has its type behind a colon; with `?` it may be null."""
    may_carry: str = ""
    """Fields that it can have besides."""
    retention: BodyClass = BodyClass.ACCESS
    refers_to: tuple[str, ...] = ()
    """The events to whose entries it may refer, and must to one; empty if it refers to none."""
    writers: tuple[str, ...] = (WEB,)
    """The database roles that may enter it."""

    @property
    def required(self) -> dict[str, EntryField]:
        """The fields that each entry has, by name."""
        return _parsed(self.carries)

    @property
    def fields(self) -> dict[str, EntryField]:
        """All fields that it can have, by name."""
        return self.required | _parsed(self.may_carry)


@cache
def _parsed(fields: str) -> dict[str, EntryField]:
    return {field.name: field for field in map(EntryField.parse, fields.split())}


_WHO = "person agency purpose case? reason? on_behalf_of? exigent:flag policy"


class LedgerEvent(Enum):
    """What happened. Its value is the event's name, as entries have it; `kind` says the rest."""

    kind: EventKind
    _value_: str

    def __new__(cls, kind: EventKind) -> Self:
        """Make a member whose value is the event's name."""
        member = object.__new__(cls)
        member._value_ = kind.name
        member.kind = kind
        return member

    # --- what was seen
    INTENT = EventKind(
        "intent", "searched for records", f"{_WHO} query:object groups:texts", writers=(COMMAND, FEDERATION)
    )
    """Someone is about to see records. It is committed before a row is fetched. The pages enter it by
    `ledger_begin`, which says who has the session."""
    LOG_INTENT = EventKind(
        "log_intent", "viewed the log", f"{_WHO} query:object groups:texts", writers=(COMMAND, AUDITOR, MISUSE)
    )
    """Someone is about to read the ledger."""
    SHOWN = EventKind(
        "shown",
        "was shown",
        "records:ints pictures:list covert:object",
        "plates:texts entries:ints compared:texts",
        refers_to=("intent", "log_intent"),
        writers=(WEB, AUDITOR, MISUSE, WEBHOOK, FEDERATION),
    )
    """What the intent brought. `covert` has what belongs to covert groups, by group; `compared`, plates that were only
    compared with what was asked. The database adds all that it opened."""
    FAILED = EventKind(
        "failed",
        "got an error",
        "records:ints pictures:list covert:object reason",
        "plates:texts entries:ints compared:texts",
        refers_to=("intent", "log_intent"),
        writers=(WEB, AUDITOR, MISUSE, WEBHOOK, FEDERATION),
    )
    """The intent ended in an error: what had been fetched by then."""
    POST_ACCESSED = EventKind(
        "post_accessed",
        "accessed a post directly",
        "record:int post kind time:time person outcome object?",
        writers=(KEEPER,),
    )
    """A still, a recording or a technician's session, as the post's own audit trail says; `time` is the post's."""
    JOURNALED = EventKind(
        "journaled",
        "was shown a hit while the log could not be written",
        "person time:time shown:object covert:object digest",
        writers=(KEEPER,),
    )
    """Taken over from the journal; `time` is that of the machine, `digest` that of the journal's line."""
    LIST_SHOWN = EventKind(
        "list_shown", "was shown entries of a list", "person plates:texts numbers:ints covert:object", writers=()
    )
    """Entries of the hot list, on a page of the lists; `covert` has `plates` and `numbers` of covert entries, by group.
    The database enters it, by `lists_show`."""
    REFUSED = EventKind(
        "refused",
        "was refused",
        f"{_WHO} query:object groups:texts why",
        "forbidden approval:flag word",
        writers=(WEB, MISUSE, FEDERATION),
    )
    """Nothing was looked for: the purpose is none, serves an agency that may get nothing, a `word` was written that the
    policy forbids (with `forbidden`, and for the auditors, where that was the second try), or, with `approval`, it
    waits for a supervisor's."""
    WORDS_REFUSED = EventKind(
        "words_refused",
        "was refused for a prohibited word",
        "person what field word",
        "forbidden text",
        writers=(WEB, SIGNER),
    )
    """What someone wrote of an entry of a list, a hold or a request has a word that the policy forbids; with
    `forbidden` and the whole `text`, for the auditors, where that was the second try."""
    SEARCH_APPROVED = EventKind(
        "search_approved",
        "approved or refused a search",
        "person approved:flag note",
        refers_to=("refused",),
    )
    EXIGENT_REVIEWED = EventKind(
        "exigent_reviewed", "reviewed an exigent search", "person outcome note", refers_to=("intent",)
    )
    """A supervisor judged a search that someone called exigent."""

    # --- agencies for which records are looked at
    AGENCY_SET = EventKind("agency_set", "set an agency", "person agency_name kind allowed:flag", "note? ori? title?")
    AGENCY_CONFIRMED = EventKind(
        "agency_confirmed", "confirmed what an agency is, as the second person", "person agency_name kind ori?"
    )
    AGENCY_VERIFIED = EventKind("agency_verified", "verified an agency", "person agency_name says until:date")
    SHARING_AGREED = EventKind(
        "sharing_agreed",
        "made an agreement with an agency",
        "person agency_name agreement:int says purposes:texts scope:texts begins:date ends:date",
        "per_hour:int?",
    )
    SHARING_CONFIRMED = EventKind(
        "sharing_confirmed", "was the second person for an agreement with an agency", "person agency_name agreement:int"
    )
    SHARING_ENDED = EventKind("sharing_ended", "ended an agreement with an agency", "person agency_name agreement:int")
    PARTNER_NAMED = EventKind("partner_named", "registered a partner department", "person agency_name url certificate")
    PARTNER_REFUSED = EventKind(
        "partner_refused", "was refused as a partner department", "agency_name why", writers=(FEDERATION,)
    )
    EXCHANGED = EventKind(
        "exchanged",
        "answered another department's query",
        "agency_name exchange decision",
        writers=(WEB, KEEPER, FEDERATION),
    )
    """`exchange` is the answer as it was signed, with the query: the same text in the ledgers of both."""
    EXCHANGE_FAILED = EventKind("exchange_failed", "received no answer from a department", "agency_name query word")
    """A partner was asked and is away, slow, or does not take it; its answer may be entered later."""
    CASE_OPENED = EventKind(
        "case_opened",
        "opened a case number to a partner department",
        "person agency_name exchange case because",
        writers=(WEB, FEDERATION),
    )
    REQUEST_RECEIVED = EventKind("request_received", "entered a request", "person request:int kind due:date requester")
    REQUEST_CORRECTED = EventKind(
        "request_corrected", "corrected a request", "person request:int before:object after:object"
    )
    REQUEST_ACKNOWLEDGED = EventKind("request_acknowledged", "acknowledged a request", "person request:int")
    REQUEST_EXTENDED = EventKind("request_extended", "extended a request", "person request:int due:date because")
    REQUEST_HELD = EventKind("request_held", "placed a hold for a request", "person request:int hold:int")
    REQUEST_DECIDED = EventKind("request_decided", "decided a request", "person request:int decision because")
    REQUEST_REOPENED = EventKind("request_reopened", "withdrew the decision on a request", "person request:int")
    REQUEST_SENT = EventKind("request_sent", "sent the answer to a request", "person request:int")
    RELEASED = EventKind("released", "released records", "person request:int what digest recipient count:int")
    RELEASE_RECALLED = EventKind("release_recalled", "recalled a release", "person what because")
    INCIDENT_OPENED = EventKind("incident_opened", "opened an incident", "person incident:int kind subject due:date")
    EXPOSURE_COMPUTED = EventKind(
        "exposure_computed",
        "determined whom an incident affects",
        "person incident:int digest plates:int reads:int gone:int",
    )
    BREACH_NOTIFIED = EventKind(
        "breach_notified", "notified those affected by an incident", "person incident:int plates:int?"
    )
    LAW_PROPOSED = EventKind("law_proposed", "proposed another law", "person law:object")
    LAW_CHANGED = EventKind(
        "law_changed",
        "changed the law that binds the department",
        "person? second_person? before:object? after:object",
        retention=BodyClass.PERMANENT,
    )
    """In the transaction of the change. Before there are people, `upgrade` enters it without a second person."""
    POLICY_PUBLISHED = EventKind(
        "policy_published", "published the policy", "person digest hearing:date", retention=BodyClass.PERMANENT
    )

    # --- who hears every read at the broker
    READS_GRANTED = EventKind(
        "reads_granted",
        "receives every read",
        "reader reason until?",
        retention=BodyClass.PERMANENT,
        writers=(KEEPER,),
    )
    """As the fleet's register says; `until` is null where the fleet granted it without an end."""
    READS_ENDED = EventKind(
        "reads_ended", "no longer receives reads", "reader", retention=BodyClass.PERMANENT, writers=(KEEPER,)
    )
    READS_AGREED = EventKind("reads_agreed", "entered an agreement on a direct feed", "person reader says until:date")
    READS_CONFIRMED = EventKind(
        "reads_confirmed", "was the second person for an agreement on a direct feed", "person reader says"
    )
    ADMISSION_ASKED = EventKind(
        "admission_asked", "asked to admit records of a key that had ended", "", retention=BodyClass.PERMANENT
    )
    RECORDS_ADMITTED = EventKind(
        "records_admitted", "admitted records of a key that had ended", "", retention=BodyClass.PERMANENT
    )
    ADMISSION_ENDED = EventKind("admission_ended", "ended the admission of records", "", retention=BodyClass.PERMANENT)

    # --- the ledger itself
    ERASED = EventKind(
        "erased", "erased bodies", "class until", "person plan", retention=BodyClass.PERMANENT, writers=(PURGER,)
    )
    """The bodies of a class that were entered before a time may go."""

    LOG_EXPORTED = EventKind("log_exported", "exported the log", "person what", writers=(KEEPER, COMMAND, WEB))
    CLOCK_SET_BACK = EventKind(
        "clock_set_back",
        "recorded that the clock was set back",
        "person reason",
        retention=BodyClass.PERMANENT,
        writers=(OWNER,),
    )
    """The database's clock had been ahead: the entries behind this one may be dated before those ahead of it."""

    WITNESSED = EventKind(
        "witnessed",
        "kept a checkpoint of another department's log",
        "agency_name custodian number:int digest",
        retention=BodyClass.PERMANENT,
        writers=(KEEPER,),
    )

    # --- people: log-on, rights, training. Triggers enter what happens to a row, with the row's columns.
    LOG_ON = EventKind("log_on", "logged on", "person methods:texts device known:flag")
    LOG_ON_FAILED = EventKind("log_on_failed", "failed to log on", "person? method known:flag")
    LOG_OFF = EventKind("log_off", "logged off", "person", "device")
    """By the browser whose session ended, if it is known."""
    ACCESS_REFUSED = EventKind("access_refused", "was refused a page", "person permission lacks:texts")
    """Someone asked for what they may not have: which permission, and what they lack for it."""
    LOG_ON_LOCKED = EventKind("log_on_locked", "was locked out", "", retention=BodyClass.RIGHTS)
    LOG_ON_RELEASED = EventKind("log_on_released", "was unlocked", "", retention=BodyClass.RIGHTS)
    CONSOLE_NAMED = EventKind("console_named", "registered a dispatch console", "", retention=BodyClass.RIGHTS)
    CONSOLE_ENDED = EventKind("console_ended", "removed a dispatch console", "", retention=BodyClass.RIGHTS)
    PERSON_ADDED = EventKind("person_added", "was added", "", retention=BodyClass.RIGHTS)
    PERSON_DISABLED = EventKind("person_disabled", "was disabled", "", retention=BodyClass.RIGHTS)
    PERSON_REINSTATED = EventKind("person_reinstated", "was reinstated", "", retention=BodyClass.RIGHTS)
    ACCESS_REQUESTED = EventKind("access_requested", "asked a second person for access", "", retention=BodyClass.RIGHTS)
    ACCESS_DECIDED = EventKind("access_decided", "approved or refused access", "", retention=BodyClass.RIGHTS)
    ROLE_GIVEN = EventKind("role_given", "received a role", "", retention=BodyClass.RIGHTS)
    ROLE_ENDED = EventKind("role_ended", "lost a role", "", retention=BodyClass.RIGHTS)
    CERTIFICATE_NOTED = EventKind("certificate_noted", "received a certification", "", retention=BodyClass.RIGHTS)
    TRAINING_NOTED = EventKind("training_noted", "completed training", "", retention=BodyClass.RIGHTS)
    EXERCISES_DONE = EventKind("exercises_done", "completed exercises", "", retention=BodyClass.RIGHTS)
    FACTOR_ADDED = EventKind("factor_added", "added a second factor", "", retention=BodyClass.RIGHTS)
    FACTOR_REMOVED = EventKind("factor_removed", "removed a second factor", "", retention=BodyClass.RIGHTS)
    PROVIDER_ENDED = EventKind(
        "provider_ended", "was signed out by the identity provider", "person why", retention=BodyClass.RIGHTS
    )
    GROUP_MAPPED = EventKind("group_mapped", "mapped a group to a role", "", retention=BodyClass.RIGHTS)
    """A group of the identity provider."""
    GROUP_UNMAPPED = EventKind("group_unmapped", "ended a group's role", "", retention=BodyClass.RIGHTS)
    COVERT_JOINED = EventKind("covert_joined", "joined a covert group", "", retention=BodyClass.RIGHTS)
    COVERT_LEFT = EventKind("covert_left", "left a covert group", "", retention=BodyClass.RIGHTS)
    PASSWORD_SET = EventKind("password_set", "set a password", "", retention=BodyClass.RIGHTS)

    # --- searches and cases
    CORRECTED = EventKind("corrected", "recorded a correction", "person record:int note", "case")
    CASE_CORRECTED = EventKind(
        "case_corrected", "corrected the case number of a search", "person former? case because", refers_to=("intent",)
    )
    """Both stay: what was asked under the former number, and that it belongs to the case."""
    WORK_SAVED = EventKind("work_saved", "saved work of a case", "person case what")
    WORK_DISCARDED = EventKind("work_discarded", "discarded saved work", "person what")
    STANDING_PATTERN = EventKind("standing_pattern", "set a standing pattern", "person case? pattern until", "what")

    # --- hot lists. No entry has a plate: the list's own number leads to it.
    LIST_ENTERED = EventKind(
        "list_entered", "put an entry on a list", "person entry:int kind until:time second_person:flag"
    )
    LIST_APPROVED = EventKind("list_approved", "approved an entry of a list", "person entry:int")
    LIST_ENDED = EventKind("list_ended", "removed an entry from a list", "person entry:int why")
    LIST_RECOVERED = EventKind(
        "list_recovered", "removed a recovered vehicle from the lists", "person recovery:int entries:ints"
    )
    LIST_LET_GO = EventKind("list_let_go", "released a held list", "person what number:int why")
    LIST_IMPORTED = EventKind(
        "list_imported",
        "imported a list",
        "person source import:int mark accepted:int refused:int held:flag",
        writers=(SIGNER,),
    )
    LIST_PUBLISHED = EventKind(
        "list_published", "published a list", "kind version:int requests:ints", writers=(SIGNER,)
    )

    # --- alerts
    ALERT_STEP = EventKind(
        "alert_step",
        "acted on an alert",
        "person records:ints step state",
        "reason note characters pairs:texts plate_state vehicle with_record:int",
    )
    """One step about a hit, by its record; `state` is what the alert was then, and `with_record` the hit whose decision
    answered this repeat. For one of a covert group there is `steps` in the `covert` of `shown` instead."""
    ALERTS_OFFERED = EventKind("alerts_offered", "handed hits to the next shift", "person to records:ints")
    HISTORY_EXPORTED = EventKind("history_exported", "exported the history of hits", "person what:object count:int")
    """As a file; what each hit has stands in `shown`."""
    READ_LABELED = EventKind("read_labeled", "labeled a random read", "person sample:int verdict")
    WEBHOOK_ADDED = EventKind(
        "webhook_added", "added a webhook", "person webhook:int agency_name url", "certificate_digest"
    )
    """With a certificate it receives plates."""
    WEBHOOK_ENDED = EventKind("webhook_ended", "ended a webhook", "person webhook:int")
    WEBHOOK_DELIVERED = EventKind(
        "webhook_delivered",
        "was notified of a decision",
        "webhook:int agency_name hit number:int delivered:flag",
        "plate:flag",
        writers=(WEBHOOK,),
    )
    """By webhook; `delivered` is false where it was given up, and `plate` true where the hit's plate went along."""
    WEBHOOK_LIST = EventKind(
        "webhook_list",
        "was notified of a held list",
        "webhook:int agency_name request:int held:flag",
        writers=(WEBHOOK,),
    )
    """By webhook; `held` is false where the list is held no longer."""
    TEST_HIT = EventKind("test_hit", "sent a test hit to their console", "person")
    LISTS_SEEN = EventKind(
        "lists_seen", "reviewed the posts' lists", "person newest:int? posts:int stale:int faults:int open:int"
    )
    """At the start of a shift: the newest list's version, and how many posts, posts without it, faults, open alerts."""

    # --- audits
    AUDIT_PLANNED = EventKind("audit_planned", "planned audits", "person plan:int kind auditor every:int samples:int")
    AUDIT_PLAN_ENDED = EventKind("audit_plan_ended", "ended a plan of audits", "person plan:int")
    AUDIT_BEGUN = EventKind("audit_begun", "drew the samples of an audit", "person plan:int audit:int seed samples:int")
    SAMPLE_JUDGED = EventKind("sample_judged", "judged a sample", "person audit:int outcome note", "finding:int")
    AUDIT_FINISHED = EventKind("audit_finished", "finished an audit", "person audit:int")
    FINDING_MADE = EventKind(
        "finding_made", "received a finding", "finding:int rule subject month", writers=(WEB, MISUSE)
    )
    """A rule against misuse found it. What is found in a sample stands in `sample_judged`."""
    FINDING_ANSWERED = EventKind("finding_answered", "answered a finding", "person finding:int says")
    FINDING_CLOSED = EventKind("finding_closed", "closed a finding", "person finding:int outcome note")
    HOUSEHOLD_NOTED = EventKind(
        "household_noted", "declared their household", "person by consent count:int", writers=(WEB, MISUSE)
    )

    # --- the archive
    RETENTION_SET = EventKind("retention_set", "set a retention", "person what before:int after:int", "why")
    HOLD_PLACED = EventKind(
        "hold_placed", "placed a hold", "person hold:int reason", "case until:date what records:ints count:int"
    )
    HOLD_REVIEWED = EventKind("hold_reviewed", "reviewed a hold", "person hold:int reason until:date", "case")
    """It stays; `until` is when it is to be reviewed again."""
    HOLD_REMOVED = EventKind("hold_removed", "removed a hold", "person hold:int reason", "case second_person what")
    PURGE_PLANNED = EventKind(
        "purge_planned", "planned a purge", "plan", "person what:list until count:int", writers=(WEB, PURGER)
    )
    PURGE_APPROVED = EventKind("purge_approved", "approved a purge", "person plan", "authority consent note")
    PURGED = EventKind(
        "purged",
        "purged records",
        "plan",
        "person? what count:int until certificate",
        retention=BodyClass.PERMANENT,
        writers=(PURGER,),
    )
    ARCHIVE_REFUSED = EventKind(
        "archive_refused", "was refused by the archive", "person? what why", "plan hold", writers=(WEB, PURGER)
    )
    """Someone tried `what`, an event of the archive, and a rule forbade it."""
    BACKUP_REMOVED = EventKind(
        "backup_removed",
        "destroyed a backup",
        "what digest",
        "person",
        retention=BodyClass.PERMANENT,
        writers=(WEB, KEEPER),
    )
    PICTURES_DELETED = EventKind(
        "pictures_deleted",
        "deleted pictures that no record names",
        "person count:int size:int before:time",
        retention=BodyClass.PERMANENT,
        writers=(OWNER,),
    )
    """From the bucket, those put before a time: of a database that was lost; `size` is in bytes."""
    EXPORTED = EventKind(
        "exported",
        "exported evidence",
        "person case what",
        "digest count:int records:ints pictures:int reason?",
        writers=(WEB, KEEPER),
    )
    """By a command, or by the archive service, which makes what a person has ordered on the pages."""
    EVIDENCE_DOWNLOADED = EventKind(
        "evidence_downloaded", "downloaded a package of evidence", "person case what digest"
    )
    EVIDENCE_COLLECTED = EventKind("evidence_collected", "collected evidence", "person case what records:ints")
    """`records`: all that are collected for the case from then on; `what`: the identifier of the collection."""
    EVIDENCE_REDACTED = EventKind(
        "evidence_redacted", "redacted a picture of evidence", "person case what record:int picture areas:list"
    )
    """`areas`: all that are covered in the picture from then on, none where it is whole again."""
    EVIDENCE_BOOKED = EventKind(
        "evidence_booked",
        "booked evidence",
        "person case what digest receipt medium received_by",
        retention=BodyClass.PERMANENT,
    )
    """A package that was exported was received, as it is on its medium."""
    EVIDENCE_RETURNED = EventKind(
        "evidence_returned",
        "booked evidence back in",
        "person case what digest receipt medium received_by",
        retention=BodyClass.PERMANENT,
    )
    """It came back, as it is on its medium."""
    BACKED_UP = EventKind(
        "backed_up", "made a backup", "what digest", "person", retention=BodyClass.PERMANENT, writers=(WEB, KEEPER)
    )
    RESTORED = EventKind(
        "restored", "restored a backup", "what digest", "person", retention=BodyClass.PERMANENT, writers=(WEB, KEEPER)
    )


def catalog_rows() -> list[dict[str, object]]:
    """Return what the table `ledger_event` has to say, by column."""
    return [
        {
            "event": event.value,
            "class": event.kind.retention.value,
            "carries": [*event.kind.required],
            "refers_to": event.kind.refers_to,
            "writers": event.kind.writers,
        }
        for event in LedgerEvent
    ]
