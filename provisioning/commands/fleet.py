"""`platepost provision fleet`: a department's trust as a whole."""

import getpass
import re
import shlex
import shutil
from pathlib import Path

import click

from device.records import Role
from provisioning.commands.options import Actor
from provisioning.fleet import Fleet
from provisioning.lazy import lazy_group

_COMMANDS: dict[str, str] = {}


@click.group(cls=lazy_group(_COMMANDS))
def fleet() -> None:
    """Make a fleet's root of trust and its broker's configuration."""


def _login() -> str:
    """Return the login name as a name of a person, or a fallback where it cannot be one."""
    try:
        name = re.sub(r"[^a-z0-9-]+", "-", getpass.getuser().lower()).strip("-")[:63]
    except (KeyError, OSError):
        name = ""
    return name or "administrator"


@fleet.command(
    "init",
    epilog="""\b
Example:
  platepost provision fleet init fleet --agency riverside --broker-name broker.riverside.example \\
      --administrator j-stone
""",
)
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--agency", required=True, help="The agency as in the topics, such as 'riverside'.")
@click.option(
    "--broker-name",
    "broker_names",
    multiple=True,
    default=("localhost", "127.0.0.1"),
    show_default=True,
    help="A host name or address by which posts reach the broker; give it once for each.",
)
@click.option(
    "--administrator", default=_login, show_default="your login name", help="The fleet's first administrator."
)
def fleet_init(directory: Path, agency: str, broker_names: tuple[str, ...], administrator: str) -> None:
    """Make a fleet in DIRECTORY: root certificate, broker, the key that signs hot lists, the first administrator."""
    made = Fleet.create(directory, agency=agency, broker_names=broker_names)
    made.add_operator(administrator, Role.ADMINISTRATOR)
    Actor(made, administrator, "the fleet's beginning").did("fleet_made", object=agency)
    click.echo(f"Fleet of {agency} made in {directory}; its administrator is {administrator}.")
    click.echo(f"  {_mosquitto()} -c {shlex.quote(str(made.directory / 'broker' / 'mosquitto.conf'))}")
    click.echo("Keep authority/ and hotlist/signing_key.pem off the broker and away from the posts.")


def _mosquitto() -> str:
    """Return how mosquitto is called here: Debian keeps it out of an ordinary user's PATH."""
    name = "mosquitto"
    return name if shutil.which(name) else shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin") or name
