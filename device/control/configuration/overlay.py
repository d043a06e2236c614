"""What of a post's configuration may be set from afar, and how it is laid over the post's own file."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue, ValidationError

from device.config import Configuration, explain
from device.control.errors import Reason, RefusedError

REMOTE = frozenset(
    {
        "vision.minimum_score",
        "vision.minimum_confidence",
        "vision.minimum_characters",
        "vision.motion_area",
        "passages.gone_seconds",
        "passages.longest_seconds",
        "passages.repeat_seconds",
        "passages.sure",
        "passages.agreeing",
        "passages.agreeing_confidence",
        "hotlist.warning_hours",
        "hotlist.stale_hours",
        "hotlist.look_alike_pairs",
        "hotlist.look_alike_budget",
        "hotlist.near_alternatives",
        "hotlist.near_confidence",
        "records.read_patch",
        "records.read_overview",
        "records.patch_bytes",
        "records.overview_bytes",
        "records.health_seconds",
    }
)
"""All that may be set: what is read, told and shown. Never where records go, whom the post trusts, which keys and files
it uses, what it is called: with those a stolen configuration key could turn a post over to somebody else."""

MOST_FAULTS = 8
"""Faults named of one configuration: enough to mend it, and a bound on what it puts into the audit trail."""
LONGEST_FAULT = 240


def overlay(base: Configuration, settings: Mapping[str, Mapping[str, JsonValue]]) -> Configuration:
    """Return the configuration with `settings`, by section and key, laid over it.

    Raises:
        RefusedError: a key may not be set from afar (`not_allowed`) or a value cannot be (`invalid_value`); the message
            names each fault's key, its value, and what would be right.

    """
    foreign = [f"{section}.{key}" for section, keys in settings.items() for key in keys]
    foreign = [name for name in foreign if name not in REMOTE]
    if foreign:
        faults = [f"{name}: may not be set from afar" for name in sorted(foreign)]
        raise RefusedError(Reason.NOT_ALLOWED, _bounded([*faults, f"allowed: {', '.join(sorted(REMOTE))}"]))
    # JSON has no tuples, and validation here is strict: a "0.5" or a true where a number belongs is somebody's mistake.
    table: dict[str, Any] = base.model_dump()
    for section, keys in settings.items():
        table[section] |= {key: tuple(value) if isinstance(value, list) else value for key, value in keys.items()}
    try:
        return Configuration.model_validate(table, strict=True)
    except ValidationError as error:
        raise RefusedError(Reason.INVALID_VALUE, _bounded(explain(fault) for fault in error.errors())) from None


def _bounded(faults: Any) -> str:  # noqa: ANN401 - any iterable of texts
    found = [fault if len(fault) <= LONGEST_FAULT else f"{fault[: LONGEST_FAULT - 3]}..." for fault in faults]
    more = [f"and {len(found) - MOST_FAULTS} more"] if len(found) > MOST_FAULTS else []
    return "; ".join(found[:MOST_FAULTS] + more)[:1000]
