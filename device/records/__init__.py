"""Records: the wire types, their envelope, signature and chain. Knows nobody else in the house."""

from device.records.audit import Audit, Dropped, KeyChange, Lost, SequenceRange
from device.records.base import Identifier, UtcTime, timestamp
from device.records.command import ALLOWED, COMMAND_TYPE, Command, CommandRequest, Finding, Response, Role
from device.records.configuration import (
    CONFIGURATION_TYPE,
    ConfigurationState,
    DesiredConfiguration,
    RefusedConfiguration,
)
from device.records.envelope import TYPES, Envelope, Event, read_event
from device.records.health import Health, Queue, Timing
from device.records.hit import WORDING, Hit, HitWithdrawn
from device.records.keys import KEYS_TYPE, FormerKey, KeyState, KeyStatement, Purpose, RefusedKeys, SigningKey
from device.records.parts import (
    Alternative,
    Box,
    Character,
    ClockQuality,
    HotListState,
    Location,
    Model,
    Picture,
    Place,
    Point,
    RecordData,
    Versions,
)
from device.records.read import Consultation, Read
from device.records.recorder import ChainHead, Recorder, new_identifier
from device.records.signing import Keyring, Signer
from device.records.status import Reason, Status
from device.records.topics import Source, category_slug, hotlist_delta, hotlist_package, hotlist_part, keys_topic

__all__ = [
    "ALLOWED",
    "COMMAND_TYPE",
    "CONFIGURATION_TYPE",
    "KEYS_TYPE",
    "TYPES",
    "WORDING",
    "Alternative",
    "Audit",
    "Box",
    "ChainHead",
    "Character",
    "ClockQuality",
    "Command",
    "CommandRequest",
    "ConfigurationState",
    "Consultation",
    "DesiredConfiguration",
    "Dropped",
    "Envelope",
    "Event",
    "Finding",
    "FormerKey",
    "Health",
    "Hit",
    "HitWithdrawn",
    "HotListState",
    "Identifier",
    "KeyChange",
    "KeyState",
    "KeyStatement",
    "Keyring",
    "Location",
    "Lost",
    "Model",
    "Picture",
    "Place",
    "Point",
    "Purpose",
    "Queue",
    "Read",
    "Reason",
    "RecordData",
    "Recorder",
    "RefusedConfiguration",
    "RefusedKeys",
    "Response",
    "Role",
    "SequenceRange",
    "Signer",
    "SigningKey",
    "Source",
    "Status",
    "Timing",
    "UtcTime",
    "Versions",
    "category_slug",
    "hotlist_delta",
    "hotlist_package",
    "hotlist_part",
    "keys_topic",
    "new_identifier",
    "read_event",
    "timestamp",
]
