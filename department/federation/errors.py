"""The errors of federation.

::

    OperationRefusedError
     +-- NotTakenError    a partner's message is not answered
"""

from platepost.department.errors import OperationRefusedError


class NotTakenError(OperationRefusedError):
    """A message from outside is not answered; the message says why, in words for the partner.

    Args:
        message: why.
        status: of HTTP.
        body: what is answered besides: the receipt of an earlier answer.

    """

    def __init__(self, message: str, status: int, body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.body = body
