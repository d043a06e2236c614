"""Home Assistant's MQTT discovery for a fleet: what its posts are and where they say how they fare.

Off unless somebody publishes it. No state is published anew: the configurations point Home Assistant at the posts' own
topics, with templates that pick out of each record what is to be shown. No plate is among it unless asked for.

Posts may write below their own name only, so the department's client publishes, below `alpr/v1/{agency}/homeassistant`,
which Home Assistant is told as its discovery prefix. Source of names: home-assistant.io, `mqtt`, `sensor.mqtt`,
`binary_sensor.mqtt`, `event.mqtt`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from device import __version__
from device.records import Source
from device.records.topics import HOME_ASSISTANT, ROOT

Config = dict[str, Any]
STALE_SECONDS = 300
"""After so long without health, which comes once a minute, what it said is no longer shown."""

_HIT = {
    "event_type": "'possible_match' if value_json.type == 'platepost.hit.v1' else 'withdrawn'",
    "category": "value_json.data.category",
    "priority": "value_json.data.priority | default(none)",
    "match": "value_json.data.match | default(none)",
    "hotlist_stale": "value_json.data.hotlist_stale | default(none)",
    "verification": "value_json.data.verification | default(none)",
    "wording": "value_json.data.wording | default(none)",
}
_PLATES = {
    "plate_read": "value_json.data.plate_read",
    "plate_matched": "value_json.data.plate_matched | default(none)",
}


@dataclass(frozen=True, slots=True)
class Discovery:
    """One configuration and where it is retained."""

    topic: str
    config: Config

    @property
    def payload(self) -> bytes:
        """What is published; an empty payload instead takes the entity away."""
        return json.dumps(self.config, separators=(",", ":")).encode()


def prefix(agency: str) -> str:
    """Return the discovery prefix that Home Assistant is to be given."""
    return f"{ROOT}/{agency}/{HOME_ASSISTANT}"


def discoveries(agency: str, post: str, *, with_plates: bool = False) -> Iterator[Discovery]:
    """Yield the configurations of one post.

    Args:
        agency: whose.
        post: its name.
        with_plates: whether the event of a hit carries the plate, which Home Assistant then keeps in its history.

    """
    source = Source(agency, post)
    device = {
        "identifiers": [f"platepost_{agency}_{post}"],
        "name": post,
        "manufacturer": "Platepost",
        "model": "Number-plate camera",
    }
    for component, name, config in _entities(source, with_plates=with_plates):
        identifier = f"platepost_{agency}_{post}_{name}"
        more = {"unique_id": identifier, "object_id": identifier, "device": device, "qos": 1}
        origin = {"origin": {"name": "Platepost", "sw_version": __version__}}
        yield Discovery(f"{prefix(agency)}/{component}/{post}/{name}/config", config | more | origin)


def _entities(source: Source, *, with_plates: bool) -> Iterator[tuple[str, str, Config]]:
    status, health = source.topic("status"), source.topic("health")
    yield (
        "sensor",
        "state",
        {
            "name": "State",
            "device_class": "enum",
            "options": ["online", "degraded", "offline"],
            "state_topic": status,
            "value_template": "{{ value_json.data.state }}",
            "json_attributes_topic": status,
            "json_attributes_template": _object(
                {
                    "reasons": "value_json.data.reasons | default([]) | map(attribute='name') | list",
                    "hotlist": "value_json.data.hotlist.state",
                    "software": "value_json.data.versions.software",
                    "since": "value_json.data.since",
                }
            ),
        },
    )
    yield (
        "binary_sensor",
        "problem",
        {
            "name": "Problem",
            "device_class": "problem",
            "state_topic": status,
            "value_template": "{{ 'OFF' if value_json.data.state == 'online' else 'ON' }}",
        },
    )
    yield (
        "sensor",
        "hotlist_version",
        {
            "name": "Hot list",
            "entity_category": "diagnostic",
            "state_topic": status,
            "value_template": "{{ value_json.data.hotlist.version | default(none) }}",
        },
    )
    for name, title, path, more in _VITAL_SIGNS:
        template = f"{{{{ value_json.data.{path} | default(none) }}}}"
        common = {"name": title, "state_topic": health, "value_template": template, "expire_after": STALE_SECONDS}
        yield "sensor", name, common | {"entity_category": "diagnostic", "state_class": "measurement"} | more
    yield (
        "event",
        "hits",
        {
            "name": "Possible matches",
            "state_topic": source.topic("hit/+"),
            "event_types": ["possible_match", "withdrawn"],
            "value_template": _object(_HIT | (_PLATES if with_plates else {})),
        },
    )


_VITAL_SIGNS: tuple[tuple[str, str, str, Config], ...] = (
    ("frame_rate", "Frames", "frame_rate", {"unit_of_measurement": "fps"}),
    ("queue", "Records waiting", "queue.depth", {}),
    ("temperature", "Temperature", "temperature_celsius", {"device_class": "temperature", "unit_of_measurement": "°C"}),
)


def _object(members: dict[str, str]) -> str:
    inside = ", ".join(f"'{name}': {expression}" for name, expression in members.items())
    return f"{{{{ {{{inside}}} | tojson }}}}"
