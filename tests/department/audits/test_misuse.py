"""The rules against misuse, on six weeks of ten honest officers and one who is not: what they find and whom."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from platepost.department.audits.access_events import AccessEvents, SearchEvent
from platepost.department.audits.household import HouseholdKey, note_household, prepare_key
from platepost.department.audits.models import AuditFinding
from platepost.department.audits.nightly import detect_misuse
from platepost.department.audits.rules import MisuseRule, suspected_misuse
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import COMMAND, MISUSE, OWNER
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.lists.services import enter_entry
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.policy import MisuseRules
from tests.department import emptying
from tests.department.audits.weeks import ABUSER, END, MISUSES, Weeks
from tests.department.ledger.conftest import Damaging, damaging, empty_ledger
from tests.department.lists.conftest import entry_of
from tests.department.people.persons import new_person
from tests.department.roles import as_role

__all__ = ["Damaging", "damaging", "empty_ledger"]
ZONE = ZoneInfo("America/Los_Angeles")
TUNED = 1
"""The seed by which thresholds were chosen."""
UNSEEN = 120462681
"""Chosen when the rules were done, from the digits of their commit, and tried once. No rule was changed for it."""
MOST_ACCUSED = 2
UNTIL = datetime(END.year, END.month, END.day, tzinfo=ZONE)


def acts_of(weeks: Weeks) -> AccessEvents:
    """Return the acts without a database, as they are read from one."""
    acts, searches = AccessEvents(ZONE), dict[UUID, SearchEvent]()
    for number, line in enumerate(weeks.lines, 1):
        if line.event is LedgerEvent.SHOWN and line.refers_to in searches:
            searches[line.refers_to].listed = frozenset(line.fields.get("plates", ()))
        elif line.event is not LedgerEvent.SHOWN:
            search = acts.add((number, line.entry, line.at, line.event.value, line.refers_to), line.fields)
            searches |= {search.entry: search} if search is not None else {}
    return acts


def missed(weeks: Weeks, matches: dict[tuple[str, str], set[UUID]]) -> set[str]:
    """Return the planted misuses that no finding of the right kind and person names an entry of."""
    return {misuse for misuse in MISUSES if not matches.get((ABUSER, misuse), set()) & weeks.planted[misuse]}


def test_rules_are_those_that_misuse_was_planted_for() -> None:
    assert {rule.value for rule in MisuseRule} == set(MISUSES)


def test_thresholds_hold_on_the_seed_that_they_were_chosen_by() -> None:
    weeks = Weeks(TUNED, ZONE)
    own = weeks.household
    matches = {
        (each.subject, each.rule.value): {search.entry for search in each.searches}
        for each in suspected_misuse(
            acts_of(weeks), MisuseRules(), until=UNTIL, household=lambda who, plate: own.get(who) == plate
        )
    }
    assert missed(weeks, matches) == set()
    assert len({subject for subject, _ in matches} - {ABUSER}) <= MOST_ACCUSED


@pytest.mark.parametrize(
    ("query", "typed"),
    [
        ({"plate": "7ab-c12o"}, "7ABC120"),
        ({"plate": "[7]ABC12[O0]"}, "7ABC120"),
        ({"plate": "7ABC12[34]"}, None),
        ({"plate": "7ABC12?"}, None),
        ({"plate": ""}, None),
        ({"plate": "7ABC["}, None),
    ],
)
def test_plate_that_is_left_no_choice_was_typed_whole(query: dict[str, str], typed: str | None) -> None:
    """A set of one character hides no one's own plate from the rules."""
    acts = AccessEvents(ZONE)
    search = acts.add((1, uuid4(), UNTIL, "intent", None), {"person": "a", "query": query})
    assert (search is not None and search.typed) == typed


@pytest.mark.parametrize(
    ("query", "listed", "plates"),
    [
        ({"plate": "7AB?123"}, {"7ABC123", "7ABD123"}, {"7ABC123", "7ABD123"}),
        ({"plate": "7ABC12*"}, {"7ABC123", "7ABC1234"}, {"7ABC123"}),
        ({"plate": "[78]ABC12[34]"}, {"7ABC123"}, {"7ABC123"}),
        ({"plate": "7ABC124", "one_wrong": True}, {"7ABC123"}, {"7ABC123", "7ABC124"}),
        ({"plate": "7AB*"}, {"7ABC123", "7A?C123"}, {"7ABC123"}),
        ({"plate": "7AB*", "after": True}, {"7ABC123"}, set()),
        ({"plate": "7AB?12?"}, {"7ABC123", "7ABD124"}, set()),
        ({"plate": "7AB?12?", "opened": "7ABC123"}, {"7ABC123", "7ABD124"}, {"7ABC123"}),
        ({"posts": ["main-1"]}, {"7ABC123"}, set()),
    ],
)
def test_search_is_about_what_its_pattern_singles_out(
    query: dict[str, Any], listed: set[str], plates: set[str]
) -> None:
    """One character left open, or a pattern that only one plate fits, hides a plate from no rule."""
    search = AccessEvents(ZONE).add((1, uuid4(), UNTIL, "intent", None), {"person": "a", "query": query})
    assert search is not None
    search.listed = frozenset(listed)
    assert search.plates == plates


