"""What the consoles of this process hear: one thread looks, and tells each of them what concerns it.

The database says when to look (`NOTIFY alerts`); each second it is looked at anyway, and asked again who of those who
listen may still do so. Changes have numbers, which are this process's: a console that comes back names the last one
that it has, and gets what followed. One that names none, or another process's, gets everything that is open; and each
is told what is open then. So nothing is missing, whatever was lost on the way.

A hit is shown under a ledger entry of each person. Its status (`status`) has no plate and no picture. Of many at once
the most urgent are shown whole; of the others a console gets `rows`, and asks for those that it draws or opens.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
from django.db import Error, connection
from django.template.loader import get_template
from django.utils import timezone

from platepost.department.alerts.alert_status import bare_payload, brief, status_payload
from platepost.department.alerts.alerts import Alert, alerts_of, changed_revisions, open_revisions
from platepost.department.alerts.console_hit import fetched_hits, hit_payloads
from platepost.department.alerts.liveness import ListeningState, listening_state
from platepost.department.alerts.states import AlertState
from platepost.department.errors import DepartmentError
from platepost.department.ledger.entries import OpenEntry, Viewer, open_entry
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.journal import local_journal
from platepost.department.ledger.writing import acting_in
from platepost.department.lists.models import ListRequest
from platepost.department.people.authorization import authorizations
from platepost.department.people.models import CovertMember, DepartmentPerson
from platepost.department.people.rights import Permission
from platepost.department.people.sessions import live_sessions
from platepost.department.policy.policy import ALARM, AccessPurpose, policy_in_force

log = logging.getLogger(__name__)

PURPOSE = AccessPurpose(ALARM)
POLL_SECONDS = 1.0
"""Between two looks, if nothing happens."""
_LIVENESS_SECONDS = 2.0
_WARN = timedelta(minutes=10)
"""For so long a hit is overdue before the log has a warning, and so long after one the next."""
_STREAM = timedelta(minutes=4)
"""After which a console must ask again, so that its session is looked at."""
AT_ONCE = 20
"""Hits that one entry shows, and that a console is sent whole at once."""
_DECIDED = {AlertState.REJECTED, AlertState.CLOSED}
_WHOLE_A_SECOND = 500
"""How many open alerts are worth a second between two times that all are read."""
_ROWS = 500
"""Rows of one message: the first ones are drawn before the last ones have come."""


@dataclass(eq=False, slots=True)
class Listener:
    """One console that listens."""

    person: DepartmentPerson
    """As of the last look."""
    session: str
    """Key of the log-in, with whose end it ends."""
    send: Callable[[bytes | None], object]
    """Takes what is to be sent; None ends it. Called by the feed's thread."""
    seen: int
    """Number of the last change that it has."""
    until: datetime
    groups: tuple[str, ...] | None = None
    """Covert groups of the person; None before the first look."""
    entry: OpenEntry | None = None
    """Under which alerts of these groups are looked for."""
    bare: set[int] = field(default_factory=set)
    """Hits of which it knows category and place alone, because the ledger could not be written."""
    owed: bool = True
    """Whether it is to be told that it knows all now."""
    joined: bool = True
    """Whether it is to be told then which alerts are open: some may have ended while it was away."""

    def may_see(self, alert: Alert) -> bool:
        """Tell whether the person may know of an alert."""
        return alert.covert_group is None or alert.covert_group in (self.groups or ())


@dataclass(frozen=True, slots=True)
class _Known:
    """An alert as this process knows it."""

    alert: Alert
    escalated: bool
    escalates_at: datetime | None
    root: int
    """The first of the hits of one vehicle that are listed together, by its record; its own where it is alone."""
    decided: Alert | None
    """A hit of the same vehicle, shortly before, that was decided."""
    first: int
    """Number of the change by which it came."""
    last: int


