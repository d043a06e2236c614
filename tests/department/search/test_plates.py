"""Plates are found from what is remembered, the right ones and no others, and never by going through all reads."""

import json
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from platepost.department.custody import reading
from platepost.department.custody.reading import ReadFilter, reads
from platepost.department.database.roles import COMMAND
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.errors import ClosedEntryError
from platepost.department.search import plates as plates_module
from platepost.department.search.errors import PatternError, SearchTimeoutError, TooManyPlatesError
from platepost.department.search.patterns import MatchReason, PlatePattern
from platepost.department.search.plates import PlateMatch, PlateQuery, find_plates
from platepost.department.search.scenes import SearchScene, common_plates, companions, usual_places
from tests.department.roles import as_role
from tests.department.search.conftest import AT, Stock, opened
from tests.department.search.scan import drawn_pattern, drawn_plate, fits, grams_of

HOUR = timedelta(hours=1)


def asked(text: str, budget: int = 0, **more: Any) -> PlateQuery:
    return PlateQuery(PlatePattern.parse(text, budget=budget), **more)


def every_page(query: PlateQuery, *, limit: int = 25) -> list[PlateMatch]:
    matches: list[PlateMatch] = []
    after = None
    while True:
        with opened() as entry:
            page = find_plates(entry, query, after=after, limit=limit)
        matches += page.plates
        after = page.next
        if after is None:
            return matches


def names(query: PlateQuery, **more: int) -> list[str]:
    return [matches.seen.plate for matches in every_page(query, **more)]


def test_a_plate_has_its_reads_and_why_it_fits(stock: Stock, entry: OpenEntry) -> None:
    stock(
        [
            {"plate": "7ABO123"},
            {"plate": "7ABO123", "captured_at": AT - HOUR},
            {"plate": "7AB0123", "captured_at": AT + HOUR},
            {"plate": "7ABO124"},
        ]
    )
    page = find_plates(entry, asked("7ab-0?23"))
    (matches,) = page.plates
    assert (matches.seen.plate, matches.seen.spelled, matches.seen.count) == ("7AB0123", "7ABO123", 3)
    assert (matches.seen.first_seen, matches.seen.last_seen) == (AT - HOUR, AT + HOUR)
    assert matches.why == (*[MatchReason.SAME] * 4, MatchReason.ANY, *[MatchReason.SAME] * 2)
    assert page.next is None
    rows = reads(entry, asked("7AB0?23").read_filter([matches.seen.plate]))
    assert [row["captured_at"] for row in rows] == [AT + HOUR, AT, AT - HOUR]
    last = rows[0]
    rest = reads(entry, asked("7AB0?23").read_filter(["7AB0123"], before=(last["captured_at"], last["record_id"])))
    assert rest == rows[1:]


def test_random_patterns_find_what_a_scan_finds(stock: Stock, superuser: psycopg.Connection) -> None:
    draw = random.Random(5)
    plates = sorted({drawn_plate(draw) for _ in range(2000)})
    stock({"plate": plate, "captured_at": AT - draw.randrange(2000) * HOUR} for plate in plates)
    superuser.execute("ANALYZE custody_read, search_plate")
    with_something = hidden = 0
    with as_role(COMMAND):
        for _ in range(90):
            text, budget, slip = drawn_pattern(draw), draw.randrange(3), draw.random() < 0.2
            pattern = PlatePattern.parse(text, budget=budget, slip=slip)
            if not pattern.searchable:
                with pytest.raises(PatternError, match="three known"):
                    PlateQuery(pattern)
                continue
            wanted = [plate for plate in plates if fits(text, plate, budget, slip)]
            assert sorted(names(PlateQuery(pattern), limit=200)) == wanted, (text, budget, slip)
            with_something += bool(wanted)
            hidden += any("?" in plate for plate in wanted)
    assert with_something > 25
    assert hidden > 10


