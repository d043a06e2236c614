"""A NATS server that belongs to a run."""

import ssl
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from provisioning.fleet import Fleet
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
