"""`platepost provision fleet`: a department's trust as a whole."""

import getpass
import re
import shlex
import shutil
from pathlib import Path

import click

from platepost.common.commands.lazy import LazyCommand, LazyGroup
from platepost.provisioning.brokers import mosquitto_user
from platepost.provisioning.commands.options import FOLDER, NEW_FOLDER, FleetSession
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.passphrase import FLEET_PASSPHRASE, PERSONAL_PASSPHRASE

_COMMANDS = {
    "backup": LazyCommand("platepost.provisioning.commands.backup:backup", "Back up a fleet into an encrypted file."),
    "check-acl": LazyCommand(
        "platepost.provisioning.commands.check_acl:check_acl", "Test the running broker's access rights."
    ),
    "renew": LazyCommand(
        "platepost.provisioning.commands.rotate:renew", "Renew a subscriber's or custodian's certificate."
    ),
    "restore": LazyCommand("platepost.provisioning.commands.backup:restore", "Restore a fleet from a backup."),
    "rotate": LazyCommand(
        "platepost.provisioning.commands.rotate:rotate", "Replace a key, and check that everyone uses it."
    ),
    "status": LazyCommand(
        "platepost.provisioning.commands.status:status", "Show every post: state, list, versions, last read."
    ),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS, extra="provisioning")
def fleet() -> None:
    """Create and maintain a fleet's keys and broker configuration."""


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
@click.option("--agency", required=True, help="The agency's name in topics, such as 'riverside'.")
@click.option(
    "--broker-name",
    "broker_names",
    multiple=True,
    default=("localhost", "127.0.0.1"),
    show_default=True,
    help="Host name or address at which posts reach the broker; repeat for more.",
)
@click.option(
    "--administrator", default=_login, show_default="your login name", help="The fleet's first administrator."
)
@click.option(
    "--root",
    "root_folder",
    type=FOLDER,
    help=(
        "Folder of the department's own authority: ca.pem with its certificate chain, its own first, and "
        "private_key.pem, which may refer to a TPM or PKCS#11 token.  [default: create a root]"
    ),
)
@click.option(
    "--custodian",
    default="records",
    show_default=True,
    help="Name of the custodian, whose receipts let posts delete records.",
)
@click.option(
    "--no-custodian",
    is_flag=True,
    help="No custodian: posts delete a record as soon as a broker has acknowledged it.",
)
@click.option("--no-passphrase", is_flag=True, help="Do not encrypt the signing keys; for trials only.")
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
    """Create a fleet in DIRECTORY: root and issuing authority, broker, signing keys, first administrator.

    It has one custodian, the department's archive service: posts delete a record once the custodian has signed for it,
    not when a broker has taken it.

    Signing keys are encrypted with a passphrase that you enter, or that is read from the file named in
    PLATEPOST_PASSPHRASE_FILE; likewise the administrator's own key (PLATEPOST_PERSON_PASSPHRASE_FILE).
    """
    Fleet.check_spelling(administrator)  # before anything is asked for
    phrase = None if no_passphrase else FLEET_PASSPHRASE.new_passphrase(f"the fleet of {agency}")
    own = None if no_passphrase else PERSONAL_PASSPHRASE.new_passphrase(administrator)
    root = None if root_folder is None else Authority.load(root_folder)
    created = Fleet.create(
        directory,
        agency=agency,
        broker_names=broker_names,
        passphrase=phrase,
        root=root,
        administrator=administrator,
        administrator_passphrase=own,
        custodian=None if no_custodian else custodian,
    )
    FleetSession(created, administrator, "the fleet's beginning").did("fleet_made", object=agency)
    click.echo(f"Fleet of {agency} made in {directory}; its administrator is {administrator}.")
    click.echo(f"  {_mosquitto()} -c {shlex.quote(str(created.directory / 'broker' / 'mosquitto.conf'))}")
    trouble = mosquitto_user.hindrance(created.broker.certificate.parent)
    if trouble is not None:
        click.echo(trouble)
    if not no_custodian:
        click.echo(f"Its custodian is {custodian}: custody/{custodian}/ belongs on the machine that keeps the records.")
    click.echo("Only broker/ belongs on the broker. Take root/ offline: only a new issuing authority needs it.")


def _mosquitto() -> str:
    """Return how mosquitto is called here: Debian keeps it out of an ordinary user's PATH."""
    name = "mosquitto"
    return name if shutil.which(name) else shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin") or name
