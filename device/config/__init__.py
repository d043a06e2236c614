"""The configuration of one post: a TOML file, checked to the last key before anything starts."""

from device.config.explanation import explain
from device.config.file import load, parse
from device.config.sections import (
    AcceptanceSection,
    BackendSection,
    Configuration,
    ControlSection,
    EnrolmentSection,
    HotListSection,
    OutboxSection,
    PassagesSection,
    PostSection,
    RecordingSection,
    RecordsSection,
    Section,
    ServiceSection,
    UplinkSection,
    VisionSection,
)

__all__ = [
    "AcceptanceSection",
    "BackendSection",
    "Configuration",
    "ControlSection",
    "EnrolmentSection",
    "HotListSection",
    "OutboxSection",
    "PassagesSection",
    "PostSection",
    "RecordingSection",
    "RecordsSection",
    "Section",
    "ServiceSection",
    "UplinkSection",
    "VisionSection",
    "explain",
    "load",
    "parse",
]
