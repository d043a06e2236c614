"""What can be wrong with a change of a person's rights.

::

    OperationRefusedError
     +-- PersonError    the change is refused, or there is no such person
"""

from platepost.department.errors import OperationRefusedError


class PersonError(OperationRefusedError):
    """A change of a person's rights is refused, or there is no such person; the message says why."""
