"""What posts would make of a statement, and how they are told apart."""

from pathlib import Path

import pytest

from platepost.provisioning.control.keys.adoption import Holder, Standing, has_adopted
from platepost.provisioning.control.keys.rehearsal import would
from platepost.provisioning.control.keys.rotation import announce, retire, take_into_use
from platepost.provisioning.fleet.fleet import Fleet
from platepost.wire.records import KeyState, Purpose

LISTS = Purpose.LISTS


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="riverside")


def holder(key: str, *former: str, state: str = "online", era: int = 0, number: int = 0) -> Holder:
    keys = KeyState(purpose=LISTS, key=key, former=former, era=era, number=number)
    return Holder("post-1", state, keys, heard=True)


def test_each_post_is_judged_by_what_it_goes_by(fleet: Fleet) -> None:
    first = fleet.keys(LISTS).announced()
    done = announce(fleet, fleet.keys(LISTS), "j-stone")
    take_into_use(fleet.keys(LISTS))
    lists = fleet.keys(LISTS)
    assert would(fleet, lists, holder(first), done) is Standing.GOES_BY_IT
    assert would(fleet, lists, holder(first, state="offline"), done) is Standing.AWAY
    assert would(fleet, lists, holder(done.present, first, number=1), done) is Standing.GOES_BY_IT
    assert would(fleet, lists, holder("A" * 43), done) is Standing.REFUSED
    assert would(fleet, lists, holder(first, number=7), done) is Standing.REFUSED, "a thief's number is higher"
    assert would(fleet, lists, Holder("post-1", "online", None, heard=True), done) is Standing.FIXED
    assert would(fleet, lists, Holder("post-1", "silent", None, heard=False), done) is Standing.UNKNOWN


def test_the_root_would_reach_whoever_holds_whatever(fleet: Fleet) -> None:
    done = announce(fleet, fleet.keys(LISTS), "j-stone", vouch="root", revoke=True)
    take_into_use(fleet.keys(LISTS))
    lists = fleet.keys(LISTS)
    assert would(fleet, lists, holder("A" * 43, number=2**53 - 1), done) is Standing.GOES_BY_IT
    assert would(fleet, lists, holder("A" * 43, era=1, number=5), done) is Standing.REFUSED


def test_a_post_stands_to_a_statement_as_it_says(fleet: Fleet) -> None:
    first = fleet.keys(LISTS).announced()
    done = announce(fleet, fleet.keys(LISTS), "j-stone")
    take_into_use(fleet.keys(LISTS))
    both = holder(done.present, first, number=1)
    assert both.standing(done.statement) is Standing.GOES_BY_IT
    assert holder(first).standing(done.statement) is Standing.WAITING
    after = retire(fleet.keys(LISTS), "j-stone").statement
    assert both.standing(after) is Standing.WAITING
    assert both.keys is not None
    assert not has_adopted(both.keys, after)
    assert holder(done.present).standing(after) is Standing.GOES_BY_IT, "enrolled since, with the new key alone"
