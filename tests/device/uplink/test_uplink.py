"""The uplink against a real mosquitto."""

import contextlib
import logging
import shutil
import socket
import ssl
import threading
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from cryptography import x509

from platepost.common.signals import CHILDREN_SECONDS, ORDERLY_SECONDS, stop_on_signals
from platepost.device.outbox.custody import Requirements
from platepost.device.outbox.outbox import Outbox
from platepost.device.uplink.brokers import Backoff
from platepost.device.uplink.inbox import Delivery
from platepost.wire.contract.examples import example_audit, example_health, example_status
from platepost.wire.records import Keyring, Recorder, Signer, Source, new_identifier
from platepost.wire.records.receipt import KeptRange
from platepost.wire.verify.verify import Verifier
from tests.rigs import make_uplink

Bench: TypeAlias = Any  # conftest's

pytestmark = pytest.mark.end_to_end
PACKAGE = "alpr/v1/demo/hotlist/package"


def test_a_broker_that_was_killed_gets_all_that_came_meanwhile(bench: Bench) -> None:
    """What it acknowledged and forgot is for receipts to make up: the conformance suite kills it in the middle."""
    broker = bench.broker()
    keeper = bench.keeper(broker)
    sent: list[str] = []
    with bench.uplink(bench.settings(broker), on_connected=bench.birth) as uplink:
        for number in range(150):
            if number == 50:
                # With nothing under way, for a broker may forget what it has acknowledged and not yet delivered.
                bench.wait_for(lambda: bench.outbox.depth() == 0, what="the first acknowledgments")
                bench.wait_for(lambda: len(keeper.ids) == bench.outbox.head.sequence, what="the first records")
                broker.kill()
            if number == 100:
                broker.start()
            sent.append(bench.audit(number).id)
        bench.wait_for(lambda: set(sent) <= keeper.ids, what="all records")
        bench.wait_for(lambda: bench.outbox.depth() == 0, what="the outbox to empty")
        bench.wait_for(lambda: len(keeper.ids) == bench.outbox.head.sequence, what="what was not recorded here")
        assert uplink.state().problem is None
        shown = x509.load_pem_x509_certificate((bench.authority.directory / f"broker-{broker.port}.pem").read_bytes())
        assert uplink.state().certificate_expires == shown.not_valid_after_utc
        assert uplink.drain(60)
    verifier = Verifier(Keyring.from_pem(bench.signer.public_pem), redelivery=True, whole=True)
    report = verifier.feed_all(keeper.bodies)
    assert report.problems == ()
    assert report.chained == bench.outbox.head.sequence == len(keeper.ids)


def record_until_killed(path: Path, key: bytes, settings: dict[str, Any]) -> None:
    outbox = Outbox(path, key=bytes(32))
    recorder = Recorder(outbox, Signer.from_pem(key), Source("demo", "post-1"))
    will = recorder.unchained(example_status("offline", new_identifier()))
    make_uplink(outbox, settings, will=lambda: will).start()
    while True:
        recorder.record(example_audit("boot"))


def test_what_a_killed_run_had_under_way_is_sent_by_the_next(bench: Bench) -> None:
    broker = bench.broker()
    keeper = bench.keeper(broker)
    path = bench.directory / "killed" / "outbox.db"
    key = bench.signer._key.as_pem(private=True)
    # From a process without threads: this one has those of its subscriber.
    child = get_context("forkserver").Process(target=record_until_killed, args=(path, key, bench.settings(broker)))
    child.start()
    bench.wait_for(lambda: len(keeper.bodies) > 40, what="records of the first run")
    child.kill()
    child.join()
    with Outbox(path, key=bytes(32)) as outbox:
        left = {envelope.id for envelope in outbox.next(10_000)}
        bench.outbox = outbox
        uplink = bench.uplink(bench.settings(broker))
        uplink.start()
        assert uplink.drain(60)
        bench.wait_for(lambda: left <= keeper.ids, what="what was left")
        head = outbox.head
    verifier = Verifier(Keyring.from_pem(bench.signer.public_pem), redelivery=True, whole=True)
    report = verifier.feed_all(keeper.bodies)
    assert report.problems == ()
    assert report.chained == head.sequence