def test_grams_of_the_database_are_the_pattern_s(superuser: psycopg.Connection) -> None:
    draw = random.Random(8)
    for plate in [*(drawn_plate(draw) for _ in range(50)), "A", "AB", "A" * 24, "ABCDEFGH1234567899ABCDEF"]:
        ((created,),) = superuser.execute("SELECT search_grams(%s)", [plate])
        assert set(created) == grams_of(plate), plate


def test_likelier_plates_come_first_and_pages_go_on(stock: Stock, superuser: psycopg.Connection) -> None:
    stock({"plate": f"{first}AB{number}"} for first in "8B6" for number in range(10))
    query = asked("8AB?", 1)
    with as_role(COMMAND):
        matches = names(query)
        assert matches == [f"{first}AB{number}" for first in "8B6" for number in range(10)]
        with opened() as entry:
            page = find_plates(entry, query, limit=4)
        assert page.next is not None
        # What comes meanwhile repeats nothing, and shifts nothing.
        stock([{"plate": "8AB2X"}, {"plate": "8ABA"}, {"plate": "6ABA"}])
        with opened() as entry:
            rest = find_plates(entry, query, after=page.next, limit=100)
    assert [each.seen.plate for each in (*page.plates, *rest.plates)] == [*matches[:10], "8ABA", *matches[10:], "6ABA"]


def test_a_read_with_hidden_characters_is_found(stock: Stock, superuser: psycopg.Connection) -> None:
    stock({"plate": plate} for plate in ("7ABC123", "7AB?123", "?ABC1?3", "7?????3", "7AB?124", "8ABC123"))
    with as_role(COMMAND):
        (same, once, twice) = every_page(asked("7ABC123"))
        assert (same.seen.plate, set(same.why)) == ("7ABC123", {MatchReason.SAME})
        assert (once.seen.plate, once.why[3], once.why.count(MatchReason.SAME)) == ("7AB?123", MatchReason.HIDDEN, 6)
        assert (twice.seen.plate, twice.why.count(MatchReason.HIDDEN)) == ("?ABC1?3", 2)
        assert names(asked("7AB?123")) == ["7AB?123", "7ABC123", "?ABC1?3"]
        assert names(asked("*BC123")) == ["7ABC123", "8ABC123", "7AB?123", "?ABC1?3"]
        assert names(asked("7ABC12*")) == ["7ABC123", "7AB?123", "7AB?124", "?ABC1?3"]
        assert names(asked("8ABC123", 1)) == ["8ABC123", "?ABC1?3"]
        assert names(asked("7AB?", **PLACE)) == []
        assert names(asked("7C*", **PLACE)) == ["7?????3"]
        assert names(asked("7ABC123", **PLACE)) == ["7ABC123", "7AB?123", "?ABC1?3", "7?????3"]


PLACE = {"posts": ["post-1", "post-2"], "since": AT - HOUR, "until": AT + HOUR}


def test_place_and_time_stand_in_for_a_pattern(stock: Stock, superuser: psycopg.Connection) -> None:
    stock(
        [
            {"plate": "7AA1111"},
            {"plate": "7AA1111", "captured_at": AT - 2 * HOUR},
            {"plate": "7AB2222", "post": "post-2"},
            {"plate": "8AB2222", "post": "post-2"},
            {"plate": "7AC3333", "post": "post-3"},
            {"plate": "7AD4444", "captured_at": AT + HOUR},
        ]
    )
    with as_role(COMMAND):
        assert names(PlateQuery(**PLACE)) == ["7AA1111", "7AB2222", "8AB2222"]
        assert names(asked("7A*", **PLACE), limit=1) == ["7AA1111", "7AB2222"]
        assert names(asked("7AA*", **PLACE)) == ["7AA1111"]
        (matches,) = every_page(asked("7AA1111", **PLACE))
    assert matches.seen.count == 1


