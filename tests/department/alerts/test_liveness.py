"""What the console says that it cannot hear: keeper, broker, post, and the test hit that proves the way."""

import time
from datetime import UTC, datetime, timedelta

from django.test import override_settings

from platepost.department.alerts.liveness import ListeningState, listening_state
from platepost.department.alerts.shift import shift_start
from platepost.department.database.roles import WEB
from platepost.department.status.status import custody_status
from platepost.wire.contract.examples import example_audit
from tests.department.alerts.conftest import Dispatch, dispatch
from tests.department.roles import as_role
from tests.department.status.kept import status, synthetic

__all__ = ["dispatch"]


@override_settings(BROKERS=("one.example:8883", "two.example:8883"))
def liveness(after: timedelta = timedelta()) -> ListeningState:
    with as_role(WEB):
        return listening_state(datetime.now(UTC) + after)


def test_what_is_deaf_is_said(dispatch: Dispatch) -> None:
    matches = liveness()
    assert matches.nothing, "no post, no broker"
    assert matches.lost[0] == "The archive service is not connected to the broker one.example:8883."
    assert matches.lost[-1] == "No post has reported yet."
    dispatch.alert()
    dispatch.store.mark_brokers(frozenset({1}))
    matches = liveness()
    assert (matches.nothing, matches.lost) == (
        False,
        ("The archive service is not connected to the broker one.example:8883.",),
    )
    dispatch.store.mark_brokers(frozenset({0, 1}))
    assert liveness().lost == ()
    assert liveness().last is not None
    assert liveness(timedelta(minutes=3)).nothing, "a post sends something each minute"
    assert "post-1 silent since" in liveness(timedelta(minutes=3)).lost[0]
    with_rows = dispatch.asked
    execute = lambda sql, values: with_rows(f"{sql} RETURNING 1", *values)  # noqa: E731
    status(execute, "post-1", 60)
    assert liveness().lost == ("The test hit of post-1 is late: none received.",)
    synthetic(execute, "post-1", datetime.now(UTC))
    assert liveness().lost == ()
    assert liveness().tested is not None
    dispatch.store.close()  # sessions of its role stay, as the evidence service has them
    deadline = time.monotonic() + 30
    while (matches := liveness()).lost != ("The archive service is not running: no hits are taken from the broker.",):
        assert time.monotonic() < deadline, matches.lost  # the server needs a moment to see that it has gone
    assert matches.nothing


def test_post_out_of_service_is_waited_for_no_more(dispatch: Dispatch) -> None:
    """Its last record says so. One of its name that is put up afterwards is heard again."""
    dispatch.alert()
    dispatch.store.mark_brokers(frozenset({0, 1}))
    status(lambda sql, values: dispatch.asked(f"{sql} RETURNING 1", *values), "post-1", 60)
    later = timedelta(minutes=3)
    assert len(liveness(later).lost) == 1
    with as_role(WEB):
        assert [post.post for post in shift_start().posts] == ["post-1"]
        assert [post.synthetic_late for post in custody_status({}).posts] == [True]
    gone = example_audit("decommissioned", occurred=datetime.now(UTC))
    dispatch.keep(dispatch.post.recorder.record(gone))
    assert liveness(later).lost == ("No post has reported for a month.",)
    with as_role(WEB):
        assert shift_start().posts == ()
        assert [post.synthetic_late for post in custody_status({}).posts] == [False]
    facts = "SELECT sharing_facts('{}', '1 year', NULL) ->> 'posts'"
    assert dispatch.asked(facts) == [("0",)], "none that could be without the newest list"
    dispatch.status("post-1", 7, 60.0)
    assert [post.post for post in liveness().posts] == ["post-1"]
    assert dispatch.asked(facts) == [("1",)]
