"""`platepost department federate`: partner departments are answered, and asked for what they owe."""

import json

import click

from platepost.common.signals import stop_on_signals
from platepost.department.database.roles import FEDERATION, KEEPER
from platepost.department.database.users import settle as settle_users
from platepost.department.federation.asking import settle as settle_exchanges
from platepost.department.federation.identity import FederationIdentity
from platepost.department.federation.server import FederationServer
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON, web_option
from platepost.department.session import working_as
from platepost.provisioning.connection import split_address


@click.group()
def federate() -> None:
    """Exchange queries with partner departments, under registered agreements."""


@federate.command(
    epilog="""\b
Example:
  platepost department federate certificate vault --host plates.riverside.example > riverside.pem
"""
)
@FOLDER
@click.option("--host", "hosts", multiple=True, help="Name or address at which partners reach the server.")
@click.option("--again", is_flag=True, help="Make a new key; every partner then needs the new certificate.")
@JSON
def certificate(*, folder: DepartmentFolder, hosts: tuple[str, ...], again: bool, as_json: bool) -> None:
    """Print the certificate that identifies FOLDER's department to partners; create it the first time.

    Hand it to each partner in person, or have them read its digest back to you: it alone identifies you.
    """
    identity = FederationIdentity(folder.settings.agency, folder.federation)
    if again or not identity.certificate.exists():
        if not hosts:
            raise click.UsageError("to make it, give --host, where partners reach the server")
        identity.make(hosts)
        settle_users(folder)
    pem = identity.certificate.read_text("ascii")
    click.echo(json.dumps({"agency": identity.agency, "certificate": pem}) if as_json else pem, nl=as_json)


@federate.command(
    epilog="""\b
Example:
  platepost department federate serve /var/lib/platepost-department --web 0.0.0.0:8602
"""
)
@FOLDER
@web_option(8602)
def serve(*, folder: DepartmentFolder, web: str | None) -> None:
    """Answer partners of FOLDER over TLS, each identified by its certificate, until Ctrl-C or SIGTERM."""
    where = web or folder.settings.federation_web
    with stop_on_signals() as stop, working_as(folder, FEDERATION, pooled=True):
        server = FederationServer(*split_address(where))
        click.echo(f"Partners are answered at https://{where}. Ctrl-C ends it.")
        server.run_until(stop)


@federate.command(
    epilog="""\b
Example:
  platepost department federate settle /var/lib/platepost-department      # as `nightly` does
"""
)
@FOLDER
@JSON
def settle(*, folder: DepartmentFolder, as_json: bool) -> None:
    """Fetch ledger entries for answers that reached FOLDER too late, so that both ledgers have them."""
    with working_as(folder, KEEPER):
        counts = settle_exchanges()
    click.echo(json.dumps(counts) if as_json else ", ".join(f"{count} {what}" for what, count in counts.items()) + ".")
