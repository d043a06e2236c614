"""The AsyncAPI document keeps AsyncAPI's own schema, which is what its parser checks beside references."""

import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from platepost.wire.contract.schema import contract

# Of https://github.com/asyncapi/spec-json-schemas (Apache-2.0), 3.0.0 without $id; descriptions and examples left out.
SCHEMA = json.loads(lzma.decompress((Path(__file__).parent / "asyncapi-3.0.0.schema.json.xz").read_bytes()))
DOCUMENT = json.loads(contract()["asyncapi.json"])


def errors(document: dict[str, Any]) -> list[str]:
    return [error.message for error in Draft7Validator(SCHEMA).iter_errors(document)]


def test_the_document_is_asyncapi() -> None:
    assert errors(DOCUMENT) == []


@pytest.mark.parametrize("part", ["asyncapi", "info"])
def test_what_lacks_a_part_is_not(part: str) -> None:
    assert errors({name: value for name, value in DOCUMENT.items() if name != part})
    assert errors(DOCUMENT | {"surprise": 1})
