"""Remote control: signed configurations, commands and statements about keys, judged before anything acts on them."""

from platepost.device.control.configuration.remote import RemoteConfiguration
from platepost.device.control.configuration.store import ConfigurationStore, StoredConfiguration
from platepost.device.control.keys import SigningKeys
from platepost.device.control.replay_guard import ReplayGuard
from platepost.device.control.verifier import CommandVerifier
from platepost.wire.control.overlay import overlay
from platepost.wire.control.people import Operator, Operators
from platepost.wire.control.seal import seal_to
from platepost.wire.errors import NotKeptError, RefusedError, Rejection

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
