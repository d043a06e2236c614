"""The configuration of one post: a TOML file, checked to the last key before anything starts."""

from device.config.configuration import REMOTE_KEYS, Configuration
from device.config.file import load, parse

__all__ = ["REMOTE_KEYS", "Configuration", "load", "parse"]
