"""What of a post's configuration may be set remotely, and how it is laid over the post's own file."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue, ValidationError

from platepost.common.settings import Table, explain, remote_bounds_of, remote_keys
from platepost.wire.errors import RefusedError, Rejection

MOST_FAULTS = 8
"""Faults named of one configuration: enough to mend it, and a bound on what it puts into the audit trail."""
LONGEST_FAULT = 240


def overlay(base: Table, settings: Mapping[str, Mapping[str, JsonValue]]) -> Table:
    """Return a post's whole configuration with `settings`, by section and key, laid over it.

    Raises:
        RefusedError: a key may not be set remotely (`not_allowed`) or a value cannot be, or not remotely
            (`invalid_value`); the message names each fault's key, its value, and what would be right.

    """
    allowed = remote_keys(type(base))
    foreign = [f"{section}.{key}" for section, keys in settings.items() for key in keys]
    foreign = [name for name in foreign if name not in allowed]
    foreign += [section for section, keys in settings.items() if not keys and section not in type(base).model_fields]
    if foreign:
        faults = [f"{name}: may not be set remotely" for name in sorted(foreign)]
        raise RefusedError(Rejection.NOT_ALLOWED, _bounded([*faults, f"allowed: {', '.join(sorted(allowed))}"]))
    # JSON has no tuples, and validation here is strict: a "0.5" or a true where a number belongs is someone's mistake.
    table: dict[str, Any] = base.model_dump()
    for section, keys in settings.items():
        table[section] |= {key: tuple(value) if isinstance(value, list) else value for key, value in keys.items()}
    try:
        laid = type(base).model_validate(table, strict=True)
    except ValidationError as error:
        raise RefusedError(
            Rejection.INVALID_VALUE, _bounded(explain(fault, root=type(base)) for fault in error.errors())
        ) from None
    beyond = [
        f"{name} = {value!r}: {wrong}"
        for name, bounds in sorted(remote_bounds_of(type(base)).items())
        for value in (settings.get(name.split(".")[0], {}).get(name.split(".")[1]),)
        if isinstance(value, int | float) and (wrong := bounds.wrong(value)) is not None
    ]
    if beyond:
        raise RefusedError(Rejection.INVALID_VALUE, _bounded(beyond))
    return laid


def _bounded(faults: Any) -> str:
    shortened = [fault if len(fault) <= LONGEST_FAULT else f"{fault[: LONGEST_FAULT - 3]}..." for fault in faults]
    more = [f"and {len(shortened) - MOST_FAULTS} more"] if len(shortened) > MOST_FAULTS else []
    return "; ".join(shortened[:MOST_FAULTS] + more)[:1000]
