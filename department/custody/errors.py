"""The errors of custody.

::

    PlatepostError
     +-- OperationRefusedError
     |    +-- AdmissionError           an admission is refused
     +-- CustodyError (RuntimeError)    receipts cannot be issued
          +-- StoreError (OSError)      records cannot be stored, or not now
               +-- PictureStoreError    the bucket of pictures does not answer, or refuses
"""

from platepost.common.errors import PlatepostError
from platepost.department.errors import OperationRefusedError


class AdmissionError(OperationRefusedError):
    """Records of a key that had ended are not admitted; the message says why."""


class CustodyError(PlatepostError, RuntimeError):
    """Receipts cannot be issued: their log is damaged, or another process has it open."""


class StoreError(CustodyError, OSError):
    """Records could not be stored. Nothing of what was to be stored at once is, and all of it may be tried again."""


class PictureStoreError(StoreError):
    """The bucket of the pictures does not answer, or refuses. What is asked of it may be asked again."""
