"""The refuser says no in the words of MQTT 5, and never yes to a record."""

from collections.abc import Callable, Iterator

import pytest
from paho.mqtt.client import Client

from platepost.provisioning.connection import secured_client
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.ground.event_loop_thread import EventLoopThread
from platepost.simulator.ground.site import READS
from tests.campaigns.faults.refuser import BUSY, QUOTA_EXCEEDED, RATE_TOO_HIGH, Denial, Refuser


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    made = Fleet.create(tmp_path_factory.mktemp("site") / "fleet", agency="demo")
    made.add_subscriber("keeper", reads=READS)
    return made


@pytest.fixture
def refuser(fleet: Fleet) -> Iterator[Refuser]:
    loop = EventLoopThread()
    made = Refuser(loop, fleet.broker)
    yield made
    made.close()
    loop.close()


@pytest.fixture
def client(fleet: Fleet, refuser: Refuser) -> Client:
    return secured_client(fleet.subscriber("keeper"))


def turn(client: Client, until: Callable[[], bool]) -> None:
    for _ in range(100):
        if until() or client.loop(0.1) != 0:
            return


def test_a_client_is_refused_at_the_door(refuser: Refuser, client: Client) -> None:
    refuser.denial = Denial("connect", BUSY)
    reasons: list[int] = []
    client.on_connect = lambda _client, _data, _flags, reason, _properties: reasons.append(reason.value)

    client.connect("localhost", refuser.port)
    turn(client, lambda: bool(reasons))

    assert reasons == [BUSY]


@pytest.mark.parametrize("code", [QUOTA_EXCEEDED, 0x87])
def test_a_record_is_refused_and_the_connection_stays(refuser: Refuser, client: Client, code: int) -> None:
    refuser.denial = Denial("publish", code)
    reasons: list[int] = []
    client.on_publish = lambda _client, _data, _mid, reason, _properties: reasons.append(reason.value)
    client.connect("localhost", refuser.port)
    turn(client, client.is_connected)

    client.publish("alpr/v1/demo/post-1/read", "{}", qos=1)
    turn(client, lambda: bool(reasons))

    assert reasons == [code]
    assert client.is_connected()
    assert refuser.refused == 1


def test_it_hangs_up_on_a_record(refuser: Refuser, client: Client) -> None:
    refuser.denial = Denial("hang_up", RATE_TOO_HIGH)
    ends: list[int] = []
    client.on_disconnect = lambda _client, _data, _flags, reason, _properties: ends.append(reason.value)
    client.connect("localhost", refuser.port)
    turn(client, client.is_connected)

    client.publish("alpr/v1/demo/post-1/read", "{}", qos=1)
    turn(client, lambda: bool(ends))

    assert ends == [RATE_TOO_HIGH]
