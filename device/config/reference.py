"""The reference of all keys of `post.toml`, as `make docs` shows it on docs/configuration.md."""

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from platepost.common.secrets.credentials import is_private
from platepost.common.settings import REMOTE, BackendSettings, RemoteBounds, table_of, tables
from platepost.device.board.settings import RpiSettings
from platepost.device.camera.picamera2.settings import Picamera2Settings
from platepost.device.camera.rtsp.settings import RtspSettings
from platepost.device.camera.v4l2.settings import V4l2Settings
from platepost.device.config.configuration import Configuration

BACKENDS: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "camera": {"picamera2": Picamera2Settings, "rtsp": RtspSettings, "v4l2": V4l2Settings},
    "board": {"rpi": RpiSettings},
}
"""The backends of a unit, each with its own table."""
KINDS = {"boolean": "true or false", "integer": "whole number", "number": "number", "string": "text"}
BOUNDS = {"exclusiveMinimum": "more than", "minimum": "at least", "exclusiveMaximum": "less than", "maximum": "at most"}


def reference() -> str:
    """Return all tables with their keys in Markdown."""
    return "\n".join(line for name, table in _all_tables() for line in _described(name, table))


def _all_tables() -> Iterator[tuple[str, type[BaseModel]]]:
    for name, table in tables(Configuration):
        yield name, table
        if table is BackendSettings:
            for backend, own in BACKENDS[name].items():
                yield f"{name}.{backend}", own
        for key, field in table.model_fields.items():
            element = table_of(field.annotation)
            if element is not None:
                yield f"[{name}.{key}]", element


def _described(name: str, table: type[BaseModel]) -> Iterator[str]:
    yield f"## {name}"
    yield (table.__doc__ or "").strip()
    about = Configuration.model_fields[name].description if name in Configuration.model_fields else None
    if about:
        yield about
    yield ""
    yield "| key | value | default | meaning | remotely |"
    yield "|---|---|---|---|---|"
    schema = table.model_json_schema()["properties"]
    for key, field in table.model_fields.items():
        value = "path of a private key" if is_private(field) else _value(schema[key])
        default = "required" if field.is_required() else _literal(field.default)
        yield f"| `{key}` | {value} | {default} | {field.description} | {_remote_bounds(field)} |"
    yield ""


def _remote_bounds(field: FieldInfo) -> str:
    """Say whether a key may be set remotely, and within which bounds."""
    if REMOTE not in field.metadata:
        return ""
    texts = [
        f"{word} {bound:g}"
        for bounds in field.metadata
        if isinstance(bounds, RemoteBounds)
        for word, bound in (("at least", bounds.least), ("at most", bounds.most))
        if isfinite(bound)
    ]
    return " and ".join(texts) or "yes"


def _value(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:  # what may be left out, beside null
        return _value(schema["anyOf"][0])
    if "enum" in schema:
        return " or ".join(_literal(value) for value in schema["enum"])
    if schema["type"] == "array" and "$ref" in schema["items"]:
        return "list of tables, see there"
    if schema["type"] == "array":
        return f"list: {_value(schema['items'])}"
    if schema.get("format") == "path":
        return "path"
    return KINDS[schema["type"]] + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    return "".join(f", {text} {schema[bound]}" for bound, text in BOUNDS.items() if bound in schema)


def _literal(value: object) -> str:
    return "" if value is None else f"`{json.dumps(value, default=str)}`"
