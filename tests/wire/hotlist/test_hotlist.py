from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platepost.provisioning.hotlist.rows import HotListRow
from platepost.wire.hotlist import Candidate, HotList, Match, MatchKind, Query
from platepost.wire.hotlist.match import agreement
from tests.device.hotlist.department import Department
from tests.rigs import hotlist_settings

PLATES = st.text("ABCIO0178", min_size=3, max_size=8)


@pytest.fixture(scope="module")
def hotlist(department: Department) -> HotList:
    patterns = [department.pattern("6XY*", characters=7), department.pattern("4OL???5", state="CA", priority=4)]
    return department.hotlist(patterns=patterns, version=9)


@pytest.fixture
def now(department: Department) -> datetime:
    return department.built + timedelta(hours=1)


def test_an_exact_match_says_what_the_list_says(hotlist: HotList, now: datetime) -> None:
    (match,) = hotlist.match("7abc 123", at=now)
    assert match.kind is MatchKind.EXACT
    assert (match.plate_matched, match.category, match.priority) == ("7ABC123", "stolen_vehicle", 2)
    assert (match.state, match.reference, match.differs, match.list_version) == ("CA", "NCIC-1", (), 9)


@pytest.mark.parametrize(
    ("read", "listed", "differs"),
    [("80DE456", "8ODE456", (1,)), ("I29ll64", None, ()), ("I29I164", "1291164", (0, 3))],
)
def test_a_look_alike_says_which_characters_differ(
    hotlist: HotList, now: datetime, read: str, listed: str | None, differs: tuple[int, ...]
) -> None:
    matches = hotlist.match(read, at=now)
    if listed is None:
        assert matches == ()
        return
    (match,) = matches
    assert match.kind is MatchKind.LOOK_ALIKE
    assert match.plate_matched == listed
    assert match.differs == differs


def test_a_partial_plate_matches_with_its_case(hotlist: HotList, now: datetime) -> None:
    (match,) = hotlist.match("6XYZ123", at=now)
    assert (match.kind, match.plate_matched, match.reference) == (MatchKind.PARTIAL, "6XY*", "C-1")
    assert hotlist.match("6XYZ12", at=now) == ()
    (match,) = hotlist.match("40LABC5", at=now)
    assert (match.kind, match.differs, match.state) == (MatchKind.PARTIAL, (1,), "CA")


def test_a_plate_with_a_hidden_character_matches_as_a_partial_one(hotlist: HotList, now: datetime) -> None:
    seen = Query(plate_read="7A?C123", confidence=0.8, characters=(0.9, 0.9, 0.7, 1.0, 1.0, 1.0, 1.0))
    (match,) = hotlist.consult(seen, at=now).matches
    assert (match.kind, match.plate_matched, match.differs) == (MatchKind.PARTIAL, "7ABC123", (2,))
    assert match.confidence == pytest.approx(0.81), "of the characters that were seen"
    (alike,) = hotlist.match("?0DE456", at=now)
    assert (alike.plate_matched, alike.differs) == ("8ODE456", (0, 1))
    assert hotlist.match("7A?C124", at=now) == ()
    assert hotlist.match("7AB?C123", at=now) == (), "as many characters as the plate has"
    assert hotlist.match("7A?C?23", at=now) == (), "two hidden ones may be of a thousand vehicles"


def test_what_is_hidden_fits_a_pattern_that_has_enough_other_characters(hotlist: HotList, now: datetime) -> None:
    assert [match.kind for match in hotlist.match("6XYZ?2?", at=now)] == [MatchKind.PARTIAL]
    assert hotlist.match("6X?Z123", at=now) == (), "two of three known characters are too few"


def test_a_row_matches_until_it_expires_and_never_after(hotlist: HotList, department: Department) -> None:
    expires = department.built + timedelta(hours=6)
    assert hotlist.match("8ODE456", at=expires - timedelta(seconds=1))
    assert hotlist.match("8ODE456", at=expires) == ()
    assert hotlist.match("80DE456", at=expires + timedelta(days=400)) == ()


def near(hotlist: HotList, read: str, at: datetime, *alternatives: tuple[str, float], **keys: Any) -> list[Match]:
    others = tuple(Candidate(text, confidence) for text, confidence in alternatives)
    query = Query(plate_read=read, alternatives=others)
    return list(hotlist.consult(query, at=at, settings=hotlist_settings(**keys)).matches)


def test_near_alternatives_are_off_unless_a_budget_turns_them_on(hotlist: HotList, now: datetime) -> None:
    others = (("7ABC123", 0.2), ("7ABC128", 0.3))
    assert near(hotlist, "7ABC12B", now, *others) == []
    assert near(hotlist, "7ABC12B", now, *others, near_alternatives=1) == [], "the likelier one is tried first"
    (match,) = near(hotlist, "7ABC12B", now, *others, near_alternatives=2)
    assert (match.kind, match.plate_matched, match.differs) == (MatchKind.NEAR, "7ABC123", (6,))
    assert match.confidence == 0.2
    assert near(hotlist, "7ABC12B", now, *others, near_alternatives=2, near_confidence=0.25) == []


