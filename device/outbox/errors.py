"""The errors of the outbox; all are `OutboxError`.

::

    OutboxError (OSError)
     +-- OutboxKeyError         the key is not 32 bytes, or another than the file was written with
     +-- OutboxDamagedError     the file is no outbox, or a page of it is damaged
     +-- OutboxDiskError        the disk does not read or write what it is asked to
     +-- OutboxVersionError     the file was written by newer software
     +-- OutboxBusyError        another process has the file open
     +-- OutboxFullError        the disk is full, and there is nothing left that may be dropped
"""

from platepost.common.errors import OutboxError


class OutboxKeyError(OutboxError):
    """The key is not 32 bytes long, or not the one that the file was written with."""

    reason = "wrong_key"


class OutboxDamagedError(OutboxError):
    """The file is no outbox, or a page of it is damaged."""

    reason = "damaged"


class OutboxDiskError(OutboxError):
    """The disk does not read or write what it is asked to."""

    reason = "disk_error"


class OutboxVersionError(OutboxError):
    """The file was written by newer software."""

    reason = "newer_version"


class OutboxBusyError(OutboxError):
    """Another process has the file open."""

    reason = "busy"


class OutboxFullError(OutboxError):
    """The disk is full, and there is nothing left that may be dropped."""

    reason = "disk_full"
