"""`platepost provision subscriber`: who reads the fleet's records."""

import functools

import click

from provisioning.commands.options import BROKER, FLEET, JSON, RELOAD, FleetSession, acting
from provisioning.commands.revoke import Revocation, take_out
from provisioning.errors import ProvisioningError
from provisioning.fleet.broker_reload import reload_broker


@click.group()
def subscriber() -> None:
    """Add subscribers to a fleet, and revoke them."""


@subscriber.command(
    "add",
    epilog="""\b
Examples:
  platepost provision subscriber add fleet/ records-keeper --purpose "the archive"
  platepost provision subscriber add fleet/ task-force --covert narcotics --purpose "operation of May"
""",
)
@FLEET
@click.argument("name")
@click.option(
    "--covert",
    "groups",
    multiple=True,
    metavar="GROUP",
    help="A distribution group whose covert hits NAME reads too; give it once for each.",
)
@acting
def subscriber_add(*, session: FleetSession, name: str, groups: tuple[str, ...]) -> None:
    """Make the identity of NAME, who reads every record of the fleet of DIRECTORY but hits of covert entries."""
    fleet = session.fleet
    with session.doing("subscriber_added", object=name):
        folder = fleet.add_subscriber(name, groups=groups)
    session.did("subscriber_added", object=name, details={"groups": list(groups)})
    click.echo(f"Subscriber {name} made in {folder}; restart a running mosquitto.")


@subscriber.command(
    "revoke",
    epilog="""\b
Example:
  platepost provision subscriber revoke fleet dispatch --reload "systemctl restart mosquitto" --purpose "laptop stolen"
""",
)
@FLEET
@click.argument("name")
@BROKER
@RELOAD
@acting
@JSON
def subscriber_revoke(
    *,
    session: FleetSession,
    name: str,
    broker: str | None,
    reload_command: str | None,
    as_json: bool,
) -> None:
    """Revoke the certificates of NAME, have the broker refuse them, end its session, and prove it.

    What waits for it at the broker is thrown away. The name can be given again.
    """
    fleet = session.fleet
    if name not in fleet.subscribers():
        known = ", ".join(fleet.subscribers()) or "none"
        raise ProvisioningError(f"{name!r} is no subscriber of this fleet; it has: {known}")
    address = broker or fleet.broker_address
    reload = functools.partial(reload_broker, fleet, reload_command)
    revoke = functools.partial(take_out, fleet, fleet.subscriber(name), address, reload)
    revocation = Revocation(session, "subscriber", name, address, f"{name} is locked out")
    revocation.carry_out(revoke, as_json=as_json)
