"""Names that a demand may ask for: a misspelt one is found nowhere, and that it be nowhere is then always true."""

from collections.abc import Iterable
from typing import Any

from pydantic import AfterValidator, WithJsonSchema

from platepost.common.settings import hint


def known(names: Iterable[str]) -> tuple[Any, ...]:
    """Return the annotations of a text that must be one of these names, for editors too."""
    there = tuple(str(name) for name in names)

    def _known(text: str) -> str:
        if text not in there:
            raise ValueError(f"unknown; {hint(text, there)}")
        return text

    return AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(there)})
