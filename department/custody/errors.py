"""The errors of custody.

::

    PlatepostError
     +-- CustodyError (RuntimeError)    receipts cannot be issued
"""

from device.errors import PlatepostError


class CustodyError(PlatepostError, RuntimeError):
    """Receipts cannot be issued: their log is damaged, or another process has it open."""
