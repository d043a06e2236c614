"""What a console hears: each hit once, under an entry of each person, and nothing that is not theirs."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.test import override_settings
from django.utils import timezone

from platepost.department.alerts import actions, console_feed
from platepost.department.alerts.actions import AlertActor, AlertRejection, reject, take
from platepost.department.alerts.console_feed import ConsoleFeed, Listener
from platepost.department.alerts.errors import AlertError
from platepost.department.alerts.shift import acknowledge, shift_start
from platepost.department.alerts.states import AlertStep, RejectReason
from platepost.department.database.queries import rows
from platepost.department.database.roles import COMMAND
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.journal import LocalJournal
from platepost.department.lists.services import enter_entry
from platepost.department.people.models import CovertMember, DepartmentPerson, PersonCertificate
from platepost.department.people.rights import DepartmentRole
from platepost.department.people.sessions import SessionStore
from platepost.wire.records import Picture
from platepost.wire.records.parts import Alternative, Character
from tests.department.alerts.alarms import drawn
from tests.department.alerts.conftest import Dispatch
from tests.department.custody.posts import GROUP
from tests.department.lists.conftest import entry_of
from tests.department.people.persons import new_person
from tests.department.roles import as_role


@dataclass
class Ear:
    """One console, and what it was told."""

    person: DepartmentPerson
    feed: ConsoleFeed
    received: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    last: str = ""
    ended: bool = False
    listener: Listener | None = None

    def join(self) -> None:
        session = SessionStore()
        session.create()
        rows("SELECT people_begin_session(%s, %s)", [session.session_key, self.person.login])
        self.listener = self.feed.join(self.person, session.session_key or "", self._receive, after=self.last)

    def _receive(self, payload: bytes | None) -> None:
        if payload is None:
            self.ended = True
            return
        fields = dict(line.split(": ", 1) for line in payload.decode().strip().split("\n"))
        self.last = fields.get("id", self.last)
        if fields["event"] != "liveness":
            self.received.append((fields["event"], json.loads(fields["data"])))

    def take(self) -> list[tuple[str, Any]]:
        """Return what it was told since the last call: kinds, each with the record or the records."""
        notified, self.received = self.received, []
        return [(kind, fields.get("record", fields.get("open", fields.get("why")))) for kind, fields in notified]


@pytest.fixture
def feed() -> Iterator[ConsoleFeed]:
    return ConsoleFeed()


def poll(feed: ConsoleFeed) -> None:
    with as_role(COMMAND):
        feed.poll()


def ear(feed: ConsoleFeed, login: str) -> Ear:
    created = Ear(new_person(login, DepartmentRole.DISPATCHER), feed)
    created.join()
    return created


def shown(dispatch: Dispatch) -> list[tuple[str, str]]:
    """Return who was shown which records, in order."""
    query = (
        "SELECT person.value::jsonb #>> '{}', records.value FROM ledger_entry AS closing"
        " JOIN ledger_body AS records ON records.entry = closing.entry AND records.field = 'records'"
        " JOIN ledger_body AS person ON person.entry = closing.refers_to AND person.field = 'person'"
        " WHERE closing.event = 'shown' ORDER BY closing.number"
    )
    return [(person, records) for person, records in dispatch.asked(query)]


def test_each_hit_once_under_an_entry_of_each_and_no_gap_after_a_loss(dispatch: Dispatch, feed: ConsoleFeed) -> None:
    one, other = ear(feed, "a.rivera"), ear(feed, "b.chen")
    poll(feed)
    assert one.take() == other.take() == [("complete", [])]
    before = len(shown(dispatch))
    first = dispatch.alert().record_id
    poll(feed)
    poll(feed)
    assert one.take() == other.take() == [("hit", first), ("complete", None)]
    assert shown(dispatch)[before:] == [("a.rivera", f"[{first}]"), ("b.chen", f"[{first}]")]
    feed.leave(one.listener)  # type: ignore[arg-type]
    actor = dispatch.person("c.diaz")
    with as_role(COMMAND):
        take(actor, first, 0)
    second = dispatch.alert().record_id
    poll(feed)
    one.join()
    poll(feed)
    missed = [("status", first), ("hit", second)]
    assert one.take() == [*missed, ("complete", [first, second])], "what it missed, and no more"
    assert other.take() == [*missed, ("complete", None)]
    assert len(shown(dispatch)) == before + 4
    other.last = "another-7"
    other.join()
    poll(feed)
    again = [("hit", second), ("hit", first), ("complete", [first, second])]
    assert other.take() == again, "another process: what nobody has taken comes first"


def test_of_many_hits_each_is_listed_and_a_new_one_of_priority_1_is_shown(
    dispatch: Dispatch, feed: ConsoleFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_feed, "AT_ONCE", 2)
    old = [dispatch.alert(priority=2, plate_matched=f"7ABC12{each}").record_id for each in range(5)]
    one = ear(feed, "a.rivera")
    poll(feed)
    assert [kind for kind, _ in one.received] == ["hit", "hit", "rows", "complete"]
    assert [fields["record"] for kind, fields in one.received if kind == "hit"] == [old[4], old[3]], "the newest"
    (rows,) = (fields["rows"] for kind, fields in one.received if kind == "rows")
    assert [(row["record"], row["plate"], row["state"]) for row in rows] == [(each, "", "new") for each in old[2::-1]]
    one.take()
    urgent = dispatch.alert(priority=1).record_id
    poll(feed)
    assert one.take() == [("hit", urgent), ("complete", None)]
    again = ear(feed, "b.chen")
    poll(feed)
    assert [fields["record"] for kind, fields in again.received if kind == "hit"] == [urgent, old[4]]
    with as_role(COMMAND):
        for each in feed._known.values():
            feed._known[each.alert.record_id] = replace(each, escalates_at=timezone.now())
        one.take()
        feed.poll()
    assert [kind for kind, _ in one.received if kind != "complete"] == ["status", "status", "rows"]
    assert all("OVERDUE" in row["status"] for kind, fields in one.received if kind == "rows" for row in fields["rows"])


def test_repeats_of_a_plate_are_answered_with_what_was_shown_of_them(dispatch: Dispatch, feed: ConsoleFeed) -> None:
    one = ear(feed, "a.rivera")
    actor, other = dispatch.person("c.diaz"), dispatch.person("d.evans")
    first, again, stranger, differs = (
        dispatch.alert(**fields).record_id
        for fields in ({}, {}, {"plate_matched": "7XYZ999"}, {"plate_read": "7A8C123", "match": "near"})
    )
    poll(feed)
    roots = {fields["record"]: fields["root"] for kind, fields in one.received if kind == "hit"}
    assert roots == {first: first, again: first, stranger: stranger, differs: differs}
    later = dispatch.alert().record_id
    with as_role(COMMAND):
        take(actor, first, 0)
        with pytest.raises(AlertError, match="A repeat is answered"):
            actions._act(actor, again, 0, AlertStep.REPEAT, with_record=first)
        rejection = AlertRejection(RejectReason.OTHER_VEHICLE)
        with pytest.raises(AlertError, match="A repeat is answered"):
            reject(actor, first, 1, rejection, repeats=[again, stranger])
        with pytest.raises(AlertError, match="A repeat is answered"):
            reject(actor, first, 1, rejection, repeats=[differs])
        take(other, stranger, 0)
        reject(actor, first, 1, rejection, repeats=[again, stranger])
    states = dict(dispatch.asked("SELECT record_id, state FROM alerts_alert"))
    assert states == {first: "rejected", again: "repeated", stranger: "taken", differs: "new", later: "new"}
    decisions = dispatch.asked("SELECT record_id, decision, reason FROM alerts_decision ORDER BY id")
    assert decisions == [(each, "rejected", "other_vehicle") for each in (first, again)]
    steps = "SELECT value::jsonb #>> '{}' FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = 'alert_step'"
    assert dispatch.asked(f"{steps} AND field = 'step' ORDER BY number")[-2:] == [("reject",), ("repeat",)]
    one.take()
    poll(feed)
    stand = {fields["record"]: fields for kind, fields in one.received if kind in {"hit", "status"}}
    assert not stand[again]["open"]
    assert (stand[later]["decided"], stand[later]["root"]) == ("Rejected: other vehicle", first)
    assert "was decided at" in stand[later]["steps"]
    newest = dispatch.alert().record_id
    one.take()
    poll(feed)
    assert [(fields["decided"], fields["root"]) for kind, fields in one.received if kind == "hit"] == [
        ("Rejected: other vehicle", first)
    ]
    fresh = ear(ConsoleFeed(), "b.chen")
    poll(fresh.feed)
    stand = {fields["record"]: fields for kind, fields in fresh.received if kind == "hit"}
    assert stand[newest]["decided"] == stand[later]["decided"] == "Rejected: other vehicle"
    assert stand[newest]["root"] == stand[later]["root"] == later


def test_repeats_count_for_as_long_as_the_policy_says(dispatch: Dispatch, feed: ConsoleFeed) -> None:
    one, now = ear(feed, "a.rivera"), dispatch.post.now
    for minutes in (0, 29, 60):
        dispatch.alert(captured=now + timedelta(minutes=minutes - 60))
    poll(feed)
    hits = sorted((fields["record"], fields["root"]) for kind, fields in one.received if kind == "hit")
    (first, _), _, (third, _) = hits
    assert [root for _, root in hits] == [first, first, third]


def test_a_post_without_a_place_in_words_is_named_once(dispatch: Dispatch, feed: ConsoleFeed) -> None:
    one = ear(feed, "a.rivera")
    for place in ({"site": "Bridge Street"}, {}):
        dispatch.alert(place=place)
    poll(feed)
    facts = "".join(fields["facts"] for kind, fields in one.received if kind == "hit")
    assert facts.count("<dd>Bridge Street · post-") == facts.count("<dd>post-") == 1


def test_facts_come_with_pictures_and_the_stand_without_a_plate(dispatch: Dispatch, feed: ConsoleFeed) -> None:
    one = ear(feed, "a.rivera")
    members = {"plate_read": "7ABD123", "plate_matched": "7AB0123", "match": "near"}
    dispatch.alert(**members)
    poll(feed)
    (kind, fields), _ = one.received
    assert (kind, fields["plate"], fields["state"]) == ("hit", "7ABD123", "new")
    assert set(fields["pictures"]) == {"overview"}
    assert "There is no picture of the plate" in fields["compare"]
    assert 'class="differs"' in fields["compare"]
    assert "a second person must compare it, too" in fields["compare"]
    assert "seen white or gray car, listed not described" in fields["facts"]
    assert "7AB" not in fields["steps"]


def test_pictures_come_by_what_they_show_and_doubts_by_character(dispatch: Dispatch, feed: ConsoleFeed) -> None:
    one = ear(feed, "a.rivera")
    sizes = ((24, 12), (25, 12), (26, 12), (27, 12), (28, 12))
    best, overview, seen, second, third = (
        Picture.of(kind, drawn("7ABC123", *size), width=size[0], height=size[1])
        for kind, size in zip(("patch", "overview", "patch", "patch", "patch"), sizes, strict=True)
    )
    seen = seen.model_copy(update={"rectified": False})
    dispatch.alert(
        pictures=(best, overview, seen, second, third),
        characters=tuple(Character(value=each, confidence=0.4 if each == "7" else 0.999) for each in "7ABC123"),
        alternatives=(Alternative(text="7A8C123", confidence=0.2), Alternative(text="7ABC128", confidence=0.001)),
    )
    poll(feed)
    (_, message), _ = one.received
    expected = {"patch": best.data, "more": [second.data, third.data], "crop": seen.data, "overview": overview.data}
    assert message["pictures"] == expected
    words = re.findall(r'data-words="([^"]*)"', message["compare"])
    assert words[:3] == ["Listed: 7 · not 1 Z?", "Listed: A · not 4 Q R?", "Listed: B · not 6 8 D E U?"]


def test_who_may_not_any_more_hears_nothing_more(dispatch: Dispatch, feed: ConsoleFeed) -> None:
    lapsing, gone, other = (ear(feed, login) for login in ("a.rivera", "b.chen", "c.diaz"))
    poll(feed)
    PersonCertificate.objects.create(
        person=lapsing.person, certification="clets", expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert gone.listener is not None
    SessionStore(gone.listener.session).delete()
    hit = dispatch.alert().record_id
    poll(feed)
    over = [("complete", []), ("ended", "You are signed out, or your access to hits has ended.")]
    assert lapsing.take() == gone.take() == over
    assert lapsing.ended
    assert other.take()[1:] == [("hit", hit), ("complete", None)]
    assert {person for person, records in shown(dispatch) if records == f"[{hit}]"} == {"c.diaz"}


def test_a_hit_asks_as_much_of_the_database_however_many_listen(
    dispatch: Dispatch, feed: ConsoleFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    statements: list[str] = []
    ears: list[Ear] = []
    execute = psycopg.Cursor.execute

    def recorded(self: psycopg.Cursor[Any], query: str, *values: Any, **how: Any) -> psycopg.Cursor[Any]:
        statements.append(query)
        if query == "SELECT ledger_flush()":
            received = [kind for each in ears for kind, _ in each.received]
            assert "hit" not in received, "nothing is shown before its entry is on the disk"
        return execute(self, query, *values, **how)

    monkeypatch.setattr(psycopg.Cursor, "execute", recorded)
    for some in (["a.rivera"], ["b.chen", "c.diaz", "d.evans"]):
        ears = [ear(feed, login) for login in some]
        poll(feed)
        for each in ears:
            each.take()
        hit = dispatch.alert().record_id
        with as_role(COMMAND):
            statements.clear()
            feed.poll(ask=False)
            made = [*statements]
        assert all(("hit", hit) in each.take() for each in ears)
        asked.append(sorted(statement.split(" FROM ")[0] for statement in made))
        ledger = [statement.split("(")[0] for statement in made if "ledger_" in statement.split("(")[0]]
        assert ledger[0] == "SELECT ledger_begin", "an intent, before it is read"
        assert ledger[2:] == ["SELECT ledger_flush"], "and one step for all that is entered of all of them"
    assert len(asked[0]) == len(asked[1]) < 16
    assert not any("people_" in statement or "django_session" in statement for statement in asked[1])


def test_covert_hits_are_heard_by_their_group_alone(dispatch: Dispatch, feed: ConsoleFeed) -> None:
    member, other = ear(feed, "a.rivera"), ear(feed, "b.chen")
    membership = CovertMember.objects.create(person=member.person, group=GROUP)
    with as_role(COMMAND):
        acknowledge(member.person, shift_start())
    poll(feed)
    member.take(), other.take()
    hit = dispatch.alert(GROUP).record_id
    poll(feed)
    assert member.take() == [("hit", hit), ("complete", None)]
    assert other.take() == [], "not even that something happened"
    for revision, step in enumerate(
        (take, lambda *fields: reject(*fields, AlertRejection(RejectReason.OTHER_VEHICLE)))
    ):
        entry = dispatch.opened(GROUP)
        with as_role(COMMAND):
            step(AlertActor(member.person, entry), hit, revision)
    member.take()
    poll(feed)
    assert [(kind, fields["state"]) for kind, fields in member.received if kind == "status"] == [("status", "rejected")]
    member.take()
    hit = dispatch.alert(GROUP).record_id
    poll(feed)
    member.take()
    membership.left_at = timezone.now()
    membership.save()
    poll(feed)
    assert member.ended, "it asks again, and is shown nothing covert any more"
    member.join()
    poll(feed)
    assert ("hit", hit) not in member.take()


def test_no_plate_is_shown_that_is_not_in_the_ledger(
    dispatch: Dispatch, feed: ConsoleFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ear(feed, "a.rivera")
    hit = dispatch.alert(category="Stolen Vehicle").record_id

    def refused(*_: object, **__: object) -> None:
        raise LedgerError("no")

    with monkeypatch.context() as patch:
        patch.setattr(console_feed, "open_entry", refused)
        poll(feed)
        poll(feed)
        ((kind, fields),) = one.received
        assert (kind, fields["category"], fields["plate"], fields.get("facts")) == ("hit", "Stolen Vehicle", "", None)
    one.take()
    poll(feed)
    assert one.received[0][1]["plate"] == "7ABC123"
    assert one.take() == [("hit", hit), ("complete", [hit])]


def test_what_the_ledger_takes_no_more_goes_into_the_journal_or_is_not_shown(
    dispatch: Dispatch, feed: ConsoleFeed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one, journal = ear(feed, "a.rivera"), LocalJournal(tmp_path / "journal")

    def refused(*_: object, **__: object) -> None:
        raise LedgerError("no")

    with override_settings(LEDGER_JOURNAL=journal.folder), monkeypatch.context() as patch:
        patch.setattr(OpenEntry, "shown", refused)
        dispatch.alert(category="Stolen Vehicle")
        poll(feed)
        assert one.received[0][1]["plate"] == "", "the journal has no key: it cannot be written either"
        one.take()
        journal.prepare()
        poll(feed)
        assert one.received[0][1]["plate"] == "7ABC123"
    assert [(note.person, note.shown["plate"]) for _, note in journal.notes()] == [("a.rivera", "7ABC123")]


def test_what_is_listed_is_shown_with_the_hit(dispatch: Dispatch, feed: ConsoleFeed) -> None:
    one, author = ear(feed, "a.rivera"), new_person("b.chen", DepartmentRole.OPERATOR)
    entry = entry_of(vehicle="white van, left mirror gone", instructions="do not stop alone")
    with as_role(COMMAND):
        enter_entry(entry, author)
    dispatch.alert(plate_matched="7ABC123", reference=entry.reference)
    dispatch.alert(plate_matched="7ABC123", reference=f"STATE #{entry.pk + 1}")
    poll(feed)
    others, facts = (fields["compare"] + fields["facts"] for kind, fields in one.received if kind == "hit")
    assert "Vehicle: listed white van, left mirror gone" in facts
    assert "Instructions: do not stop alone" in facts
    assert "white van" not in others
    dispatch.act("DELETE FROM lists_entry")


def test_a_change_costs_the_same_however_many_are_open(
    dispatch: Dispatch, feed: ConsoleFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: list[object] = []
    real = console_feed.open_revisions
    monkeypatch.setattr(console_feed, "open_revisions", lambda entry: (whole.append(entry), real(entry))[1])
    one, actor = ear(feed, "a.rivera"), dispatch.person("b.chen")
    first, second = dispatch.alert().record_id, dispatch.alert().record_id
    poll(feed)
    one.take()
    feed._whole_at += 3600  # as with thousands that are open
    assert len(whole) == 1
    with as_role(COMMAND):
        take(actor, first, 0)
        take(actor, second, 0)
        reject(actor, first, 1, AlertRejection(RejectReason.ILLEGIBLE, None))
    third = dispatch.alert().record_id
    poll(feed)
    assert one.take() == [("status", first), ("status", second), ("hit", third), ("complete", None)]
    assert len(whole) == 1, "those that changed were read, and no others"
    CovertMember.objects.create(person=actor.person, group=GROUP)
    covert = dispatch.alert(GROUP).record_id
    member = Ear(actor.person, feed)
    member.join()
    poll(feed)
    assert ("hit", covert) in member.take(), "whoever listens for another group hears all of it at once"
    monkeypatch.setattr(console_feed, "changed_revisions", lambda _: {})
    one.take()
    last = dispatch.alert().record_id
    poll(feed)
    assert one.take() == []
    feed._whole_at = 0.0
    poll(feed)
    assert one.take() == [("hit", last), ("complete", None)], "what was missed comes with all"


def test_a_test_hit_is_shown_to_its_sender(dispatch: Dispatch, feed: ConsoleFeed) -> None:
    one, other = ear(feed, "a.rivera"), ear(feed, "b.chen")
    poll(feed)
    feed._test({"person": "a.rivera", "at": "2026-12-01T00:00:00+00:00"})
    assert [kind for kind, _ in one.received] == ["complete", "test"]
    assert [kind for kind, _ in other.received] == ["complete"]


def test_every_entry_under_which_it_listens_is_closed(dispatch: Dispatch, feed: ConsoleFeed) -> None:
    member, other = ear(feed, "a.rivera"), ear(feed, "b.chen")
    CovertMember.objects.create(person=member.person, group=GROUP)
    poll(feed)
    assert member.listener is not None
    feed.leave(member.listener)
    feed.leave(member.listener)
    poll(feed)
    query = (
        "SELECT count(*), count(closing.entry) FROM ledger_entry AS opened JOIN ledger_body AS body"
        " ON body.entry = opened.entry AND body.field = 'query' AND body.value LIKE '%%listens%%'"
        " LEFT JOIN ledger_entry AS closing ON closing.refers_to = opened.entry WHERE opened.at > %s"
    )
    assert dispatch.asked(query, dispatch.post.now) == [(1, 1)]
    assert other.take() == [("complete", [])]
