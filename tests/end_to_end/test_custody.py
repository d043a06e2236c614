"""Nothing leaves a post before its custodian's receipt: a real post, a real mosquitto, and someone on every topic."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey
from paho.mqtt.client import Client, MQTTMessage

from platepost.device.config import load
from platepost.device.outbox.outbox import Backlog
from platepost.device.post import Post
from platepost.device.rig import Rig
from platepost.device.uplink.settings import UplinkTiming
from platepost.device.uplink.uplink import Uplink
from platepost.provisioning.cli import provision
from platepost.provisioning.connection import secured_client, split_address
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.keeper.keeper import RecordKeeper
from platepost.wire.jose import sign
from platepost.wire.records import RECEIPT_TYPE, Keyring, Purpose, Role, Source
from platepost.wire.records.canonical import canonical_bytes, digest_of, parse
from platepost.wire.verify.verify import Verifier
from tests.footage import PASSES
from tests.waiting import until

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.usefixtures("seen_once"),  # its post sees a clip over and over
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]
SOURCE = Source("demo", "post-1")
HURRIED = UplinkTiming(first_resend_seconds=0.5, missing_receipt_resend_seconds=1.0)


class Listener:
    """A client on some topics; `hear` is called with what the broker brings."""

    def __init__(
        self, identity: Path, broker: Broker, *topics: str, hear: Callable[[Client, MQTTMessage], None]
    ) -> None:
        self.granted = threading.Event()
        self.client = secured_client(identity)
        self.client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in topics])
        self.client.on_subscribe = lambda *_: self.granted.set()
        self.client.on_message = lambda client, _data, message: hear(client, message)
        self.client.connect(*split_address(broker.address))
        self.client.loop_start()
        assert self.granted.wait(60)

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class KeeperStandIn:
    """A custodian that keeps records in memory, and signs for those that follow one another from the first on."""

    def __init__(self, fleet: Fleet, broker: Broker) -> None:
        self.events: dict[int, dict[str, Any]] = {}
        self._key = ECKey.import_key(fleet.keys(Purpose.CUSTODY, "records").signing.read_bytes())
        topics = [SOURCE.topic(kind) for kind in ("read", "hit/+", "status", "audit")]
        self._listener = Listener(fleet.custodian("records"), broker, *topics, hear=self._hear)

    def _hear(self, client: Client, message: MQTTMessage) -> None:
        event = parse(bytes(message.payload))
        if "sequence" not in event:
            return
        self.events[event["sequence"]] = event
        last = next(number for number in range(1, len(self.events) + 2) if number not in self.events) - 1
        ranges = [] if last == 0 else [{"first": 1, "last": last, "digest": self._digest(last)}]
        receipt = {
            "agency": SOURCE.agency,
            "post": SOURCE.post,
            "custodian": "records",
            "epoch": 1,
            "number": len(self.events),
            "time": "2026-03-01T12:00:00.000Z",
            "chain": event["chain"],
            "ranges": ranges,
        }
        signed = sign(json.dumps(receipt).encode(), self._key, typ=RECEIPT_TYPE, kid=self._key.thumbprint())
        client.publish(SOURCE.receipt("records"), signed, qos=1)

    def _digest(self, number: int) -> str:
        return digest_of(canonical_bytes(self.events[number]))

    def stop(self) -> None:
        self._listener.stop()


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    made = Fleet.create(tmp_path / "fleet", agency="demo")
    made.add_custodian("records")
    made.add_operator("r-doe", Role.OPERATOR)
    made.add_operator("j-stone", Role.ADMINISTRATOR)
    return made


@pytest.fixture
def broker(fleet: Fleet, tmp_path: Path) -> Iterator[Broker]:
    with Broker(fleet, tmp_path / "broker") as started:
        yield started


class Running:
    """The post, in a thread of its own."""

    def __init__(self, fleet: Fleet, broker: Broker) -> None:
        key = fleet.keys(Purpose.CUSTODY, "records").verifying
        more: dict[str, Any] = {
            "hotlist": {"in_service_without_list": True},
            "uplink": {"drain_seconds": 5},
        }
        settings = PostSettings(
            brokers=(broker.address,),
            camera="footage",
            camera_settings={"path": str(PASSES)},
            board="virtual",
            more=more,
        )
        self.file = fleet.add_post("post-1", settings) / "post.toml"
        with self.file.open("a") as file:
            file.write(f'\n[[custody.custodians]]\nname = "records"\nkey = "{key}"\n')
        self.start()

    def start(self) -> None:
        self.post = Post(load(self.file), rig=Rig(uplink=partial(Uplink, timing=HURRIED)))
        self.outbox = self.post._logbook.outbox
        self.thread = threading.Thread(target=self.post.run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.post.stop()
        self.thread.join(30)
        assert not self.thread.is_alive()

    @property
    def backlog(self) -> Backlog:
        return self.outbox.backlog()

    @property
    def made(self) -> int:
        return self.outbox.head.sequence


def test_nothing_is_deleted_before_the_receipt_though_somebody_listens_to_everything(
    fleet: Fleet, broker: Broker, tmp_path: Path
) -> None:
    heard: list[str] = []
    intruder = Listener(
        fleet.operator("r-doe"), broker, "alpr/v1/demo/#", hear=lambda _client, message: heard.append(message.topic)
    )
    running = Running(fleet, broker)
    try:
        until(lambda: running.made >= 3 and running.backlog.sent == running.made, "the broker's acknowledgments")
        assert not [topic for topic in heard if topic.endswith(("/read", "/audit"))], "it has no right to them"
        running.stop()
        running.start()
        until(lambda: running.made >= 6 and running.backlog.sent == running.made, "more acknowledgments")
        keeper = KeeperStandIn(fleet, broker)
        until(lambda: running.backlog.sent + running.backlog.depth == 0, "the receipts")
        assert sorted(keeper.events) == list(range(1, running.made + 1))
        running.stop()
        keeper.stop()
        keys = Keyring.from_files(fleet.record_key("post-1"))
        lines = [json.dumps(keeper.events[number]).encode() for number in sorted(keeper.events)]
        assert Verifier(keys, whole=True).feed_all(lines).intact
    finally:
        running.post.stop()
        running.thread.join(30)
        intruder.stop()


def test_a_second_custodian_is_required_without_a_visit_and_both_must_sign(
    fleet: Fleet, broker: Broker, tmp_path: Path
) -> None:
    def provisioned(*arguments: str) -> None:
        result = CliRunner().invoke(provision, ["custodian", *arguments, "--purpose", "a test of ours"])
        assert result.exit_code == 0, result.output

    running = Running(fleet, broker)
    try:
        with RecordKeeper(fleet, "records", broker=broker.address, folder=tmp_path / "records"):
            until(lambda: running.made >= 3 and running.backlog.sent + running.backlog.depth == 0, "its receipts")
            provisioned("add", str(fleet.directory), "vault")
            broker.reload()
            provisioned("require", str(fleet.directory), "vault", "--broker", broker.address)
            running.stop()
            running.start()
            until(lambda: running.backlog.sent >= 3 and running.backlog.depth == 0, "the broker's acknowledgments")
            time.sleep(2 * HURRIED.missing_receipt_resend_seconds)
            assert running.backlog.sent >= 3, "one of two is not enough"
            with RecordKeeper(fleet, "vault", broker=broker.address, folder=tmp_path / "vault"):
                until(lambda: running.backlog.sent + running.backlog.depth == 0, "the receipts of both")
    finally:
        running.post.stop()
        running.thread.join(30)
