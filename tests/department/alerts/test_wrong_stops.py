"""The twelve most likely wrong stops: each tried by every shortcut, by the services and by SQL, and refused."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from platepost.department.alerts import actions
from platepost.department.alerts.actions import AlertActor, AlertRejection, EyeAnswers
from platepost.department.alerts.alerts import Alert, alert_of, open_alerts
from platepost.department.alerts.errors import AlertError
from platepost.department.alerts.states import (
    AlertOutcome,
    AlertState,
    CharacterAnswer,
    EyeAnswer,
    MeanwhileAnswer,
    RejectReason,
)
from platepost.department.database.roles import COMMAND, OWNER, WEB
from platepost.department.people.models import PersonCertificate
from platepost.department.people.rights import DepartmentRole
from platepost.department.people.services import join_covert
from platepost.department.policy.policy import policy_in_force
from tests.department.alerts.conftest import PLATE, Dispatch, same
from tests.department.custody.posts import GROUP
from tests.department.roles import as_role

S, D, I = CharacterAnswer.SAME, CharacterAnswer.DIFFERS, CharacterAnswer.ILLEGIBLE  # noqa: E741
Act: TypeAlias = Callable[[AlertActor, int, int], AlertState]


def confirmed(answers: EyeAnswers | None = None) -> Act:
    return lambda actor, alert, revision: actions.confirm(actor, alert, revision, answers or same())


def seconded(actor: AlertActor, alert: int, revision: int) -> AlertState:
    return actions.second(actor, alert, revision, same())


def unasked(actor: AlertActor, alert: int, revision: int) -> AlertState:
    return actions.system_not_practical(actor, alert, revision, "the terminal is down")


def stopped(actor: AlertActor, alert: int, revision: int) -> AlertState:
    return actions.close(actor, alert, revision, AlertOutcome.STOP)


def rejected(reason: RejectReason, answers: EyeAnswers | None = None) -> Act:
    return lambda actor, alert, revision: actions.reject(actor, alert, revision, AlertRejection(reason, answers))


@dataclass(frozen=True)
class WrongStop:
    """One way to a wrong stop."""

    name: str
    hit: dict[str, Any]
    steps: tuple[Act, ...]
    """What someone does who has taken it, before the wrong one."""
    wrong: Act
    """What must be refused then."""
    rule: str
    right: Act | None = None
    """What can be done instead."""
    ends: AlertState = AlertState.REJECTED
    policy: dict[str, str] = field(default_factory=dict)


NEAR: dict[str, Any] = {"plate_matched": "7A8C123", "match": "near", "differs": (2,)}
CONTRADICTS = {"state_agreement": "contradicts", "region": "other", "region_confidence": 0.9, "state": "CA"}
MISREAD = same(characters=[D, *[S] * 6])
STATED = {"second_person_substitute": "the supervisor looks at the picture by phone"}
TWELVE = [
    WrongStop("misread D for 0", {}, (), confirmed(MISREAD), "by_eye", rejected(RejectReason.MISREAD, MISREAD)),
    WrongStop(
        "other state's plate",
        CONTRADICTS,
        (),
        confirmed(same(state=EyeAnswer.OTHER)),
        "by_eye",
        rejected(RejectReason.OTHER_STATE, same(state=EyeAnswer.OTHER)),
    ),
    WrongStop("other state's plate, alone", CONTRADICTS, (confirmed(),), actions.system_active, "no_way"),
    WrongStop(
        "stale by an hour",
        {"hotlist_stale": True},
        (confirmed(),),
        unasked,
        "stale_list",
        actions.system_cleared,
    ),
    WrongStop("recovered yesterday", {}, (confirmed(), actions.system_cleared), actions.system_active, "no_way"),
    WrongStop(
        "partial pattern",
        {"plate_matched": "7AB*", "match": "partial"},
        (confirmed(),),
        actions.system_active,
        "no_way",
    ),
    WrongStop(
        "stacked letters",
        {"match": "look_alike", "plate_matched": "7ABC12E", "differs": (6,)},
        (confirmed(),),
        seconded,
        "second",
        rejected(RejectReason.ILLEGIBLE),
    ),
    WrongStop(
        "swapped plates",
        {},
        (),
        confirmed(same(vehicle=EyeAnswer.OTHER)),
        "by_eye",
        rejected(RejectReason.OTHER_VEHICLE, same(vehicle=EyeAnswer.OTHER)),
    ),
    WrongStop("near match", NEAR, (confirmed(),), actions.substitute, "substitute"),
    WrongStop("near match, decided alone", NEAR, (confirmed(), actions.substitute), unasked, "alone", policy=STATED),
    WrongStop(
        "plate in the picture of a truck's side",
        {},
        (),
        confirmed(same(characters=[I] * 7)),
        "by_eye",
        rejected(RejectReason.ILLEGIBLE, same(characters=[I] * 7)),
    ),
    WrongStop("half compared", {}, (), confirmed(same(characters=[S] * 6)), "by_eye"),
    WrongStop(
        "a listed one left out",
        {**NEAR, "plate_matched": "7ABC1234"},
        (),
        confirmed(same(characters=[S] * 7)),
        "by_eye",
    ),
    WrongStop("not compared at all", {}, (), confirmed(same(characters=[])), "by_eye"),
    WrongStop("held list", {"held": True}, (confirmed(),), actions.system_active, "no_way"),
    WrongStop("by eye left out", {}, (), actions.system_active, "no_way"),
    WrongStop("outcome of nothing", {}, (confirmed(),), stopped, "no_way"),
]


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Change what the policy says of alerts."""

    def changed(rules: dict[str, str]) -> None:
        fields = policy_in_force()
        new = fields.model_copy(update={"alerts": fields.alerts.model_copy(update=rules)})
        monkeypatch.setattr(actions, "policy_in_force", lambda: new)

    return changed


