"""Six weeks of a department as its ledger has them: ten honest officers, and one who misuses what they may see.

Made from a seed. Each search is entered by the department's own code, with a clock of its own; what else is entered has
the fields of the catalog. The honest ones do what happens to honest ones: a long case with one plate, a busy night, a
witness with half a plate, being called out of bed, a swapped shift. Nothing here knows the rules against misuse.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from unittest import mock
from uuid import NAMESPACE_OID, UUID, uuid5
from zoneinfo import ZoneInfo

import psycopg

from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import open_entry
from platepost.department.policy.policy import AccessPurpose
from platepost.department.search.patterns import PlatePattern
from platepost.department.search.plates import PlateQuery

DAYS = 42
END = date(2026, 10, 26)
"""The day after the last: a Monday."""
ABUSER = "k.stone"
MISUSES = (
    *("same plate", "out of hours", "copied reasons", "unrelated plates", "volume", "nothing followed"),
    "own household",
)
_STOPS = ("traffic stop", "traffic stop", "parked blocking a driveway", "no lights", "suspicious vehicle", None, None)
_CASES = ("criminal investigation", "criminal investigation", "stolen vehicle", "wanted person")
_WORDS = (
    *("burglary", "robbery", "hit and run", "fraud", "assault", "theft of tools", "arson", "stolen at the mall"),
    *("catalytic converter", "shots fired", "stolen trailer", "warrant", "vandalism"),
)
_PLACES = ("Elm St", "the station", "Harbor Rd", "5th and Main", "the school", "the depot", "Oak Ave", "pier 4")
_SHORT = ("see report", "see report", "as above", None)
"""What honest ones write who are in a hurry."""


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """An entry of the ledger as someone's act makes it."""

    at: datetime
    event: LedgerEvent
    entry: UUID
    refers_to: UUID | None
    fields: Mapping[str, Any]


@dataclass(slots=True)
class Case:
    """A case and what its officers look for."""

    number: str
    purpose: str
    reason: str | None
    plates: list[str]

    @property
    def access(self) -> AccessPurpose:
        return AccessPurpose(self.purpose, self.number, self.reason)


@dataclass(slots=True)
class Officer:
    """Someone with a shift and a way to work."""

    login: str
    begins: int
    """The hour of the day."""
    rate: float
    """Pieces of work in a shift."""
    cases: float
    """Share of it that is for a case."""
    follows: float
    """How often a piece of work for a case leads to something."""
    off: frozenset[int]
    """Weekdays."""
    open: list[Case] = field(default_factory=list)


HONEST = ("a.rivera", "b.chen", "c.diaz", "d.eng", "e.fox", "f.gray", "g.hill", "h.ito", "i.jones", "j.kim")


