"""What goes wrong with recordings.

::

    PlatepostError
     +-- RecordingError (ValueError)      a recording is damaged, or of a form that is not known
          +-- NotForThisKeyError          it is sealed to another key
"""

from platepost.common.errors import PlatepostError


class RecordingError(PlatepostError, ValueError):
    """A recording is damaged, or of a form that is not known."""


class NotForThisKeyError(RecordingError):
    """A recording is sealed to another key."""
