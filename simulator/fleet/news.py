"""The hot list of a simulated fleet: invented plates, sealed to every post, and what changes in it."""

from datetime import UTC, datetime

from device.hotlist.keys import PlateText
from device.hotlist.manifest import Manifest
from device.hotlist.package import load_key, verify_package
from provisioning.client import Connection
from provisioning.fleet import Fleet
from provisioning.hotlist.build import build_package
from provisioning.hotlist.changes import Removal, from_news
from provisioning.hotlist.columns import RowSource
from provisioning.hotlist.delta import build_delta
from provisioning.hotlist.held import open_held
from provisioning.hotlist.publish import publish
from provisioning.hotlist.rows import HotListRow

ISSUER = "Simulated fleet"
ENTRIES = 1000
COME, GO = 5, 5
"""Entries that come and go with the delta."""


def complete_list(fleet: Fleet, *, version: int = 1) -> bytes:
    """Build a complete list, sealed to every post of the fleet."""
    return build_package(
        (_row(number) for number in range(ENTRIES)),
        agency=fleet.agency,
        issuer=ISSUER,
        version=version,
        signing_key=fleet.list_signing_key.read_bytes(),
        post_keys=_post_keys(fleet),
        unseal_key=fleet.list_unseal_key().read_bytes(),
    )


def delta_to(fleet: Fleet, complete: bytes, *, version: int) -> bytes:
    """Build a delta: some plates come, some go."""
    signing, own = fleet.list_signing_key.read_bytes(), fleet.list_unseal_key().read_bytes()
    held = open_held(complete, None, issuer_key=load_key(signing, private=True), unseal_key=load_key(own, private=True))
    coming = RowSource(_row(number) for number in range(ENTRIES, ENTRIES + COME))
    going = [Removal(number, PlateText(_row(number).plate)) for number in range(GO)]
    changes, _ = from_news(held, coming, going)
    return build_delta(
        held,
        changes.overlay,
        patterns=(),
        issuer=ISSUER,
        version=version,
        signing_key=signing,
        post_keys=_post_keys(fleet),
        unseal_key=own,
        built=datetime.now(UTC),
        size_jump=1.0,
    )


def give_out(fleet: Fleet, package: bytes, *, broker: str) -> None:
    """Publish a package on one node, retained there.

    Raises:
        ProvisioningError: the broker cannot be reached, or refuses it.

    """
    with Connection(fleet.publisher, broker=broker) as connection:
        publish(connection, package, manifest_of(fleet, package))


def manifest_of(fleet: Fleet, package: bytes) -> Manifest:
    """Return a package's manifest."""
    return verify_package(package, load_key(fleet.list_verifying_key.read_bytes(), private=False))[0]


def _post_keys(fleet: Fleet) -> list[bytes]:
    return [fleet.recipient_key(post).read_bytes() for post in fleet.posts()]


def _row(number: int) -> HotListRow:
    return HotListRow(plate=f"ZZ{number:05d}", category="stolen_vehicle", priority=1)
