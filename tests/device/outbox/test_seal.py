"""Every row bears a seal over all of it, and salvage takes no row whose seal does not fit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.rows import insert_values, seal
from platepost.device.outbox.salvage import DamagedOutbox, SalvagedRecord
from tests.device.outbox.inside import execute, inside

Filler: TypeAlias = Any  # conftest's

KEY = bytes(range(32))
COLUMNS = "id, rank, type, topic, digest, time, expires, body, size, has_pictures, number"
ALL = f"SELECT sequence, {COLUMNS}, seal FROM record ORDER BY sequence"


def salvaged(path: Path) -> list[SalvagedRecord]:
    with DamagedOutbox(path, key=KEY) as damaged:
        return list(damaged.records(lambda _: [], lambda _: None))


@pytest.fixture
def filled(path: Path, filler: Callable[[Outbox], Filler]) -> list[tuple[Any, ...]]:
    """Rows of every kind, some of which the quota has stripped of their pictures."""
    with Outbox(path, key=KEY, quota_bytes=40_000) as outbox:
        fill = filler(outbox)
        for number in range(6):
            fill.read(picture_bytes=5000)
            fill.hit(group="narcotics" if number % 2 else None)
        assert outbox.backlog().pictures_dropped > 0
        return execute(outbox, ALL)


def test_every_row_bears_its_seal(filled: list[tuple[Any, ...]]) -> None:
    assert {row[10] for row in filled} == {0, 1}, "with pictures and without"
    for place, *values, sealed in filled:
        assert sealed == seal(place, tuple(values))


def test_salvage_takes_every_row_that_is_as_it_was_stored(path: Path, filled: list[tuple[Any, ...]]) -> None:
    taken = {row.place: row.values for row in salvaged(path)}
    assert taken == {place: tuple(values[:-1]) for place, *values, _ in filled}


def test_a_time_of_a_whole_second_is_sealed_alike(path: Path, filler: Callable[[Outbox], Filler]) -> None:
    with Outbox(path, key=KEY) as outbox:
        filler(outbox).read()
        ((_, *values, _),) = execute(outbox, ALL)
        values[0], values[5], values[6] = "another", 1_800_000_000.0, 1_800_000_060.0
        execute(outbox, "DELETE FROM record")
        inside(outbox, lambda connection: insert_values(connection, 7, tuple(values[:-1]), standing=("", 7)))
    assert [row.place for row in salvaged(path)] == [7]


@pytest.mark.parametrize(
    "change",
    [
        "topic = 'demo/elsewhere'",
        "time = time + 1",
        "expires = 5",
        "rank = 0",
        "has_pictures = 0",
        "number = 9",
        "size = size + 1",
        "seal = zeroblob(32)",
        "sequence = 99",
    ],
)
def test_a_row_changed_in_any_column_is_not_taken(change: str, path: Path, filler: Callable[[Outbox], Filler]) -> None:
    with Outbox(path, key=KEY) as outbox:
        fill = filler(outbox)
        kept, _ = fill.read(picture_bytes=5000), fill.read(picture_bytes=5000)
        sql = f"UPDATE record SET {change} WHERE sequence = 2"
        execute(outbox, sql)
    assert [row.values[0] for row in salvaged(path)] == [kept.id]


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        ("seal = NULL", True),
        ("seal = NULL, size = size + 1", False),
        ("seal = NULL, id = 'another'", False),
        ("seal = NULL, body = CAST(replace(CAST(body AS TEXT), 'AAAA', 'BBBB') AS BLOB)", False),
    ],
)
def test_of_a_row_without_seal_size_name_and_pictures_must_fit(
    change: str, *, taken: bool, path: Path, filler: Callable[[Outbox], Filler]
) -> None:
    with Outbox(path, key=KEY) as outbox:
        filler(outbox).read(picture_bytes=5000)
        execute(outbox, f"UPDATE record SET {change}")
    assert len(salvaged(path)) == taken
