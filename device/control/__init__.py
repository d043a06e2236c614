"""Control from afar: signed configurations, commands and statements about keys, judged before anything acts on them."""

from device.control.errors import NotKeptError, Reason, RefusedError
from device.control.journal import Journal
from device.control.judge import Judge
from device.control.keys import SigningKeys
from device.control.note import Note
from device.control.operators import Operator, Operators
from device.control.remote import RemoteConfiguration
from device.control.seal import seal_to
from device.control.settings import REMOTE, overlay
from device.control.shelf import Kept, Shelf

__all__ = [
    "REMOTE",
    "Journal",
    "Judge",
    "Kept",
    "NotKeptError",
    "Note",
    "Operator",
    "Operators",
    "Reason",
    "RefusedError",
    "RemoteConfiguration",
    "Shelf",
    "SigningKeys",
    "overlay",
    "seal_to",
]
