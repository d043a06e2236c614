"""`platepost provision person`: certified people, until when, and no longer."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from pydantic import JsonValue
from rich.console import Console
from rich.table import Table

from platepost.common.commands.options import Date
from platepost.common.files import write_durably
from platepost.common.text import shown
from platepost.provisioning.commands.options import (
    FILE,
    FLEET,
    FOLDER,
    JSON,
    FleetSession,
    acting,
    one_line,
    who_and_why,
)
from platepost.provisioning.enrollment.officer import RegistrationOfficer
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.members import OPERATOR_VALID
from platepost.provisioning.fleet.ssh import SshAuthority, read_public_keys
from platepost.provisioning.people import administrators
from platepost.provisioning.trust.authority import CHAIN_FILE, Authority, read_certificates
from platepost.provisioning.trust.passphrase import NEW_PERSON_PASSPHRASE
from platepost.wire.records import Role

_EXPIRY = Date()
_BRING_REVOCATION = (
    "Units reject revoked ssh certificates once their posts have a new signed configuration: platepost provision "
    "configuration rollout FLEET --canary POST --watch 0 --purpose ..."
)


@click.group()
def person() -> None:
    """Certify people by name, until a date: technicians, administrators, and operators, who command posts.

    List builders are services that build hot lists unattended and may do nothing else.
    """


@person.command(
    "add",
    epilog="""\b
Examples:
  platepost provision person add fleet r-alvarez --role technician --full-name "Rosa Alvarez" \\
      --certified-until 2027-03-31 --purpose "course of 14 March passed"
  platepost provision person add fleet j-stone --role administrator --days 30 --purpose "substitute for K. Webb"
  platepost provision person add fleet k-webb --role administrator --root fleet/root --purpose "all have ended"
  platepost provision person add fleet lists --role list-builder --days 365 --purpose "builds the lists by cron"
""",
)
@FLEET
@click.argument("name")
@click.option(
    "--role",
    required=True,
    type=click.Choice([role.value for role in Role]),
    help="Role, part of the certificate.",
)
@click.option("--full-name", callback=one_line, help="Name as on the person's badge.  [default: NAME]")
@click.option("--certified-until", "until", type=_EXPIRY, help="Last day of the certification, UTC.")
@click.option(
    "--days",
    type=click.IntRange(min=1, max=730),
    default=OPERATOR_VALID.days,
    show_default=True,
    help="Days it is valid, without --certified-until.",
)
@click.option(
    "--root",
    "root_folder",
    type=FOLDER,
    help=(
        "Folder of the fleet's root key, such as fleet/root, to certify an administrator after all certifications have"
        " ended."
    ),
)
@who_and_why
def person_add(
    *,
    directory: Path,
    name: str,
    role: str,
    full_name: str | None,
    until: datetime | None,
    days: int,
    root_folder: Path | None,
    who: str | None,
    purpose: str,
) -> None:
    """Certify NAME: create the key and certificate with which they command posts and sign their acts."""
    fleet = Fleet.load(directory)
    session = FleetSession(fleet, who, purpose) if root_folder is None else None
    if root_folder is not None:
        _vouch(fleet, root_folder, Role(role))
    ends = datetime.now(UTC) + timedelta(days=days) if until is None else _end_of(until)
    phrase = NEW_PERSON_PASSPHRASE.new_passphrase(name) if fleet.sealed else None
    with nullcontext() if session is None else session.doing("person_certified", object=name):
        folder = fleet.add_operator(name, Role(role), ends=ends, full_name=full_name, passphrase=phrase)
    details: dict[str, JsonValue] = {"role": role, "until": ends.date().isoformat()}
    if session is None:
        # No one else could say so.
        session, details = FleetSession(fleet, name, purpose), details | {"vouched": "root"}
    session.did("person_certified", object=name, details=details)
    click.echo(f"{name} is certified as {role} until {ends:%Y-%m-%d %H:%M} UTC; give them {folder}, and keep no copy.")
    if Role(role) is not Role.LIST_BUILDER:  # which never connects
        click.echo("Restart a running mosquitto.")


@person.command(
    "expire",
    epilog="""\b
Example:
  platepost provision person expire fleet r-alvarez --purpose "left the department"
