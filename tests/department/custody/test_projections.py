"""What people see of each kind of record."""

from typing import Any

import pytest

from platepost.department.custody.projections import (
    ACCESSES,
    AUDIT,
    HEALTH,
    HIT,
    PROJECTIONS,
    READ,
    STATUS,
    WITHDRAWAL,
    project,
)
from platepost.wire.contract.examples import ExampleSigner, example_audit, example_records
from platepost.wire.records.envelope import read_event
from tests.department.custody.posts import GROUP, PASSAGE, Post
from tests.department.custody.posts import HIT as A_HIT


def shown(event: dict[str, Any]) -> dict[str, dict[str, object]]:
    return {
        projection.table: dict(zip(projection.columns, row, strict=True))
        for projection, row in project(read_event(event))
    }


def test_a_read_keeps_the_three_strings_apart() -> None:
    event = Post().read(A_HIT, text="7OI C12").event
    event["data"]["plate_key"] = "7O1C12"  # a post of another version
    (row,) = shown(event).values()
    assert [row[name] for name in ("plate_read", "plate_key", "plate_fold")] == ["7OI C12", "7O1C12", "701C12"]
    assert (row["passage"], row["hits"], row["site"]) == (PASSAGE, [A_HIT], "Bridge Street")
    assert (row["vehicle"], row["color"]) == ("car", "white gray")
    event["data"]["vehicle"] = {"kind": "trailer"}  # nor is a newer post's word refused
    (row,) = shown(event).values()
    assert (row["vehicle"], row["color"]) == ("trailer", None)
    del event["data"]["vehicle"]
    (row,) = shown(event).values()
    assert (row["vehicle"], row["color"]) == (None, None)


def test_a_hit_says_how_and_by_which_list_it_matched() -> None:
    (row,) = shown(Post().hit(GROUP).event).values()
    assert (row["hit"], row["match"], row["distribution"]) == (A_HIT, "exact", GROUP)
    assert (row["list_version"], row["list_age"], row["hotlist_stale"]) == (118, 7200.0, False)


@pytest.mark.parametrize(
    ("action", "target", "is_access"),
    [
        ("boot", None, False),
        ("technician_session", None, True),
        ("recording_started", "r1", True),
        ("command_executed", "still", True),
        ("command_refused", "still", True),
        ("command_executed", "self_test", False),
    ],
)
def test_who_saw_what_a_post_sees_is_an_act_of_access(action: str, target: str | None, is_access: bool) -> None:  # noqa: FBT001
    created = Post().recorder.record(example_audit(action, object=target))
    matches = shown(created.event)
    assert matches["custody_audit"]["kind"] == action
    assert ("custody_access" in matches) == is_access
    if is_access:
        assert matches["custody_access"]["person"] == created.event["data"]["identity"]


def test_every_kind_of_record_that_people_see_is_shown() -> None:
    kinds = {
        projection
        for created in example_records(ExampleSigner()).values()
        for projection, _ in project(read_event(created.event))
    }
    assert kinds | {ACCESSES} == {READ, HIT, WITHDRAWAL, STATUS, AUDIT, HEALTH, ACCESSES} == set(PROJECTIONS)
