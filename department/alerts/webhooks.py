"""Tells agencies of the register what was decided about hits, by webhook, for their dispatch systems.

As Standard Webhooks says: signed, in order, again until it is taken, for a day. A message has no name, and a plate
for a receiver with a certificate alone: see `platepost.department.alerts.plate_release`. What else an agency may hear
of a hit it hears at the broker, by the fleet's rights. Nothing of a covert group is sent.
"""

import hmac
import json
import re
import socket
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ssl import SSLContext, create_default_context
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from django.db import connection

from platepost.department.alerts.decisions import decision_of
from platepost.department.alerts.errors import AlertError
from platepost.department.alerts.plate_release import known_receiver, released_hit, require_mutual_tls
from platepost.department.database.queries import rows
from platepost.department.errors import DepartmentError
from platepost.department.federation.identity import FederationIdentity
from platepost.department.ledger.agency_register import require_agreed
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.writing import entering
from platepost.department.lists.models import ListRequest
from platepost.department.policy.policy import ALARM

SECONDS = 10.0
"""That a receiver has for each answer, all of it."""
RETRY_SECONDS = (5, 15, 60, 300, 900)
"""Between tries; the last one again and again."""
GIVE_UP = timedelta(hours=24)
"""After which no one needs to be told any more."""
FAILURES = (OSError, HTTPException, UnicodeError, DepartmentError)
"""Why a message is not taken, and sent again; UnicodeError where a host's name is none."""
_LIST_WEBHOOKS = (
    "SELECT webhook, agency, url, failures, list_held, certificate FROM alerts_list_webhook ORDER BY webhook"
)
_UNDELIVERED = "SELECT * FROM alerts_undelivered ORDER BY id LIMIT 200"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an agency is told of decisions."""

    number: int
    agency: str
    url: str
    ended_at: datetime | None
    refused: str | None
    """Why it is told nothing now; None where it is."""
    waiting: int
    """Decisions that it was not told yet."""
    last_error: str
    """Why the last try failed; empty where it did not."""
    receives_plates: bool


@dataclass(frozen=True, slots=True)
class UndeliveredDecision:
    """One that a webhook is to be told, as the database has it."""

    webhook: int
    agency: str
    url: str
    failures: int
    id: int
    post: str
    hit: str
    number: int
    at: datetime
    decision: str
    reason: str
    certificate: str | None
    """By which its receiver is known, PEM; None where it receives no plates."""
    record: int
    releases: bool
    """Whether the plate goes along."""


def add_webhook(agency: str, url: str, *, person: str, lists: bool = False, certificate: bytes | None = None) -> int:
    """Have an agency be told of decisions from now on, as the owner; return the webhook's number.

    Args:
        agency: one of the register, with an agreement about releases for the purpose of alarms.
        url: `https://...`, or `http://localhost...`.
        person: who adds it.
        lists: whether it is sent that a hot list is held, too.
        certificate: the receiver's, PEM, or its authority's: it receives plates then, by mutual TLS.

    Raises:
        PurposeError: nothing may be released to the agency.
        AlertError: the address, or the certificate, will not do.
        LedgerError: it cannot be entered.

    """
    require_agreed(agency, ALARM, scope="release")
    _require_fit(url)
    fields = {"person": person, "agency_name": agency, "url": url}
    pem = None
    if certificate is not None:
        pem, fields["certificate_digest"] = known_receiver(certificate)
        if not url.startswith("https:"):
            raise AlertError("Plates go by mutual TLS alone: the address begins with https://.")
    with entering(LedgerEvent.WEBHOOK_ADDED, fields) as noted, connection.cursor() as cursor:
        query = "INSERT INTO alerts_webhook (agency, url, lists, certificate) VALUES (%s, %s, %s, %s) RETURNING id"
        values: list[str | bool | None] = [agency, url, lists, pem]
        cursor.execute(query, values)
        (noted["webhook"],) = cursor.fetchone() or (0,)
    return int(noted["webhook"])


def _require_fit(url: str) -> None:
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        fits = parts.port != 0 and "@" not in parts.netloc and re.fullmatch(r"[!-~]+", url)
    except ValueError:  # a port, or a name, that is none
        fits = None
    if not fits:
        raise AlertError("A webhook cannot have this address: it needs a host name, no spaces, and ASCII only.")
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}):
        raise AlertError("A webhook begins with https://; http is for this machine alone.")


def end_webhook(number: int, *, person: str) -> None:
    """Tell a webhook nothing more, as the owner. Raises AlertError: there is none, or it has ended."""
    fields = {"person": person, "webhook": number}
    with entering(LedgerEvent.WEBHOOK_ENDED, fields), connection.cursor() as cursor:
        cursor.execute("UPDATE alerts_webhook SET ended_at = now() WHERE id = %s AND ended_at IS NULL", [number])
        if not cursor.rowcount:
            raise AlertError("There is no such webhook, or it has ended.")


def webhooks() -> list[Webhook]:
    """Return all, by number, as the owner."""
    fetched = rows(
        "SELECT id, agency, url, ended_at, ledger_agency_refusal(agency, %s, 'release', clock_timestamp()),"
        " (SELECT count(*) FROM alerts_delivery WHERE webhook_id = hook.id AND over_at IS NULL), last_error,"
        " certificate IS NOT NULL"
        " FROM alerts_webhook AS hook ORDER BY id",
        [ALARM],
    )
    return [Webhook(*row) for row in fetched]


def secret_of(key: bytes, webhook: int) -> str:
    """Return what a webhook's messages are signed with, as its receiver is given it.

    Args:
        key: the department's secret.
        webhook: its number.

    """
    return f"whsec_{b64encode(hmac.digest(key, f'webhook {webhook}'.encode(), 'sha256')).decode()}"


def signed_headers(secret: str, identifier: str, body: bytes, *, at: int) -> dict[str, str]:
    """Return the headers of a message, as Standard Webhooks 1.0 has them.

    Args:
        secret: `whsec_...`.
        identifier: of the message, the same at each try.
        body: what is sent.
        at: seconds since 1970.

    """
    signed = b"%s.%d.%s" % (identifier.encode(), at, body)
    digest = hmac.digest(b64decode(secret.removeprefix("whsec_")), signed, "sha256")
    return {
        "content-type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }


def post_message(url: str, body: bytes, headers: dict[str, str], context: SSLContext | None = None) -> None:
    """Send a message. No redirect is followed.

    Args:
        url: where to.
        body: what is sent.
        headers: of the message.
        context: how to connect; as the system trusts, with no certificate of our own, where it is None.

    Raises:
        OSError: it was not sent, or there was no answer.
        HTTPException: what was answered is no HTTP, or not that it was taken.

    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    sent = kind(parts.hostname or "", parts.port)
    with socket.create_connection((sent.host, sent.port), SECONDS) as plain, plain.dup() as whole:
        # Of the whole, with TLS: each byte restarts the socket's own, and other agencies wait behind this one.
        limit = Timer(SECONDS, _cut_off, [whole])
        limit.start()
        try:
            tls = (context or create_default_context()) if parts.scheme == "https" else None
            sent.sock = tls.wrap_socket(plain, server_hostname=sent.host) if tls else plain
            sent.request("POST", f"{parts.path or '/'}{parts.query and '?'}{parts.query}", body, headers)
            status = sent.getresponse().status
        finally:
            limit.cancel()
            sent.close()
    if status // 100 != 2:
        raise HTTPException(f"answered {status}")


