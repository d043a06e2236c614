"""Putting a package onto the broker: whole, or in parts with an index, so that every post takes it.

A package that is sent whole starts again from nothing when a radio link breaks; in parts it starts again at a part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from platepost.provisioning.connection import Connection, TooLargeError
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.hotlist.epochs import SENT, UNSENT, key_messages
from platepost.wire.hotlist.manifest import Manifest
from platepost.wire.hotlist.parts import PART_BYTES, PART_OVERHEAD, split_parts
from platepost.wire.records import hotlist_delta, hotlist_keys, hotlist_package, hotlist_part

LARGEST_WHOLE = 8 << 20
"""Bytes of a package beyond which it goes in parts, whatever the broker would take."""

_ROOM = 512
"""Bytes of a packet for its topic, properties and lengths."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a package went, and in how many parts; none means whole."""

    topic: str
    parts: int


def publish(
    connection: Connection,
    package: bytes,
    manifest: Manifest,
    *,
    keys: Path | None = None,
    part_bytes: int | None = None,
    progress: Callable[[int], None] = lambda _bytes: None,
) -> Sent:
    """Publish a package to all posts of its agency, retained until it expires, and return once the broker has it.

    Args:
        connection: open, of the department's client.
        package: signed and sealed.
        manifest: of the package.
        keys: the folder with the posts' key messages, for a package of format 2: all go out before a complete list,
            and before a delta those that the broker has not had.
        part_bytes: how large parts are to be; as large as the broker takes, at most 1 MiB, and no parts for a package
            of up to 8 MiB that it takes whole, where None.
        progress: called with the number of bytes that the broker has.

    Raises:
        ProvisioningError: the broker refuses it or does not answer.

    """
    agency = manifest.agency
    topic = hotlist_package(agency) if manifest.kind == "complete" else hotlist_delta(agency)
    expiry = max(1, int((manifest.expires - datetime.now(UTC)).total_seconds()))
    if manifest.epoch is not None and keys is not None:
        _publish_keys(connection, keys, manifest, expiry)
    room = connection.largest_packet
    if part_bytes is None and len(package) <= min(LARGEST_WHOLE, (room or LARGEST_WHOLE + _ROOM) - _ROOM):
        try:
            connection.publish(topic, package, retain=True, expiry_seconds=expiry)
        except TooLargeError:
            pass  # a limit that the broker had not announced
        else:
            progress(len(package))
            return Sent(topic, 0)
    part_bytes = part_bytes or PART_BYTES
    if room is not None:
        part_bytes = min(part_bytes, room - _ROOM - PART_OVERHEAD)
    try:
        index, parts = split_parts(package, part_bytes=part_bytes)
    except ValueError as error:
        raise ProvisioningError(f"the broker takes packets of {room} bytes: {error}") from error
    count = sent = 0
    for count, part in enumerate(parts, start=1):
        connection.publish(hotlist_part(topic, count - 1), part, retain=True, expiry_seconds=expiry)
        sent += len(part) - PART_OVERHEAD
        progress(sent)
    connection.publish(topic, index, retain=True, expiry_seconds=expiry)
    return Sent(topic, count)


def _publish_keys(connection: Connection, keys: Path, manifest: Manifest, expiry: int) -> None:
    for thumbprint, path in key_messages(keys).items():
        if manifest.kind == "complete" or path.suffix == UNSENT:
            topic = hotlist_keys(manifest.agency, thumbprint)
            connection.publish(topic, path.read_bytes(), retain=True, expiry_seconds=expiry)
            if path.suffix == UNSENT:
                path.replace(path.with_suffix(SENT))
