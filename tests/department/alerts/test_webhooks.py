"""Agencies are told of decisions by webhook: proved, in order, again until taken, with a plate by mutual TLS alone."""

import json
import socket
import socketserver
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPException
from threading import Event, Thread
from typing import ClassVar

import psycopg
import pytest

from platepost.department.alerts import actions
from platepost.department.alerts import webhooks as sending
from platepost.department.alerts.errors import AlertError
from platepost.department.alerts.webhooks import (
    GIVE_UP,
    add_webhook,
    end_webhook,
    post_message,
    secret_of,
    signed_headers,
    webhooks,
)
from platepost.department.database.roles import COMMAND, OWNER, WEBHOOK
from platepost.department.people.services import join_covert
from platepost.department.policy.errors import PurposeError
from tests.department.alerts.conftest import PLATE, same
from tests.department.alerts.receivers import EXAMPLE, KEY, OVER, Oakdale, decided, receiving
from tests.department.custody.posts import GROUP
from tests.department.roles import as_role


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
        with as_role(WEBHOOK):
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
