"""Agencies are told of decisions by webhook: proved, in order, again until taken, and no plate ever."""

import json
import os
import socket
import socketserver
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from threading import Event, Thread
from typing import IO, ClassVar

import psycopg
import pytest

from platepost.department.alerts import actions
from platepost.department.alerts import webhooks as sending
from platepost.department.alerts.actions import AlertActor, AlertRejection
from platepost.department.alerts.errors import AlertError
from platepost.department.alerts.states import RejectReason
from platepost.department.alerts.webhooks import (
    GIVE_UP,
    WebhookSender,
    add_webhook,
    end_webhook,
    post_message,
    secret_of,
    signed_headers,
    webhooks,
)
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import COMMAND, OWNER
from platepost.department.people.rights import DepartmentRole
from platepost.department.people.services import join_covert
from platepost.department.policy.errors import PurposeError
from tests.department.alerts.conftest import PLATE, Dispatch, same
from tests.department.custody.posts import GROUP
from tests.department.emptying import empty
from tests.department.people.persons import new_person
from tests.department.roles import as_role
from tests.department.sharing.conftest import AGENCIES

EXAMPLE = Path(__file__).parents[3] / "examples/python/webhook.py"
KEY = b"the department's secret"
AGREED = (
    (
        "INSERT INTO ledger_agency (name, kind, allowed, note, ori)"
        " VALUES ('oakdale-pd', 'in_state', true, '', 'CA0010100')"
    ),
    "UPDATE ledger_agency SET confirmed_by = 's.avila', confirmed_at = now()",
    (
        "INSERT INTO ledger_verification (agency, says, until, person)"
        " VALUES ('oakdale-pd', 'x', current_date + 9, 'r.manager')"
    ),
    (
        "INSERT INTO ledger_sharing (agency, says, purposes, scope, begins, ends, person)"
        " VALUES ('oakdale-pd', '12', '{hot list alarm}', '{release}', current_date, current_date + 9, 'r.manager')"
    ),
    "UPDATE ledger_sharing SET confirmed_by = 's.avila', confirmed_at = now()",
)


@dataclass
class Oakdale:
    """An agency whose receiver answers as it is told."""

    dispatch: Dispatch
    number: int
    answers: list[int] = field(default_factory=list)
    """What it answers next; then 204."""
    received: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    sender: WebhookSender = field(default_factory=lambda: WebhookSender(KEY, agency="riverside", custodian="records"))

    def __post_init__(self) -> None:
        self.sender.post = self._post

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        answer = self.answers.pop(0) if self.answers else 204
        if answer != 204:
            raise HTTPException(f"answered {answer}")
        again = signed_headers(
            secret_of(KEY, self.number), headers["webhook-id"], body, at=int(headers["webhook-timestamp"])
        )
        assert headers == again
        assert PLATE not in f"{url}{body!r}{headers}"
        self.received.append((headers["webhook-id"], json.loads(body)))

    def send(self) -> int:
        with as_role(COMMAND):
            return self.sender.send_waiting()

    def due(self) -> None:
        """Have the time for another try come."""
        self.dispatch.act("UPDATE alerts_webhook SET next_at = now()")

    def deliveries(self) -> list[tuple[object, ...]]:
        return self.dispatch.asked(
            "SELECT max(value) FILTER (WHERE field = 'delivered'), max(value) FILTER (WHERE field = 'number')"
            " FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = 'webhook_delivered'"
            " AND ledger_entry.at > %s GROUP BY number ORDER BY number",
            self.dispatch.post.now,
        )


TABLES = ("alerts_webhook", "alerts_delivery", *AGENCIES)


@pytest.fixture
def oakdale(dispatch: Dispatch) -> Iterator[Oakdale]:
    new_person("r.manager", DepartmentRole.RECORDS_MANAGER)
    new_person("s.avila", DepartmentRole.SUPERVISOR)
    with psycopg.connect(dispatch.where, user=SUPERUSER, autocommit=True) as superuser:
        empty(superuser, *TABLES)
    for statement in AGREED:
        dispatch.act(statement)
    with as_role(OWNER):
        number = add_webhook("oakdale-pd", "https://cad.oakdale.example/platepost?a=1", person="root")
    yield Oakdale(dispatch, number)
    with psycopg.connect(dispatch.where, user=SUPERUSER, autocommit=True) as superuser:
        empty(superuser, *TABLES)


