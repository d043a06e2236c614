"""The MQTT 5 properties of what the uplink sends: the connection itself, the will, and records."""

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from device.records.envelope import CONTENT_TYPE
from device.uplink.settings import UplinkSettings


def connect_properties(settings: UplinkSettings) -> Properties:
    """Return those of CONNECT: a session that outlives the connection, and how much the broker may send."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.session_expiry_seconds
    properties.MaximumPacketSize = settings.package_most_bytes
    properties.ReceiveMaximum = settings.receive_most
    return properties


def will_properties(settings: UplinkSettings) -> Properties:
    """Return those of the will, which the broker publishes when the connection ends without a farewell."""
    properties = publish_properties(PacketTypes.WILLMESSAGE, expiry_seconds=None)
    # None is the same as none said, which RabbitMQ 4.0 needs: a retained will that says 0 ends the connection of
    # whoever subscribes to it (rabbit_mqtt_packet:serialise_prop knows no Will-Delay-Interval).
    if settings.will_delay_seconds:
        properties.WillDelayInterval = settings.will_delay_seconds
    return properties


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
