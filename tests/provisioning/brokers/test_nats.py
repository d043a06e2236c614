"""NATS's configuration as text; tests/conformance tries it against a real server."""

import re
import subprocess
from pathlib import Path

import pytest

from provisioning.brokers.nats import NatsFiles, Served, configuration, start_script, subject
from provisioning.brokers.rights import Party


@pytest.fixture
def text() -> str:
    folder = Path("/fleet/broker")
    files = NatsFiles(
        authority=folder / "ca.pem",
        certificate=folder / "certificate.pem",
        private_key=folder / "private_key.pem",
        state=folder / "state",
    )
    clients = {"department": Party.PUBLISHER, "dispatch": Party.SUBSCRIBER, "post-1": Party.POST}
    served = Served(
        address="192.0.2.1",
        port=8883,
        name="broker",
        agency="demo",
        clients=clients,
        groups={"dispatch": ("narcotics",)},
    )
    return configuration(files, served)


@pytest.mark.parametrize(
    ("mqtt_filter", "meant"),
    [
        ("alpr/v1/demo/post-1/read", "alpr.v1.demo.post-1.read"),
        ("alpr/v1/demo/+/hit/+", "alpr.v1.demo.*.hit.*"),
        ("alpr/v1/demo/hotlist/#", "alpr.v1.demo.hotlist.>"),
    ],
)
def test_filter_means_a_subject(mqtt_filter: str, meant: str) -> None:
    assert subject(mqtt_filter) == meant


def test_each_user_has_its_rights_and_none_may_come_without_its_certificate(text: str) -> None:
    users = dict(zip(("department", "dispatch", "post-1"), text.split("{ user: ")[1:], strict=True))
    assert all(user.startswith(f'"{name}"') for name, user in users.items())
    # NATS's own protocol listens on loopback without TLS: whoever comes that way is nobody.
    assert all('allowed_connection_types: ["MQTT"]' in user for user in users.values())
    publish, subscribe = re.findall(r"(?:publish|subscribe): (.*)", users["post-1"])
    assert '"alpr.v1.demo.post-1.read"' in publish
    assert "configuration" not in publish
    assert '"alpr.v1.demo.post-1.configuration"' in subscribe
    assert 'publish: { deny: ">" }' in users["dispatch"], "an empty list would allow everything"
    assert '"alpr.v1.demo.*.covert.narcotics"' in users["dispatch"]
    assert "covert" not in users["department"]


def test_listener_verifies_and_maps_and_speaks_nothing_below_tls_1_3(text: str) -> None:
    assert 'listen: "192.0.2.1:8883"' in text
    assert "verify_and_map: true" in text
    assert 'listen: "127.0.0.1:-1"' in text
    suites = re.search(r"cipher_suites: \[(.*)\]", text)
    assert suites is not None
    assert all(name.startswith(('"TLS_AES', '"TLS_CHACHA20')) for name in suites[1].split(", "))
    assert "_WITH_" not in suites[1]


def test_what_a_subscriber_did_not_acknowledge_comes_again_before_nats_s_own_half_minute(text: str) -> None:
    seconds = re.search(r'ack_wait: "(\d+)s"', text)
    assert seconds is not None
    assert 2 <= int(seconds[1]) <= 10


def test_start_script_looks_at_the_state_before_it_lets_clients_in(tmp_path: Path) -> None:
    pem = tmp_path / "any.pem"
    script = start_script(NatsFiles(authority=pem, certificate=pem, private_key=pem, state=tmp_path / "the state"))
    check = script.index("nats-server -c check.conf")
    assert check < script.index("exec nats-server -c nats.conf")
    assert f"'{tmp_path}/the state'" in script
    file = tmp_path / "start"
    file.write_text(script)
    subprocess.run(["sh", "-n", file], check=True)


def test_each_look_at_the_state_has_a_token_of_its_own(tmp_path: Path) -> None:
    pem = tmp_path / "any.pem"
    script = start_script(NatsFiles(authority=pem, certificate=pem, private_key=pem, state=tmp_path))
    server = tmp_path / "nats-server"
    server.write_text('#!/bin/sh\necho "$2 ${CHECK_TOKEN:-}" >>tokens\necho Server is ready\n')
    server.chmod(0o700)
    (tmp_path / "start").write_text(script)
    for _ in range(2):
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        subprocess.run(["sh", str(tmp_path / "start")], env=environment, capture_output=True, check=True)
    first, served, second, _ = (tmp_path / "tokens").read_text().splitlines()
    assert served == "nats.conf "
    assert first != second
    assert re.fullmatch(r"check\.conf t[0-9a-f-]{36}", first)
