"""What is made of messages that anyone may have written."""

import json
import socket
import ssl
import threading
import time
from types import SimpleNamespace

import pytest

from platepost.common.signals import ORDERLY_SECONDS, Stopped, stop_on_signals
from platepost.provisioning.connection import Connection, data_of, split_address
from platepost.provisioning.errors import ProvisioningError
from platepost.wire.mqtt import MqttClient


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"data": 1}', b"[" * 30_000])
def test_what_is_no_event_has_no_data(payload: bytes) -> None:
    assert data_of(payload) == {}


@pytest.mark.parametrize(
    "address", ["broker", "broker:", ":8883", "broker:0", "broker:99999", "broker:8_8", "b:²", "a..b:1", ".b:1"]
)
def test_what_is_no_address_of_a_broker_is_refused(address: str) -> None:
    with pytest.raises(ProvisioningError, match="expected host:port"):
        split_address(address)


def test_a_status_that_is_sent_once_more_does_not_take_the_place_of_a_later_one() -> None:
    heard: list[tuple[str, bytes]] = []
    client = MqttClient("office", ssl.create_default_context())
    connection = Connection(client, broker="localhost:1", listener=lambda *message: heard.append(message))

    def come(topic: str, payload: bytes) -> None:
        connection._on_message(client, None, SimpleNamespace(topic=topic, payload=payload))  # type: ignore[arg-type]

    def said(number: int, chain: str = "one") -> bytes:
        return json.dumps({"chain": chain, "sequence": number}).encode()

    status, audit = "alpr/v1/demo/post-1/status", "alpr/v1/demo/post-1/audit"
    shown = [(status, said(3)), (status, said(7)), (status, said(7)), (status, said(1, "two")), (audit, said(2))]
    more = [(status, b'{"data": {}}'), (status, b""), (status, b"[" * 30_000), (status, said(8))]
    for topic, payload in [*shown, (status, said(5)), *more]:
        come(topic, payload)
    assert heard == [*shown, *more]


def test_stop_ends_the_connecting_to_a_broker_that_is_silent() -> None:
    """It takes the connection, and never says a word of TLS."""
    with socket.create_server(("127.0.0.1", 0)) as silent, stop_on_signals() as stop:
        client = MqttClient("silent", ssl.create_default_context())
        connection = Connection(client, broker=f"127.0.0.1:{silent.getsockname()[1]}")

        def stop_once_it_connects() -> None:
            taken.append(silent.accept()[0])
            taken[0].recv(1)
            stop.request()

        taken: list[socket.socket] = []
        threading.Thread(target=stop_once_it_connects, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(Stopped), connection:
            pytest.fail("it is connected")
        assert time.monotonic() - began < ORDERLY_SECONDS
        taken[0].close()
