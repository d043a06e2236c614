"""`platepost provision post invite`: a one-time code for one post, one technician, one hour."""

import json
from dataclasses import asdict
from datetime import timedelta

import click

from platepost.common.language import local
from platepost.provisioning.commands.options import FLEET, JSON, FleetSession, acting
from platepost.provisioning.commands.post_settings import Settings, post_settings
from platepost.provisioning.enrollment.codes import Codes
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.people.person import ROLES_AT_POSTS, NotCertifiedError
from platepost.provisioning.trust.authority import CERTIFICATE_FILE


@click.command(
    epilog="""\b
Examples:
  platepost provision post invite fleet post-17 --technician r-alvarez --site "Main St and 4th, northbound" \\
      --latitude 37.5 --longitude -122.2 --heading 90 --camera picamera2 --purpose "work order 7731"
  platepost provision post invite fleet post-17 --technician r-alvarez --camera picamera2 --replace \\
      --purpose "unit hit by lightning"
"""
)
@FLEET
@click.argument("name")
@click.option("--technician", required=True, help="Certified person who will enroll the unit.")
@click.option(
    "--minutes",
    type=click.IntRange(min=1, max=24 * 60),
    default=60,
    show_default=True,
    help="Minutes the code is valid.",
)
@click.option("--replace", is_flag=True, help="Replace the unit of this name, and revoke its keys.")
@post_settings
@acting
@JSON
def invite(
    *,
    session: FleetSession,
    name: str,
    technician: str,
    minutes: int,
    replace: bool,
    settings: Settings,
    as_json: bool,
) -> None:
    """Issue a one-time code with which a technician enrolls the unit of post NAME.

    Give the code only to that person. A new code for the same post cancels the previous one.
    """
    fleet = session.fleet
    fleet.check_free(name, post=True)
    entry = fleet.people[technician]
    if not entry.is_certified() or entry.role not in ROLES_AT_POSTS:
        why = "certification has ended" if not entry.is_certified() else f"role is {entry.role.value}"
        raise NotCertifiedError(f"{technician} cannot enroll units: the {why}", reason="technician")
    there = (fleet.post(name) / CERTIFICATE_FILE).exists()
    if there and not replace:
        raise ProvisioningError(f"there is a post {name} already; --replace puts another unit in its place")
    if replace and not there:
        raise ProvisioningError(f"there is no post {name} to replace")
    first = settings(fleet, name)
    secret, code = Codes(fleet.enrollment / "codes").issue(
        name,
        technician=technician,
        issued_by=session.person.name,
        purpose=session.purpose,
        valid=timedelta(minutes=minutes),
        replaces=replace,
        settings=asdict(first),
    )
    session.did("code_issued", object=name, details={"technician": technician, "replaces": replace, "minutes": minutes})
    if as_json:
        until = code.expires.isoformat(timespec="seconds")
        click.echo(json.dumps({"post": name, "technician": technician, "code": secret, "until": until}))
        return
    click.echo(f"Code for {name}, for {technician} only, good until {local(code.expires, '%H:%M')}:")
    click.echo(f"  {secret}")
    click.echo(f"On the unit: sudo platepost enroll {name} OFFICE:PORT   (or --stick FOLDER)")
