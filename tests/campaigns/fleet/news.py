"""The hot list of a simulated fleet: invented plates, encrypted under an epoch's key, and what changes in it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from joserfc.jwk import ECKey

from platepost.provisioning.connection import Connection
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.hotlist.archive import Archive
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.changes import Removal, from_news
from platepost.provisioning.hotlist.columns import RowSource
from platepost.provisioning.hotlist.delta import build_delta
from platepost.provisioning.hotlist.epochs import EpochKeys, key_messages
from platepost.provisioning.hotlist.held import open_held
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.wire.hotlist.keys import PlateText
from platepost.wire.hotlist.manifest import Manifest
from platepost.wire.hotlist.package import load_key, verify_package
from platepost.wire.hotlist.parts import split_parts
from platepost.wire.records import hotlist_delta, hotlist_keys, hotlist_package, hotlist_part

ISSUER = "Simulated fleet"
ENTRIES = 1000
COME, GO = 5, 5
"""Entries that come and go with the delta."""


def complete_list(fleet: Fleet) -> bytes:
    """Build a complete list, and a message with the key of its epoch for every post of the fleet."""
    keys, posts = _epoch_keys(fleet), _posts(fleet)
    epoch = keys.next(posts)
    keys.give_out([epoch.identifier], epoch, posts, kept=())
    return build_package(
        (_row(number) for number in range(ENTRIES)),
        agency=fleet.agency,
        issuer=ISSUER,
        version=1,
        signing_key=fleet.list_signing_key.read_bytes(),
        post_keys=(),
        epoch=epoch,
        unseal_key=fleet.list_decryption_key().read_bytes(),
    )


def delta_to(fleet: Fleet, complete: bytes, *, version: int) -> bytes:
    """Build a delta: some plates come, some go."""
    signing, own = fleet.list_signing_key.read_bytes(), fleet.list_decryption_key().read_bytes()
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
        post_keys=(),
        epoch=_epoch_keys(fleet).next(_posts(fleet), base=held.complete.manifest.epoch),
        unseal_key=own,
        built=datetime.now(UTC),
        size_jump=1.0,
    )


def give_out(fleet: Fleet, package: bytes, *, nodes: Sequence[str], first: bool, part_bytes: int | None) -> None:
    """Publish a package, retained, on the nodes of a broker.

    In parts, an index says what they are of, as in the department's tools. Each node retains for itself alone, so parts
    go to every node before any index: anyone who hears of it finds them. What posts wait for goes to every node only
    where no one is there yet to hear it twice.

    Args:
        fleet: whose.
        package: what.
        nodes: `host:port` of each.
        first: whether no post has connected yet.
        part_bytes: how large parts are; None for a package that goes whole.

    Raises:
        ProvisioningError: a node cannot be reached, or refuses it.

    """
    manifest = manifest_of(fleet, package)
    topic = hotlist_package(fleet.agency) if manifest.kind == "complete" else hotlist_delta(fleet.agency)
    message = package
    messages = key_messages(Archive(fleet.list_archive).keys) if first else {}
    # One after another: a cluster takes one connection of a name at a time, whatever the node.
    if part_bytes is not None:
        message, _ = split_parts(package, part_bytes=part_bytes)
        for node in nodes:
            with Connection(fleet.publisher, broker=node) as connection:
                for number, part in enumerate(split_parts(package, part_bytes=part_bytes)[1]):
                    connection.publish(hotlist_part(topic, number), part, retain=True)
    for node in nodes if first else nodes[:1]:
        with Connection(fleet.publisher, broker=node) as connection:
            for thumbprint, path in messages.items():
                connection.publish(hotlist_keys(fleet.agency, thumbprint), path.read_bytes(), retain=True)
            connection.publish(topic, message, retain=True)


def manifest_of(fleet: Fleet, package: bytes) -> Manifest:
    """Return a package's manifest."""
    return verify_package(package, load_key(fleet.list_verifying_key.read_bytes(), private=False))[0]


def _posts(fleet: Fleet) -> dict[str, ECKey]:
    keys = (load_key(fleet.recipient_key(post).read_bytes(), private=False) for post in fleet.posts())
    return {key.thumbprint(): key for key in keys}


def _epoch_keys(fleet: Fleet) -> EpochKeys:
    paths = (fleet.list_signing_key, fleet.list_decryption_key())
    signing, own = (load_key(path.read_bytes(), private=True) for path in paths)
    return EpochKeys(Archive(fleet.list_archive).keys, agency=fleet.agency, signing_key=signing, own_key=own)


def _row(number: int) -> HotListRow:
    return HotListRow(plate=f"ZZ{number:05d}", category="stolen_vehicle", priority=1)
