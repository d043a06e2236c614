"""What the console says that it cannot hear: keeper, broker, post, and the test hit that proves the way."""

import time
from datetime import UTC, datetime, timedelta

from django.test import override_settings

from department.database.roles import WEB
from department.web.heard import ListeningState, hearing
from tests.department.alerts.conftest import Dispatch, dispatch
from tests.department.lasting import LastingConnections
from tests.department.roles import as_role
from tests.department.web.kept import status, synthetic

__all__ = ["dispatch"]


@override_settings(BROKERS=("one.example:8883", "two.example:8883"))
def heard(after: timedelta = timedelta()) -> ListeningState:
    with as_role(WEB):
        return hearing(datetime.now(UTC) + after)


def test_what_is_deaf_is_said(dispatch: Dispatch, lasting: LastingConnections) -> None:
    found = heard()
    assert found.nothing, "no post, no broker"
    assert found.lost[0] == "The keeper does not hear the broker one.example:8883."
    assert found.lost[-1] == "No post has sent anything for a month."
    dispatch.alert()
    dispatch.store.hear(frozenset({1}))
    found = heard()
    assert (found.nothing, found.lost) == (False, ("The keeper does not hear the broker one.example:8883.",))
    dispatch.store.hear(frozenset({0, 1}))
    assert heard().lost == ()
    assert heard().last is not None
    assert heard(timedelta(minutes=3)).nothing, "a post sends something each minute"
    assert "Nothing comes from post-1 since" in heard(timedelta(minutes=3)).lost[0]
    with_rows = dispatch.asked
    execute = lambda sql, values: with_rows(f"{sql} RETURNING 1", *values)  # noqa: E731
    status(execute, "post-1", 60)
    assert heard().lost == ("The test hit of post-1 is late.",)
    synthetic(execute, "post-1", datetime.now(UTC))
    assert heard().lost == ()
    assert heard().tested is not None
    dispatch.store.close()
    lasting.end()  # of the keeper, too
    deadline = time.monotonic() + 30
    while (found := heard()).lost != ("No keeper runs: nothing is taken from the broker.",):
        assert time.monotonic() < deadline, found.lost  # the server needs a moment to see that it has gone
    assert found.nothing
