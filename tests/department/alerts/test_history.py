"""Past hits: what is listed, what is reopened and what must stay rejected, and the rejections a supervisor checks."""

import csv
import io
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from platepost.department.alerts import actions
from platepost.department.alerts.actions import AlertActor, AlertRejection
from platepost.department.alerts.alerts import Alert
from platepost.department.alerts.errors import AlertError, StaleAlertError
from platepost.department.alerts.history import HistoryFilter, past_alerts, unchecked
from platepost.department.alerts.quality import hit_quality
from platepost.department.alerts.states import AlertOutcome, AlertState, MeanwhileAnswer, RejectReason
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import COMMAND, WEB
from platepost.department.lists.services import withdraw_listed
from platepost.department.people.rights import DepartmentRole
from tests.department.alerts.conftest import PLATE, Dispatch, same
from tests.department.alerts.test_wrong_stops import MISREAD, NEAR
from tests.department.lists.conftest import fresh_client
from tests.department.people.persons import client_of
from tests.department.roles import as_role

WRONG = "the picture shows the listed plate after all"
REJECTION = AlertRejection(RejectReason.MISREAD, MISREAD, ["D0"])


def rejected(dispatch: Dispatch, actor: AlertActor, **members: object) -> Alert:
    alert = dispatch.alert(**members)
    with as_role(COMMAND):
        actions.take(actor, alert.record_id, 0)
        actions.reject(actor, alert.record_id, 1, REJECTION)
    return dispatch.again(alert)


def entries(dispatch: Dispatch, event: str) -> list[dict[str, object]]:
    """Return the bodies of the entries of an event, the first one first."""
    matches = dispatch.asked(
        "SELECT json_object_agg(body.field, body.value::json) FROM ledger_entry AS line"
        " JOIN ledger_body AS body ON body.entry = line.entry WHERE line.event = %s GROUP BY line.number"
        " ORDER BY line.number",
        event,
    )
    return [body for (body,) in matches]


def test_a_wrong_rejection_is_undone_and_everything_is_compared_again(dispatch: Dispatch) -> None:
    first, other = dispatch.person("a.rivera"), dispatch.person("b.next")
    alert = rejected(dispatch, first)
    with as_role(COMMAND):
        with pytest.raises(AlertError, match="Enter a reason"):
            actions.reopen(other, alert.record_id, 2, "  ")
        with pytest.raises(AlertError, match="like a number"):
            actions.reopen(other, alert.record_id, 2, "VIN 1HGCM82633A004352")
        with pytest.raises(StaleAlertError):
            actions.reopen(other, alert.record_id, 1, WRONG)
        assert actions.reopen(other, alert.record_id, 2, WRONG) is AlertState.TAKEN
        again = dispatch.again(alert)
        assert (again.holder, again.reject_reason, again.eye_by) == ("b.next", None, None)
        with pytest.raises(AlertError):
            actions.system_active(other, alert.record_id, 3)
        actions.confirm(other, alert.record_id, 3, same())
        actions.system_active(other, alert.record_id, 4)
        assert actions.close(other, alert.record_id, 5, AlertOutcome.RECOVERED) is AlertState.CLOSED
        with pytest.raises(AlertError, match="closed cannot"):
            actions.reopen(other, alert.record_id, 6, WRONG)
    notified = dispatch.asked(
        "SELECT decision, reason FROM alerts_decision WHERE record_id = %s ORDER BY id", alert.record_id
    )
    assert notified == [
        ("rejected", "misread"), ("reopened", "wrong_rejection"), ("actionable", "active"), ("closed", "recovered")
    ]  # fmt: skip
    logged = [each for each in entries(dispatch, "alert_step") if each["step"] == "reopen"]
    assert [(each["person"], each["note"], each["records"]) for each in logged] == [
        ("b.next", WRONG, [alert.record_id])
    ]
    now = datetime.now(UTC)
    assert hit_quality(now - timedelta(days=1), now + timedelta(minutes=1)).reasons["all"].rejected == 0


