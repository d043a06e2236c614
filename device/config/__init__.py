"""The configuration of one post: a TOML file, checked to the last key before anything starts."""

from platepost.device.config.configuration import REMOTE_KEYS, Configuration
from platepost.device.config.file import load, parse

__all__ = ["REMOTE_KEYS", "Configuration", "load", "parse"]
