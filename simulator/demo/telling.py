"""What the live pages, of the demonstration and of `serve`, show of a record: by the rules of docs/subscriber.md."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from device.faults.fault import severity, worst
from device.records import TYPES, Audit, Health, Hit, HitWithdrawn, Read, Reason, Status
from device.records.base import read_known
from simulator.demo.report import MATCH_WORDS, picture_uris, words
from simulator.ground.subscriber import Arrival

LATE_SECONDS = 300.0
"""Age of a hit from which its vehicle is elsewhere."""
AHEAD_SECONDS = 300.0
"""How far a record's time may be in the future: clocks that are kept with ordinary care differ by less."""
REMEMBERED = 10_000
"""Withdrawals that are remembered, in case their hit comes later."""


class Teller:
    """Says what the page shows of each record. One thread at a time.

    A withdrawal may come before its hit. The hit is then told as withdrawn, and the page raises no alarm for it.
    """

    def __init__(self) -> None:
        self._withdrawn: OrderedDict[tuple[str, str], str] = OrderedDict()

    def tell(self, arrival: Arrival) -> dict[str, Any] | None:
        """Return what the page shows of a record, None for kinds that it does not know."""
        data, heard = arrival.data, arrival.received
        # Only the post itself may write below its topic, so no other post withdraws its hits.
        post = arrival.topic.split("/")[3]
        teller = _TELLERS.get(arrival.kind)
        if teller is None:
            return None
        event = {"post": post, "time": heard.strftime("%H:%M:%S")} | teller(data)
        if "valid_seconds" in data and event["kind"] == "status":
            event["good_until"] = heard.timestamp() + data["valid_seconds"]
        if event["kind"] == "withdrawn":
            self._withdrawn[post, event["hit"]] = event["reason"]
            if len(self._withdrawn) > REMEMBERED:
                self._withdrawn.popitem(last=False)
        if event["kind"] == "synthetic":
            event["seconds"] = round((heard - datetime.fromisoformat(arrival.event["time"])).total_seconds(), 1)
        if event["kind"] == "hit":
            made = datetime.fromisoformat(arrival.event["time"])
            event |= {
                "time": made.strftime("%H:%M:%S"),
                "doubts": _doubts(data, age_seconds=(heard - made).total_seconds()),
                "withdrawn": self._withdrawn.get((post, event["hit"])),
            }
        return event


def _doubts(data: dict[str, Any], *, age_seconds: float) -> list[str]:
    """Say what to beware of in a hit that was made so many seconds before it was heard of."""
    clock = data["clock"]
    doubts = {
        "old hot list": data["hotlist_stale"],
        "another state by its look": data["state_agreement"] == "contradicts",
        f"late: {age_seconds / 60:.0f} min old": age_seconds > LATE_SECONDS,
        "clock not synchronized: age of hit and list uncertain": not clock["synchronised"],
        "the post's clock is wrong": "held_seconds" in clock or age_seconds < -AHEAD_SECONDS,
    }
    return [doubt for doubt, holds in doubts.items() if holds]


def _list_age(hotlist: dict[str, Any]) -> str:
    age = hotlist.get("age_seconds")
    return f"list version {hotlist.get('version')}, " + ("of unknown age" if age is None else f"{age / 3600:.1f} h old")


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
    if data.get("synthetic"):  # nobody is looked for: it shows that hits arrive
        return {"kind": "synthetic", "wording": data["wording"]}
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
        "wording": data["wording"],
        "held": data.get("held", False),  # posts before this version do not say it
        "state_agreement": data["state_agreement"],
        "list": _list_age(data["hotlist"]),
    }


def _reason(said: dict[str, Any]) -> Reason:
    """Read a reason of a post that may be newer: a severity that is not known counts as unsaid."""
    try:
        return read_known(Reason, said)
    except ValidationError:
        return read_known(Reason, {name: value for name, value in said.items() if name != "severity"})


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
        "list_state": data["hotlist"]["state"],
        "entries": data["hotlist"].get("entries"),
    }


def _health(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "health",
        "rate": data["frame_rate"],
        "dropped": data["frames_dropped"],
        "queue": data["queue"]["depth"],
        "uptime": data["uptime_seconds"],
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
