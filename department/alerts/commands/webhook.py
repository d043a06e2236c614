"""`platepost department webhook`: which agencies are told of decisions by webhook, and the service that tells them."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from platepost.common.signals import stop_on_signals
from platepost.common.systemd import Notifier
from platepost.department.alerts.webhooks import WebhookSender, add_webhook, end_webhook, secret_of, webhooks
from platepost.department.database.roles import OWNER, WEBHOOK
from platepost.department.database.users import settle
from platepost.department.federation.identity import FederationIdentity
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON, NUMBER
from platepost.department.session import working_as

_POLL_SECONDS = 0.5


@click.group()
def webhook() -> None:
    """Notify registered agencies of decisions about hits: no name, nothing from covert groups, and no plate.

    Only a receiver that is added with its certificate gets plates, by mutual TLS.
    """


@webhook.command(
    epilog="""\b
Examples:
  platepost department webhook add vault oakdale-pd https://cad.oakdale.example/platepost
  platepost department webhook add vault own-patrol http://localhost:8701/ --lists
  platepost department webhook add vault oakdale-pd https://cad.oakdale.example/platepost --plates cad.pem
"""
)
@FOLDER
@click.argument("agency")
@click.argument("url")
@click.option("--lists", is_flag=True, help="Notify it, too, when a hot list is held and when it is published again.")
@click.option(
    "--plates",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="CERTIFICATE",
    help="Send plates of hits that officers may act on, to the receiver that shows this certificate (PEM).",
)
@JSON
def add(*, folder: DepartmentFolder, agency: str, url: str, lists: bool, plates: Path | None, as_json: bool) -> None:
    """Notify the registered AGENCY of decisions at URL, and print the secret for its receiver.

    This needs a current agreement that covers releases for the purpose `hot list alarm`. With --plates, the receiver
    must also require this department's certificate: see `webhook certificate`.
    """
    if plates and not _client(folder).certificate.exists():
        raise click.UsageError("first make this department's certificate: `platepost department webhook certificate`")
    with working_as(folder, OWNER):
        certificate = plates.read_bytes() if plates else None
        number = add_webhook(agency, url, person=folder.caller, lists=lists, certificate=certificate)
    secret = secret_of(folder.webhook_key.read_bytes(), number)
    click.echo(json.dumps({"webhook": number, "secret": secret}) if as_json else f"Webhook {number}: {secret}")


@webhook.command(
    epilog="""\b
Examples:
  platepost department webhook certificate vault > riverside.pem
"""
)
@FOLDER
@click.option("--again", is_flag=True, help="Make a new key; every receiver then needs the new certificate.")
@JSON
def certificate(*, folder: DepartmentFolder, again: bool, as_json: bool) -> None:
    """Print the certificate that receivers of plates must require; create it the first time."""
    client = _client(folder)
    if again or not client.certificate.exists():
        client.make([])
        settle(folder)
    pem = client.certificate.read_text("ascii")
    click.echo(json.dumps({"certificate": pem}) if as_json else pem, nl=as_json)


def _client(folder: DepartmentFolder) -> FederationIdentity:
    return FederationIdentity(folder.settings.agency, folder.webhook_client)


@webhook.command(
    epilog="""\b
Examples:
  platepost department webhook end vault 3
"""
)
@FOLDER
@click.argument("number", type=NUMBER)
@JSON
def end(*, folder: DepartmentFolder, number: int, as_json: bool) -> None:
    """Stop sending to webhook NUMBER."""
    with working_as(folder, OWNER):
        end_webhook(number, person=folder.caller)
    click.echo(json.dumps({"webhook": number}) if as_json else f"Webhook {number} has ended.")


@webhook.command(
    "list",
    epilog="""\b
Examples:
  platepost department webhook list vault --json | jq '.[] | select(.said != "")'
""",
)
@FOLDER
@JSON
def list_(*, folder: DepartmentFolder, as_json: bool) -> None:
    """Show the webhooks of FOLDER: whether they are active, how much is waiting, and why the last attempt failed."""
    with working_as(folder, OWNER):
        hooks = webhooks()
    if as_json:
        click.echo(json.dumps([asdict(hook) for hook in hooks], default=str))
    for hook in () if as_json else hooks:
        state = "ended" if hook.ended_at else hook.refused or f"{hook.waiting} waiting"
        state += ", receives plates" if hook.receives_plates else ""
        click.echo(f"{hook.number} {hook.agency} {hook.url}: {state}{hook.last_error and '; '}{hook.last_error}")


@webhook.command(
    epilog="""\b
Examples:
  platepost department webhook send vault
  platepost department webhook send vault --once
"""
)
@FOLDER
@click.option("--once", is_flag=True, help="Try what is waiting once, and exit.")
def send(*, folder: DepartmentFolder, once: bool) -> None:
    """Deliver waiting messages to the webhooks until SIGTERM, as a service. Each arrives at least once, in order.

    Failures are retried for a day. A receiver must answer within ten seconds with a 2xx status.
    """
    settings, key = folder.settings, folder.webhook_key.read_bytes()
    with stop_on_signals() as stop, working_as(folder, WEBHOOK):
        sender = WebhookSender(key, agency=settings.agency, custodian=settings.custodian, client=_client(folder))
        Notifier().ready("Delivers decisions.")
        while not stop.requested:
            sender.send_waiting()
            sender.send_lists()
            if once:
                return
            stop.wait(_POLL_SECONDS)
