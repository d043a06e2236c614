"""`platepost provision fleet renew`: another certificate for a key that is held elsewhere."""

import click

from platepost.provisioning.commands.options import FLEET, FleetSession, acting
from platepost.provisioning.fleet.rotation import renew_client


@click.command(
    epilog="""\b
Example:
  platepost provision fleet renew fleet dispatch --purpose "ends in a month, says fleet status"
"""
)
@FLEET
@click.argument("name")
@acting
def renew(*, session: FleetSession, name: str) -> None:
    """Renew the certificate of NAME, a subscriber, a custodian, or a post that cannot do so itself, for the same key.

    The old certificate stays valid until it expires.
    """
    with session.doing("certificate_renewed", object=name):
        done = renew_client(session.fleet, name)
    session.did("certificate_renewed", object=name, details={"former": done.former, "present": done.present})
    click.echo(f"The certificate of {name} was renewed. {done.advice}")
