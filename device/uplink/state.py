"""The uplink's state, for status and health."""

from dataclasses import dataclass
from datetime import datetime

from platepost.device.uplink.refusals import RefusedTopic


@dataclass(frozen=True, slots=True)
class UplinkState:
    """The uplink at one moment."""

    connected: bool
    broker: str | None
    """`host:port` of the broker connected to, or tried last."""
    problem: str | None
    """Why it is not connected: a slug such as `client_certificate_refused` or `name_unresolved`; None when it is."""
    detail: str
    """The same in the words of the library that said so."""
    attempts: int
    """Attempts to connect since the uplink started."""
    failures: int
    """Attempts that failed since the last success."""
    retry_in_seconds: float | None
    """When the next attempt is due; None while connected or attempting."""
    certificate_expires: datetime | None
    """When the certificate ends of the broker connected to last; None before the first connection."""
    in_flight: int
    """Records sent and not yet acknowledged."""
    acknowledged: int
    """Acknowledgments since the uplink started; a record that was sent twice counts twice."""
    refusals: tuple[RefusedTopic, ...]
    """Topics whose publication the broker refuses, or takes without having anybody to give it to."""
    refused_subscriptions: tuple[str, ...]
    """Topics, each with the reason, that the broker does not let the post subscribe to."""
    too_large: int
    """Records larger than the broker takes, even without their pictures: they wait for a broker that does."""
    pictures_left_out: int
    """Records that were sent without some of their pictures, being too large for the broker with them."""
