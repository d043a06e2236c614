"""What the uplink needs of a broker, and whether the post does its work with each unchanged."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from platepost.device.uplink.inbox import Delivery
from platepost.simulator.brokers.daemon import free_port
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.keeper.keeper import STORE
from platepost.wire.contract.examples import example_status
from platepost.wire.records import Keyring, Source, hotlist_package, new_identifier
from platepost.wire.verify.verify import Verifier
from tests.conformance.stands import AGENCY, Stand
from tests.rabbitmq import RabbitCluster
from tests.waiting import until

pytestmark = pytest.mark.end_to_end

PACKAGE = hotlist_package(AGENCY)


def test_records_are_delivered_and_acknowledged(stand: Stand) -> None:
    with stand.post() as post:
        keeper = stand.keeper(post)
        sent = [post.audit(number).id for number in range(60)]
        with post.uplink() as uplink:
            until(lambda: set(sent) <= set(keeper.ids), what="the records")
            until(lambda: post.outbox.depth() == 0, what="the outbox to empty")
            assert uplink.state().problem is None
        assert keeper.ids == sent


def test_several_records_are_under_way_at_a_time(stand: Stand) -> None:
    with stand.post() as post:
        keeper = stand.keeper(post)
        sent = {post.audit(number).id for number in range(400)}
        with post.uplink(post.settings(max_unacknowledged=100)) as uplink:
            until(lambda: set(keeper.ids) == sent, what="the records")
            assert uplink.state().failures == 0


def test_a_large_record_passes(stand: Stand) -> None:
    with stand.post() as post:
        keeper = stand.keeper(post)
        large = post.audit(padding=60_000).id
        with post.uplink() as uplink:
            until(lambda: large in keeper.ids, what="the record")
            assert uplink.state().too_large == 0


def test_status_is_retained_and_the_will_follows(stand: Stand) -> None:
    with stand.post() as post:
        uplink = post.uplink(post.settings(optional_receivers=("status",)), on_connected=post.birth)
        uplink.start()
        until(lambda: uplink.state().acknowledged == 1, what="the birth")
        # What RabbitMQ retains lies on the node that took it.
        node = uplink.state().broker if isinstance(stand.broker, RabbitCluster) else None
        keeper = stand.keeper(post, address=node)
        until(lambda: keeper.states == [("online", True)], what="the retained status")
        post.outbox.close()  # the post fails
        until(lambda: keeper.states[-1] == ("offline", False), what="the will")
        late = stand.keeper(post, address=node)
        until(lambda: late.states[:1] == [("offline", True)], what="the retained will")
        uplink.drain(0)


def test_a_repeated_status_is_retained_and_forgotten_when_it_is_no_longer_good(stand: Stand) -> None:
    seconds = 3
    with stand.post() as post, post.uplink() as uplink:
        status = post.recorder.source.topic("status")
        until(lambda: uplink.state().connected, what="the connection")
        node = uplink.state().broker if isinstance(stand.broker, RabbitCluster) else None
        there = stand.keeper(post, address=node)
        uplink.send_now(post.recorder.unchained(example_status("online", new_identifier())), expiry_seconds=seconds)
        until(lambda: there.states == [("online", False)], what="the repeat")
        early = stand.keeper(post, address=node)
        until(lambda: early.states == [("online", True)], what="what is retained")
        assert 1 <= early.messages[0].properties.MessageExpiryInterval <= seconds  # type: ignore[union-attr]
        late = stand.keeper(post, address=node)
        late.client.on_subscribe = None

        def forgotten() -> bool:
            """Subscribe again, and tell whether a record of now comes without what was retained."""
            late.messages.clear()
            late.client.subscribe(status, qos=1)
            after = post.audit().id
            until(lambda: after in late.ids, what="the next record")
            return late.ids == [after]

        until(forgotten, what="the broker to forget what is no longer good")


def test_what_comes_while_the_post_is_away_waits_for_it(stand: Stand) -> None:
    got: list[bytes] = []

    def take(delivery: Delivery) -> None:
        got.append(delivery.payload)

    department = stand.client(stand.fleet.publisher, "department")
    stand.connect(department)
    with stand.post() as post:
        with post.uplink(subscriptions={PACKAGE: take}):
            until(lambda: department.publish(PACKAGE, b"a", qos=1).rc == 0 and bool(got), what="the subscription")
        department.publish(PACKAGE, b"b", qos=1).wait_for_publish(60)
        with post.uplink(subscriptions={PACKAGE: take}):
            until(lambda: b"b" in got, what="what came meanwhile")


def test_records_without_a_subscriber_are_kept(stand: Stand) -> None:
    with stand.post() as post:
        sent = {post.audit(number).id for number in range(3)}
        with post.uplink(post.settings(first_refusal_wait_seconds=0.2)) as uplink:
            until(lambda: bool(uplink.state().refusals), what="the reason")
            assert [refusal.reason for refusal in uplink.state().refusals] == ["no_matching_subscribers"]
            keeper = stand.keeper(post)
            until(lambda: sent <= set(keeper.ids), what="the records")


def test_a_denied_record_is_named_and_not_repeated_without_end(stand: Stand, note: list[str]) -> None:
    department = stand.client(stand.fleet.publisher, "department")
    stand.connect(department)
    with stand.post(name="post-55") as impostor:
        keeper = stand.keeper("post-55")
        impostor.audit()
        with impostor.uplink(impostor.settings(first_refusal_wait_seconds=60)) as uplink:
            until(lambda: bool(uplink.state().refusals), what="the refusal")
            (refusal,) = uplink.state().refusals
            assert refusal.topic == f"alpr/v1/{AGENCY}/post-55/audit"
            note.append(f"named {refusal.reason}")
            acknowledged = uplink.state().acknowledged
            for _ in range(100):  # meanwhile a loop would go round
                department.publish(PACKAGE, b"", qos=1).wait_for_publish(60)
            assert uplink.state().acknowledged == acknowledged == 0
            assert uplink.state().failures <= 3
            uplink.drain(0)
        assert keeper.ids == []


def test_a_denied_record_holds_up_no_other(stand: Stand) -> None:
    with stand.post() as post:
        keeper = stand.keeper(post)
        own, post.recorder.source = post.recorder.source, Source(AGENCY, "post-55")
        post.audit()
        post.recorder.source = own
        post.birth()
        sent = {envelope.id for envelope in post.outbox.next(2)[1:]}
        with post.uplink() as uplink:
            until(lambda: sent <= set(keeper.ids), what="the other record")
            uplink.drain(0)


def test_a_refused_subscription_keeps_no_record_from_going(stand: Stand) -> None:
    with stand.post() as post:
        keeper = stand.keeper(post)
        sent = post.audit().id
        foreign = f"alpr/v1/{AGENCY}/post-55/command/+"
        with post.uplink(subscriptions={foreign: lambda _: None, PACKAGE: lambda _: None}) as uplink:
            until(lambda: sent in keeper.ids, what="the record")
            until(lambda: post.outbox.depth() == 0, what="the outbox to empty")
            uplink.drain(0)


def bodies_in(folder: Path, post: str) -> list[bytes]:
    """Return the records of a post that a custodian which has ended keeps, in the order of their numbers."""
    with closing(sqlite3.connect(folder / STORE)) as store:
        rows = store.execute("SELECT body FROM records WHERE post = ? ORDER BY number", (post,)).fetchall()
    return [body for (body,) in rows]


def test_nothing_is_lost_when_the_broker_is_killed(stand: Stand) -> None:
    # mosquitto forgets what it acknowledged and had not delivered yet: the custodian's receipts make up for it.
    with stand.post() as post:
        with (
            stand.custodian() as kept,
            post.uplink(
                post.settings(first_resend_seconds=0.5, missing_receipt_resend_seconds=1.0), on_connected=post.birth
            ) as uplink,
        ):
            post.wait_for_receipts(uplink)
            until(lambda: uplink.state().connected, what="a connection")
            for number in range(150):
                post.audit(number)
                if number == 50:
                    until(lambda: uplink.state().acknowledged > 10, what="first records")
                    restart = stand.kill_where_connected(uplink)
            restart()
            until(lambda: post.held == 0, what="the receipts")
        bodies = bodies_in(kept, post.name)
        verifier = Verifier(Keyring.from_pem(post.signer.public_pem), whole=True)
        assert verifier.feed_all(bodies).problems == ()
        assert len(bodies) == post.outbox.head.sequence >= 151


def test_what_a_subscriber_had_not_acknowledged_comes_again_soon_after_a_kill(stand: Stand, note: list[str]) -> None:
    with stand.post() as post:
        keeper = stand.keeper(post)
        keeper.client.manual_ack_set(True)
        sent = {post.audit(number).id for number in range(10)}
        with post.uplink(on_connected=post.birth):
            until(lambda: sent <= set(keeper.ids), what="the records")
            until(lambda: post.outbox.depth() == 0, what="the broker to acknowledge them")
            if isinstance(stand.broker, Broker):  # mosquitto saves after it has acknowledged
                broker = stand.broker
                until(lambda: all(each.encode() in broker.saved() for each in sent), what="mosquitto to save them")
            keeper.messages.clear()
            keeper.client.manual_ack_set(False)
            restart = stand.kill_where_subscribed()
            restart()
            started = time.monotonic()
            until(lambda: sent <= set(keeper.ids), what="the records again")
            seconds = time.monotonic() - started
            note.append(f"after {seconds:.0f} s")


def test_another_address_of_the_list_takes_over(stand: Stand) -> None:
    dead = f"localhost:{free_port()}"
    with stand.post() as post:
        keeper = stand.keeper(post)
        sent = post.audit().id
        with post.uplink(post.settings(brokers=(dead, *stand.broker.addresses))):
            until(lambda: sent in keeper.ids, what="the record")
