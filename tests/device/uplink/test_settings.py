from pathlib import Path

import pytest
from pydantic import ValidationError

from platepost.common.errors import UplinkError
from platepost.device.uplink.settings import BrokerAddress, UplinkSettings

FILES = {"ca": Path("ca"), "certificate": Path("c"), "private_key": Path("k")}


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("broker.example:8884", "broker.example", 8884),
        ("broker.example", "broker.example", 8883),
        ("10.0.0.1:1", "10.0.0.1", 1),
        ("[fd00::1]:8883", "fd00::1", 8883),
        ("[fd00::1]", "fd00::1", 8883),
        (" broker.example:8884 ", "broker.example", 8884),
    ],
)
def test_brokers_are_host_and_port(text: str, host: str, port: int) -> None:
    assert BrokerAddress.parse(text) == BrokerAddress(host, port)
    assert BrokerAddress.parse(str(BrokerAddress.parse(text))) == BrokerAddress(host, port)


@pytest.mark.parametrize("text", ["", ":8883", "host:", "host:x", "host:0", "host:65536", "fd00::1", "host:-1", "[]:1"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UplinkError):
        BrokerAddress.parse(text)
    with pytest.raises((UplinkError, ValidationError)):
        _ = UplinkSettings(brokers=(text,), **FILES).endpoints


def test_there_must_be_a_broker() -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        UplinkSettings(brokers=(), **FILES)
