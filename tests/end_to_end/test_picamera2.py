"""The real Picamera2, the real post, a real mosquitto: frames go in at one end, signed reads come out at the other."""

import threading
from pathlib import Path

import pytest

from platepost.device.config import load
from platepost.device.post import Account, Post
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.ground.site import READS
from platepost.simulator.ground.subscriber import Subscriber
from platepost.wire.records import Keyring
from platepost.wire.verify.verify import Verifier
from tests.conformance.cameras import PLATE, SIZE
from tests.picamera2 import virtual
from tests.waiting import until

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]
SECONDS = 120.0


def test_reads_of_a_post_with_picamera2_arrive_at_the_broker(tmp_path: Path) -> None:
    virtual.require()
    fleet = Fleet.create(tmp_path / "fleet", agency="demo")
    keeper = fleet.add_subscriber("keeper", reads=READS)
    accounts: list[Account] = []
    archive = tmp_path / "records.jsonl"
    with Broker(fleet, tmp_path / "broker") as broker:
        fleet.add_post(
            "post-1",
            PostSettings(
                brokers=(broker.address,),
                camera="picamera2",
                camera_settings={"width": SIZE[0], "height": SIZE[1], "frames_per_second": 15},
                board="virtual",
                more={
                    "hotlist": {"in_service_without_list": True},
                    "uplink": {"drain_seconds": 20},
                    "passages": {"lost_after_seconds": 0.5, "repeat_seconds": 2},
                },
            ),
        )
        with Subscriber(keeper, agency="demo", broker=broker.address, archive=archive) as subscriber:

            def reads() -> list[str]:
                events = [a.event for a in subscriber.arrivals if a.kind == "platepost.read.v1"]
                return [event["data"]["plate_read"] for event in events]

            post = Post(load(fleet.post("post-1") / "post.toml"))
            thread = threading.Thread(target=lambda: accounts.append(post.run()), daemon=True)
            thread.start()
            until(lambda: PLATE in reads(), "a read")
            post.stop()
            thread.join(SECONDS)
            assert not thread.is_alive()
            until(lambda: subscriber.arrivals[-1].event["data"].get("state") == "offline", "the end")
    assert accounts[0].frames > 0
    keys = Keyring.from_files(fleet.record_key("post-1"))
    report = Verifier(keys, whole=True).feed_all(archive.read_bytes().splitlines())
    assert report.intact, report.problems
