"""The errors of a department's installation.

::

    PlatepostError
     +-- DepartmentError (RuntimeError)    the installation, or its database, is not as it must be
"""

from device.errors import PlatepostError


class DepartmentError(PlatepostError, RuntimeError):
    """A department's installation, or its database, is not as it must be; the message says what to do."""
