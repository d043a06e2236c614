"""Whole ways of an alert, from its arrival to its outcome."""

from platepost.department.alerts import actions
from platepost.department.alerts.states import AlertOutcome, AlertState
from platepost.department.database.roles import WEB
from tests.department.alerts.conftest import Dispatch, same
from tests.department.roles import as_role


def test_exact_hit_comes_to_an_outcome_by_one_person(dispatch: Dispatch) -> None:
    actor, alert = dispatch.person("a.rivera"), dispatch.alert()
    assert alert.state is AlertState.NEW
    with as_role(WEB):
        assert actions.take(actor, alert.record_id, 0) is AlertState.TAKEN
        assert actions.confirm(actor, alert.record_id, 1, same()) is AlertState.CONFIRMED
        assert actions.system_active(actor, alert.record_id, 2) is AlertState.ACTIONABLE
        assert actions.close(actor, alert.record_id, 3, AlertOutcome.RECOVERED) is AlertState.CLOSED
    assert dispatch.again(alert).outcome == "recovered"
