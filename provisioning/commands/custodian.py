"""`platepost provision custodian`: who keeps the fleet's records and signs for them."""

import functools
import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from platepost.provisioning.commands.options import BROKER, FLEET, JSON, RELOAD, FleetSession, acting
from platepost.provisioning.commands.revoke import Revocation, take_out
from platepost.provisioning.commands.rotate_keys import (
    REHEARSE,
    SECONDS,
    declare_terms,
    rotate_signing_key,
    rotation_request,
    step_options,
)
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.broker_reload import reload_broker
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.members import checked_groups
from platepost.provisioning.fleet.rotation import certify_custodian
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, read_certificates
from platepost.wire.records import CustodianTerms, Purpose

GROUPS = click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="GROUP",
    help="A distribution group whose covert hits NAME also keeps; repeat for more.",
)


@click.group()
def custodian() -> None:
    """Manage a fleet's custodians: posts delete a record only with their signed receipts."""


@custodian.command(
    "add",
    epilog="""\b
Examples:
  platepost provision custodian add fleet vault --purpose "a second machine for the records"
  platepost provision custodian add fleet vault --group narcotics --purpose "a second machine for the records"
""",
)
@FLEET
@click.argument("name")
@GROUPS
@acting
@JSON
def custodian_add(*, session: FleetSession, name: str, groups: tuple[str, ...], as_json: bool) -> None:
    """Create custodian NAME and the key that signs its receipts.

    Posts do not wait for its receipts yet. Start it first, then run `custodian require`.
    """
    fleet = session.fleet
    with session.doing("custodian_added", object=name):
        folder = fleet.add_custodian(name, groups=groups)
    session.did("custodian_added", object=name, details={"groups": list(groups)})
    if as_json:
        click.echo(json.dumps(_wire(fleet, name)))
        return
    click.echo(f"Custodian {name} made in {folder}; copy it to the machine that keeps the records.")
    click.echo("Restart a running mosquitto. Start the archive service there. Have posts wait for its receipts:")
    click.echo(f'  platepost provision custodian require {fleet.directory} {name} --purpose "..."')


@custodian.command(
    "list",
    epilog="""\b
Example:
  platepost provision custodian list fleet --json
""",
)
@FLEET
@JSON
def custodian_list(*, directory: Path, as_json: bool) -> None:
    """List custodians: whether posts need their receipts, which covert groups they keep, and their keys."""
    fleet = Fleet.load(directory)
    rows = [_wire(fleet, name) for name in fleet.custodians()]
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table("custodian", "receipts", "covert groups", "key", "certificate until")
    for row in rows:
        needed = "needed by posts" if row["required"] else "[yellow]not needed[/yellow]"
        table.add_row(row["name"], needed, ", ".join(row["groups"]), row["key"][:12], row["certificate_until"])
    Console().print(table)


