"""The uplink: MQTT 5 over mutual TLS 1.3."""

from device.uplink.inbox import Delivery
from device.uplink.reasons import NOBODY
from device.uplink.refusals import EVERYTHING, RefusedTopic
from device.uplink.settings import BrokerAddress, Tuning, UplinkSettings
from device.uplink.state import UplinkState
from device.uplink.tls import IdentityError
from device.uplink.uplink import Uplink

__all__ = [
    "EVERYTHING",
    "NOBODY",
    "BrokerAddress",
    "Delivery",
    "IdentityError",
    "RefusedTopic",
    "Tuning",
    "Uplink",
    "UplinkSettings",
    "UplinkState",
]
