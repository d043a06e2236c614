"""What can go wrong when a unit is enrolled or renews its certificate."""

from platepost.common.errors import PlatepostError


class EnrollmentError(PlatepostError, ValueError):
    """A unit cannot be enrolled, or its certificate not renewed; nothing of it has been put in place."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
        """A slug, such as `code_used`."""


class DecommissionError(PlatepostError, ValueError):
    """A unit cannot be taken out of service, or not all of it could be wiped; the message says what is left."""
