"""Judging a desired configuration: signature, post, version, time, and every value."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc.jwk import ECKey
from pydantic import ValidationError

from device.config import Configuration
from device.control.errors import Reason, RefusedError
from device.control.jose import open_signed, read_payload
from device.control.settings import overlay
from device.errors import ConfigurationError, RecordError
from device.records import CONFIGURATION_TYPE, ClockQuality, DesiredConfiguration, Source, signing

AHEAD = timedelta(minutes=5)
"""How far the administrator's clock may be ahead."""


def read_key(pem: bytes) -> ECKey:
    """Read the public key that signs configurations.

    Raises:
        ConfigurationError: it is no key on P-256 in PEM.

    """
    try:
        return signing.read_key(pem)
    except RecordError as error:
        raise ConfigurationError(f"control.configuration_key: {error}") from error


@dataclass(frozen=True, slots=True)
class Desired:
    """A configuration that the fleet's key signed."""

    jws: str
    said: DesiredConfiguration

    @property
    def digest(self) -> str:
        """SHA-256 of the JWS, hexadecimal."""
        return hashlib.sha256(self.jws.encode()).hexdigest()


def read(message: bytes, key: ECKey) -> Desired:
    """Check who signed a configuration and read it.

    Raises:
        RefusedError: it is not a configuration that the fleet's configuration key signed.

    """
    signed = open_signed(message, typ=CONFIGURATION_TYPE, key=lambda _header: key)
    read_payload(signed.payload)
    try:
        said = DesiredConfiguration.model_validate_json(signed.payload, strict=True)
    except ValidationError as error:
        places = sorted({".".join(str(part) for part in fault["loc"][:1]) for fault in error.errors()})
        raise RefusedError(Reason.MALFORMED, f"what is signed is no configuration: {', '.join(places)[:200]}") from None
    return Desired(message.decode("ascii"), said)


def judge(
    desired: Desired, base: Configuration, *, source: Source, highest: int, at: datetime, clock: ClockQuality
) -> Configuration:
    """Return the configuration that would be in force.

    Raises:
        RefusedError: another post's, not newer than `highest`, out of its time, or with a value that cannot be.

    """
    said = desired.said
    if said.agency != source.agency:
        raise RefusedError(Reason.FOREIGN_AGENCY, "the configuration is for another agency")
    if said.post != source.post:
        raise RefusedError(Reason.OTHER_POST, "the configuration is for another post")
    if said.version <= highest:
        raise RefusedError(Reason.OLDER, f"version {said.version} is not newer than {highest}")
    if at >= said.expires:
        raise RefusedError(Reason.EXPIRED, f"it was to be applied before {said.expires.isoformat()}")
    if clock.synchronised and said.issued > at + AHEAD:
        raise RefusedError(Reason.NOT_YET_VALID, f"it is dated {said.issued.isoformat()}")
    return overlay(base, said.settings)
