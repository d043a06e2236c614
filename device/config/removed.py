"""Keys that were removed: for one version a file with such a key still loads if the post does what the key asks for."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RemovedKey:
    """What a removed key was, and what becomes of a file that still has it."""

    was: str
    """What it said."""
    allowed: tuple[Any, ...] | None
    """Values that ask for what the post does anyway; None if nothing is lost with any."""
    instead: str
    """What to do where the file has any other value."""


def _renamed(name: str) -> RemovedKey:
    """Return the row of a key that has another name now: every value of it is to be moved there."""
    return RemovedKey(f"now `{name}`", allowed=(), instead=f"this key is now called `{name}`; rename it")


REMOVED: Mapping[str, RemovedKey] = {
    "uplink.protocol": RemovedKey(
        "the version of MQTT",
        allowed=("5",),
        instead="posts speak MQTT 5 only; set up mosquitto or RabbitMQ (docs/brokers.md), then delete this key",
    ),
    "uplink.client_id": RemovedKey(
        "the client id at the broker",
        allowed=("name",),
        instead="posts connect under the name in their certificate; set up a broker that compares the two, mosquitto or"
        " RabbitMQ (docs/brokers.md), then delete this key",
    ),
    "uplink.settle_seconds": RemovedKey(
        "how long a record was kept after the broker's acknowledgment",
        allowed=None,
        instead="a custodian's receipt now shows whether the department has a record (docs/outbox.md); delete this key",
    ),
    "passages.gone_seconds": _renamed("lost_after_seconds"),
    "passages.sure": _renamed("sure_confidence"),
    "passages.agreeing": _renamed("agreeing_frames"),
}
"""By their path in the file. A row is deleted with the version after the one that removed its key."""


def without_removed(
    table: Mapping[str, Any], removed: Mapping[str, RemovedKey] = REMOVED
) -> tuple[dict[str, Any], list[str], list[str]]:
    """Return the table without removed keys, a notice for each that does no harm, and a fault for each other."""
    remaining = deepcopy(dict(table))
    notices, faults = [], []
    for path, key in removed.items():
        *sections, name = path.split(".")
        place: Any = remaining
        for section in sections:
            place = place.get(section) if isinstance(place, dict) else None
        if not isinstance(place, dict) or name not in place:
            continue
        value = place.pop(name)
        if key.allowed is None or value in key.allowed:
            notices.append(f"{path} = {value!r}: this key, {key.was}, was removed and does nothing; delete it")
        else:
            faults.append(f"{path} = {value!r}: {key.instead}")
    return remaining, notices, faults