def decided(dispatch: Dispatch, holder: AlertActor, group: str | None = None) -> int:
    """Have somebody reject a hit; return it."""
    alert = dispatch.alert(group).record_id
    with as_role(COMMAND):
        actor = AlertActor(holder.person, dispatch.opened(group) if group else None)
        actions.take(actor, alert, 0)
        actor = AlertActor(holder.person, dispatch.opened(group) if group else None)
        actions.reject(actor, alert, 1, AlertRejection(RejectReason.MISREAD))
    return alert


def test_vector_of_the_standard_s_own_library() -> None:
    """As `standardwebhooks` 1.1.0 signs it."""
    headers = signed_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        at=1614265330,
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_in_order_again_until_taken_and_entered(oakdale: Oakdale) -> None:
    holder = oakdale.dispatch.person("a.rivera")
    alert = oakdale.dispatch.alert()
    with as_role(COMMAND):
        actions.take(holder, alert.record_id, 0)
        actions.confirm(holder, alert.record_id, 1, same())
        actions.system_active(holder, alert.record_id, 2)
        actions.system_cleared(holder, alert.record_id, 3)
    oakdale.answers = [503, 302]
    assert oakdale.send() == 0
    assert oakdale.send() == 0, "it is not tried at once"
    assert oakdale.answers == [302]
    oakdale.due()
    assert oakdale.send() == 0
    with as_role(OWNER):
        assert [(each.waiting, each.last_error) for each in webhooks()] == [(2, "answered 302")]
    assert (oakdale.received, oakdale.deliveries()) == ([], [])
    oakdale.due()
    assert oakdale.send() == 2
    assert oakdale.send() == 0
    fields = [(name, message["type"]) for name, message in oakdale.received]
    wanted = [
        (f"decision-{alert.hit}-{number}", f"decision.{what}") for number, what in ((3, "actionable"), (4, "rejected"))
    ]
    assert fields == wanted
    data = oakdale.received[0][1]["data"]
    assert isinstance(data, dict)
    assert (data["hit"], data["reason"], data["agency"]) == (alert.hit, "active", "riverside")
    assert oakdale.deliveries() == [("true", "3"), ("true", "4")]


def test_nothing_covert_is_told(oakdale: Oakdale) -> None:
    holder = oakdale.dispatch.person("a.rivera")
    join_covert(holder.person, GROUP)
    decided(oakdale.dispatch, holder, GROUP)
    assert oakdale.send() == 0
    assert oakdale.dispatch.asked("TABLE alerts_delivery") == []


OVER = (
    "UPDATE ledger_agency SET allowed = false",
    "UPDATE ledger_sharing SET ended_at = now(), ended_by = 'r.manager'",
    "UPDATE alerts_webhook SET ended_at = now()",
)


@pytest.mark.parametrize("over", OVER)
def test_who_may_be_told_no_more_is_not(oakdale: Oakdale, over: str) -> None:
    holder = oakdale.dispatch.person("a.rivera")
    decided(oakdale.dispatch, holder)
    oakdale.dispatch.act(over)
    decided(oakdale.dispatch, holder)
    assert oakdale.send() == 0
    assert len(oakdale.dispatch.asked("TABLE alerts_delivery")) == 1


def test_what_cannot_be_told_for_a_day_is_given_up(oakdale: Oakdale) -> None:
    holder = oakdale.dispatch.person("a.rivera")
    decided(oakdale.dispatch, holder)
    oakdale.dispatch.act("UPDATE alerts_decision SET at = at - %s", GIVE_UP)
    decided(oakdale.dispatch, holder)
    assert oakdale.send() == 1, "the later one does not wait for it"
    assert oakdale.deliveries() == [("false", "2"), ("true", "2")]
    assert (len(oakdale.received), oakdale.send()) == (1, 0)


