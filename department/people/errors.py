"""What can be wrong with a change of a person's rights.

::

    DepartmentError
     +-- PersonError    the change is refused, or there is no such person
"""

from department.errors import DepartmentError


class PersonError(DepartmentError):
    """A change of a person's rights is refused, or there is no such person; the message says why."""
