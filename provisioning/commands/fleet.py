"""`platepost provision fleet`: a department's trust as a whole."""

import getpass
import re
import shlex
import shutil
from pathlib import Path

import click

from device.commands.lazy import LazyCommand, LazyGroup
from provisioning.brokers import mosquitto_user
from provisioning.commands.options import FOLDER, NEW_FOLDER, FleetSession
from provisioning.fleet.fleet import Fleet
from provisioning.trust.authority import Authority
from provisioning.trust.passphrase import FLEET_PASSPHRASE, PERSONAL_PASSPHRASE

_COMMANDS = {
    "backup": LazyCommand("provisioning.commands.backup:backup", "Write everything of a fleet into a sealed file."),
    "prove": LazyCommand("provisioning.commands.prove:prove", "Try at the running broker who may do what."),
    "renew": LazyCommand("provisioning.commands.renew:renew", "Issue another certificate to who holds the key."),
    "restore": LazyCommand("provisioning.commands.backup:restore", "Put the fleet of a backup into a new folder."),
    "rotate": LazyCommand("provisioning.commands.rotate:rotate", "Replace a key, and check that all use it."),
    "status": LazyCommand("provisioning.commands.status:status", "Show every post: state, list, versions, last read."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS, extra="provisioning")
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
@click.argument("directory", type=NEW_FOLDER)
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
@click.option(
    "--root",
    "root_folder",
    type=FOLDER,
    help="Folder of the department's own authority: its certificates in ca.pem, its own first, and private_key.pem, "
    "which may refer to a TPM or PKCS#11 token; by default a root is made.",
)
@click.option(
    "--custodian",
    default="records",
    show_default=True,
    help="The keeper of records whose signed receipt lets a record leave a post.",
)
@click.option(
    "--no-custodian",
    is_flag=True,
    help="Have none: a post deletes a record as soon as a broker has acknowledged it.",
)
@click.option("--no-passphrase", is_flag=True, help="Leave the keys that sign as they are: for trials only.")
def fleet_init(
    *,
    directory: Path,
    agency: str,
    broker_names: tuple[str, ...],
    administrator: str,
    root_folder: Path | None,
    custodian: str,
    no_custodian: bool,
    no_passphrase: bool,
) -> None:
    """Make a fleet in DIRECTORY: root and issuing authority, broker, the keys that sign, the first administrator.

    It has one custodian, the department's keeper of records: a post deletes a record when this has signed that it is
    stored, not when a broker has taken it.

    The keys that sign are sealed with a passphrase, which is asked for, or read from the file that
    PLATEPOST_PASSPHRASE_FILE names; so is the administrator's own key (PLATEPOST_PERSON_PASSPHRASE_FILE).
    """
    Fleet.check_spelling(administrator)  # before anything is asked for
    phrase = None if no_passphrase else FLEET_PASSPHRASE.new_passphrase(f"the fleet of {agency}")
    own = None if no_passphrase else PERSONAL_PASSPHRASE.new_passphrase(administrator)
    root = None if root_folder is None else Authority.load(root_folder)
    made = Fleet.create(
        directory,
        agency=agency,
        broker_names=broker_names,
        passphrase=phrase,
        root=root,
        administrator=administrator,
        administrator_passphrase=own,
        custodian=None if no_custodian else custodian,
    )
    FleetSession(made, administrator, "the fleet's beginning").did("fleet_made", object=agency)
    click.echo(f"Fleet of {agency} made in {directory}; its administrator is {administrator}.")
    click.echo(f"  {_mosquitto()} -c {shlex.quote(str(made.directory / 'broker' / 'mosquitto.conf'))}")
    trouble = mosquitto_user.hindrance(made.broker.certificate.parent)
    if trouble is not None:
        click.echo(trouble)
    if not no_custodian:
        click.echo(f"Its custodian is {custodian}: custody/{custodian}/ belongs on the machine that keeps the records.")
    click.echo("Only broker/ belongs on the broker. Take root/ offline: only a new issuing authority needs it.")


def _mosquitto() -> str:
    """Return how mosquitto is called here: Debian keeps it out of an ordinary user's PATH."""
    name = "mosquitto"
    return name if shutil.which(name) else shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin") or name
