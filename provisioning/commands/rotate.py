"""`platepost provision fleet rotate`: a new key in the place of an old one, as one command."""

import json
from pathlib import Path

import click

from provisioning.commands.options import BROKER, FLEET, JSON, RELOAD, Actor, acting
from provisioning.errors import ProvisioningError
from provisioning.fleet import Fleet
from provisioning.reload import reload_broker
from provisioning.revocation import is_let_in
from provisioning.rotation import KINDS, rehearsed


@click.command(
    epilog="""\b
Examples:
  platepost provision fleet rotate fleet broker --reload "systemctl restart mosquitto" --purpose "yearly"
  platepost provision fleet rotate fleet authority --reload "..." --purpose "every five years" --rehearse

\b
A post's own key is replaced with its unit (post invite --replace), a person's with the person (person expire, add).
"""
)
@FLEET
@click.argument("kind", type=click.Choice(sorted(KINDS)))
@BROKER
@RELOAD
@click.option("--rehearse", is_flag=True, help="Do it in a copy of the fleet that is thrown away; nothing changes.")
@acting
@JSON
def rotate(
    *,
    directory: Path,
    kind: str,
    broker: str | None,
    reload_command: str | None,
    rehearse: bool,
    who: str | None,
    purpose: str,
    as_json: bool,
) -> None:
    """Make the key of KIND anew, have the broker take what follows from it, and see that the department is let in."""
    fleet = Fleet.load(directory)
    actor = Actor(fleet, who, purpose)
    if rehearse:
        with rehearsed(fleet) as copy:
            done = KINDS[kind](copy)
        actor.did("rotation_rehearsed", object=kind)
    else:
        done = KINDS[kind](fleet)
        details = {"former": done.former, "present": done.present}
        actor.did("key_rotated", object=kind, details=dict(details))
        reload_broker(fleet, reload_command)
        address = broker or fleet.broker_address
        if reload_command is not None and not is_let_in(fleet.publisher, address):
            raise ProvisioningError(f"{address} does not let the department in with what was written: was it told?")
    if as_json:
        told = {"kind": kind, "rehearsal": rehearse, "former": done.former, "present": done.present}
        click.echo(json.dumps(told))
        return
    click.echo(f"Rehearsed; nothing has changed: {kind}." if rehearse else f"The key of the {kind} is new.")
    click.echo(done.advice)
