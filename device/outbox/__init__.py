"""The outbox: the durable, encrypted queue on disk between what happened and the broker."""

from device.outbox.aside import SetAside
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

__all__ = [
    "Backlog",
    "Outbox",
    "OutboxBusyError",
    "OutboxDamagedError",
    "OutboxDiskError",
    "OutboxFullError",
    "OutboxKeyError",
    "OutboxVersionError",
    "SetAside",
    "in_use",
    "read_key_file",
]
