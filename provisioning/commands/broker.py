"""`platepost provision broker`: the files of brokers other than mosquitto."""

import shlex
from pathlib import Path

import click

from platepost.provisioning.commands.options import FLEET, RELOAD
from platepost.provisioning.fleet.broker_files import write_rabbitmq
from platepost.provisioning.fleet.broker_reload import reload_broker
from platepost.provisioning.fleet.fleet import Fleet


@click.group()
def broker() -> None:
    """Write files for a broker other than mosquitto, and refresh rights."""


@broker.command(
    "rights",
    epilog="""\b
Example, once a day:
  platepost provision broker rights fleet --reload "systemctl restart mosquitto"
""",
)
@FLEET
@RELOAD
def broker_rights(directory: Path, reload_command: str | None) -> None:
    """Rewrite the broker's rights for the fleet of DIRECTORY without expired grants, and reload the broker."""
    reload_broker(Fleet.load(directory), reload_command)
    click.echo("Rights written." if reload_command is not None else "Rights written; reload the broker.")


@broker.command(
    "rabbitmq",
    epilog="""\b
Examples:
  platepost provision broker rabbitmq fleet
  platepost provision broker rabbitmq fleet --node rabbit@one=10.0.7.1 --node rabbit@two=10.0.7.2 \\
      --node rabbit@three=10.0.7.3
""",
)
@FLEET
@click.option(
    "--node",
    "nodes",
    metavar="NAME=ADDRESS",
    multiple=True,
    help="A cluster node and the IPv4 address where it listens to the others; repeat for each.",
)
def broker_rabbitmq(directory: Path, nodes: tuple[str, ...]) -> None:
    """Write RabbitMQ's configuration and rights for the fleet of DIRECTORY."""
    addresses = {name: address for name, _, address in (node.partition("=") for node in nodes)}
    folder = write_rabbitmq(Fleet.load(directory), nodes=addresses)
    click.echo(f"Written to {folder}. To apply the rights to a running broker, run:")
    click.echo(f"  rabbitmqctl import_definitions {shlex.quote(str(folder / 'definitions.json'))}")
