"""What posts would make of a statement, and how they are told apart."""

from pathlib import Path

import pytest

from platepost.provisioning.control.keys.adoption import AdoptionStatus, Holder, has_adopted
from platepost.provisioning.control.keys.distribution import preview_adoption
from platepost.provisioning.control.keys.rotation import announce, retire, take_into_use
from platepost.provisioning.fleet.fleet import Fleet
from platepost.wire.records import KeyState, Purpose

LISTS = Purpose.LISTS


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="riverside")


def holder(key: str, *former: str, state: str = "online", era: int = 0, number: int = 0) -> Holder:
    keys = KeyState(purpose=LISTS, key=key, former=former, era=era, number=number)
    return Holder("post-1", state, keys, answered=True)


def test_each_post_is_judged_by_what_it_goes_by(fleet: Fleet) -> None:
    first = fleet.keys(LISTS).announced()
    done = announce(fleet, fleet.keys(LISTS), "j-stone")
    take_into_use(fleet.keys(LISTS))
    lists = fleet.keys(LISTS)
    assert preview_adoption(fleet, lists, holder(first), done) is AdoptionStatus.GOES_BY_IT
    assert preview_adoption(fleet, lists, holder(first, state="offline"), done) is AdoptionStatus.AWAY
    assert preview_adoption(fleet, lists, holder(done.present, first, number=1), done) is AdoptionStatus.GOES_BY_IT
    assert preview_adoption(fleet, lists, holder("A" * 43), done) is AdoptionStatus.REFUSED
    assert preview_adoption(fleet, lists, holder(first, number=7), done) is AdoptionStatus.REFUSED, (
        "a thief's number is higher"
    )
    assert preview_adoption(fleet, lists, Holder("post-1", "online", None, answered=True), done) is AdoptionStatus.FIXED
    assert (
        preview_adoption(fleet, lists, Holder("post-1", "silent", None, answered=False), done) is AdoptionStatus.UNKNOWN
    )


def test_the_root_would_reach_whoever_holds_whatever(fleet: Fleet) -> None:
    done = announce(fleet, fleet.keys(LISTS), "j-stone", vouch="root", revoke=True)
    take_into_use(fleet.keys(LISTS))
    lists = fleet.keys(LISTS)
    assert preview_adoption(fleet, lists, holder("A" * 43, number=2**53 - 1), done) is AdoptionStatus.GOES_BY_IT
    assert preview_adoption(fleet, lists, holder("A" * 43, era=1, number=5), done) is AdoptionStatus.REFUSED


def test_a_post_stands_to_a_statement_as_it_says(fleet: Fleet) -> None:
    first = fleet.keys(LISTS).announced()
    done = announce(fleet, fleet.keys(LISTS), "j-stone")
    take_into_use(fleet.keys(LISTS))
    both = holder(done.present, first, number=1)
    assert both.adoption(done.statement) is AdoptionStatus.GOES_BY_IT
    assert holder(first).adoption(done.statement) is AdoptionStatus.WAITING
    after = retire(fleet.keys(LISTS), "j-stone").statement
    assert both.adoption(after) is AdoptionStatus.WAITING
    assert both.keys is not None
    assert not has_adopted(both.keys, after)
    assert holder(done.present).adoption(after) is AdoptionStatus.GOES_BY_IT, "enrolled since, with the new key alone"
