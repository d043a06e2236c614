"""The RabbitMQ cluster for a run."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from paho.mqtt.client import Client

from device.outbox import Outbox
from device.records import Envelope, Recorder, Signer, Source, new_identifier
from device.records.examples import example_audit, example_status
from device.uplink import Uplink, UplinkSettings
from provisioning.client import secured_client
from provisioning.fleet import Fleet
from provisioning.post_file import PostSettings
from simulator.brokers.rabbitmq import RabbitCluster, rabbitmq_path
from simulator.errors import BrokerError

needs_rabbitmq = pytest.mark.skipif(rabbitmq_path() is None, reason="RabbitMQ is not installed")
pytestmark = pytest.mark.end_to_end


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    made = Fleet.create(tmp_path / "fleet", agency="demo")
    made.add_post("post-1", PostSettings(brokers=("localhost:8883",), camera="virtual"))
    return made


@pytest.fixture
def cluster(fleet: Fleet, tmp_path: Path) -> Iterator[RabbitCluster]:
    cluster = RabbitCluster(fleet, tmp_path / "rabbitmq", size=3)
    with cluster:
        yield cluster


def accepted(identity: Path, address: str) -> bool:
    client: Client = secured_client(identity)
    host, _, port = address.partition(":")
    reasons: list[bool] = []
    client.on_connect = lambda _client, _data, _flags, reason, _properties: reasons.append(not reason.is_failure)
    client.connect(host, int(port))
    while not reasons and client.loop(1.0) == 0:
        pass
    client.disconnect()
    return reasons == [True]


def settings_of(identity: Path, cluster: RabbitCluster) -> UplinkSettings:
    return UplinkSettings(
        brokers=cluster.addresses,
        ca=identity / "ca.pem",
        certificate=identity / "certificate.pem",
        private_key=identity / "private_key.pem",
        client_id="post-1",
        backoff_first_seconds=0.2,
        backoff_most_seconds=1.0,
        settle_seconds=0.2,
        may_go_unheard=("audit", "status"),
    )


@needs_rabbitmq
def test_a_post_goes_on_to_another_node_when_its_own_is_stopped(
    cluster: RabbitCluster, fleet: Fleet, tmp_path: Path
) -> None:
    signer = Signer(ECKey.generate_key("P-256"))
    with Outbox(tmp_path / "outbox.db", key=bytes(32)) as outbox:
        recorder = Recorder(outbox, signer, Source("demo", "post-1"))

        def will() -> Envelope:
            return recorder.unchained(example_status("offline", new_identifier()))

        def delivered() -> bool:
            return outbox.depth() == 0

        with Uplink(settings_of(fleet.post("post-1"), cluster), outbox, will=will) as uplink:
            recorder.record(example_audit("boot"))
            wait_for(delivered)
            next(node for node in cluster.nodes if node.address == uplink.state().broker).stop()
            recorder.record(example_audit("stop"))
            wait_for(delivered)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30.0
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@needs_rabbitmq
def test_nodes_are_one_broker_that_lives_on_without_one(cluster: RabbitCluster, fleet: Fleet) -> None:
    running = cluster.nodes[0].control("cluster_status", "--formatter", "json")
    assert all(node.name in running for node in cluster.nodes)
    post = fleet.post("post-1")
    assert all(accepted(post, address) for address in cluster.addresses)
    cluster.nodes[0].kill()
    assert cluster.running
    assert accepted(post, cluster.nodes[1].address)
    cluster.start()
    assert accepted(post, cluster.nodes[0].address)

    assert not accepted(fleet.add_subscriber("late"), cluster.address)
    cluster.reload()
    assert accepted(fleet.subscriber("late"), cluster.address)


def test_missing_program_is_said(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.brokers.rabbitmq.PROGRAM", tmp_path / "nothing")
    with pytest.raises(BrokerError, match="rabbitmq-server"):
        RabbitCluster(fleet, tmp_path / "rabbitmq").start()
