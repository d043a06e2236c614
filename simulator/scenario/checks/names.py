"""Names that a demand may ask for: a misspelt one is found nowhere, and that it be nowhere is then always true."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import AfterValidator, WithJsonSchema


def known(names: Iterable[str]) -> tuple[Any, ...]:
    """Return the annotations of a text that must be one of these names, for editors too."""
    there = tuple(str(name) for name in names)

    def _known(text: str) -> str:
        if text not in there:
            raise ValueError(f"unknown; {hint(text, there)}")
        return text

    return AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(there)})


def hint(text: str, names: Sequence[str]) -> str:
    """Say which of the names may be meant, or which there are."""
    near = difflib.get_close_matches(text, names, n=1)
    return f"did you mean {str(near[0])!r}?" if near else f"known: {', '.join(names) or 'none'}"
