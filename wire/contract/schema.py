"""The contract, generated from the record types: JSON Schema, AsyncAPI, examples.

Run as `python -m platepost.wire.contract.schema`.
"""

import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from platepost.wire.contract.asyncapi import asyncapi
from platepost.wire.contract.examples import ExampleSigner, example_records
from platepost.wire.contract.receipt_vectors import receipt_vectors
from platepost.wire.contract.received import PAYLOADS, example_payloads
from platepost.wire.records.command import Response
from platepost.wire.records.envelope import EVENTS, TYPES
from platepost.wire.records.health import Health
from platepost.wire.records.hit import Hit, HitWithdrawn
from platepost.wire.records.status import Status

FOLDER = Path("docs/contract")
CHAINED = ("chain", "sequence", "previous")


class WireSchema(GenerateJsonSchema):
    """JSON Schema of what is on the wire, where nothing is null: a field without a value is absent."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Give fields no title beside their name and description."""
        del schema
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: FBT001 - pydantic's signature
        """Require also what has a default: on the wire everything is there that is not absent for a reason."""
        schema = field["schema"]
        always = schema["type"] == "default" and schema.get("default", ...) is not None
        return always or super().field_is_required(field, total)

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Leave null out."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave the default null out."""
        generated = super().default_schema(schema)
        if "default" in generated and generated["default"] is None:
            del generated["default"]
        return generated


def short_name(kind: str) -> str:
    """Return the name of a kind of record in files: `platepost.hit.withdrawn.v1` -> `hit.withdrawn`."""
    return kind.removeprefix("platepost.").rpartition(".v")[0]


def event_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of the whole event of a kind of record."""
    schema = EVENTS[kind].model_json_schema(mode="serialization", schema_generator=WireSchema)
    schema = _open(_with_names_apart(_single_item_arrays(schema)))
    properties = schema["properties"]
    properties["type"] = {"const": kind, "description": properties["type"]["description"]}
    if kind not in {TYPES[Hit], TYPES[HitWithdrawn]}:
        del properties["expirytime"]
    else:
        schema["required"].append("expirytime")
    if kind in {TYPES[Health], TYPES[Response]}:
        for name in CHAINED:
            del properties[name]
    elif kind == TYPES[Status]:
        schema["dependentRequired"] = {name: [other for other in CHAINED if other != name] for name in CHAINED}
    else:
        schema["required"] += CHAINED
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:platepost:{short_name(kind).replace('.', '-')}:v1",
        "title": kind,
    }
    return head | {name: value for name, value in schema.items() if name not in head}


def payload_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of what a JWS that a post receives carries."""
    schema = PAYLOADS[name].model_json_schema(mode="serialization", schema_generator=WireSchema)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:platepost:{name}:v1",
        "title": f"platepost.{name}.v1",
    }
    return head | {key: value for key, value in schema.items() if key not in head}


@cache
def contract() -> Mapping[str, str]:
    """Return the files of the contract by name."""
    kinds = {short_name(kind): kind for kind in EVENTS}
    signer = ExampleSigner()
    examples = example_records(signer)
    archive = "".join(envelope.body.decode() + "\n" for envelope in examples.values())
    document = asyncapi({name: envelope.event for name, envelope in examples.items()})
    return (
        {f"{name}.schema.json": _pretty(event_schema(kind)) for name, kind in kinds.items()}
        | {f"{name}.schema.json": _pretty(payload_schema(name)) for name in PAYLOADS}
        | {f"examples/{name}.payload.json": _pretty(payload) for name, payload in example_payloads().items()}
        | {"asyncapi.json": _pretty(document)}
        | {f"examples/{name}.json": _pretty(envelope.event) for name, envelope in examples.items()}
        | {"examples/archive.jsonl": archive, "examples/post-1.pub.pem": signer.public_pem.decode()}
        | {"examples/receipt.vectors.json": _pretty(receipt_vectors(examples))}
    )


def topics(document: dict[str, Any]) -> str:
    """Return a table of all topics of an AsyncAPI document, in Markdown."""
    lines = [
        "| topic | a post sends or receives | QoS | retained | content |",
        "|---|---|---|---|---|",
    ]
    for operation in document["operations"].values():
        channel = document["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
        mqtt, action = operation["bindings"]["mqtt"], f"{operation['action']}s"
        if "No post reads it" in channel["description"]:
            action = "neither"
        retained = "yes" if mqtt["retain"] else "no"
        lines.append(f"| `{channel['address']}` | {action} | {mqtt['qos']} | {retained} | {channel['description']} |")
    return "\n".join(lines) + "\n"


def write(folder: Path) -> list[Path]:
    """Write the contract into `folder`; return the files."""
    written = []
    for name, text in contract().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _single_item_arrays(schema: Any) -> Any:
    """Turn `prefixItems` of equal schemas into `items`, which older readers know too."""
    if isinstance(schema, list):
        return [_single_item_arrays(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: _single_item_arrays(part) for name, part in schema.items()}
    prefix = parts.get("prefixItems")
    if isinstance(prefix, list) and all(part == prefix[0] for part in prefix):
        del parts["prefixItems"]
        parts["items"] = prefix[0]
    return parts


def _open(schema: Any) -> Any:
    """Let objects have members that are not named: newer posts add some, and a subscriber passes over them."""
    if isinstance(schema, list):
        return [_open(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _open(part) for name, part in schema.items() if not (name == "additionalProperties" and part is False)
    }


def _with_names_apart(schema: dict[str, Any]) -> dict[str, Any]:
    """Call the definition of an event's `data`, and any that has the name of a text field, so that generators can.

    They make a type of each field that has bounds, by its name: of `hit` a second `Hit` beside the record's.
    """
    definitions = schema["$defs"]
    fields = (item for part in definitions.values() for item in part.get("properties", {}).items())
    names = {"".join(word.capitalize() for word in name.split("_")) for name, part in fields if "type" in part}
    apart = {schema["properties"]["data"]["$ref"].rpartition("/")[2]} | names & definitions.keys()
    text = json.dumps(
        schema | {"$defs": {f"{name}Data" if name in apart else name: definitions[name] for name in definitions}}
    )
    for name in apart:
        text = text.replace(f'"#/$defs/{name}"', f'"#/$defs/{name}Data"')
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path in write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER):
        sys.stdout.write(f"{path}\n")
