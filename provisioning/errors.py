"""The errors of provisioning.

::

    PlatepostError
     +-- ProvisioningError (ValueError)    a fleet, post or subscriber cannot be made as asked
"""

from platepost.common.errors import PlatepostError


class ProvisioningError(PlatepostError, ValueError):
    """A fleet, post or subscriber cannot be made as asked; the message says why."""