def test_records_wait_for_a_broker_that_is_away_and_arrive_in_order(bench: Bench) -> None:
    broker = bench.broker()
    settings = bench.settings(broker)
    broker.kill()
    sent = {bench.audit(number).id for number in range(30)}
    first = bench.uplink(settings)
    first.start()
    bench.wait_for(lambda: first.state().problem == "connection_refused", what="the problem's name")
    assert not first.drain(0.2)
    broker.start()
    keeper = bench.keeper(broker)
    with bench.uplink(settings) as second:
        bench.wait_for(lambda: sent <= keeper.ids, what="all records")
        assert second.drain(60)
    assert [event["data"]["details"]["number"] for event in keeper.events] == list(range(30))


def test_a_command_that_was_asked_to_end_has_less_time_to_deliver_what_waits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    uplink = bench.uplink(bench.settings(bench.broker(), drain_seconds=40.0))
    monkeypatch.setattr(uplink, "drain", given.append)
    with stop_on_signals() as stop:
        uplink.stop()
        stop.request()
        uplink.stop()
        stop.allow(40.0 + ORDERLY_SECONDS)
        uplink.stop()
    assert given[0] == 40.0
    assert given[1] <= CHILDREN_SECONDS
    assert CHILDREN_SECONDS < given[2] <= 40.0


def test_birth_is_retained_and_the_will_follows_a_post_that_dies(bench: Bench) -> None:
    broker = bench.broker()
    uplink = bench.uplink(bench.settings(broker, optional_receivers=("status",)), on_connected=bench.birth)
    uplink.start()
    bench.wait_for(lambda: uplink.state().acknowledged == 1, what="the birth")
    keeper = bench.keeper(broker)
    bench.wait_for(lambda: keeper.retained == [True], what="the retained status")
    assert keeper.events[0]["data"]["state"] == "online"
    assert keeper.events[0]["sequence"] == 1
    bench.outbox.close()  # nothing can be delivered any more
    bench.wait_for(lambda: not uplink.state().connected, what="the end")
    bench.wait_for(lambda: keeper.events[-1]["data"]["state"] == "offline", what="the will")
    assert "sequence" not in keeper.events[-1]
    assert keeper.topics[-1] == "alpr/v1/demo/post-1/status"
    bench.wait_for(lambda: uplink.state().problem == "outbox_failed", what="the problem's name")
    uplink.drain(0.1)


def test_a_post_that_stops_in_order_leaves_no_will(bench: Bench) -> None:
    broker = bench.broker()
    keeper = bench.keeper(broker)
    with bench.uplink(bench.settings(broker), on_connected=bench.birth) as uplink:
        bench.wait_for(lambda: uplink.state().acknowledged == 1, what="the birth")
        assert uplink.drain(60)
    # A will would have come before what the same post sends in its next life.
    with bench.uplink(bench.settings(broker), on_connected=bench.birth):
        bench.wait_for(lambda: len(keeper.events) >= 2, what="the next birth")
    assert [event["data"]["state"] for event in keeper.events[:2]] == ["online", "online"]


def test_a_post_that_stops_with_records_left_has_the_will_published(bench: Bench) -> None:
    rights = "user post-1\ntopic write alpr/v1/demo/post-1/status\nuser keeper\ntopic read alpr/v1/demo/#\n"
    broker = bench.broker(rights=rights)
    keeper = bench.keeper(broker)
    bench.audit()
    with bench.uplink(bench.settings(broker), on_connected=bench.birth) as uplink:
        bench.wait_for(lambda: uplink.state().acknowledged == 1, what="the birth")
        assert not uplink.drain(0.2)
    bench.wait_for(lambda: keeper.events[-1]["data"]["state"] == "offline", what="the will")


