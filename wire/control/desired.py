"""Judging a desired configuration: signature, post, version, time, and every value."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from joserfc.jwk import ECKey

from platepost.common.settings import Table
from platepost.wire.control.overlay import overlay
from platepost.wire.errors import RefusedError, Rejection
from platepost.wire.jose import open_signed_by, read_payload
from platepost.wire.kernel_clock import CLOCK_TOLERANCE
from platepost.wire.records import CONFIGURATION_TYPE, ClockQuality, DesiredConfiguration, Source


@dataclass(frozen=True, slots=True)
class Desired:
    """A configuration that the fleet's key signed."""

    jws: str
    payload: DesiredConfiguration
    signer: str = ""
    """Thumbprint of that key."""

    @property
    def digest(self) -> str:
        """SHA-256 of the JWS, hexadecimal."""
        return hashlib.sha256(self.jws.encode()).hexdigest()


def read(message: bytes, keys: ECKey | Sequence[ECKey]) -> Desired:
    """Check who signed a configuration and read it.

    Raises:
        RefusedError: it is not a configuration that the fleet's configuration key, or one of several, signed.

    """
    known = [keys] if isinstance(keys, ECKey) else keys
    signed, signer = open_signed_by(message, typ=CONFIGURATION_TYPE, keys=known)
    payload = read_payload(signed.payload, DesiredConfiguration, "configuration")
    return Desired(message.decode("ascii"), payload, signer.thumbprint())


def judge(desired: Desired, base: Table, *, source: Source, highest: int, at: datetime, clock: ClockQuality) -> Table:
    """Return the configuration that would be in force.

    Raises:
        RefusedError: another post's, not newer than `highest`, out of its time, or with a value that cannot be.

    """
    payload = desired.payload
    if payload.agency != source.agency:
        raise RefusedError(Rejection.FOREIGN_AGENCY, "the configuration is for another agency")
    if payload.post != source.post:
        raise RefusedError(Rejection.OTHER_POST, "the configuration is for another post")
    if payload.version <= highest:
        raise RefusedError(Rejection.OLDER, f"version {payload.version} is not newer than {highest}")
    if at >= payload.expires:
        raise RefusedError(Rejection.EXPIRED, f"it was to be applied before {payload.expires.isoformat()}")
    if clock.synchronised and payload.issued > at + CLOCK_TOLERANCE:
        raise RefusedError(Rejection.NOT_YET_VALID, f"it is dated {payload.issued.isoformat()}")
    return overlay(base, payload.settings)
