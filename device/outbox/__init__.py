"""The outbox: the durable, encrypted queue on disk between what happened and the broker."""

from device.outbox.database import in_use, read_key_file
from device.outbox.errors import (
    OutboxBusyError,
    OutboxDamagedError,
    OutboxDiskError,
    OutboxFullError,
    OutboxKeyError,
    OutboxVersionError,
)
from device.outbox.outbox import Backlog, Outbox
from device.outbox.quarantine import Quarantined

__all__ = [
    "Backlog",
    "Outbox",
    "OutboxBusyError",
    "OutboxDamagedError",
    "OutboxDiskError",
    "OutboxFullError",
    "OutboxKeyError",
    "OutboxVersionError",
    "Quarantined",
    "in_use",
    "read_key_file",
]
