"""The events that the page shows, from a post's status, health and audit trail. Hits are the department's console's."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from platepost.simulator.demo.report import words
from platepost.simulator.ground.subscriber import Arrival
from platepost.wire.faults import severity, worst
from platepost.wire.records import TYPES, Audit, Health, Reason, Status
from platepost.wire.records.base import read_known


def told(arrival: Arrival) -> dict[str, Any] | None:
    """Return what the page shows of a record, None for kinds that it does not show."""
    teller = _TELLERS.get(arrival.kind)
    if teller is None:
        return None
    data, received = arrival.data, arrival.received
    # Only the post itself may write below its topic.
    event = {"post": arrival.topic.split("/")[3], "time": received.strftime("%H:%M:%S")} | teller(data)
    if "valid_seconds" in data and event["kind"] == "status":
        event["good_until"] = received.timestamp() + data["valid_seconds"]
    return event


def _reason(fields: dict[str, Any]) -> Reason:
    """Read a reason of a post that may be newer: a severity that is not known counts as unsaid."""
    try:
        return read_known(Reason, fields)
    except ValidationError:
        return read_known(Reason, {name: value for name, value in fields.items() if name != "severity"})


def _status(data: dict[str, Any]) -> dict[str, Any]:
    reasons = sorted(map(_reason, data["reasons"]), key=severity)
    return {
        "kind": "status",
        "state": data["state"],
        "severity": worst(reasons),
        "reasons": [
            {"name": words(reason.name), "message": reason.message, "severity": severity(reason)} for reason in reasons
        ],
        "list": data["hotlist"].get("version"),
    }


def _health(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "health",
        "rate": data["frame_rate"],
        "dropped": data["frames_dropped"],
        "queue": data["queue"]["depth"],
    }


def _audit(data: dict[str, Any]) -> dict[str, Any]:
    more = [words(data["reason"])] if data.get("reason") else []
    if data["action"].startswith("hotlist") and data.get("object"):
        more.insert(0, f"version {data['object']}")
    return {
        "kind": "audit",
        "action": words(data["action"]),
        "outcome": data["outcome"],
        "more": ", ".join(more),
    }


_TELLERS: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    TYPES[Status]: _status,
    TYPES[Health]: _health,
    TYPES[Audit]: _audit,
}
