"""The department's brokers, and how patient the post is with them: the table `uplink` of the configuration."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from platepost.common.errors import UplinkError
from platepost.common.settings import Address, KeyPath, Section

DEFAULT_PORT = 8883
_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]:/\s]+))(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "BrokerAddress":
        """Read `host`, `host:port` or `[IPv6]:port`.

        Raises:
            UplinkError: it is none of these.

        """
        match = _ADDRESS.fullmatch(text.strip())
        if match is None:
            raise UplinkError(f"{text!r} is not host:port")
        port = int(match["port"] or DEFAULT_PORT)
        if not 0 < port < 65536:
            raise UplinkError(f"{text!r} has no such port")
        return cls(match["six"] or match["host"], port)


class UplinkSettings(Section):
    """The department's broker."""

    brokers: tuple[Address, ...] = Field(min_length=1, description="host:port, tried in order.")
    ca: Path = Field(description="PEM of the authorities that may vouch for the broker.")
    certificate: Path = Field(description="PEM of this post's certificate, whose common name is the post's name.")
    private_key: KeyPath = Field(description="PEM of the certificate's private key.")
    drain_seconds: float = Field(
        default=30,
        ge=0,
        le=40,
        description=(
            "How long stopping waits for the outbox to empty; a second Ctrl-C ends the wait, and the post, at once. "
            "systemd kills a post that sends no watchdog ping for 60 s."
        ),
    )
    reconnect_seconds: float = Field(
        default=5,
        gt=0,
        le=120,
        description="The longest first wait before connecting again; a fleet of thousands needs a longer one.",
    )
    session_seconds: int = Field(
        default=7 * 24 * 3600,
        ge=0,
        le=30 * 24 * 3600,
        description="How long the broker keeps what comes for this post while it is away; 0 for not at all, which "
        "spares RabbitMQ a replicated queue a post.",
    )
    read_expiry_hours: float = Field(
        default=168, ge=1, le=744, description="How long a broker keeps a read for a subscriber that is away."
    )
    optional_receivers: tuple[Literal["read", "hit", "status", "audit"], ...] = Field(
        default=(),
        description="Kinds of records that count as delivered even if no one subscribes to them at the broker.",
    )

    @property
    def endpoints(self) -> tuple[BrokerAddress, ...]:
        """The brokers, parsed. Raises UplinkError for a port that there is not."""
        return tuple(BrokerAddress.parse(text) for text in self.brokers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What of an uplink's patience no one has to configure; simulators and tests hurry it."""

    keepalive_seconds: int = 30
    connect_timeout_seconds: float = 10.0
    acknowledge_seconds: float = 240.0
    """How long a broker may acknowledge nothing before the post tries another, or the same again: less than the
    watchdog waits, which would restart the post for it (`platepost.device.health.watchdog`). Over a radio link of 1,200
    bits a second, the largest record takes as long."""
    window: int = 20
    """Records under way at a time without acknowledgment; a broker may ask for fewer."""
    backoff_most_seconds: float = 120.0
    """Attempts to connect are apart by anything up to a bound between `reconnect_seconds` and this, doubling with each
    failure. The first is what spreads a fleet whose broker restarts: `benchmarks/reconnect_storm.py`."""
    refusal_first_seconds: float = 30.0
    refusal_most_seconds: float = 900.0
    """A topic, a subscription or a broker that refused is tried again after a time between these, doubling."""
    return_seconds: float = 600.0
    """How often, about, a post that had to leave its preferred broker looks whether it is back."""
    renewal_check_seconds: float = 10.0
    """How often the post looks whether its certificate was replaced."""
    probe_first_seconds: float = 60.0
    probe_most_seconds: float = 3600.0
    """The oldest record of a chain that lacks a receipt is sent again after the first, and then again and again, up
    to the other apart, doubling: the custodian answers each with a receipt."""
    left_out_seconds: float = 300.0
    """Records that a receipt leaves out are sent again if they were acknowledged so long before, or longer."""
