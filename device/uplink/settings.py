"""What an uplink has to know of its brokers, its identity, and how patient to be."""

import re
from dataclasses import dataclass
from pathlib import Path

from device.errors import UplinkError

DEFAULT_PORT = 8883
_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]:/\s]+))(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Broker":
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


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkSettings:
    """Everything about the uplink that is configured.

    Raises:
        UplinkError: no broker, or one that is not `host:port`.

    """

    brokers: tuple[str, ...]
    """`host:port`, the preferred first; the next is tried when one fails."""
    ca: Path
    """PEM of the authority that signed the broker's certificate; no other is trusted."""
    certificate: Path
    """PEM chain of the post's client certificate; read anew for every connection, so that renewal needs no restart."""
    private_key: Path
    client_id: str
    """The name in the certificate: brokers compare the two, so that nobody takes over another's session."""
    keepalive_seconds: int = 30
    connect_timeout_seconds: float = 10.0
    session_expiry_seconds: int = 7 * 24 * 3600
    """How long the broker keeps the post's session, and with it what it has for the post."""
    will_delay_seconds: int = 0
    """How long the broker waits before it says that the post is offline. Not at all by default: RabbitMQ 4 keeps a
    delayed will in a queue of the node that took it, and while that node is down lets the client in at no other."""
    window: int = 20
    """Records under way at a time without acknowledgement; a broker may ask for fewer."""
    backoff_first_seconds: float = 5.0
    backoff_most_seconds: float = 120.0
    """Attempts to connect are apart by anything up to a bound between these, doubling with each failure. The first is
    what spreads a fleet whose broker restarts: `benchmarks/reconnect_storm.py`."""
    refusal_first_seconds: float = 30.0
    refusal_most_seconds: float = 900.0
    """A topic, a subscription or a broker that refused is tried again after a time between these, doubling."""
    return_seconds: float = 600.0
    """How often, about, a post that had to leave its preferred broker looks whether it is back."""
    renewal_check_seconds: float = 10.0
    """How often the post looks whether its certificate was replaced."""
    settle_seconds: float = 10.0
    """How long after an acknowledgement the broker must still be there, and answer several times, before the record is
    deleted; at least 2 s longer than the broker waits between saving and saving again."""
    may_go_unheard: tuple[str, ...] = ()
    """Kinds of records that count as delivered though the broker says that nobody subscribes: `read`, `status`, ..."""
    receive_most: int = 8
    """Messages that the broker may send without the post's acknowledgement: with the size below, what they may take."""
    package_most_bytes: int = 64 * 1024 * 1024
    """The largest message that the broker may send to the post."""

    def __post_init__(self) -> None:
        if not self.brokers:
            raise UplinkError("no broker is configured")
        for text in self.brokers:
            Broker.parse(text)

    @property
    def endpoints(self) -> tuple[Broker, ...]:
        """The brokers, parsed."""
        return tuple(Broker.parse(text) for text in self.brokers)