def refused(rules: str, act: Callable[..., object], *arguments: object) -> None:
    """Make sure that the services refuse something, by one of some rules."""
    with as_role(COMMAND), pytest.raises(AlertError) as error:
        act(*arguments)
    assert error.value.rule.removeprefix("alerts_") in rules.split(), str(error.value)


def refused_by_database(statement: str, values: list[Any], *, role: str = WEB) -> None:
    with as_role(role), pytest.raises(DatabaseError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    assert isinstance(error.value.__cause__, (psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation))


def shortcuts(dispatch: Dispatch, alert: Alert, others: list[AlertActor], holder: AlertActor) -> None:
    """Try to get an alert on by whatever leads past its steps."""
    before = alert_of(alert.record_id)
    assert before is not None
    number, revision = before.record_id, before.revision
    ways: list[Act] = [
        *(actions.take, confirmed(), seconded, actions.system_active, unasked, actions.take_over),
        *(actions.system_cleared, stopped, rejected(RejectReason.MISREAD)),
    ]
    for way in ways:
        for other in others:  # lapsed, an auditor, not begun
            refused("lapsed shift holder no_way", way, other, number, revision)
        refused("stale", way, holder, number, revision - 1)  # a second click on the same spot
        refused("stale", way, holder, number, revision + 1)
    insert = "INSERT INTO alerts_step (record_id, revision, step, person) VALUES (%s, %s, %s, %s)"
    for other in others[:2]:
        for step in ("take", "active", "second", "outcome", "withdraw"):
            refused_by_database(insert, [number, revision, step, other.person.login])
    refused_by_database(insert, [number, revision, "withdraw", holder.person.login])
    for step in ("confirm", "second", "not_practical"):  # without what was seen, without a reason
        refused_by_database(insert, [number, revision, step, holder.person.login])
    for role in (WEB, OWNER):
        for change in ("state = 'actionable'", "second_needed = false", "revision = 0", "holder = 'x'"):
            refused_by_database(f"UPDATE alerts_alert SET {change} WHERE record_id = %s", [number], role=role)
    by_program = insert.replace("person)", "by_program)")
    refused_by_database(by_program, [number, revision, "withdraw", True])
    assert alert_of(number) == before


def test_twelve_wrong_stops_are_refused_by_every_shortcut(
    dispatch: Dispatch, policy: Callable[[dict[str, str]], None]
) -> None:
    holder = dispatch.person("a.rivera")
    lapsed = dispatch.person("l.apsed")
    certificate = PersonCertificate.objects.filter(person=lapsed.person).first()
    assert certificate is not None
    PersonCertificate.objects.filter(person=lapsed.person).update(expires_at=certificate.noted_at - timedelta(days=1))
    auditor = dispatch.person("a.uditor", DepartmentRole.AUDITOR, begun=False)
    late = dispatch.person("l.ate", begun=False)
    for case in TWELVE:
        policy({"second_person_substitute": "", **case.policy})
        alert = dispatch.alert(**case.hit)
        number = alert.record_id
        with as_role(COMMAND):
            actions.take(holder, number, 0)
            for revision, step in enumerate(case.steps, 1):
                step(holder, number, revision)
        revision = 1 + len(case.steps)
        refused(case.rule, case.wrong, holder, number, revision)
        if case is TWELVE[0]:
            shortcuts(dispatch, alert, [lapsed, auditor, late], holder)
        elif case.name == "near match":  # at which a second person is welcome
            shortcuts(dispatch, alert, [lapsed, auditor], holder)
        now = alert_of(number)
        assert now is not None
        assert now.state is not AlertState.ACTIONABLE, case.name
        if case.right is not None:
            with as_role(COMMAND):
                assert case.right(holder, number, revision) is case.ends, case.name
            refused("no_way", actions.system_active, holder, number, revision + 1)


def test_only_who_has_taken_an_alert_goes_on_with_it(
    dispatch: Dispatch, policy: Callable[[dict[str, str]], None]
) -> None:
    policy(STATED)
    holder, other, third = (dispatch.person(login) for login in ("a.rivera", "b.other", "c.third"))
    exact, near = dispatch.alert(), dispatch.alert(**NEAR)
    with as_role(COMMAND):
        for alert in (exact, near):
            actions.take(holder, alert.record_id, 0)
    refused("holder", confirmed(), other, exact.record_id, 1)
    refused("holder", rejected(RejectReason.ILLEGIBLE), other, exact.record_id, 1)
    with as_role(COMMAND):
        for alert in (exact, near):
            actions.confirm(holder, alert.record_id, 1, same())
    refused("holder", actions.substitute, other, near.record_id, 2)
    for act in (actions.system_active, actions.system_cleared, unasked):
        refused("holder", act, other, exact.record_id, 2)
    with as_role(COMMAND):
        actions.system_active(holder, exact.record_id, 2)
    for act in (actions.system_cleared, stopped):
        refused("holder", act, other, exact.record_id, 3)
    refused("holder", actions.hand_over, other, [dispatch.again(exact)], third.person)
    refused("offer", actions.hand_over, holder, [dispatch.again(exact)], holder.person)


def test_hit_of_a_held_list_is_acted_upon_by_the_state_s_word_alone(dispatch: Dispatch) -> None:
    holder, other, number = dispatch.person("a.rivera"), dispatch.person("b.other"), dispatch.alert(held=True).record_id
    with as_role(COMMAND):
        for actor, revision, act in ((holder, 0, actions.take), (holder, 1, confirmed()), (other, 2, seconded)):
            act(actor, number, revision)
    refused("stale_list", unasked, holder, number, 3)
    with as_role(COMMAND):
        assert actions.system_active(holder, number, 3) is AlertState.ACTIONABLE


def test_withdrawn_while_driving_up(dispatch: Dispatch) -> None:
    holder, alert = dispatch.person("a.rivera"), dispatch.alert()
    number = alert.record_id
    with as_role(COMMAND):
        for revision, step in enumerate((actions.take, confirmed(), actions.system_active)):
            step(holder, number, revision)
    dispatch.withdraw(alert.hit)
    taken_back = dispatch.again(alert)
    assert (taken_back.state, taken_back.withdrawn_from) == (AlertState.WITHDRAWN, "actionable")
    refused("stale", actions.close, holder, number, 3, AlertOutcome.STOP)
    shortcuts(dispatch, alert, [dispatch.person("l.ate", begun=False)] * 2, holder)
    with as_role(COMMAND):
        assert actions.record_meanwhile(holder, number, 4, MeanwhileAnswer.UNITS_SENT) is AlertState.ACCOUNTED
    assert dispatch.again(alert).meanwhile == "units_sent"


def test_a_clock_that_is_wrong_makes_the_alert_a_late_one(dispatch: Dispatch) -> None:
    past = dispatch.post.now - timedelta(days=3)
    assert dispatch.alert(captured=past).is_late
    assert not dispatch.alert().is_late


def test_covert_hit_is_not_there_for_who_is_outside_its_group(dispatch: Dispatch) -> None:
    outsider, insider = dispatch.person("a.rivera"), dispatch.person("i.nsider")
    alert = dispatch.alert(GROUP)
    number = alert.record_id
    join_covert(insider.person, GROUP)
    with as_role(COMMAND):
        assert open_alerts() == []
        with dispatch.opened("other") as entry:
            assert alert_of(number, entry) is None
            assert open_alerts(entry) == []
    for elsewhere in (None, dispatch.opened("other")):
        refused("unknown", actions.take, AlertActor(outsider.person, elsewhere), number, 0)
    # Who lies about their group is not in it all the same.
    refused("unknown", actions.take, AlertActor(outsider.person, dispatch.opened(GROUP)), number, 0)
    # Nor does a member act without an entry of the ledger that is theirs to see.
    refused("unknown", actions.take, insider, number, 0)
    with as_role(COMMAND):
        entry = dispatch.opened(GROUP)
        assert actions.take(AlertActor(insider.person, entry), number, 0) is AlertState.TAKEN
    events = dispatch.asked("SELECT event FROM ledger_entry ORDER BY number DESC LIMIT 2")
    assert [event for (event,) in events] == ["shown", "intent"], "an outsider sees that something was asked"
    ((covert,),) = dispatch.asked(
        "SELECT value::json -> %s -> 'steps' -> 0 ->> 'step' FROM ledger_body WHERE field = 'covert' AND entry ="
        " (SELECT entry FROM ledger_entry WHERE event = 'shown' ORDER BY number DESC LIMIT 1)",
        GROUP,
    )
    assert covert == "take"
    assert PLATE not in str(dispatch.asked("SELECT * FROM alerts_alert"))
