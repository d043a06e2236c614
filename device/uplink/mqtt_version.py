"""The two versions of MQTT that the uplink speaks: 5, and 3.1.1 for brokers that know no more.

What 3.1.1 cannot say is missing: reasons, limits, expiry, content types, a delay of the will, and whether a record
reached anybody. A broker of 3.1.1 refuses a publication by hanging up, or says nothing at all.
"""

from dataclasses import dataclass
from typing import Any, Self

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from device.records import Envelope
from device.records.envelope import CONTENT_TYPE
from device.uplink.settings import Broker, Protocol, UplinkSettings

_DISCONNECT_WITH_WILL = 0x04


@dataclass(frozen=True, slots=True)
class MqttVersion:
    """One version of the protocol."""

    five: bool

    @classmethod
    def of(cls, protocol: Protocol) -> Self:
        """Return the dialect of a protocol version."""
        return cls(five=protocol == "5")

    def client(self, client_id: str) -> Client:
        """Make paho's client; its session outlives the connection."""
        more: dict[str, Any] = {} if self.five else {"clean_session": False}
        return Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if self.five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
            **more,
        )

    def set_will(self, client: Client, will: Envelope, settings: UplinkSettings) -> None:
        """Have the broker publish `will` when the connection ends without a farewell."""
        properties = self.publication(PacketTypes.WILLMESSAGE, expiry_seconds=None)
        # None is the same as none said, which RabbitMQ 4.0 needs: a retained will that says 0 ends the connection of
        # whoever subscribes to it (rabbit_mqtt_packet:serialise_prop knows no Will-Delay-Interval).
        if properties is not None and settings.will_delay_seconds:
            properties.WillDelayInterval = settings.will_delay_seconds
        client.will_set(will.topic, will.body, qos=1, retain=True, properties=properties)

    def connect(self, client: Client, broker: Broker, settings: UplinkSettings) -> None:
        """Reach the broker and send CONNECT.

        Raises:
            OSError: it cannot be reached, or TLS failed.

        """
        more: dict[str, Any] = {}
        if self.five:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = settings.session_expiry_seconds
            properties.MaximumPacketSize = settings.package_most_bytes
            properties.ReceiveMaximum = settings.receive_most
            more = {"clean_start": False, "properties": properties}
        client.connect(broker.host, broker.port, keepalive=settings.keepalive_seconds, **more)

    def publication(
        self, packet: int, *, expiry_seconds: int | None, correlation: bytes | None = None
    ) -> Properties | None:
        """Return the properties of a record, for a publication or a will."""
        if not self.five:
            return None
        return publish_properties(packet, expiry_seconds=expiry_seconds, correlation=correlation)

    def subscribe(self, client: Client, topic: str, *, retained_again: bool) -> tuple[MQTTErrorCode, int | None]:
        """Subscribe at QoS 1; `retained_again` asks for the retained message even of an old subscription."""
        if not self.five:
            return client.subscribe(topic, qos=1)
        handling = (
            SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if retained_again else SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
        )
        return client.subscribe(topic, options=SubscribeOptions(qos=1, retainHandling=handling))

    def farewell(self, client: Client, *, with_will: bool) -> None:
        """Send DISCONNECT; `with_will` has the broker publish the will nonetheless."""
        if not with_will:
            client.disconnect()
        elif self.five:
            client.disconnect(reasoncode=ReasonCode(PacketTypes.DISCONNECT, identifier=_DISCONNECT_WITH_WILL))
        # In 3.1.1 the will follows a connection that ends without DISCONNECT.


def publish_properties(packet: int, *, expiry_seconds: int | None, correlation: bytes | None = None) -> Properties:
    """Return the MQTT 5 properties of a record, for a publication or a will."""
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    properties.ContentType = CONTENT_TYPE
    properties.PayloadFormatIndicator = 1
    if expiry_seconds is not None:
        properties.MessageExpiryInterval = expiry_seconds
    if correlation is not None:
        properties.CorrelationData = correlation
    return properties
