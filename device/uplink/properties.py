"""What the uplink tells a broker in MQTT 5 properties: how much it takes, and of the will and of records."""

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from platepost.wire.mqtt import properties_of
from platepost.wire.records.envelope import CONTENT_TYPE

RECEIVE_MOST = 8
"""Messages that the broker may send without the post's acknowledgment: with the size below, what they may take."""
PACKAGE_MOST_BYTES = 64 * 1024 * 1024
"""The largest message that the broker may send to the post."""


def will_properties() -> Properties:
    """Return those of the will, which the broker publishes when the connection ends without a farewell.

    Without delay, and without saying so. RabbitMQ 4 keeps a delayed will in a queue of the node that took it, and while
    that node is down lets the client in at no other; of RabbitMQ 4.0 a retained will that says 0 ends the connection of
    anyone who subscribes to it (rabbit_mqtt_packet:serialise_prop knows no Will-Delay-Interval).
    """
    return publish_properties(PacketTypes.WILLMESSAGE, expiry_seconds=None)


def publish_properties(packet: int, *, expiry_seconds: int | None, correlation: bytes | None = None) -> Properties:
    """Return those of a record, for a publication or a will."""
    return properties_of(
        packet,
        ContentType=CONTENT_TYPE,
        PayloadFormatIndicator=1,
        MessageExpiryInterval=expiry_seconds,
        CorrelationData=correlation,
    )