def _cut_off(whole: socket.socket) -> None:
    with suppress(OSError):  # it is over
        whole.shutdown(socket.SHUT_RDWR)


class WebhookSender:
    """Sends what waits, as a role of the database of its own.

    Args:
        key: the department's secret.
        agency: the department's, as in the topics.
        custodian: its custodian's name.
        client: what receivers of plates know the department by.

    """

    def __init__(self, key: bytes, *, agency: str, custodian: str, client: FederationIdentity) -> None:
        self._key = key
        self._client = client
        self._who = {"agency": agency, "custodian": custodian}
        self.post: Callable[[str, bytes, dict[str, str], SSLContext | None], None] = post_message

    def send_waiting(self) -> int:
        """Tell each webhook what waits, in order, until one fails; return how many messages were taken.

        What is older than a day is sent to no one, also where nothing was sent meanwhile, or nothing agreed.

        Raises:
            LedgerError: one was taken and cannot be entered: it is sent again.

        """
        waiting = [UndeliveredDecision(*row) for row in rows(_UNDELIVERED)]
        taken, failed = 0, set[int]()
        for delivery in waiting:
            if delivery.webhook in failed:
                continue
            if datetime.now(UTC) - delivery.at > GIVE_UP:
                self._end(delivery, delivered=False)
                continue
            try:
                self._send(delivery)
            except LedgerError:
                raise
            except FAILURES as error:
                failed.add(delivery.webhook)
                self._wait(delivery.webhook, delivery.failures, str(error) or type(error).__name__)
            else:
                taken += 1
                self._end(delivery, delivered=True)
        return taken

    def send_lists(self) -> int:
        """Notify the webhooks that are to know when a hot list is held, and when no longer; return how many took it.

        Raises:
            LedgerError: one was taken and cannot be entered: it is sent again.

        """
        held = ListRequest.held()
        newest = max(held, key=lambda delivery: delivery.pk, default=None)
        number, taken = newest.pk if newest else None, 0
        for webhook, agency, url, failures, sent, certificate in rows(_LIST_WEBHOOKS):
            if sent == number:
                continue
            data = {**self._who, "request": number or sent, "held": newest is not None}
            if newest is not None:
                data |= {"kind": newest.kind, "since": newest.at.isoformat(), "reason": newest.message}
            moment = datetime.now(UTC)
            message = {
                "type": f"list.{'held' if newest else 'released'}",
                "timestamp": moment.isoformat(),
                "data": data,
            }
            identifier = f"list-{number or sent}-{'held' if newest else 'released'}"
            try:
                self._post(webhook, url, identifier, message, self._context(certificate))
            except FAILURES as error:
                self._wait(webhook, failures, str(error) or type(error).__name__)
                continue
            taken += 1
            fields = {"webhook": webhook, "agency_name": agency, "request": number or sent, "held": newest is not None}
            with entering(LedgerEvent.WEBHOOK_LIST, fields), connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE alerts_webhook SET list_held = %s, failures = 0, last_error = '' WHERE id = %s",
                    [number, webhook],
                )
        return taken

    def _send(self, undelivered: UndeliveredDecision) -> None:
        decision = decision_of(
            self._who,
            undelivered.post,
            undelivered.hit,
            undelivered.number,
            undelivered.at,
            undelivered.decision,
            undelivered.reason,
        )
        data = decision.model_dump(mode="json")
        message = {"type": f"decision.{undelivered.decision}", "timestamp": data["time"], "data": data}
        context = self._context(undelivered.certificate)
        where = (undelivered.webhook, undelivered.url)
        if context and undelivered.releases:
            # Each time, and first: no plate is read for a receiver that could not have it.
            test = partial(self._post, *where, f"test-{time.time_ns()}", {"type": "test", "data": {}})
            require_mutual_tls(test, context, str(undelivered.certificate))
            message["hit"] = released_hit(undelivered.webhook, undelivered.id, undelivered.record)
        self._post(*where, f"decision-{undelivered.hit}-{undelivered.number}", message, context)

    def _context(self, certificate: str | None) -> SSLContext | None:
        return self._client.context([certificate], server=False) if certificate else None

    def _post(
        self, webhook: int, url: str, identifier: str, message: Mapping[str, Any], context: SSLContext | None
    ) -> None:
        body, secret = json.dumps(message).encode(), secret_of(self._key, webhook)
        self.post(url, body, signed_headers(secret, identifier, body, at=int(time.time())), context)

    @staticmethod
    def _wait(webhook: int, failures: int, why: str) -> None:
        """Note why a webhook was not told, and when it is tried again."""
        wait = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
        rows(
            "UPDATE alerts_webhook SET failures = failures + 1, last_error = %s, next_at = clock_timestamp()"
            " + %s * interval '1 s' WHERE id = %s RETURNING id",
            [why[:200], wait, webhook],
        )

    @staticmethod
    def _end(undelivered: UndeliveredDecision, *, delivered: bool) -> None:
        """Note that a decision was told, or never will be."""
        fields = {
            "webhook": undelivered.webhook,
            "agency_name": undelivered.agency,
            "hit": undelivered.hit,
            "number": undelivered.number,
            "delivered": delivered,
        }
        more = {"plate": True} if delivered and undelivered.releases else {}
        with entering(LedgerEvent.WEBHOOK_DELIVERED, {**fields, **more}), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE alerts_delivery SET over_at = now(), delivered = %s WHERE webhook_id = %s AND decision_id = %s",
                [delivered, undelivered.webhook, undelivered.id],
            )
            if delivered:
                cursor.execute(
                    "UPDATE alerts_webhook SET failures = 0, last_error = '' WHERE id = %s", [undelivered.webhook]
                )