@pytest.mark.parametrize(("scheme", "begins"), [("http", b"H"), ("https", b"\x16\x03\x03\x40\x00")])
def test_a_receiver_that_answers_a_byte_at_a_time_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch, scheme: str, begins: bytes
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.5)
    over = Event()

    def drip(server: socket.socket) -> None:
        with server.accept()[0] as receiver, suppress(OSError):
            receiver.sendall(begins)
            while not over.wait(0.1):
                receiver.send(b"H")

    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = Thread(target=drip, args=[server])
        dripping.start()
        with pytest.raises((OSError, HTTPException)):
            post_message(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/", b"{}", {})
        over.set()
        dripping.join()


@pytest.mark.parametrize("status", [302, 500])
def test_an_answer_that_takes_nothing_is_a_failure_and_leads_nowhere(status: int) -> None:
    def answer(server: socket.socket) -> None:
        with server.accept()[0] as receiver:
            receiver.recv(4096)
            receiver.sendall(b"HTTP/1.1 %d No\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n" % status)

    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = Thread(target=answer, args=[server])
        answering.start()
        with pytest.raises(HTTPException, match=f"answered {status}"):
            post_message(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {})
        answering.join()


def test_webhook_of_nobody_or_in_the_clear_is_refused(oakdale: Oakdale) -> None:
    with as_role(OWNER):
        with pytest.raises(PurposeError, match="not in the register"):
            add_webhook("elsewhere-pd", "https://cad.example/", person="root")
        for url in ("http://cad.example/", "https://", "cad.example"):
            with pytest.raises(AlertError, match="begins with https"):
                add_webhook("oakdale-pd", url, person="root")
        wrong = ("https://u:p@cad.example/", "https://cad.example:99999/", "https://cad.example/\u00fc")
        for url in (*wrong, "https://cad..example/", f"https://{'c' * 64}.example/"):
            with pytest.raises(AlertError, match="cannot have this address"):
                add_webhook("oakdale-pd", url, person="root")
        end_webhook(oakdale.number, person="root")
        with pytest.raises(AlertError, match="has ended"):
            end_webhook(oakdale.number, person="root")
    for url in ("ftp://cad.example/", "https://a b/", "http://localhost.example/"):
        with pytest.raises(psycopg.errors.CheckViolation):
            oakdale.dispatch.act("INSERT INTO alerts_webhook (agency, url) VALUES ('x', %s)", url)


@contextmanager
def receiving(secret: str, example: Path = EXAMPLE, **more: str) -> Iterator[tuple[str, IO[str]]]:
    """Run an example; give its address, and the lines that it prints."""
    command = [sys.executable, str(example), "127.0.0.1:0"]
    environment = {**os.environ, "WEBHOOK_SECRET": secret, **more}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1], process.stdout
        finally:
            process.kill()


def test_the_example_takes_what_is_proved_once(oakdale: Oakdale) -> None:
    holder, secret = oakdale.dispatch.person("a.rivera"), secret_of(KEY, oakdale.number)
    with receiving(secret) as (where, lines):
        oakdale.dispatch.act("UPDATE alerts_webhook SET url = %s", where)
        oakdale.sender.post = post_message
        alert = decided(oakdale.dispatch, holder)
        assert oakdale.send() == 1
        ((hit,),) = oakdale.dispatch.asked("SELECT hit FROM alerts_alert WHERE record_id = %s", alert)
        assert f"hit {hit} is none (misread)" in lines.readline()
        now = int(datetime.now(UTC).timestamp())
        fields = {"hit": hit, "number": 1, "time": "T", "post": "p", "decision": "actionable", "reason": "active"}
        body = json.dumps({"data": fields}).encode()
        post_message(where, body, signed_headers(secret, "older", body, at=now))
        forged = signed_headers("whsec_AAAA", "x", body, at=now)
        for headers in (forged, signed_headers(secret, "x", body, at=now - 400), {}):
            with pytest.raises(HTTPException, match="answered 401"):
                post_message(where, body, headers)
        last = json.dumps({"data": {**fields, "number": 9, "decision": "withdrawn"}}).encode()
        post_message(where, last, signed_headers(secret, "last", last, at=now))
        assert "TAKEN BACK" in lines.readline(), "nothing of the older, the forged and the old one"
    with pytest.raises(OSError, match="refused"):
        post_message(where, body, forged)


