"""Reading the configuration file: its paths become those of the unit, and its faults are all told in one go."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from platepost.common.errors import ConfigurationError
from platepost.common.files import read_toml
from platepost.common.secrets.credentials import delivered, is_private
from platepost.common.settings import BackendSettings, explain
from platepost.device.config.configuration import Configuration
from platepost.device.config.removed import without_removed
from platepost.device.enrollment.decommissioned import decommissioned

log = logging.getLogger(__name__)


def load(path: Path, *, wiping: bool = False) -> Configuration:
    """Read and check a configuration file.

    Args:
        path: the file.
        wiping: whether to read that of a unit out of service too, to wipe what is left of it.

    Raises:
        ConfigurationError: naming for each fault the key, its value, and what would be right; or the unit was taken
            out of service.

    """
    if not wiping and (ended := decommissioned(path.parent)):
        text = f"{path}: this unit was taken out of service {ended}; to make it a post again: platepost enroll --help"
        raise ConfigurationError(text)
    try:
        table = read_toml(path)
    except FileNotFoundError as error:
        text = f"{path}: there is no such file; a unit gets its own when it is enrolled (platepost enroll --help)"
        raise ConfigurationError(text) from error
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: not a TOML file: {error}") from error
    return parse(table, folder=path.parent, origin=str(path))


def parse(table: Mapping[str, Any], *, folder: Path, origin: str = "configuration") -> Configuration:
    """Check a configuration that has been read already; paths are taken relative to `folder`.

    Keys that were removed are named in the log.

    Raises:
        ConfigurationError: as for `load`.

    """
    table, notices, faults = without_removed(table)
    try:
        configuration = Configuration.model_validate(table)
    except ValidationError as error:
        faults += [explain(fault, root=Configuration) for fault in error.errors()]
    if faults:
        raise ConfigurationError("\n".join(f"{origin}: {fault}" for fault in faults))
    for notice in notices:
        log.warning("%s: %s", origin, notice)
    anchored: Configuration = _anchored(configuration, folder.resolve())
    return anchored


def _anchored(section: Any, folder: Path) -> Any:
    changes: dict[str, Any] = {}
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if isinstance(value, Path):
            path = folder / value
            changes[key] = delivered(path) if is_private(field) else path
        elif isinstance(value, BackendSettings):
            # Backends read paths too; by convention those settings are called `path`.
            settings = dict(value.settings)
            if isinstance(settings.get("path"), str):
                settings["path"] = str(folder / settings["path"])
                changes[key] = value.model_copy(update={value.backend: settings})
        elif isinstance(value, BaseModel):
            changes[key] = _anchored(value, folder)
        elif isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value):
            changes[key] = tuple(_anchored(item, folder) for item in value)
    return section.model_copy(update=changes)