class Weeks:
    """Six weeks of acts, in order of time.

    Args:
        seed: of everything that is by chance.
        zone: in which shifts begin.

    """

    def __init__(self, seed: int, zone: ZoneInfo) -> None:
        self.random = Random(f"weeks {seed}")
        self.lines: list[WrittenLine] = []
        self.planted: dict[str, set[UUID]] = {misuse: set() for misuse in MISUSES}
        """By misuse, the intents that it is made of."""
        self._zone = zone
        self._now = datetime.combine(END, time(), zone)
        self._number = 0
        chance = self.random
        offs = [frozenset({(day + first) % 7 for day in (0, 1)}) for first in chance.choices(range(7), k=11)]
        shifts = (7, 7, 7, 8, 8, 8, 15, 15, 22, 22)
        self.officers = {
            login: Officer(
                login, begins, chance.uniform(2.5, 5.5), 0.35 + 0.5 * (begins == 8), chance.uniform(0.25, 0.6), off
            )
            for login, begins, off in zip(HONEST, shifts, offs, strict=False)
        }
        self.officers[chance.choice(HONEST[:3])].follows = 0.1
        """Who writes little down."""
        self.abuser = Officer(ABUSER, chance.choice((7, 15)), chance.uniform(2.5, 5), 0.4, 0, offs[10])
        self.household = {login: self.plate() for login in (*HONEST[:6], ABUSER)}
        """Plates of their own households."""
        entries = "platepost.department.ledger.entries"
        with mock.patch(f"{entries}.append", self._append), mock.patch(f"{entries}.begin", self._append):
            for officer in self.officers.values():
                self._shifts(officer)
            self._one_plate_for_weeks()
            self._much_at_once()
            self._at_odd_hours()
            self._abuse()
        self.lines.sort(key=lambda line: line.at)

    def keep(self, connection: psycopg.Connection) -> None:
        """Put it all into an empty ledger, as its owner; without salts and digests, which the rules do not look at."""
        columns = "number, entry, at, event, class, refers_to, commitments, previous, digest, transaction"
        with connection.cursor().copy(f"COPY ledger_entry ({columns}) FROM STDIN") as copy:
            for number, line in enumerate(self.lines, 1):
                kind = line.event.kind.retention.value
                row = number, line.entry, line.at, line.event.value, kind, line.refers_to
                copy.write_row((*row, "{}", bytes(32), bytes(32), "3"))
        with connection.cursor().copy("COPY ledger_body (entry, field, salt, value) FROM STDIN") as copy:
            for line in self.lines:
                for name, value in line.fields.items():
                    copy.write_row((line.entry, name, bytes(16), json.dumps(value)))

    # --- what is entered

    def _append(
        self,
        event: LedgerEvent,
        fields: Mapping[str, Any],
        *,
        refers_to: UUID | None = None,
        durable: bool = True,
    ) -> UUID:
        assert event.kind.required.keys() <= fields.keys() <= event.kind.fields.keys()
        assert all(event.kind.fields[name].fits(json.dumps(value)) for name, value in fields.items())
        entry = UUID(int=self.random.getrandbits(128), version=4)
        self._now += timedelta(seconds=self.random.uniform(0.02, 0.2))
        self.lines.append(WrittenLine(self._now, event, entry, refers_to, dict(fields)))
        return entry

    def _pause(self, low: float, high: float) -> None:
        self._now += timedelta(seconds=self.random.uniform(low, high))

    @contextmanager
    def _logged_on(self, login: str, at: datetime) -> Iterator[None]:
        self._now = at
        fields = {"person": login, "methods": ["webauthn"], "device": str(uuid5(NAMESPACE_OID, login)), "known": True}
        self._append(LedgerEvent.LOG_ON, fields)
        self._pause(10, 60)
        yield
        self._pause(30, 400)
        if self.random.random() < 0.7:  # others are logged out when idle
            self._append(LedgerEvent.LOG_OFF, {"person": login})

    def _look(
        self, login: str, access: AccessPurpose, text: str, shown: list[str], *, opened: tuple[str, ...] = ()
    ) -> list[UUID]:
        """Search for a pattern, see a list of plates, open some of them, and perhaps a picture; return the intents."""
        self._pause(15, 90)
        asked = dict(PlateQuery(pattern=PlatePattern.parse(text)).asked(text))
        created = []
        with self._entry(login, access, asked) as entry:
            entry.fetched(plates=shown)
        created.append(entry.entry)
        for plate in opened:
            self._pause(5, 40)
            records = [self.random.randrange(1, 2_000_000) for _ in range(self.random.randint(1, 6))]
            with self._entry(login, access, {**asked, "opened": plate, "show": "reads"}) as entry:
                entry.fetched(records=records)
            created.append(entry.entry)
            if self.random.random() < 0.4:
                self._pause(3, 20)
                with self._entry(login, access, {"record": records[0], "picture": "patch"}) as entry:
                    entry.fetched(pictures=[(records[0], "patch")])
        return created

    def _entry(self, login: str, access: AccessPurpose, query: Mapping[str, Any]) -> Any:
        return open_entry(person=login, agency="riverside", purpose=access, query=query)

    def _whole(self, login: str, access: AccessPurpose, plate: str) -> list[UUID]:
        """Type a whole plate, and open it where it was seen."""
        seen = self.random.random() < 0.8
        return self._look(login, access, plate, [plate] * seen, opened=(plate,) * seen)

    def _follow(self, login: str, case: str) -> None:
        self._pause(60, 900)
        event, more = self.random.choice(
            (
                (LedgerEvent.HOLD_PLACED, {"hold": 7, "reason": "evidence"}),
                (LedgerEvent.EXPORTED, {"what": "package"}),
                (LedgerEvent.WORK_SAVED, {"what": "a search"}),
                (LedgerEvent.STANDING_PATTERN, {"pattern": "8QA?1*", "until": "2027-01-01"}),
            )
        )
        self._append(event, {"person": login, "case": case, **more})

    # --- chance

    def plate(self) -> str:
        """Return a plate that California never issues: its first letter is no Q."""
        letters = "".join(self.random.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=2))
        return f"{self.random.randint(1, 9)}Q{letters}{self.random.randint(100, 999)}"

    def _case(self, plates: int | None = None) -> Case:
        self._number += self.random.randint(1, 9)
        chance = self.random
        text = f"{chance.choice(_WORDS)}, {chance.choice(_PLACES)}"
        return Case(
            f"26-{self._number:05}",
            chance.choice(_CASES),
            chance.choice((text, text, text, *_SHORT)),
            [self.plate() for _ in range(plates or chance.choice((1, 1, 1, 2, 2, 3)))],
        )

    def _at(self, day: int, hour: float) -> datetime:
        begins = datetime.combine(END - timedelta(days=DAYS - day), time(), self._zone)
        return begins + timedelta(hours=hour)

    def _days_of(self, officer: Officer) -> list[int]:
        first = (END - timedelta(days=DAYS)).weekday()
        return [day for day in range(DAYS) if (first + day) % 7 not in officer.off]

    # --- honest work

    def _shifts(self, officer: Officer) -> None:
        chance = self.random
        swapped = officer.login == "b.chen"  # four days become nights
        first = chance.randrange(5, DAYS - 5)
        for day in self._days_of(officer):
            if chance.random() < 0.06:
                continue  # sick, at court, away
            begins = 22 if swapped and first <= day < first + 4 else officer.begins
            longer = chance.uniform(1, 3) if chance.random() < 0.08 else 0
            self._shift(officer, self._at(day, begins + chance.uniform(-0.2, 0.3)), 8 + longer)

    def _shift(self, officer: Officer, begins: datetime, hours: float) -> None:
        chance = self.random
        count = max(0, round(chance.gauss(officer.rate, officer.rate / 3)))
        times = sorted(chance.uniform(0.1, hours - 0.2) for _ in range(count))
        with self._logged_on(officer.login, begins):
            for after in times:
                self._now = max(self._now, begins + timedelta(hours=after))
                self._piece(officer)
            self._now = max(self._now, begins + timedelta(hours=hours - 0.1))

    def _piece(self, officer: Officer) -> None:
        chance = self.random
        if chance.random() > officer.cases:
            self._whole(officer.login, AccessPurpose("patrol", None, chance.choice(_STOPS)), self.plate())
            return
        if not officer.open or chance.random() < 0.35:
            officer.open = [*officer.open[-3:], self._case()]
        case = chance.choice(officer.open)
        if chance.random() < 0.3:
            self._partial(officer.login, case, case.plates[0])
        else:
            self._whole(officer.login, case.access, chance.choice(case.plates))
        if chance.random() < officer.follows:
            self._follow(officer.login, case.number)

    def _partial(self, login: str, case: Case, plate: str, *, more: tuple[str, ...] = ()) -> None:
        """Search for what a witness remembers, and open some of what it found."""
        chance = self.random
        forms = f"{plate[:4]}*", f"{plate[:3]}?{plate[4]}*", f"*{plate[3:]}", f"{plate[:2]}??{plate[4:]}"
        matches = [plate, *(self.plate() for _ in range(chance.randint(0, 8))), *more]
        chance.shuffle(matches)
        others = [each for each in matches if each not in more]
        opened = tuple(chance.sample(others, min(len(others), 2)))
        self._look(login, case.access, chance.choice(forms), matches, opened=opened)

    def _visit(self, login: str, day: int, hour: float | None = None) -> AbstractContextManager[None]:
        """Log on once more in the shift of a day, or at an hour."""
        return self._logged_on(
            login, self._at(day, self.officers[login].begins + self.random.uniform(0.5, 7) if hour is None else hour)
        )

    def _some_days(self, login: str, low: int, high: int, *, within: range = range(DAYS)) -> list[int]:
        days = [day for day in self._days_of(self.officers[login]) if day in within]
        return sorted(self.random.sample(days, min(len(days), self.random.randint(low, high))))

    def _one_plate_for_weeks(self) -> None:
        chance = self.random
        # A long case: three people, one plate.
        case = self._case(1)
        for login in ("d.eng", "e.fox", "c.diaz"):
            for day in self._some_days(login, 4, 9):
                with self._visit(login, day):
                    self._whole(login, case.access, case.plates[0])
        self._follow("e.fox", case.number)
        # One detective alone with a case of weeks. It leads to something in the end.
        case, first = self._case(2), chance.randint(1, 8)
        days = self._some_days("f.gray", 4, 7, within=range(first, first + 25))
        for day in days:
            with self._visit("f.gray", day):
                self._whole("f.gray", case.access, case.plates[0])
                if day in {days[1], days[-1]}:
                    self._follow("f.gray", case.number)
        # A car that was stolen twice.
        plate = self.plate()
        for day in self._some_days("a.rivera", 3, 3):
            again = Case(self._case().number, "stolen vehicle", "stolen again", [plate])
            with self._visit("a.rivera", day):
                self._whole("a.rivera", again.access, plate)
        # Someone else's household: a colleague's car was hit.
        case = Case(self._case().number, "criminal investigation", "hit and run", [self.household["a.rivera"]])
        with self._visit("d.eng", self._some_days("d.eng", 1, 1)[0]):
            self._whole("d.eng", case.access, case.plates[0])
            self._follow("d.eng", case.number)

    def _much_at_once(self) -> None:
        chance = self.random
        # A busy night: two of the night shift, what witnesses wrote down, and what they remember of plates.
        case, day = Case(self._case().number, "crime scene canvass", "shooting, Harbor Rd", []), chance.randrange(8, 38)
        for login in ("i.jones", "j.kim"):
            with self._visit(login, day, 23):
                for _ in range(chance.randint(8, 14)):
                    self._whole(login, case.access, self.plate())
                for _ in range(chance.randint(6, 12)):
                    self._partial(login, case, self.plate())
                self._follow(login, case.number)
        # Half a plate, and every way to write it, on two or three days; someone's own car is in a list.
        case, first = self._case(1), chance.randrange(4, 30)
        for day in self._some_days("e.fox", 2, 3, within=range(first, first + 7)):
            with self._visit("e.fox", day):
                for _ in range(chance.randint(8, 14)):
                    self._partial("e.fox", case, case.plates[0], more=(self.household["e.fox"],))
        self._follow("e.fox", case.number)

    def _at_odd_hours(self) -> None:
        chance = self.random
        # Called out of bed: a child is missing.
        for login in chance.sample(HONEST[:6], 2):
            missing = AccessPurpose("missing person", None, "child did not come home", exigent=True)
            with self._visit(login, chance.randrange(3, DAYS), chance.uniform(0.5, 4)):
                for _ in range(chance.randint(1, 4)):
                    self._whole(login, missing, self.plate())
        # A quarter of an hour in the morning, before court.
        case = self._case()
        with self._visit("g.hill", chance.randrange(10, DAYS), 8.5):
            self._whole("g.hill", case.access, case.plates[0])
            self._append(LedgerEvent.EXPORTED, {"person": "g.hill", "case": case.number, "what": "package"})

    # --- misuse

    def _misuse(self, day: int, access: AccessPurpose, plate: str, misuse: str, *, hour: float | None = None) -> None:
        """Look a plate up in one's shift, or at an hour."""
        begins = self.abuser.begins
        at = self._at(day, begins + self.random.uniform(0.5, 7.5) if hour is None else hour)
        with self._logged_on(ABUSER, at):
            self.planted[misuse].update(self._whole(ABUSER, access, plate))

    def _patrol(self) -> AccessPurpose:
        return AccessPurpose("patrol", None, self.random.choice(_STOPS))

    def _abuse(self) -> None:
        chance, officer = self.random, self.abuser
        self._shifts(officer)
        work = self._days_of(officer)
        # The car of someone they know, again and again, each time for another reason.
        known, first = self.plate(), chance.randint(0, 8)
        for day in chance.sample([day for day in work if first <= day <= first + 33], chance.randint(5, 9)):
            access = chance.choice((self._patrol(), self._case(1).access))
            self._misuse(day, access, known, "same plate")
        # At home, at night or on a day off.
        for day in chance.sample(range(2, DAYS), chance.randint(3, 5)):
            hour = (officer.begins + chance.uniform(13, 20)) % 24
            self._misuse(day, self._patrol(), chance.choice((known, self.plate())), "out of hours", hour=hour)
        # The car of the own household.
        for day in chance.sample(work, chance.randint(1, 3)):
            self._misuse(day, self._patrol(), self.household[ABUSER], "own household")
        self._abuse_of_cases(work)
        # More than anyone else.
        rate = chance.uniform(7, 13)
        for day in work:
            with self._logged_on(ABUSER, self._at(day, officer.begins + chance.uniform(0.1, 3))):
                for _ in range(round(chance.gauss(rate, 2))):
                    self.planted["volume"].update(self._whole(ABUSER, self._patrol(), self.plate()))
                    self._pause(60, 900)
        # And nothing comes of any of it.
        self.planted["nothing followed"] = {
            line.entry for line in self.lines if line.fields.get("person") == ABUSER and line.fields.get("case")
        }

    def _abuse_of_cases(self, work: list[int]) -> None:
        chance = self.random
        # One word for everything.
        copied = chance.choice(("investigation", "ongoing investigation", "follow up", "intel", "check"))
        for day in chance.choices(work, k=chance.randint(9, 16)):
            case = self._case(1)
            self._misuse(day, AccessPurpose(case.purpose, case.number, copied), case.plates[0], "copied reasons")
        # One case for whatever comes to mind.
        case = self._case(1)
        for day in chance.sample(work, chance.randint(8, 14)):
            self._misuse(day, case.access, self.plate(), "unrelated plates")
