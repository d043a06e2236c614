"""`platepost provision post revoke`: lock a post out at once."""

import functools
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from platepost.provisioning.commands.options import BROKER, FLEET, JSON, RELOAD, FleetSession, acting
from platepost.provisioning.connection import Connection
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.broker_reload import reload_broker
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.register import write_register
from platepost.provisioning.fleet.revocation import PATIENCE_SECONDS, LockedOut, identity, lock_out


@click.command(
    epilog="""\b
Examples:
  platepost provision post revoke fleet post-17 --reload "systemctl restart mosquitto" --purpose "stolen"
  platepost provision post revoke fleet post-17 --reload "..." --purpose "yearly drill" --rehearse
"""
)
@FLEET
@click.argument("name")
@BROKER
@RELOAD
@click.option("--rehearse", is_flag=True, help="Rehearse with a temporary post; NAME is not changed.")
@acting
@JSON
def revoke(
    *,
    session: FleetSession,
    name: str,
    broker: str | None,
    reload_command: str | None,
    rehearse: bool,
    as_json: bool,
) -> None:
    """Revoke the certificates of post NAME, make the broker refuse them, end its session, and verify it.

    Its hot list cannot be withdrawn, but the next one is not encrypted to it: build and publish one.
    """
    fleet = session.fleet
    if name not in fleet.posts():
        raise ProvisioningError(f"{name!r} is not a post of this fleet; it has: {', '.join(fleet.posts()) or 'none'}")
    reload = functools.partial(reload_broker, fleet, reload_command)
    address = broker or fleet.broker_address
    if rehearse:
        made_up = Revocation(session, "post", name, address, "Rehearsed with a post made up for it", rehearsal=True)
        made_up.carry_out(lambda: _rehearse(fleet, address, reload), as_json=as_json)
        return
    revocation = Revocation(session, "post", name, address, f"{name} is locked out")
    revocation.carry_out(lambda: _revoke_post(fleet, name, address, reload), as_json=as_json)
    if not as_json:
        click.echo("If it has the newest hot list, it can still open that list: build and publish a new one.")


@dataclass(frozen=True, slots=True)
class Revocation:
    """A revocation, for the log and for the one who gave the command."""

    session: FleetSession
    party: str
    """`post` or `subscriber`."""
    name: str
    broker: str
    """`host:port`."""
    told: str
    rehearsal: bool = False

    def carry_out(self, revoke: Callable[[], LockedOut], *, as_json: bool) -> None:
        """Lock someone out, log how it ended, and tell it.

        Raises:
            ProvisioningError: the broker was not told, or lets them in still.

        """
        act = "revocation_rehearsed" if self.rehearsal else f"{self.party}_revoked"
        try:
            with self.session.doing(act, object=self.name):
                result = revoke()
        except ProvisioningError as error:
            self.session.did(act, object=self.name, outcome="failure", details={"message": str(error)[:300]})
            raise
        details = {"certificates": len(result.serials), "seconds": round(result.ended_after or 0, 1)}
        self.session.did(act, object=self.name, details=dict(details))
        if as_json:
            click.echo(json.dumps({self.party: self.name, "rehearsal": self.rehearsal, **details}))
            return
        refused, ended = result.refused_after or 0, result.ended_after or 0
        click.echo(
            f"{self.told}: {self.broker} refused a revoked certificate of that name after {refused:.1f} s, and a "
            f"session of that name was ended after {ended:.1f} s."
        )


def take_out(fleet: Fleet, folder: Path, address: str, reload: Callable[[], None]) -> LockedOut:
    """Lock a client out, prove it, and take its folder out of the fleet.

    Raises:
        ProvisioningError: the broker was not told, or lets it in still; the same can be done again.

    """
    name = folder.name
    result = lock_out(fleet, name, "revoked", broker=address, reload=reload, authority=fleet.open_authority())
    # Last, so that the same command can be given again after a failure.
    revoked_folder = fleet.directory / "revoked"
    revoked_folder.mkdir(exist_ok=True, mode=0o700)
    folder.rename(revoked_folder / f"{name}.{secrets.token_hex(4)}")
    reload()
    return result


def _revoke_post(fleet: Fleet, name: str, address: str, reload: Callable[[], None]) -> LockedOut:
    fleet.open_authority()  # asks for the passphrase before anything changes
    # First, whatever the broker does: from here on no list is sealed to it.
    fleet.recipient_key(name).unlink(missing_ok=True)
    result = take_out(fleet, fleet.post(name), address, reload)
    write_register(fleet)
    return result


def _rehearse(fleet: Fleet, address: str, reload: Callable[[], None]) -> LockedOut:
    authority = fleet.open_authority()
    name = f"rehearsal-{secrets.token_hex(4)}"
    folder = fleet.post(name)
    folder.mkdir(parents=True, mode=0o700)
    try:
        reload()
        with identity(fleet, authority, name) as own, Connection(own, broker=address) as live:
            result = lock_out(fleet, name, "rehearsal", broker=address, reload=reload, authority=authority)
            if not live.was_ended(within=PATIENCE_SECONDS):
                raise ProvisioningError(f"{address} did not end a session of a revoked post")
        return result
    finally:
        folder.rmdir()
        reload()