@pytest.mark.parametrize(
    ("narrowed", "plates"),
    [
        ({"fields": {"direction": ["receding"]}}, ["7AB2"]),
        ({"fields": {"lane": ["left"]}}, ["7AB1"]),
        ({"fields": {"region": ["US-CA"]}}, ["7AB3"]),
        ({"fields": {"vehicle": ["pickup", "van"]}}, ["7AB1"]),
        ({"fields": {"color": ["white"]}}, ["7AB1", "7AB2"]),
        ({"fields": {"vehicle": ["pickup"], "color": ["red"]}}, []),
        ({"hours": [12]}, ["7AB1", "7AB2"]),
        ({"hours": [12], "zone": "America/Los_Angeles"}, ["7AB3"]),
        ({"weekdays": [3], "until": AT + HOUR}, ["7AB1", "7AB2", "7AB4"]),
        ({"weekdays": [2], "hours": [23], "zone": "America/Los_Angeles"}, ["7AB4"]),
        ({"since": AT + HOUR}, ["7AB3"]),
        ({"until": AT}, ["7AB4"]),
        ({"posts": ["post-9"]}, ["7AB4"]),
    ],
)
def test_reads_in_question_are_narrowed(
    stock: Stock, superuser: psycopg.Connection, narrowed: dict[str, Any], plates: list[str]
) -> None:
    stock(
        [
            {"plate": "7AB1", "lane": "left", "vehicle": "pickup", "color": "white"},
            {"plate": "7AB2", "direction": "receding", "color": "gray white"},
            {"plate": "7AB3", "region": "US-CA", "captured_at": AT + 8 * HOUR},
            {"plate": "7AB4", "post": "post-9", "captured_at": datetime(2026, 1, 28, 7, tzinfo=UTC)},
        ]
    )
    with as_role(COMMAND):
        assert names(asked("7AB?", **narrowed)) == plates


def test_what_was_kept_late_or_has_a_wrong_clock_is_found_by_when_it_was_captured(
    stock: Stock, superuser: psycopg.Connection
) -> None:
    stock(
        [
            {"plate": "7AB1", "retained_from": AT + timedelta(days=30)},
            {"plate": "7AB2", "class": "doubtful", "retained_from": AT - timedelta(days=90)},
            {"plate": "7AB3", "class": "doubtful", "retained_from": AT + timedelta(days=90)},
            {"plate": "7AB4", "captured_at": AT + timedelta(days=1), "retained_from": AT + timedelta(days=1)},
        ]
    )
    with as_role(COMMAND):
        assert names(PlateQuery(**PLACE)) == ["7AB1", "7AB2", "7AB3"]
        assert names(asked("7AB?", **PLACE)) == ["7AB1", "7AB2", "7AB3"]
        assert names(asked("7AB?", since=AT + HOUR)) == ["7AB4"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"posts": ["post-1"]},
        {"since": AT, "until": AT + HOUR},
        {"posts": ["post-1"], "since": AT, "until": AT},
        {"posts": ["post-1"], "since": AT, "until": AT + timedelta(days=32)},
        {"posts": [f"post-{number}" for number in range(201)], "since": AT, "until": AT + HOUR},
        {"pattern": PlatePattern.parse("7A*"), "posts": ["post-1"], "since": AT},
    ],
)
def test_too_little_is_refused(query: dict[str, Any]) -> None:
    with pytest.raises(PatternError):
        PlateQuery(**query)


def test_too_many_plates_are_refused(
    stock: Stock, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plates_module, "MOST_PLATES", 3)
    stock({"plate": f"7AB{number}"} for number in range(4))
    with as_role(COMMAND):
        assert len(names(asked("7AB[012]"))) == 3
        for query in (asked("7AB?"), PlateQuery(**PLACE)):
            with pytest.raises(TooManyPlatesError), opened() as entry:
                find_plates(entry, query)
        # Too many of the dictionary, and few at a place.
        assert names(asked("7AB?", **{**PLACE, "posts": ["post-2"]})) == []


