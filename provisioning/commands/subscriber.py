"""`platepost provision subscriber`: who reads the fleet's records."""

from pathlib import Path

import click

from provisioning.commands.options import FLEET, Actor, acting
from provisioning.fleet import Fleet


@click.group()
def subscriber() -> None:
    """Add subscribers to a fleet."""


@subscriber.command(
    "add",
    epilog="""\b
Examples:
  platepost provision subscriber add fleet/ records-keeper
  platepost provision subscriber add fleet/ task-force --covert narcotics
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
def subscriber_add(*, directory: Path, name: str, groups: tuple[str, ...], who: str | None, purpose: str) -> None:
    """Make the identity of NAME, who reads every record of the fleet of DIRECTORY but hits of covert entries."""
    fleet = Fleet.load(directory)
    actor = Actor(fleet, who, purpose)
    folder = fleet.add_subscriber(name, groups=groups)
    actor.did("subscriber_added", object=name, details={"groups": list(groups)})
    click.echo(f"Subscriber {name} made in {folder}; restart a running mosquitto.")