@custodian.command(
    "require",
    epilog="""\b
Examples:
  platepost provision custodian require fleet vault --purpose "its archive service runs"
  platepost provision custodian require fleet records --group narcotics --group gangs --purpose "a new task force"
""",
)
@FLEET
@click.argument("name")
@GROUPS
@BROKER
@RELOAD
@SECONDS
@acting
@JSON
def custodian_require(
    *,
    session: FleetSession,
    name: str,
    groups: tuple[str, ...],
    broker: str | None,
    reload_command: str | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Require NAME's receipts: posts keep each record until NAME, too, has signed for it.

    This needs the root key (root/). Records made before a post learns of NAME do not wait for it. --group lists all
    groups whose covert hits NAME keeps; without it they stay as they are. The exit code is 1 if a post that is online
    did not follow; run the command again to continue.
    """
    fleet = session.fleet
    known = _terms(fleet, name)
    terms = CustodianTerms(name=name, groups=checked_groups(groups) or known.groups, required=True)
    declare_terms(session, terms, broker=broker, reload_command=reload_command, seconds=seconds, as_json=as_json)


@custodian.command(
    "release",
    epilog="""\b
Example:
  platepost provision custodian release fleet records --purpose "replaced by vault"
""",
)
@FLEET
@click.argument("name")
@BROKER
@RELOAD
@SECONDS
@acting
@JSON
def custodian_release(
    *,
    session: FleetSession,
    name: str,
    broker: str | None,
    reload_command: str | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Stop requiring NAME's receipts; it can still read and store records.

    This needs the root key (root/). If no other custodian is required, posts then delete records on a broker's
    acknowledgment.
    """
    fleet = session.fleet
    terms = _terms(fleet, name).model_copy(update={"required": False})
    declare_terms(session, terms, broker=broker, reload_command=reload_command, seconds=seconds, as_json=as_json)


@custodian.command(
    "rotate",
    epilog="""\b
Examples:
  platepost provision custodian rotate fleet records --purpose "yearly"            posts are notified, then it is used
  platepost provision custodian rotate fleet records --retire --purpose "yearly"   then the old one is refused
  platepost provision custodian rotate fleet records --revoke --purpose "stolen"   at once, by the root key
""",
)
@FLEET
@click.argument("name")
@BROKER
@REHEARSE
@step_options()
@acting
@JSON
def custodian_rotate(
    *,
    session: FleetSession,
    name: str,
    broker: str | None,
    rehearse: bool,
    as_json: bool,
    **step: Any,
) -> None:
    """Replace NAME's receipt key, notify the posts, and check that they use it.

    Copy the new key to the custodian's machine once all posts use it. If interrupted, or if a post did not follow, run
    the command again to continue. The exit code is 1 if a post did not follow.
    """
    fleet = session.fleet
    _terms(fleet, name)
    request = rotation_request(Purpose.CUSTODY, custodian=name, **step)
    address = broker or fleet.broker_address
    rotate_signing_key(fleet, session, request, broker=address, rehearse=rehearse, as_json=as_json)


@custodian.command(
    "certify",
    epilog="""\b
Example:
  platepost provision custodian certify fleet records --reload "systemctl restart mosquitto" --purpose "stolen"
""",
)
@FLEET
@click.argument("name")
@RELOAD
@acting
@JSON
def custodian_certify(*, session: FleetSession, name: str, reload_command: str | None, as_json: bool) -> None:
    """Replace NAME's client key and certificate, and revoke the old ones, for example after its machine was lost.

    The receipt key stays: see `custodian rotate --revoke`. Copy the folder to the custodian's new machine. To renew an
    expiring certificate, use `fleet renew`.
    """
    fleet = session.fleet
    with session.doing("custodian_certified", object=name):
        result = certify_custodian(fleet, name)
    session.did("custodian_certified", object=name, details={"former": result.former, "present": result.present})
    reload_broker(fleet, reload_command)
    fields = {"custodian": name, "former": result.former, "present": result.present}
    click.echo(json.dumps(fields) if as_json else result.advice)


@custodian.command(
    "revoke",
    epilog="""\b
Example:
  platepost provision custodian revoke fleet records --reload "systemctl restart mosquitto" --purpose "taken apart"
""",
)
@FLEET
@click.argument("name")
@BROKER
@RELOAD
@acting
@JSON
def custodian_revoke(
    *, session: FleetSession, name: str, broker: str | None, reload_command: str | None, as_json: bool
) -> None:
    """Revoke the certificates of NAME, which no post requires any more, make the broker refuse them, and verify it.

    The name cannot be used again. If its machine was stolen and another replaces it under the same name, use `custodian
    certify` and `custodian rotate --revoke` instead.
    """
    fleet = session.fleet
    if _terms(fleet, name).required:
        raise ProvisioningError(f"posts wait for receipts of {name}: run `custodian release` first")
    address = broker or fleet.broker_address
    reload = functools.partial(reload_broker, fleet, reload_command)
    revocation = Revocation(session, "custodian", name, address, f"{name} is locked out")
    revocation.carry_out(lambda: take_out(fleet, fleet.custodian(name), address, reload), as_json=as_json)


def _terms(fleet: Fleet, name: str) -> CustodianTerms:
    """Return what posts need a custodian for.

    Raises:
        ProvisioningError: there is none of this name.

    """
    if name not in fleet.custodians():
        known = ", ".join(fleet.custodians()) or "none"
        raise ProvisioningError(f"{name!r} is not a custodian of this fleet; it has: {known}")
    return next(terms for terms in fleet.terms() if terms.name == name)


def _wire(fleet: Fleet, name: str) -> dict[str, Any]:
    terms = _terms(fleet, name)
    certificate = read_certificates(fleet.custodian(name) / CERTIFICATE_FILE)[0]
    return {
        "name": name,
        "required": terms.required,
        "groups": list(terms.groups),
        "key": fleet.keys(Purpose.CUSTODY, name).announced(),
        "certificate_until": f"{certificate.not_valid_after_utc:%Y-%m-%d}",
    }
