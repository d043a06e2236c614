"""What is wrong with a configuration, in words for whoever wrote it: the key, its value, what would be right."""

import difflib
import re
from typing import Any

from pydantic import BaseModel

from device.config.sections import Configuration


def explain(fault: Any, *, root: type[BaseModel] = Configuration) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    """Say what is wrong with a configuration, or with a table of the model `root`: key, value, what would be right."""
    place = [part for part in fault["loc"] if isinstance(part, str)]
    key = ".".join(str(part) for part in fault["loc"]) or ("the file" if root is Configuration else "the table")
    section, field = _find(root, place)
    if fault["type"] == "extra_forbidden":
        known = list(section.model_fields)
        near = difflib.get_close_matches(place[-1], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        return f"{key}: unknown key; {hint}"
    about = f" ({field.description})" if field is not None and field.description else ""
    if fault["type"] == "missing":
        return f"{key}: missing{about}"
    message = re.sub(r"^(Value error, |Input )", "", fault["msg"])
    wrong = "" if isinstance(fault["input"], dict) else f" = {fault['input']!r}"
    return f"{key}{wrong}: {message}{about}"


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
