"""What is wrong with a configuration, in words for whoever wrote it: the key, its value, what would be right."""

import difflib
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from device.config.sections import Configuration


def explain(fault: Any, *, root: type[BaseModel] = Configuration) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    """Say what is wrong with a configuration, or with a table of the model `root`: key, value, what would be right."""
    place = [part for part in fault["loc"] if isinstance(part, str)]
    key = ".".join(str(part) for part in fault["loc"]) or ("the file" if root is Configuration else "the table")
    section, field = _find(root, place)
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key; {hint(place[-1], list(section.model_fields))}"
    about = f" ({field.description})" if field is not None and field.description else ""
    if fault["type"] == "missing":
        return f"{key}: missing{about}"
    message = re.sub(r"^(Value error, |Input )", "", fault["msg"])
    wrong = "" if isinstance(fault["input"], dict) else f" = {fault['input']!r}"
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
        annotation = field.annotation if field is not None else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        model = annotation
    return model, field
