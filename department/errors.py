"""The errors of a department's installation.

::

    PlatepostError
     +-- DepartmentError (RuntimeError)    the installation, or its database, is not as it must be
          +-- OperationRefusedError              what someone asks for is refused, and the page says why
"""

from platepost.common.errors import PlatepostError


class DepartmentError(PlatepostError, RuntimeError):
    """A department's installation, or its database, is not as it must be; the message says what to do."""


class OperationRefusedError(DepartmentError):
    """What someone asks for is refused; the message says why, in words for the person who asked.

    Args:
        message: why.
        rule: which rule refuses, as the database names it; empty where it is none of the database's.

    """

    def __init__(self, message: str, rule: str = "") -> None:
        super().__init__(message)
        self.rule = rule
