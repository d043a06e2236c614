"""Plates of several scenes are found, and a plate's habits are shown for a case only."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from platepost.department.custody.reading import ReadFilter
from platepost.department.database.roles import COMMAND
from platepost.department.ledger.entries import open_entry
from platepost.department.policy.policy import AccessPurpose
from platepost.department.search.errors import CaseRequiredError, PatternError
from platepost.department.search.scenes import SearchScene, common_plates, companions, usual_places
from tests.department.roles import as_role
from tests.department.search.conftest import AT, Stock, opened

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


def scene(number: int) -> SearchScene:
    return SearchScene([f"post-{number}"], AT + number * DAY, AT + number * DAY + HOUR)


def passed(plate: str, number: int, after: timedelta = timedelta(), **more: Any) -> dict[str, Any]:
    at = AT + number * DAY + after
    return {"plate": plate, "post": f"post-{number}", "captured_at": at, "retained_from": at, **more}


@pytest.fixture
def three_days(stock: Stock) -> None:
    stock(
        [
            *(passed("7AB1", number, 5 * MINUTE) for number in (0, 1, 2)),
            passed("7AB1", 0, 9 * MINUTE),
            # Behind the first one at two posts, before it at the third; and half an hour later.
            passed("7CO2", 0, 5 * MINUTE + timedelta(seconds=20)),
            passed("7CO2", 1, 5 * MINUTE - timedelta(seconds=20)),
            passed("7DD3", 0, 6 * MINUTE),
            passed("7DD3", 1, 35 * MINUTE),
            passed("7EE4", 1, -2 * HOUR),
            passed("7EE4", 2, 2 * HOUR),
            passed("7FF5", 0, 5 * MINUTE, covert_group="vice"),
            passed("7FF5", 1, 5 * MINUTE, covert_group="vice"),
            passed("7GG6", 0, 5 * MINUTE) | {"class": "doubtful"},
            passed("7GG6", 1, 5 * MINUTE),
        ]
    )


@pytest.mark.usefixtures("three_days")
def test_plates_of_several_scenes(superuser: psycopg.Connection) -> None:
    scenes = [scene(0), scene(1), scene(2)]
    with as_role(COMMAND):
        with opened() as entry:
            (alone,) = common_plates(entry, scenes)
        with opened() as entry:
            plates = common_plates(entry, scenes, least=2)
            assert len(common_plates(entry, scenes, least=2, limit=2)) == 2
    assert alone.plate == "7AB1"
    first = alone.scenes[0]
    assert (first.count, first.first, first.last) == (2, AT + 5 * MINUTE, AT + 9 * MINUTE)
    assert [reads.latest["post"] for reads in alone.scenes.values()] == ["post-0", "post-1", "post-2"]
    assert alone.latest["post"] == "post-2"
    assert [(each.plate, [*each.scenes]) for each in plates] == [
        ("7AB1", [0, 1, 2]),
        ("7C02", [0, 1]),
        ("7DD3", [0, 1]),
    ]
    assert plates[1].spelled == "7CO2"


@pytest.mark.usefixtures("three_days")
def test_convoy(superuser: psycopg.Connection) -> None:
    with as_role(COMMAND), opened() as entry:
        (matches,) = companions(entry, ReadFilter(plates=["7AB1"]))
        wider = companions(entry, ReadFilter(plates=["7AB1"]), gap=10 * MINUTE, least=1)
        assert companions(entry, ReadFilter(plates=["7AB1"], until=AT + HOUR)) == []
    assert (matches.plate, matches.spelled, matches.together, matches.posts) == ("7C02", "7CO2", 2, 2)
    assert [(each.plate, each.together) for each in wider] == [("7C02", 3), ("7DD3", 2), ("7GG6", 1)]
    ((fields,),) = superuser.execute(
        "SELECT value FROM ledger_body JOIN ledger_entry USING (entry) WHERE field = 'plates' AND refers_to = %s",
        [entry.entry],
    )
    assert "7C02" in fields
    assert "7AB1" in fields


@pytest.mark.usefixtures("three_days")
def test_usual_places_need_a_case(superuser: psycopg.Connection) -> None:
    with as_role(COMMAND):
        for case in (None, " "):
            entry = open_entry(person="a", agency="b", purpose=AccessPurpose("patrol", case), query={})
            with pytest.raises(CaseRequiredError):
                usual_places(entry, ReadFilter(plates=["7AB1"]))
        with opened() as entry:
            places = usual_places(entry, ReadFilter(plates=["7AB1"], zone="America/Los_Angeles"))
    assert [*places.posts.items()] == [("post-0", 2), ("post-1", 1), ("post-2", 1)]
    assert places.hours == {4: 4}
    assert places.weekdays == {3: 2, 4: 1, 5: 1}


def test_a_scene_is_a_place_and_a_time(superuser: psycopg.Connection) -> None:
    for posts, length in (([], HOUR), (["post-1"], -HOUR), (["post-1"], 32 * DAY)):
        with pytest.raises(PatternError):
            SearchScene(posts, AT, AT + length)
    with as_role(COMMAND), opened() as entry:
        for scenes, least in (([scene(0)], None), ([scene(0), scene(1)], 1), ([scene(0)] * 11, 2)):
            with pytest.raises(PatternError):
                common_plates(entry, scenes, least=least)
        with pytest.raises(PatternError):
            companions(entry, ReadFilter(plates=["7AB1"]), gap=HOUR)
