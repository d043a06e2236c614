"""An agency of the register that is told of decisions by webhook, and its receiver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import IO, TYPE_CHECKING

from platepost.department.alerts import actions
from platepost.department.alerts.actions import AlertActor, AlertRejection
from platepost.department.alerts.states import RejectReason
from platepost.department.alerts.webhooks import WebhookSender, secret_of, signed_headers
from platepost.department.database.roles import COMMAND, WEBHOOK
from platepost.department.federation.identity import FederationIdentity
from tests.department.roles import as_role

if TYPE_CHECKING:  # it has a fixture of this
    from tests.department.alerts.conftest import Dispatch

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


OVER = (
    "UPDATE ledger_agency SET allowed = false",
    "UPDATE ledger_sharing SET ended_at = now(), ended_by = 'r.manager'",
    "UPDATE alerts_webhook SET ended_at = now()",
)
"""Each ends what may be released to the agency."""


@dataclass
class Oakdale:
    """An agency whose receiver answers as it is told."""

    dispatch: Dispatch
    number: int
    client: FederationIdentity
    answers: list[int] = field(default_factory=list)
    """What it answers next; then 204."""
    received: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    sender: WebhookSender = field(init=False)

    def __post_init__(self) -> None:
        self.sender = WebhookSender(KEY, agency="riverside", custodian="records", client=self.client)
        self.sender.post = self._post

    def _post(self, url: str, body: bytes, headers: dict[str, str], context: object) -> None:
        assert context is None
        answer = self.answers.pop(0) if self.answers else 204
        if answer != 204:
            raise HTTPException(f"answered {answer}")
        again = signed_headers(
            secret_of(KEY, self.number), headers["webhook-id"], body, at=int(headers["webhook-timestamp"])
        )
        assert headers == again
        assert self.dispatch.plate not in f"{url}{body!r}{headers}"
        self.received.append((headers["webhook-id"], json.loads(body)))

    def send(self) -> int:
        with as_role(WEBHOOK):
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


def decided(dispatch: Dispatch, holder: AlertActor, group: str | None = None) -> int:
    """Have someone reject a hit; return it."""
    alert = dispatch.alert(group).record_id
    with as_role(COMMAND):
        actor = AlertActor(holder.person, dispatch.opened(group) if group else None)
        actions.take(actor, alert, 0)
        actor = AlertActor(holder.person, dispatch.opened(group) if group else None)
        actions.reject(actor, alert, 1, AlertRejection(RejectReason.MISREAD))
    return alert


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
