"""The RabbitMQ cluster for a run."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from joserfc.jwk import ECKey
from paho.mqtt.client import Client

from platepost.device.outbox.outbox import Outbox
from platepost.device.uplink.settings import UplinkSettings, UplinkTiming
from platepost.device.uplink.uplink import Uplink
from platepost.provisioning.connection import secured_client
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.errors import BrokerError
from platepost.wire.contract.examples import example_audit, example_status
from platepost.wire.records import Envelope, Recorder, Signer, Source, new_identifier
from tests.rabbitmq import RabbitCluster, rabbitmq_path
from tests.waiting import until

needs_rabbitmq = pytest.mark.skipif(rabbitmq_path() is None, reason="RabbitMQ is missing: make test-brokers")
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
        reconnect_seconds=0.2,
        optional_receivers=("audit", "status"),
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

        settings, timing = settings_of(fleet.post("post-1"), cluster), UplinkTiming(max_backoff_seconds=1.0)
        uplink = Uplink(settings, outbox, client_id="post-1", timing=timing)
        uplink.will = will
        with uplink:
            recorder.record(example_audit("boot"))
            until(delivered)
            next(node for node in cluster.nodes if node.address == uplink.state().broker).stop()
            recorder.record(example_audit("stop"))
            until(delivered)


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


@needs_rabbitmq
def test_nodes_take_each_other_by_the_broker_s_certificate_alone(cluster: RabbitCluster, fleet: Fleet) -> None:
    """Over this connection go all records, and who is let in controls the node."""
    port = cluster.nodes[0]._distribution
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)  # reaches who listens on every interface
    assert taken(port, fleet, fleet.broker.certificate, fleet.broker.private_key)
    post = fleet.post("post-1")
    assert not taken(port, fleet, post / "certificate.pem", post / "private_key.pem")
    assert not taken(port, fleet, None, None)
    stolen = x509.load_pem_x509_certificate(fleet.broker.certificate.read_bytes())
    fleet.certificates.revoked([stolen.serial_number], "stolen")
    fleet.write_crls(fleet.open_authority())
    assert not taken(port, fleet, fleet.broker.certificate, fleet.broker.private_key)


def taken(port: int, fleet: Fleet, certificate: Path | None, key: Path | None) -> bool:
    """Tell whether a node waits for what a client says, once it has seen its certificate."""
    context = ssl.create_default_context(cafile=str(fleet.broker.authority))
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        secured.settimeout(2)
        try:
            assert not secured.recv(1), "it speaks first"
        except TimeoutError:
            return True
        except OSError:  # an alert, or the end
            return False
        return False


def test_missing_program_is_said(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.rabbitmq.PROGRAM", tmp_path / "nothing")
    with pytest.raises(BrokerError, match="rabbitmq-server"):
        RabbitCluster(fleet, tmp_path / "rabbitmq").start()
