"""What may change in a schema between two versions that work together: docs/contract/README.md, "Versions"."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def _resolved(part: Schema, whole: Schema) -> Schema:
    while "$ref" in part:
        part = whole["$defs"][part["$ref"].rpartition("/")[2]]
    return part


def members(schema: Schema) -> Iterator[tuple[str, Schema, frozenset[str]]]:
    """Yield each object of a schema by its path, with its members and which of them are required."""

    def walk(part: Schema, path: str) -> Iterator[tuple[str, Schema, frozenset[str]]]:
        part = _resolved(part, schema)
        if "properties" in part:
            yield path, part["properties"], frozenset(part.get("required", ()))
            for name, one in part["properties"].items():
                yield from walk(one, f"{path}.{name}".lstrip("."))
        if isinstance(part.get("items"), dict):
            yield from walk(part["items"], f"{path}[]")

    yield from walk(schema, "")


def kinds(schema: Schema, part: Schema) -> tuple[object, frozenset[str]]:
    """Return the type of a member, and the values that it is limited to."""
    found = _resolved(part, schema)
    return found.get("type"), frozenset(map(str, found.get("enum", ())))


def broken(before: Schema, after: Schema, *, published: bool) -> list[str]:
    """Name what of the rules a later schema breaks.

    Args:
        before: the schema of the version before.
        after: the later one.
        published: whether posts publish it; else they receive it.

    """
    later = {path: (properties, required) for path, properties, required in members(after)}
    found = []
    for path, properties, required in members(before):
        if path not in later:
            found.append(f"{path} is gone")
            continue
        now, required_now = later[path]
        found += [f"{path}.{name} is gone" for name in properties.keys() - now.keys()]
        found += [f"{path}.{name} may be absent now" for name in required - required_now if name in now]
        if not published:
            found += [f"{path}.{name} is wanted now" for name in required_now - required]
        for name in properties.keys() & now.keys():
            (kind, values), (kind_now, values_now) = kinds(before, properties[name]), kinds(after, now[name])
            if kind != kind_now:
                found.append(f"{path}.{name} is of another type")
            if values - values_now or (published and values_now - values):
                found.append(f"{path}.{name} has other values")
    return sorted(found)
