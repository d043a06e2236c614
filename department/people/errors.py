"""What can be wrong with a change of a person's rights.

::

    ActRefusedError
     +-- PersonError    the change is refused, or there is no such person
"""

from platepost.department.errors import ActRefusedError


class PersonError(ActRefusedError):
    """A change of a person's rights is refused, or there is no such person; the message says why."""