def test_a_denied_topic_is_named_and_holds_up_no_other(bench: Bench) -> None:
    rights = "user post-1\ntopic write alpr/v1/demo/post-1/status\nuser keeper\ntopic read alpr/v1/demo/#\n"
    broker = bench.broker(rights=rights)
    keeper = bench.keeper(broker)
    sent = {bench.audit(number).id for number in range(30)}
    settings = bench.settings(broker, first_refusal_wait_seconds=0.3, max_refusal_wait_seconds=0.6)
    with bench.uplink(settings, on_connected=bench.birth) as uplink:
        bench.wait_for(lambda: len(keeper.bodies) == 1, what="the status")
        bench.wait_for(lambda: any(r.attempts >= 2 for r in uplink.state().refusals), what="a second attempt")
        (refusal,) = uplink.state().refusals
        assert refusal.topic == "alpr/v1/demo/post-1/audit"
        assert refusal.reason == "not_authorized"
        bench.wait_for(lambda: bench.outbox.depth() == 30, what="the status to settle")
        assert broker.log().count("Denied PUBLISH") <= 6, "a hot loop"
        broker.rights = rights.replace("/status", "/#")
        broker.stop()
        broker.start()
        bench.wait_for(lambda: sent <= keeper.ids, what="the records, once allowed")
        bench.wait_for(lambda: bench.outbox.depth() == 0, what="the outbox to empty")
        assert uplink.state().refusals == ()


def test_records_that_nobody_subscribes_to_wait_for_a_subscriber(bench: Bench) -> None:
    broker = bench.broker()
    sent = {bench.audit(number).id for number in range(5)} | {bench.hit().id}
    with bench.uplink(bench.settings(broker, first_refusal_wait_seconds=0.2, max_refusal_wait_seconds=0.4)) as uplink:
        bench.wait_for(lambda: len(uplink.state().refusals) == 2, what="the topics' names")
        bench.wait_for(lambda: any(r.attempts >= 2 for r in uplink.state().refusals), what="a second attempt")
        assert {refusal.reason for refusal in uplink.state().refusals} == {"no_matching_subscribers"}
        assert bench.outbox.depth() == 6
        keeper = bench.keeper(broker)
        bench.wait_for(lambda: sent <= keeper.ids, what="the records, once somebody listens")
        bench.wait_for(lambda: bench.outbox.depth() == 0, what="the outbox to empty")


def test_what_a_broker_forgets_when_it_dies_after_acknowledging_is_sent_again(bench: Bench) -> None:
    """The custodian's receipt leaves it out."""
    broker = bench.broker(extra="autosave_on_changes false")
    keeper = bench.keeper(broker)
    broker.wait_for_saving()
    keeper.client.disconnect()
    keeper.client.loop_stop()
    bench.outbox.require(Requirements(in_force=True, open=frozenset({"records"})))
    hurry = {"missing_receipt_resend_seconds": 0.2, "first_resend_seconds": 0.4}
    with bench.uplink(bench.settings(broker, **hurry)) as uplink:
        sent = [bench.audit(number) for number in range(20)]
        bench.wait_for(lambda: bench.outbox.backlog().sent == 20, what="the acknowledgments")
        broker.kill()
        bench.wait_for(lambda: not uplink.state().connected, what="the loss")
        broker.start()
        bench.wait_for(lambda: uplink.state().connected, what="the connection")
        again = bench.keeper(broker)
        bench.wait_for(lambda: sent[0].id in again.ids, what="the probe")
        chain = sent[0].event["chain"]
        first = KeptRange(first=1, last=1, digest=sent[0].digest)

        def answered() -> bool:
            bench.outbox.take_receipt("records", chain, [first])
            return {envelope.id for envelope in sent} <= again.ids

        bench.wait_for(answered, what="all records")
        whole = KeptRange(first=1, last=20, digest=sent[-1].digest)
        bench.outbox.take_receipt("records", chain, [whole])
        assert bench.outbox.backlog().sent == 0


