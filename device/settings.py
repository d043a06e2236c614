"""The settings of a backend, checked like the rest of the configuration."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from device.config import Section, explain
from device.errors import ConfigurationError

Checked = TypeVar("Checked", bound=Section)


def checked(model: type[Checked], settings: Mapping[str, Any], *, table: str) -> Checked:
    """Check settings against their model; `table` is where they stand in the file, such as `camera.picamera2`.

    Raises:
        ConfigurationError: naming for each fault the key, its value, and what would be right.

    """
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        lines = [f"{table}.{explain(fault, root=model)}" for fault in error.errors()]
        raise ConfigurationError("\n".join(lines)) from error