def test_plate_with_a_character_left_open_is_found_again_and_again_and_as_ones_household() -> None:
    acts = AccessEvents(ZONE)
    for number, pattern in enumerate(("7AB?123", "?ABC123", "7ABC12*", "7ABC1?3", "*ABC123", "7A?C123"), 1):
        for person, listed in (("abusive", {"7ABC123"}), ("honest", {f"8QX{number}999"})):
            at = UNTIL - timedelta(days=4 * number)
            fields = {"person": person, "query": {"plate": pattern if person == "abusive" else "8QX?999"}}
            search = acts.add((len(acts.searches), uuid4(), at, "intent", None), fields)
            assert search is not None
            search.listed = frozenset(listed)
    misuses = suspected_misuse(acts, MisuseRules(), until=UNTIL, household=lambda _, plate: plate == "7ABC123")
    rules = {MisuseRule.SAME_PLATE, MisuseRule.OWN_HOUSEHOLD}
    fields = {(each.subject, each.rule): len(each.searches) for each in misuses if each.rule in rules}
    assert fields == {("abusive", MisuseRule.SAME_PLATE): 6, ("abusive", MisuseRule.OWN_HOUSEHOLD): 6}


def test_plate_after_plate_with_a_character_left_open_is_found_under_one_case() -> None:
    acts = AccessEvents(ZONE)
    for number in range(6):
        fields = {"person": "abusive", "case": "26-1", "query": {"plate": f"?ABC12{number}"}}
        search = acts.add((number, uuid4(), UNTIL - timedelta(days=number), "intent", None), fields)
        assert search is not None
        search.listed = frozenset({f"7ABC12{number}"})
    misuses = suspected_misuse(acts, MisuseRules(), until=UNTIL, household=lambda *_: False)
    (unrelated,) = [each for each in misuses if each.rule is MisuseRule.UNRELATED_PLATES]
    assert (len(unrelated.searches), "Typed 6 plates" in unrelated.says) == (6, True)


@pytest.mark.parametrize(
    "query", [{"record": 7}, {"console": [7]}, {"sample": 7}, {"incident": 7}, {"list_entry": 7, "leads": 2}]
)
def test_what_nobody_looked_for_is_no_search(query: dict[str, object]) -> None:
    """A picture of what was opened, a hit that came, a random read to be labeled, a breach, a covert entry's past."""
    acts = AccessEvents(ZONE)
    acts.add((1, uuid4(), UNTIL, "intent", None), {"person": "a", "query": query})
    assert acts.searches == []
    assert acts.present["a"] == [(UNTIL, False)]


def test_a_record_s_number_hides_no_plate_that_was_opened() -> None:
    acts = AccessEvents(ZONE)
    query = {"record": 7, "opened": "7ABC123"}
    search = acts.add((1, uuid4(), UNTIL, "intent", None), {"person": "a", "query": query})
    assert search is not None
    acts.add_shown(search, frozenset({"7ABC123"}))
    assert acts.searches == [], "the read was opened with its plate, which counted then"
    acts.add_shown(search, frozenset({"7ABC123", "8XYZ999"}))
    assert acts.searches == [search]
    assert search.listed == {"7ABC123", "8XYZ999"}


def test_shifts_that_people_begin_say_who_came_outside_of_one() -> None:
    acts, numbers = AccessEvents(ZONE), count(1)

    def did(person: str, day: int, hour: float, event: LedgerEvent = LedgerEvent.LOG_ON) -> None:
        at = datetime(2026, 9, 1, tzinfo=ZONE) + timedelta(days=day, hours=hour)
        query = {"plate": "TEST123"} if event is LedgerEvent.INTENT else None
        acts.add((next(numbers), uuid4(), at, event.value, None), {"person": person, "query": query})

    def visited(person: str, day: int, hour: float) -> None:
        did(person, day, hour)
        did(person, day, hour + 0.1, LedgerEvent.INTENT)

    people = ("beginning", "not.beginning", "always.beginning", "to.search")
    for day in range(12):
        for person in people:
            off = day in {8, 10}
            if person == "always.beginning" or (not off and person != "not.beginning"):
                did(person, day, 7, LedgerEvent.LISTS_SEEN)
            if off:
                if person == "to.search":
                    did(person, day, 12.9, LedgerEvent.LISTS_SEEN)
                visited(person, day, 13)
            else:
                for hour in (7.1, 10, 13, 16):
                    visited(person, day, hour)
            if person == "always.beginning":
                did(person, day, 18)
    matches = {
        each.subject: each
        for each in suspected_misuse(acts, MisuseRules(), until=UNTIL, household=lambda *_: False)
        if each.rule is MisuseRule.OUT_OF_HOURS
    }
    assert matches.keys() == {"beginning", "to.search"}, "13 o'clock is no odd hour of theirs"
    assert "Came 2 times outside the shifts that they began" in matches["beginning"].says