""",
)
@FLEET
@click.argument("name")
@acting
def person_expire(*, session: FleetSession, name: str) -> None:
    """End the certification of NAME now: the fleet and the broker refuse them from then on.

    Posts do not check for withdrawn certificates, but without the broker's right to publish, a certificate opens
    nothing.
    """
    fleet = session.fleet
    with session.doing("person_expired", object=name):
        fleet.remove_operator(name)
        serials = SshAuthority(fleet).revoke(name)
    session.did("person_expired", object=name, details={"ssh_serials": list(serials)} if serials else {})
    click.echo(f"The certification of {name} has ended; restart a running mosquitto.")
    if serials:
        click.echo(_BRING_REVOCATION)
    officer = RegistrationOfficer.noted(fleet)
    if officer is not None and officer.name == name:
        click.echo(f"The enrollment server runs in the name of {name}: restart it in someone else's name.")


@person.command(
    "ssh-key",
    epilog="""\b
Example:
  platepost provision person ssh-key fleet r-alvarez id_ed25519.pub --purpose "a new laptop"
""",
)
@FLEET
@click.argument("name")
@click.argument("file", type=FILE)
@acting
def person_ssh_key(*, session: FleetSession, name: str, file: Path) -> None:
    """Certify the SSH public key in FILE, with which NAME logs in to units until their certification ends.

    The certificate is written next to it as FILE-cert.pub, where ssh looks for it. Units prepared with `provision image
    --fleet` trust it, including installed ones; their logs show NAME.
    """
    entry, (line, *more) = session.fleet.people[name], read_public_keys(file)
    if more:
        raise ProvisioningError(f"{file}: expected one public key")
    certificate = SshAuthority(session.fleet).certify(entry, line)
    certificate_file = file.with_name(f"{file.name.removesuffix('.pub')}-cert.pub")
    write_durably(certificate_file, f"{certificate}\n".encode(), mode=0o644)
    session.did("ssh_key_certified", object=name, details={"until": entry.expires.date().isoformat()})
    click.echo(
        f"{certificate_file} is good until {entry.expires:%Y-%m-%d} UTC; {name} keeps it next to the private key."
    )


@person.command(
    "ssh-revoke",
    epilog="""\b
Example:
  platepost provision person ssh-revoke fleet r-alvarez --purpose "laptop stolen"
""",
)
@FLEET
@click.argument("name")
@acting
def person_ssh_revoke(*, session: FleetSession, name: str) -> None:
    """Revoke all SSH certificates of NAME, who stays certified; `person expire` does it too."""
    serials = SshAuthority(session.fleet).revoke(name)
    session.did("ssh_certificates_revoked", object=name, details={"ssh_serials": list(serials)})
    click.echo(f"{len(serials)} certificates of {name} are revoked.")
    if serials:
        click.echo(_BRING_REVOCATION)


@person.command(
    "list",
    epilog="""\b
Example:
  platepost provision person list fleet --json
""",
)
@FLEET
@JSON
def person_list(*, directory: Path, as_json: bool) -> None:
    """List people who are or were certified."""
    people = list(Fleet.load(directory).people)
    if as_json:
        click.echo(
            json.dumps([entry.model_dump(mode="json") | {"certified_now": entry.is_certified()} for entry in people])
        )
        return
    table = Table("name", "full name", "role", "certified until")
    for entry in people:
        ends = f"{entry.expires:%Y-%m-%d %H:%M}"
        table.add_row(
            shown(entry.name),
            shown(entry.full_name),
            entry.role,
            ends if entry.is_certified() else f"[red]{ends}[/red]",
        )
    Console().print(table)


def _vouch(fleet: Fleet, folder: Path, role: Role) -> None:
    """Make sure that the root of a fleet without administrators is here, to make one.

    Raises:
        ProvisioningError: it is another's, or does not open; there is an administrator; or it is for someone else.

    """
    if role is not Role.ADMINISTRATOR:
        raise ProvisioningError("--root certifies administrators only, who then certify everyone else")
    administrators.require_none(fleet.people)
    if Authority.load(folder).certificate not in read_certificates(fleet.authority / CHAIN_FILE)[1:]:
        raise ProvisioningError(f"{folder}: not the root of this fleet")


def _end_of(day: datetime) -> datetime:
    ends = day.replace(tzinfo=UTC) + timedelta(days=1)
    if ends <= datetime.now(UTC):
        raise ProvisioningError(f"{day:%Y-%m-%d} is in the past: give a later date")
    return ends