def test_a_stop_does_not_wait_for_receipts(bench: Bench) -> None:
    broker = bench.broker()
    keeper = bench.keeper(broker)
    bench.outbox.require(Requirements(in_force=True, open=frozenset({"records"})))
    began = time.monotonic()
    with bench.uplink(bench.settings(broker)) as uplink:
        sent = {bench.audit(number).id for number in range(20)}
        assert uplink.drain(120)
        backlog = bench.outbox.backlog()
    assert time.monotonic() - began < 60
    assert sent == keeper.ids
    assert (backlog.depth, backlog.sent, backlog.oldest_age_seconds) == (0, 20, None)
    with bench.uplink(bench.settings(broker)) as uplink:
        bench.audit(20)
        bench.wait_for(lambda: len(keeper.bodies) == 21, what="a record after them")
    assert len(keeper.bodies) == 21, "they are not sent once more"


def test_tls_1_2_is_refused(bench: Bench) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*bench.authority.issue("broker", server=True))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    accepted: list[str | None] = []

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                    accepted.append(secured.version())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        settings = bench.settings(brokers=(f"localhost:{listener.getsockname()[1]}",))
        with bench.uplink(settings) as uplink:
            bench.wait_for(lambda: uplink.state().problem == "tls_version_refused", what="the problem's name")
        listener.shutdown(socket.SHUT_RDWR)
    assert accepted == []


def test_a_certificate_of_another_authority_is_refused_and_named(bench: Bench, tmp_path: Path) -> None:
    broker = bench.broker()
    stranger = type(bench.authority)(tmp_path / "stranger")
    certificate, key = stranger.issue("post-1")
    bench.audit()
    with bench.uplink(bench.settings(broker, certificate=certificate, private_key=key)) as uplink:
        bench.wait_for(lambda: uplink.state().problem == "client_certificate_refused", what="the problem's name")
        assert not uplink.drain(0.1)
    assert bench.outbox.depth() == 1