@dataclass
class ConsoleFeed:
    """Tells all listeners. Its thread runs as long as there are any."""

    name: str = field(default_factory=lambda: uuid4().hex[:12])
    """In the numbers that consoles name when they come back."""
    _listeners: list[Listener] = field(default_factory=list)
    _known: dict[int, _Known] = field(default_factory=dict)
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _checked_at: float = 0.0
    _whole_at: float = 0.0
    """When all open alerts are read again, on the monotonic clock."""
    _groups: set[str] = field(default_factory=set)
    """Whose alerts were read with all others."""
    _warned_at: datetime | None = None
    _left: list[OpenEntry] = field(default_factory=list)
    """Of those who have left: to be closed."""
    _drawing: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "console drawing"))
    _stopped: bool = False

    def join(
        self, person: DepartmentPerson, session: str, send: Callable[[bytes | None], object], *, after: str = ""
    ) -> Listener:
        """Have a console listen; `after` is the number of the last change that it has, as it was sent."""
        name, _, number = after.partition("-")
        seen = int(number) if name == self.name and number.isdecimal() else 0
        listener = Listener(person, session, send, seen, timezone.now() + _STREAM)
        with self._lock:
            self._listeners.append(listener)
        if self._stopped:
            send(None)
        return listener

    def leave(self, listener: Listener) -> None:
        """Tell a console nothing more."""
        with self._lock:
            if listener not in self._listeners:
                return
            self._listeners.remove(listener)
            if listener.entry is not None:
                self._left.append(listener.entry)

    def listens(self, login: str) -> bool:
        """Tell whether someone has a console open."""
        with self._lock:
            return any(listener.person.login == login for listener in self._listeners)

    def start(self) -> None:
        """Have the thread run, if it does not."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="console feed", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End what everyone hears, for good; from a signal's handler, which must not wait for a lock."""
        self._stopped = True
        for listener in [*self._listeners]:
            listener.send(None)

    def poll(self, *, ask: bool = True) -> None:
        """Look once, and tell what is new. Raises what the database, the ledger and the policy raise.

        Args:
            ask: whether it is asked again who may listen; otherwise those listen who might when it was asked last.

        """
        now, listening = timezone.now(), self._admitted() if ask else self._listening()
        self._close_left()
        self._note(listening, now)
        oldest = min((listener.seen for listener in listening), default=0)
        changed = sorted((hit for hit in self._known.values() if hit.last > oldest), key=lambda hit: hit.last)
        news: dict[tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]], list[Listener]] = {}
        for listener in listening:
            visible = [hit for hit in changed if hit.last > listener.seen and listener.may_see(hit.alert)]
            fresh = sorted((hit for hit in visible if hit.first > listener.seen), key=_urgency)
            known = tuple(hit.alert.record_id for hit in visible if hit.first <= listener.seen)
            records = tuple(hit.alert.record_id for hit in fresh)
            news.setdefault((listener.groups or (), known, records), []).append(listener)
        for (groups, known, records), those in news.items():
            for record in known[:AT_ONCE]:
                self._send(those, "status", self.status(self._known[record].alert, now))
            logged = self._show(records[:AT_ONCE], those, groups, now) if records else True
            self._list([*known[AT_ONCE:], *records[AT_ONCE:]], those, logged=logged)
        self._complete(listening)
        if time.monotonic() > self._checked_at + _LIVENESS_SECONDS:
            self._checked_at = time.monotonic()
            self._send_all(_liveness(listening_state(now)) | _held_list() | self._overdue(now))

    def status(self, alert: Alert, now: datetime) -> dict[str, Any]:
        """Return how an alert stands, as a console shows it."""
        known = self._known.get(alert.record_id)
        return status_payload(alert, now, root=known.root if known else None, decided=known.decided if known else None)

    def _list(self, records: Sequence[int], those: Sequence[Listener], *, logged: bool) -> None:
        """Tell several people of hits without their plates: how each stands."""
        for listener in those:
            # While the ledger cannot be written, it is all told again; the rows need not be.
            (listener.bare.difference_update if logged else listener.bare.update)(records)
        for place in range(0, len(records), _ROWS):
            some = [self._known[record] for record in records[place : place + _ROWS]]
            listed = [
                bare_payload(hit.alert) | brief(hit.alert, hit.root, hit.decided, escalated=hit.escalated)
                for hit in some
            ]
            self._send(those, "rows", {"rows": listed})

    def _overdue(self, now: datetime) -> dict[str, Any]:
        """Return how many hits no one has taken in time, and since when; of covert groups none."""
        late = [
            hit.alert.arrived_at
            for hit in self._known.values()
            if hit.escalated and hit.alert.state is AlertState.NEW and hit.alert.covert_group is None
        ]
        if late and now - min(late) > _WARN and (self._warned_at is None or now - self._warned_at > _WARN):
            self._warned_at = now
            log.warning("%d hits are overdue: no one has taken them, the oldest since %s", len(late), min(late))
        return {"overdue": len(late), "overdue_since": min(late).isoformat() if late else None}

    def _complete(self, listening: Sequence[Listener]) -> None:
        """Tell listeners that they know all, and after joining which hits are open. What was cut off is sent again."""
        messages: dict[tuple[str, ...], bytes] = {}
        for listener in listening:
            # Where some are bare, all of it is told again when they can be shown.
            listener.bare &= self._known.keys()
            if not listener.owed or listener.bare:
                continue
            if not listener.joined:
                listener.send(self._event("complete", {}, self._number))
            else:
                groups = listener.groups or ()
                if groups not in messages:
                    present = [record for record, hit in self._known.items() if listener.may_see(hit.alert)]
                    messages[groups] = self._event("complete", {"open": present}, self._number)
                listener.send(messages[groups])
            listener.seen = self._number
            listener.owed = listener.joined = False

    def _run(self) -> None:
        for name in ("compare", "facts", "steps", "done"):  # or the first hit waits until they are compiled
            get_template(f"alerts/console/{name}.html")
        while True:
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001 - whatever it is: it is said, and tried again
                # No more than its kind: its text may repeat what a record contains.
                log.error("the consoles hear nothing: %s", type(error).__name__)
                why = "The program that sends hits to this page has failed."
                if isinstance(error, DepartmentError):
                    why = f"{error}."
                elif isinstance(error, (Error, psycopg.Error)):
                    why = "The database does not answer."
                self._send_all({"at": timezone.now().isoformat(), "nothing": True, "lost": [why]})
                time.sleep(POLL_SECONDS)
            finally:
                connection.close()
            with self._lock:
                if not self._listeners:
                    self._thread = None
                    return

    def _listen(self) -> None:
        """Look whenever the database says so, and each second, until no one listens any more."""
        bell = connection.copy()
        try:
            bell.ensure_connection()
            bell.connection.execute("LISTEN alerts")
            due = 0.0
            while self._listeners:
                ask = time.monotonic() >= due
                if ask:
                    due = time.monotonic() + POLL_SECONDS
                self.poll(ask=ask)
                for rung in bell.connection.notifies(timeout=max(0.0, due - time.monotonic()), stop_after=1):
                    if rung.payload:
                        self._test(json.loads(rung.payload))
            self._close_left()
        finally:
            with suppress(psycopg.Error):
                if bell.connection is not None:
                    bell.connection.execute("UNLISTEN alerts")  # the pool gives the session to someone else
            bell.close()

    def _test(self, sent: Mapping[str, str]) -> None:
        """Show a test hit on the consoles of the person who sent it."""
        with self._lock:
            those = [listener for listener in self._listeners if listener.person.login == sent["person"]]
        for listener in those:
            listener.send(self._event("test", {"at": sent["at"]}))

    def _close_left(self) -> None:
        while self._left:
            with suppress(LedgerError):
                self._left.pop().shown()

    def _listening(self) -> list[Listener]:
        """Return those who might listen when it was asked last."""
        with self._lock:
            return [listener for listener in self._listeners if listener.groups is not None]

    def _admitted(self) -> list[Listener]:
        """Return those who may still listen, and send the others away."""
        with self._lock:
            asked = [*self._listeners]
        if not asked:
            return []
        now = timezone.now()
        groups: dict[int, list[str]] = {}
        for pk, group in CovertMember.objects.filter(left_at=None).order_by("group").values_list("person_id", "group"):
            groups.setdefault(pk, []).append(group)
        people = DepartmentPerson.objects.in_bulk({listener.person.pk for listener in asked})
        may = {
            authorization.person.pk
            for authorization in authorizations(people.values(), now)
            if authorization.may(Permission.ANSWER_HITS)
        }
        keys = {listener.session for listener in asked}
        sessions = live_sessions(keys)
        admitted = []
        for listener in asked:
            if listener.person.pk not in may or listener.session not in sessions:
                self._end(listener, "You are signed out, or your access to hits has ended.")
                continue
            present = tuple(groups.get(listener.person.pk, ()))
            if now > listener.until or listener.groups not in {None, present}:
                self._end(listener, "")
                continue
            listener.person, listener.groups = people[listener.person.pk], present
            admitted.append(listener)
        return admitted

    def _entries(self, listening: Sequence[Listener]) -> Iterator[OpenEntry]:
        """Yield for all covert groups whose members listen an entry of one of them."""
        for groups, listener in {listener.groups: listener for listener in listening if listener.groups}.items():
            if listener.entry is None:
                with suppress(LedgerError):  # nothing covert without it
                    listener.entry = open_entry(
                        person=listener.person.login,
                        agency=listener.person.agency,
                        purpose=PURPOSE,
                        query={"console": "listens"},
                        groups=groups or (),
                        session=listener.session,
                    )
            if listener.entry is not None:
                yield listener.entry

    def _end(self, listener: Listener, why: str) -> None:
        self.leave(listener)
        listener.send(self._event("ended", {"why": why}))
        listener.send(None)

    def _note(self, listening: Sequence[Listener], now: datetime) -> None:
        """Give each alert that is new, or has changed, the next number.

        All that are open are read now and then, and whenever someone of another covert group listens; between, those
        that have changed: a notification costs the same, however many are open.
        """
        self._count()
        entries = [*self._entries(listening)]
        groups = {group for listener in listening for group in listener.groups or ()}
        whole = time.monotonic() >= self._whole_at or not groups <= self._groups
        present: set[int] = set()
        ended: set[int] = set()
        for entry in (None, *entries):
            with suppress(LedgerError) if entry else nullcontext():
                matches = open_revisions(entry) if whole else changed_revisions(entry)
                ended |= {record for record, revision in matches.items() if revision is None}
                there = {match: seen for match, seen in matches.items() if seen is not None and match not in present}
                present |= there.keys()
                known = self._known
                changed = [
                    record
                    for record, revision in there.items()
                    if record not in known or known[record].alert.revision != revision
                ]
                self._learn(alerts_of(changed, entry), entry, now)
        self._forget(self._known.keys() - present if whole else self._known.keys() & ended, listening, now)
        if whole:
            self._groups = groups
            self._whole_at = time.monotonic() + max(POLL_SECONDS, len(self._known) / _WHOLE_A_SECOND)
        for record, hit in self._known.items():
            if not hit.escalated and hit.escalates_at is not None and hit.escalates_at <= now:
                self._known[record] = replace(hit, escalated=True, last=self._number)

    def _learn(self, alerts: Sequence[Alert], entry: OpenEntry | None, now: datetime) -> None:
        """Take alerts that are new, or have changed; by ascending record."""
        fresh = {alert.previous_id for alert in alerts if alert.previous_id and alert.record_id not in self._known}
        away = fresh - self._known.keys() - {alert.record_id for alert in alerts}
        ended = {alert.record_id: alert for alert in alerts_of([*away], entry)}
        heads = alerts_of([hit.answered_with for hit in ended.values() if hit.answered_with], entry)
        ended |= {
            record: head for record, hit in ended.items() for head in heads if head.record_id == hit.answered_with
        }
        for alert in alerts:
            former = self._known.get(alert.record_id)
            before = self._known.get(alert.previous_id or 0)
            root = alert.record_id
            decided: Alert | None = None
            first = self._number
            if former is not None:
                root = former.root
                decided = former.decided
                first = former.first
            elif before and alert.repeats(before.alert):
                root = before.root
                decided = before.decided
            elif (last := ended.get(alert.previous_id or 0)) and last.state in _DECIDED and alert.repeats(last):
                decided = last
            due = alert.escalates_at
            escalated = due is not None and due <= now
            self._known[alert.record_id] = _Known(alert, escalated, due, root, decided, first, self._number)

    def _forget(self, gone: Collection[int], listening: Sequence[Listener], now: datetime) -> None:
        """Tell those who know of alerts that they have ended, and have their repeats say what was decided."""
        formers = {record: self._known.pop(record) for record in gone}
        ended: dict[int, Alert] = {}
        for group in {hit.alert.covert_group for hit in formers.values()}:
            under = next((one.entry for one in listening if one.entry and group in (one.groups or ())), None)
            those = [record for record, hit in formers.items() if hit.alert.covert_group == group]
            if group is None or under:
                ended |= {alert.record_id: alert for alert in alerts_of(those, under)}
        decided: dict[int, Alert] = {}
        for record, former in formers.items():
            last = ended.get(record)
            view = status_payload(last, now, root=former.root) if last else {"record": record, "open": False}
            self._send([one for one in listening if one.may_see(former.alert)], "status", view)
            if last and last.state in _DECIDED:
                decided[former.root] = last
        if decided:
            for record, hit in self._known.items():
                if hit.root in decided:
                    self._known[record] = replace(hit, decided=decided[hit.root], last=self._number)

    def _count(self) -> None:
        # Milliseconds: anyone who may not know of a change finds no number missing.
        self._number = max(self._number + 1, int(time.time() * 1000))

    def _show(self, records: Sequence[int], those: Sequence[Listener], groups: Sequence[str], now: datetime) -> bool:
        """Show hits to several people, under an entry of each: what was read once is noted in all of them.

        Returns whether it was logged; if not, they were told without plates.
        """
        views: dict[int, dict[str, Any]] = {}
        try:
            first, *others = people = [
                Viewer(listener.person.login, listener.person.agency, listener.session) for listener in those
            ]
            policy_in_force().require(PURPOSE)  # or each look would enter a refusal
            query = {"console": [*records]}
            entry = open_entry(**first._asdict(), purpose=PURPOSE, query=query, groups=groups, durable=False)
            with acting_in(first.session):
                fetched = fetched_hits(entry, records)
            drawing = self._drawing.submit(hit_payloads, fetched)
            try:
                entry.shown(also_to=others)  # while they are drawn: the database takes as long
            except LedgerError:
                self._journal(drawing.result(), [person.person for person in people])
            views, logged = drawing.result(), True
        except LedgerError:
            # No one sees a plate that is in no log. That there is a hit, and where, they hear.
            views, logged = {}, False
        for record in records:
            alert = self._known[record].alert
            view = {**bare_payload(alert), **views.get(record, {}), **self.status(alert, now)}
            self._send([one for one in those if logged or record not in one.bare], "hit", view)
            for listener in those:
                (listener.bare.discard if logged else listener.bare.add)(record)
        return logged

    def _journal(self, views: Mapping[int, Mapping[str, Any]], logins: Sequence[str]) -> None:
        """Note hits that were read, and that the ledger cannot take. Raises JournalError: show no plate."""
        for record, view in views.items():
            fields = {"hit": record, "post": self._known[record].alert.post, "plate": view.get("plate")}
            group = self._known[record].alert.covert_group
            for login in logins:
                noted = {"shown": fields} if group is None else {"shown": {}, "covert": {group: fields}}
                local_journal().note(person=login, **noted)

    def _send(self, those: Sequence[Listener], kind: str, what: Mapping[str, Any]) -> None:
        """Tell some of a hit; that they know all now follows."""
        payload = self._event(kind, what)
        for listener in those:
            listener.send(payload)
            listener.owed = True

    def _send_all(self, liveness: Mapping[str, Any]) -> None:
        with self._lock:
            listeners = [*self._listeners]
        logins = {listener.person.login for listener in listeners}
        for login in logins:
            # Who could be the second person: everyone here may answer hits.
            message = self._event("liveness", {**liveness, "others": sorted(logins - {login})})
            for listener in listeners:
                if listener.person.login == login:
                    listener.send(message)

    def _event(self, kind: str, data: Mapping[str, Any], number: int | None = None) -> bytes:
        named = f"id: {self.name}-{number}\n" if number is not None else ""
        return f"{named}event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def _urgency(hit: _Known) -> tuple[bool, int, float]:
    """Order alerts as a console's queue does: it shows the first that it hears of."""
    alert = hit.alert
    return alert.state not in {AlertState.NEW, AlertState.WITHDRAWN}, alert.priority, -alert.arrived_at.timestamp()


def _liveness(state: ListeningState) -> dict[str, Any]:
    last, tested = (at and at.isoformat() for at in (state.last, state.tested))
    return {"at": state.at.isoformat(), "nothing": state.nothing, "lost": state.lost, "last": last, "tested": tested}


def _held_list() -> dict[str, Any]:
    since = ListRequest.held_since()
    return {"list_held": since and since.isoformat()}


FEED = ConsoleFeed()
"""That of this process."""
