"""Why a hot list is refused.

::

    platepost.common.errors.HotListError (ValueError)
     +-- HotListRefused                 a package was not taken; the list before it stays in force
     |    +-- Unsigned                  no signature at all
     |    +-- BadSignature              not signed by the issuer, or changed after it was signed
     |    |    +-- SignedWithRetiredKey signed by a key of the issuer that is no longer valid
     |    |    +-- SignedWithRevokedKey signed by one that someone else may have
     |    +-- ForeignAgency             another agency's list
     |    +-- Older                     a version that is not newer than the one in force
     |    |    +-- Repeated             the very package in force, delivered again
     |    +-- Expired                   past the time that the issuer gave it
     |    +-- BuiltInFuture             built later than it can be
    |    +-- Truncated                 shorter than it says
     |    +-- WrongKey                  not sealed to this post
     |    +-- Malformed                 cannot be what it says it is
     |    +-- UnsupportedFormat         a format, or a member of it, that this software does not know
     |    +-- SizeJump                  grew or shrank by more than is believable
     |    +-- WrongBase                 a delta to another list than those held
     |    +-- ChainTooLong              more deltas on one complete list than a post carries
     +-- HotListNotStored (OSError)     sound, but disk or memory did not take it; the list before it stays in force
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import ClassVar

from platepost.common.errors import HotListError


class RefusalReason(StrEnum):
    """The name of each refusal, as audit records carry it."""

    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad_signature"
    RETIRED_KEY = "retired_key"
    REVOKED_KEY = "revoked_key"
    FOREIGN_AGENCY = "foreign_agency"
    OLDER = "older"
    REPEATED = "repeated"
    EXPIRED = "expired"
    BUILT_IN_FUTURE = "built_in_future"
    TRUNCATED = "truncated"
    WRONG_KEY = "wrong_key"
    MALFORMED = "malformed"
    UNSUPPORTED_FORMAT = "unsupported_format"
    SIZE_JUMP = "size_jump"
    WRONG_BASE = "wrong_base"
    CHAIN_TOO_LONG = "chain_too_long"


class HotListRefused(HotListError):  # noqa: N818 - a refusal is an outcome, not a fault
    """A package was refused. `reason` says why in one word, the message in a sentence; neither names a plate."""

    reason: ClassVar[RefusalReason]
    signed = False
    """Whether the issuer signed what was refused. If not, the message is in our own words alone."""
    version: int | None = None
    """Of the package, as the issuer signed it; None where that is not known."""


@contextmanager
def signed_by_issuer(version: int | None = None) -> Iterator[None]:
    """Mark refusals within the block as concerning a package of this version that the issuer did sign."""
    try:
        yield
    except HotListRefused as refusal:
        refusal.signed = True
        refusal.version = version
        raise


class Unsigned(HotListRefused):
    """The package carries no signature."""

    reason = RefusalReason.UNSIGNED


class BadSignature(HotListRefused):
    """The signature is not the issuer's, or what it covers was changed."""

    reason = RefusalReason.BAD_SIGNATURE


class SignedWithRetiredKey(BadSignature):
    """The signature is that of a key which the issuer has replaced and retired."""

    reason = RefusalReason.RETIRED_KEY


class SignedWithRevokedKey(BadSignature):
    """The signature is that of a key which the issuer has revoked."""

    reason = RefusalReason.REVOKED_KEY


class ForeignAgency(HotListRefused):
    """The list was made for another agency."""

    reason = RefusalReason.FOREIGN_AGENCY


class Older(HotListRefused):
    """The version is not newer than that of the list in force."""

    reason = RefusalReason.OLDER


class Repeated(Older):
    """The package is the one in force, as a broker's retained message brings it at every connection."""

    reason = RefusalReason.REPEATED


class Expired(HotListRefused):
    """The issuer's own time limit for the list has passed."""

    reason = RefusalReason.EXPIRED


class BuiltInFuture(HotListRefused):
    """The list says that it was built at a time that cannot have come yet: the department's clock is wrong."""

    reason = RefusalReason.BUILT_IN_FUTURE


class Truncated(HotListRefused):
    """The package ends before it should."""

    reason = RefusalReason.TRUNCATED


class WrongKey(HotListRefused):
    """The content key is not sealed to this post's key."""

    reason = RefusalReason.WRONG_KEY


class Malformed(HotListRefused):
    """The package does not follow its format."""

    reason = RefusalReason.MALFORMED


class UnsupportedFormat(HotListRefused):
    """The package is of a format, or uses a member, that this software does not know; it takes none by guessing."""

    reason = RefusalReason.UNSUPPORTED_FORMAT


class SizeJump(HotListRefused):
    """The number of entries moved too far from the list in force, and the issuer did not say that it should."""

    reason = RefusalReason.SIZE_JUMP


class WrongBase(HotListRefused):
    """The delta applies neither to the list in force nor to the complete list under it."""

    reason = RefusalReason.WRONG_BASE


class ChainTooLong(HotListRefused):
    """The deltas on one complete list became too many, or too large: a complete list is due."""

    reason = RefusalReason.CHAIN_TOO_LONG


class HotListNotStored(HotListError, OSError):  # noqa: N818 - named after its sister
    """A sound package could not be opened into memory, or not be written to disk."""
