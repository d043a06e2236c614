"""`platepost provision fleet rotate`: a new key in the place of an old one, as one command."""

import json

import click

from device.records import DEPARTMENT_PURPOSES, Purpose
from provisioning.commands.options import BROKER, FLEET, JSON, PROTOCOL, RELOAD, FleetSession, acting
from provisioning.commands.rotate_keys import rotate_signing_key, rotation_request
from provisioning.control.keys.rotation import Voucher
from provisioning.errors import ProvisioningError
from provisioning.fleet.broker_reload import reload_broker
from provisioning.fleet.revocation import is_let_in
from provisioning.fleet.rotation import KINDS, rehearsed

PURPOSES = frozenset(purpose.value for purpose in DEPARTMENT_PURPOSES)
_NEWS_ONLY = ("retire", "revoke", "vouch", "overlap_days", "anyway")
"""Options that mean something only for keys that posts are told of."""


@click.command(
    epilog="""\b
Examples:
  platepost provision fleet rotate fleet broker --reload "systemctl restart mosquitto" --purpose "yearly"
  platepost provision fleet rotate fleet authority --reload "..." --purpose "every five years" --rehearse
  platepost provision fleet rotate fleet lists --purpose "yearly"           posts are told, then it is used
  platepost provision fleet rotate fleet lists --retire --purpose "yearly"  then the former is refused
  platepost provision fleet rotate fleet lists --revoke --purpose "stolen"  all former keys, by the root's word

\b
A post's own key is replaced with its unit (post invite --replace), a person's with the person (person expire, add).
"""
)
@FLEET
@click.argument("kind", type=click.Choice(sorted({*KINDS, *PURPOSES})))
@BROKER
@RELOAD
@click.option("--rehearse", is_flag=True, help="Do it in a copy of the fleet that is thrown away; nothing changes.")
@click.option("--retire", is_flag=True, help="Of lists, configuration: have posts refuse the former key from now on.")
@click.option(
    "--revoke", is_flag=True, help="Of these: a new key at once; posts let go of all that the former ones signed."
)
@click.option(
    "--vouch",
    type=click.Choice(["key", "root"]),
    help="Of these: who vouches for the new key; by default the key in force, with --revoke the root.",
)
@click.option(
    "--overlap-days",
    type=click.FloatRange(min=0, min_open=True),
    help="Of these: posts retire the former key by themselves then; by default only when told with --retire.",
)
@click.option("--anyway", is_flag=True, help="Of these: go on although posts would be left behind.")
@click.option(
    "--wait",
    "seconds",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="Of these: seconds to wait for the posts' own word.",
)
@PROTOCOL
@acting
@JSON
def rotate(
    *,
    session: FleetSession,
    kind: str,
    broker: str | None,
    reload_command: str | None,
    rehearse: bool,
    retire: bool,
    revoke: bool,
    vouch: Voucher | None,
    overlap_days: float | None,
    anyway: bool,
    seconds: float,
    as_json: bool,
) -> None:
    """Replace the key of KIND, give the broker and the posts what follows from it, and check that they took it.

    Of lists and configuration, posts are told over the broker. The fleet signs with the new key once every post that
    is on the air goes by it; those that are away are led to it when they come back. If it was cut off, or a post did
    not follow, the same command goes on. The exit code is 1 if a post did not follow.
    """
    fleet = session.fleet
    address = broker or fleet.broker_address
    if kind in PURPOSES:
        request = rotation_request(
            Purpose(kind),
            retire=retire,
            revoke=revoke,
            vouch=vouch,
            overlap_days=overlap_days,
            seconds=seconds,
            anyway=anyway,
        )
        rotate_signing_key(fleet, session, request, broker=address, rehearse=rehearse, as_json=as_json)
        return
    given = click.get_current_context().params
    foreign = [name for name in _NEWS_ONLY if given[name]]
    if foreign:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in foreign)
        raise click.UsageError(f"{options}: only for {', '.join(sorted(PURPOSES))}")
    if rehearse:
        with rehearsed(fleet) as copy:
            done = KINDS[kind](copy)
        session.did("rotation_rehearsed", object=kind)
    else:
        done = KINDS[kind](fleet)
        details = {"former": done.former, "present": done.present}
        session.did("key_rotated", object=kind, details=dict(details))
        reload_broker(fleet, reload_command)
        if reload_command is not None and not is_let_in(fleet.publisher, address):
            raise ProvisioningError(f"{address} does not let the department in with what was written: was it told?")
    if as_json:
        told = {"kind": kind, "rehearsal": rehearse, "former": done.former, "present": done.present}
        click.echo(json.dumps(told))
        return
    click.echo(f"Rehearsed; nothing has changed: {kind}." if rehearse else f"The key of the {kind} is new.")
    click.echo(done.advice)
