"""RabbitMQ's configuration and definitions, as text; tests/conformance tries them against a real cluster."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from platepost.provisioning.brokers.rabbitmq import NodeFiles, configuration, definitions, topic_pattern
from platepost.provisioning.brokers.rights import Party

CLIENTS = {
    "department": Party.PUBLISHER,
    "dispatch": Party.SUBSCRIBER,
    "analysis": Party.READER,
    "records": Party.CUSTODIAN,
    "vault": Party.CUSTODIAN,
    "r-alvarez": Party.OPERATOR,
    "post-1": Party.POST,
    "post-10": Party.POST,
}


@pytest.fixture
def made() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(definitions("demo", CLIENTS, groups={"records": ("narcotics",)}))
    return document


def allows(made: dict[str, Any], name: str, access: str, topic: str) -> bool:
    (found,) = (entry for entry in made["topic_permissions"] if entry["user"] == name)
    return re.search(found[access], topic.replace("/", ".")) is not None


@pytest.mark.parametrize(
    ("mqtt_filter", "routing_key", "matches"),
    [
        ("alpr/v1/demo/post-1/read", "alpr.v1.demo.post-1.read", True),
        ("alpr/v1/demo/post-1/read", "alprxv1xdemoxpost-1xread", False),
        ("alpr/v1/demo/+/read", "alpr.v1.demo.post-1.read", True),
        ("alpr/v1/demo/+/read", "alpr.v1.demo.post-1.more.read", False),
        ("alpr/v1/demo/hotlist/#", "alpr.v1.demo.hotlist", True),
        ("alpr/v1/demo/hotlist/#", "alpr.v1.demo.hotlist.a.b", True),
        ("alpr/v1/demo/hotlist/#", "alpr.v1.demo.hotlists", False),
    ],
)
def test_filter_means_the_same_routing_keys(mqtt_filter: str, routing_key: str, *, matches: bool) -> None:
    assert bool(re.fullmatch(topic_pattern(mqtt_filter), routing_key)) is matches


@pytest.mark.parametrize(
    ("name", "access", "topic", "allowed"),
    [
        ("post-1", "write", "alpr/v1/demo/post-1/hit/felony", True),
        ("post-1", "write", "alpr/v1/demo/post-10/read", False),
        ("post-10", "write", "alpr/v1/demo/post-1/read", False),
        ("post-1", "write", "alpr/v1/other/post-1/read", False),
        ("post-1", "write", "alpr/v1/demo/post-1/configuration", False),
        ("post-1", "write", "alpr/v1/demo/hotlist/package", False),
        ("post-1", "read", "alpr/v1/demo/hotlist/package", True),
        ("post-1", "read", "alpr/v1/demo/post-10/command/restart", False),
        ("post-1", "read", "#", False),
        ("dispatch", "read", "alpr/v1/demo/*/hit/*", True),
        ("dispatch", "read", "alpr/v1/demo/*/read", False),
        ("dispatch", "read", "alpr/v1/demo/*/audit", False),
        ("analysis", "read", "alpr/v1/demo/*/read", True),
        ("dispatch", "write", "alpr/v1/demo/post-1/read", False),
        ("dispatch", "write", "alpr/v1/demo/post-1/receipt/dispatch", False),
        ("department", "write", "alpr/v1/demo/hotlist/package", True),
        ("department", "write", "alpr/v1/demo/keys/custody/records", True),
        ("records", "read", "alpr/v1/demo/*/read", True),
        ("records", "read", "alpr/v1/demo/*/covert/narcotics", True),
        ("vault", "read", "alpr/v1/demo/*/covert/narcotics", False),
        ("records", "read", "alpr/v1/demo/*/response/r-alvarez", False),
        ("records", "write", "alpr/v1/demo/post-1/receipt/records", True),
        ("records", "write", "alpr/v1/demo/post-1/receipt/vault", False),
        ("records", "write", "alpr/v1/demo/post-1/read", False),
        ("records", "write", "alpr/v1/demo/decision/records", True),
        ("records", "write", "alpr/v1/demo/decision/records/narcotics", True),
        ("records", "write", "alpr/v1/demo/decision/vault", False),
        ("records", "read", "alpr/v1/demo/decision/*/narcotics", True),
        ("vault", "read", "alpr/v1/demo/decision/*/narcotics", False),
        ("records", "write", "alpr/v1/demo/ledger/records", True),
        ("records", "write", "alpr/v1/demo/ledger/vault", False),
        ("records", "write", "alpr/v1/demo/keys/custody/records", False),
        ("post-1", "read", "alpr/v1/demo/post-1/receipt/*", True),
        ("post-1", "read", "alpr/v1/demo/post-10/receipt/*", False),
        ("post-1", "read", "alpr/v1/demo/keys/custody/*", True),
        ("post-1", "write", "alpr/v1/demo/post-1/receipt/records", False),
    ],
)
def test_rights_of_a_user(made: dict[str, Any], name: str, access: str, topic: str, *, allowed: bool) -> None:
    assert allows(made, name, access, topic) is allowed


def test_users_have_no_password_and_only_their_own_queues(made: dict[str, Any]) -> None:
    assert [user["name"] for user in made["users"]] == list(CLIENTS)
    assert {user["password_hash"] for user in made["users"]} == {""}
    (permission,) = (entry for entry in made["permissions"] if entry["user"] == "post-1")
    for kind in ("configure", "write", "read"):
        assert re.search(permission[kind], "mqtt-subscription-post-1qos1")
        assert not re.search(permission[kind], "mqtt-subscription-post-10qos1")
        assert not re.search(permission[kind], "amq.fanout")
    assert not re.search(permission["configure"], "amq.topic")


def test_configuration_listens_to_nothing_but_mutual_tls_1_3() -> None:
    folder = Path("/fleet/broker")
    files = NodeFiles(
        authority=folder / "ca.pem",
        certificate=folder / "certificate.pem",
        private_key=folder / "private_key.pem",
        definitions=folder / "definitions.json",
    )
    settings = dict(
        line.split(" = ", 1)
        for line in configuration(files, address=None, port=8883, nodes=["a@one", "a@two"]).splitlines()
        if " = " in line
    )
    assert {key: value for key, value in settings.items() if "listeners" in key} == {
        "listeners.tcp": "none",
        "mqtt.listeners.tcp": "none",
        "mqtt.listeners.ssl.default": "8883",
    }
    assert settings["ssl_options.verify"] == "verify_peer"
    assert settings["ssl_options.fail_if_no_peer_cert"] == "true"
    assert [value for key, value in settings.items() if "versions" in key] == ["tlsv1.3"]
    assert settings["cluster_formation.classic_config.nodes.2"] == "a@two"