class MailServer(socketserver.StreamRequestHandler):
    """Stands in for a mail server: takes every message, or none while `refuses`."""

    refuses = False
    taken: ClassVar[list[str]] = []

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while command := self.rfile.readline():
            line = command.upper()  # smtplib writes "data" in small letters
            if line.startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.taken.append(text.decode())
            if line.startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"451 later\r\n" if self.refuses and line.startswith(b"MAIL") else b"250 fine\r\n")


def test_officers_are_alerted_by_mail_without_a_plate(oakdale: Oakdale) -> None:
    """By the other example, at a stand-in of a mail server: again until that takes it, and of a supervisor's alone."""
    holder, secret = oakdale.dispatch.person("a.rivera"), secret_of(KEY, oakdale.number)
    oakdale.sender.post = post_message
    MailServer.taken.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer) as mail:
        Thread(target=mail.serve_forever, daemon=True).start()
        where = {
            "SMTP_SERVER": f"127.0.0.1:{mail.server_address[1]}",
            "MAIL_FROM": "hits@city.example",
            "MAIL_TO": "patrol@city.example,6505550100@sms.example",
        }
        with receiving(secret, EXAMPLE.with_name("notify.py"), **where) as (address, _):
            oakdale.dispatch.act("UPDATE alerts_webhook SET url = %s", address)
            decided(oakdale.dispatch, holder)
            assert oakdale.send() == 1
            assert MailServer.taken == [], "a rejection is nothing to act on"
            alert = oakdale.dispatch.alert()
            with as_role(COMMAND):
                actions.take(holder, alert.record_id, 0)
                actions.confirm(holder, alert.record_id, 1, same())
                actions.system_active(holder, alert.record_id, 2)
            MailServer.refuses = True
            assert oakdale.send() == 0
            MailServer.refuses = False
            oakdale.dispatch.act("UPDATE alerts_webhook SET next_at = now()")
            assert oakdale.send() == 1
        (text,) = MailServer.taken
        assert "officers may act" in text
        assert alert.hit in text
        assert PLATE not in text
        with receiving(secret, EXAMPLE.with_name("notify.py"), **where, NOTIFY="rejected") as (address, _):
            oakdale.dispatch.act("UPDATE alerts_webhook SET url = %s", address)
            decided(oakdale.dispatch, holder)
            assert oakdale.send() == 1
        assert "HIT REJECTED" in MailServer.taken[-1]
        mail.shutdown()


def test_held_list_is_sent_once_and_so_is_its_end_to_webhooks_that_want_it(oakdale: Oakdale) -> None:
    act, sender = oakdale.dispatch.act, oakdale.sender

    def send() -> int:
        act("UPDATE alerts_webhook SET next_at = now()")
        with as_role(COMMAND):
            return sender.send_lists()

    held = "INSERT INTO lists_request (kind, state, message) VALUES ('delta', 'held', '6 entries after 205')"
    act(held)
    assert send() == 0, "it did not ask for it"
    act("UPDATE alerts_webhook SET lists = true")
    oakdale.answers = [503]
    assert (send(), send(), send()) == (0, 1, 0)
    kind, message = oakdale.received[-1]
    assert kind.startswith("list-")
    assert message["type"] == "list.held"
    data = message["data"]
    assert isinstance(data, dict)
    assert (data["kind"], data["reason"], data["held"]) == ("delta", "6 entries after 205", True)
    act("INSERT INTO lists_request (kind, state, version, published_at) VALUES ('complete', 'published', 7, now())")
    assert (send(), send()) == (1, 0)
    assert oakdale.received[-1][1]["type"] == "list.released"
    act("UPDATE ledger_sharing SET ended_at = now(), ended_by = 'r.manager'")
    act(held)
    assert send() == 0, "nothing is agreed any longer"