def test_near_alternatives_do_not_drown_a_match_of_the_read_itself(hotlist: HotList, now: datetime) -> None:
    assert [match.kind for match in near(hotlist, "7ABC123", now, ("1291164", 0.5), near_alternatives=5)] == [
        MatchKind.EXACT
    ]


def test_a_near_alternative_of_another_length_says_from_where_it_differs(hotlist: HotList, now: datetime) -> None:
    (match,) = near(hotlist, "7ABC1233", now, ("7ABC123", 0.5), near_alternatives=1)
    assert match.differs == (7,)


def test_declared_pairs_are_looked_up_within_a_budget(department: Department, now: datetime) -> None:
    hotlist = department.hotlist([HotListRow("7BBC123", "local", 5), HotListRow("7SBC124", "local", 5)])
    assert near(hotlist, "78BC123", now) == []
    (match,) = near(hotlist, "78BC123", now, look_alike_pairs=("B8", "S5"))
    assert (match.kind, match.plate_matched, match.differs) == (MatchKind.LOOK_ALIKE, "7BBC123", (1,))
    assert match.confidence is None
    assert near(hotlist, "758C124", now, look_alike_pairs=("B8", "S5")) == [], (
        "two characters are one more than the budget"
    )
    (match,) = near(hotlist, "758C124", now, ("7SBC124", 0.3), look_alike_pairs=("B8", "S5"), look_alike_budget=2)
    assert (match.differs, match.confidence) == ((1, 2), 0.3)
    assert near(hotlist, "78BC123", now, look_alike_pairs=("B8",), look_alike_budget=0) == []
    assert near(hotlist, "8" * 16, now, look_alike_pairs=("B8",), look_alike_budget=3) == [], (
        "however many there are, it ends"
    )


@pytest.mark.parametrize("pair", ["D0", "0D", "DO"])
def test_declared_pair_of_zero_is_one_of_the_letter_too(department: Department, now: datetime, pair: str) -> None:
    hotlist = department.hotlist([HotListRow("7ABD123", "local", 5), HotListRow("8XYO987", "local", 5)])
    for read, listed in (("7AB0123", "7ABD123"), ("7ABO123", "7ABD123"), ("8XYD987", "8XYO987")):
        (match,) = near(hotlist, read, now, (listed, 0.3), look_alike_pairs=(pair,))
        assert (match.kind, match.plate_matched, match.differs) == (MatchKind.LOOK_ALIKE, listed, (3,))
        assert match.confidence == 0.3
    assert near(hotlist, "7AB0124", now, look_alike_pairs=(pair, "O0")) == []


def test_a_pattern_hides_nothing_that_a_read_is_taken_for(department: Department, now: datetime) -> None:
    rows = [HotListRow("7BBC123", "felony_vehicle", 1), HotListRow("7XBC999", "local", 5)]
    hotlist = department.hotlist(rows, patterns=[department.pattern("7*BC*", distribution="narcotics")])
    found = near(hotlist, "78BC123", now, look_alike_pairs=("B8",))
    assert [match.kind for match in found] == [MatchKind.LOOK_ALIKE, MatchKind.PARTIAL]
    found = near(hotlist, "7YBC999", now, ("7XBC999", 0.5), near_alternatives=1)
    assert {match.kind for match in found} == {MatchKind.PARTIAL, MatchKind.NEAR}


def test_a_match_says_how_sure_the_reader_is_of_what_matched(hotlist: HotList, now: datetime) -> None:
    exact = Query(plate_read="7ABC123", confidence=0.9)
    assert hotlist.consult(exact, at=now).matches[0].confidence == 0.9
    partial = Query(plate_read="6XYZ123", confidence=0.1, characters=(0.9, 1.0, 0.5, 0.1, 0.1, 0.1, 0.1))
    (match,) = hotlist.consult(partial, at=now).matches
    assert match.confidence == pytest.approx(0.45)
    assert match.author == "Sample"


@pytest.mark.parametrize(
    ("read", "state", "told"),
    [
        ("7ABC123", None, "unknown"),
        ("7ABC123", "CA", "agrees"),
        ("7ABC123", "nv", "contradicts"),
        ("1291164", "CA", "unknown"),
        ("40LABC5", "NV", "contradicts"),
        ("7ABC123", "US-CA", "agrees"),
        ("7ABC123", "other", "contradicts"),
    ],
)
def test_a_state_that_contradicts_is_said_and_takes_no_match_away(
    hotlist: HotList, now: datetime, read: str, state: str | None, told: str
) -> None:
    (match,) = hotlist.consult(Query(plate_read=read, state=state), at=now).matches
    assert match.state_agreement == told


