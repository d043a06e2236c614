from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from platepost.provisioning.connection import secured_client
from platepost.provisioning.errors import ProvisioningError
from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.simulator.errors import SimulatorError
from platepost.simulator.ground.subscriber import Arrival, Subscriber
from platepost.simulator.testing import PlayedScenario, SimulatedPost, SimulatedSite
from platepost.wire.records.signing import Keyring
from platepost.wire.verify.verify import Verifier

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]


@pytest.fixture
def console(platepost_broker: SimulatedSite, tmp_path: Path) -> Subscriber:
    identity = platepost_broker.identity("console")
    return Subscriber(
        identity, agency=platepost_broker.agency, broker=platepost_broker.address, archive=tmp_path / "records.jsonl"
    )


def kinds(arrivals: tuple[Arrival, ...]) -> list[str]:
    return [arrival.kind for arrival in arrivals]


def test_listed_vehicle_is_a_hit_and_a_read_that_names_it(
    platepost_broker: SimulatedSite, platepost_post: SimulatedPost, console: Subscriber
) -> None:
    with console:
        passed = platepost_post.passes("7ABC123", listed="stolen_vehicle", matched="7A8C123", match="look_alike")
        assert console.wait_for(lambda arrivals: len(arrivals) >= 3, timeout=60)
        hit, read = console.arrivals[1].data, console.arrivals[2].data
    assert kinds(console.arrivals) == ["platepost.status.v1", "platepost.hit.v1", "platepost.read.v1"]
    assert console.arrivals[1].topic == "alpr/v1/demo/post-1/hit/stolen_vehicle"
    assert passed.hit is not None
    assert read["hits"] == [hit["hit"]] == [passed.hit.hit]
    assert (hit["plate_read"], hit["plate_matched"], hit["differs"]) == ("7ABC123", "7A8C123", [2])
    assert [picture["kind"] for picture in hit["pictures"]] == ["patch", "overview"]


def test_misread_is_withdrawn(
    platepost_broker: SimulatedSite, platepost_post: SimulatedPost, console: Subscriber
) -> None:
    with console:
        platepost_post.misreads("7ABC123", listed="stolen_vehicle", final="7A8C123")
        assert console.wait_for(lambda arrivals: len(arrivals) >= 4, timeout=60)
    withdrawn = next(arrival for arrival in console.arrivals if arrival.kind == "platepost.hit.withdrawn.v1")
    assert withdrawn.data["plate_read"] == "7A8C123"


def test_post_that_vanishes_is_said_to_be_offline_and_delivers_later(
    platepost_broker: SimulatedSite, platepost_post: SimulatedPost, console: Subscriber
) -> None:
    def states() -> list[str]:
        return [arrival.data["state"] for arrival in console.arrivals if arrival.kind == "platepost.status.v1"]

    with console:
        platepost_post.degrades(camera_silent="no frame for 10 s")
        platepost_post.vanishes()
        assert console.wait_for(lambda _: states()[-1:] == ["offline"], timeout=60)
        platepost_post.passes("7ABC123")
        assert "platepost.read.v1" not in kinds(console.arrivals)
        platepost_post.comes_back()
        assert console.wait_for(lambda arrivals: "platepost.read.v1" in kinds(arrivals), timeout=60)
    assert states()[:3] == ["online", "degraded", "offline"]


OPENED = """
title = "Opened"
promise = "An open case is in the audit trail."
begins = 2026-08-08T02:14:00Z
lasts = "10 s"

[[posts]]
name = "post-1"

[[events]]
at = 2
do = "case_opened"

[[events]]
at = 6
do = "case_closed"

[[expect]]
check = "audit"
action = "tamper_opened"
"""


def test_scenario_gives_its_records_and_the_keys_that_they_verify_with(
    platepost_scenario: Callable[..., PlayedScenario], tmp_path: Path
) -> None:
    file = tmp_path / "opened.toml"
    file.write_text(OPENED)
    played = platepost_scenario(str(file))
    assert played.passed, played.failures
    verifier = Verifier(Keyring.from_files(played.key("post-1")))
    report = verifier.feed_all(played.records)
    assert report.intact
    actions = [event["data"].get("action") for event in played.records if event["type"] == "platepost.audit.v1"]
    assert {"tamper_opened", "tamper_closed"} <= set(actions)


def test_identity_is_good_at_once_and_for_reading_only(platepost_broker: SimulatedSite) -> None:
    first = platepost_broker.identity("first")
    assert platepost_broker.identity("first") == first != platepost_broker.identity("console")
    client = secured_client(first)
    answers: list[bool] = []
    client.on_connect = lambda client, *_: client.publish(f"{platepost_broker.topics}/post-1/read", b"{}", qos=1)
    client.on_publish = lambda _client, _data, _mid, reason, _properties: answers.append(reason.is_failure)
    client.connect(platepost_broker.host, platepost_broker.port)
    while not answers:
        client.loop(0.5)
    client.disconnect()
    assert answers == [True]


def test_records_verify(
    platepost_broker: SimulatedSite, platepost_post: SimulatedPost, console: Subscriber, tmp_path: Path
) -> None:
    with console:
        platepost_post.passes("7ABC123", listed="stolen_vehicle", overview=True)
        platepost_post.says("tamper_opened")
        assert console.wait_for(lambda arrivals: len(arrivals) >= 4, timeout=60)
    verifier = Verifier(Keyring.from_files(platepost_post.public_key), whole=True)
    report = verifier.feed_all((tmp_path / "records.jsonl").read_bytes().splitlines())
    assert report.intact
    assert report.chained == 4


def test_what_goes_wrong_is_said(
    platepost_broker: SimulatedSite, platepost_scenario: Callable[..., PlayedScenario]
) -> None:
    with pytest.raises(SimulatorError, match="no scenario of this name ships"):
        platepost_scenario("nonesuch")
    with pytest.raises(ProvisioningError, match="Post"):
        platepost_broker.post("Post 1")


def test_broker_can_be_started_while_a_post_waits_for_it(
    platepost_broker: SimulatedSite, platepost_post: SimulatedPost
) -> None:
    platepost_broker.stop()
    waiting = Thread(target=platepost_post.passes, args=("7ABC123",))
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    platepost_broker.start()
    waiting.join(30)
    assert not waiting.is_alive()
