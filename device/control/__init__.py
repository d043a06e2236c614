"""Remote control: signed configurations, commands and statements about keys, judged before anything acts on them."""

from device.control.configuration.overlay import overlay
from device.control.configuration.remote import RemoteConfiguration
from device.control.configuration.store import ConfigurationStore, StoredConfiguration
from device.control.errors import NotKeptError, RefusedError, Rejection
from device.control.keys import SigningKeys
from device.control.people import Operator, Operators
from device.control.replay_guard import ReplayGuard
from device.control.seal import seal_to
from device.control.verifier import CommandVerifier

__all__ = [
    "CommandVerifier",
    "ConfigurationStore",
    "NotKeptError",
    "Operator",
    "Operators",
    "RefusedError",
    "Rejection",
    "RemoteConfiguration",
    "ReplayGuard",
    "SigningKeys",
    "StoredConfiguration",
    "overlay",
    "seal_to",
]
