"""What the page shows of a record, in the page's own words."""

from collections.abc import Callable, Mapping
from typing import Any

from device.records import TYPES, Audit, Health, Hit, HitWithdrawn, Read, Status
from simulator.demo.report import MATCH_WORDS, picture_uris, words
from simulator.ground.subscriber import Arrival


def told(arrival: Arrival) -> dict[str, Any] | None:
    """Return what the page shows of a record, None for kinds that it does not know."""
    data = arrival.data
    common: dict[str, Any] = {"post": arrival.topic.split("/")[3], "time": arrival.received.strftime("%H:%M:%S")}
    teller = _TELLERS.get(arrival.kind)
    if teller is _status and "valid_seconds" in data:
        common["good_until"] = arrival.received.timestamp() + data["valid_seconds"]
    return None if teller is None else common | teller(data)


def _read(data: dict[str, Any]) -> dict[str, Any]:
    return _sight(data) | {"kind": "read"}


def _withdrawn(data: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "withdrawn", "hit": data["hit"], "reason": words(data["reason"])}


def _sight(data: dict[str, Any]) -> dict[str, Any]:
    pictures = picture_uris(data)
    return {
        "passage": data["passage"],
        "plate": data["plate_read"],
        "confidence": data["confidence"],
        "characters": [[character["value"], character["confidence"]] for character in data["characters"]],
        "patch": pictures.get("patch"),
        "overview": pictures.get("overview"),
    }


def _hit(data: dict[str, Any]) -> dict[str, Any]:
    return _sight(data) | {
        "kind": "hit",
        "hit": data["hit"],
        "listed": data["plate_matched"],
        "match": MATCH_WORDS.get(data["match"], data["match"]),
        "exact": data["match"] == "exact",
        "category": words(data["category"]),
        "priority": data["priority"],
        "state": data.get("state"),
        "reference": data.get("reference"),
        "list": data["hotlist"].get("version"),
        "stale": data["hotlist_stale"],
    }


def _status(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "status",
        "state": data["state"],
        "reasons": [{"name": words(reason["name"]), "message": reason["message"]} for reason in data["reasons"]],
        "list": data["hotlist"].get("version"),
        "list_state": data["hotlist"]["state"],
        "entries": data["hotlist"].get("entries"),
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
    TYPES[Hit]: _hit,
    TYPES[Read]: _read,
    TYPES[HitWithdrawn]: _withdrawn,
    TYPES[Status]: _status,
    TYPES[Health]: _health,
    TYPES[Audit]: _audit,
}
