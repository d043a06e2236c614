"""What every table of settings is made of, and what is wrong with one, in words for the one who wrote it.

Each subject declares its table of the configuration file in its own `settings.py`: every key once, with what it does,
its bounds, and its default. `platepost.device.config` puts the tables together.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from platepost.common.errors import ConfigurationError
from platepost.common.secrets.credentials import PRIVATE

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""What may stand in a topic and in a certificate's name: lower-case letters, digits and hyphens."""


def _has_port(address: str) -> str:
    _, colon, port = address.rpartition(":")
    if colon and not 0 < int(port) < 65536:
        raise ValueError("a port is between 1 and 65535")
    return address


PORT = AfterValidator(_has_port)
"""Marks an address whose port, where it names one, must be one."""

SERVICE_PORT = 8088
"""Of the page that a technician's commands show at the unit."""

_LABEL = "[A-Za-z0-9-]{1,63}"
Address = Annotated[
    str,
    StringConstraints(pattern=rf"^({_LABEL}(\.{_LABEL})*\.?|\[[0-9A-Fa-f:]+\]):[0-9]{{1,5}}$"),
    PORT,
]
"""host:port, with brackets around an IPv6 address. A name that cannot be one would fail at each connection."""

Pair = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2}$")]
"""Two characters that look alike."""

KeyPath = Annotated[Path, PRIVATE]
"""Path of a private key, which systemd may deliver instead."""

REMOTE = "may be set remotely"
"""Marks a key that a signed configuration may set: what is read, told and shown. Never where records go, whom the post
trusts, which keys and files it uses, what it is called: with those a stolen configuration key could turn a post over to
someone else."""

Value = TypeVar("Value")
Remote = Annotated[Value, REMOTE]
"""A key that may be set remotely."""


@dataclass(frozen=True, slots=True)
class RemoteBounds:
    """Bounds of a number that is set remotely: within them a post still does what it is there for.

    The file at the post may go beyond: anyone who stands at the pole sees what comes of it.
    """

    least: float = float("-inf")
    most: float = float("inf")

    def wrong(self, value: float) -> str | None:
        """Say what would be right where `value` is beyond the bounds."""
        if value < self.least:
            return f"when set remotely, at least {self.least:g}"
        return f"when set remotely, at most {self.most:g}" if value > self.most else None

    def is_far(self, value: float, default: float) -> bool:
        """Say whether a value is more than halfway from the default to a bound, or beyond it."""
        return not (self.least + default) / 2 <= value <= (self.most + default) / 2


class Section(BaseModel):
    """A table of the file: unknown keys are refused, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


Table = TypeVar("Table", bound=Section)


class BackendSettings(BaseModel):
    """A backend by name, and a table of that name with the backend's own settings."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    backend: str = Field(description="Name of the backend.")

    @property
    def settings(self) -> Mapping[str, Any]:
        """The backend's own settings."""
        table = (self.model_extra or {}).get(self.backend, {})
        return dict(table)

    @model_validator(mode="after")
    def _only_tables(self) -> Self:
        for key, value in (self.model_extra or {}).items():
            if not isinstance(value, dict):
                # pydantic turns a ValueError, and no TypeError, into a fault of the file.
                raise ValueError(  # noqa: TRY004
                    f"unknown key {key!r}; settings of a backend belong in the table with its name"
                )
        return self


def checked(model: type[Table], settings: Mapping[str, Any], *, table: str) -> Table:
    """Check settings against their model; `table` is where they stand in the file, such as `camera.picamera2`.

    Raises:
        ConfigurationError: naming for each fault the key, its value, and what would be right.

    """
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        lines = [f"{table}.{explain(fault, root=model)}" for fault in error.errors()]
        raise ConfigurationError("\n".join(lines)) from error


def remote_keys(composed: type[Section]) -> frozenset[str]:
    """Return which keys of a configuration may be set remotely, as `table.key`."""
    return frozenset(
        f"{name}.{key}"
        for name, table in tables(composed)
        for key, field in table.model_fields.items()
        if REMOTE in field.metadata
    )


def remote_bounds_of(composed: type[Section]) -> dict[str, RemoteBounds]:
    """Return the bounds of the keys that have some, as `table.key`."""
    return {
        f"{name}.{key}": bounds
        for name, table in tables(composed)
        for key, field in table.model_fields.items()
        for bounds in field.metadata
        if isinstance(bounds, RemoteBounds)
    }


def unusual(composed: Section) -> tuple[str, ...]:
    """Return the keys, as `table.key`, whose value is far from its default, sorted."""
    problems = []
    for name, bounds in remote_bounds_of(type(composed)).items():
        section, key = name.split(".")
        table = getattr(composed, section)
        if bounds.is_far(getattr(table, key), type(table).model_fields[key].default):
            problems.append(name)
    return tuple(sorted(problems))


def tables(composed: type[Section]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the tables of a configuration, those that may be missing among them, each with its name."""
    for name, field in composed.model_fields.items():
        kinds = getattr(field.annotation, "__args__", (field.annotation,))
        yield from ((name, kind) for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))


def explain(fault: Any, *, root: type[BaseModel]) -> str:
    """Say what is wrong with a configuration, or with a table of the model `root`: key, value, what would be right."""
    place = [part for part in fault["loc"] if isinstance(part, str)]
    key = ".".join(str(part) for part in fault["loc"]) or "the table"
    section, field = _find(root, place)
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key; {hint(place[-1], list(section.model_fields))}"
    about = f" ({field.description})" if field is not None and field.description else ""
    if fault["type"] == "missing":
        return f"{key}: missing{about}"
    message = re.sub(r"^(Value error, |Input )", "", fault["msg"])
    # An address may hold a password, where it must not.
    wrong = "" if isinstance(fault["input"], dict) else re.sub("//[^/@ ]+@", "//...@", f" = {fault['input']!r}")
    return f"{key}{wrong}: {message}{about}"


def hint(text: str, names: Sequence[str]) -> str:
    """Say which of the names may be meant by an unknown one, or which there are."""
    near = difflib.get_close_matches(text, names, n=1)
    return f"did you mean {str(near[0])!r}?" if near else f"known: {', '.join(names) or 'none'}"


def _find(model: type[BaseModel], place: list[str]) -> tuple[type[BaseModel], Any]:
    """Follow a key's path to the section it stands in and its field, as far as they are known."""
    field = None
    for part in place:
        field = model.model_fields.get(part)
        inner = table_of(field.annotation) if field is not None else None
        if inner is None:
            break
        model = inner
    return model, field


def table_of(annotation: object) -> type[BaseModel] | None:
    """Return the table that the annotation of a field stands for, or a list of such; None for any other value."""
    if get_origin(annotation) is tuple:
        annotation = get_args(annotation)[0]
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