def test_a_rejection_after_a_rejection_counts_once(dispatch: Dispatch) -> None:
    actor = dispatch.person("a.rivera")
    alert = rejected(dispatch, actor)
    with as_role(COMMAND):
        actions.reopen(actor, alert.record_id, 2, WRONG)
        actions.reject(actor, alert.record_id, 3, REJECTION)
    now = datetime.now(UTC)
    quality = hit_quality(now - timedelta(days=1), now + timedelta(minutes=1))
    assert (quality.reasons["all"].rejected, quality.reasons["all"].decided, quality.pairs["D0"].rejected) == (1, 1, 1)


def test_a_second_person_is_needed_again(dispatch: Dispatch) -> None:
    """What a reopened hit had been through does not count: neither the first look nor the second one."""
    first, other = dispatch.person("a.rivera"), dispatch.person("b.next")
    alert = dispatch.alert(**NEAR)
    with as_role(COMMAND):
        actions.take(first, alert.record_id, 0)
        actions.confirm(first, alert.record_id, 1, same())
        actions.second(other, alert.record_id, 2, same())
        actions.reject(first, alert.record_id, 3, AlertRejection(RejectReason.OTHER_VEHICLE))
        actions.reopen(first, alert.record_id, 4, WRONG)
        assert actions.confirm(first, alert.record_id, 5, same()) is AlertState.WAITING
        with pytest.raises(AlertError, match="second person"):
            actions.second(first, alert.record_id, 6, same())
        assert actions.second(other, alert.record_id, 6, same()) is AlertState.CONFIRMED


def test_what_was_rejected_with_it_is_new_again(dispatch: Dispatch) -> None:
    actor = dispatch.person("a.rivera")
    first, repeat, gone = (dispatch.alert() for _ in range(3))
    with as_role(COMMAND):
        actions.take(actor, first.record_id, 0)
        actions.reject(actor, first.record_id, 1, REJECTION, repeats=[repeat.record_id, gone.record_id])
    dispatch.withdraw(gone.hit)
    assert dispatch.again(repeat).state is AlertState.REPEATED
    with as_role(COMMAND):
        actions.reopen(actor, first.record_id, 2, WRONG)
        with pytest.raises(AlertError, match="stays rejected"):
            actions.reopen(actor, gone.record_id, 1, WRONG)
    assert [dispatch.again(each).state for each in (first, repeat, gone)] == [
        AlertState.TAKEN, AlertState.NEW, AlertState.REPEATED
    ]  # fmt: skip
    logged = [each["records"] for each in entries(dispatch, "alert_step") if each["step"] == "reopen"]
    assert logged == [[first.record_id], [repeat.record_id]]


def test_what_is_no_hit_any_more_stays_rejected(dispatch: Dispatch) -> None:
    """No one withdraws a rejected alert; so what would have withdrawn it forbids to reopen it."""
    actor = dispatch.person("a.rivera")
    withdrawn, refuted, recovered = (rejected(dispatch, actor) for _ in range(3))
    dispatch.withdraw(withdrawn.hit)
    dispatch.refute(refuted)
    stay_rejected(dispatch, actor, withdrawn, refuted)
    recovery = "INSERT INTO lists_recovery (plate, person, at, reason) VALUES (%s, 'b.chen', now(), 'recovered')"
    dispatch.act(recovery, PLATE)
    with as_role(COMMAND), transaction.atomic():
        withdraw_listed([PLATE], group=None, person="b.chen")
    stay_rejected(dispatch, actor, recovered)


def stay_rejected(dispatch: Dispatch, actor: AlertActor, *alerts: Alert) -> None:
    for each in alerts:
        assert dispatch.again(each).state is AlertState.REJECTED
        with as_role(COMMAND), pytest.raises(AlertError, match="stays rejected") as refused:
            actions.reopen(actor, each.record_id, 2, WRONG)
        assert refused.value.rule == "alerts_gone"


