"""What happens to alerts besides what people decide: they arrive, are taken back, escalate, change hands and go."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from joserfc.jwk import ECKey

from platepost.department.alerts import actions, decisions
from platepost.department.alerts.actions import AlertActor, AlertRejection
from platepost.department.alerts.alerts import Alert, open_alerts, open_substitutes, unanswered
from platepost.department.alerts.characters import compared
from platepost.department.alerts.decisions import DecisionOutbox
from platepost.department.alerts.errors import AlertError, refusals
from platepost.department.alerts.notes import require_plain
from platepost.department.alerts.quality import UNKNOWN, hit_quality, reject_rate, stale_sources, worse_posts
from platepost.department.alerts.shift import acknowledge, acknowledged_until, shift_start
from platepost.department.alerts.states import (
    TRANSITIONS,
    AlertOutcome,
    AlertState,
    AlertStep,
    RejectReason,
    transition_rows,
)
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import COMMAND, KEEPER
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import enter
from platepost.department.lists.services import withdraw_listed
from platepost.department.people.rights import DepartmentRole
from platepost.department.people.services import join_covert
from platepost.department.policy.policy import policy_in_force
from platepost.wire.contract.examples import CLOCK, example_audit
from platepost.wire.jose import open_signed
from platepost.wire.records import Envelope, Recorder, Source
from platepost.wire.records.decision import DECISION_TYPE, Decision
from platepost.wire.records.hit import HitWithdrawn
from tests.department.alerts.conftest import Dispatch, same
from tests.department.alerts.test_wrong_stops import MISREAD, NEAR, STATED, confirmed
from tests.department.custody.posts import GROUP, PASSAGE, SIGNER, Post
from tests.department.people.persons import client_of
from tests.department.planting import planting
from tests.department.roles import as_role

CLETS_LIKE = (
    *("LIC/7ABC123", "VIN 1HGCM82633A004352", "ORI CA0330000", "OCA 26-0417", "DOB 01011970", "REGIS valid", "7ABC123"),
    *("OLN: D1234567", "registered owner present", "case 20260417", "two\nlines", "  ", "x" * 161),
)
PLAIN = ("the terminal is down", "no radio in the tunnel", "CLETS does not answer", "two units, 15 minutes away")


def test_table_of_steps_is_the_database_s(dispatch: Dispatch) -> None:
    stored = dispatch.asked("SELECT row_to_json(way) FROM alerts_transition AS way")
    stated = json.loads(json.dumps([*transition_rows()]))
    assert sorted((row for (row,) in stored), key=str) == sorted(stated, key=str)
    acting = {step for step, ways in TRANSITIONS.items() if AlertState.ACTIONABLE in ways.values()}
    assert acting == {
        *(AlertStep.ACTIVE, AlertStep.NOT_PRACTICAL),
        *(AlertStep.OFFER, AlertStep.TAKE_OVER, AlertStep.REVIEW),  # which change no state
    }


def test_impossible_states_are_refused_though_triggers_are_off(dispatch: Dispatch) -> None:
    """Who takes the triggers away meets the constraints."""
    alert = dispatch.alert()
    impossible = {
        "alerts_eye": "state = 'actionable', holder = 'x', system = 'active', system_at = now()",
        "alerts_system": "state = 'actionable', holder = 'x', eye_by = 'x', eye_at = now()",
        "alerts_near": "state = 'confirmed', holder = 'x', eye_by = 'x', eye_at = now(), second_needed = true",
        "alerts_second": "eye_by = 'x', eye_at = now(), second_by = 'x'",
        "alerts_held": "state = 'taken'",
        "alerts_rejected": "state = 'rejected'",
        "alerts_outcome": (
            "state = 'closed', holder = 'x', eye_by = 'x', eye_at = now(), system = 'active', system_at = now()"
        ),
        "alerts_withdrawn": "state = 'withdrawn'",
        "alerts_state": "state = 'accepted'",
        "alerts_reviewed": "reviewed_by = 'x', reviewed_at = now()",
    }
    with psycopg.connect(dispatch.where, user=SUPERUSER, autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for constraint, change in impossible.items():
            with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
                superuser.execute(f"UPDATE alerts_alert SET {change} WHERE record_id = %s", [alert.record_id])


def test_hits_that_alarm_and_hits_that_do_not(dispatch: Dispatch) -> None:
    alert = dispatch.alert()
    dispatch.keep(dispatch.post.hit(synthetic=True, pictures=()), dispatch.post.hit(category="acceptance_test"))
    assert open_alerts() == [alert]
    assert (alert.post, alert.category, alert.second_needed) == ("post-1", "stolen_vehicle", False)


def test_taken_back_by_the_post_the_signature_or_the_list(dispatch: Dispatch) -> None:
    holder = dispatch.person("a.rivera")
    new, listed, closed = (dispatch.alert() for _ in range(3))
    with as_role(COMMAND):
        for alert in (listed, closed):
            for revision, step in enumerate((actions.take, confirmed(), actions.system_active)):
                step(holder, alert.record_id, revision)
        actions.close(holder, closed.record_id, 3, AlertOutcome.RECOVERED)
    dispatch.withdraw(new.hit)
    dispatch.withdraw(dispatch.ahead)
    with as_role(COMMAND), transaction.atomic():
        taken = withdraw_listed(["7ABC123"], group=None, person="l.ister")
    assert taken == [listed.record_id], "what was closed by then, or was taken back, stays as it is"
    dispatch.refute(closed)
    now = {each.record_id: dispatch.again(each) for each in (new, listed, closed)}
    assert [(now[n].state, now[n].withdrawn_because, now[n].withdrawn_from) for n in now] == [
        (AlertState.WITHDRAWN, "text_changed", "new"),
        (AlertState.WITHDRAWN, "entry_removed", "actionable"),
        (AlertState.WITHDRAWN, "signature", "closed"),
    ]
    query = "SELECT person FROM alerts_step WHERE record_id = %s ORDER BY revision DESC LIMIT 1"
    assert dispatch.asked(query, listed.record_id) == [("l.ister",)]
    late = dispatch.alert(hit=dispatch.ahead)
    assert (late.state, late.withdrawn_because) == (AlertState.WITHDRAWN, "text_changed"), "its withdrawal came first"


def test_another_post_s_word_takes_no_hit_back(dispatch: Dispatch) -> None:
    alert, other = dispatch.alert(), Post(now=dispatch.post.now)
    other.recorder = Recorder(other.store, SIGNER, Source("demo", "post-2"), now=lambda: other.now)
    for hit in (alert.hit, dispatch.ahead):
        seen = {"plate_read": "7A8C123", "plate_key": "7A8C123", "category": "stolen_vehicle", "passage": PASSAGE}
        dispatch.keep(other.recorder.record(HitWithdrawn(clock=CLOCK, hit=hit, reason="text_changed", **seen)))
    assert dispatch.asked("SELECT count(*) FROM custody_withdrawal WHERE post = 'post-2'") == [(2,)]
    assert dispatch.again(alert) == alert
    assert dispatch.alert(hit=dispatch.ahead).state is AlertState.NEW


ENDED = {
    "disabled": ("lapsed", "UPDATE people_person SET disabled_at = now() WHERE id = %s"),
    "away for 90 days": (
        "lapsed",
        "UPDATE people_person SET active_from = now() - interval '90 days', last_login = NULL WHERE id = %s",
    ),
    "role ended": ("lapsed", "UPDATE people_role SET ended_at = now() WHERE person_id = %s"),
    "certificate ended": ("lapsed", "UPDATE people_certificate SET expires_at = now() WHERE person_id = %s"),
    "training failed": ("lapsed", "UPDATE people_training SET passed = false WHERE person_id = %s"),
    "shift over": ("shift", "UPDATE alerts_acknowledgment SET at = at - interval '12 hours' WHERE %s::bigint > 0"),
}


@pytest.mark.parametrize("why", ENDED)
def test_database_asks_by_itself_whether_somebody_may_act_now(dispatch: Dispatch, why: str) -> None:
    """The services ask, too; whoever forgets to meets this."""
    (rule, change), alert = ENDED[why], dispatch.alert()
    person, holder = dispatch.person("a.rivera").person, dispatch.person("h.older")
    with as_role(COMMAND):
        actions.take(holder, dispatch.alert().record_id, 0)
    with psycopg.connect(dispatch.where, user=SUPERUSER) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(change, [person.pk])
    take = "INSERT INTO alerts_step (record_id, revision, step, person) VALUES (%s, 0, 'take', %s)"
    offer = (
        "INSERT INTO alerts_step (record_id, revision, step, person, to_person)"
        " SELECT record_id, revision, 'offer', holder, %s FROM alerts_alert WHERE holder IS NOT NULL"
    )
    begin = "INSERT INTO alerts_acknowledgment (person) VALUES (%s)"
    tried = {take: rule, offer: "offer", begin: rule} if rule == "lapsed" else {take: rule}
    for statement, expected in tried.items():
        values = [alert.record_id, person.login] if statement is take else [person.login]
        with as_role(COMMAND), pytest.raises(AlertError) as refused, refusals(), transaction.atomic():
            connection.cursor().execute(statement, values)
        assert refused.value.rule == f"alerts_{expected}"


def test_shift_lists_are_looked_at_before_a_hit_is_taken(dispatch: Dispatch) -> None:
    alert, early = dispatch.alert(), dispatch.person("a.rivera", begun=False)
    at = datetime.now(UTC)
    for post, version, age in (("post-1", 12, 60.0), ("post-2", 11, 7200.0), ("post-3", None, None)):
        dispatch.status(post, version, age)
    with as_role(COMMAND):
        with pytest.raises(AlertError, match="lists first"):
            actions.take(early, alert.record_id, 0)
        start = shift_start(at=at + timedelta(minutes=1))
        assert (start.newest, [post.is_behind for post in start.posts]) == (12, [False, True, True])
        assert start.posts[1].list_age is not None
        assert start.posts[1].list_age >= timedelta(seconds=7200)
        assert [each.record_id for each in start.alerts] == [alert.record_id]
        faulty = replace(start.posts[0], faults=("clock_unsynchronised", "falling_behind"))
        assert faulty.faults_in_words == ["clock unsynchronized", "falling behind"]
        assert acknowledged_until(early.person) is None
    dispatch.status("post-2", 13, 1.0)
    with as_role(COMMAND):
        with pytest.raises(AlertError, match="newer list"):
            acknowledge(early.person, start)
        acknowledge(early.person, shift_start())
        assert acknowledged_until(early.person) is not None
        assert actions.take(early, alert.record_id, 0) is AlertState.TAKEN


def test_escalation_hand_over_and_review(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second_shift = dispatch.person("a.rivera"), dispatch.person("b.next")
    supervisor = dispatch.person("s.uper", DepartmentRole.SUPERVISOR)
    alert = dispatch.alert(**NEAR)
    number = alert.record_id
    assert not alert.is_escalated(alert.arrived_at + timedelta(seconds=59))
    assert alert.is_escalated(alert.arrived_at + timedelta(seconds=60))
    with as_role(COMMAND):
        assert unanswered(alert.arrived_at + timedelta(seconds=59)) == (0, None)
        assert unanswered(alert.arrived_at + timedelta(seconds=61)) == (1, alert.arrived_at)
    policy = policy_in_force()
    stated = policy.model_copy(update={"alerts": policy.alerts.model_copy(update=STATED)})
    monkeypatch.setattr(actions, "policy_in_force", lambda: stated)
    with as_role(COMMAND):
        actions.take(first, number, 0)
        assert not dispatch.again(alert).is_escalated(datetime.now(UTC) + timedelta(days=1))
        assert actions.confirm(first, number, 1, same()) is AlertState.WAITING
        assert actions.substitute(first, number, 2) is AlertState.CONFIRMED
        (waits,) = open_substitutes()
        due = waits.review_due
        assert due is not None
        assert timedelta(hours=23) < due - datetime.now(UTC) < timedelta(hours=25)
        for other in (first, second_shift):
            with pytest.raises(AlertError):
                actions.review(other, number, 3, "looked right")
        browser, given = client_of(supervisor.person), {"record": number, "revision": 3, "found": "looked right"}
        assert STATED["second_person_substitute"] in browser.get("/reviews/").content.decode()
        assert client_of(first.person).post("/reviews/", given).status_code == 403
        assert "like a number" in browser.post("/reviews/", {**given, "found": "DOB 01011970"}).content.decode()
        assert browser.post("/reviews/", given).status_code == 302
        assert open_substitutes() == []
        actions.hand_over(first, [dispatch.again(alert)], second_shift.person)
        assert dispatch.again(alert).offered_to == "b.next"
        with pytest.raises(AlertError, match=r"a\.rivera has taken"):
            actions.system_active(second_shift, number, 5)
        actions.take_over(second_shift, number, 5)
        with pytest.raises(AlertError, match=r"b\.next has taken"):
            actions.system_active(first, number, 6)
        assert actions.system_active(second_shift, number, 6) is AlertState.ACTIONABLE
    entered = "SELECT event FROM ledger_entry WHERE event LIKE 'alert%%' AND at > %s ORDER BY number"
    events = [event for (event,) in dispatch.asked(entered, alert.arrived_at)]
    assert events == ["alert_step"] * 4 + ["alerts_offered"] + ["alert_step"] * 2, "one entry for each step"
    notified = dispatch.asked("SELECT decision, reason, hit FROM alerts_decision WHERE record_id = %s", number)
    assert notified == [("actionable", "active", alert.hit)]


def test_who_went_on_alone_does_not_review_it(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    people = ("a.rivera", "s.alone", "s.other")
    first, alone, other = (dispatch.person(login, DepartmentRole.SUPERVISOR) for login in people)
    number, policy = dispatch.alert(**NEAR).record_id, policy_in_force()
    stated = policy.model_copy(update={"alerts": policy.alerts.model_copy(update=STATED)})
    monkeypatch.setattr(actions, "policy_in_force", lambda: stated)
    with as_role(COMMAND):
        actions.take(first, number, 0)
        actions.confirm(first, number, 1, same())
        actions.take_over(alone, number, 2)
        actions.substitute(alone, number, 3)
        for own in (first, alone):
            with pytest.raises(AlertError, match="your own"):
                actions.review(own, number, 4, "looked right")
        actions.review(other, number, 4, "looked right")


@pytest.mark.parametrize("note", CLETS_LIKE)
def test_note_that_looks_like_an_answer_of_the_state_s_system_is_refused(note: str) -> None:
    with pytest.raises(AlertError):
        require_plain(note)


def test_database_refuses_the_same_notes(dispatch: Dispatch) -> None:
    query = "SELECT note, alerts_plain(note) FROM unnest(%s::text[]) AS note"
    judged = dict(dispatch.asked(query, [*CLETS_LIKE, *PLAIN]))
    assert judged == dict.fromkeys(CLETS_LIKE, False) | dict.fromkeys(PLAIN, True)
    assert [require_plain(note) for note in PLAIN] == [*PLAIN]


@pytest.mark.parametrize(
    ("read", "listed", "rows"),
    [
        ("7ABC123", "7ABC123", "77 AA BB CC 11 22 33"),
        ("7ABC123", "7ABD123", "77 AA BB CD 11 22 33"),
        ("7ABC123", "7AB?12*", "77 AA BB C? 11 22 3?"),
        ("7ABC123", "*123", "7? A? B? C? 11 22 33"),
        ("7ABC12", "7ABC123", "77 AA BB CC 11 22 -3"),
        ("7ABC1234", "7ABC123", "77 AA BB CC 11 22 33 4-"),
        ("07ABC12", "O7ABC12", "0O 77 AA BB CC 11 22"),
    ],
)
def test_characters_side_by_side(read: str, listed: str, rows: str) -> None:
    matches = compared(read, listed)
    assert " ".join(f"{each.read or '-'}{each.listed or '-'}" for each in matches) == rows


def test_quality_by_post_reason_and_characters(dispatch: Dispatch) -> None:
    actor = dispatch.person("a.rivera")
    for seen in (MISREAD, same(), same(), same()):
        alert = dispatch.alert().record_id
        with as_role(COMMAND):
            actions.take(actor, alert, 0)
            if seen is MISREAD:
                actions.reject(actor, alert, 1, AlertRejection(RejectReason.MISREAD, seen, ["D0"]))
            else:
                actions.confirm(actor, alert, 1, seen)
    now = datetime.now(UTC) + timedelta(minutes=1)
    quality = hit_quality(now - timedelta(days=1), now)
    assert (quality.reasons["all"].rejected, quality.reasons["all"].decided) == (1, 4)
    assert quality.posts["post-1"]["misread"] == quality.pairs["D0"] == reject_rate(1, 4)
    assert quality.wire()["categories"]["stolen_vehicle"]["all"]["decided"] == 4
    assert worse_posts() == {}
    with as_role(COMMAND), transaction.atomic():
        withdraw_listed(["7ABC123"], group=None, person="b.chen")
    assert {alert.state for alert in open_alerts()} == {AlertState.WITHDRAWN}
    assert hit_quality(now - timedelta(days=1), now) == quality, "the car was recovered: they were none the less right"


def test_source_of_the_entry_is_kept_and_a_stale_source_named(dispatch: Dispatch) -> None:
    actor, now = dispatch.person("a.rivera"), datetime.now(UTC) + timedelta(minutes=1)
    listed, entered, left, both = ("7ABC123", "7DEF456", "7GHJ789", "7KLM012")
    dispatch.act(
        "INSERT INTO lists_imported VALUES (%s, 'stolen_vehicle', 'state', NULL), (%s, 'stolen_vehicle', 'state',"
        " NULL), (%s, 'stolen_vehicle', 'county', now() - interval '1 day'), (%s, 'felony', 'county', NULL),"
        " (%s, 'stolen_vehicle', 'county', NULL)",
        *(listed, both, listed, listed, both),
    )
    for plate, unlisted in ((entered, None), (both, None), (left, 1)):
        dispatch.act(
            "INSERT INTO lists_entry (plate, category, priority, case_number, purpose, reason, author,"
            " expires_at, second_person, over_at, approved_by, approved_at, unlisted_version) VALUES (%s,"
            " 'stolen_vehicle', 2, '26-1', 'stolen vehicle', 'x', 'l.ister', now() + interval '1 day', true, now(),"
            " 's.uper', now(), %s)",
            *(plate, unlisted),
        )
    try:
        alerts = {plate: dispatch.alert(plate_matched=plate) for plate in (listed, entered, left, both)}
        alerts |= {number: dispatch.alert(plate_matched=listed) for number in range(4)}
        dispatch.act("TRUNCATE lists_imported; TRUNCATE lists_entry CASCADE")
        for name, alert in alerts.items():
            with as_role(COMMAND):
                actions.take(actor, alert.record_id, 0)
                if name == entered:
                    actions.confirm(actor, alert.record_id, 1, same())
                else:
                    rejection = AlertRejection(RejectReason.STALE_ENTRY, same(), [])
                    actions.reject(actor, alert.record_id, 1, rejection)
        with as_role(COMMAND):
            matches, stale = hit_quality(now - timedelta(days=1), now).sources, stale_sources(now)
            page, status = (client_of(actor.person).get(path).content.decode() for path in ("/quality/", "/"))
    finally:
        dispatch.act("TRUNCATE lists_imported; TRUNCATE lists_entry CASCADE")
    rates = {
        name: (rate["stale_entry"].rejected, rate["misread"].rejected, rate["all"].decided)
        for name, rate in matches.items()
    }
    assert rates == {"state": (6, 0, 6), "county": (1, 0, 1), "own entries": (1, 0, 2), UNKNOWN: (1, 0, 1)}
    assert stale == {"state": reject_rate(6, 6)}
    assert "Entries of state are stale: 6 of its 6 hits" in page
    assert '<li class="bad">state</li>' in status


def test_post_whose_rejections_jump_is_named(dispatch: Dispatch) -> None:
    decided = {"post-1": ((9, 1), (1, 40)), "post-2": ((5, 20), (10, 40)), "post-3": ((3, 0), (0, 0))}
    with psycopg.connect(dispatch.where, user=SUPERUSER, autocommit=True) as superuser, planting(superuser):
        superuser.execute("SET session_replication_role = replica")
        created = iter(range(10**9, 10**9 + 1000))
        for post, times in decided.items():
            for days, (rejected, borne_out) in zip((1, 30), times, strict=True):
                for at, count in enumerate((rejected, borne_out)):
                    superuser.cursor().executemany(
                        "INSERT INTO alerts_alert (record_id, retained_from, post, hit, captured_at, arrived_at,"
                        " category, priority, match, hotlist_stale, held, second_needed, changed_at, state, holder,"
                        " eye_by, eye_at, reject_reason) VALUES (%s, now(), %s, 'h', now() - %s * interval '1 day',"
                        " now(), 'felony', 1, 'exact', false, false, false, now(), %s, 'x', 'x', now(), %s)",
                        [
                            (next(created), post, days, *(("confirmed", None) if at else ("rejected", "misread")))
                            for _ in range(count)
                        ],
                    )
    with as_role(COMMAND):
        assert [*worse_posts()] == ["post-1"]


def withdrawal(dispatch: Dispatch, hit: str) -> Envelope:
    seen = {"plate_read": "7A8C123", "plate_key": "7A8C123", "category": "stolen_vehicle", "passage": PASSAGE}
    return dispatch.post.recorder.record(HitWithdrawn(clock=CLOCK, hit=hit, reason="text_changed", **seen))


def keep_while_somebody_takes(dispatch: Dispatch, alert: Alert, *records: Envelope) -> None:
    """Have the keeper keep records that concern an alert while someone who takes it has not committed yet."""
    actor = dispatch.person("a.rivera")
    with ThreadPoolExecutor(1) as keeper, as_role(COMMAND), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO alerts_step (record_id, revision, step, person) VALUES (%s, 0, 'take', %s)",
                [alert.record_id, actor.person.login],
            )
        keeping = keeper.submit(dispatch.keep, *records)
        while not dispatch.asked("SELECT FROM pg_locks WHERE NOT granted"):
            time.sleep(0.01)
        fields = {"person": actor.person.login, "records": [alert.record_id], "step": "take", "state": "taken"}
        enter(LedgerEvent.ALERT_STEP, fields)
    keeping.result()


def test_alert_is_taken_back_though_somebody_takes_it_at_that_moment(dispatch: Dispatch) -> None:
    alert = dispatch.alert()
    keep_while_somebody_takes(dispatch, alert, withdrawal(dispatch, alert.hit))
    again = dispatch.again(alert)
    assert (again.state, again.withdrawn_from, again.holder) == (AlertState.WITHDRAWN, "taken", "a.rivera")


def test_keeper_and_people_wait_for_one_another_in_one_order(dispatch: Dispatch) -> None:
    """The keeper also enters in the ledger that someone looked at the post, as whoever acts enters what they do."""
    alert, seen = dispatch.alert(), dispatch.post.recorder.record(example_audit("technician_session"))
    keep_while_somebody_takes(dispatch, alert, seen, withdrawal(dispatch, alert.hit))
    assert dispatch.asked("SELECT count(*) FROM custody_access") == [(1,)]


def test_alerts_go_with_their_hits(dispatch: Dispatch) -> None:
    gone, held = dispatch.alert(), dispatch.alert()
    with psycopg.connect(dispatch.where, user=SUPERUSER, autocommit=True) as superuser:
        superuser.execute("DELETE FROM custody_hit WHERE record_id = %s", [gone.record_id])
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("INSERT INTO archive_plan (law, planned_by) VALUES ('other', 'x')")
        superuser.execute(
            "INSERT INTO archive_part (plan, class, begins, ends, records, shown)"
            " SELECT plan, 'hit', now() - interval '1 day', now() + interval '1 day', 1, '{}' FROM archive_plan"
        )
        superuser.execute("SET session_replication_role = origin")
        superuser.execute("UPDATE archive_part SET dropped_at = now()")
        superuser.execute("TRUNCATE archive_plan CASCADE")
    assert [alert.record_id for alert in open_alerts()] == [held.record_id]


def test_decisions_that_one_broker_does_not_take_hold_up_no_new_ones(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "POLL_SECONDS", -1)
    record = dispatch.alert().record_id
    for first, last in ((1, 200), (201, 350)):
        dispatch.act(
            "INSERT INTO alerts_decision (record_id, post, hit, number, at, decision, reason)"
            " SELECT %s, 'post-1', '01890a5d-ac96-774b-bcce-000000000001', number, now(), 'rejected', 'misread'"
            " FROM generate_series(%s::integer, %s::integer) AS number",
            *(record, first, last),
        )
    with as_role(KEEPER):
        outbox = DecisionOutbox("records", agency="demo", key=ECKey.generate_key("P-256"))
        assert [len(outbox.waiting()) for _ in range(3)] == [200, 350, 350]
        numbers = [*outbox.waiting()]
        outbox.delivered(numbers[:10])
        assert [*outbox.waiting()] == numbers[10:]


def test_decisions_are_signed_and_name_no_plate(dispatch: Dispatch) -> None:
    holder = dispatch.person("a.rivera")
    join_covert(holder.person, GROUP)
    alert, covert = dispatch.alert(), dispatch.alert(GROUP)
    with as_role(COMMAND):
        for each, entries in ((alert, (None, None)), (covert, (dispatch.opened(GROUP), dispatch.opened(GROUP)))):
            actions.take(AlertActor(holder.person, entries[0]), each.record_id, 0)
            actor, rejection = AlertActor(holder.person, entries[1]), AlertRejection(RejectReason.OTHER_VEHICLE)
            actions.reject(actor, each.record_id, 1, rejection)
    key = ECKey.generate_key("P-256")
    with as_role(KEEPER):
        outbox = DecisionOutbox("records", agency="demo", key=key)
        waiting = outbox.waiting()
        assert [message.topic for message in waiting.values()] == [
            "alpr/v1/demo/decision/records",
            f"alpr/v1/demo/decision/records/{GROUP}",
        ]
        for message, each in zip(waiting.values(), (alert, covert), strict=True):
            payload = open_signed(message.body, typ=DECISION_TYPE, key=lambda _: key).payload
            fields = Decision.model_validate_json(payload)
            assert (fields.hit, fields.number, fields.decision, fields.reason) == (
                each.hit,
                2,
                "rejected",
                "other_vehicle",
            )
            assert b"7ABC123" not in payload
            assert b"rivera" not in payload
        outbox.delivered([*waiting][:1])
        assert [*DecisionOutbox("records", agency="demo", key=key).waiting()] == [*waiting][1:]


@pytest.mark.parametrize(
    ("rejected", "decided", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (50, 100, 0.4038, 0.5962), (10, 10, 0.7225, 1.0)],
)
def test_interval_by_wilson(rejected: int, decided: int, low: float, high: float) -> None:
    rate = reject_rate(rejected, decided)
    assert (rate.low, rate.high) == (low, high)
