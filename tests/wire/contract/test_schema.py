"""The contract as committed is the contract as generated, and every record keeps it."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from platepost.wire.contract.examples import ExampleSigner, example_records
from platepost.wire.contract.received import PAYLOADS, example_payloads
from platepost.wire.contract.schema import (
    contract,
    event_schema,
    payload_schema,
    short_name,
)
from platepost.wire.faults import Fault, reasons
from platepost.wire.records import Keyring
from platepost.wire.records.audit import ACTIONS
from platepost.wire.records.envelope import EVENTS
from platepost.wire.verify.verify import Verifier

FOLDER = Path(__file__).parents[3] / "docs" / "contract"
FILES = contract()
SCHEMAS = {kind: event_schema(kind) for kind in EVENTS}
PAYLOAD_SCHEMAS = {name: payload_schema(name) for name in PAYLOADS}
EXAMPLES = example_records(ExampleSigner())


def errors(event: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator(SCHEMAS[event["type"]], format_checker=FormatChecker())
    return [error.message for error in validator.iter_errors(event)]


@pytest.mark.parametrize("name", FILES)
def test_committed_file_is_current(name: str) -> None:
    path = FOLDER / name
    assert path.read_text(encoding="utf-8") == FILES[name], "run: python -m platepost.wire.contract.schema"


def test_nothing_else_is_committed() -> None:
    present = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    federation = {name for name in present if name.startswith("federation")}  # has its own test
    assert present - federation == {*FILES, "README.md", "topics.md"}


def test_every_action_of_the_audit_is_said_somewhere_and_what_is_said_is_listed() -> None:
    folders = ("device", "wire", "technician", "provisioning/commands")
    said = {action for folder in folders for action in _said_in(FOLDER.parents[1] / folder)}
    switches = {f"{name}_{what}" for name in ("tamper", "door") for what in ("opened", "closed")}  # put together
    assert said | switches == set(ACTIONS)


def _said_in(folder: Path) -> Iterator[str]:
    """Yield the names that are given to whatever writes the audit trail; what a person is told is no name."""
    for path in folder.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            by = getattr(call.func, "attr", None) or getattr(call.func, "id", None)
            first = call.args[0]
            named = isinstance(first, ast.Constant) and re.fullmatch(r"[a-z]+(_[a-z]+)*", str(first.value))
            if named and by in {"record", "refused", "AuditEvent", "_report", "_audit"}:
                yield first.value


@pytest.mark.parametrize("kind", SCHEMAS)
def test_schema_is_a_schema(kind: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[kind])


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_keeps_its_schema(name: str) -> None:
    assert errors(EXAMPLES[name].event) == []


def test_every_kind_has_an_example() -> None:
    assert {envelope.type for envelope in EXAMPLES.values()} == set(SCHEMAS)


def test_examples_show_what_posts_send() -> None:
    said = {name: envelope.event["data"] for name, envelope in EXAMPLES.items()}
    withdrawn, read = said["hit.withdrawn"], said["read"]
    assert withdrawn["passage"] == read["passage"]
    assert withdrawn["hit"] not in read["hits"], "a read names the hits that still stand"
    for sight in (said["hit"], read):
        assert sight["plate_read"] not in {other["text"] for other in sight["alternatives"]}
    assert {picture["kind"] for picture in said["hit"]["pictures"]} == {"patch", "overview"}
    assert said["hit"]["match_confidence"] == said["hit"]["confidence"]
    for name in ("status", "status.degraded", "status.repeat", "status.will"):
        ailing = {Fault(reason["name"]) for reason in said[name]["reasons"]}
        assert said[name]["reasons"] == [reason.wire() for reason in reasons(ailing)]
    assert said["status.will"]["reasons"] == []
    assert said["status.will"]["since"] == EXAMPLES["status.will"].event["time"]


def test_examples_verify_as_an_archive() -> None:
    keys = Keyring.from_pem((FOLDER / "examples" / "post-1.pub.pem").read_bytes())
    lines = (FOLDER / "examples" / "archive.jsonl").read_bytes().splitlines()
    report = Verifier(keys, whole=True).feed_all(lines)
    assert report.intact
    assert report.fed == len(EXAMPLES)


@pytest.mark.parametrize("name", ["chain", "sequence", "previous", "signature", "data"])
def test_schema_misses_what_is_missing(name: str) -> None:
    event = EXAMPLES["hit"].event
    del event[name]
    assert errors(event)


def test_schema_refuses_null_and_verified() -> None:
    for change in ({"lane": None}, {"verification": "verified"}):
        event = EXAMPLES["hit"].event
        event["data"] |= change
        assert errors(event), change


@pytest.mark.parametrize("name", EXAMPLES)
def test_schema_passes_over_what_a_newer_post_adds_and_no_post_of_today_adds_anything(name: str) -> None:
    event = EXAMPLES[name].event
    event["data"] |= {"surprise": 1}
    assert errors(event) == []
    with pytest.raises(ValidationError, match="surprise"):
        EVENTS[event["type"]].model_validate(event)


def test_only_statuses_may_be_outside_the_chain() -> None:
    event = EXAMPLES["audit"].event
    for name in ("chain", "sequence", "previous"):
        del event[name]
    assert errors(event)
    assert errors(EXAMPLES["status.repeat"].event) == []
    will = EXAMPLES["status.will"].event
    assert errors(will) == []
    assert errors(will | {"sequence": 4}), "a number without its chain"


def test_every_field_is_described() -> None:
    def fields(schema: object, where: str) -> list[str]:
        if isinstance(schema, list):
            return [bare for part in schema for bare in fields(part, where)]
        if not isinstance(schema, dict):
            return []
        bare = [
            f"{where}.{name}"
            for name, part in schema.get("properties", {}).items()
            if where not in {"if", "then"} and "description" not in part
        ]
        return bare + [
            found for name, part in schema.items() if name not in {"if", "then"} for found in fields(part, name)
        ]

    for kind, schema in (SCHEMAS | PAYLOAD_SCHEMAS).items():
        assert fields(schema, kind) == []


@pytest.mark.parametrize("name", PAYLOAD_SCHEMAS)
def test_what_a_post_receives_keeps_its_schema(name: str) -> None:
    Draft202012Validator.check_schema(PAYLOAD_SCHEMAS[name])
    payload = example_payloads()[name]
    validator = Draft202012Validator(PAYLOAD_SCHEMAS[name], format_checker=FormatChecker())
    assert list(validator.iter_errors(payload)) == []
    assert list(validator.iter_errors(payload | {"shell": "reboot"}))
    for member in payload:
        if member != "boot":
            rest = {key: value for key, value in payload.items() if key != member}
            assert list(validator.iter_errors(rest)), member


def test_asyncapi_names_every_topic_and_finds_every_schema() -> None:
    document = json.loads(FILES["asyncapi.json"])
    assert {channel["address"] for channel in document["channels"].values()} == {
        "alpr/v1/{agency}/{post}/read",
        "alpr/v1/{agency}/{post}/hit/{category}",
        "alpr/v1/{agency}/{post}/covert/{group}",
        "alpr/v1/{agency}/{post}/status",
        "alpr/v1/{agency}/{post}/audit",
        "alpr/v1/{agency}/{post}/health",
        "alpr/v1/{agency}/{post}/command/{command}",
        "alpr/v1/{agency}/{post}/configuration",
        "alpr/v1/{agency}/{post}/response/{operator}",
        "alpr/v1/{agency}/keys/{purpose}",
        "alpr/v1/{agency}/{post}/receipt/{custodian}",
        "alpr/v1/{agency}/ledger/{custodian}",
        "alpr/v1/{agency}/decision/{custodian}",
        "alpr/v1/{agency}/hotlist/package",
        "alpr/v1/{agency}/hotlist/delta",
        "alpr/v1/{agency}/hotlist/keys/{recipient}",
        "alpr/v1/{agency}/hotlist/{list}/{number}",
    }
    messages = document["components"]["messages"]
    payloads = {message["payload"].get("$ref") for message in messages.values()} - {None}
    assert payloads == {f"./{short_name(kind)}.schema.json" for kind in SCHEMAS}
    assert all(f"{name[2:]}" in FILES for name in payloads)
    for text in json.dumps(document).split('"$ref": "#/')[1:]:
        part: Any = document
        for step in text.partition('"')[0].split("/"):
            part = part[step]


KEYWORDS = {
    "object": {"properties", "required", "additionalProperties", "dependentRequired", "propertyNames", "maxProperties"},
    "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"},
    "string": {"pattern", "minLength", "maxLength", "format"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}
APPLICATORS = ("if", "then", "else", "allOf", "anyOf", "oneOf", "not")


def untyped(schema: Any, place: str = "#", types: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield what Ajv's strict mode refuses: a keyword without its type, a union of types, a required stranger."""
    if isinstance(schema, list):
        for index, one in enumerate(schema):
            yield from untyped(one, f"{place}/{index}", types)
    if not isinstance(schema, dict):
        return
    said = schema.get("type", ())
    if isinstance(said, list):
        yield f"{place} has several types"
    types = frozenset({"number"} if said == "integer" else {said} if isinstance(said, str) else said) or types
    yield from (
        f"{place}/{keyword} without {kind}"
        for kind, keywords in KEYWORDS.items()
        for keyword in keywords & schema.keys()
        if kind not in types
    )
    yield from (f"{place} requires {name}" for name in schema.get("required", ()) if name not in schema["properties"])
    for name, inner in schema.items():
        if name in {"properties", "$defs"}:
            for key, one in inner.items():
                yield from untyped(one, f"{place}/{name}/{key}")
        elif name in {"items", "additionalProperties", *APPLICATORS}:
            yield from untyped(inner, f"{place}/{name}", types if name in APPLICATORS else frozenset())


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".schema.json")])
def test_a_strict_validator_takes_the_schema(name: str) -> None:
    assert list(untyped(json.loads(FILES[name]))) == []


def test_the_rule_finds_what_strict_validators_refuse() -> None:
    schema = {
        "type": "object",
        "if": {"properties": {"a": {"properties": {}}}},
        "then": {"required": ["b"], "properties": {}},
    }
    assert list(untyped(schema)) == ["#/if/properties/a/properties without object", "#/then requires b"]


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".schema.json")])
def test_no_field_makes_a_type_of_the_name_of_another(name: str) -> None:
    # Generators name the type of a constrained field after the field: `hit` gave a second `Hit` beside the record's.
    schema = json.loads(FILES[name])
    definitions = schema.get("$defs", {})
    for part in (schema, *definitions.values()):
        for field, said in part.get("properties", {}).items():
            made = "".join(word.capitalize() for word in field.split("_"))
            assert made not in definitions or said.get("$ref") == f"#/$defs/{made}", field
