"""`platepost provision fleet rotate` and `renew`: a key replaced, as one command, and a certificate renewed."""

import json
from typing import Any

import click

from platepost.provisioning.commands.options import BROKER, FLEET, JSON, RELOAD, FleetSession, acting
from platepost.provisioning.commands.rotate_keys import REHEARSE, rotate_signing_key, rotation_request, step_options
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.broker_reload import reload_broker
from platepost.provisioning.fleet.revocation import is_let_in
from platepost.provisioning.fleet.rotation import KINDS, rehearsed, renew_client
from platepost.wire.records import DEPARTMENT_PURPOSES, Purpose

PURPOSES = frozenset(purpose.value for purpose in DEPARTMENT_PURPOSES)


@click.command(
    epilog="""\b
Example:
  platepost provision fleet renew fleet dispatch --purpose "ends in a month by fleet status"
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
        result = renew_client(session.fleet, name)
    session.did("certificate_renewed", object=name, details={"former": result.former, "present": result.present})
    click.echo(f"The certificate of {name} was renewed. {result.advice}")


@click.command(
    epilog="""\b
Examples:
  platepost provision fleet rotate fleet broker --reload "systemctl restart mosquitto" --purpose "yearly"
  platepost provision fleet rotate fleet authority --reload "..." --purpose "every five years" --rehearse
  platepost provision fleet rotate fleet lists --purpose "yearly"           posts are notified, then it is used
  platepost provision fleet rotate fleet lists --retire --purpose "yearly"  then the old one is refused
  platepost provision fleet rotate fleet lists --revoke --purpose "stolen"  all old keys at once, by the root key

\b
To replace a post's own key, replace its unit (post invite --replace); to replace a person's, use person expire, then
person add.
"""
)
@FLEET
@click.argument("kind", type=click.Choice(sorted({*KINDS, *PURPOSES})))
@BROKER
@RELOAD
@REHEARSE
@step_options("For lists, configuration: ")
@acting
@JSON
def rotate(
    *,
    session: FleetSession,
    kind: str,
    broker: str | None,
    reload_command: str | None,
    rehearse: bool,
    as_json: bool,
    **step: Any,
) -> None:
    """Replace the key of KIND, update the broker and the posts, and check that they use it.

    For lists and configuration, posts are notified through the broker. The fleet signs with the new key once every post
    that is online accepts it; the others follow when they return. If interrupted, or if a post did not follow, run the
    command again to continue. The exit code is 1 if a post did not follow.
    """
    fleet = session.fleet
    address = broker or fleet.broker_address
    if kind in PURPOSES:
        request = rotation_request(Purpose(kind), **step)
        rotate_signing_key(fleet, session, request, broker=address, rehearse=rehearse, as_json=as_json)
        return
    foreign = [name for name, value in step.items() if value and name != "seconds"]
    if foreign:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in foreign)
        raise click.UsageError(f"{options}: only for {', '.join(sorted(PURPOSES))}")
    if rehearse:
        with rehearsed(fleet) as copy:
            result = KINDS[kind](copy)
        session.did("rotation_rehearsed", object=kind)
    else:
        result = KINDS[kind](fleet)
        details = {"former": result.former, "present": result.present}
        session.did("key_rotated", object=kind, details=dict(details))
        reload_broker(fleet, reload_command)
        if reload_command is not None and not is_let_in(fleet.publisher, address):
            raise ProvisioningError(f"{address} rejects the new certificate: reload the broker, then run this again")
    if as_json:
        fields = {"kind": kind, "rehearsal": rehearse, "former": result.former, "present": result.present}
        click.echo(json.dumps(fields))
        return
    click.echo(f"Rehearsed; nothing has changed: {kind}." if rehearse else f"The key of the {kind} was replaced.")
    click.echo(result.advice)