def test_no_certificate_is_refused(bench: Bench) -> None:
    broker = bench.broker()
    context = ssl.create_default_context(cafile=str(bench.authority.ca))
    with (
        socket.create_connection(("localhost", broker.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
        pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"),
    ):
        secured.recv(1)


def test_another_posts_place_cannot_be_taken(bench: Bench) -> None:
    broker = bench.broker()
    keeper = bench.keeper(broker)
    bench.audit()
    with bench.uplink(bench.settings(broker, name="post-2")) as uplink:
        bench.wait_for(lambda: bool(uplink.state().refusals), what="the refusal")
        uplink.drain(0.1)
    assert keeper.bodies == []


def test_a_broker_of_another_name_is_refused(bench: Bench) -> None:
    broker = bench.broker()
    with bench.uplink(bench.settings(broker, brokers=(f"127.0.0.1:{broker.port}",))) as uplink:
        bench.wait_for(
            lambda: uplink.state().problem == "broker_certificate_of_another_name", what="the problem's name"
        )


def test_a_renewed_certificate_is_used_without_restart(bench: Bench) -> None:
    broker = bench.broker()
    settings = bench.settings(broker)
    hidden = settings["settings"].certificate.with_suffix(".hidden")
    shutil.move(settings["settings"].certificate, hidden)
    with bench.uplink(settings) as uplink:
        bench.wait_for(lambda: uplink.state().problem == "identity_unreadable", what="the problem's name")
        shutil.move(hidden, settings["settings"].certificate)
        bench.wait_for(lambda: uplink.state().connected, what="a connection")


def test_a_certificate_renewed_while_the_post_waits_for_its_next_attempt_is_used_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Backoff, "failed", lambda _: 3000.0)
    broker = bench.broker()
    settings = bench.settings(broker, renewal_check_seconds=0.05)
    hidden = settings["settings"].certificate.with_suffix(".hidden")
    shutil.move(settings["settings"].certificate, hidden)
    with bench.uplink(settings) as uplink:
        bench.wait_for(lambda: uplink.state().retry_in_seconds is not None, what="the wait")
        shutil.move(hidden, settings["settings"].certificate)
        bench.wait_for(lambda: uplink.state().connected, what="a connection")


def test_a_certificate_replaced_while_connected_is_used_at_once(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    broker = bench.broker()
    keeper = bench.keeper(broker)
    settings = bench.settings(broker, renewal_check_seconds=0.05)
    with bench.uplink(settings, on_connected=bench.birth) as uplink:
        bench.wait_for(lambda: len(keeper.bodies) == 1, what="the birth")
        directory, bench.authority.directory = bench.authority.directory, tmp_path
        certificate, key = bench.authority.issue("post-1")
        bench.authority.directory = directory
        shutil.move(certificate, settings["settings"].certificate)  # without its key it is of no use yet
        bench.wait_for(lambda: caplog.text.count("cannot be used yet") > 2, what="several tries of it")
        assert len(keeper.bodies) == 1
        shutil.move(key, settings["settings"].private_key)
        bench.wait_for(lambda: len(keeper.bodies) == 2, what="the birth of the next connection")
        assert uplink.state().failures == 0
    assert [event["data"]["state"] for event in keeper.events] == ["online", "online"], "no will in between"


def test_the_post_returns_to_its_preferred_broker(bench: Bench) -> None:
    first, second = bench.broker(), bench.broker()
    first.kill()
    settings = bench.settings(first, second, preferred_broker_check_seconds=0.2)
    with bench.uplink(settings) as uplink:
        bench.wait_for(lambda: uplink.state().connected, what="a connection")
        assert uplink.state().broker == f"localhost:{second.port}"
        first.start()
        bench.wait_for(lambda: uplink.state().broker == f"localhost:{first.port}", what="the return")
        bench.wait_for(lambda: uplink.state().connected, what="a connection")


def test_the_next_broker_takes_over(bench: Bench) -> None:
    first, second = bench.broker(), bench.broker()
    bench.keeper(second)
    with bench.uplink(bench.settings(first, second)) as uplink:
        bench.wait_for(lambda: uplink.state().connected, what="a connection")
        assert uplink.state().broker == f"localhost:{first.port}"
        first.kill()
        bench.audit()
        bench.wait_for(lambda: bench.outbox.depth() == 0, what="delivery")
        assert uplink.state().broker == f"localhost:{second.port}"


def test_hits_expire_and_carry_their_content_type(bench: Bench) -> None:
    broker = bench.broker()
    keeper = bench.keeper(broker)
    bench.hit()
    bench.audit()
    with bench.uplink(bench.settings(broker)):
        bench.wait_for(lambda: len(keeper.bodies) == 2, what="both records")
    hit, audit = keeper.properties
    assert keeper.topics[0] == "alpr/v1/demo/post-1/hit/stolen_vehicle"
    assert 86_000 < hit.MessageExpiryInterval <= 86_400
    assert hit.ContentType == "application/cloudevents+json; charset=utf-8"
    assert not hasattr(audit, "MessageExpiryInterval")


def test_health_goes_at_once_or_not_at_all(bench: Bench) -> None:
    broker = bench.broker()
    keeper = bench.keeper(broker)
    envelope = bench.recorder.unchained(example_health(bench.hit().event["data"]["hit"]))
    uplink = bench.uplink(bench.settings(broker))
    assert not uplink.send_now(envelope)
    with uplink:
        bench.wait_for(lambda: uplink.state().connected, what="a connection")
        assert uplink.send_now(envelope)
        bench.wait_for(lambda: envelope.id in keeper.ids, what="health")
    assert len(keeper.bodies) == 2


def test_a_package_reaches_its_handler_once(bench: Bench) -> None:
    broker = bench.broker()
    keeper = bench.keeper(broker)
    keeper.client.publish(PACKAGE, b"first", qos=1, retain=True).wait_for_publish(60)
    got: list[bytes] = []
    seen = threading.Event()

    def handler(delivery: Delivery) -> None:
        got.append(delivery.payload)
        seen.set()
        if delivery.payload == b"first":
            raise ValueError("a bad package must not end deliveries")

    with bench.uplink(bench.settings(broker), subscriptions={PACKAGE: handler}) as uplink:
        assert seen.wait(60)
        broker.stop()
        bench.wait_for(lambda: not uplink.state().connected, what="the loss")
        broker.start()
        bench.wait_for(lambda: uplink.state().connected, what="a new connection")
        keeper.ready.clear()
        assert keeper.ready.wait(60)
        keeper.client.publish(PACKAGE, b"second", qos=1, retain=True).wait_for_publish(60)
        bench.wait_for(lambda: b"second" in got, what="the second package")
        assert got == [b"first", b"second"]
        assert uplink.state().refused_subscriptions == ()


def test_a_package_that_came_while_the_post_was_away_waits_for_it(bench: Bench) -> None:
    broker = bench.broker()
    keeper = bench.keeper(broker)
    got: list[bytes] = []
    settings, subscribed = bench.settings(broker), "post-1 1 alpr/v1/demo/hotlist/package"
    with bench.uplink(settings, subscriptions={PACKAGE: lambda delivery: got.append(delivery.payload)}) as uplink:
        bench.wait_for(lambda: subscribed in broker.log(), what="the subscription")
        uplink.drain(1)
    keeper.client.publish(PACKAGE, b"package", qos=1, retain=True).wait_for_publish(60)
    with bench.uplink(settings, subscriptions={PACKAGE: lambda delivery: got.append(delivery.payload)}):
        bench.wait_for(lambda: bool(got), what="the package")
        bench.wait_for(lambda: broker.log().count(subscribed) == 2, what="the retained copy, which this brings")
        keeper.client.publish(PACKAGE, b"next", qos=1, retain=True).wait_for_publish(60)
        bench.wait_for(lambda: b"next" in got, what="what comes after both")
    assert got == [b"package", b"next"], "the session's copy and the retained one are the same"


def test_a_broker_that_takes_little_gets_hits_without_pictures(bench: Bench) -> None:
    broker = bench.broker(extra="max_packet_size 4500")
    keeper = bench.keeper(broker)
    both, none = bench.hit(picture_bytes=100), bench.hit(picture_bytes=3000)
    one = bench.hit(picture_bytes=400)
    bench.audit(padding=5000)
    small = bench.audit()
    with bench.uplink(bench.settings(broker)) as uplink:
        bench.wait_for(lambda: {both.id, one.id, none.id, small.id} <= keeper.ids, what="what fits")
        bench.wait_for(lambda: uplink.state().too_large == 1, what="the count")
        assert uplink.state().pictures_left_out == 2
        bench.wait_for(lambda: bench.outbox.depth() == 1, what="the rest to settle")
        uplink.drain(0.1)
    kept = {
        event["id"]: [picture["kind"] for picture in event["data"].get("pictures", ()) if "data" in picture]
        for event in keeper.events
        if event["type"] != "platepost.status.v1"  # the will
    }
    assert kept == {both.id: ["patch", "overview"], one.id: ["patch"], none.id: [], small.id: []}
    assert Verifier(Keyring.from_pem(bench.signer.public_pem)).feed_all(keeper.bodies[:3]).intact


def test_an_ended_uplink_does_not_mind_what_is_recorded_later(bench: Bench) -> None:
    broker = bench.broker()
    uplink = bench.uplink(bench.settings(broker))
    uplink.start()
    assert uplink.drain(60)
    assert uplink.drain(60)
    bench.audit()
    assert bench.outbox.depth() == 1