@pytest.mark.parametrize(
    ("known", "listed", "matches"),
    [(4, {"7ABC123", "7ABC124"}, 1), (5, {"7ABC124"}, 0), (0, {"7ABC123", "8XYZ999"}, 0)],
    ids=["wildcards", "another plate", "a scene"],
)
def test_wildcards_do_not_hide_the_own_household(known: int, listed: set[str], matches: int) -> None:
    acts = AccessEvents(ZONE)
    fields = (1, uuid4(), UNTIL, "o.person", "patrol", None, None, False, None, None)
    acts.searches.append(SearchEvent(*fields, known=known, listed=frozenset(listed)))
    acts.present["o.person"].append((UNTIL, False))
    rules = [
        each.rule
        for each in suspected_misuse(
            acts, MisuseRules(), until=UNTIL, household=lambda person, plate: (person, plate) == ("o.person", "7ABC123")
        )
    ]
    assert rules.count(MisuseRule.OWN_HOUSEHOLD) == matches


@pytest.fixture
def no_findings(connect: Callable[[str], psycopg.Connection]) -> Iterator[None]:
    with connect(OWNER) as owner:
        owner.execute("TRUNCATE audits_finding, audits_answer, audits_household")
    yield
    with connect(SUPERUSER) as superuser:
        emptying.empty_ledger(superuser)  # the weeks have no digests, and others verify what they find


@pytest.mark.usefixtures("no_findings")
def test_entry_of_a_list_is_held_against_the_household_too(tmp_path: Path) -> None:
    prepare_key(tmp_path / "key", tmp_path / "key.pub")
    key = HouseholdKey(tmp_path / "key")
    lister, other = (new_person(login, DepartmentRole.OPERATOR) for login in ("o.lister", "o.other"))
    with as_role(COMMAND):
        note_household(key, lister.login, ["7ABC123"], consent="form 8", by="i.auditor")
        own, others = ("7ABC123", "7ABC?2?", "7ABC*"), ("8XYZ999", "8ABC12?", "7ABD*")
        for by, plate in (*((lister, plate) for plate in own + others), (other, "7ABC123"), (other, "7ABC*")):
            enter_entry(entry_of(plate, reason="seen at a robbery"), by)
    with as_role(MISUSE):
        night = detect_misuse(person="nightly", agency="riverside", key=key)
    assert [(each.rule, each.subject, len(each.searches)) for each in night.suspected] == [
        (MisuseRule.OWN_HOUSEHOLD, "o.lister", 3)
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT event FROM ledger_entry WHERE entry = ANY (%s)", [AuditFinding.objects.get().entries])
        assert cursor.fetchall() == [("list_entered",)] * 3


@pytest.mark.usefixtures("no_findings")
def test_every_misuse_of_an_unseen_seed_is_found_once_and_few_are_accused(
    connect: Callable[[str], psycopg.Connection], tmp_path: Path
) -> None:
    weeks = Weeks(UNSEEN, ZONE)
    with connect(OWNER) as owner:
        weeks.keep(owner)
    prepare_key(tmp_path / "key", tmp_path / "key.pub")
    key = HouseholdKey(tmp_path / "key")
    for login in weeks.household:
        new_person(login)
    with as_role(COMMAND), timezone.override(ZONE):
        for login, plate in weeks.household.items():
            note_household(key, login, [f" {plate[:3]}-{plate[3:].lower()} "], consent="form 7", by="i.auditor")
        asked = {"person": "nightly", "agency": "riverside", "key": key, "until": UNTIL}
    with as_role(MISUSE), timezone.override(ZONE):
        nights = [detect_misuse(**asked), detect_misuse(**asked)]
    findings = list(AuditFinding.objects.all())
    matches = {(each.subject, each.rule): {*each.entries} for each in findings}
    assert missed(weeks, matches) == set()
    accused = {subject for subject, _ in matches} - {ABUSER}
    assert len(accused) <= MOST_ACCUSED, accused
    assert [len(night.new_findings) for night in nights] == [len(matches), 0], "once for a rule, a person and a month"
    searches = [line for line in weeks.lines if line.event is LedgerEvent.INTENT and line.at < UNTIL]
    assert nights[0].searches == sum("record" not in line.fields["query"] for line in searches)
    says = AuditFinding.objects.get(subject=ABUSER, rule="volume").says
    assert "10 colleagues made" in says, "what is usual"
    known = {plate for line in weeks.lines for plate in line.fields.get("plates", ())}
    assert not [plate for plate in known for each in findings if plate in each.says]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM ledger_entry WHERE event = 'log_intent' AND at > %s",
            [timezone.now() - timedelta(days=1)],
        )
        assert cursor.fetchone() == (2,), "reading the log is logged"
