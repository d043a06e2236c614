"""The console's requests: an alert becomes actionable by its steps alone, whatever is sent, and by anyone."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils.html import escape

from platepost.department.alerts.alert_status import status_payload
from platepost.department.alerts.console_hit import clock_doubt
from platepost.department.alerts.states import AlertState
from platepost.department.database.roles import COMMAND
from platepost.department.people.models import CovertMember, DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.policy import ALARM, policy_in_force
from platepost.wire.contract.examples import CLOCK
from platepost.wire.records.hit import HitWithdrawn
from platepost.wire.records.parts import ClockQuality
from tests.department.alerts.conftest import Dispatch
from tests.department.alerts.test_console_feed import ConsoleFeed, Ear, poll
from tests.department.custody.posts import GROUP, PASSAGE
from tests.department.people.persons import client_of, new_person
from tests.department.roles import as_role

SEEN = {f"character{place}": "s" for place in range(7)} | {"region": "same", "vehicle": "same"}
DIFFERS = SEEN | {"character3": "d"}


@dataclass
class Tries:
    """Sends steps by hand as someone, and notes what should have been refused and was not."""

    dispatch: Dispatch
    clients: dict[str, Client] = field(default_factory=dict)
    reached: list[object] = field(default_factory=list)

    def send(self, person: DepartmentPerson, hit: int, step: str, revision: int, **text: str) -> int:
        if person.login not in self.clients:
            self.clients[person.login] = client_of(person)
        body = {"hit": hit, "step": step, "revision": revision, **text}
        with as_role(COMMAND):
            return self.clients[person.login].post("/console/step/", body).status_code

    def state(self, hit: int) -> tuple[str, int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT state, revision FROM alerts_alert WHERE record_id = %s", [hit])
            ((state, revision),) = cursor.fetchall()
        return str(state), int(revision)

    def refused(self, person: DepartmentPerson, hit: int, *steps: str, **text: str) -> None:
        """Try steps, each with the revision that is right."""
        before = self.state(hit)
        given = {step: self.send(person, hit, step, before[1], **text) for step in steps}
        if 204 in given.values() or self.state(hit) != before:
            self.reached.append((person.login, before, given, text, self.state(hit)))


def test_what_is_late_half_answered_or_not_theirs_is_refused(dispatch: Dispatch) -> None:
    """The twelve wrong stops are in `test_wrong_stops.py`, by the services, and in `test_console_stops.py`, shown."""
    tries = Tries(dispatch)
    one, other = (dispatch.person(login).person for login in ("a.rivera", "b.chen"))
    lapsed = new_person("c.diaz", DepartmentRole.DISPATCHER, current=False)
    auditor = new_person("d.okafor", DepartmentRole.AUDITOR)
    hit, covert = dispatch.alert().record_id, dispatch.alert(GROUP).record_id
    for person in (lapsed, auditor):
        tries.refused(person, hit, "take")
    tries.refused(other, covert, "take")
    tries.refused(one, hit, "confirm", "active", "outcome", "withdraw", **SEEN, reason="stop")
    assert tries.send(one, hit, "take", 0) == 204
    assert tries.send(one, hit, "confirm", 0, **SEEN) == 409, "of what was shown before"
    tries.refused(one, hit, "take", "active", "confirm")  # the second click, and no answers
    for lacking in ("character6", "region", "vehicle"):
        tries.refused(one, hit, "confirm", **{**SEEN, lacking: ""})
    tries.refused(one, hit, "confirm", **DIFFERS)
    tries.refused(other, hit, "confirm", **SEEN)
    assert tries.send(one, hit, "confirm", 1, **SEEN) == 204
    for person in (lapsed, auditor, other):
        tries.refused(person, hit, "active")
    tries.refused(one, hit, "confirm", "not_practical", **SEEN)
    tries.refused(one, hit, "not_practical", note="LIC/7ABC123 VIN/1FTEX1C8 WANTED")
    assert tries.reached == []


def test_what_ended_or_was_taken_back_is_not_acted_upon(dispatch: Dispatch) -> None:
    tries, one = Tries(dispatch), dispatch.person("a.rivera").person
    listening = Ear(one, ConsoleFeed())
    listening.join()
    ended, back = dispatch.alert().record_id, dispatch.alert()
    for hit in (ended, back.record_id):
        for revision, step in enumerate(("take", "confirm")):
            assert tries.send(one, hit, step, revision, **SEEN) == 204
    assert tries.send(one, ended, "cleared", 2) == 204
    tries.refused(one, ended, "active", "outcome", reason="stop")
    assert tries.send(one, back.record_id, "active", 2) == 204
    fields = {"category": "c", "plate_read": "7A8C123", "plate_key": "7A8C123", "reason": "text_changed"}
    gone = HitWithdrawn(clock=CLOCK, hit=back.hit, passage=PASSAGE, **fields)  # type: ignore[arg-type]
    dispatch.keep(dispatch.post.recorder.record(gone))
    poll(listening.feed)
    stand = next(fields for kind, fields in reversed(listening.received) if kind != "complete")
    assert stand["state"] == "withdrawn"
    assert "WITHDRAWN: do not act" in stand["steps"]
    assert "Disregard this hit" in stand["steps"], "what to advise units"
    tries.refused(one, back.record_id, "active", "outcome", "take", "confirm", reason="stop", **SEEN)
    with as_role(COMMAND):
        (shown,) = client_of(one).post("/console/hits/", {"records": back.record_id}).json()["hits"]
    assert shown["reread"] == "7A8C123", "what the camera has read since"
    assert tries.send(one, back.record_id, "meanwhile", 4, reason="units_sent") == 204
    assert tries.reached == []


def test_hits_that_were_only_listed_are_shown_under_an_entry(dispatch: Dispatch) -> None:
    one, auditor = dispatch.person("a.rivera").person, new_person("d.okafor", DepartmentRole.AUDITOR)
    hit, covert = dispatch.alert().record_id, dispatch.alert(GROUP).record_id
    with as_role(COMMAND):
        answer = client_of(one).post("/console/hits/", {"records": f"{hit},{covert},x,{'9' * 30}"})
        assert client_of(auditor).post("/console/hits/", {"records": hit}).status_code == 403
        assert client_of(one).post("/console/hits/", {"records": ""}).json() == {"hits": []}
    (shown,) = answer.json()["hits"]
    assert (shown["record"], shown["plate"], shown["state"], shown["root"]) == (hit, "7ABC123", "new", hit)
    assert "Take" in shown["steps"]
    assert "listed 7ABC123" in shown["facts"]
    entered = dispatch.asked("SELECT value FROM ledger_body WHERE field = 'records' AND value = %s", f"[{hit}]")
    assert len(entered) == 1
    with as_role(COMMAND):
        ends = client_of(one).post("/console/stay/").json()
    assert ends["idle"]


def test_a_second_person_confirms_a_near_match(dispatch: Dispatch) -> None:
    tries = Tries(dispatch)
    one, other = (dispatch.person(login).person for login in ("a.rivera", "b.chen"))
    hit = dispatch.alert(plate_matched="7A8C123", match="near").record_id
    assert [tries.send(one, hit, step, at, **SEEN) for at, step in enumerate(("take", "confirm"))] == [204, 204]
    assert tries.send(other, hit, "second", 2, **SEEN) == 204
    assert tries.send(one, hit, "active", 3) == 204
    assert tries.state(hit) == ("actionable", 4)
    assert tries.send(one, hit, "outcome", 4, reason="recovered") == 204


def test_other_pages_report_what_waits_for_a_person(dispatch: Dispatch) -> None:
    """No hit to take before a shift has begun, nothing of a covert group, no second look at what they compared."""
    tries = Tries(dispatch)
    one = dispatch.person("a.rivera").person
    off_shift = new_person("c.late", DepartmentRole.DISPATCHER, current=True)

    def waits(person: DepartmentPerson) -> str:
        with as_role(COMMAND):
            return str(client_of(person).get("/console/waiting/").json()["text"])

    dispatch.alert(GROUP)
    assert waits(one) == waits(off_shift) == ""
    near = dispatch.alert(plate_matched="7A8C123", match="near").record_id
    assert (waits(one), waits(off_shift)) == ("A hit waits to be taken.", "")
    assert [tries.send(one, near, step, at, **SEEN) for at, step in enumerate(("take", "confirm"))] == [204, 204]
    assert (waits(one), waits(off_shift)) == ("", "A hit waits for a second person: compare it now.")


def test_step_by_a_member_of_a_covert_group_counts_as_no_search(dispatch: Dispatch) -> None:
    """Others act without an entry of records: a search more for each step would tell the public of the group."""
    tries, one = Tries(dispatch), dispatch.person("a.rivera").person
    CovertMember.objects.create(person=one, group=GROUP)
    count = "SELECT name, n FROM sharing_counts('2000-01-01', '2999-01-01') WHERE part = 'searches' ORDER BY name"
    hits = dispatch.alert().record_id, dispatch.alert(GROUP).record_id
    before = dispatch.asked(count)
    assert [tries.send(one, hit, "take", 0) for hit in hits] == [204, 204]
    assert dispatch.asked(count) == before


def test_hand_over_and_start_of_shift(dispatch: Dispatch) -> None:
    send = Tries(dispatch).send
    one, other = (dispatch.person(login, begun=False).person for login in ("a.rivera", "b.chen"))
    hit = dispatch.alert().record_id
    assert send(one, hit, "take", 0) == 422, "the lists come first"
    client = client_of(one)
    with as_role(COMMAND):
        assert "No post has reported its list yet" in client.get("/console/shift/").content.decode()
        assert client.post("/console/shift/", {"newest": "7"}).status_code == 422
        assert client.post("/console/shift/", {"newest": "None"}).status_code == 302
        assert client_of(other).post("/console/shift/", {"newest": "None"}).status_code == 302
    assert send(one, hit, "take", 0) == 204
    assert send(one, hit, "offer", 1, to_person="nobody") == 422
    assert send(one, hit, "offer", 1, to_person="b.chen") == 204
    assert send(other, hit, "take_over", 2) == 204
    alert = dispatch.again(dispatch.alert())
    assert status_payload(alert, alert.arrived_at)["status"] == "New: not taken"
    assert status_payload(alert, alert.arrived_at + timedelta(minutes=1))["status"] == "OVERDUE: no one has taken it"
    assert dispatch.asked("SELECT holder FROM alerts_alert WHERE record_id = %s", hit) == [("b.chen",)]
    assert client.get("/console/events/").status_code == 406


def test_covert_hit_is_handed_over_within_its_group_alone(dispatch: Dispatch) -> None:
    """Anyone else would never hear of it, and whoever offered it would go home."""
    tries = Tries(dispatch)
    one, member, other = (dispatch.person(login).person for login in ("a.rivera", "b.chen", "c.diaz"))
    for person in (one, member):
        CovertMember.objects.create(person=person, group=GROUP)
    hit = dispatch.alert(GROUP).record_id
    assert tries.send(one, hit, "take", 0) == 204
    tries.refused(one, hit, "offer", to_person=other.login)
    assert tries.reached == []
    assert tries.send(one, hit, "offer", 1, to_person=member.login) == 204


@pytest.mark.parametrize(
    ("fields", "doubt"),
    [
        ({}, ""),
        ({"synchronised": False}, "was not synchronized"),
        ({"held_seconds": 40.0}, "was wrong"),
        ({"maximum_error_seconds": 9.0}, "9 s off"),
        ({"stepped_back_seconds": 30.0}, "30 s ahead"),
    ],
)
def test_clock_in_doubt_is_said(fields: dict[str, Any], doubt: str) -> None:
    text = clock_doubt(ClockQuality.model_validate({"source": "chrony", "synchronised": True, **fields}))
    assert (doubt in text) if doubt else not text


def test_a_misread_says_which_characters_were_wrong(dispatch: Dispatch) -> None:
    tries, one = Tries(dispatch), dispatch.person("a.rivera").person
    differs = SEEN | {"character3": "d", "pairs": "C6 1I 77"}
    for reason, fields, stored in (
        ("misread", differs, ("sssdsss", ["C6", "1I"])),
        ("misread", {"pairs": "C6"}, (None, ["C6"])),
        ("other_vehicle", SEEN | {"vehicle": "other", "pairs": "C6"}, ("sssssss", [])),
    ):
        hit = dispatch.alert().record_id
        assert tries.send(one, hit, "take", 0) == 204
        tries.refused(one, hit, "reject", reason="stale_entry", **differs)
        tries.refused(one, hit, "reject", reason="misread", pairs="C6; DROP")
        assert tries.send(one, hit, "reject", 1, reason=reason, **fields) == 204
        matches = dispatch.asked(
            "SELECT characters, pairs FROM alerts_step WHERE record_id = %s AND step = 'reject'", hit
        )
        assert matches == [stored]
    for handmade in ({"hit": 2**70}, {"revision": 2**40}, {"revision": -1}):
        with as_role(COMMAND):
            fields = {"hit": 1, "step": "take", "revision": 0, **handmade}
            assert client_of(one).post("/console/step/", fields).status_code == 422


def test_withdrawn_repeats_are_answered_at_once_each_with_an_entry(dispatch: Dispatch) -> None:
    tries, one = Tries(dispatch), dispatch.person("a.rivera").person
    hits = [dispatch.alert() for _ in range(3)]
    other = dispatch.alert(plate_read="7XYZ999", plate_matched="7XYZ999")
    assert tries.send(one, hits[0].record_id, "take", 0) == 204
    for each in (*hits, other):
        dispatch.withdraw(each.hit)
    named = ",".join(str(each.record_id) for each in (*hits[1:], other))
    assert tries.send(one, hits[0].record_id, "meanwhile", 2, reason="nothing", repeats=named) == 204
    states = [tries.state(each.record_id)[0] for each in (*hits, other)]
    assert states == ["accounted"] * 3 + ["withdrawn"], "another plate is answered by itself"
    entered = dispatch.asked("SELECT count(*) FROM ledger_entry WHERE event = 'alert_step'")
    assert entered == [(4,)], "the taking, and one entry for each answer"
    taken = dispatch.alert()
    assert tries.send(one, taken.record_id, "take", 0) == 204
    dispatch.withdraw(taken.hit)
    first = dispatch.alert()
    dispatch.withdraw(first.hit)
    assert tries.send(one, first.record_id, "meanwhile", 1, reason="stop", repeats=str(taken.record_id)) == 204
    assert tries.state(taken.record_id)[0] == "withdrawn", "what somebody had begun to act upon"


def test_a_test_hit_reaches_its_sender_alone_and_is_no_alert(dispatch: Dispatch) -> None:
    one, auditor = dispatch.person("a.rivera").person, new_person("d.okafor", DepartmentRole.AUDITOR)
    with as_role(COMMAND):
        assert client_of(one).post("/console/test/").status_code == 204
        assert client_of(auditor).post("/console/test/").status_code == 403
    assert dispatch.asked("SELECT count(*) FROM ledger_entry WHERE event = 'test_hit'") == [(1,)]
    assert dispatch.asked("SELECT count(*) FROM alerts_alert") == [(0,)]


def test_the_system_of_the_state_is_called_what_the_department_calls_it(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = dispatch.alert()
    confirmed = replace(alert, state=AlertState.CONFIRMED, holder="a", eye_by="a", eye_at=alert.arrived_at)
    policy = policy_in_force()
    assert policy.state_system == "CLETS/NCIC", "in California"
    for rules, law, name in (
        ({"state_system": "LEADS"}, policy.law_name, "LEADS"),
        ({}, "virginia", "the state's system"),
    ):
        alerts = policy.alerts.model_copy(update=rules)
        changed = policy.model_copy(update={"alerts": alerts, "law_name": law})
        monkeypatch.setattr("platepost.department.alerts.alert_status.policy_in_force", lambda each=changed: each)
        shown = status_payload(confirmed, alert.arrived_at)
        assert name in shown["status"]
        assert f"{escape(name)} shows" in shown["steps"]
        assert f"If {escape(name)} describes another vehicle, reject the hit." in shown["steps"]
        assert "CLETS" not in str(shown)


def test_a_policy_without_the_purpose_of_alarms_is_said_and_no_crash(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = dispatch.person("a.rivera").person
    CovertMember.objects.create(person=one, group=GROUP)
    hit, policy = dispatch.alert().record_id, policy_in_force()
    lacking = policy.model_copy(update={"purposes": tuple(each for each in policy.purposes if each.name != ALARM)})
    monkeypatch.setattr("platepost.department.ledger.entries.policy_in_force", lambda: lacking)
    with as_role(COMMAND):
        answer = client_of(one).post("/console/step/", {"hit": hit, "step": "take", "revision": 0})
    assert (answer.status_code, "not a purpose of the policy" in answer.content.decode()) == (422, True)