def test_shown_plates_are_in_the_ledger(stock: Stock, superuser: psycopg.Connection) -> None:
    stock({"plate": f"7AB{number}"} for number in range(4))
    with as_role(COMMAND), opened() as entry:
        find_plates(entry, asked("7AB?"), limit=2)
    ((fields,),) = superuser.execute(
        "SELECT value FROM ledger_body WHERE field = 'plates'"
        " AND entry = (SELECT entry FROM ledger_entry WHERE refers_to = %s)",
        [entry.entry],
    )
    assert json.loads(fields) == ["7AB0", "7AB1"]


def test_nothing_is_found_without_an_open_entry(stock: Stock, superuser: psycopg.Connection) -> None:
    stock([{"plate": "7AB1"}])
    closed = opened()
    closed.shown()
    with as_role(COMMAND):
        with pytest.raises(ClosedEntryError):
            find_plates(closed, asked("7AB?"))
        with connection.cursor() as cursor:
            cursor.execute("SELECT search_known(false) UNION ALL SELECT search_known(true)")
            assert cursor.fetchall() == []


def test_covert_reads_are_not_in_the_dictionary(stock: Stock, superuser: psycopg.Connection) -> None:
    stock([{"plate": "7AB1", "covert_group": "vice"}, {"plate": "7AB2"}])
    assert superuser.execute("SELECT plate_fold FROM search_plate").fetchall() == [("7AB2",)]
    with as_role(COMMAND):
        assert names(asked("7AB?")) == ["7AB2"]
        assert names(PlateQuery(**PLACE)) == ["7AB2"]


def test_a_plate_is_forgotten_with_its_last_read(stock: Stock, superuser: psycopg.Connection) -> None:
    old = AT - timedelta(days=21)
    stock(
        [
            {"plate": "7AB1", "captured_at": old},
            {"plate": "7AB2", "captured_at": old},
            {"plate": "7AB2"},
            {"plate": "7AB3", "captured_at": old, "class": "hit"},
        ]
    )
    then, later = 2922, 2925
    assert superuser.execute("SELECT search_week('2026-01-05Z'), search_week('2026-01-04 23:59Z')").fetchone() == (
        then,
        then - 1,
    )
    weeks = dict(superuser.execute("SELECT plate_fold, weeks FROM search_plate").fetchall())
    assert weeks == {"7AB1": [then], "7AB2": [then, later], "7AB3": [then]}
    superuser.execute("TRUNCATE custody_read_no_hit_20260105")
    for behind, last in (("", "7AB2"), ("7AB2", "7AB3"), ("7AB3", None)):
        forget = "SELECT search_forget(%s::smallint[], %s, 2)"
        assert superuser.execute(forget, [[then], behind]).fetchone() == (last,)
    weeks = dict(superuser.execute("SELECT plate_fold, weeks FROM search_plate").fetchall())
    assert weeks == {"7AB2": [later], "7AB3": [then]}


def test_a_week_after_january_2038_is_forgotten_too(stock: Stock, superuser: psycopg.Connection) -> None:
    stock([{"plate": "7AB1"}])
    superuser.execute("UPDATE search_plate SET weeks = ARRAY[search_week('2038-02-01Z')]")
    forgotten = "SELECT search_forget(ARRAY[search_week('2038-02-01Z')], '', 2)"
    assert superuser.execute(forgotten).fetchone() == ("7AB1",)
    assert superuser.execute("SELECT count(*) FROM search_plate").fetchone() == (0,)