@pytest.mark.parametrize(
    ("read", "listed", "told"),
    [
        ("other", "CA", "contradicts"),
        ("other", "NV", "unknown"),
        ("US-CA", "NV", "contradicts"),
        ("US-CA", "CA", "agrees"),
        (None, "CA", "unknown"),
        ("US-CA", None, "unknown"),
    ],
)
def test_another_issuer_contradicts_the_one_state_that_is_told_apart(
    read: str | None, listed: str | None, told: str
) -> None:
    assert agreement(read, listed) == told


def test_the_departments_own_vehicles_alarm_nobody(department: Department, now: datetime) -> None:
    rows = [
        HotListRow("5OWN001", "local", 9, safe=True),
        HotListRow("5OWN001", "stolen_vehicle", 2),
        HotListRow("50WN001", "stolen_vehicle", 3),
        HotListRow("5GONE01", "local", 9, expires=now, safe=True),
        HotListRow("5GONE01", "stolen_vehicle", 2),
    ]
    hotlist = department.hotlist(rows, patterns=[department.pattern("5OW*")])
    own = hotlist.consult(Query(plate_read="5OWN001"), at=now)
    assert own.safe
    assert [match.plate_matched for match in own.matches] == ["50WN001"], "another plate that looks alike alarms"
    assert not hotlist.consult(Query(plate_read="5OWX001"), at=now).safe
    assert hotlist.match("5OWX001", at=now), "the pattern alarms for every other vehicle"
    assert hotlist.match("5GONE01", at=now), "a safe entry that expired protects nobody"
    settings = hotlist_settings(near_alternatives=3, look_alike_pairs=("X8",))
    nothing = Query(plate_read="5GONE02", alternatives=(Candidate("5OWN001", 0.5),))
    assert [m.plate_matched for m in hotlist.consult(nothing, at=now, settings=settings).matches] == ["50WN001"]


def test_a_covert_entry_says_whom_alone_it_concerns(department: Department, now: datetime) -> None:
    row = HotListRow("5COV001", "felony_vehicle", 1, distribution="narcotics")
    hotlist = department.hotlist([row], patterns=[department.pattern("5PAT*", distribution="homicide")])
    assert [match.distribution for match in hotlist.match("5COV001", at=now)] == ["narcotics"]
    assert [match.distribution for match in hotlist.match("5PAT001", at=now)] == ["homicide"]


def test_the_most_urgent_match_comes_first_and_every_entry_counts(department: Department, now: datetime) -> None:
    rows = [
        HotListRow("5GHJ701", "local", 5, "NV"),
        HotListRow("5GHJ701", "felony_vehicle", 1, "CA"),
        HotListRow("5GHJ7O1", "stolen_plate", 1, "CA"),
    ]
    matches = department.hotlist(rows, patterns=[department.pattern("5GH*")]).match("5GHJ701", at=now)
    assert [(match.priority, match.kind.value) for match in matches] == [
        (1, "exact"),
        (1, "look_alike"),
        (1, "partial"),
        (5, "exact"),
    ]


@pytest.mark.parametrize("read", ["", "♥", "A" * 17, "NOTHERE"])
def test_what_is_no_listed_plate_matches_nothing(hotlist: HotList, now: datetime, read: str) -> None:
    assert hotlist.match(read, at=now) == ()


def test_a_time_without_zone_is_an_error(hotlist: HotList) -> None:
    with pytest.raises(ValueError, match="zone"):
        hotlist.match("7ABC123", at=datetime(2026, 11, 1))  # noqa: DTZ001 - the point of the test


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PLATES, max_size=12), st.lists(PLATES, max_size=12))
def test_every_listed_plate_is_found_in_every_spelling_and_no_other(
    department: Department, now: datetime, listed: list[str], others: list[str]
) -> None:
    hotlist = department.hotlist([HotListRow(plate, "local", 5) for plate in listed])
    keys = {plate.replace("O", "0").replace("I", "1") for plate in listed}
    for plate in listed:
        kinds = {match.kind for match in hotlist.match(plate, at=now)}
        assert MatchKind.EXACT in kinds
        assert hotlist.match(plate.replace("0", "O").replace("1", "I"), at=now)
    for plate in others:
        matches = hotlist.match(plate, at=now)
        assert bool(matches) is (plate.replace("O", "0").replace("I", "1") in keys)
        assert {match.plate_matched for match in matches} <= set(listed)


def test_the_list_says_its_facts_and_its_repr_no_secret(hotlist: HotList, department: Department) -> None:
    assert (hotlist.version, hotlist.issuer, hotlist.agency) == (9, "Demo", "demo")
    assert (hotlist.entries, hotlist.patterns) == (3, 2)
    assert hotlist.built == department.built
    assert len(hotlist.digest) == 64
    assert repr(hotlist) == "HotList(agency='demo', version=9, entries=3)"
