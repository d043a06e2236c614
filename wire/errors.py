"""Why a configuration or a command has no effect.

::

    platepost.common.errors.ControlError (ValueError)
     +-- RefusedError               it was judged and refused; `reason` says why in one word
     +-- NotKeptError (OSError)     the disk did not take what must be remembered; nothing was done
"""

from enum import StrEnum

from pydantic import JsonValue

from platepost.common.errors import ControlError


class Rejection(StrEnum):
    """The name of each refusal, as audit records, status and answers carry it."""

    # of anything signed
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad_signature"
    FOREIGN_AGENCY = "foreign_agency"
    OTHER_POST = "other_post"
    NOT_KEPT = "not_kept"
    RETIRED_KEY = "retired_key"
    REVOKED_KEY = "revoked_key"
    # of statements about keys
    OTHER_PURPOSE = "other_purpose"
    OTHER_TERMS = "other_terms"
    # of receipts, and of statements about a custodian's keys
    OTHER_CUSTODIAN = "other_custodian"
    UNKNOWN_CUSTODIAN = "unknown_custodian"
    LOWER_EPOCH = "lower_epoch"
    # of configurations
    OLDER = "older"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    NOT_ALLOWED = "not_allowed"
    INVALID_VALUE = "invalid_value"
    DID_NOT_START = "did_not_start"
    DEGRADED = "degraded"
    # of commands
    RETAINED = "retained"
    UNKNOWN_COMMAND = "unknown_command"
    OTHER_COMMAND = "other_command"
    RESPONSE_TOPIC = "response_topic"
    FOREIGN_CERTIFICATE = "foreign_certificate"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    NOT_THE_HOLDER = "not_the_holder"
    ROLE = "role"
    TOO_OLD = "too_old"
    FROM_THE_FUTURE = "from_the_future"
    CLOCK_UNSYNCHRONISED = "clock_unsynchronised"
    OTHER_RUN = "other_run"
    REPLAYED = "replayed"
    TOO_OFTEN = "too_often"


class RefusedError(ControlError):
    """What arrived was judged and refused. The message is fit for the audit trail: it never holds a plate or a key.

    Of what no one signed, the message repeats nothing but names that are registered.
    """

    def __init__(self, reason: Rejection, message: str, *, signed: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.signed = signed
        """Whether a key of the fleet signed what was refused."""

    @property
    def details(self) -> dict[str, JsonValue]:
        """What an audit record says beside the reason."""
        return {"message": str(self)[:1000]}


class NotKeptError(ControlError, OSError):
    """What must be remembered could not be written; nothing was done."""
