"""The MQTT 5 properties of what the uplink sends: the connection itself, the will, and records."""

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from platepost.wire.records.envelope import CONTENT_TYPE

RECEIVE_MOST = 8
"""Messages that the broker may send without the post's acknowledgment: with the size below, what they may take."""
PACKAGE_MOST_BYTES = 64 * 1024 * 1024
"""The largest message that the broker may send to the post."""


def connect_properties(*, session_seconds: int) -> Properties:
    """Return those of CONNECT: a session that outlives the connection, and how much the broker may send."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = session_seconds
    properties.MaximumPacketSize = PACKAGE_MOST_BYTES
    properties.ReceiveMaximum = RECEIVE_MOST
    return properties


def will_properties() -> Properties:
    """Return those of the will, which the broker publishes when the connection ends without a farewell.

    Without delay, and without saying so. RabbitMQ 4 keeps a delayed will in a queue of the node that took it, and while
    that node is down lets the client in at no other; of RabbitMQ 4.0 a retained will that says 0 ends the connection of
    anyone who subscribes to it (rabbit_mqtt_packet:serialise_prop knows no Will-Delay-Interval).
    """
    return publish_properties(PacketTypes.WILLMESSAGE, expiry_seconds=None)


def publish_properties(packet: int, *, expiry_seconds: int | None, correlation: bytes | None = None) -> Properties:
    """Return those of a record, for a publication or a will."""
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    properties.ContentType = CONTENT_TYPE
    properties.PayloadFormatIndicator = 1
    if expiry_seconds is not None:
        properties.MessageExpiryInterval = expiry_seconds
    if correlation is not None:
        properties.CorrelationData = correlation
    return properties
