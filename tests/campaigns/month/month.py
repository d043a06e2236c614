"""A month of a department that keeps its policy, and three breaches in it, of which the simulator knows all.

Everything is done by the department's own code, on days of the past. What each breach exposed is written down here as
it is seen, and not taken from the ledger.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any
from uuid import UUID, uuid4

from allauth.mfa.models import Authenticator
from django.db import connection
from django.utils import timezone
from joserfc.jwk import ECKey
from psycopg import sql

from platepost.department.alerts.actions import AlertActor, EyeAnswers, confirm, system_not_practical, take
from platepost.department.alerts.alerts import open_alerts
from platepost.department.alerts.shift import acknowledge, shift_start
from platepost.department.alerts.states import CharacterAnswer, EyeAnswer
from platepost.department.archive.evidence_package import EvidenceManifest, EvidenceRecipient
from platepost.department.archive.holds import HoldScope, place_hold
from platepost.department.audits.models import AuditPlan
from platepost.department.audits.services import begin_audit, finish_audit, judge, plan_audits
from platepost.department.custody.reading import ReadFilter, reads
from platepost.department.database.queries import rows
from platepost.department.database.roles import COMMAND, KEEPER, SIGNER
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.direct_feeds import agree_feed, confirm_feed
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.ledger.models import Agency, AgencyKind
from platepost.department.ledger.reviews import ReviewOutcome, open_reviews, review_exigent
from platepost.department.ledger.writing import append
from platepost.department.lists.models import ListEntry
from platepost.department.lists.services import approve_entry, enter_entry
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import Certification, DepartmentRole, TrainingTopic
from platepost.department.people.services import add_person, disable, note_certificate, note_training
from platepost.department.policy.errors import PurposeError
from platepost.department.policy.law import LAWS
from platepost.department.policy.policy import ALARM, AccessPurpose
from platepost.department.search.patterns import PlatePattern
from platepost.department.search.plates import PlateQuery, find_plates
from platepost.department.sharing.agencies import (
    confirm_agency,
    confirm_agreement,
    enter_agreement,
    register_agency,
    verify_agency,
)
from platepost.department.sharing.clauses import publish_policy
from platepost.department.sharing.incidents import exposure, note_notices, open_incident, sealed_list
from platepost.department.sharing.models import BreachIncident
from platepost.department.sharing.requests import decide, note_release, receive
from tests.campaigns.month.days import BackdatedClock
from tests.department.law import establish

DAYS = 30
LIST = 7
"""Version of the newest hot list."""
POSTS = ("post-1", "post-2", "post-3")
OFFICERS = ("d.marsh", "e.ruiz", "f.lund")
ABUSED, ROBBED = OFFICERS[:2]
ABUSED_ON, STOLEN_ON, COPIED_ON = 12, 7, 3
"""How many days ago each breach was."""
BACKUP = sha256(b"a backup that was copied").hexdigest()
_ROLES = {
    "r.stone": DepartmentRole.RECORDS_MANAGER,
    "s.avila": DepartmentRole.SUPERVISOR,
    "t.byrd": DepartmentRole.TRAINER,
    "u.cole": DepartmentRole.TRAINER,
    "a.dunn": DepartmentRole.AUDITOR,
    "c.frey": DepartmentRole.DISPATCHER,
    **dict.fromkeys(OFFICERS, DepartmentRole.OPERATOR),
}
_FOLDED = str.maketrans("OI", "01")


def own_agency() -> str:
    """Return the department's name, as its database has it."""
    ((name,),) = rows("SELECT agency FROM ledger_department")
    return str(name)


@dataclass(slots=True)
class KnownExposure:
    """What the simulator knows of one breach."""

    plates: set[str] = field(default_factory=set)
    records: set[int] = field(default_factory=set)
    """As far as the list names them: of a backup, it says how many."""
    reads: int = 0

    def add(self, more: "KnownExposure") -> None:
        """Add what else was seen."""
        self.plates |= more.plates
        self.records |= more.records
        self.reads = len(self.records)


