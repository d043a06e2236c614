"""Settings of the connection to the department's brokers: the table `uplink` of the configuration, and timing."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from platepost.common.errors import UplinkError
from platepost.common.settings import Address, KeyPath, Section

DEFAULT_PORT = 8883
_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]:/\s]+))(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "BrokerAddress":
        """Parse `host`, `host:port`, `[IPv6]`, or `[IPv6]:port`; without a port it is 8883.

        Raises:
            UplinkError: it is none of these.

        """
        match = _ADDRESS.fullmatch(text.strip())
        if match is None:
            raise UplinkError(f"{text!r} is not host:port")
        port = int(match["port"] or DEFAULT_PORT)
        if not 0 < port < 65536:
            raise UplinkError(f"{text!r}: the port must be from 1 to 65535")
        return cls(match["ipv6"] or match["host"], port)


class UplinkSettings(Section):
    """How to reach and use the department's brokers."""

    brokers: tuple[Address, ...] = Field(min_length=1, description="host:port, tried in order.")
    ca: Path = Field(description="PEM file of the CA certificates that issue the broker's certificate.")
    certificate: Path = Field(description="PEM file of this post's certificate, whose common name is the post's name.")
    private_key: KeyPath = Field(description="PEM file of the certificate's private key.")
    drain_seconds: float = Field(
        default=30,
        ge=0,
        le=40,
        description=(
            "How long a stop waits for the outbox to empty; a second Ctrl-C stops at once. "
            "systemd kills a post that sends no watchdog ping for 60 s."
        ),
    )
    reconnect_seconds: float = Field(
        default=5,
        gt=0,
        le=120,
        description="Upper limit of the random wait before the first reconnect; thousands of posts need a longer one.",
    )
    session_seconds: int = Field(
        default=7 * 24 * 3600,
        ge=0,
        le=30 * 24 * 3600,
        description="MQTT session expiry: how long the broker keeps messages for this post while it is offline. "
        "0: not at all, which saves RabbitMQ one replicated queue per post.",
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
        """The brokers, parsed. Raises UplinkError for an invalid address."""
        return tuple(BrokerAddress.parse(text) for text in self.brokers)


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkTiming:
    """Timing that no one needs to configure; simulators and tests shorten it."""

    keepalive_seconds: int = 30
    connect_timeout_seconds: float = 10.0
    acknowledge_seconds: float = 240.0
    """After this long without an acknowledgment the post reconnects, to another broker if there is one. Shorter than
    the watchdog's limit (`platepost.device.health.watchdog`), which would restart the post. The largest record takes
    this long at 1,200 bit/s."""
    max_unacknowledged: int = 20
    """Records in flight without an acknowledgment; a broker may set a lower limit (receive maximum)."""
    max_backoff_seconds: float = 120.0
    """Reconnects wait a random time (full jitter). Its limit starts at `reconnect_seconds`, doubles with each failure,
    and ends here. The jitter spreads a fleet whose broker restarts: `benchmarks/reconnect_storm.py`."""
    first_refusal_wait_seconds: float = 30.0
    """Wait before a refused topic, subscription, or broker is tried again; it doubles each time, up to the next."""
    max_refusal_wait_seconds: float = 900.0
    preferred_broker_check_seconds: float = 600.0
    """Approximate interval at which a post checks whether its preferred broker is back."""
    renewal_check_seconds: float = 10.0
    """Interval at which the post checks whether its certificate was replaced."""
    first_resend_seconds: float = 60.0
    """A chain's oldest record without a receipt is resent after this time, then at doubling intervals up to the next;
    the archive service answers each with a receipt."""
    max_resend_seconds: float = 3600.0
    missing_receipt_resend_seconds: float = 300.0
    """A record that a receipt leaves out is resent once its acknowledgment is this old."""
