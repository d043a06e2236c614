# ruff: noqa: ANN401 - JSON is of any type

import json
import queue
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from device.records.topics import ROOT
from provisioning.commands.discovery import publish
from provisioning.connection import Connection
from provisioning.fleet.home_assistant import discoveries, prefix
from simulator.brokers.mosquitto import mosquitto_path
from simulator.testing import Stand

EXAMPLES = Path(__file__).parents[3] / "docs" / "contract" / "examples"


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"{name}.json").read_text())


def rendered(entity: str, record: str, *, template: str = "value_template", with_plates: bool = False) -> str:
    made = {each.topic.split("/")[-2]: each.config for each in discoveries("demo", "post-1", with_plates=with_plates)}
    return Environment(autoescape=True).from_string(made[entity][template]).render(value_json=example(record))


def test_templates_pick_out_of_records_what_is_shown() -> None:
    assert rendered("state", "status") == "online"
    assert rendered("problem", "status") == "OFF"
    assert rendered("problem", "status.degraded") == "ON"
    assert rendered("hotlist_version", "status") == str(example("status")["data"]["hotlist"]["version"])
    attributes = json.loads(rendered("state", "status.degraded", template="json_attributes_template"))
    assert attributes["reasons"] == [reason["name"] for reason in example("status.degraded")["data"]["reasons"]]
    assert rendered("queue", "health") == str(example("health")["data"]["queue"]["depth"])


def test_hit_is_an_event_without_its_plate_unless_asked_for() -> None:
    hit = example("hit")["data"]
    event = json.loads(rendered("hits", "hit"))
    assert event["event_type"] == "possible_match"
    assert event["wording"] == hit["wording"]
    assert not {hit["plate_read"], hit["plate_matched"]} & set(map(str, event.values()))
    assert json.loads(rendered("hits", "hit", with_plates=True))["plate_read"] == hit["plate_read"]
    assert json.loads(rendered("hits", "hit.withdrawn"))["event_type"] == "withdrawn"


def test_nothing_that_is_published_lies_outside_the_agency() -> None:
    made = list(discoveries("demo", "post-1"))
    assert all(each.topic.startswith(f"{ROOT}/demo/homeassistant/") for each in made)
    assert len({each.config["unique_id"] for each in made}) == len({each.topic for each in made}) == len(made)


@pytest.mark.end_to_end
@pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is not installed")
def test_subscriber_finds_the_posts_and_no_longer_once_they_are_removed(broker: Stand) -> None:
    identity = broker.identity("home-assistant")
    made = list(discoveries(broker.agency, "post-1"))

    def found() -> dict[str, bytes]:
        heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        topics, last = (f"{prefix(broker.agency)}/+/+/+/config",), f"{prefix(broker.agency)}/sensor/none/last/config"
        with (
            Connection(identity, broker=broker.address, topics=topics, listener=lambda *told: heard.put(told)),
            Connection(broker.fleet.publisher, broker=broker.address) as department,
        ):
            department.publish(last, b"{}", retain=True)  # comes after all that is retained
            everything = dict(iter(lambda: heard.get(timeout=10), (last, b"{}")))
            department.publish(last, b"", retain=True)
        return everything

    publish(broker.fleet, broker.address, made)
    assert found() == {each.topic: each.payload for each in made}
    publish(broker.fleet, broker.address, made, remove=True)
    assert found() == {}