@dataclass(frozen=True, slots=True)
class DrillOutcome:
    """One breach: what the department computed, against what happened."""

    kind: str
    known: KnownExposure
    computed: KnownExposure
    notified: bool

    @property
    def is_right(self) -> bool:
        """Whether no one is missing and no one is there too much, and the notices were made."""
        return self.known == self.computed and self.notified


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    """Work with the rights of a role of the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (before,) = cursor.fetchone()
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(before)))


class SimulatedMonth:
    """One month of one department, whose database is empty.

    Args:
        clock: which every day is lived by.
        seed: of everything that is by chance.
        reads: that posts make a day.
        every: days after which officers search.

    """

    def __init__(self, clock: BackdatedClock, *, seed: int = 1, reads: int, every: int) -> None:
        self._clock, self._reads, self._every = clock, reads, every
        self._random = Random(f"month {seed}")
        self._record = 0
        self._kept: list[tuple[int, str]] = []
        self._people: dict[str, DepartmentPerson] = {}
        self._laptop, self._moments = {login: uuid4() for login in OFFICERS}, dict[str, datetime]()
        self.account, self.laptop, self.backup = KnownExposure(), KnownExposure(), KnownExposure()

    def live(self, on_day: Callable[[int], object] = lambda _: None) -> None:
        """Live the month, day by day, up to now."""
        once: dict[int, tuple[Callable[[], None], ...]] = {
            DAYS - 1: (self._share,), 20: (self._answer_outside,), 14: (self._audit,), 1: (self._lists,),
            ABUSED_ON: (self._abuse,), STOLEN_ON: (self._steal,), COPIED_ON: (self._copy_backup,),
        }  # fmt: skip
        for ago in range(DAYS, -1, -1):
            self._clock.set_back(timedelta(days=ago))
            on_day(DAYS - ago)
            if ago == DAYS:
                self._begin()
            self._posts_read()
            for login in OFFICERS if ago % self._every == 0 or ago == ABUSED_ON else ():
                self._work(login, ago)
            for act in once.get(ago, ()):
                act()
        self._end()

    def drill(self) -> list[DrillOutcome]:
        """Handle the three breaches as the records manager does; return how right it was."""
        manager, found = self._people["r.stone"], []
        for kind, subject, known, since in (
            ("account", ABUSED, self.account, self._moments["abuse"]),
            ("device", str(self._laptop[ROBBED]), self.laptop, self._moments["theft"]),
            ("backup", BACKUP, self.backup, self._moments["copy"] - timedelta(days=1)),
        ):
            until = self._moments["copy"] if kind == "backup" else since + timedelta(hours=20)
            with acting_as(COMMAND):
                made = open_incident(
                    person="r.stone", kind=kind, subject=subject, says="Somebody may have seen what is not theirs.",
                    since=since, until=until, known_on=timezone.localdate(), encrypted=False,
                )  # fmt: skip
                came = exposure(made, person=manager)
                sealed_list(made, ECKey.generate_key("P-256"), person=manager)
                made.refresh_from_db()
                note_notices(made, person="r.stone")
            lines = [json.loads(line) for line in came.lines.splitlines()]
            plates = {each["plate"].translate(_FOLDED) for each in lines}
            records = {int(record) for each in lines for record in each.get("reads", ())}
            notified = BreachIncident.objects.filter(pk=made.pk, plates=len(known.plates)).exclude(notified_at=None)
            found.append(DrillOutcome(kind, known, KnownExposure(plates, records, came.reads), notified.exists()))
        disable(DepartmentPerson.objects.get(login=ABUSED))
        return found

    # --- the days

    def _begin(self) -> None:
        establish(LAWS["california"])
        until = timezone.now() + timedelta(days=300)
        for login, role in _ROLES.items():
            person = DepartmentPerson(login=login, name=login.title(), agency=own_agency())
            add_person(person, [role])
            Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": "of no use"})
            self._people[login] = person
        for person in self._people.values():
            trainer = self._people["t.byrd" if person.login != "t.byrd" else "u.cole"]
            for certification in Certification:
                note_certificate(person, certification, until)
            for topic in TrainingTopic:
                note_training(person, topic, held_at=timezone.now(), passed=True, trainer=trainer)
        begins = timezone.now() - timedelta(days=1)
        with acting_as(COMMAND):
            publish_policy(person="r.stone", hearing=timezone.localdate())
            planned = AuditPlan(
                kind="audit", auditor="a.dunn", every_days=15, samples=5, days_to_finish=9, begins=begins
            )
            plan_audits(planned, person="a.dunn")

    def _posts_read(self) -> None:
        now, made = timezone.now(), []
        for _ in range(self._reads):
            self._record += 1
            letters = "".join(self._random.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=3))
            plate = f"{self._random.randrange(1, 9)}{letters}{self._random.randrange(100, 1000)}"
            made.append({"record_id": self._record, "post": self._random.choice(POSTS), **_read_of(plate, now)})
            self._kept.append((self._record, plate))
        self._keep("custody_read", made)

    def _keep(self, table: str, made: Sequence[Mapping[str, Any]]) -> None:
        with acting_as(KEEPER):
            rows("SELECT custody_make_partitions(%s, %s)", [made[0]["retained_from"].date()] * 2)
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO custody_record (id, class, retained_from, kept_at, topic, post, digest, type, verdict,"
                    " reason, names, codec, body) SELECT record_id, class, retained_from, retained_from, '', post,"
                    " sha256(''), %s, 'genuine', '', false, 0, ''"
                    f" FROM jsonb_populate_recordset(NULL::{table}, %s)",
                    [f"platepost.{table.removeprefix('custody_')}.v1", json.dumps(made, default=str)],
                )
                cursor.execute(
                    f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, %s)",
                    [json.dumps(made, default=str)],
                )

    def _work(self, login: str, ago: int) -> None:
        if login == ABUSED and ago == ABUSED_ON:
            self._moments["abuse"] = timezone.now()
        with self._logged_on(login, self._laptop[login]):
            seen = self._search(login, AccessPurpose("stolen vehicle", f"26-{self._random.randrange(1000, 9999)}"))
        if login == ABUSED and ago == ABUSED_ON:  # that day the two cannot be told apart
            self.account.add(seen)

    @contextmanager
    def _logged_on(self, login: str, device: UUID) -> Iterator[None]:
        with acting_as(COMMAND):
            fields = {"person": login, "methods": ["totp"], "device": str(device), "known": True}
            append(LedgerEvent.LOG_ON, fields)
            yield
            append(LedgerEvent.LOG_OFF, {"person": login, "device": str(device)})

    def _search(self, login: str, access: AccessPurpose) -> KnownExposure:
        """Search for a plate that was kept, and look at its reads; return what came to be seen."""
        _, plate = self._random.choice(self._kept)
        seen, query = KnownExposure(), PlateQuery(pattern=PlatePattern.parse(f"{plate[:5]}??"))
        with self._entry(login, access, dict(query.asked(plate))) as entry:
            seen.plates |= {found.seen.plate for found in find_plates(entry, query).plates}
        with self._entry(login, access, {"plate": plate, "opened": plate}) as entry:
            opened = reads(entry, ReadFilter(plates=[plate.translate(_FOLDED)]))
            seen.records |= {row["record_id"] for row in opened}
            seen.plates |= {row["plate_fold"] for row in opened}
        # To whom a plate was shown, its reads are not yet: those of the list are known by their plates.
        return seen

    def _entry(self, login: str, access: AccessPurpose, query: Mapping[str, Any]) -> OpenEntry:
        return open_entry(person=login, agency=own_agency(), purpose=access, query=query)

    # --- what happens once

    def _share(self) -> None:
        today = timezone.localdate()
        with acting_as(COMMAND):
            register_agency(
                Agency(
                    name="oakdale-pd", kind=AgencyKind.IN_STATE, allowed=True, note="the next city", ori="CA0010100"
                ),
                person="r.stone",
            )
            confirm_agency("oakdale-pd", person="s.avila")
            verify_agency("oakdale-pd", "called back", today + timedelta(days=300), person="r.stone")
            agreed = enter_agreement(
                "oakdale-pd", person="r.stone", says="MOU 12", purposes=["stolen vehicle"], scope=["search", "release"],
                begins=today - timedelta(days=1), ends=today + timedelta(days=300),
            )  # fmt: skip
            confirm_agreement(agreed, person="s.avila")
            agree_feed("map", "MOU 13", today + timedelta(days=300), person="r.stone")
            ((agreement,),) = rows("SELECT max(id) FROM ledger_agreement")
            confirm_feed(agreement, person="s.avila")
        with acting_as(KEEPER):
            append(LedgerEvent.READS_GRANTED, {"reader": "map", "reason": "a map", "until": None})

    def _answer_outside(self) -> None:
        now = timezone.now()
        with acting_as(COMMAND):
            with self._entry("d.marsh", AccessPurpose("stolen vehicle", "26-7", on_behalf_of="oakdale-pd"), {}):
                pass
            with self._entry("e.ruiz", AccessPurpose("missing person", None, "a child was taken", exigent=True), {}):
                pass
            for review in open_reviews():
                review_exigent(review.entry, person="s.avila", outcome=ReviewOutcome.JUSTIFIED, note="it was")
            with suppress(PurposeError):
                self._entry("f.lund", AccessPurpose("patrol", reason="for ICE"), {})
            fields: dict[str, Any] = {"person": "r.stone", "received_on": timezone.localdate()}
            asked = receive(kind="agency", requester="Oakdale", says="one car", agency_id="oakdale-pd",
                            purpose="stolen vehicle", **fields)  # fmt: skip
            decide(asked, person="r.stone", answers=[{"outcome": "granted", "because": "MOU 12"}])
            asked.refresh_from_db()
            recipient = EvidenceRecipient(name="B. Stone", sha256="00" * 32)
            released: Any = EvidenceManifest.model_construct  # of a package that is not made
            manifest = released(package=uuid4(), recipient=recipient, records=(0,))
            note_release(asked, manifest, sha256(b"package").hexdigest(), person="r.stone")
            scope = HoldScope(since=now - timedelta(days=9), until=now)
            place_hold(person="r.stone", kind="evidence", case="26-8", reason="homicide", scope=scope,
                       review_on=timezone.localdate() + timedelta(days=300))  # fmt: skip

    def _audit(self) -> None:
        auditor = self._people["a.dunn"]
        with acting_as(COMMAND):
            audit = begin_audit(AuditPlan.objects.get(), person=auditor)
            for sample in audit.samples.all():
                judge(sample, person="a.dunn", outcome="in order", note="as its case says")
            finish_audit(audit, person="a.dunn")

    def _abuse(self) -> None:
        """For the rest of the day someone else uses the account, by a browser that is not its owner's."""
        with self._logged_on(ABUSED, uuid4()):
            for _ in range(4):
                self.account.add(self._search(ABUSED, AccessPurpose("patrol")))

    def _steal(self) -> None:
        """Have a laptop taken from its owner, who is logged on."""
        self._moments["theft"] = timezone.now()
        with self._logged_on(ROBBED, self._laptop[ROBBED]):
            for _ in range(2):
                self.laptop.add(self._search(ROBBED, AccessPurpose("patrol")))
        with self._logged_on(ROBBED, uuid4()):  # at the station
            self._search(ROBBED, AccessPurpose("patrol"))

    def _copy_backup(self) -> None:
        self._moments["copy"] = timezone.now()
        self.backup.reads = len(self._kept)
        self.backup.plates = {plate.translate(_FOLDED) for _, plate in self._kept}

    def _lists(self) -> None:
        author, second = self._people["f.lund"], self._people["s.avila"]
        entry = ListEntry(
            plate="7AB?12*", category="felony", priority=1, case_number="26-9",
            purpose="criminal investigation", reason="robbery",
            expires_at=timezone.now() + timedelta(days=30),
        )  # fmt: skip
        with acting_as(COMMAND):
            enter_entry(entry, author)
            if entry.second_person:  # as the department's policy says
                approve_entry(entry, second)

    def _end(self) -> None:
        """Today: lists are published, a hit is answered, a checkpoint is sent away."""
        now = timezone.now()
        with acting_as(SIGNER):
            listed = "UPDATE lists_entry SET listed_version = %s, listed_at = %s"
            with connection.cursor() as cursor:
                cursor.execute(listed, [LIST, now])
                published = "UPDATE lists_request SET state = 'published', version = %s, published_at = %s"
                cursor.execute(published, [LIST, now])
        status = {"class": "log", "retained_from": now, "at": now, "state": "ok", "since": now, "reasons": []}
        for place, post in enumerate(POSTS):
            row = {"record_id": 10**9 + place, "post": post, "software": "0", "list_version": LIST, "list_age": 1.0}
            self._keep("custody_status", [{**status, **row}])
        self._keep("custody_hit", [{**_read_of("7ABC123", now), **_HIT, "record_id": 10**9, "post": POSTS[0]}])
        dispatcher = self._people["c.frey"]
        with acting_as(COMMAND):
            acknowledge(dispatcher, shift_start())
            (alert,) = open_alerts()
            actor, record = AlertActor(dispatcher), alert.record_id
            take(actor, record, alert.revision)
            (alert,) = open_alerts()
            answers = EyeAnswers([CharacterAnswer.SAME] * 7, EyeAnswer.SAME, EyeAnswer.SAME)
            confirm(actor, record, alert.revision, answers)
            (alert,) = open_alerts()
            system_not_practical(actor, record, alert.revision, "the line was down for an hour")
            with self._entry("c.frey", AccessPurpose(ALARM), {"console": True}):
                pass
            fields: dict[str, Any] = {"person": "r.stone", "received_on": timezone.localdate()}
            receive(kind="public records", requester="the Courier", says="counts", **fields)
        with acting_as(KEEPER), connection.cursor() as cursor:
            cursor.execute("INSERT INTO ledger_sent (destination, at) VALUES ('heads', %s)", [now])


_HIT = {
    "class": "hit", "hit": "01890a5d-ac96-774b-bcce-000000000001", "plate_matched": "7ABC123", "match": "exact",
    "category": "stolen_vehicle", "priority": 1, "list_version": LIST, "list_age": 60.0, "hotlist_stale": False,
    "synthetic": False, "held": False, "state_agreement": "unknown",
}  # fmt: skip


def _read_of(plate: str, at: datetime) -> dict[str, Any]:
    return {
        "class": "no_hit", "retained_from": at, "passage": "p", "captured_at": at, "plate_read": plate,
        "plate_key": plate.translate(_FOLDED), "plate_fold": plate.translate(_FOLDED), "confidence": 0.9,
        "direction": "approaching", "camera": "main", "first_seen": at, "last_seen": at, "hits": [],
    }  # fmt: skip
