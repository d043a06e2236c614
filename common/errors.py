"""The tree of errors that Platepost raises on purpose.

::

    PlatepostError
     +-- ConfigurationError (ValueError)      a configuration names something that cannot be
     +-- BackendError (LookupError)           no camera, board or runtime of the name asked for
     +-- BoardError (OSError)                 the pins of the GPIO cannot be had
     +-- CameraError (OSError)                a camera cannot be opened or stopped giving frames
     +-- PictureError (ValueError)            a picture cannot be decoded
     +-- ModelError (RuntimeError)            a .tflite file is missing, damaged or of another shape
     +-- HotListError (ValueError)            see platepost.wire.hotlist.errors
     +-- RecordError (ValueError)             see platepost.wire.records
     +-- OutboxError (OSError)                see platepost.device.outbox
     +-- UplinkError (OSError)                see platepost.device.uplink
     +-- ControlError (ValueError)            see platepost.wire.errors
"""


def installing(extra: str) -> str:
    """Say how an extra is installed: no package index has Platepost, so there its name is anyone's."""
    brought = f"[{extra}]" if extra else ""
    return f"pip install -e '.{brought}' in a checkout, or pip install 'FILE.whl{brought}' with a release's wheel"


class PlatepostError(Exception):
    """Anything that Platepost raises on purpose; its message is fit for a technician to read."""


class ConfigurationError(PlatepostError, ValueError):
    """A configuration file is unreadable, or a key of it has a value that cannot be."""


class BackendError(PlatepostError, LookupError):
    """No backend of the name asked for is installed, or what it needs is missing."""


class BoardError(PlatepostError, OSError):
    """The pins of the board cannot be had: another program holds them, or this user may not."""


class CameraError(PlatepostError, OSError):
    """A camera cannot be opened, or stopped delivering frames."""


class PictureError(PlatepostError, ValueError):
    """A file or buffer is not a picture that can be decoded."""


class ModelError(PlatepostError, RuntimeError):
    """A model file is missing, damaged, or not of the shape that the device expects."""


class HotListError(PlatepostError, ValueError):
    """A hot list cannot be built, read or installed."""


class RecordError(PlatepostError, ValueError):
    """A record is malformed, or a chain of records does not verify."""


class OutboxError(PlatepostError, OSError):
    """The outbox cannot store, or cannot be opened."""


class UplinkError(PlatepostError, OSError):
    """The uplink cannot be set up."""


class ControlError(PlatepostError, ValueError):
    """A remote configuration or command has no effect."""
