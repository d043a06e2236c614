"""The plate of a hit goes to another system by mutual TLS, to an agency with an agreement, and is entered."""

import ssl
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import psycopg
import pytest
from django.db import ProgrammingError, transaction

from platepost.department.alerts import actions
from platepost.department.alerts.actions import AlertActor
from platepost.department.alerts.errors import AlertError
from platepost.department.alerts.webhooks import add_webhook, end_webhook, post_message, secret_of, webhooks
from platepost.department.database.queries import rows
from platepost.department.database.roles import COMMAND, OWNER, WEB, WEBHOOK
from platepost.department.federation.identity import FederationIdentity
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.writing import begin_by
from tests.department.alerts.conftest import PLATE, Dispatch, same
from tests.department.alerts.receivers import KEY, OVER, Oakdale, decided, receiving
from tests.department.ledger.asked import handmade
from tests.department.roles import as_role


@dataclass
class Cad:
    """A receiver of plates: its certificate, and where it is."""

    oakdale: Oakdale
    identity: FederationIdentity

    def environment(self) -> dict[str, str]:
        """Return what the example needs to know for mutual TLS."""
        files = (self.identity.certificate, self.identity.folder / "private_key.pem", self.oakdale.client.certificate)
        return dict(zip(("TLS_CERTIFICATE", "TLS_KEY", "TLS_CLIENT"), map(str, files), strict=True))

    def at(self, url: str) -> None:
        self.oakdale.dispatch.act("UPDATE alerts_webhook SET url = %s, next_at = now()", url)

    def error(self) -> str:
        with as_role(OWNER):
            return webhooks()[0].last_error

    def read(self) -> list[tuple[object, ...]]:
        """Return who read a hit for the webhook, and on whose behalf."""
        return self.oakdale.dispatch.asked(
            "SELECT max(value) FILTER (WHERE field = 'person'), max(value) FILTER (WHERE field = 'on_behalf_of')"
            " FROM ledger_entry AS line JOIN ledger_body USING (entry) WHERE event = 'intent' AND EXISTS ("
            " SELECT FROM ledger_body WHERE entry = line.entry AND field = 'query' AND value::jsonb ? 'webhook')"
            " AND EXISTS (SELECT FROM ledger_entry WHERE refers_to = line.entry AND event = 'shown')"
            " GROUP BY number ORDER BY number"
        )


@pytest.fixture
def cad(oakdale: Oakdale, tmp_path: Path) -> Cad:
    identity = FederationIdentity("oakdale-pd", tmp_path / "cad")
    identity.make(["127.0.0.1"])
    oakdale.client.make([])
    oakdale.sender.post = post_message
    with as_role(OWNER):
        end_webhook(oakdale.number, person="root")
        pem = identity.certificate.read_bytes()
        oakdale.number = add_webhook("oakdale-pd", "https://127.0.0.1:1/", person="root", certificate=pem)
    oakdale.dispatch.act("DELETE FROM alerts_webhook WHERE id <> %s", oakdale.number)
    return Cad(oakdale, identity)


def actionable(dispatch: Dispatch, holder: AlertActor) -> tuple[int, str]:
    """Have someone find that officers may act on a hit; return its record and its name."""
    alert = dispatch.alert()
    with as_role(COMMAND):
        actions.take(holder, alert.record_id, 0)
        actions.confirm(holder, alert.record_id, 1, same())
        actions.system_active(holder, alert.record_id, 2)
    return alert.record_id, alert.hit


def test_a_plate_goes_to_an_agency_with_an_agreement_by_mutual_tls_and_is_entered(cad: Cad) -> None:
    oakdale, holder = cad.oakdale, cad.oakdale.dispatch.person("a.rivera")
    with receiving(secret_of(KEY, oakdale.number), **cad.environment()) as (where, lines):
        assert where.startswith("https://")
        cad.at(where)
        record, hit = actionable(oakdale.dispatch, holder)
        assert oakdale.send() == 1, cad.error()
        line = lines.readline()
        assert f"hit {hit} may be acted upon (active): VERIFIED by eye and in CLETS/NCIC at " in line
        assert f": {PLATE} stolen vehicle, seen: " in line
        assert cad.read() == [(f'"webhook-{oakdale.number}@oakdale-pd"', '"oakdale-pd"')]
        assert oakdale.dispatch.asked(
            "SELECT value FROM ledger_entry JOIN ledger_body USING (entry)"
            " WHERE event = 'webhook_delivered' AND field = 'plate'"
        ) == [("true",)]
        with as_role(COMMAND):
            actions.system_cleared(holder, record, 3)
        decided(oakdale.dispatch, holder)
        assert oakdale.send() == 2
        assert PLATE not in lines.readline() + lines.readline(), "of what is no hit"
        assert len(cad.read()) == 1
        strange = ssl.create_default_context(cafile=str(cad.identity.certificate))
        strange.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        with pytest.raises((ssl.SSLError, ConnectionError)):
            post_message(where, b"{}", {}, strange)


def test_what_was_decided_otherwise_since_has_no_plate(cad: Cad) -> None:
    oakdale, holder = cad.oakdale, cad.oakdale.dispatch.person("a.rivera")
    record, _ = actionable(oakdale.dispatch, holder)
    with as_role(COMMAND):
        actions.system_cleared(holder, record, 3)
    with receiving(secret_of(KEY, oakdale.number), **cad.environment()) as (where, lines):
        cad.at(where)
        assert oakdale.send() == 2
        assert PLATE not in lines.readline() + lines.readline()
    assert cad.read() == []