def test_database_refuses_by_itself(dispatch: Dispatch) -> None:
    """Who may reopen, why, and who checks a rejection: the same by hand, as the role of the pages."""
    actor, early = dispatch.person("a.rivera"), dispatch.person("e.arly", begun=False)
    alert = rejected(dispatch, actor)
    outsider = dispatch.person("a.dunn", DepartmentRole.AUDITOR, begun=False)
    tried = (
        ("alerts_why", "reopen", actor, None),
        ("alerts_note", "reopen", actor, "LIC/7ABC123"),
        ("alerts_shift", "reopen", early, WRONG),
        ("alerts_lapsed", "reopen", outsider, WRONG),
        ("alerts_lapsed", "uphold", actor, None),
    )
    for rule, step, who, note in tried:
        with pytest.raises(psycopg.errors.CheckViolation) as refused:
            dispatch.act(
                "INSERT INTO alerts_step (record_id, revision, step, person, note) VALUES (%s, 2, %s, %s, %s)",
                *(alert.record_id, step, who.person.login, note),
                role=WEB,
            )
        assert refused.value.diag.constraint_name == rule, step
    with psycopg.connect(dispatch.where, user=SUPERUSER, autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for change in ("upheld_by = 'x'", "upheld_by = 'x', upheld_at = now(), state = 'new', reject_reason = NULL"):
            with pytest.raises(psycopg.errors.CheckViolation, match="alerts_upheld"):
                superuser.execute(f"UPDATE alerts_alert SET {change} WHERE record_id = %s", [alert.record_id])


def test_a_supervisor_checks_rejections_of_priority_1(dispatch: Dispatch) -> None:
    dispatcher = dispatch.person("a.rivera")
    own, supervisor = (dispatch.person(login, DepartmentRole.SUPERVISOR) for login in ("s.own", "s.uper"))
    alert, minor = rejected(dispatch, dispatcher, priority=1), rejected(dispatch, dispatcher, priority=3)
    theirs = rejected(dispatch, own, priority=1)
    browser = client_of(supervisor.person)
    with as_role(COMMAND):
        assert [each.record_id for each in unchecked()] == [theirs.record_id, alert.record_id]
        with CaptureQueriesContext(connection) as captured:
            page = browser.get("/history/rejections/").content.decode()
        assert sum("alerts_step" in query["sql"] for query in captured.captured_queries) == 1, "of all rejections"
        assert "Rejections (2)" in page
        assert "s.own" in page
        assert "<title>(2) Rejections" in page
        assert "a.rivera" in page
        assert PLATE not in page
        assert client_of(dispatcher.person).get("/history/rejections/").status_code == 403
        upheld = {"record": theirs.record_id, "revision": 2, "step": "uphold"}
        assert "your own" in client_of(own.person).post("/history/hit/", upheld).content.decode()
        assert (
            client_of(dispatcher.person).post("/history/hit/", {**upheld, "record": alert.record_id}).status_code == 409
        )
        assert browser.post("/history/hit/", upheld).status_code == 200
        assert browser.post("/history/hit/", {**upheld, "revision": 3}).status_code == 409
        reopened = {"record": alert.record_id, "revision": 2, "step": "reopen", "note": WRONG}
        assert "Reopened" in browser.post("/history/hit/", reopened).content.decode()
        assert "Rejections (" not in browser.get("/history/rejections/").content.decode()
    assert dispatch.again(theirs).upheld_by == "s.uper"
    assert dispatch.again(minor).upheld_by is None
    notified = dispatch.asked("SELECT decision FROM alerts_decision WHERE record_id = %s", theirs.record_id)
    assert notified == [("rejected",)], "that it was checked is no new decision"


def test_a_supervisor_is_alerted_where_the_picture_shows_what_the_post_withdrew(dispatch: Dispatch) -> None:
    dispatcher, other = dispatch.person("a.rivera"), dispatch.person("b.chen")
    own, supervisor = (dispatch.person(login, DepartmentRole.SUPERVISOR) for login in ("s.own", "s.uper"))
    outsider = dispatch.person("a.dunn", DepartmentRole.AUDITOR, begun=False)
    misread, not_listed, standing = (dispatch.alert() for _ in range(3))
    dispatch.withdraw(misread.hit)
    dispatch.withdraw(not_listed.hit, reason="not_listed")

    def waits(actor: AlertActor) -> tuple[str, str]:
        answer = client_of(actor.person).get("/console/waiting/").json()
        return answer["text"], answer["link"]

    with as_role(COMMAND):
        for alert, revision, rule in ((not_listed, 1, "alerts_dispute"), (standing, 0, "alerts_no_way")):
            with pytest.raises(AlertError) as refused:
                actions.dispute(dispatcher, alert.record_id, revision)
            assert refused.value.rule == rule
        with pytest.raises(AlertError, match="This is for"):
            actions.dispute(outsider, misread.record_id, 1)
        with pytest.raises(AlertError, match="nothing to review"):
            actions.uphold(supervisor, misread.record_id, 1)
        overdue = dispatch.again(misread).escalates_at
        assert actions.dispute(own, misread.record_id, 1) is AlertState.WITHDRAWN
        assert dispatch.again(misread).escalates_at == overdue, "what was done is still to be recorded, as soon"
        assert (
            actions.record_meanwhile(dispatcher, misread.record_id, 2, MeanwhileAnswer.NOTHING) is AlertState.ACCOUNTED
        )
        with pytest.raises(AlertError, match="already alerted"):
            actions.dispute(other, misread.record_id, 3)
        actions.record_meanwhile(dispatcher, not_listed.record_id, 1, MeanwhileAnswer.NOTHING)
        check = ("A hit was withdrawn, but its picture shows the listed plate: check it.", "/history/rejections/")
        take = ("A hit waits to be taken.", "/console/")
        assert (waits(supervisor), waits(own), waits(dispatcher)) == (check, take, take)
        page = client_of(supervisor.person).get("/history/rejections/").content.decode()
        assert "Withdrawn, but the picture shows the listed plate" in page
        assert "s.own" in page
        upheld = {"record": misread.record_id, "revision": 3, "step": "uphold"}
        assert client_of(own.person).post("/history/hit/", upheld).status_code == 409, "it is their own"
        assert client_of(dispatcher.person).post("/history/hit/", upheld).status_code == 409
        shown = client_of(supervisor.person).post("/history/hit/", {"record": misread.record_id}).content.decode()
        assert "I have checked this hit" in shown
        assert client_of(supervisor.person).post("/history/hit/", upheld).status_code == 200
        assert waits(supervisor) == take
        for step in ("take", "confirm", "active", "outcome", "take_over"):
            tried = {"hit": misread.record_id, "revision": 4, "step": step, "reason": "stop"}
            assert client_of(supervisor.person).post("/console/step/", tried).status_code == 422
    assert dispatch.again(misread).state is AlertState.ACCOUNTED
    notified = dispatch.asked("SELECT decision FROM alerts_decision WHERE record_id = %s", misread.record_id)
    assert notified == [("withdrawn",)], "that it is disputed is no new decision"


@pytest.mark.parametrize("damage", ["constants = NULL", "constants = NULL, codec = 0, body = ''"])
def test_a_hit_with_the_topic_of_no_post_has_a_page(dispatch: Dispatch, damage: str) -> None:
    actor, alert = dispatch.person("a.rivera"), dispatch.alert()
    dispatch.act(f"UPDATE custody_record SET topic = '', {damage} WHERE id = %s", alert.record_id)
    with as_role(COMMAND):
        answer = client_of(actor.person).post("/history/hit/", {"record": alert.record_id})
    assert answer.status_code == 200
    assert "cannot be read" in answer.content.decode()


def test_history_by_post_category_outcome_and_person(dispatch: Dispatch) -> None:
    first, other = dispatch.person("a.rivera"), dispatch.person("b.next")
    misread, closed = rejected(dispatch, first), dispatch.alert(category="felony_vehicle")
    with as_role(COMMAND):
        actions.take(other, closed.record_id, 0)
        actions.confirm(other, closed.record_id, 1, same())
        actions.system_active(other, closed.record_id, 2)
        actions.close(other, closed.record_id, 3, AlertOutcome.ARREST)
    new = dispatch.alert()
    every = [new.record_id, closed.record_id, misread.record_id]
    now = datetime.now(UTC)
    expected: dict[tuple[str, str], list[int]] = {
        ("post", "post-1"): every, ("post", "post-2"): [], ("category", "felony_vehicle"): every[1:2],
        ("outcome", "open"): every[:1], ("outcome", "rejected"): every[2:], ("outcome", "misread"): every[2:],
        ("outcome", "illegible"): [], ("outcome", "closed"): every[1:2], ("outcome", "arrest"): every[1:2],
        ("outcome", "withdrawn"): [], ("person", "a.rivera"): every[2:], ("person", "b.next"): every[1:2],
    }  # fmt: skip
    with as_role(COMMAND):
        for (name, value), records in expected.items():
            wanted = HistoryFilter(now - timedelta(days=1), now + timedelta(minutes=1), **{name: value})  # type: ignore[arg-type]
            assert sorted(each.record_id for each in past_alerts(wanted)) == sorted(records), (name, value)
        browser = client_of(first.person)
        before = len(entries(dispatch, "intent"))
        page = browser.get("/history/", {"time": "month", "person": "a.rivera"}).content.decode()
        assert PLATE in page
        assert "Rejected: plate differs from the list" in page
    (asked,) = entries(dispatch, "intent")[before:]
    assert asked["query"]["console"] == [misread.record_id]  # type: ignore[index]
    assert asked["query"]["history"]["person"] == "a.rivera"  # type: ignore[index]
    assert entries(dispatch, "shown")[-1]["records"] == [misread.record_id]


def test_older_hits_are_on_the_next_page(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platepost.department.alerts.history_views.PAGE", 2)
    actor = dispatch.person("a.rivera")
    created = [dispatch.alert(captured=dispatch.post.now - timedelta(minutes=minutes)) for minutes in range(3)]
    with as_role(COMMAND):
        browser = client_of(actor.person)
        page = browser.get("/history/").content.decode()
        assert page.count('name="record"') == 3, "two hits, and the form of the older ones"
        older = {"at": created[1].captured_at.isoformat(), "record": created[1].record_id}
        assert browser.get("/history/", older).content.decode().count('name="record"') == 1


def test_csv_is_logged_and_has_no_plate_in_its_name(dispatch: Dispatch) -> None:
    dispatcher, investigator = dispatch.person("a.rivera"), dispatch.person("o.field", DepartmentRole.OPERATOR)
    alert = rejected(dispatch, dispatcher)
    with as_role(COMMAND):
        assert client_of(dispatcher.person).post("/history/csv/").status_code == 403
        answer = fresh_client(investigator.person).post("/history/csv/", {"time": "day"})
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="hits-20')
    assert PLATE not in answer.headers["Content-Disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["hit"], row["plate_read"], row["state"], row["reject_reason"]) == (
        alert.hit, PLATE, "rejected", "misread"
    )  # fmt: skip
    (logged,) = entries(dispatch, "history_exported")
    assert (logged["person"], logged["count"]) == ("o.field", 1)
    assert entries(dispatch, "shown")[-1]["records"] == [alert.record_id]


def test_earlier_reads_of_an_open_hit_are_logged_and_end_with_it(dispatch: Dispatch) -> None:
    """The database opens the hour before, of the hit's plate alone, while someone may answer it."""
    actor, at = dispatch.person("a.rivera"), dispatch.post.now
    for plate, minutes in (("7ABC123", 90), ("7ABC123", 40), ("7ABC123", 5), ("7XYZ999", 10)):
        dispatch.keep(dispatch.post.read(text=plate, captured=at - timedelta(minutes=minutes)))
    alert = dispatch.alert(captured=at)
    earlier = [
        record
        for (record,) in dispatch.asked(
            "SELECT record_id FROM custody_read WHERE plate_fold = %s AND captured_at >= %s",
            PLATE,
            at - timedelta(hours=1),
        )
    ]
    asked = {"record": alert.record_id, "trail": "1"}
    with as_role(COMMAND):
        browser = client_of(actor.person)
        page = browser.post("/history/hit/", {"record": alert.record_id}).content.decode()
        assert "reads of the 60 minutes before" in page
        assert "Read before" not in page
        page = browser.post("/history/hit/", asked).content.decode()
        assert page.count("Read before") == len(earlier) == 2
        shown = entries(dispatch, "shown")[-1]["records"]
        assert isinstance(shown, list)
        assert {*shown} == {alert.record_id, *earlier}
        assert entries(dispatch, "intent")[-1]["query"]["trail"] == alert.record_id  # type: ignore[index]
        actions.take(actor, alert.record_id, 0)
        actions.reject(actor, alert.record_id, 1, REJECTION)
        page = browser.post("/history/hit/", asked).content.decode()
        assert "Read before" not in page
        assert entries(dispatch, "shown")[-1]["records"] == [alert.record_id]