def test_a_statement_is_given_up(superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(plates_module, "candidates", lambda entry, _: dict.fromkeys(_slow(entry), frozenset()))
    with as_role(COMMAND), pytest.raises(SearchTimeoutError), opened() as entry:
        find_plates(entry, asked("7AB?"))


def test_a_search_is_canceled(superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plates_module, "candidates", lambda entry, _: dict.fromkeys(_slow(entry), frozenset()))
    with as_role(COMMAND):
        stop = threading.Thread(target=_cancel, args=(superuser,), daemon=True)
        stop.start()
        with pytest.raises(SearchTimeoutError), opened() as entry:
            find_plates(entry, asked("7AB?"))
        stop.join()


def _cancel(superuser: psycopg.Connection) -> None:
    """Cancel what `_slow` asks, as soon as it is under way, and nothing of the ledger's."""
    cancel = (
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state = 'active' AND query = 'SELECT pg_sleep(8)::text'"
    )
    while not superuser.execute(cancel).fetchall():
        time.sleep(0.01)


def _slow(entry: OpenEntry) -> Iterator[str]:
    with reading.under(entry) as cursor:
        cursor.execute("SELECT pg_sleep(8)::text")
        yield from (text for (text,) in cursor)


@contextmanager
def _explained() -> Iterator[list[str]]:
    """Collect the plan of every statement that is run, those within functions too."""
    plans: list[str] = []
    settings = {"log_min_duration": "0", "log_nested_statements": "on", "log_analyze": "on", "log_timing": "off"}
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("LOAD 'auto_explain'")
        for name, value in settings.items():
            cursor.execute(f"SET auto_explain.{name} = {value}")
        cursor.execute("SET client_min_messages = 'log'")

    def noted(notice: psycopg.errors.Diagnostic) -> None:
        if "plan:" in (notice.message_primary or ""):
            plans.append(str(notice.message_primary))

    connection.connection.add_notice_handler(noted)
    try:
        yield plans
    finally:
        connection.close()


def test_no_plan_goes_through_the_reads_or_the_dictionary(stock: Stock, superuser: psycopg.Connection) -> None:
    draw = random.Random(9)
    plates = sorted({drawn_plate(draw) for _ in range(800)})
    stock(
        {"plate": plate, "post": f"post-{draw.randrange(20)}", "captured_at": AT - draw.randrange(2000) * HOUR}
        for plate in plates
    )
    superuser.execute("ANALYZE custody_read, search_plate")
    with _explained() as plans, as_role(COMMAND):
        queries = [
            asked(plates[0]),
            asked(plates[0], since=AT - 2000 * HOUR, until=AT + HOUR),
            asked(f"{plates[0][:-1]}?", since=AT - 2000 * HOUR, until=AT + HOUR),
            asked("7ABC017", 2),
            asked("7AB?01*"),
            asked("7A??01?", 1),
            asked("7?B?01?"),
            asked("*C018"),
            asked("7AB*", **PLACE),
            asked("7A*", **PLACE),
            PlateQuery(**PLACE),
        ]
        for query in queries:
            with opened() as entry:
                find_plates(entry, query)
                reads(entry, query.read_filter(["7ABC017"]))
        with opened() as entry:
            common_plates(entry, [SearchScene(**PLACE), SearchScene(["post-2"], AT - 9 * HOUR, AT)])
            companions(entry, ReadFilter(plates=[plates[0]]))
            usual_places(entry, ReadFilter(plates=[plates[0]]))
    about = [plan for plan in plans if "custody_read" in plan or "search_plate" in plan]
    assert len(about) >= 2 * len(queries)
    # Of some 36 partitions, those of the one week that has the plate, and what is doubtful or held.
    for plan in [plan for plan in about if "GroupAggregate" in plan][:2]:
        assert 0 < len(re.findall(r"Index Scan .*\(actual", plan)) <= 5, plan
    assert any("search_plate_grams" in plan for plan in about)
    assert any("search_plate_hidden" in plan for plan in about)
    assert any("custody_read" in plan and "Index" in plan for plan in about)
    for plan in about:
        assert "Seq Scan" not in plan, plan
    assert any(re.search(r"Index Cond: .*plate_fold >=", plan) for plan in about)
