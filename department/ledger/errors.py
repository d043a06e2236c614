"""The errors of the ledger.

::

    DepartmentError
     +-- LedgerError (RuntimeError)
          +-- AgreementError        an agreement is not entered, or not confirmed
          +-- ClosedEntryError      records are asked for without an open entry
          +-- HeadError             a checkpoint is not signed or not witnessed
          +-- JournalError          the journal, for when it cannot be written, cannot be written or read
"""

from platepost.department.errors import DepartmentError, OperationRefusedError


class LedgerError(DepartmentError, RuntimeError):
    """The ledger cannot be written, so that nothing may be read."""


class AgreementError(LedgerError, OperationRefusedError):
    """An agreement cannot be entered or confirmed so."""


class ClosedEntryError(LedgerError):
    """The entry is closed, too old or not in the ledger."""


class HeadError(LedgerError):
    """A checkpoint is not signed or witnessed as it must be."""


class JournalError(LedgerError):
    """What was shown cannot be noted in the journal either, or the journal is damaged."""