class Anybody(BaseHTTPRequestHandler):
    """Takes what anyone sends, without a certificate."""

    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(204)
        self.end_headers()


def test_no_plate_for_a_receiver_that_asks_for_no_certificate(cad: Cad) -> None:
    actionable(cad.oakdale.dispatch, cad.oakdale.dispatch.person("a.rivera"))
    open_to_all = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    open_to_all.load_cert_chain(cad.identity.certificate, cad.identity.folder / "private_key.pem")
    Anybody.bodies.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Anybody) as server:
        server.socket = open_to_all.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        cad.at(f"https://127.0.0.1:{server.server_port}/")
        assert cad.oakdale.send() == 0
        server.shutdown()
    assert cad.error() == "It accepts messages without this department's certificate, so no plate is sent to it."
    assert len(Anybody.bodies) == 2, "tests alone"
    assert PLATE.encode() not in b"".join(Anybody.bodies)
    assert cad.read() == []


def test_no_plate_between_strangers(cad: Cad, tmp_path: Path) -> None:
    """A receiver with another certificate, a department with another one, and one with none."""
    oakdale = cad.oakdale
    actionable(oakdale.dispatch, oakdale.dispatch.person("a.rivera"))
    other = FederationIdentity("elsewhere-pd", tmp_path / "other")
    other.make(["127.0.0.1"])
    with receiving(secret_of(KEY, oakdale.number), **Cad(oakdale, other).environment()) as (where, _):
        cad.at(where)
        assert oakdale.send() == 0
    assert "CERTIFICATE_VERIFY_FAILED" in cad.error()
    with receiving(secret_of(KEY, oakdale.number), **cad.environment()) as (where, _):
        cad.at(where)
        (oakdale.client.folder / "private_key.pem").write_bytes((other.folder / "private_key.pem").read_bytes())
        oakdale.client.certificate.write_bytes(other.certificate.read_bytes())
        assert oakdale.send() == 0
        assert cad.error()
        oakdale.client.certificate.unlink()
        cad.at(where)
        assert oakdale.send() == 0
        assert "No such file" in cad.error()
    assert cad.read() == []


@pytest.mark.parametrize("over", [*OVER, "UPDATE alerts_webhook SET certificate = NULL"])
def test_database_opens_no_hit_for_whom_nothing_may_be_released(cad: Cad, over: str) -> None:
    dispatch = cad.oakdale.dispatch
    actionable(dispatch, dispatch.person("a.rivera"))
    ((waiting,),) = dispatch.asked("SELECT decision_id FROM alerts_delivery")

    def released() -> object:
        with as_role(WEBHOOK):
            return begin_by("alerts_release", [cad.oakdale.number, waiting, "0" * 64])

    assert released() is not None
    dispatch.act(over)
    assert released() is None


def test_program_of_webhooks_reads_the_hit_of_a_delivery_alone(cad: Cad) -> None:
    """By SQL as its role: no other record, no read, no entry for a person, and the pages release nothing."""
    dispatch = cad.oakdale.dispatch
    holder = dispatch.person("a.rivera")
    other = dispatch.alert().record_id
    record, _ = actionable(dispatch, holder)
    ((waiting,),) = dispatch.asked("SELECT decision_id FROM alerts_delivery")
    with as_role(WEB), pytest.raises(LedgerError, match="permission denied"):
        begin_by("alerts_release", [cad.oakdale.number, waiting, "0" * 64])
    with as_role(WEBHOOK):
        entry = begin_by("alerts_release", [cad.oakdale.number, waiting, "0" * 64])
        with transaction.atomic():
            rows("SELECT set_config('platepost.entry', %s, true)", [str(entry)])
            for table, name in (("custody_record", "id"), ("alerts_alert", "record_id")):
                assert rows(f"SELECT {name} FROM {table}") == [(record,)]
        assert other != record
        for forbidden in ("SELECT FROM custody_hit", "SELECT FROM lists_entry", "SELECT ledger_begin('', '', '{}')"):
            with pytest.raises(ProgrammingError, match="permission denied"):
                rows(forbidden)
        with pytest.raises(LedgerError, match="may not enter intent"):
            begin_by("ledger_append", ["intent", None, handmade()])


def test_agreement_about_releases_opens_no_search(cad: Cad) -> None:
    """The last check of the ledger takes only the program of a webhook for one."""
    cad.oakdale.dispatch.person("a.rivera")
    fields = (
        '{"person": "a.rivera", "agency": "oakdale-pd", "purpose": "hot list alarm", "case": null, "reason": null,'
        ' "on_behalf_of": "oakdale-pd", "exigent": false, "policy": "",'
        ' "query": {"console": [], "webhook": 1}, "groups": []}'
    )
    with as_role(COMMAND), pytest.raises(LedgerError, match="no active agreement"):
        begin_by("ledger_append", ["intent", None, fields])


def test_receiver_of_plates_needs_a_certificate_and_https(oakdale: Oakdale, cad: Cad) -> None:
    pem = cad.identity.certificate.read_bytes()
    with as_role(OWNER):
        with pytest.raises(AlertError, match="not a certificate"):
            add_webhook("oakdale-pd", "https://cad.oakdale.example/", person="root", certificate=b"x")
        with pytest.raises(AlertError, match="mutual TLS alone"):
            add_webhook("oakdale-pd", "http://localhost/", person="root", certificate=pem)
    with pytest.raises(psycopg.errors.CheckViolation):
        oakdale.dispatch.act("UPDATE alerts_webhook SET url = 'http://localhost/'")
