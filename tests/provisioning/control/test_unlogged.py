from datetime import UTC, datetime, timedelta

import pytest

from platepost.provisioning.control.status import CheckResult, judge, record_keys, unlogged_lists
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.unattributed import nobody
from platepost.wire.records import HotListState
from tests.provisioning.control.conftest import said

BUILT = datetime.now(UTC) - timedelta(hours=1)


def logged(fleet: Fleet, version: int, act: str = "hotlist_publish", built: datetime = BUILT) -> None:
    nobody(fleet).record(act, object=str(version), details={"built": built.isoformat()})


def rows(fleet: Fleet, **held: int) -> list[CheckResult]:
    made = []
    for name, version in held.items():
        post = name.replace("_", "-")
        state = HotListState(state="current", version=version, issuer="R", built=BUILT, age_seconds=3600, entries=3)
        made.append(judge(post, said(fleet, post, hotlist=state), record_keys(fleet, post)))
    return made


@pytest.mark.parametrize("act", ["hotlist_build", "hotlist_publish", "hotlist_export"])
def test_lists_that_are_in_the_log_are_answered_for(fleet: Fleet, act: str) -> None:
    logged(fleet, 6)
    logged(fleet, 7, act)
    assert unlogged_lists(fleet.acts, rows(fleet, post_1=7, post_2=7)) is None


def test_a_list_that_was_cut_off_the_log_is_named_with_the_posts_that_go_by_it(fleet: Fleet) -> None:
    logged(fleet, 7)
    logged(fleet, 8)
    text = fleet.acts.path.read_bytes()
    assert unlogged_lists(fleet.acts, rows(fleet, post_1=8, post_2=7)) is None
    fleet.acts.path.write_bytes(text.splitlines(keepends=True)[0])
    told = unlogged_lists(fleet.acts, rows(fleet, post_1=8, post_2=7, post_3=8))
    assert told is not None
    assert "not in the log of acts: 8 (post-1, post-3); was its end cut off?" in told


def test_another_list_of_the_same_version_is_not_the_one_in_the_log(fleet: Fleet) -> None:
    logged(fleet, 6)
    logged(fleet, 7, built=BUILT + timedelta(seconds=1))
    assert "7 (post-1)" in str(unlogged_lists(fleet.acts, rows(fleet, post_1=7)))


def test_lists_of_before_they_were_logged_are_not_asked_for(fleet: Fleet) -> None:
    nobody(fleet).record("post_added", object="post-1")
    assert unlogged_lists(fleet.acts, rows(fleet, post_1=7)) is None
    logged(fleet, 8)
    assert unlogged_lists(fleet.acts, rows(fleet, post_1=7, post_2=8)) is None


def test_what_is_not_a_post_s_own_word_is_not_held_against_the_log(fleet: Fleet) -> None:
    logged(fleet, 7)
    foreign = judge("post-2", said(fleet, "post-1"), record_keys(fleet, "post-2"))
    silent = judge("post-3", None, record_keys(fleet, "post-3"))
    assert unlogged_lists(fleet.acts, [foreign, silent]) is None
