"""What an entry of the ledger says, in words."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from platepost.department.web.moments import day, second

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")

_NAME = re.compile(r"[a-z]+(_[a-z]+)+")
"""Of a step, an answer or a reason: `not_practical`."""
_ANSWERS = {"s": "the same", "d": "different", "i": "illegible"}
"""To the question whether the picture shows the listed character."""


def details(fields: Mapping[str, Any]) -> str:
    """Return what an entry says besides who and under which policy, for people."""
    shown = {name: value for name, value in fields.items() if name not in {"person", "policy"} and value}
    if "pairs" in shown:  # characters that were misread: `D0`
        shown["misread"] = [f"{pair[0]} for {pair[1]}" for pair in shown.pop("pairs")]
    if isinstance(shown.get("characters"), str):  # an answer to each character of a plate
        shown["characters"] = [
            f"{count} {_ANSWERS.get(answer, answer)}" for answer, count in Counter(shown["characters"]).items()
        ]
    return "; ".join(f"{name.replace('_', ' ')}: {_in_words(value)}" for name, value in shown.items())


def _in_words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_in_words(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(" ".join(map(str, item)) if isinstance(item, list) else _in_words(item) for item in value)
    if value is True:
        return "yes"
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return second(datetime.fromisoformat(value))
    if isinstance(value, str) and _DAY.fullmatch(value):
        return day(date.fromisoformat(value))
    return str(value).replace("_", " ") if isinstance(value, str) and _NAME.fullmatch(value) else str(value)
