"""`platepost provision fleet rotate`: replaces a key, as one command."""

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
"""Options that only apply to keys that posts learn of."""


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
@click.option("--rehearse", is_flag=True, help="Rehearse on a temporary copy of the fleet; nothing changes.")
@click.option(
    "--retire", is_flag=True, help="For lists, configuration: make posts refuse the previous key from now on."
)
@click.option(
    "--revoke",
    is_flag=True,
    help="For lists, configuration: use a new key at once; posts drop everything the previous keys signed.",
)
@click.option(
    "--vouch",
    type=click.Choice(["key", "root"]),
    help="For lists, configuration: who vouches for the new key.  [default: the current key; with --revoke, the root]",
)
@click.option(
    "--overlap-days",
    type=click.FloatRange(min=0, min_open=True),
    help=(
        "For lists, configuration: days until posts retire the previous key automatically.  [default: only with "
        "--retire]"
    ),
)
@click.option("--anyway", is_flag=True, help="For lists, configuration: continue even if some posts do not follow.")
@click.option(
    "--wait",
    "seconds",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="Seconds to wait for the posts' reports.",
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
    """Replace the key of KIND, update the broker and the posts, and check that they use it.

    For lists and configuration, posts are notified through the broker. The fleet signs with the new key once every post
    that is online accepts it; the others follow when they return. If interrupted, or if a post did not follow, run the
    command again to continue. The exit code is 1 if a post did not follow.
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
