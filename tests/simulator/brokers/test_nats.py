"""A NATS server that belongs to a run."""

import os
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from provisioning.brokers.nats import CHECK_FILE
from provisioning.fleet.fleet import Fleet
from simulator.brokers.nats import MISSING, NatsBroker, nats_path
from simulator.errors import BrokerError

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(nats_path() is None, reason=MISSING),
]


def answer(fleet: Fleet, broker: NatsBroker, identity: Path) -> str:
    """Connect once; return what the server says."""
    said: list[str] = []
    client = Client(CallbackAPIVersion.VERSION2, client_id="keeper", protocol=MQTTProtocolVersion.MQTTv311)
    context = ssl.create_default_context(cafile=str(fleet.broker.authority))
    context.load_cert_chain(identity / "certificate.pem", identity / "private_key.pem")
    client.tls_set_context(context)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: said.append(str(reason))
    client.connect(broker.host, broker.port)
    while not said:
        client.loop()
    client.disconnect()
    return said[0]


def test_who_is_new_in_the_fleet_is_let_in_as_soon_as_reload_returns(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo")
    with NatsBroker(fleet, tmp_path / "broker") as broker:
        for number in range(12):
            keeper = fleet.add_subscriber(f"keeper-{number}")
            broker.reload()
            assert answer(fleet, broker, keeper) == "Success"


def test_rights_that_the_server_does_not_take_are_said(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo")
    with NatsBroker(fleet, tmp_path / "broker") as broker:
        fleet.broker.certificate.write_text("no certificate")
        with pytest.raises(BrokerError, match="nats took no changed rights"):
            broker.reload()


def test_while_the_state_is_looked_at_nobody_is_let_in(tmp_path: Path) -> None:
    """Its port on loopback is there for every account of the machine, and the certificates are not asked for yet."""
    broker = NatsBroker(Fleet.create(tmp_path / "fleet", agency="demo"), tmp_path / "broker")
    command = [str(nats_path()), "-c", str(broker.directory / CHECK_FILE)]
    assert subprocess.run(command, capture_output=True, check=False, timeout=20).returncode, "without a token"
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, stderr=log, env={**os.environ, "CHECK_TOKEN": "t0-1"})
    try:
        said = ""
        end = time.monotonic() + 20
        while "Server is ready" not in said and time.monotonic() < end:
            time.sleep(0.05)
            said = (tmp_path / "log").read_text()
        port = re.search(r"Listening for client connections on 127.0.0.1:(\d+)", said)
        assert port is not None
        assert "+OK" in heard(int(port[1]), '{"verbose":true,"auth_token":"t0-1"}')
        assert "Authorization Violation" in heard(int(port[1]), '{"verbose":true}')
    finally:
        server.terminate()
        server.wait()


def heard(port: int, options: str) -> str:
    """Return what the server says to who connects by NATS's own protocol and asks for its streams."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(f"CONNECT {options}\r\nSUB inbox 1\r\nPUB $JS.API.STREAM.NAMES inbox 0\r\n\r\n".encode())
        client.settimeout(1)
        text = ""
        try:
            while part := client.recv(4096):
                text += part.decode()
        except TimeoutError:
            pass
        return text
