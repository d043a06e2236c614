"""Whom a running keeper believes: by the register of the posts' keys, which may change at any moment."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from platepost.department.database.cluster import installed_versions
from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.wire.contract.examples import ExampleSigner, example_audit
from tests.department.commands.installation import Installed
from tests.department.commands.keeping import KeeperService, Site, site
from tests.department.custody.sender import Sender

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
    pytest.mark.skipif(not installed_versions(), reason="PostgreSQL is missing: make tools"),
]


@pytest.fixture(scope="module")
def street(installed: Installed) -> Iterator[Site]:
    with site() as created:
        created.init(installed)
        yield created


@pytest.fixture(scope="module")
def service_messages(street: Site) -> Iterator[list[str]]:
    """Listen as a service manager does."""
    texts: list[str] = []

    def listen() -> None:
        while not texts or texts[-1]:
            texts.append(listener.recv(4096).decode())

    path = str(street.top / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        thread = threading.Thread(target=listen)
        thread.start()
        yield texts
        listener.sendto(b"", path)
        thread.join()


@pytest.fixture(scope="module")
def keeper(street: Site, service_messages: list[str]) -> Iterator[KeeperService]:
    assert service_messages == []
    with street.keeping(NOTIFY_SOCKET=str(street.top / "notify")) as running:
        yield running


def test_a_new_post_is_trusted_and_what_it_sent_before_is_judged_again(street: Site, keeper: KeeperService) -> None:
    street.add_post("post-2")
    with street.post("post-2") as post:
        created = post.send(5)
        first = post.until(5)
        assert Counter(street.verdicts("post-2").values()) == {"foreign": 5}
        post.forget()
        street.export()
        street.until(lambda: ["post-2"] in [one.get("posts") for one in keeper.events])
        street.until(lambda: set(street.verdicts("post-2").values()) == {"genuine"})
        assert post.until(5).number > first.number, "receipted again, as what is held may be more"
        created += post.send(1)
        post.until(6)
        assert set(street.verdicts("post-2")) == {(record.sequence, record.digest) for record in created}


def test_a_forged_first_comer_blocks_nothing(street: Site, keeper: KeeperService) -> None:
    assert keeper.process.poll() is None
    street.add_post("post-4")
    street.export()
    with street.post("post-4") as post:
        stranger = Sender(street.fleet, post.connection, ExampleSigner(), source=post.source)
        foreign = stranger.send(3)
        created = [post.recorder.record(example_audit("boot")) for _ in range(3)]
        event = created[0].event
        event["data"]["action"] = "configuration_applied"
        post.connection.publish(created[0].topic, json.dumps(event).encode(), retain=False)
        street.until(lambda: Counter(street.verdicts("post-4").values()) == {"foreign": 3, "forged": 1})
        for record in created:
            post.resend(record)
        fields = post.receipt(lambda receipt: any(stored.digest == created[-1].digest for stored in receipt.ranges))
        assert (fields.ranges[0].first, fields.ranges[0].last) == (1, 3)
        verdicts = street.verdicts("post-4")
    assert {verdicts[record.sequence or 0, record.digest] for record in created} == {"genuine"}
    assert {verdicts[record.sequence or 0, record.digest] for record in foreign} == {"foreign"}


def test_an_older_register_is_refused_and_named(street: Site, keeper: KeeperService) -> None:
    old = street.fleet.register.read_bytes()
    street.add_post("post-5")
    street.export()
    street.until(lambda: ["post-5"] in [one.get("posts") for one in keeper.events])
    street.register.write_bytes(old)
    assert "older than" in keeper.until("register_refused")["reason"]
    street.export()


def test_a_service_manager_hears_that_it_is_ready_and_alive_and_ends(
    service_messages: list[str], keeper: KeeperService
) -> None:
    """The last of this file: the keeper ends."""
    assert keeper.stop() == 0
    assert next(one for one in service_messages if one != "WATCHDOG=1").startswith("READY=1")
    assert "WATCHDOG=1" in service_messages
    assert any("subscribed" in one for one in service_messages)
    assert any(one.startswith("STOPPING=1") for one in service_messages)
