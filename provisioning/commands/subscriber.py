"""`platepost provision subscriber`: who hears the fleet's records."""

import functools
from datetime import datetime

import click
from pydantic import JsonValue

from platepost.common.commands.options import Date
from platepost.provisioning.commands.options import BROKER, FLEET, JSON, RELOAD, FleetSession, acting
from platepost.provisioning.commands.revoke import Revocation, take_out
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.broker_reload import reload_broker
from platepost.provisioning.fleet.reads import ReadsGrant
from platepost.provisioning.fleet.register import write_register

_READS = click.option(
    "--reads",
    "reason",
    metavar="REASON",
    help="Reason for which NAME also receives reads and the audit trail.",
)
_UNTIL = click.option("--until", type=Date(), help="Last day of --reads, UTC; at most a year ahead.")


@click.group()
def subscriber() -> None:
    """Add subscribers to a fleet, and revoke them."""


@subscriber.command(
    "add",
    epilog="""\b
Examples:
  platepost provision subscriber add fleet/ dispatch --purpose "the console"
  platepost provision subscriber add fleet/ analysis --reads "study of stolen plates, order 31" --until 2027-03-31 \\
      --purpose "order 31 of the chief"
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
    help="A distribution group whose covert hits NAME also receives; repeat for more.",
)
@_READS
@_UNTIL
@acting
def subscriber_add(
    *, session: FleetSession, name: str, groups: tuple[str, ...], reason: str | None, until: datetime | None
) -> None:
    """Create subscriber NAME, who receives hits, status and health from every post in the fleet of DIRECTORY.

    Reads and the audit trail need --reads, with a reason and an end date; covert hits need --covert.
    """
    fleet = session.fleet
    grant = _granted(reason, until)
    with session.doing("subscriber_added", object=name):
        folder = fleet.add_subscriber(name, groups=groups, reads=grant)
    session.did("subscriber_added", object=name, details={"groups": list(groups), **_details(grant)})
    if grant is not None:
        write_register(fleet)
    click.echo(f"Subscriber {name} made in {folder}; restart a running mosquitto.")


@subscriber.command(
    "reads",
    epilog="""\b
Examples:
  platepost provision subscriber reads fleet/ analysis --reads "study of stolen plates, order 31" --until 2027-03-31 \\
      --purpose "order 31, prolonged" --reload "systemctl restart mosquitto"
  platepost provision subscriber reads fleet/ dispatch --end --purpose "a console needs hits alone"
""",
)
@FLEET
@click.argument("name")
@_READS
@_UNTIL
@click.option("--end", is_flag=True, help="End it: NAME receives only hits, status and health from now on.")
@RELOAD
@acting
def subscriber_reads(
    *,
    session: FleetSession,
    name: str,
    reason: str | None,
    until: datetime | None,
    end: bool,
    reload_command: str | None,
) -> None:
    """Grant NAME reads and the audit trail of all posts until a date, or end that."""
    grant = _granted(reason, until)
    if end == (grant is not None):
        raise click.UsageError("give either --reads with --until, or --end")
    act = "reads_ended" if grant is None else "reads_granted"
    with session.doing(act, object=name):
        session.fleet.grant_reads(name, grant)
        reload_broker(session.fleet, reload_command)
    session.did(act, object=name, details=_details(grant))
    write_register(session.fleet)
    click.echo(f"{name} receives {'hits, status, health' if grant is None else f'every record until {grant.until}'}.")
    if reload_command is None:
        click.echo("Have the broker take its rights: restart a running mosquitto.")


def _granted(reason: str | None, until: datetime | None) -> ReadsGrant | None:
    if (reason is None) != (until is None):
        raise click.UsageError("--reads and --until go together")
    return None if reason is None or until is None else ReadsGrant.of(reason, until.date())


def _details(grant: ReadsGrant | None) -> dict[str, JsonValue]:
    return {} if grant is None else {"reads": grant.reason, "until": grant.until.isoformat()}


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
    """Revoke the certificates of NAME, make the broker refuse them, end its session, and verify it.

    Messages waiting for it at the broker are discarded. The name can be used again.
    """
    fleet = session.fleet
    if name not in fleet.subscribers():
        known = ", ".join(fleet.subscribers()) or "none"
        raise ProvisioningError(f"{name!r} is not a subscriber of this fleet; it has: {known}")
    address = broker or fleet.broker_address
    reload = functools.partial(reload_broker, fleet, reload_command)
    revoke = functools.partial(take_out, fleet, fleet.subscriber(name), address, reload)
    revocation = Revocation(session, "subscriber", name, address, f"{name} is locked out")
    revocation.carry_out(revoke, as_json=as_json)
