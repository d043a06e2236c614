"""The errors of the ledger.

::

    DepartmentError
     +-- LedgerError (RuntimeError)
          +-- ClosedEntryError      records are asked for without an open entry
"""

from department.errors import DepartmentError


class LedgerError(DepartmentError, RuntimeError):
    """The ledger cannot be written, so that nothing may be read."""


class ClosedEntryError(LedgerError):
    """The entry is closed, too old or not in the ledger."""
